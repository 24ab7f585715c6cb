"""Which adapter, which interface and which token an address leads to: by settings alone."""

from __future__ import annotations

from typing import Any, get_args

import httpx
import pytest

from csoc.adapters.githost.factory import KINDS, githost_for
from csoc.adapters.githost.gitea import GiteaHost
from csoc.adapters.githost.github import GitHubHost
from csoc.config import Credential, GitHostSettings, Settings
from csoc.errors import DeniedError, RejectedError
from csoc.fleet.githost import (
    BranchProtection,
    Check,
    CheckState,
    Mergeable,
    PullRequest,
    PullState,
    Review,
    Verdict,
    hosted_repository,
    missing_for_merge,
)


def asked(address: str, settings: Settings, **options: Any) -> tuple[object, httpx.Request]:
    """The adapter for an address, and the request that it makes for the default branch."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"default_branch": "main"})

    host = githost_for(address, settings, transport=httpx.MockTransport(handler), **options)
    host.default_branch()
    return host, seen[0]


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WIDE", "NARROW", "GITEA", "ENTERPRISE", "SUB"):
        monkeypatch.setenv(name, f"token-{name.lower()}")


SETTINGS = Settings(
    git_hosts=(
        GitHostSettings(url="https://git.example.org", kind="gitea", token_env="GITEA"),
        GitHostSettings(url="https://git.example.org/sub", kind="gitea", token_env="SUB"),
        GitHostSettings(url="https://code.example.org:8443", kind="github", token_env="ENTERPRISE"),
        GitHostSettings(url="http://127.0.0.1:3000", kind="gitea", api_url="http://127.0.0.1:1/api", token_env="GITEA"),
    ),
    credentials=(
        Credential(url_prefix="https://github.com", kind="token", token_env="WIDE"),
        Credential(url_prefix="https://github.com/acme", kind="token", token_env="NARROW"),
    ),
)


GITHUB, GITEA = "https://api.github.com", "https://git.example.org"


@pytest.mark.parametrize(
    ("address", "kind", "url", "authorization"),
    [
        (
            "https://github.com/acme/fleet.git",
            GitHubHost,
            "https://api.github.com/repos/acme/fleet",
            "Bearer token-narrow",
        ),
        ("git@github.com:acme/fleet.git", GitHubHost, f"{GITHUB}/repos/acme/fleet", "Bearer token-narrow"),
        ("https://github.com/acme2/fleet", GitHubHost, f"{GITHUB}/repos/acme2/fleet", "Bearer token-wide"),
        ("https://git.example.org/a/b", GiteaHost, f"{GITEA}/api/v1/repos/a/b", "token token-gitea"),
        (
            "ssh://git@git.example.org:2222/a/b",
            GiteaHost,
            "https://git.example.org/api/v1/repos/a/b",
            "token token-gitea",
        ),
        (
            "https://git.example.org/sub/a/b",
            GiteaHost,
            "https://git.example.org/sub/api/v1/repos/a/b",
            "token token-sub",
        ),
        (
            "https://code.example.org:8443/a/b",
            GitHubHost,
            "https://code.example.org:8443/api/v3/repos/a/b",
            "Bearer token-enterprise",
        ),
        ("http://127.0.0.1:3000/a/b", GiteaHost, "http://127.0.0.1:1/api/repos/a/b", "token token-gitea"),
    ],
)
def test_an_address_leads_to_the_host_of_the_settings_with_its_own_token(
    address: str, kind: type, url: str, authorization: str
) -> None:
    host, request = asked(address, SETTINGS)
    assert isinstance(host, kind)
    assert str(request.url) == url
    assert request.headers["authorization"] == authorization


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example.org/a/b",
        "https://code.example.org/a/b",
        "http://git.example.org/a/b",
        "http://github.com/a/b",
        "https://github.com.evil.example.org/a/b",
    ],
)
def test_a_host_that_the_settings_do_not_name_is_not_spoken_to(address: str) -> None:
    with pytest.raises(DeniedError, match="git_hosts"):
        githost_for(address, SETTINGS)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme",
        "https://github.com/acme/fleet/tree/main",
        "https://github.com/acme/fl%2e%2e",
        "https://github.com/acme/a%20b",
        "/srv/git/fleet",
        "file:///srv/git/fleet",
        "https://github.com/acme/fleet?x=1",
        "https://user:hunter2@github.com/acme/fleet",
    ],
)
def test_an_address_that_names_no_repository_is_refused_without_repeating_a_password(address: str) -> None:
    with pytest.raises(RejectedError) as raised:
        hosted_repository(address)
    assert "hunter2" not in str(raised.value)


def test_without_a_credential_github_is_asked_without_one() -> None:
    _, request = asked("https://github.com/acme/fleet", Settings())
    assert "authorization" not in request.headers


def test_an_entry_without_a_token_needs_a_credential_for_its_host() -> None:
    settings = Settings(
        git_hosts=(GitHostSettings(url="https://code.example.org", kind="github"),),
        credentials=(Credential(url_prefix="https://github.com", kind="token", token_env="WIDE"),),
    )
    with pytest.raises(DeniedError, match="no credential for this host"):
        githost_for("https://code.example.org/acme/fleet", settings)


def test_a_github_app_gives_its_token_for_each_request() -> None:
    app = Credential(
        url_prefix="https://github.com/acme",
        kind="github-app",
        app_id="1",
        installation_id="2",
        private_key_file="/nonexistent/key.pem",  # type: ignore[arg-type]
    )
    settings = Settings(credentials=(app,))
    _, request = asked("https://github.com/acme/fleet", settings, app_token=lambda one: f"app-{one.installation_id}")
    assert request.headers["authorization"] == "Bearer app-2"


PULL = PullRequest(
    1,
    "https://x/1",
    PullState.OPEN,
    "T",
    "",
    "ada",
    "topic",
    "a/b",
    "a" * 40,
    "main",
    Mergeable.YES,
    reviews=(),
    checks=(),
)


def review(author: str, verdict: Verdict) -> Review:
    return Review(author, verdict, "a" * 40, stale=False)


def test_what_is_missing_for_a_merge_is_counted_by_each_reviewers_standing_verdict() -> None:
    rule = BranchProtection("main", True, required_approvals=2, required_checks=("ci", "lint"))
    reviews = (
        review("bob", Verdict.CHANGES_REQUESTED),
        review("bob", Verdict.APPROVED),
        review("bob", Verdict.COMMENTED),
        review("eve", Verdict.APPROVED),
        review("eve", Verdict.DISMISSED),
        review("kim", Verdict.APPROVED),
        review("kim", Verdict.CHANGES_REQUESTED),
    )
    checks = (Check("ci", CheckState.PENDING),)
    pull = PullRequest(**{**_fields(PULL), "reviews": reviews, "checks": checks, "draft": True})
    assert missing_for_merge(rule, pull) == (
        "it is a draft",
        "main needs 2 approvals, it has 1",
        "changes are requested by kim",
        "check ci is pending",
        "check lint has not reported",
    )


def test_what_could_not_be_read_is_not_counted_as_missing() -> None:
    rule = BranchProtection("main", True, required_approvals=None, required_checks=("ci",))
    pull = PullRequest(**{**_fields(PULL), "reviews": None, "checks": None})
    assert missing_for_merge(rule, pull) == ()


def _fields(pull: PullRequest) -> dict[str, Any]:
    return {name: getattr(pull, name) for name in pull.__slots__}


def test_every_kind_that_the_settings_allow_has_its_row_in_the_table() -> None:
    allowed = get_args(GitHostSettings.model_fields["kind"].annotation)
    assert sorted(allowed) == sorted(KINDS)

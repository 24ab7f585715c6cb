"""Which adapter speaks to the host of an address, by csoc's settings and nothing that a repository says.

github.com needs no entry: it is GitHub, with the credential that the settings name for its addresses. Any other host
is only spoken to if a person listed it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from csoc.adapters.git.github_app import AppTokens, github_api
from csoc.adapters.githost.client import HostClient, Limits
from csoc.adapters.githost.gitea import GiteaHost
from csoc.adapters.githost.github import HEADERS, GitHubHost
from csoc.clock import Clock, system_clock
from csoc.config import Credential, GitHostSettings, Settings
from csoc.errors import DeniedError
from csoc.fleet import addresses
from csoc.fleet.githost import GitHost, HostedRepository, hosted_repository

Tokens = Callable[[Credential], str]
"""Gives the token of a credential that is not a plain one (a GitHub App's lives for an hour)."""

_GITHUB = "https://github.com"


@dataclass(frozen=True, slots=True)
class HostKind:
    """How one kind of host is spoken to. scheme: the word before the token. api_url: from the host's own URL."""

    adapter: Callable[[HostedRepository, HostClient], GitHost]
    scheme: str
    api_url: Callable[[str], str]
    headers: Mapping[str, str] = field(default_factory=dict)


KINDS: Mapping[str, HostKind] = {
    "gitea": HostKind(GiteaHost, "token", lambda url: f"{url}/api/v1"),
    "github": HostKind(GitHubHost, "Bearer", github_api, HEADERS),
}
"""Every kind that the settings' `git_hosts` may name."""


def githost_for(
    address: str,
    settings: Settings,
    *,
    app_token: Tokens | None = None,
    clock: Clock = system_clock,
    wait: Callable[[float], None] = time.sleep,
    limits: Limits | None = None,
    transport: httpx.BaseTransport | None = None,
) -> GitHost:
    """The host of a repository's address. app_token: where tokens of GitHub Apps come from, if they are shared.

    The most specific entry of settings.git_hosts decides. Raises DeniedError (the host is not in the settings, or
    its entry has no credential), RejectedError (the address does not name a repository at a host).
    """
    entry = _entry(address, settings)
    kind: str
    token: Callable[[], str]
    if entry is not None:
        kind, api_url = entry.kind, _api_url(entry)
        repository = hosted_repository(address, prefix=addresses.parse(entry.url).path)
        # An SSH address says nothing about the scheme and port that the interface answers on.
        repository = HostedRepository(entry.url.rstrip("/"), repository.owner, repository.name)
        own = entry.token_env is not None or entry.token_file is not None
        token = entry.token if own else _credential_token(repository, settings, app_token, needed_by=entry.url)
    else:
        repository = hosted_repository(address)
        if repository.base != _GITHUB:
            raise DeniedError(
                f"The settings of csoc do not say what kind of host {addresses.parse(address).authority} is",
                place=addresses.shown(address),
                fix="Add it to git_hosts in the settings of csoc, with url, kind and a token",
            )
        kind, api_url, token = "github", github_api(_GITHUB), _credential_token(repository, settings, app_token)
    spoken = KINDS[kind]
    client = HostClient(
        api_url=api_url,
        token=token,
        scheme=spoken.scheme,
        headers=spoken.headers,
        clock=clock,
        wait=wait,
        limits=limits or Limits(),
        transport=transport,
    )
    return spoken.adapter(repository, client)


def _entry(address: str, settings: Settings) -> GitHostSettings | None:
    wanted = addresses.parse(address)

    def fit(entry: GitHostSettings) -> int:
        if wanted.scheme != "ssh":
            return addresses.below(entry.url, wanted)
        # SSH has a port of its own, and paths that may lack the prefix of the web address.
        return 1 if addresses.parse(entry.url).host == wanted.host else 0

    best = max(settings.git_hosts, key=fit, default=None)
    return best if best is not None and fit(best) else None


def _api_url(entry: GitHostSettings) -> str:
    if entry.api_url:
        return entry.api_url.rstrip("/")
    return KINDS[entry.kind].api_url(entry.url.rstrip("/"))


def _credential_token(
    repository: HostedRepository, settings: Settings, app_token: Tokens | None, *, needed_by: str = ""
) -> Callable[[], str]:
    """The token of the most specific credential for the repository; without one, requests carry none.

    Raises DeniedError if there is none and an entry of git_hosts that has no token needs it.
    """
    address = addresses.parse(str(repository))
    usable = [credential for credential in settings.credentials if credential.kind in {"token", "github-app"}]
    best = max(usable, key=lambda credential: addresses.below(credential.url_prefix, address), default=None)
    if best is None or not addresses.below(best.url_prefix, address):
        if needed_by:
            raise DeniedError(
                "The settings of csoc have no credential for this host",
                place=needed_by,
                fix="Give its entry in git_hosts token_env or token_file, or add one under credentials",
            )
        return lambda: ""
    if best.kind == "token":
        return best.token
    give, credential = app_token or AppTokens(seconds=settings.limits.connect_seconds).token, best
    return lambda: give(credential)

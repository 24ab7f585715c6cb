"""Which adapter speaks to the host of an address, by csoc's settings and nothing that a repository says.

github.com needs no entry: it is GitHub, with the credential that the settings name for its addresses. Any other host
is only spoken to if a person listed it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from csoc.adapters.githost.client import HostClient, Limits
from csoc.adapters.githost.gitea import GiteaHost
from csoc.adapters.githost.github import HEADERS, GitHubHost
from csoc.clock import Clock, system_clock
from csoc.config import Credential, GitHostSettings, Settings
from csoc.errors import DeniedError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.githost import GitHost, HostedRepository, hosted_repository

Tokens = Callable[[Credential], str]
"""Gives the token of a credential that is not a plain one (a GitHub App's lives for an hour)."""

_GITHUB = "https://github.com"
_GITHUB_API = "https://api.github.com"


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
    """The host of a repository's address. app_token: where tokens of GitHub Apps come from.

    The longest entry of settings.git_hosts that the address is below decides. Raises DeniedError (the host is not in
    the settings), RejectedError (the address does not name a repository at a host).
    """
    entry = _entry(address, settings)
    kind: str
    token: Callable[[], str]
    if entry is not None:
        kind, api_url, token = entry.kind, _api_url(entry), entry.token
        repository = hosted_repository(address, prefix=addresses.parse(entry.url).path)
        # An SSH address says nothing about the scheme and port that the interface answers on.
        repository = HostedRepository(entry.url.rstrip("/"), repository.owner, repository.name)
    else:
        repository = hosted_repository(address)
        if repository.base != _GITHUB:
            raise DeniedError(
                f"The settings of csoc do not say what kind of host {addresses.parse(address).authority} is",
                place=addresses.shown(address),
                fix="Add it to git_hosts in the settings of csoc, with url, kind and a token",
            )
        kind, api_url, token = "github", _GITHUB_API, _credential_token(repository, settings, app_token)
    client = HostClient(
        api_url=api_url,
        token=token,
        scheme="Bearer" if kind == "github" else "token",
        headers=HEADERS if kind == "github" else {},
        clock=clock,
        wait=wait,
        limits=limits or Limits(),
        transport=transport,
    )
    return GitHubHost(repository, client) if kind == "github" else GiteaHost(repository, client)


def _entry(address: str, settings: Settings) -> GitHostSettings | None:
    wanted = addresses.parse(address)
    found: tuple[int, GitHostSettings] | None = None
    for entry in settings.git_hosts:
        host = addresses.parse(entry.url)
        if host.scheme not in {"https", "http"}:
            raise RejectedError("The url of a Git host must begin with https:// or http://", place=entry.url)
        if wanted.scheme == "ssh":
            fits = wanted.host == host.host
        else:
            same = (wanted.scheme, wanted.authority) == (host.scheme, host.authority)
            fits = same and (not host.path or wanted.path.startswith(f"{host.path}/"))
        if fits and (found is None or len(host.path) > found[0]):
            found = len(host.path), entry
    return found[1] if found else None


def _api_url(entry: GitHostSettings) -> str:
    if entry.api_url:
        return entry.api_url.rstrip("/")
    url = entry.url.rstrip("/")
    if entry.kind == "gitea":
        return f"{url}/api/v1"
    return _GITHUB_API if url == _GITHUB else f"{url}/api/v3"


def _credential_token(repository: HostedRepository, settings: Settings, app_token: Tokens | None) -> Callable[[], str]:
    """The token of the longest credential that covers the repository; without one, requests carry none."""
    best: Credential | None = None
    for credential in settings.credentials:
        prefix = credential.url_prefix.rstrip("/")
        covers = f"{repository}/".lower().startswith(f"{prefix}/".lower())
        if (
            covers
            and credential.kind in {"token", "github-app"}
            and (best is None or len(prefix) > len(best.url_prefix))
        ):
            best = credential
    if best is None:
        return lambda: ""
    chosen = best
    if chosen.kind == "token":
        return chosen.token
    if app_token is None:
        raise RejectedError("The credential of a GitHub App needs somebody who turns it into tokens")
    give = app_token
    return lambda: give(chosen)

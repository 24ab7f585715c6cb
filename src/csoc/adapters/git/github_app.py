"""Access tokens of a GitHub App: short-lived, for one installation, so that no person's token has to be kept.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import httpx
import jwt

from csoc.clock import Clock, system_clock
from csoc.config import Credential, read_secret_file
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet import addresses

_RENEW_BEFORE = timedelta(minutes=5)
_ANSWER_BYTES = 1_000_000


class AppTokens:
    """Gives installation tokens, each used until five minutes before it expires."""

    def __init__(
        self,
        *,
        seconds: float,
        clock: Clock = system_clock,
        client: Callable[[], httpx.Client] | None = None,
    ) -> None:
        self._clock = clock
        self._client = client or (lambda: httpx.Client(timeout=seconds, follow_redirects=False))
        self._lock = Lock()
        self._tokens: dict[tuple[str, str, str], tuple[str, datetime]] = {}

    def token(self, credential: Credential) -> str:
        """A token for the credential's installation.

        Raises DeniedError (GitHub refuses the key), NotFoundError (no such installation, no key file), RejectedError
        (the file is no key), UnavailableError.
        """
        key = api_of(credential), credential.app_id, credential.installation_id
        with self._lock:
            known = self._tokens.get(key)
            if known is None or known[1] - _RENEW_BEFORE <= self._clock():
                known = self._tokens[key] = self._fetch(credential)
            return known[0]

    def _fetch(self, credential: Credential) -> tuple[str, datetime]:
        url = f"{api_of(credential)}/app/installations/{credential.installation_id}/access_tokens"
        headers = {
            "Authorization": f"Bearer {self._signed(credential)}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            with self._client() as client, client.stream("POST", url, headers=headers) as answer:
                status, content = answer.status_code, _bounded(answer)
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"The API gave no token for the GitHub App: {type(error).__name__}", place=url, fix="Try again"
            ) from None
        if status != 201:
            raise _refusal(status, url)
        return _parsed(content, url)

    def _signed(self, credential: Credential) -> str:
        assert credential.private_key_file is not None  # noqa: S101 - the settings' model makes sure
        now = self._clock()
        # A minute back, since GitHub refuses what comes from its future; it allows ten minutes in all.
        claims = {"iat": now - timedelta(minutes=1), "exp": now + timedelta(minutes=8), "iss": credential.app_id}
        try:
            return jwt.encode(claims, read_secret_file(credential.private_key_file), algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            raise RejectedError(
                "The file does not hold an RSA private key as PEM", place=str(credential.private_key_file)
            ) from None


def api_of(credential: Credential) -> str:
    """The API that a credential says, or the one of the host that it is for; without a slash at the end."""
    return (credential.api_url or github_api(credential.url_prefix)).rstrip("/")


def github_api(url: str) -> str:
    """Where a GitHub's API is: github.com, its hosts with data residency (ghe.com), or an Enterprise Server.

    https://docs.github.com/en/enterprise-cloud@latest/rest/using-the-rest-api/getting-started-with-the-rest-api and
    https://docs.github.com/en/enterprise-server@latest/rest/quickstart
    """
    address = addresses.parse(url)
    if address.host == "github.com":
        return "https://api.github.com"
    scheme = "http" if address.scheme == "http" else "https"
    if address.host.endswith(".ghe.com"):
        return f"{scheme}://api.{address.authority}"
    return f"{scheme}://{address.authority}/api/v3"


def _bounded(answer: httpx.Response) -> bytes:
    content = b""
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > _ANSWER_BYTES:
            return b""
    return content


def _parsed(content: bytes, url: str) -> tuple[str, datetime]:
    try:
        data: dict[str, Any] = json.loads(content)
        expires_at = datetime.fromisoformat(data["expires_at"])
        token = data["token"]
        if not isinstance(token, str) or not token.isprintable():
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise UnavailableError("The API's answer holds no token", place=url, fix="Check api_url") from None
    return token, expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)


def _refusal(status: int, url: str) -> CsocError:
    if status in (401, 403):
        return DeniedError(f"The API refuses the GitHub App ({status})", place=url, fix="Check app_id and the key")
    if status == 404:
        return NotFoundError("The GitHub App has no such installation", place=url, fix="Check installation_id")
    return UnavailableError(f"The API answered {status} instead of a token", place=url, fix="Check api_url; try again")

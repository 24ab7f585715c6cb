"""A real OpenID provider, Keycloak, and a realm for each test.

It keeps everything in memory and is asked through the same pages and endpoints that a browser and a relying party use.
"""

from __future__ import annotations

import contextlib
import html
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from testbed import debian
from testbed.servers import process
from testbed.servers.process import ServerError

ADMIN = "admin"
READY_SECONDS = 180
TOKEN_REUSE_SECONDS = 30  # the administrator's tokens live for 60
BUILT = ("bin", "conf", "lib", "providers", "themes", "version.txt")


def start(stack: contextlib.ExitStack, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The address of a new server: url, password of the administrator. Raises ServerError.

    settings: distribution (the folder that the testbed prepared).
    """
    port, management = process.free_ports(2)
    home = folder / "home"
    home.mkdir()
    for name in BUILT:  # it writes beside these, and they are shared
        (home / name).symlink_to(Path(settings["distribution"]) / name)
    password = secrets.token_urlsafe(16)
    # As bin/kc.sh does it, which would stand between the server and the signal that ends it.
    command: list[str | Path] = [
        debian.path_of("java"),
        *("-Xms64m", "-Xmx384m", "-XX:MaxMetaspaceSize=256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        "-XX:+ExitOnOutOfMemoryError",
        "-Dfile.encoding=UTF-8",
        "-Djava.util.concurrent.ForkJoinPool.common.threadFactory="
        "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
        *(f"--add-opens=java.base/java.{part}=ALL-UNNAMED" for part in ("util", "util.concurrent", "security")),
        f"-Dkc.home.dir={home}",
        f"-Djboss.server.config.dir={home / 'conf'}",
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        "-Dpicocli.disable.closures=true",
        *("-cp", home / "lib" / "quarkus-run.jar", "io.quarkus.bootstrap.runner.QuarkusEntryPoint"),
        *("start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1", f"--http-port={port}"),
        *("--hostname-strict=false", "--cache=local", f"--http-management-port={management}"),
    ]
    environment = {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": password}
    server = process.start("keycloak", command, folder, environment=environment)
    stack.callback(server.stop)
    server.wait_until(lambda: process.answers(f"http://127.0.0.1:{management}/health/ready"), READY_SECONDS)
    return {"url": f"http://127.0.0.1:{port}", "password": password}


class _Loopback(httpx.HTTPTransport):
    """Cookies marked Secure come back to this machine without TLS too, as in browsers, which trust it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        answer.headers = httpx.Headers(
            [
                (name, re.sub(r"(?i);\s*secure", "", value) if name.lower() == "set-cookie" else value)
                for name, value in answer.headers.multi_items()
            ]
        )
        return answer


def browser() -> httpx.Client:
    """A client that keeps cookies as browsers do, and follows no redirect by itself."""
    return httpx.Client(transport=_Loopback(), timeout=30, trust_env=False)


def fill_in(browser: httpx.Client, page: httpx.Response, name: str, password: str) -> httpx.Response:
    """Posts the form of Keycloak's sign-in page; its answer, a redirect if the person is let in.

    Raises ServerError if the page has no such form.
    """
    form = re.search(r'<form[^>]*id="kc-form-login"[^>]*action="([^"]+)"', page.text)
    if form is None:
        raise ServerError(f"no form to sign in at {page.url}: {page.status_code} {page.text[:500]}")
    return browser.post(html.unescape(form[1]), data={"username": name, "password": password})


@dataclass(frozen=True)
class Person:
    """A user of a realm."""

    name: str
    email: str
    password: str = field(repr=False)
    subject: str


@dataclass(frozen=True)
class Realm:
    """A realm of one test, with one confidential client for the code flow (with PKCE) and the password grant."""

    keycloak: Keycloak
    name: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def issuer(self) -> str:
        """As in tokens and in the discovery document."""
        return f"{self.keycloak.url}/realms/{self.name}"

    def discovery(self) -> dict[str, Any]:
        """What the provider says of itself."""
        answer = httpx.get(f"{self.issuer}/.well-known/openid-configuration", trust_env=False, timeout=30)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def create_user(self, prefix: str = "user", groups: Sequence[str] = ()) -> Person:
        """A new person in the groups (made if they are not there), who can sign in at once."""
        name = f"{prefix}-{secrets.token_hex(3)}"
        password = secrets.token_urlsafe(12)
        email = f"{name}@example.org"
        existing = {row["name"] for row in self.api("GET", "/groups")}
        for group in groups:
            if group not in existing:
                self.api("POST", "/groups", {"name": group})
        person = {
            "username": name,
            "email": email,
            "emailVerified": True,
            "firstName": prefix.capitalize(),
            "lastName": "Of Tests",
            "enabled": True,
            "groups": list(groups),
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        self.api("POST", "/users", person)
        (found,) = self.api("GET", f"/users?exact=true&username={name}")
        return Person(name, email, password, found["id"])

    def api(self, method: str, path: str = "", body: object = None) -> Any:
        """One request to the realm's part of the administration API. Raises ServerError."""
        return self.keycloak.api(method, f"/realms/{self.name}{path}", body)


@dataclass(frozen=True)
class Keycloak:
    """A running server by its address."""

    address: dict[str, Any] = field(repr=False)
    _token: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return str(self.address["url"])

    @cached_property
    def http(self) -> httpx.Client:
        """Connections of the administrator."""
        return httpx.Client(timeout=60, trust_env=False)

    def api(self, method: str, path: str, body: object = None) -> Any:
        """One request to the administration API (/admin...); its JSON, None if empty. Raises ServerError."""
        answer = self.http.request(
            method, f"{self.url}/admin{path}", json=body, headers={"Authorization": f"Bearer {self._admin_token()}"}
        )
        if answer.status_code >= 400:
            raise ServerError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    @contextlib.contextmanager
    def realm(self, *, redirects: Sequence[str] = ("http://127.0.0.1/*",)) -> Iterator[Realm]:
        """A new realm with a client whose tokens name the user's groups in the claim `groups`; removed at the end.

        redirects: where the client may send people back to; a star at the end stands for anything.
        """
        name = f"realm-{secrets.token_hex(4)}"
        secret = secrets.token_urlsafe(24)
        groups = {
            "name": "groups",
            "protocol": "openid-connect",
            "protocolMapper": "oidc-group-membership-mapper",
            "config": {
                "claim.name": "groups",
                "full.path": "false",
                "id.token.claim": "true",
                "access.token.claim": "true",
                "userinfo.token.claim": "true",
            },
        }
        client = {
            "clientId": "csoc",
            "secret": secret,
            "publicClient": False,
            "standardFlowEnabled": True,
            "directAccessGrantsEnabled": True,
            "redirectUris": list(redirects),
            "attributes": {"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": "+"},
            "protocolMappers": [groups],
        }
        self.api("POST", "/realms", {"realm": name, "enabled": True, "sslRequired": "none", "clients": [client]})
        try:
            yield Realm(self, name, "csoc", secret)
        finally:
            self.api("DELETE", f"/realms/{name}")

    def close(self) -> None:
        """Lets the connections go."""
        if "http" in self.__dict__:
            self.http.close()

    def _admin_token(self) -> str:
        if time.monotonic() > self._token.get("until", 0.0):
            form = {"grant_type": "password", "client_id": "admin-cli", "username": ADMIN}
            answer = self.http.post(
                f"{self.url}/realms/master/protocol/openid-connect/token",
                data={**form, "password": self.address["password"]},
            )
            if answer.status_code != 200:
                raise ServerError(f"no token for the administrator: {answer.status_code} {answer.text[:500]}")
            self._token.update(value=answer.json()["access_token"], until=time.monotonic() + TOKEN_REUSE_SECONDS)
        return str(self._token["value"])

"""Does a hostname answer over https, as the world would see it?

Its own small client, because all that matters here is what clients hide: which address a name led to, whether the
certificate holds for the name, and who gave the answer, the commons or a load balancer that has nobody behind it.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from csoc.clusters.hostnames import Answer, Answered
from csoc.errors import RejectedError
from csoc.fleet.masking import mask_text

_SECONDS = 10.0
_LARGEST_BYTES = 65_536
_PORT = 443
_HOSTNAME = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_BALANCER = re.compile(r"awselb/")


@dataclass(frozen=True, slots=True)
class Way:
    """Where a hostname's server is."""

    host: str
    port: int = _PORT


@dataclass(frozen=True, slots=True)
class Found:
    """What resolving a hostname gave. ways: none if it cannot be resolved, which `why` tells. authority: PEM of who
    signs certificates there; "" takes those that this machine trusts."""

    ways: Sequence[Way]
    why: str = ""
    authority: str = ""


Resolver = Callable[[str], Found]


def system_resolver(hostname: str) -> Found:
    """As this machine resolves names."""
    try:
        told = socket.getaddrinfo(hostname, _PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Found((), f"its name does not resolve: {getattr(error, 'strerror', None) or error}")
    return Found(tuple(dict.fromkeys(Way(str(one[4][0]), int(one[4][1])) for one in told)))


class HttpsHostnames:
    """See csoc.clusters.hostnames.Hostnames."""

    def __init__(self, resolver: Resolver = system_resolver, seconds: float = _SECONDS) -> None:
        self._resolver = resolver
        self._seconds = seconds

    def ask(self, hostname: str, path: str = "/") -> Answer:
        if not _HOSTNAME.fullmatch(hostname):
            raise RejectedError(f"{hostname[:80]!r} is no hostname", fix="Correct it in the environment's document")
        found = self._resolver(hostname)
        if not found.ways:
            return Answer(Answered.NO_ADDRESS, found.why or "its name does not resolve")
        answer = Answer(Answered.NO_ADDRESS, "")
        for way in found.ways:
            answer = self._asked(hostname, path, way, found.authority)
            if answer.answered not in (Answered.UNREACHABLE,):
                break
        return answer

    def _asked(self, hostname: str, path: str, way: Way, authority: str) -> Answer:
        try:
            context = ssl.create_default_context(cadata=authority or None)
            with (
                socket.create_connection((way.host, way.port), self._seconds) as plain,
                context.wrap_socket(plain, server_hostname=hostname) as secured,
            ):
                return _judged(*_exchange(secured, hostname, path))
        except ssl.SSLCertVerificationError as error:
            return Answer(Answered.WRONG_CERTIFICATE, _words(error.verify_message or str(error)))
        except ssl.SSLError as error:
            return Answer(Answered.NO_TLS, _words(error.reason or str(error)))
        except TimeoutError:
            return Answer(Answered.UNREACHABLE, f"{way.host} does not answer within {self._seconds:g} s")
        except (OSError, http.client.HTTPException) as error:
            return Answer(Answered.UNREACHABLE, f"{way.host}: {_words(str(error))}")


def _exchange(secured: ssl.SSLSocket, hostname: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPSConnection(hostname)
    connection.sock = secured
    connection.request("GET", path, headers={"User-Agent": "csoc", "Accept": "*/*", "Connection": "close"})
    answer = connection.getresponse()
    answer.read(_LARGEST_BYTES)
    return answer.status, answer.getheader("Server") or ""


def _judged(status: int, server: str) -> Answer:
    is_balancer = bool(_BALANCER.match(server))
    if status == 403 and is_balancer:
        return Answer(Answered.SHUT_OUT, "the web ACL does not let this csoc's own address in", status)
    if is_balancer and status == 404:
        return Answer(Answered.BALANCER_ONLY, "the load balancer has no rule for this hostname", status)
    if status == 503 and is_balancer:
        return Answer(Answered.BALANCER_ONLY, "the load balancer has nobody behind it who is ready", status)
    if status >= 500:
        return Answer(Answered.FAILING, f"it answers with the status {status}", status)
    return Answer(Answered.YES, f"it answers with the status {status}", status)


def _words(text: str) -> str:
    return " ".join(mask_text(text).split())[:300]

"""What the internet gets for a hostname: an address, a certificate, an answer."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

from csoc.emulator.cloud.moto_edge import Certificate, WebAcl
from csoc.emulator.edge.balancers import Balancer, Cluster, find, route
from csoc.emulator.edge.names import Records, Resolved, resolve

VISITOR = "198.51.100.10"
"""Where visitors come from unless somebody says otherwise: an address that is kept for examples (RFC 5737)."""

_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
_OWN = "awselb/2.0"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. server: who says that it gave it."""

    status: int
    body: bytes
    server: str


class Edge:
    """See the module. clusters, records, certificate, acl: asked anew each time, since all of it changes."""

    def __init__(
        self,
        clusters: Callable[[], Iterable[Cluster]],
        records: Records,
        certificate: Callable[[str], Certificate | None],
        acl: Callable[[str], WebAcl | None],
    ) -> None:
        self._clusters = clusters
        self._records = records
        self._certificate = certificate
        self._acl = acl
        self._visitor = VISITOR
        self._lock = threading.Lock()

    @property
    def visitor(self) -> str:
        """The address that web ACLs see."""
        return self._visitor

    def come_from(self, address: str) -> None:
        """From now on visitors have this address. Raises ValueError if it is none."""
        with self._lock:
            self._visitor = str(ipaddress.ip_address(address))

    def resolve(self, host: str) -> Resolved:
        """What a hostname stands for."""
        return resolve(host, self._records, lambda name: find(self._clusters(), name) is not None)

    def balancer(self, host: str) -> Balancer | None:
        """The load balancer that a hostname leads to."""
        found = self.resolve(host)
        return find(self._clusters(), found.balancer) if found.balancer else None

    def certificate(self, host: str) -> Certificate | None:
        """What is shown to who asks for a hostname: the certificate that fits, or else the first one, as a load
        balancer does; None if it has none and so no port 443."""
        balancer = self.balancer(host)
        named = balancer.certificates if balancer is not None else ()
        found = [one for one in (self._certificate(arn) for arn in named) if one is not None]
        return next((one for one in found if any(_fits(name, host) for name in one.names)), found[0] if found else None)

    def answer(self, host: str, path: str) -> Page:
        """The answer to a request."""
        balancer = self.balancer(host)
        if balancer is None:
            return _own(404, "404 Not Found")
        if not self._lets_in(balancer.web_acl):
            return _own(403, "403 Forbidden")
        found = route(balancer, host, path)
        if not found.service:
            return _own(404, "404 Not Found")
        if not found.is_ready:
            return _own(503, "503 Service Temporarily Unavailable")
        told = f"<p>{escape(host)} is answered by {escape(found.service)} in {escape(found.namespace)}.</p>"
        return Page(200, f"<!doctype html><title>{escape(host)}</title>{told}\n".encode(), "csoc-emulator")

    def _lets_in(self, arn: str) -> bool:
        acl = self._acl(arn) if arn else None
        if acl is None:
            return True
        visitor = ipaddress.ip_address(self._visitor)
        for rule in acl.rules:
            if rule.action in ("allow", "block") and any(_within(visitor, one) for one in rule.networks):
                return rule.action == "allow"
        return acl.default != "block"


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _fits(name: str, host: str) -> bool:
    if name.startswith("*."):
        return host.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == host.lower()


def _own(status: int, title: str) -> Page:
    return Page(status, _PAGE.format(title).encode(), _OWN)

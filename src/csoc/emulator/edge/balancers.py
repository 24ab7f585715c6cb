"""Load balancers of Ingresses: which Ingress has a load balancer's name, and where a request to it goes.

Sources: AWS Load Balancer Controller, "Ingress annotations" (certificate-arn, wafv2-acl-arn: without a certificate it
opens no port 443); Kubernetes, "Ingress" (exact paths before prefixes, the longest first; a host without a rule is
answered by the default backend).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from csoc.emulator.kubernetes.store import Key

Body = Mapping[str, Any]
_NETWORKING, _DISCOVERY = "networking.k8s.io", "discovery.k8s.io"
_CERTIFICATES = "alb.ingress.kubernetes.io/certificate-arn"
_ACL = "alb.ingress.kubernetes.io/wafv2-acl-arn"


class Objects(Protocol):
    """What is asked of a cluster: a simulated one's store, or a view of any other."""

    def objects(self, group: str, resource: str, namespace: str = "") -> Iterable[Body]: ...

    def get(self, key: Key) -> Body | None: ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster whose Ingresses have load balancers. account, region: where it is, "" if nobody knows."""

    id: str
    store: Objects
    account: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Balancer:
    """The load balancer of one Ingress."""

    cluster: Cluster
    ingress: Body

    @property
    def certificates(self) -> tuple[str, ...]:
        """ARNs that it was told to serve, of its own account and region: it takes no others."""
        named = str(_annotations(self.ingress).get(_CERTIFICATES, ""))
        given = (one.strip() for one in named.split(","))
        return tuple(one for one in given if one and self._is_near(one))

    @property
    def web_acl(self) -> str:
        """ARN of its web ACL, "" if it has none."""
        return str(_annotations(self.ingress).get(_ACL, ""))

    def _is_near(self, arn: str) -> bool:
        parts = arn.split(":", 5)
        wanted = (self.cluster.region, self.cluster.account)
        return len(parts) == 6 and all(not want or want == has for want, has in zip(wanted, parts[3:5], strict=True))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. service: "" if no rule takes it. is_ready: one of its endpoints is."""

    namespace: str
    service: str
    is_ready: bool = False


def find(clusters: Iterable[Cluster], name: str) -> Balancer | None:
    """The load balancer of that DNS name, in whichever cluster; None if there is none."""
    for cluster in clusters:
        for ingress in cluster.store.objects(_NETWORKING, "ingresses"):
            if name in _hosts(ingress):
                return Balancer(cluster, ingress)
    return None


def route(balancer: Balancer, host: str, path: str) -> Route:
    """Where a request for a host and path goes."""
    namespace = str(balancer.ingress["metadata"]["namespace"])
    backend = _backend(balancer.ingress, host, path)
    named = (backend or {}).get("service") or {}
    service = str(named.get("name", ""))
    if not service:
        return Route(namespace, "")
    return Route(namespace, service, _is_ready(balancer.cluster.store, namespace, service, named.get("port") or {}))


def _backend(ingress: Body, host: str, path: str) -> Body | None:
    spec = ingress.get("spec") or {}
    best: tuple[tuple[bool, int], Body] | None = None
    for rule in spec.get("rules") or ():
        if not _is_host(str(rule.get("host") or ""), host):
            continue
        for one in (rule.get("http") or {}).get("paths") or ():
            wanted, exact = str(one.get("path") or "/"), one.get("pathType") == "Exact"
            if not (path == wanted if exact else _is_below(path, wanted)):
                continue
            rank = (exact, len(wanted))
            if best is None or rank > best[0]:
                best = (rank, one["backend"])
    return best[1] if best is not None else spec.get("defaultBackend")


def _is_host(wanted: str, host: str) -> bool:
    if wanted.startswith("*."):
        return host.partition(".")[2] == wanted[2:]
    return wanted in ("", host)


def _is_below(path: str, prefix: str) -> bool:
    plain = prefix.rstrip("/")
    return not plain or path == plain or path.startswith(f"{plain}/")


def _is_ready(store: Objects, namespace: str, service: str, port: Body) -> bool:
    body = store.get(Key("", "services", namespace, service))
    ports: Sequence[Body] = ((body or {}).get("spec") or {}).get("ports") or ()
    meant: Callable[[Body], bool] = lambda one: (  # noqa: E731 - shorter than its two uses
        one.get("name", "") == port["name"] if port.get("name") else one.get("port") == port.get("number")
    )
    found = next((one for one in ports if meant(one)), None)
    if found is None:
        return False
    for slice_ in store.objects(_DISCOVERY, "endpointslices", namespace):
        if (slice_["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != service:
            continue
        has_port = any(one.get("name", "") == found.get("name", "") for one in slice_.get("ports") or ())
        if has_port and any((one.get("conditions") or {}).get("ready") for one in slice_.get("endpoints") or ()):
            return True
    return False


def _hosts(ingress: Body) -> list[str]:
    balancer = (ingress.get("status") or {}).get("loadBalancer") or {}
    return [str(one.get("hostname", "")).lower() for one in balancer.get("ingress") or ()]


def _annotations(body: Body) -> Body:
    return (body.get("metadata") or {}).get("annotations") or {}

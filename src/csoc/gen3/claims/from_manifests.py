"""The claims that rendered manifests make. They are exact where values only let one guess: a chart of another version
may name other secrets, and what a template leaves out is not claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csoc.fleet.shapes import items, mapping, text
from csoc.fleet.values import Path, look_up
from csoc.gen3.catalogue import Secret
from csoc.gen3.claims.from_values import SHAREABLE, claim
from csoc.gen3.facts import Access, Claim, Kind
from csoc.gen3.gen3_values import Gen3Values

_API_VERSION = "global.externalSecrets.apiVersion"
_ALB = "alb.ingress.kubernetes.io/"
_CERTIFICATE = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/\S+")


def claims_in_objects(values: Gen3Values, objects: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Claims of ExternalSecrets, PushSecrets and Ingresses, each once, and the versions of the API that they use."""
    found: list[Claim] = list(_api_versions(values, objects))
    for body in objects:
        kind = body.get("kind")
        if kind in ("ExternalSecret", "ClusterExternalSecret"):
            found.extend(_external_secret(values, body))
        elif kind == "PushSecret":
            found.extend(_push_secret(values, body))
        elif kind == "Ingress":
            found.extend(_ingress(values, body))
    return list(dict.fromkeys(found))


def _api_versions(values: Gen3Values, objects: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
    """The versions of the External Secrets API that the manifests use, each with the objects that do."""
    users: dict[str, list[str]] = {}
    for body in objects:
        if body.get("kind") in ("ExternalSecret", "SecretStore"):
            users.setdefault(str(body.get("apiVersion")), []).append(f"{body.get('kind')} {_name(body)}")
    for version, names in users.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        place = values.location(_API_VERSION)
        yield Claim(Kind.API_VERSION, version, values.cluster, Access.USE, f"{names[0]}{more}", place)


def _name(body: Mapping[str, Any]) -> str:
    name = look_up(body, ("metadata", "name"))
    return text(name)


def _items(data: object, path: Path) -> list[Any]:
    found = look_up(data, path)
    return items(found)


def _external_secret(values: Gen3Values, body: Mapping[str, Any]) -> Iterator[Claim]:
    paths: list[Path] = [("remoteRef", "key"), ("extract", "key")]
    keys = dict.fromkeys(
        key
        for item in (*_items(body, ("spec", "data")), *_items(body, ("spec", "dataFrom")))
        for path in paths
        if isinstance(key := look_up(item, path), str) and key
    )
    target = look_up(body, ("spec", "target", "name"))
    name = target if isinstance(target, str) and target else _name(body)
    for key in keys:
        access, path = _named_by(values, name, key)
        yield claim(values, Kind.SECRET, key, values.secret_scope, access, path)


def _named_by(values: Gen3Values, kubernetes_name: str, key: str) -> tuple[Access, str]:
    """Access and values path of the secret; several secrets of one Kubernetes name differ in their default."""
    candidates: list[Secret] = []
    for service in values.catalogue:
        candidates += [item for item in service.secrets if item.name == kubernetes_name and item.override]
    for item in candidates:
        if len(candidates) == 1 or key in (item.manager, values.text(item.override)):
            return Access.READ if item.name in SHAREABLE else Access.OWN, item.override
    for item in values.catalogue.umbrella_secrets:
        if values.text(item.override) == key:
            return Access.READ, item.override
    return Access.OWN, "global.externalSecrets"


def _push_secret(values: Gen3Values, body: Mapping[str, Any]) -> Iterator[Claim]:
    for item in _items(body, ("spec", "data")):
        key = look_up(item, ("match", "remoteRef", "remoteKey"))
        if isinstance(key, str) and key:
            service = _name(body).removesuffix("-dbcreds")
            path = f"{service}.externalSecrets.dbcreds"
            yield claim(values, Kind.SECRET, key, values.secret_scope, Access.WRITE, path)


def _ingress(values: Gen3Values, body: Mapping[str, Any]) -> Iterator[Claim]:
    annotations = mapping(look_up(body, ("metadata", "annotations")))
    hosts = [look_up(rule, ("host",)) for rule in _items(body, ("spec", "rules"))]
    hosts += [host for tls in _items(body, ("spec", "tls")) for host in _items(tls, ("hosts",))]
    for host in hosts:
        if isinstance(host, str) and host and host != "localhost":
            yield claim(values, Kind.HOSTNAME, host.lower(), "", Access.OWN, _host_path(values, host))
    group = annotations.get(f"{_ALB}group.name")
    if isinstance(group, str) and group:
        stated = "revproxy.ingress.aws.group" if values.text("revproxy.ingress.aws.group") else "global.environment"
        yield claim(values, Kind.LOAD_BALANCER_GROUP, group, values.cluster, Access.USE, stated)
    certificates = annotations.get(f"{_ALB}certificate-arn")
    for arn in _CERTIFICATE.findall(certificates.replace(",", " ")) if isinstance(certificates, str) else []:
        yield claim(values, Kind.CERTIFICATE, arn, "", Access.USE, "global.revproxyArn")
    acl = annotations.get(f"{_ALB}wafv2-acl-arn")
    if isinstance(acl, str) and acl:
        yield claim(values, Kind.WEB_ACL, acl, "", Access.USE, "global.aws.wafv2.wafAclArn")


def _host_path(values: Gen3Values, host: str) -> str:
    for path in ("revproxy.hostname", "global.hostname"):
        if values.text(path).lower() == host.lower():
            return path
    return "revproxy.ingress.hosts"

"""An environment's infrastructure document for tests: every layer, in every size, as csoc would write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning import names, sizes
from csoc.provisioning.layers import LAYERS, OwnerKind, layers_of
from csoc_infra import app
from csoc_infra.document import parse

UID, INSTALLATION, ACCOUNT, REGION = "e1b2c3d4e5", "f1b2c3d4e5", "111111111111", "ap-southeast-2"
HOSTNAME = "portal.example.org"
SIZES: tuple[Size, ...] = ("small", "medium", "large")
OWN = tuple(layer.name for layer in layers_of(OwnerKind.ENVIRONMENT) if layer.has_stack)

SECRETS = ["fence-config", "fence-dbcreds", "fence-jwt-keys"]
RESOURCES: Mapping[str, Any] = {
    "hostname": HOSTNAME,
    "buckets": [{"purpose": "uploads", "browser": True}, {"purpose": "manifests"}],
    "queues": [{"purpose": "uploads"}, {"purpose": "audit"}],
    "topics": [{"purpose": "uploads", "bucket": "uploads", "queues": ["uploads"]}],
    "roles": [
        {
            "service_account": "fence-sa",
            "namespace": "gen3",
            "grants": [
                {"kind": "bucket", "name": "uploads", "access": "read-write"},
                {"kind": "queue", "name": "audit", "access": "send"},
            ],
        },
        {
            "service_account": "audit-service-sa",
            "namespace": "gen3",
            "grants": [{"kind": "queue", "name": "audit", "access": "receive"}],
        },
        {
            "service_account": "aws-es-proxy-sa",
            "namespace": "gen3",
            "grants": [{"kind": "search", "access": "read-write"}],
        },
        {
            "service_account": "secret-store-sa",
            "namespace": "gen3",
            "grants": [{"kind": "environment-secrets", "access": "read"}],
        },
        {"service_account": "hatchery-service-account", "namespace": "gen3", "grants": []},
    ],
}
EDGE: Mapping[str, Any] = {
    "hostname": HOSTNAME,
    "request_certificate": True,
    "hosted_zone_id": "Z0123456789ABCDEFGHIJ",
    "allowed": ["203.0.113.0/24", "2001:db8::/32"],
}
NO_SEARCH = {"search": None}
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "database": {},
    "credentials": {"secrets": SECRETS},
    "resources": RESOURCES,
    "edge": EDGE,
}


def document(
    size: Size = "medium",
    layers: Sequence[str] = OWN,
    *,
    given: Mapping[str, Mapping[str, Any]] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    values: Mapping[str, str] | None = None,
    search: bool = True,
    uid: str = UID,
    account: str = ACCOUNT,
) -> dict[str, Any]:
    """An infrastructure document. given, overrides: more of each, by layer. values: inputs that are literal."""
    given, overrides, values = given or {}, overrides or {}, values or {}
    made = {}
    for name in layers:
        needs = [need.parameter for need in LAYERS[name].needs]
        made[name] = {
            "stack": names.stack(uid, name),
            "outputs": {one.name: names.parameter(uid, name, one.name) for one in LAYERS[name].outputs},
            "inputs": {
                need: {"value": values[need]} if need in values else {"parameter": f"/somewhere/{need}"}
                for need in needs
            },
            "settings": sizes.settings(
                name,
                size,
                given={**GIVEN[name], **given.get(name, {}), **({} if search or name != "database" else NO_SEARCH)},
                overrides=overrides.get(name, {}),
            ),
        }
    return {
        "version": 1,
        "installation": INSTALLATION,
        "owner": {"kind": "environment", "name": "heart", "uid": uid},
        "account": account,
        "region": REGION,
        "partition": "aws",
        "boundary": names.boundary_arn("aws", account, INSTALLATION),
        "layers": made,
    }


def templates(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Each layer's template, parsed. Raises csoc_infra's MistakeError."""
    return {name: json.loads(body) for name, body in app.templates(parse(found)).items()}


@cache
def usual(size: Size = "medium") -> Mapping[str, Any]:
    """The templates of an environment of that size. Not to be changed."""
    return templates(document(size))


def of_type(template: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Resources of a type, by logical id."""
    return {name: one for name, one in template["Resources"].items() if one["Type"] == kind}


def only(template: Mapping[str, Any], kind: str) -> Any:
    """The only resource of a type."""
    (found,) = of_type(template, kind).values()
    return found


def properties(template: Mapping[str, Any], kind: str) -> Any:
    """The properties of the only resource of a type."""
    return only(template, kind)["Properties"]


def every(kind: str, size: Size) -> Iterator[tuple[str, Any]]:
    for layer in OWN:
        yield from of_type(usual(size)[layer], kind).items()


def statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(policy["Statement"])


def role(account: str, template: Mapping[str, Any] | None = None) -> Any:
    found = of_type(template or usual()["resources"], "AWS::IAM::Role").values()
    return next(one["Properties"] for one in found if one["Properties"]["RoleName"] == names.thing(UID, account))


def granted(account: str, template: Mapping[str, Any] | None = None) -> dict[str, set[str]]:
    """Actions of a role, each with what it may be done to."""
    found: dict[str, set[str]] = {}
    for policy in role(account, template).get("Policies", ()):
        for statement in statements(policy["PolicyDocument"]):
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:
                found.setdefault(action, set()).update(json.dumps(one) for one in statement["Resource"])
    return found


def with_role(account: str, **grant: str) -> Mapping[str, Any]:
    """The template of resources with one role that has one grant."""
    roles = [{"service_account": account, "namespace": "gen3", "grants": [grant]}]
    made: Mapping[str, Any] = templates(document(layers=["resources"], given={"resources": {"roles": roles}}))[
        "resources"
    ]
    return made


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)

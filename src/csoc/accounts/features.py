"""What each thing that csoc does needs in an account; what is missing there, and the statement to paste.

A role is compared with what the template gives it, statement by statement. Less means that a feature does not work;
more means that somebody who gets hold of csoc could do more than its owners agreed to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.accounts.cloud import RoleFacts
from csoc.accounts.links import Role
from csoc.accounts.roles import RoleDocuments
from csoc.accounts.terms import Document


@dataclass(frozen=True, slots=True)
class Feature:
    """policy: of the role, as `accounts.roles` names it. layers: those whose own resources it is for; what several make
    alike, such as roles, is a feature of its own."""

    name: str
    what: str
    role: Role
    policy: str
    layers: tuple[str, ...] = ()


FEATURES = (
    Feature("observe", "reading configuration, inventory and costs", Role.OBSERVER, "observe"),
    Feature("provision", "planning and applying layers", Role.PROVISIONER, "provision"),
    Feature(
        "existing parameters", "reading layers that exist from parameters", Role.PROVISIONER, "existing-parameters"
    ),
    Feature("existing stacks", "reading layers that exist from stacks", Role.PROVISIONER, "existing-stacks"),
    Feature("identities", "roles of services and nodes", Role.EXECUTION, "execution-identities"),
    Feature(
        "network", "networks, and the machines of proxies", Role.EXECUTION, "execution-network", ("network", "egress")
    ),
    Feature(
        "cluster", "clusters, their nodes and addons", Role.EXECUTION, "execution-cluster", ("cluster", "platform")
    ),
    Feature(
        "data", "databases, search, keys and secrets", Role.EXECUTION, "execution-data", ("database", "credentials")
    ),
    Feature("resources", "buckets, queues and topics", Role.EXECUTION, "execution-resources", ("resources",)),
    Feature("edge", "certificates, web ACLs and records", Role.EXECUTION, "execution-edge", ("edge",)),
    Feature("secrets", "putting secrets", Role.SECRETS, "secrets"),
    Feature("access", "the way into clusters", Role.CLUSTER, "cluster"),
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A feature that does not work as it is. paste: a statement (JSON) for the role's policy."""

    feature: Feature
    actions: tuple[str, ...]
    paste: str


@dataclass(frozen=True, slots=True)
class _Plain:
    """A statement in one form, whichever IAM gave it. but_actions, but_resources: what stands there is left out."""

    allows: bool
    actions: frozenset[str]
    resources: frozenset[str]
    condition: str
    is_simple: bool
    but_actions: bool = False
    but_resources: bool = False


def missing(expected: RoleDocuments, found: RoleFacts) -> tuple[Missing, ...]:
    """The role's features that lack something."""
    have = [one for document in _documents(found) for one in _statements(document)]
    result = []
    for feature in FEATURES:
        wanted = {**expected.inline, **expected.managed}.get(feature.policy)
        if feature.role is not expected.role or wanted is None:
            continue
        lacking: list[str] = []
        paste = []
        for raw in wanted["Statement"]:
            one = _plain(raw)
            absent = one.actions - {
                action
                for other in have
                if other.allows == one.allows and other.condition == one.condition and one.resources <= other.resources
                for action in one.actions
                if action in other.actions or (not one.condition and "*" in other.actions)
            }
            if absent and one.allows:
                lacking += sorted(absent)
                paste.append({**raw, "Action": sorted(absent)})
        if lacking:
            text = json.dumps(paste[0] if len(paste) == 1 else paste, separators=(",", ":"))
            result.append(Missing(feature, tuple(lacking), text))
    return tuple(result)


def surplus(expected: RoleDocuments, found: RoleFacts) -> tuple[str, ...]:
    """What a role may do beyond the template, or what it is not denied any more, in words."""
    wanted = [
        _plain(raw)
        for document in (*expected.inline.values(), *expected.managed.values())
        for raw in document["Statement"]
    ]
    return _more(wanted, [one for document in _documents(found) for one in _statements(document)])


def surplus_of_policy(expected: Document, found: Mapping[str, Any]) -> tuple[str, ...]:
    """The same for one policy, such as the boundary."""
    return _more([_plain(raw) for raw in expected["Statement"]], list(_statements(found)))


def _more(wanted: Sequence[_Plain], have: Sequence[_Plain]) -> tuple[str, ...]:
    result = []
    for one in have:
        covered = one.is_simple and any(
            other.allows
            and other.condition == one.condition
            and one.actions <= other.actions
            and one.resources <= other.resources
            for other in wanted
        )
        if one.allows and not covered:
            what = f"{'do everything but ' * one.but_actions}{_listed(one.actions)}"
            where = f"{'everything but ' * one.but_resources}{_listed(one.resources)}"
            result.append(f"it may {what} on {where}{' if ...' * bool(one.condition)}")
    for one in wanted:
        kept = any(
            not other.allows
            and other.is_simple
            and other.condition == one.condition
            and one.actions <= other.actions
            and one.resources <= other.resources
            for other in have
        )
        if not one.allows and not kept:
            result.append(f"it is no longer denied {_listed(one.actions)}")
    return tuple(result)


def same_trust(expected: Document, found: Mapping[str, Any]) -> bool:
    """True if a trust policy says what the template's says, and nothing besides."""
    return _trust(expected) == _trust(found)


def _trust(document: Mapping[str, Any]) -> list[str]:
    return sorted(
        json.dumps({key: _sorted(value) for key, value in one.items() if key != "Sid"}, sort_keys=True)
        for one in _raw(document)
    )


def _documents(found: RoleFacts) -> list[Mapping[str, Any]]:
    return [*found.inline.values(), *found.attached.values()]


def _raw(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Statements of a document that somebody else wrote."""
    listed = document.get("Statement")
    return [one for one in (listed if isinstance(listed, list | tuple) else [listed]) if isinstance(one, Mapping)]


def _statements(document: Mapping[str, Any]) -> Iterator[_Plain]:
    return map(_plain, _raw(document))


def _plain(raw: Mapping[str, Any]) -> _Plain:
    # NotAction and NotResource name what is left out; the template has neither.
    simple = set(raw) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
    condition = json.dumps(_sorted(raw["Condition"]), sort_keys=True) if raw.get("Condition") else ""
    return _Plain(
        raw.get("Effect") == "Allow",
        frozenset(_texts(raw.get("Action") or raw.get("NotAction"))),
        frozenset(_texts(raw.get("Resource") or raw.get("NotResource"))),
        condition,
        simple,
        but_actions="NotAction" in raw and not raw.get("Action"),
        but_resources="NotResource" in raw and not raw.get("Resource"),
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return [] if value is None else [str(value)]


def _sorted(value: Any) -> Any:
    """A list of one as the thing itself, and lists in one order, since IAM keeps neither."""
    if isinstance(value, Mapping):
        return {key: _sorted(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        listed = sorted(str(one) for one in value)
        return listed[0] if len(listed) == 1 else listed
    return value


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")

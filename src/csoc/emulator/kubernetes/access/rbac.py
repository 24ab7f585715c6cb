"""Roles and bindings: which rules somebody has, and whether they allow a request.

Sources: Kubernetes, plugin/pkg/auth/authorizer/rbac, pkg/registry/rbac/validation/rule.go (which rules are covered by
others), pkg/controller/clusterroleaggregation.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes.access.requests import Asked
from csoc.emulator.kubernetes.objects import selectors
from csoc.emulator.kubernetes.store import Store, text_of
from csoc.emulator.kubernetes.users import User

GROUP = "rbac.authorization.k8s.io"
_KINDS = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw: Object) -> Rule:
        return cls(
            tuple(raw.get("verbs") or ()),
            tuple(raw.get("apiGroups") or ()),
            tuple(raw.get("resources") or ()),
            tuple(raw.get("resourceNames") or ()),
            tuple(raw.get("nonResourceURLs") or ()),
        )

    def raw(self) -> dict[str, Any]:
        """As it is written."""
        found: dict[str, Any] = {"verbs": list(self.verbs)}
        for name, values in (
            ("apiGroups", self.groups),
            ("resources", self.resources),
            ("resourceNames", self.names),
            ("nonResourceURLs", self.urls),
        ):
            if values:
                found[name] = list(values)
        return found

    def allows(self, asked: Asked) -> bool:
        if asked.verb not in self.verbs and "*" not in self.verbs:
            return False
        if not asked.is_resource:
            return any(_url_matches(url, asked.path) for url in self.urls)
        if asked.group not in self.groups and "*" not in self.groups:
            return False
        if self.names and asked.name not in self.names:
            return False
        return self._has_resource(asked.resource, asked.subresource)

    def _has_resource(self, resource: str, subresource: str) -> bool:
        full = f"{resource}/{subresource}" if subresource else resource
        return any(one in ("*", full) or (subresource and one == f"*/{subresource}") for one in self.resources)

    def covers(self, verb: str, group: str, resource: str, name: str) -> bool:
        """Whether it gives one single right. resource may have a subresource; name "" is every object."""
        plain, _, part = resource.partition("/")
        return (
            (verb in self.verbs or "*" in self.verbs)
            and (group in self.groups or "*" in self.groups)
            and self._has_resource(plain, part)
            and (not self.names or name in self.names)
        )

    def covers_url(self, verb: str, url: str) -> bool:
        if verb not in self.verbs and "*" not in self.verbs:
            return False
        return any(one == url or (one.endswith("*") and url.startswith(one[:-1])) for one in self.urls)


def _url_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))


@dataclass(frozen=True, slots=True)
class _Policies:
    """The roles and bindings of a cluster, parsed."""

    cluster_roles: Mapping[str, tuple[Rule, ...]]
    roles: Mapping[tuple[str, str], tuple[Rule, ...]]
    everywhere: Sequence[tuple[Object, str]] = ()
    inside: Mapping[str, Sequence[tuple[Object, str, str]]] = field(default_factory=dict)
    """By namespace: subject, kind of the role, its name."""


_parsed: OrderedDict[tuple[tuple[int, int], ...], tuple[Store, _Policies]] = OrderedDict()
_lock = threading.Lock()
_MOST_PARSED = 128


def _policies(store: Store) -> _Policies:
    """Parsed once for all clusters that share the same roles."""
    marks = tuple(store.mark(GROUP, kind) for kind in _KINDS)
    with _lock:
        found = _parsed.get(marks)
        if found is not None:
            _parsed.move_to_end(marks)
            return found[1]
    made = _parse(store)
    with _lock:
        # The store is kept so that its id stays its own as long as the answer is known.
        _parsed[marks] = (store, made)
        while len(_parsed) > _MOST_PARSED:
            _parsed.popitem(last=False)
    return made


def _parse(store: Store) -> _Policies:
    def bodies(kind: str) -> Iterator[Object]:
        for kept in store.kept(GROUP, kind):
            yield json.loads(text_of(kept))

    written = {body["metadata"]["name"]: body for body in bodies("clusterroles")}
    cluster_roles = {name: tuple(_rules_of(body, written)) for name, body in written.items()}
    roles = {
        (body["metadata"]["namespace"], body["metadata"]["name"]): tuple(map(Rule.of, body.get("rules") or ()))
        for body in bodies("roles")
    }
    everywhere = [
        (subject, body["roleRef"]["name"])
        for body in bodies("clusterrolebindings")
        for subject in body.get("subjects") or ()
    ]
    inside: dict[str, list[tuple[Object, str, str]]] = {}
    for body in bodies("rolebindings"):
        namespace = body["metadata"]["namespace"]
        reference = body["roleRef"]
        for subject in body.get("subjects") or ():
            inside.setdefault(namespace, []).append((subject, reference["kind"], reference["name"]))
    return _Policies(cluster_roles, roles, everywhere, inside)


def _rules_of(body: Object, written: Mapping[str, Object]) -> Iterator[Rule]:
    """The rules of a role; an aggregated one has those of the roles that its selectors find."""
    aggregation = body.get("aggregationRule") or {}
    chosen = aggregation.get("clusterRoleSelectors") or ()
    if not chosen:
        yield from map(Rule.of, body.get("rules") or ())
        return
    rules = {Rule.of(rule): None for rule in _aggregated(body["metadata"]["name"], chosen, written)}
    yield from rules


def _aggregated(name: str, chosen: Sequence[Object], written: Mapping[str, Object]) -> Iterator[Object]:
    """The rules of the roles that selectors find, and of those that these are made of, each role once: roles that are
    all made of each other must not cost more than others."""
    seen, waiting = {name}, list(chosen)
    while waiting:
        selector = waiting.pop()
        for other, body in written.items():
            if other in seen or not selectors.selects(selector, body["metadata"].get("labels") or {}):
                continue
            seen.add(other)
            below = (body.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
            waiting += [one for one in below if one not in waiting]
            if not below:
                yield from body.get("rules") or ()


def collected(name: str, chosen: Sequence[Object], written: Mapping[str, Object]) -> list[Object]:
    """What stands in the rules of an aggregated role: those of the roles that its selectors find, in the order of
    selectors and names, each once (pkg/controller/clusterroleaggregation, syncClusterRole)."""
    found: dict[str, Object] = {}
    for selector in chosen:
        for other, body in sorted(written.items()):
            if other != name and selectors.selects(selector, body["metadata"].get("labels") or {}):
                for rule in body.get("rules") or ():
                    found.setdefault(json.dumps(rule, sort_keys=True), rule)
    return list(found.values())


def rules_for(store: Store, user: User, namespace: str) -> list[Rule]:
    """What somebody may do in a namespace ("": in the cluster as a whole)."""
    policies = _policies(store)
    found: list[Rule] = []
    for subject, role in policies.everywhere:
        if _is(subject, user, ""):
            found += policies.cluster_roles.get(role, ())
    for subject, kind, role in policies.inside.get(namespace, ()) if namespace else ():
        if _is(subject, user, namespace):
            known = policies.cluster_roles.get(role) if kind == "ClusterRole" else policies.roles.get((namespace, role))
            found += known or ()
    return found


def role_rules(store: Store, kind: str, namespace: str, name: str) -> tuple[Rule, ...] | None:
    """The rules of a role; None if there is none."""
    policies = _policies(store)
    return policies.cluster_roles.get(name) if kind == "ClusterRole" else policies.roles.get((namespace, name))


def _is(subject: Object, user: User, namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return bool(name == user.name)
    if kind == "Group":
        return name in user.groups
    if kind == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
    return False


def uncovered(wanted: Iterable[Rule], owned: Sequence[Rule]) -> list[Rule]:
    """The single rights among the wanted rules that nobody with the owned rules has."""
    lacking: list[Rule] = []
    for rule in wanted:
        for verb in rule.verbs:
            lacking += [
                Rule((verb,), urls=(url,)) for url in rule.urls if not any(one.covers_url(verb, url) for one in owned)
            ]
            lacking += [
                Rule((verb,), (group,), (resource,), (name,) if name else ())
                for group in rule.groups
                for resource in rule.resources
                for name in rule.names or ("",)
                if not any(one.covers(verb, group, resource, name) for one in owned)
            ]
    return lacking


def shown(rules: Iterable[Rule]) -> list[str]:
    """Rules as messages show them, one for each resource with all its verbs."""
    verbs: dict[tuple[str, ...], list[str]] = {}
    for rule in rules:
        if rule.urls:
            key = ("NonResourceURLs", str(list(rule.urls)).replace("'", '"'))
        else:
            names = f", ResourceNames:{_quoted(rule.names)}" if rule.names else ""
            key = ("APIGroups", f"{_quoted(rule.groups)}, Resources:{_quoted(rule.resources)}{names}")
        found = verbs.setdefault(key, [])
        found += [verb for verb in rule.verbs if verb not in found]
    return [f"{{{kind}:{text}, Verbs:{_quoted(found)}}}" for (kind, text), found in verbs.items()]


def _quoted(values: Iterable[str]) -> str:
    return "[" + " ".join(f'"{value}"' for value in values) + "]"

"""The chart's switches for Ingresses do not exclude each other, and two of them claim one host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from csoc.fleet.shapes import items, mapping, text
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import annotations_of, name_of
from csoc.gen3.state import EnvironmentState

_SOURCES = {
    "revproxy-alb": "global.aws.enabled",
    "revproxy-gcp": "global.gcp.enabled",
    "revproxy-dev": "global.dev",
}


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each host and path that several Ingresses of one class claim; a missing class may be any."""
    if not rendered(state):
        return
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for item in state.objects("Ingress"):
        for claimed in dict.fromkeys(_claims(item.body)):
            found[claimed].append((name_of(item.body), _class(item.body)))
    reported: set[tuple[str, ...]] = set()
    for (host, _), entries in found.items():
        names = tuple(sorted({name for name, _ in entries}))
        clash = any(one == other or not one or not other for (_, one), (_, other) in combinations(entries, 2))
        if not clash or (host, *names) in reported:
            continue
        reported.add((host, *names))
        yield Hit(
            cause=f"{len(names)} Ingresses claim the host {host}: {', '.join(names)}",
            key=f"{host} {' '.join(names)}",
            evidence=tuple(state.at(_SOURCES.get(name, "revproxy.ingress.enabled")) for name in names),
        )


def _class(body: Mapping[str, Any]) -> str:
    stated = text(mapping(body.get("spec")).get("ingressClassName"))
    return stated or text(annotations_of(body).get("kubernetes.io/ingress.class"))


def _claims(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for rule in map(mapping, items(mapping(body.get("spec")).get("rules"))):
        for path in map(mapping, items(mapping(rule.get("http")).get("paths"))):
            if text(rule.get("host")):
                yield text(rule.get("host")).lower(), text(path.get("path"))


RULE = Rule(
    id="entry-point-twice",
    title="Two Ingresses for one host",
    severity=Severity.MEDIUM,
    consequence="ingress-nginx refuses the second one; other controllers pick one by an order of their own.",
    fix="Leave one on: switch off revproxy.ingress.enabled, or whichever of global.dev, aws and gcp made the other.",
    covers=("M9",),
    environment=check,
    rendered=True,
)

"""Where is it used: a tag, a key, a secret's name, a bucket, a hostname, across the fleet.

Names and settings are searched as readers see them, masked, so that nobody can confirm a guess at a secret here. Long
texts (a portal's configuration, a mapping) are searched whole, and the line that names it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.location import Location
from csoc.fleet.masking import mask_text, mask_tree, masked
from csoc.fleet.values import Path, walk
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.views import EnvironmentView
from csoc.usecases.change.operations import dotted
from csoc.usecases.lines import is_long
from csoc.usecases.load import LoadedFleet

MOST = 10_000
_AROUND = 60
_LINES = 20


@dataclass(frozen=True, slots=True)
class Use:
    """One place. kind: "hostname", "image", "value", "Application", or a claim's kind. environment is "" for what
    belongs to none."""

    environment: str
    kind: str
    text: str
    location: Location | None


def where(fleet: LoadedFleet, facts: Mapping[str, EnvironmentFacts], what: str) -> list[Use]:
    """Every place that names `what` (any part, case ignored), by environment, each place once; at most MOST.

    Raises RejectedError for an empty `what`.
    """
    sought = " ".join(what.split()).lower()
    if not sought:
        raise RejectedError("There is nothing to look for", fix="Name a tag, key, secret, bucket or hostname")
    found: dict[tuple[str, str, Location | None], Use] = {}
    for view in fleet.view.environments:
        for use in (*_names(view), *_claims(view, facts[view.name])):
            if sought in use.text.lower():
                found.setdefault((use.environment, use.text, use.location), use)
        for use in _settings(fleet, view, sought):
            found.setdefault((use.environment, use.text, use.location), use)
            if len(found) >= MOST:
                return list(found.values())
    for other in fleet.view.others:
        use = Use("", "Application", f"{other.application.name} ({other.role})", other.application.location)
        if sought in use.text.lower():
            found.setdefault(("", use.text, use.location), use)
    return list(found.values())


def _names(view: EnvironmentView) -> Iterator[Use]:
    application = view.application
    yield Use(view.name, "Application", application.name, application.location)
    if view.hostname.known:
        yield Use(view.name, "hostname", view.hostname.value, view.hostname.location)
    if view.namespace:
        yield Use(view.name, "namespace", view.namespace, application.namespace_location or application.location)
    yield Use(view.name, "release", view.release, view.source.location or application.location)
    if view.chart.repo_url:
        yield Use(view.name, "chart", mask_text(str(view.chart)), view.source.revision_location or view.source.location)


def _claims(view: EnvironmentView, facts: EnvironmentFacts) -> Iterator[Use]:
    for claim in facts.claims:
        default = "" if claim.location is not None else " (chart default)"
        yield Use(view.name, claim.kind, mask_text(f"{claim.key}: {claim.identity}{default}"), claim.location)
    for service in facts.services.values():
        if service.enabled:
            image = mask_text(f"{service.name}: {service.repository}:{service.tag}")
            yield Use(view.name, "image", image, service.location)


def _settings(fleet: LoadedFleet, view: EnvironmentView, sought: str) -> Iterator[Use]:
    values = fleet.resolved[view.name].values
    for steps, value in walk(mask_tree(values.data)):
        name = dotted(steps)
        for text in _matching(steps, value, name, sought):
            yield Use(view.name, "value", f"{name}: {text}", values.origin(steps))


def _matching(steps: Path, value: Any, name: str, sought: str) -> Iterator[str]:
    """What to show of a masked value that names it: the value, or the lines of a long text that do."""
    if not is_long(value):
        text = masked(steps, value)
        if sought in f"{name}: {text}".lower():
            yield text
        return
    lines = [(number, found) for number, line in enumerate(value.splitlines(), 1) if (found := _around(line, sought))]
    if not lines and sought in name.lower():
        yield masked(steps, value)
    for number, line in lines[:_LINES]:
        yield f"line {number}: {line}" if "\n" in value.strip() else line
    if len(lines) > _LINES:
        yield f"and {len(lines) - _LINES} more lines"


def _around(line: str, sought: str) -> str:
    """The line where it names it, cut to what stands around; "" if it does not."""
    text = " ".join(line.split())
    at = text.lower().find(sought)
    if at < 0:
        return ""
    start, end = max(0, at - _AROUND), at + len(sought) + _AROUND
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")

"""hatchery launches workspaces in one namespace and ambassador finds them in one, and their defaults differ.

ambassador watches jupyter-pods-<release>, hatchery uses jupyter-pods-<namespace of the release>, and what
`hatchery.hatchery.json` says wins over both of hatchery's other ways (chart 0.3.90).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from csoc.fleet.shapes import mapping, mappings, text
from csoc.gen3.claims import from_values
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import name_of, workloads
from csoc.gen3.state import EnvironmentState

_WATCHED = "ambassador.jupyterNamespace"


def namespaces(state: EnvironmentState) -> tuple[str, str, str] | None:
    """The namespace that ambassador watches, the one that hatchery uses, and the values path that says the latter;
    None where not both run, or where one of them cannot be told."""
    values = Gen3Values(state)
    if not values_complete(state) or not (values.on("ambassador") and values.on("hatchery")):
        return None
    launched, path = from_values.workspace_namespace(values)
    prefix = values.text("ambassador.userNamespace") or "jupyter-pods"
    watched = values.text(_WATCHED) or f"{prefix}-{state.view.release}"
    if rendered(state):
        watched, launched = _watched(state), _launched(state)
    return (watched, launched, path) if watched and launched else None


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if they differ."""
    found = namespaces(state)
    if found is None or found[0] == found[1]:
        return
    watched, launched, path = found
    yield Hit(
        cause=f"ambassador watches the namespace {watched}, but hatchery launches workspaces in {launched}",
        key=f"{watched} {launched}",
        evidence=(state.at(_WATCHED), state.at(path)),
        fix=f"Set {_WATCHED} to {launched}.",
        patches=set_value(state, _WATCHED, launched),
    )


def _watched(state: EnvironmentState) -> str:
    for workload in workloads(state):
        if workload.name != "ambassador-deployment":
            continue
        for container in workload.containers:
            for entry in mappings(container.get("env")):
                if entry.get("name") == "AMBASSADOR_NAMESPACE":
                    return text(entry.get("value"))
    return ""


def _launched(state: EnvironmentState) -> str:
    for item in state.objects("ConfigMap"):
        if name_of(item.body) == "manifest-hatchery":
            try:
                data = json.loads(text(mapping(item.body.get("data")).get("json")))
            except (ValueError, RecursionError):
                return ""  # broken JSON is another rule's finding
            return text(data.get("user-namespace")) if isinstance(data, Mapping) else ""
    return ""


RULE = Rule(
    id="workspace-namespaces-differ",
    title="ambassador does not watch where hatchery launches",
    severity=Severity.HIGH,
    consequence="Workspaces start and never open: the proxy does not know them.",
    fix=f"Set {_WATCHED} to the namespace in which hatchery launches workspaces.",
    covers=("M6",),
    environment=check,
    rendered=True,
)

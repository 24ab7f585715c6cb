"""<service>.env, volumes and volumeMounts replace the chart's lists as a whole, and what was left out is missed later.

Three things show it in the manifests: a mount of a volume that the pod does not have, an environment variable that
refers to one that is not there, and fence without its configuration (chart 0.3.90 mounts it at
fence-config-secret.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.shapes import mapping, mappings
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.rules.support.workloads import Workload, at_source, name_of, service_of, workloads
from csoc.gen3.state import EnvironmentState

_Finder = Callable[[Workload], str]
_REFERENCE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_CONFIG = "/var/www/fence/fence-config-secret.yaml"
_FENCE = ("fence-deployment", "presigned-url-fence-deployment")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a service and kind of lack, with all workloads that show it."""
    if not rendered(state):
        return
    found: dict[tuple[str, _Lack], list[tuple[Workload, str]]] = {}
    for item in workloads(state):
        for lack in _LACKS:
            what = lack.of(item)
            if what and (not lack.only_if_written or state.written((service_of(item.template), lack.lists[0]))):
                found.setdefault((service_of(item.template) or item.name, lack), []).append((item, what))
    for (service, lack), cases in found.items():
        written = next((name for name in lack.lists if state.written((service, name))), "")
        place = state.at((service, written)).location if written else None
        evidence = [at_source(state, item.title) for item, _ in cases[:1]]
        if written:
            evidence = [Evidence(f"{service}.{written}", place, state.view.name)]
        yield Hit(
            cause=f"{listed(item.title for item, _ in cases)} {lack.words.format(what=cases[0][1])}",
            key=f"{service} {lack.lists[0]}",
            evidence=tuple(evidence),
            severity=lack.severity,
            consequence=lack.consequence,
        )


def _volumes_lacking(item: Workload) -> str:
    known = {volume.get("name") for volume in mappings(item.spec.get("volumes")) if isinstance(volume.get("name"), str)}
    claimed = mappings(mapping(item.body.get("spec")).get("volumeClaimTemplates"))
    known |= {name_of(claim) for claim in claimed}
    mounts = [mount for container in item.containers for mount in mappings(container.get("volumeMounts"))]
    names = (mount.get("name") for mount in mounts)
    return next((name for name in names if isinstance(name, str) and name not in known), "")


def _variables_lacking(item: Workload) -> str:
    """ "one from another". Where a container takes all keys of a secret, nothing is known."""
    for container in item.containers:
        if container.get("envFrom"):
            continue
        seen: set[str] = set()
        for entry in mappings(container.get("env")):
            missing = _missing(entry, seen)
            if missing:
                return f"{entry.get('name')} from {missing}"
            seen.add(str(entry.get("name")))
    return ""


def _missing(entry: Mapping[str, Any], known: set[str]) -> str:
    value = entry.get("value")
    found = _REFERENCE.findall(value) if isinstance(value, str) else []
    return next((name for name in found if name not in known), "")


def _configuration_lacking(item: Workload) -> str:
    mounts = [mount for container in item.containers for mount in mappings(container.get("volumeMounts"))]
    there = any(mount.get("mountPath") == _CONFIG for mount in mounts)
    return "" if item.name not in _FENCE or there else "fence's configuration"


@dataclass(frozen=True, slots=True)
class _Lack:
    """One way in which it shows. of: what a workload lacks, "" for nothing. lists: of the service's values, likeliest
    first."""

    of: _Finder
    lists: tuple[str, ...]
    words: str
    severity: Severity | None = None
    consequence: str = ""
    only_if_written: bool = False


_LACKS = (
    _Lack(
        _volumes_lacking,
        ("volumes", "volumeMounts"),
        "mounts the volume {what} and does not have it",
        Severity.CRITICAL,
        "Kubernetes refuses the pods' template, and the synchronisation fails.",
    ),
    _Lack(_variables_lacking, ("env", "extraEnv"), "builds the variable {what}, which is not set"),
    _Lack(
        _configuration_lacking,
        ("volumeMounts",),
        "does not mount {what}",
        consequence="Fence starts without its secret configuration, or does not start.",
        only_if_written=True,
    ),
)

RULE = Rule(
    id="pod-list-incomplete",
    title="A list of a pod that lacks what the chart put there",
    severity=Severity.HIGH,
    consequence="The service starts with a wrong address or password, and fails.",
    fix="Copy the chart's whole list from its values.yaml and change it there, since Helm replaces lists.",
    covers=("M14", "M28"),
    environment=check,
    rendered=True,
)

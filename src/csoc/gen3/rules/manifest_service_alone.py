"""In the older system some services work only together with others, which the same manifest has to name.

The pairs are those that the maintainers' own check of manifests insists on (gen3utils,
gen3utils/manifest/validation_config.yaml, "versions", as of April 2026). In the chart other parties can stand in, so
that its environments have rules of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.values import Path
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST

# Service, what it needs, why.
_NEEDS = (
    ("hatchery", "wts", "workspaces get their tokens from it"),
    ("hatchery", "ambassador", "nothing else carries traffic to workspaces"),
    ("guppy", "aws-es-proxy", "it asks the search domain through it"),
    ("tube", "spark", "it computes there"),
    ("tube", "aws-es-proxy", "it writes to the search domain through it"),
)


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each service that the manifest names without what it needs."""
    for service, other, because in _NEEDS:
        if state.written(_image(service)) and not state.written(_image(other)):
            yield Hit(
                cause=f"The manifest names {service} and not {other}: {because}",
                key=f"{service} {other}",
                evidence=(state.at(_image(service), f"versions.{service}"),),
                fix=f"Add {other} to versions.",
            )


def _image(service: str) -> Path:
    """Where a version in the manifest stands after its translation."""
    if service in ("tube", "spark"):
        return ("etl", "image", service, "repository")
    return (service, "image", "repository")


RULE = Rule(
    id="manifest-service-alone",
    title="A service of an older manifest without its partner",
    severity=Severity.HIGH,
    consequence="The service starts and fails at its work: workspaces do not open, searches find no server.",
    fix="Add the other service to the manifest's versions.",
    covers=("versions",),
    environment=check,
    systems=(MANIFEST,),
)

"""The portal's template for Crossplane lacks a closing quote, so that portalBuild and Crossplane exclude each other.

portal/templates/crossplane.yaml line 66 of chart 0.3.90; where the chart at hand renders it well, there is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.state import EnvironmentState

_BUILD = "portal.portalBuild.enabled"
_CROSSPLANE = "global.crossplane.enabled"
_TEMPLATE = "portal/templates/crossplane.yaml"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if both are on, and the template did not render well."""
    if not (on(state, "portal") and state.get(_BUILD) and state.get(_CROSSPLANE)):
        return
    rendering = state.rendering
    known = rendering is not None and rendering.failure is None
    if rendering is not None and known and not any(name.endswith(_TEMPLATE) for name, _ in rendering.unparsed):
        return
    yield Hit(
        cause=f"{_BUILD} and {_CROSSPLANE} are both on, and the chart's template for the two is broken",
        key="portal",
        evidence=(state.at(_BUILD), state.at(_CROSSPLANE)),
    )


RULE = Rule(
    id="portal-build-with-crossplane",
    title="The portal's own build together with Crossplane",
    severity=Severity.CRITICAL,
    consequence="Helm refuses the whole chart, since the template's output is not YAML: nothing can be deployed.",
    fix="Set portal.portalBuild.enabled: false, or make the bucket and role without Crossplane.",
    covers=("M22",),
    environment=check,
)

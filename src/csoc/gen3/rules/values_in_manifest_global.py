"""Some optional `global` URLs make the umbrella chart print its whole values, passwords included, into a ConfigMap.

The chart's template tests one of these values and then quotes the root object instead of the value (chart 0.3.90,
templates/global-manifest.yaml), so setting any of them publishes everything to whoever may read ConfigMaps. Chart
0.2.60 does the same; where there are manifests, they say what this version does.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping, text
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import name_of
from csoc.gen3.state import EnvironmentState

KEYS = (
    "indexdURL",
    "arboristURL",
    "workspaceURL",
    "wtsURL",
    "manifestServiceURL",
    "privacyPolicyURL",
    "mapboxToken",
    "cookieDomain",
    "desNamespace",
)


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a key that is set to something true in Helm's eyes."""
    if rendered(state) and not _published(state):
        return
    for key in KEYS:
        if state.get(("global", key)) and may_read(state, ("global", key)):
            yield Hit(
                cause=f"global.{key} is set, and the chart then writes all values into the ConfigMap manifest-global",
                key=key,
                evidence=(state.at(("global", key)),),
            )


def _published(state: EnvironmentState) -> bool:
    """True if some entry of the ConfigMap is Go's way to print a whole mapping, which "global" is part of."""
    bodies = [item.body for item in state.objects("ConfigMap") if name_of(item.body) == "manifest-global"]
    return any(text(entry).startswith("map[") for body in bodies for entry in mapping(body.get("data")).values())


RULE = Rule(
    id="values-in-manifest-global",
    title="A global URL that publishes all values",
    severity=Severity.CRITICAL,
    consequence="Every value, passwords and keys among them, is readable in the ConfigMap manifest-global.",
    fix="Remove the key; where the entry is wanted, put it into global.manifestGlobalExtraValues.",
    covers=("M8",),
    environment=check,
)

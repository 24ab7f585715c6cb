"""Some optional `global` URLs make the umbrella chart print its whole values, passwords included, into a ConfigMap.

The chart's template tests one of these values and then quotes the root object instead of the value (chart 0.3.90,
templates/global-manifest.yaml), so setting any of them publishes everything to whoever may read ConfigMaps.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
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
    for key in KEYS:
        if state.get(("global", key)):
            yield Hit(
                cause=f"global.{key} is set, and the chart then writes all values into the ConfigMap manifest-global",
                key=key,
                evidence=(state.at(("global", key)),),
            )


RULE = Rule(
    id="values-in-manifest-global",
    title="A global URL that publishes all values",
    severity=Severity.CRITICAL,
    consequence="Every value, passwords and keys among them, is readable in the ConfigMap manifest-global.",
    fix="Remove the key; where the entry is wanted, put it into global.manifestGlobalExtraValues.",
    covers=("M8",),
    environment=check,
)

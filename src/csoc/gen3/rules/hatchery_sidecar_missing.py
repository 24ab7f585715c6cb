"""Hatchery starts a second container beside each workspace, and its configuration has to say which.

A configuration in JSON replaces what the chart would write, its sidecar included. That it needs one comes from the
maintainers' own check of manifests (gen3utils, gen3utils/manifest/validation_config.yaml, "block", as of April 2026);
the chart writes one too (hatchery/templates/hatchery-manifest.yaml of 0.3.90).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, MANIFEST

_PATH = "hatchery.hatchery.json"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the configuration is written as JSON and names no sidecar with an image. Broken JSON is not judged."""
    written = state.get(_PATH)
    if not on(state, "hatchery") or not isinstance(written, str) or not written.strip() or not may_read(state, _PATH):
        return
    try:
        data = json.loads(written)
    except (ValueError, RecursionError):
        return
    if isinstance(data, dict) and not mapping(data.get("sidecar")).get("image"):
        yield Hit(
            cause="Hatchery's configuration in JSON names no sidecar",
            key="sidecar",
            evidence=(state.at(_PATH, "no sidecar with an image"),),
        )


RULE = Rule(
    id="hatchery-sidecar-missing",
    title="Workspaces without their second container",
    severity=Severity.HIGH,
    consequence="Each workspace's pod has a container without an image, and Kubernetes refuses the pod.",
    fix="Add a sidecar with image, cpu-limit and memory-limit to the JSON.",
    covers=("versions",),
    environment=check,
    systems=(HELM, MANIFEST),
)

"""States of the older system, made from a manifest by the translation that adoption uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from csoc.fleet.values import EffectiveValues, Layer
from csoc.gen3.adoption.cloud_automation import translate
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST
from csoc.testing.states import environment_state, environment_view, layer


def manifest_state(
    versions: Mapping[str, str],
    *beside: Layer,
    stage: str = "prod",
    general: Mapping[str, Any] | None = None,
    **blocks: Any,
) -> EnvironmentState:
    """An environment whose manifest names these versions (service to tag). general: more of its global block; beside:
    what stands in files of their own."""
    images = {name: f"quay.io/cdis/{name}:{tag}" for name, tag in versions.items()}
    whole = {"versions": images, "global": {"hostname": "a.example.org", **(general or {})}, **blocks}
    written = layer(json.dumps(whole, indent=1), "manifest.json")
    values = EffectiveValues.merge([translate(whole, written.locate, "manifest.json"), *beside])
    view = replace(environment_view(stage=stage), system=MANIFEST)
    return replace(environment_state(""), view=view, values=values, merged=values.data)

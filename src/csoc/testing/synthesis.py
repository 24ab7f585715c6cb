"""Templates in memory: for tests of what plans and applies, which need templates that answer to a document, not CDK.

A template has a parameter an input, an SSM parameter and an output for each output, and one resource that holds the
settings, so that changed settings are a changed template.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.errors import RejectedError
from csoc.provisioning.layers import LAYERS
from csoc.provisioning.synthesis import Template

_KEYS = {"version", "installation", "owner", "account", "region", "partition", "boundary", "layers"}
_LAYER_KEYS = {"stack", "outputs", "inputs", "settings"}


class MemorySynthesizer:
    """A `provisioning.synthesis.Synthesizer`. made: how many documents it was asked for."""

    def __init__(self) -> None:
        self.made = 0

    def synthesize(self, document: Mapping[str, Any]) -> Mapping[str, Template]:
        """See the port."""
        _same_keys(document, _KEYS, "")
        if document["version"] != 1:
            raise RejectedError("Only documents of version 1 can be read", place="version")
        layers = document["layers"]
        if not isinstance(layers, Mapping) or not layers:
            raise RejectedError("An object with at least one layer is wanted", place="layers")
        self.made += 1
        return {name: Template(name, layer["stack"], _body(name, layer)) for name, layer in layers.items()}


def _same_keys(part: Any, keys: set[str], path: str) -> None:
    if not isinstance(part, Mapping):
        raise RejectedError("An object is wanted", place=path or "document")
    for key in sorted(set(part) ^ keys):
        what = "There is no such key" if key in part else "It is missing"
        raise RejectedError(what, place=f"{path}.{key}" if path else str(key))


def _body(name: str, layer: Any) -> str:
    path = f"layers.{name}"
    if name not in LAYERS or not LAYERS[name].has_stack:
        raise RejectedError("There is no such layer", place=path)
    _same_keys(layer, _LAYER_KEYS, path)
    _same_keys(layer["outputs"], {output.name for output in LAYERS[name].outputs}, f"{path}.outputs")
    parameters = {
        need: {"Type": "AWS::SSM::Parameter::Value<String>", "Default": given["parameter"]}
        if "parameter" in given
        else {"Type": "String", "Default": given["value"]}
        for need, given in layer["inputs"].items()
    }
    resources: dict[str, Any] = {
        "Settings": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": json.dumps(layer["settings"], sort_keys=True)},
        }
    }
    for output, place in layer["outputs"].items():
        properties = {"Type": "String", "Name": place, "Value": f"{name}-{output}"}
        resources[f"{output}Parameter"] = {"Type": "AWS::SSM::Parameter", "Properties": properties}
    outputs = {output: {"Value": f"{name}-{output}"} for output in layer["outputs"]}
    template = {"Parameters": parameters, "Resources": resources, "Outputs": outputs}
    return json.dumps(template, sort_keys=True, separators=(",", ":"))

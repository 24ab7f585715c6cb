"""The infrastructure document: everything that the templates are made from, parsed strictly.

It comes from csoc or from a file that somebody exported and edited, so each mistake is refused with its path rather
than carried into a stack. Settings of layers are read by the layers' own dataclasses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc_infra import names
from csoc_infra.layers import table
from csoc_infra.mistakes import MistakeError, join, shown
from csoc_infra.settings import text

VERSION = 1
_UID = re.compile(r"[a-z0-9]{10}")
_OWNER_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]{2,10}){1,3}-[0-9]{1,2}")
_PARAMETER = re.compile(r"/[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100}){0,13}")
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov")


@dataclass(frozen=True, slots=True)
class Input:
    """A need of a layer: where CloudFormation reads it, or what it is. One of the two is empty."""

    parameter: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """One layer of a document. outputs: paths of SSM parameters by output. settings: not read yet."""

    name: str
    stack: str
    outputs: Mapping[str, str]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    settings: Any = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """See the module. kind: of the owner, "cluster" or "environment"."""

    installation: str
    kind: str
    name: str
    uid: str
    account: str
    region: str
    partition: str
    boundary: str
    layers: Mapping[str, LayerRequest]


def parse(document: Any) -> Document:
    """From parsed JSON. Raises MistakeError."""
    known = ("version", "installation", "owner", "account", "region", "partition", "boundary", "layers")
    top = _object(document, "", known)
    if top["version"] is True or top["version"] != VERSION:
        raise MistakeError("version", f"this version of csoc_infra reads documents of version {VERSION}")
    owner = _object(top["owner"], "owner", ("kind", "name", "uid"))
    kind = text(owner["kind"], "owner.kind")
    if kind not in table.OWNERS:
        raise MistakeError("owner.kind", f"one of {', '.join(table.OWNERS)} is wanted")
    uid = _fits(_UID, owner["uid"], "owner.uid", "ten lower-case letters and digits")
    installation = _fits(_UID, top["installation"], "installation", "ten lower-case letters and digits")
    account = _fits(_ACCOUNT, top["account"], "account", "the twelve digits of an AWS account")
    partition = text(top["partition"], "partition")
    if partition not in _PARTITIONS:
        raise MistakeError("partition", f"one of {', '.join(_PARTITIONS)} is wanted")
    boundary = text(top["boundary"], "boundary")
    if boundary != names.boundary_arn(partition, account, installation):
        raise MistakeError(
            "boundary",
            "this is not the boundary of the installation's link in this account",
            f"It is {names.boundary_arn(partition, account, installation)}",
        )
    return Document(
        installation=installation,
        kind=kind,
        name=_fits(_OWNER_NAME, owner["name"], "owner.name", "lower-case letters, digits, hyphens and dots"),
        uid=uid,
        account=account,
        region=_fits(_REGION, top["region"], "region", "a region like ap-southeast-2"),
        partition=partition,
        boundary=boundary,
        layers=_layers(top["layers"], kind, uid),
    )


def _layers(value: Any, kind: str, uid: str) -> Mapping[str, LayerRequest]:
    if not isinstance(value, Mapping) or not value:
        raise MistakeError("layers", "an object with at least one layer is wanted")
    for name in value:
        if not isinstance(name, str) or name not in table.LAYERS or table.LAYERS[name].owner != kind:
            own = ", ".join(one for one, entry in table.LAYERS.items() if entry.owner == kind)
            raise MistakeError(f"layers.{shown(str(name))}", f"{kind}s have no such layer", f"They have {own}")
    return {name: _layer(name, value[name], uid) for name in table.LAYERS if name in value}


def _layer(name: str, value: Any, uid: str) -> LayerRequest:
    path = f"layers.{name}"
    given = _object(value, path, ("stack", "outputs", "inputs", "settings"))
    stack = text(given["stack"], f"{path}.stack")
    if stack != names.stack(uid, name):
        raise MistakeError(f"{path}.stack", f"{names.stack(uid, name)} is wanted, the stack of this layer")
    outputs = given["outputs"]
    if not isinstance(outputs, Mapping):
        raise MistakeError(f"{path}.outputs", "an object is wanted: the path of an SSM parameter by output")
    for output, parameter in outputs.items():
        if parameter != names.parameter(uid, name, str(output)):
            wanted = names.parameter(uid, name, str(output)[:60])
            raise MistakeError(join(f"{path}.outputs", shown(str(output))), f"the path {shown(wanted, 120)} is wanted")
    inputs = given["inputs"]
    if not isinstance(inputs, Mapping):
        raise MistakeError(f"{path}.inputs", "an object is wanted: inputs by name")
    read = {text(key, f"{path}.inputs"): _input(item, f"{path}.inputs.{key}") for key, item in inputs.items()}
    return LayerRequest(name, stack, dict(outputs), read, given["settings"])


def _input(value: Any, path: str) -> Input:
    if not isinstance(value, Mapping) or len(value) != 1 or not {"parameter", "value"} & set(value):
        raise MistakeError(path, 'either {"parameter": PATH} or {"value": TEXT} is wanted')
    if "value" in value:
        content = text(value["value"], f"{path}.value")
        if not content:
            raise MistakeError(f"{path}.value", "the text is empty")
        return Input(value=content)
    return Input(parameter=_fits(_PARAMETER, value["parameter"], f"{path}.parameter", "the path of an SSM parameter"))


def _object(value: Any, path: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """An object with exactly these keys."""
    if not isinstance(value, Mapping):
        raise MistakeError(path or "document", "an object is wanted")
    for key in value:
        if key not in keys:
            raise MistakeError(join(path, shown(str(key))), "there is no such key", f"There are {', '.join(keys)}")
    for key in keys:
        if key not in value:
            raise MistakeError(join(path, key), "is missing")
    return value


def _fits(pattern: re.Pattern[str], value: Any, path: str, wanted: str) -> str:
    content = text(value, path)
    if not pattern.fullmatch(content):
        raise MistakeError(path, f"wanted is {wanted}, not {shown(content)}")
    return content

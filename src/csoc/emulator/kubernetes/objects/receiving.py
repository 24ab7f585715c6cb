"""What clients send, taken for an object of its type: the right kind, name and place, and nothing unknown in it.

Words are those of the API server (apiserver, pkg/endpoints/handlers, and structured-merge-diff for what is applied).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds import conforming, custom, schemas
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.options import STRICT, WARN, Body, Options
from csoc.emulator.kubernetes.store import Object


def received(type_: ResourceType, body: Body | Object, options: Options, *, patch: bool = False) -> Object:
    """What was sent, as an object of the type with nothing unknown in it."""
    sent = body if isinstance(body, Body) else Body(copy.deepcopy(body))
    data = sent.data
    if not isinstance(data, dict):
        raise errors.bad_request(f"the object provided is unrecognized (must be of type {type_.kind})")
    _check_kind(type_, data)
    data = {**data, "kind": type_.kind, "apiVersion": type_.api_version}
    if not isinstance(data.get("metadata"), dict):
        if data.get("metadata") is not None:
            raise errors.bad_request(f"{type_.kind}: metadata must be an object")
        data = {**data, "metadata": dict[str, Any]()}
    unknown: list[str] = []
    data = conforming_to(type_, data, unknown)
    problems = [f'unknown field "{path}"' for path in unknown]
    problems += [f'duplicate field "{path}"' for path in sent.duplicates]
    if problems and options.validation == STRICT:
        told = "strict decoding error: " + ", ".join(problems)
        if patch:
            causes = [{"reason": "FieldValueInvalid", "message": told, "field": "patch"}]
            raise errors.invalid(type_.kind, type_.group, data["metadata"].get("name", ""), causes)
        raise errors.bad_request(f"{_handled(type_)}: {told}")
    if options.validation == WARN:
        options.warnings += problems
    if type_.custom is not None and type_.custom.warning:
        options.warnings.append(type_.custom.warning)
    return data


def conforming_to(type_: ResourceType, data: Object, unknown: list[str]) -> Object:
    """The object as its type has it. unknown: filled with the paths that the type does not have. Raises ApiError
    BadRequest where something is of the wrong type."""
    try:
        if type_.custom is None:
            made: Object = conforming.conform(type_.schema, data, unknown)
        else:
            metadata = conforming.conform(schemas.metadata(), data["metadata"], unknown, "metadata")
            made = custom.pruned(type_, {**data, "metadata": metadata}, unknown)
    except conforming.WrongTypeError as error:
        raise errors.bad_request(f"{_handled(type_)}: {error}") from error
    made.setdefault("metadata", {})
    return made


def _check_kind(type_: ResourceType, data: Mapping[str, Any]) -> None:
    kind, api_version = data.get("kind"), data.get("apiVersion")
    if (kind is not None and kind != type_.kind) or (api_version is not None and api_version != type_.api_version):
        group, _, version = str(api_version or type_.api_version).rpartition("/")
        why = (
            f"the API version in the data ({group + '/' if group else ''}{version}) does not match the expected "
            f"API version ({type_.api_version})"
        )
        if kind is not None and kind != type_.kind:
            group_of = type_.group.partition(".")[0] or "core"
            why = f'{kind} in version "{version}" cannot be handled as a {type_.kind}: '
            why += f"converting ({version}.{kind}) to ({group_of}.{type_.kind}): unknown conversion"
        raise errors.bad_request(why)


def place(type_: ResourceType, namespace: str, metadata: Object, name: str = "") -> None:
    """Name and namespace of the object are those of the request."""
    if type_.namespaced:
        if metadata.get("namespace", namespace) != namespace:
            why = "the namespace of the provided object does not match the namespace sent on the request"
            raise errors.bad_request(why)
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    if name:
        if metadata.get("name", name) != name:
            why = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            raise errors.bad_request(why)
        metadata["name"] = name


def applicable(type_: ResourceType, namespace: str, name: str, body: Body, options: Options) -> Object:
    """What is applied, checked. Raises ApiError BadRequest, or a failure (500) for fields that the type does not have,
    as the real server does."""
    data = body.data
    if not isinstance(data, dict):
        raise errors.bad_request("error decoding YAML: the applied object must be an object")
    _check_duplicates(body, options)
    _check_applied_kind(type_, data)
    metadata = data.get("metadata")
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise errors.bad_request("metadata must be an object")
    if metadata.get("managedFields") is not None:
        raise errors.bad_request("metadata.managedFields must be nil")
    if metadata.get("name", name) != name:
        why = f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        raise errors.bad_request(why)
    made = {**data, "metadata": {**metadata, "name": name}}
    if type_.namespaced:
        if metadata.get("namespace", namespace) != namespace:
            why = "the namespace of the provided object does not match the namespace sent on the request"
            raise errors.bad_request(why)
        made["metadata"]["namespace"] = namespace
    about = f"{metadata.get('namespace', '')}/{name}; {type_.group}/{type_.version}, Kind={type_.kind}"
    _check_typed(type_, made, f"failed to create typed patch object ({about})")
    return made


def _check_duplicates(body: Body, options: Options) -> None:
    problems = [f'duplicate field "{path}"' for path in body.duplicates]
    if problems and options.validation == STRICT:
        raise errors.bad_request(f"error strict decoding YAML: {', '.join(problems)}")
    if problems and options.validation == WARN:
        options.warnings += problems


def _check_applied_kind(type_: ResourceType, data: Object) -> None:
    for name, shown in (("apiVersion", "apiVersion"), ("kind", "Kind")):
        if not data.get(name):
            raise errors.bad_request(f"Object '{shown}' is missing in the applied object")
    if data["apiVersion"] != type_.api_version or data["kind"] != type_.kind:
        why = "Incorrect version specified in apply patch. "
        why += f"Specified patch version: {data['apiVersion']}, expected: {type_.api_version}"
        raise errors.bad_request(why)


def _check_typed(type_: ResourceType, made: Object, what: str) -> None:
    """Whether the type has all the fields."""
    unknown: list[str] = []
    try:
        conforming.conform(type_.schema, made, unknown)
    except conforming.WrongTypeError as error:
        raise errors.ApiError(500, "", f"{what}: {error}") from error
    if len(unknown) == 1:
        raise errors.ApiError(500, "", f"{what}: .{unknown[0]}: field not declared in schema")
    if unknown:
        told = "\n".join(f"  .{path}: field not declared in schema" for path in unknown)
        raise errors.ApiError(500, "", f"{what}: errors:\n{told}")


def _handled(type_: ResourceType) -> str:
    return f'{type_.kind} in version "{type_.version}" cannot be handled as a {type_.kind}'

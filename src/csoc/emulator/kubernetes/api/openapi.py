"""The OpenAPI documents, as far as kubectl needs them: to check that fields may be validated by the server, to merge
lists by their keys, to explain fields. They hold types and no descriptions.

Source: kube-openapi, pkg/handler3; kubectl, pkg/util/openapi and cli-runtime, pkg/resource/query_param_verifier_v3.go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.api import answers
from csoc.emulator.kubernetes.api.answers import Answer
from csoc.emulator.kubernetes.kinds import facts, schemas
from csoc.emulator.kubernetes.kinds.schemas import ANY, LIST, MAP, SCALAR, Schema
from csoc.emulator.kubernetes.kinds.types import ResourceType, Types

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.api.handlers import Request

Object = dict[str, Any]
_V3 = "#/components/schemas/"
_SCALARS: Mapping[str, Object] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "time": {"type": "string", "format": "date-time"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "int-or-string": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
}
_QUERY = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")


def answer(types: Types, path: str, request: Request) -> Answer:
    """Raises ApiError."""
    accept = request.headers.get("accept", "")
    if path == "/openapi/v2":
        if accept and "json" not in accept and "*/*" not in accept:
            raise errors.ApiError(406, "NotAcceptable", "only the following media types are accepted: application/json")
        return Answer(200, _v2(types))
    if path == "/openapi/v3":
        return answers.of_object({"paths": _index(types)})
    parts = path.removeprefix("/openapi/v3/").split("/")
    group, version = ("", parts[1]) if parts[0] == "api" and len(parts) == 2 else ("", "")
    if parts[0] == "apis" and len(parts) == 3:
        group, version = parts[1], parts[2]
    found = types.of_group(group, version) if version else []
    if not found:
        raise errors.ApiError(404, "NotFound", "the server could not find the requested resource")
    if "json" not in accept and accept and "*/*" not in accept:
        raise errors.ApiError(406, "NotAcceptable", "only the following media types are accepted: application/json")
    return Answer(200, _document(tuple(found)), {"Etag": f'"{_digest(tuple(found))}"'})


def _index(types: Types) -> Object:
    found = {}
    for group, versions in types.groups.items():
        for version in versions:
            resources = tuple(types.of_group(group, version))
            if resources:
                path = f"apis/{group}/{version}" if group else f"api/{version}"
                found[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={_digest(resources)}"}
    return found


@lru_cache(maxsize=64)
def _digest(resources: tuple[ResourceType, ...]) -> str:
    return hashlib.sha256(_document(resources)).hexdigest().upper()


@lru_cache(maxsize=64)
def _document(resources: tuple[ResourceType, ...]) -> bytes:
    """The document of one group and version."""
    made: dict[str, Object] = {}
    for type_ in resources:
        _definition(type_, made)
    paths: Object = {}
    for type_ in resources:
        _paths(type_, paths)
    document = {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": facts.GIT_VERSION},
        "paths": paths,
        "components": {"schemas": made},
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _name(type_: ResourceType) -> str:
    if type_.custom is None:
        name = facts.definition_of_kind().get((type_.group, type_.version, type_.kind), "")
        if name:
            return f"io.k8s.api.{name}"
    return ".".join([*reversed(type_.group.split(".")), type_.version, type_.kind])


def _definition(type_: ResourceType, made: dict[str, Object]) -> None:
    kind = {"group": type_.group, "version": type_.version, "kind": type_.kind}
    name = _name(type_)
    if type_.custom is None:
        body = _struct(type_.schema, made)
    else:
        raw = json.loads(json.dumps(type_.custom.schema or {"type": "object"}))
        own: Object = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        own["metadata"] = {"allOf": [{"$ref": _reference("meta.ObjectMeta")}]}
        _shared(schemas.metadata(), made)
        body = {**raw, "type": "object", "properties": {**(raw.get("properties") or {}), **own}}
    made[name] = {**body, "x-kubernetes-group-version-kind": [kind]}


def _reference(short: str) -> str:
    return f"{_V3}io.k8s.api.{short}"


def _shared(schema: Schema, made: dict[str, Object]) -> Object:
    """A reference to a named type, which is added once."""
    full = f"io.k8s.api.{schema.name}"
    if full not in made:
        made[full] = {}  # before its fields: they may refer to it
        made[full] = _struct(schema, made)
    return {"allOf": [{"$ref": _V3 + full}]}


def _struct(schema: Schema, made: dict[str, Object]) -> Object:
    if schema.kind != MAP or not schema.fields:
        return {"type": "object"} if schema.kind in (MAP, ANY) else _type(schema, made)
    found: Object = {"type": "object", "properties": {name: _type(schema.fields[name], made) for name in schema.fields}}
    for name, value in schema.defaults.items():
        if name in found["properties"]:
            found["properties"][name] = {**found["properties"][name], "default": value}
    for name in schema.values:
        found["properties"][name] = {**found["properties"][name], "default": {}}
    if schema.required:
        found["required"] = list(schema.required)
    if schema.atomic:
        found["x-kubernetes-map-type"] = "atomic"
    return found


def _type(schema: Schema, made: dict[str, Object]) -> Object:
    if schema.kind == SCALAR:
        return dict(_SCALARS[schema.scalar])
    if schema.kind == ANY:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if schema.kind == LIST:
        return _list(schema, made)
    if schema.name:
        return _shared(schema, made)
    if schema.element is None:
        return _struct(schema, made)
    found: Object = {"type": "object", "additionalProperties": _type(schema.element, made)}
    return found | ({"x-kubernetes-map-type": "atomic"} if schema.atomic else {})


def _list(schema: Schema, made: dict[str, Object]) -> Object:
    assert schema.element is not None  # noqa: S101 - tells the type checker
    found: Object = {"type": "array", "items": _type(schema.element, made)}
    found["x-kubernetes-list-type"] = schema.list_type
    if schema.keys:
        found["x-kubernetes-list-map-keys"] = list(schema.keys)
    if schema.patch_key is not None:
        found["x-kubernetes-patch-strategy"] = "merge,retainKeys" if schema.retain_keys else "merge"
        if schema.patch_key:
            found["x-kubernetes-patch-merge-key"] = schema.patch_key
    return found


def _paths(type_: ResourceType, paths: Object) -> None:
    """One path for the collection and one for an object, with the operations that clients look for."""
    root = f"/apis/{type_.group}/{type_.version}" if type_.group else f"/api/{type_.version}"
    root += "/namespaces/{namespace}" if type_.namespaced else ""
    kind = {"group": type_.group, "version": type_.version, "kind": type_.kind}
    verbs = type_.all_verbs

    def operation(action: str, *, body: bool = True) -> Object:
        parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _QUERY] if body else []
        return {
            "operationId": f"{action}{type_.group or 'Core'}{type_.version}{type_.kind}",
            "parameters": parameters,
            "responses": {
                "200": {"description": "OK", "content": {answers.JSON: {"schema": {"$ref": _V3 + _name(type_)}}}}
            },
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind,
        }

    collection = {}
    if "list" in verbs:
        collection["get"] = operation("list", body=False)
    if "create" in verbs:
        collection["post"] = operation("post")
    single = {}
    for verb, method, action in (("get", "get", "get"), ("update", "put", "put"), ("patch", "patch", "patch")):
        if verb in verbs:
            single[method] = operation(action, body=verb != "get")
    if "patch" in single:
        kinds = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
        kinds += ["application/strategic-merge-patch+json"] if type_.custom is None else []
        single["patch"]["requestBody"] = {"content": {media: {"schema": {"type": "object"}} for media in kinds}}
    if "delete" in verbs:
        single["delete"] = operation("delete", body=False)
    paths[f"{root}/{type_.plural}"] = collection
    if single:
        paths[f"{root}/{type_.plural}/{{name}}"] = single


@lru_cache(maxsize=16)
def _v2_of(resources: tuple[ResourceType, ...]) -> bytes:
    made: dict[str, Object] = {}
    for type_ in resources:
        _definition(type_, made)
    text = json.dumps(made, separators=(",", ":"), ensure_ascii=False).replace(_V3, "#/definitions/")
    definitions = json.loads(text)
    _flatten(definitions)
    document = {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": facts.GIT_VERSION},
        "paths": {},
        "definitions": definitions,
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _v2(types: Types) -> bytes:
    return _v2_of(tuple(types))


def _flatten(part: Any) -> None:
    """OpenAPI 2 has no lone allOf, and nothing like oneOf."""
    if isinstance(part, list):
        for one in part:
            _flatten(one)
    if not isinstance(part, dict):
        return
    for value in part.values():
        _flatten(value)
    inside = part.get("allOf")
    if isinstance(inside, list) and len(inside) == 1 and "$ref" in inside[0]:
        part.pop("allOf")
        part.pop("default", None)
        part["$ref"] = inside[0]["$ref"]
    if isinstance(part.get("oneOf"), list):
        part.pop("oneOf")
        part["type"] = "string"

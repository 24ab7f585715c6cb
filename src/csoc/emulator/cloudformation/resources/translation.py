"""From properties of a template to parameters of a call, and from a service's answer back to properties.

Templates write "true" and 3 where an API wants a boolean and a string, and PascalCase where it wants camelCase; the
shapes of botocore's models say what is wanted, and the resource schemas what a template would say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.schemas import Schemas

Tags = list[dict[str, str]]

# How services say that something does not exist.
_GONE = ("NotFound", "NonExistent", "NoSuch", "DoesNotExist", "NonexistentItem", "NotExist")
_GONE_EXACTLY = ("InvalidDocument",)


def is_gone(error: ClientError) -> bool:
    """True if the error says that what was asked for does not exist."""
    code = str(error.response["Error"]["Code"])
    if code in _GONE_EXACTLY or any(part in code for part in _GONE):
        return True
    return "not found" in str(error.response["Error"].get("Message", ""))


def unless_gone(action: Callable[[], Any]) -> Any:
    """What the action gives; None if it fails because the thing does not exist."""
    try:
        return action()
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def is_true(value: Any) -> bool:
    """A boolean as templates write it."""
    return str(value).lower() == "true"


def at_path(value: Any, path: str) -> Any:
    """What stands at "Subnet.SubnetId" or "Subnets.0.SubnetId"; None if nothing does."""
    for part in path.split(".") if path else ():
        if isinstance(value, list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def call(client: Any, method: str, given: Mapping[str, Any]) -> Any:
    """Calls a method of a client with values as a template has them. Raises ResourceError for a value that cannot be
    what the API wants."""
    operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    shape = operation.input_shape
    return getattr(client, method)(**(shaped(shape, given, operation.name) if shape is not None else {}))


def shaped(shape: Any, value: Any, where: str) -> Any:
    """A template's value in the form of a shape of botocore's. where: for errors."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, value, where)
    if kind == "list":
        items = value if isinstance(value, (list, tuple)) else [value]
        return [shaped(shape.member, item, f"{where}.{number}") for number, item in enumerate(items)]
    if kind == "map":
        return {str(key): shaped(shape.value, inner, f"{where}.{key}") for key, inner in value.items()}
    if kind == "boolean":
        return is_true(value)
    if kind in ("integer", "long"):
        return int(_number(value, where))
    if kind in ("float", "double"):
        return _number(value, where)
    if kind == "blob":
        return value if isinstance(value, bytes) else str(value).encode()
    return text(value) if kind == "string" else value


def text(value: Any) -> str:
    """A value where an API wants a string: documents become JSON, booleans are in small letters."""
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ResourceError(f"{where}: {value!r} is no number", "InvalidRequest") from None


def _structure(shape: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ResourceError(f"{where}: expected an object, found {value!r}", "InvalidRequest")
    by_small = {name.lower(): name for name in shape.members}
    found = {}
    for key, inner in value.items():
        name = key if key in shape.members else by_small.get(key.lower(), "")
        if not name:
            raise ResourceError(
                f"{where}: the emulator's API has no {key}, so that it would be lost; leave it out", "InvalidRequest"
            )
        found[name] = shaped(shape.members[name], inner, f"{where}.{name}")
    return found


@lru_cache(maxsize=1)
def _schemas() -> Schemas:
    return Schemas()


def told(type_name: str, answer: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those properties of a type that a service's answer has, in the form of a template."""
    schema = _schemas().definition(type_name)
    by_small = {name.lower(): value for name, value in answer.items()}
    found = {}
    for name in names:
        value = answer.get(name, by_small.get(name.lower()))
        if value is not None:
            found[name] = _templated(schema, schema.get("properties", {}).get(name, {}), value)
    return found


def _templated(schema: Mapping[str, Any], part: Mapping[str, Any], value: Any) -> Any:
    part = _followed(schema, part)
    if isinstance(value, Mapping) and part.get("properties"):
        by_small = {name.lower(): name for name in part["properties"]}
        return {
            by_small[key.lower()]: _templated(schema, part["properties"][by_small[key.lower()]], inner)
            for key, inner in value.items()
            if key.lower() in by_small and inner is not None
        }
    if isinstance(value, list):
        return [_templated(schema, part.get("items", {}), item) for item in value]
    if isinstance(value, str) and "object" in _kinds(part):
        return _document(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a template says 4 where the API's type is a double
    if part.get("type") == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value


def _followed(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of a schema behind its references; of alternatives, all their properties."""
    for _ in range(8):
        if "$ref" not in part:
            break
        part = schema.get("definitions", {}).get(str(part["$ref"]).rsplit("/", 1)[-1], {})
    return part


def _kinds(part: Mapping[str, Any]) -> Sequence[str]:
    kind = part.get("type", ())
    return [kind] if isinstance(kind, str) else list(kind)


def _document(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def own_tags(properties: Properties, name: str = "Tags") -> dict[str, str]:
    """The tags that a resource's properties give, written as a list or as a map."""
    tags = properties.get(name) or {}
    if isinstance(tags, Mapping):
        return {key: text(value) for key, value in tags.items()}
    return {tag["Key"]: text(tag.get("Value", "")) for tag in tags}


def all_tags(context: Context, properties: Properties, name: str = "Tags") -> dict[str, str]:
    """The stack's tags with the resource's own above them."""
    return {**context.tags, **own_tags(properties, name)}


def user_tags(context: Context, properties: Properties, name: str = "Tags") -> dict[str, str]:
    """The same without those that only CloudFormation may set, for services that would refuse them."""
    return {key: value for key, value in all_tags(context, properties, name).items() if not key.startswith("aws:")}


def as_list(tags: Mapping[str, str]) -> Tags:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def short_name(context: Context, longest: int) -> str:
    """A made-up name within a service's limit: as CloudFormation does it, stack and logical id give way, the suffix
    stays."""
    if len(context.name) <= longest:
        return context.name
    start, _, suffix = context.name.rpartition("-")
    logical = context.logical_id[: (longest - len(suffix) - 2) // 2]
    stack = start[: longest - len(suffix) - len(logical) - 2].strip("-")
    return f"{stack}-{logical}-{suffix}"

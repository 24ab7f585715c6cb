"""The patches that a client may send: JSON patch, merge patch, strategic merge patch.

Sources: RFC 6902, RFC 7386; apimachinery, pkg/util/strategicpatch/patch.go; apiserver,
pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

import copy
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.schemas import LIST, UNKNOWN, Schema

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
KINDS = (JSON, MERGE, APPLY, STRATEGIC)
_MOST_OPERATIONS = 10_000
_ORDER = "$setElementOrder/"
_DELETE_ITEMS = "$deleteFromPrimitiveList/"
_RETAIN = "$retainKeys"
_DIRECTIVE = "$patch"


def patched(schema: Schema | None, kind: str, live: Any, patch: Any) -> Any:
    """The live object with the patch. schema: of built-in kinds; custom resources take no strategic merge patch.

    Raises ApiError: BadRequest, Invalid (a JSON patch that does not fit), UnsupportedMediaType.
    """
    live = copy.deepcopy(live)
    if kind == JSON:
        return _json_patched(live, patch)
    if not isinstance(patch, dict):
        raise errors.bad_request(
            "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}"
        )
    if kind == MERGE:
        return _merged(live, patch)
    if kind != STRATEGIC:
        raise unsupported()
    if schema is None:
        raise unsupported(custom=True)
    return _strategic(schema, live, patch)


def unsupported(*, custom: bool = False) -> errors.ApiError:
    kinds = [kind for kind in KINDS if not custom or kind != STRATEGIC]
    why = f"the body of the request was in an unknown format - accepted media types include: {', '.join(kinds)}"
    return errors.ApiError(415, "UnsupportedMediaType", why, {})


def _merged(live: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    made = dict(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _merged(made.get(name), value)
    return made


# JSON patch


def _json_patched(live: Any, operations: Any) -> Any:
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise errors.bad_request("error decoding patch: json: cannot unmarshal into Go value of type jsonpatch.Patch")
    if len(operations) > _MOST_OPERATIONS:
        why = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}"
        raise errors.ApiError(413, "RequestEntityTooLarge", why)
    for operation in operations:
        live = _operate(live, operation)
    return live


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation.get("op"), operation.get("path")
    if name not in ("add", "remove", "replace", "move", "copy", "test") or not isinstance(path, str):
        raise errors.bad_request(f"error decoding patch: unexpected operation {operation!r}")
    if name in ("add", "replace", "test") and "value" not in operation:
        raise errors.bad_request(f'error decoding patch: operation "{name}" of {path} has no value')
    if name == "test":
        if _found(document, path) != operation["value"]:
            raise _unprocessable(f"testing value {path} failed: test failed")
        return document
    if name == "add":
        return _added(document, path, copy.deepcopy(operation["value"]))
    if name == "replace":
        _found(document, path)
        if not path:
            return operation["value"]
        return _added(_removed(document, path), path, copy.deepcopy(operation["value"]))
    if name == "remove":
        _found(document, path)
        return _removed(document, path)
    source = operation.get("from")
    if not isinstance(source, str):
        raise errors.bad_request(f'error decoding patch: operation "{name}" of {path} has no from')
    value = copy.deepcopy(_found(document, source))
    if name == "move":
        document = _removed(document, source)
    return _added(document, path, value)


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise _unprocessable(f"{path}: a path begins with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _found(document: Any, path: str) -> Any:
    for part in _parts(path):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            raise _unprocessable(f"the path {path} does not exist: missing value")
    return document


def _parent(document: Any, path: str) -> tuple[Any, str]:
    *before, last = _parts(path)
    for part in before:
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            raise _unprocessable(f"the path {path} does not exist: missing path")
    return document, last


def _added(document: Any, path: str, value: Any) -> Any:
    if not path:
        return value
    node, last = _parent(document, path)
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list) and (last == "-" or (last.isdigit() and int(last) <= len(node))):
        node.insert(len(node) if last == "-" else int(last), value)
    else:
        raise _unprocessable(f"add operation does not apply: doc is missing path: {path}: missing value")
    return document


def _removed(document: Any, path: str) -> Any:
    node, last = _parent(document, path)
    if isinstance(node, dict):
        del node[last]
    else:
        del node[int(last)]
    return document


def _unprocessable(why: str) -> errors.ApiError:
    error = errors.ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})
    error.add_note(why)
    return error


# Strategic merge patch


def _strategic(schema: Schema, live: Any, patch: dict[str, Any]) -> Any:
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise errors.bad_request(f"unknown patch directive {directive!r}")
    made = dict(live) if isinstance(live, dict) else {}
    if _RETAIN in patch:
        made = {name: value for name, value in made.items() if name in patch[_RETAIN]}
    for name, value in patch.items():
        if name in (_DIRECTIVE, _RETAIN) or name.startswith(_ORDER):
            continue
        if name.startswith(_DELETE_ITEMS):
            target = name.removeprefix(_DELETE_ITEMS)
            made[target] = [item for item in made.get(target) or () if item not in value]
            continue
        _strategic_field(schema, made, name, value, patch.get(_ORDER + name))
    for name, order in patch.items():
        target = name.removeprefix(_ORDER)
        if name.startswith(_ORDER) and target not in patch and isinstance(made.get(target), list):
            made[target] = _ordered(schema.child(target), made[target], order, made[target])
    return made


def _strategic_field(schema: Schema, made: dict[str, Any], name: str, value: Any, order: Any) -> None:
    below = schema.child(name)
    if value is None:
        made.pop(name, None)
    elif isinstance(value, dict):
        made[name] = _strategic(below, made.get(name), value)
        if value.get(_DIRECTIVE) == "delete":
            made.pop(name)
    elif isinstance(value, list) and below.kind == LIST and below.patch_key is not None:
        made[name] = _strategic_list(below, made.get(name) or [], value, order)
    else:
        made[name] = value


def _strategic_list(schema: Schema, live: list[Any], patch: list[Any], order: Any) -> list[Any]:
    key = schema.patch_key or ""
    if not key:
        merged = live + [item for item in patch if item not in live]
        return _ordered(schema, _ordered(schema, merged, patch, live), order, live)
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and item.get(_DIRECTIVE) == "replace")]
    made = list(live)
    for item in patch:
        if not isinstance(item, dict):
            raise errors.bad_request(f"map: {item!r} does not contain declared merge key: {key}")
        if key not in item:
            raise errors.bad_request(f"map: {item} does not contain declared merge key: {key}")
        at = next(
            (index for index, one in enumerate(made) if isinstance(one, dict) and one.get(key) == item[key]), None
        )
        if item.get(_DIRECTIVE) == "delete":
            made = [one for one in made if not (isinstance(one, dict) and one.get(key) == item[key])]
        elif at is None:
            made.append(_strategic(schema.element or UNKNOWN, {}, item))
        else:
            made[at] = _strategic(schema.element or UNKNOWN, made[at], item)
    # What the patch names comes in its order, before what is only in the live list, unless it stood behind that.
    named = [item for item in patch if _DIRECTIVE not in item]
    return _ordered(schema, _ordered(schema, made, named, live), order, live)


def _ordered(schema: Schema, items: list[Any], order: Any, live: list[Any]) -> list[Any]:
    """Items in the order that the patch asks for; those that it does not name stay near those they stood before."""
    if not isinstance(order, list):
        return items
    key = schema.patch_key or ""

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted = [name(item) for item in order]
    named = sorted((item for item in items if name(item) in wanted), key=lambda item: wanted.index(name(item)))
    before = [name(item) for item in live]
    made = list(named)
    for item in (item for item in items if name(item) not in wanted):
        at = before.index(name(item)) if name(item) in before else len(before)
        later = [index for index, one in enumerate(made) if name(one) in before and before.index(name(one)) > at]
        made.insert(later[0] if later else len(made), item)
    return made

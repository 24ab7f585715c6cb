"""What clients send: JSON, YAML or protobuf, checked before anything looks at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.api import protobuf
from csoc.emulator.kubernetes.objects.options import Body
from csoc.fleet.yaml import yamltext

LARGEST_BYTES = 3 * 1024 * 1024
"""As the real server's: apiserver, pkg/server/config.go (MaxRequestBodyBytes)."""
_JSON = ("application/json", "")
_YAML = ("application/yaml", "application/apply-patch+yaml")
_DEEPEST = 200


def decode(content: bytes, content_type: str) -> Body:
    """Raises ApiError: BadRequest, RequestEntityTooLarge or UnsupportedMediaType."""
    if len(content) > LARGEST_BYTES:
        why = f"Request entity too large: limit is {LARGEST_BYTES}"
        raise errors.ApiError(413, "RequestEntityTooLarge", why)
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _YAML and not content.lstrip().startswith(b"{"):
        return _yaml(content)
    if kind in _JSON or kind.endswith("+json") or kind in _YAML:
        return _json(content)
    if kind == protobuf.MEDIA_TYPE:
        return _protobuf(content)
    kinds = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    why = f"the body of the request was in an unknown format - accepted media types include: {kinds}"
    raise errors.ApiError(415, "UnsupportedMediaType", why)


def _protobuf(content: bytes) -> Body:
    try:
        return Body(protobuf.decode(content))
    except (protobuf.ProtobufError, OverflowError) as error:
        raise errors.bad_request(f"error decoding protobuf: {error}") from error


def _json(content: bytes) -> Body:
    twice: dict[int, list[str]] = {}

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            seen: set[str] = set()
            again = [name for name, _ in found if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
            twice[id(made)] = again
            kept.append(made)
        return made

    kept: list[dict[str, Any]] = []  # so that no id is used twice
    try:
        # Bytes that are no UTF-8 are replaced, as Go's decoder does; as bytes, json would guess at another encoding.
        text = content.decode("utf-8", "replace")
        data = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise errors.bad_request(f"the object provided is unrecognized (must be of type JSON): {error}") from error
    _check_depth(data)
    places = tuple(_places(data, twice, "")) if twice else ()
    if "\\ud" in text or "\\uD" in text:
        data = _without_surrogates(data)
    return Body(data, places)


def _without_surrogates(data: Any) -> Any:
    """Halves of characters become what Go makes of them: they are no text that could be kept."""
    if isinstance(data, str):
        return data.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(data, list):
        return [_without_surrogates(part) for part in data]
    if isinstance(data, dict):
        return {_without_surrogates(name): _without_surrogates(part) for name, part in data.items()}
    return data


def _number(text: str) -> float:
    found = float(text)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"cannot unmarshal number {text[:40]} into a value of type float64")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"invalid number {name}")


def _yaml(content: bytes) -> Body:
    try:
        documents = yamltext.parse(content)
    except yamltext.YamlError as error:
        raise errors.bad_request(f"error decoding YAML: {error}") from error
    if not documents:
        raise errors.bad_request("error decoding YAML: there is no document in the body")
    first = documents[0]
    _check_depth(first.data)
    return Body(first.data, tuple(".".join(map(str, path)) for path, _ in first.duplicates()))


def _check_depth(data: Any) -> None:
    """Everything that walks through objects may recurse afterwards."""
    level = [data]
    for _ in range(_DEEPEST):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise errors.bad_request(f"the object is nested more than {_DEEPEST} levels deep, which the emulator does not take")


def _places(data: Any, twice: dict[int, list[str]], path: str) -> Iterator[str]:
    if isinstance(data, dict):
        yield from (f"{path}{name}" for name in twice.get(id(data), ()))
        for name, part in data.items():
            yield from _places(part, twice, f"{path}{name}.")
    elif isinstance(data, list):
        for index, part in enumerate(data):
            yield from _places(part, twice, f"{path[:-1]}[{index}].")

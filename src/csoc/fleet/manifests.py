"""Rendered manifests as something to compare and to show.

Two renderings of the same input differ, since charts make passwords, keys and certificates while they render; a
comparison that shows those hides what changed. And what is rendered holds secrets, which no reader may see. Both are
settled here, as functions of values: `normalise` first, on the objects as they are, then `mask_objects`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from csoc.fleet import masking
from csoc.fleet.charts import RenderedObject

GENERATED = "(made anew at each rendering)"
"""Stands where `normalise` took out what differs between two renderings of the same input."""

Identity = tuple[str, str, str, str]
"""apiVersion, kind, namespace ("" if not named) and name of an object."""

_CHECKSUM = re.compile(r"[0-9a-f]{40,64}")
_CHECKSUM_KEYS = re.compile(r"(^|[/.-])checksum([/.-]|$)|(^|/)(sha\d*|hash)$", re.IGNORECASE)


def identity(body: Mapping[str, Any]) -> Identity:
    """Names an object among those of one rendering."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    parts = (body.get("apiVersion"), body.get("kind"), metadata.get("namespace"), metadata.get("name"))
    first, kind, namespace, name = (str(part or "") for part in parts)
    return first, kind, namespace, name


def normalise(
    objects: Sequence[RenderedObject], twin: Sequence[RenderedObject] | None = None
) -> tuple[RenderedObject, ...]:
    """The objects without what a further rendering of the same input would make different.

    twin: the objects of a second rendering of the same request. What differs between the two becomes GENERATED: whole
    values, single lines of texts with several lines, and inside Secrets the decoded text. Without a twin only
    checksum annotations are taken out, which follow from what is made up. Neither argument is changed.
    """
    plain = tuple(replace(item, body=_without_checksums(item.body)) for item in objects)
    if twin is None:
        return plain
    others = tuple(replace(item, body=_without_checksums(item.body)) for item in twin)
    return tuple(
        replace(item, body=_common(item.body, other.body, item.body.get("kind") == "Secret"))
        for item, other in _pairs(plain, others)
    )


def mask_objects(objects: Iterable[RenderedObject]) -> tuple[RenderedObject, ...]:
    """The objects as readers may see them: values of Secrets hidden, and whatever else looks secret. Names stay."""
    return tuple(replace(item, body=masking.mask_tree(item.body)) for item in objects)


def _pairs(
    objects: Sequence[RenderedObject], twin: Sequence[RenderedObject]
) -> list[tuple[RenderedObject, RenderedObject]]:
    """Each object with its twin: the one of its identity, else (a name made up) the next of its template and kind."""
    by_identity: dict[tuple[str, Identity], list[RenderedObject]] = {}
    for item in twin:
        by_identity.setdefault((item.template, identity(item.body)), []).append(item)
    found: list[tuple[RenderedObject, RenderedObject | None]] = []
    for item in objects:
        same = by_identity.get((item.template, identity(item.body)))
        found.append((item, same.pop(0) if same else None))
    left: dict[tuple[str, str], list[RenderedObject]] = {}
    for rest in by_identity.values():
        for item in rest:
            left.setdefault((item.template, identity(item.body)[1]), []).append(item)
    pairs = []
    for item, other in found:
        spare = left.get((item.template, identity(item.body)[1])) if other is None else None
        pairs.append((item, other or (spare.pop(0) if spare else item)))
    return pairs


def _common(one: Any, other: Any, decode: bool) -> Any:
    """What both have in common, GENERATED where they differ. decode: texts may be base64 (data of a Secret)."""
    if one == other:
        return one
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        return {key: _common(value, other[key], decode) for key, value in one.items()}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_common(left, right, decode) for left, right in zip(one, other, strict=True)]
    if isinstance(one, str) and isinstance(other, str):
        left, right = (_decoded(one), _decoded(other)) if decode else (one, other)
        return _common_text(left, right)
    return GENERATED


def _common_text(one: str, other: str) -> str:
    left, right = one.splitlines(), other.splitlines()
    if len(left) != len(right) or len(left) < 2 or one.startswith("-----BEGIN"):
        return GENERATED
    return "\n".join(a if a == b else GENERATED for a, b in zip(left, right, strict=True))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text


def _without_checksums(body: Any) -> Any:
    """The same, with annotations that are checksums taken out of the comparison. Parts without any are shared."""
    if isinstance(body, list):
        items = [_without_checksums(item) for item in body]
        return items if any(new is not old for new, old in zip(items, body, strict=True)) else body
    if not isinstance(body, Mapping):
        return body
    changed: dict[str, Any] = {}
    for key, value in body.items():
        new = _plain_annotations(value) if key == "annotations" else _without_checksums(value)
        if new is not value:
            changed[key] = new
    return {**body, **changed} if changed else body


def _plain_annotations(annotations: Any) -> Any:
    if not isinstance(annotations, Mapping):
        return annotations
    sums = {
        key: GENERATED
        for key, value in annotations.items()
        if isinstance(value, str) and _CHECKSUM.fullmatch(value) and _CHECKSUM_KEYS.search(str(key))
    }
    return {**annotations, **sums} if sums else annotations

"""Writes documents the way a person would: keys in the model's order, defaults left out, a word on why.

What csoc infers it writes down for somebody to correct, so each inferred fact carries its reason as a comment. Only
new files are written here; a document that exists is changed by `fleet.yaml.yamledit`, which keeps what stands around.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from csoc.fleet.documents import layout
from csoc.fleet.documents.base import Document, FileReference, Part
from csoc.fleet.documents.faults import field_name
from csoc.fleet.yaml import yamlscalars

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./$@+-]*(:[A-Za-z0-9_./$@+-]+)*")


def render_document(
    document: Document, *, path: str = "", comments: Mapping[str, str] | None = None, header: str = ""
) -> bytes:
    """The document as a YAML file that reads back as the same document.

    path: where it will stand in its repository; gives the line that tells editors which schema holds ("" leaves it
    out). comments: by field ("spec.stage", "spec.values[0]"); a short one stands behind its field, others above it.
    header: text above everything, wrapped as given.
    """
    lines: list[str] = []
    if path:
        lines.append(f"# yaml-language-server: $schema={schema_reference(path, type(document).__name__)}")
    lines.extend(f"# {line}".rstrip() for line in header.splitlines())
    lines.extend(_mapping(_data(document), (), _clean(comments or {})))
    return ("\n".join(lines) + "\n").encode()


def schema_reference(path: str, kind: str) -> str:
    """The schema of a kind as seen from a file at the path: "../../.csoc/schemas/cluster.json"."""
    schema = f"{layout.SCHEMAS}/{kind.lower()}.json"
    top, _, rest = schema.partition("/")
    if path.startswith(f"{top}/"):
        return "../" * (path.count("/") - 1) + rest if path.count("/") > 1 else f"./{rest}"
    return "../" * path.count("/") + schema if "/" in path else f"./{schema}"


def _data(document: Document) -> dict[str, Any]:
    data = document.model_dump(by_alias=True, exclude_unset=True)
    plain: dict[str, Any] = _plain(document, data)
    # The spec even where it says nothing, since the next person will want to say something there.
    return {"apiVersion": plain.pop("apiVersion"), "kind": plain.pop("kind"), **plain, "spec": plain.get("spec", {})}


def _plain(part: Any, data: Any) -> Any:
    """Without what says nothing, and with files of the same repository as plain paths, as people write them.

    A default that was stated stays: "stage: unknown" is what somebody is meant to correct.
    """
    if type(part) is FileReference and part.repository is None:
        return part.path
    if isinstance(part, Part):
        fields = {field.alias or name: (name, field.is_required()) for name, field in type(part).model_fields.items()}
        kept = {key: _plain(getattr(part, fields[key][0]), value) for key, value in data.items()}
        return {key: value for key, value in kept.items() if fields[key][1] or value not in (None, "", [], {})}
    if isinstance(data, (list, tuple)):
        return [_plain(inner, item) for inner, item in zip(part, data, strict=True)]
    return data


def _clean(comments: Mapping[str, str]) -> dict[str, str]:
    """Comments as one line each: a reason may quote a repository, which must not end the comment."""
    cleaned = {}
    for field, text in comments.items():
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        if line:
            cleaned[field] = line
    return cleaned


def _mapping(data: Mapping[str, Any], path: tuple[str | int, ...], comments: Mapping[str, str]) -> Iterator[str]:
    indent = "  " * sum(1 for step in path if isinstance(step, str))
    indent += "  " * sum(1 for step in path if isinstance(step, int))
    for key, value in data.items():
        yield from _entry(f"{indent}{scalar(key)}:", value, (*path, key), comments)


def _list(items: Sequence[Any], path: tuple[str | int, ...], comments: Mapping[str, str]) -> Iterator[str]:
    indent = "  " * len(path)
    for number, item in enumerate(items):
        inner = (*path, number)
        if isinstance(item, Mapping) and item:
            yield from _above(comments.get(field_name(inner), ""), indent)
            lines = _mapping(item, inner, comments)
            for count, line in enumerate(lines):
                # The first key stands beside the dash, unless a comment came before it.
                yield f"{indent}- {line[len(indent) + 2 :]}" if count == 0 else line
        else:
            yield from _entry(f"{indent}-", item, inner, comments)


def _entry(start: str, value: Any, path: tuple[str | int, ...], comments: Mapping[str, str]) -> Iterator[str]:
    comment = comments.get(field_name(path), "")
    indent = start[: len(start) - len(start.lstrip())]
    if isinstance(value, Mapping) and value:
        yield from _above(comment, indent)
        yield start
        yield from _mapping(value, path, comments)
    elif isinstance(value, (list, tuple)) and value:
        yield from _above(comment, indent)
        yield start
        yield from _list(value, path, comments)
    else:
        line = f"{start} {scalar(value)}"
        if comment and len(line) + len(comment) + 4 <= _WIDTH:
            yield f"{line}  # {comment}"
        else:
            yield from _above(comment, indent)
            yield line


def _above(comment: str, indent: str) -> Iterator[str]:
    while comment:
        cut = len(comment)
        if len(indent) + 2 + cut > _WIDTH:
            cut = comment.rfind(" ", 0, _WIDTH - len(indent) - 2)
            cut = cut if cut > 0 else len(comment)
        yield f"{indent}# {comment[:cut]}"
        comment = comment[cut:].lstrip()


def scalar(value: Any) -> str:
    """A scalar, or an empty collection, as it stands in YAML: every reader takes it for what it is here."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (datetime, date)):
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    return _text(str(value))


def _text(value: str) -> str:
    """Text without quotes where every YAML reader takes it for text, else in double quotes."""
    if _PLAIN.fullmatch(value) and not value.endswith(":") and not _may_be_other(value):
        return value
    escaped = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in escaped)


def _may_be_other(value: str) -> bool:
    """Whether some reader (YAML 1.1 or 1.2) would not see text: numbers, dates, words for true, false and nothing."""
    if value[0].isdigit() or value[0] == ".":
        return True
    return not isinstance(yamlscalars.resolve(value, "", True), str) or value.lower() in ("y", "n", "yes", "no")


def _escape(sign: str) -> str:
    number = ord(sign)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"

"""Writes values and manifests as YAML that a person reviews: keys in the order given, long texts as blocks.

Text that any reader of YAML could take for a number, a date or a boolean is quoted, since Helm reads "2026.06" as
2026.06 otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from csoc.fleet.documents.writing import scalar


def render(data: Mapping[str, Any], *, header: str = "") -> bytes:
    """One document. header: a comment above it, wrapped as given."""
    lines = [f"# {line}".rstrip() for line in header.splitlines()]
    lines += _mapping(data, 0) if data else ["{}"]
    return ("\n".join(lines) + "\n").encode()


def render_all(documents: Sequence[Mapping[str, Any]], *, header: str = "") -> bytes:
    """Several documents in one file."""
    first = render(documents[0], header=header)
    return b"---\n".join([first, *(render(document) for document in documents[1:])])


def _mapping(data: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{' ' * indent}{scalar(str(key))}:", value, indent)


def _list(items: Sequence[Any], indent: int) -> Iterator[str]:
    start = f"{' ' * indent}-"
    for item in items:
        if isinstance(item, Mapping) and item:
            lines = list(_mapping(item, indent + 2))
            yield f"{start} {lines[0][indent + 2 :]}"
            yield from lines[1:]
        else:
            yield from _entry(start, item, indent)


def _entry(start: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield start
        yield from _mapping(value, indent + 2)
    elif isinstance(value, (list, tuple)) and value:
        yield start
        yield from _list(value, indent + 2)
    elif isinstance(value, str) and _may_be_block(value):
        yield f"{start} {'|' if value.endswith(chr(10)) else '|-'}"
        for line in value.removesuffix("\n").split("\n"):
            yield f"{' ' * (indent + 2)}{line}".rstrip() if not line.strip() else f"{' ' * (indent + 2)}{line}"
    else:
        yield f"{start} {scalar(value)}"


def _may_be_block(text: str) -> bool:
    """Several lines that a block holds byte for byte: nothing unprintable, no blank first line, no blanks at the end
    that a block would lose."""
    lines = text.split("\n")
    if len(lines) < 2 or not lines[0] or lines[0][0].isspace() or text.endswith("\n\n"):
        return False
    return all(line.isprintable() and (not line or bool(line.strip())) for line in lines)

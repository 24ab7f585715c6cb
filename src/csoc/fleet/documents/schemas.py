"""Describes the documents to editors (JSON Schema) and to readers (a reference page), from the models.

The same schemas are written into every fleet repository, below `.csoc/schemas/`: an editor then needs no network and no
host that might be gone, and the schema is the one of the csoc that wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from csoc.fleet.documents import layout
from csoc.fleet.documents.base import API_VERSION, Document, FileReference
from csoc.fleet.documents.examples import EXAMPLES
from csoc.fleet.overlay import blob_id
from csoc.fleet.repositories import Tree

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str) -> dict[str, Any]:
    """The schema of a kind, draft 2020-12."""
    model = layout.KINDS[kind]
    generated = _without_titles(model.model_json_schema(by_alias=True))
    return {
        "$schema": DIALECT,
        "$id": f"urn:csoc:{API_VERSION.rpartition('/')[2]}:{kind.lower()}",
        "title": f"csoc {kind}",
        **generated,
    }


@cache
def schema_files() -> Mapping[str, bytes]:
    """Path in a fleet repository (".csoc/schemas/environment.json") to content, for every kind."""
    return MappingProxyType(
        {
            f"{layout.SCHEMAS}/{kind.lower()}.json": (json.dumps(json_schema(kind), indent=2) + "\n").encode()
            for kind in layout.KINDS
        }
    )


def stale_schemas(tree: Tree) -> tuple[str, ...]:
    """Schemas of a repository that are not those of this csoc: another version wrote them, or a hand changed them. A
    repository without any has none that are stale."""
    entries = tree.entries()
    present = [path for path in _schema_paths() if path in entries]
    return tuple(path for path in present if entries[path].blob != blob_id(schema_files()[path]))


def _schema_paths() -> tuple[str, ...]:
    return tuple(f"{layout.SCHEMAS}/{kind.lower()}.json" for kind in layout.KINDS)


def reference_page() -> str:
    """The reference of all documents, as Markdown."""
    return "\n".join(_page()) + "\n"


def _without_titles(schema: Any) -> Any:
    """Titles made of field names say nothing that the name does not; a field that is called title stays."""
    if isinstance(schema, dict):
        return {
            key: _without_titles(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema


_INTRODUCTION = (
    "What a person can write down about a fleet. Whatever stands in a document overrules what csoc infers. Every",
    f"document has `apiVersion: {API_VERSION}`, a `kind`, `metadata` and a `spec`; unknown keys are errors. This",
    "page and the schemas in `schemas/` are generated from the models.",
    "",
    "In a repository that was made for csoc the documents stand at the top, in one that was adopted below",
    "`.csoc/`. The kind decides what a document is; the paths below are those that csoc writes.",
)


def _page() -> Iterator[str]:
    yield "# Documents"
    yield ""
    yield from _INTRODUCTION
    for kind, model in layout.KINDS.items():
        yield from _kind(kind, model)


def _kind(kind: str, model: type[Document]) -> Iterator[str]:
    yield ""
    yield f"## {kind}"
    yield ""
    yield f"{_line(model.__doc__)} Path: `{layout.pattern(kind)}`"
    yield ""
    yield "```yaml"
    yield EXAMPLES[kind].rstrip()
    yield "```"
    yield ""
    yield "| field | type | required | meaning |"
    yield "|---|---|---|---|"
    for name in ("metadata", "spec"):
        yield from _rows(model.model_fields[name], name)


def _rows(field: FieldInfo, path: str) -> Iterator[str]:
    for written, kind, required, meaning in _cells(field, path, of_document=True):
        escaped = meaning.replace("|", "\\|")
        yield f"| `{written}` | {kind} | {required} | {escaped} |"


def _cells(field: FieldInfo, path: str, *, of_document: bool = False) -> Iterator[tuple[str, str, str, str]]:
    inner, many = _inner(field.annotation)
    meaning = _line(field.description)
    if of_document and not path.count("."):
        meaning = meaning if inner is None else _line(inner.__doc__)
    yield path, _type(field.annotation), "yes" if field.is_required() else "", meaning
    if inner is not None:
        for name, below in inner.model_fields.items():
            yield from _cells(below, f"{path}{'[]' if many else ''}.{below.alias or name}", of_document=of_document)


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    """Path, type and meaning of each field of a model that is written as documents are, nested ones included."""
    for name, field in model.model_fields.items():
        for row in _cells(field, field.alias or name):
            yield row[0], row[1], row[3]


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model that an annotation holds, if it holds one, and whether as a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for argument in get_args(annotation):
        found, _ = _inner(argument)
        if found is not None:
            return found, get_origin(annotation) is tuple
    return None, False


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping to {_type(arguments[1])}"
    if arguments and all(isinstance(argument, str) for argument in arguments):
        return " or ".join(f"`{argument}`" for argument in arguments)
    if arguments:
        return _type(next(argument for argument in arguments if argument is not type(None)))
    if annotation is FileReference:
        return "path or mapping"
    return _TYPE_NAMES.get(getattr(annotation, "__name__", ""), "mapping")


_TYPE_NAMES = {
    "str": "text",
    "bool": "true or false",
    "int": "number",
    "date": "date",
    "AwareDatetime": "time",
    "Any": "value",
}


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def reference_files() -> dict[str, bytes]:
    """The generated files of docs/reference, by path in it."""
    files = {f"schemas/{path.rpartition('/')[2]}": content for path, content in schema_files().items()}
    return {"documents.md": reference_page().encode(), **files}

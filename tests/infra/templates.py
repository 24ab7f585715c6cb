"""Templates of the examples, made once for all tests of a process, and what tests ask of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from csoc_infra import app
from csoc_infra.document import parse
from tests.infra.documents import SIZES, cluster_document

Template = Mapping[str, Any]


@cache
def texts(size: str) -> Mapping[str, str]:
    """Of a cluster in a size, by layer."""
    return app.templates(parse(cluster_document(size)))


def cluster(size: str, layer: str) -> Template:
    """A layer's template, parsed."""
    parsed: Template = json.loads(texts(size)[layer])
    return parsed


def made(document: Any) -> Mapping[str, Template]:
    """Templates of another document, by layer."""
    return {name: json.loads(text) for name, text in app.templates(parse(document)).items()}


def every() -> Iterator[tuple[str, str, Template]]:
    """Size, layer and template of all examples."""
    for size in SIZES:
        for layer in texts(size):
            yield size, layer, cluster(size, layer)


def of_type(template: Template, kind: str) -> Mapping[str, Any]:
    """Properties of a template's resources of a type, by logical id."""
    return {name: one.get("Properties", {}) for name, one in template["Resources"].items() if one["Type"] == kind}


def statements(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Statements of all roles' own policies, with the role's logical id."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def actions(statement: Mapping[str, Any]) -> list[str]:
    """A statement's actions as a list."""
    found = statement["Action"]
    return [found] if isinstance(found, str) else list(found)


def walk(value: Any) -> Iterator[Any]:
    """Everything in a template."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def changed(size: str, layer: str, **settings: Any) -> Template:
    """A layer's template with other settings."""
    document = cluster_document(size)
    document["layers"][layer]["settings"].update(settings)
    return made(document)[layer]

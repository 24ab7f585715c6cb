"""Data dictionaries in memory: for tests, and for runs without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.errors import NotFoundError, UnavailableError
from csoc.gen3.data_model.dictionary import Dictionary, parse


class MemoryDictionaries:
    """A `gen3.dictionaries.Dictionaries` that has what it was given. away: the network is down, and nothing is kept."""

    def __init__(self) -> None:
        self.away = False
        self._published: dict[str, bytes] = {}

    def add(self, url: str, schema: Mapping[str, Any]) -> None:
        """Publishes a schema.json."""
        self._published[url] = json.dumps(schema).encode()

    def fetch(self, url: str) -> Dictionary:
        """See the port."""
        if self.away:
            raise UnavailableError("The server cannot be reached", place=url)
        if url not in self._published:
            raise NotFoundError("The server has nothing at this address", place=url)
        return parse(self._published[url], place=url)


def node(
    name: str, *properties: str, category: str = "clinical", links: tuple[tuple[str, str, str], ...] = (), **types: str
) -> dict[str, Any]:
    """A node as a dictionary has it. properties are texts; types: others by name. links: (name, target, backref)."""
    written: dict[str, Any] = {"$ref": "_definitions.yaml#/ubiquitous_properties"}
    written |= {item: {"type": "string"} for item in properties}
    written |= {item: {"type": kind} for item, kind in types.items()}
    written |= {link: {"$ref": "_definitions.yaml#/to_one"} for link, _, _ in links}
    return {
        "id": name,
        "title": name.title(),
        "category": category,
        "links": [
            {"name": link, "target_type": target, "backref": backref, "label": "of", "multiplicity": "many_to_one"}
            for link, target, backref in links
        ],
        "properties": written,
    }


def schema(*nodes: Mapping[str, Any]) -> dict[str, Any]:
    """A whole schema.json of these nodes, with program, project and what every node has."""
    program = node("program", "name", category="administrative")
    project = node("project", "code", "name", category="administrative", links=(("programs", "program", "projects"),))
    common = {
        "id": {"$ref": "_definitions.yaml#/uuid"},
        "type": {"type": "string"},
        "submitter_id": {"type": ["string", "null"]},
        "project_id": {"$ref": "_definitions.yaml#/project_id"},
        "state": {"$ref": "#/state"},
        "created_datetime": {"oneOf": [{"type": "string"}, {"type": "null"}]},
        "updated_datetime": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    }
    definitions = {
        "id": "_definitions",
        "uuid": {"term": {"$ref": "_terms.yaml#/uuid"}, "type": "string"},
        "project_id": {"type": "string"},
        "state": {"enum": ["submitted", "released"]},
        "to_one": {"type": "object"},
        "ubiquitous_properties": common,
    }
    files = {f"{item['id']}.yaml": dict(item) for item in (program, project, *nodes)}
    return {
        "_definitions.yaml": definitions,
        "_terms.yaml": {"id": "_terms", "uuid": {"description": "..."}},
        "_settings.yaml": {"_dict_version": "1.0.0"},
        **files,
    }

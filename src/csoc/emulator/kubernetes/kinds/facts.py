"""Facts of Kubernetes 1.34, read once: resources, types of fields, built-in roles.

facts-1.34.json is generated (scripts/kubernetes_facts.py, which also describes its form).
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

GIT_VERSION = "v1.34.0"


@cache
def all_facts() -> dict[str, Any]:
    """The file; nobody may change what is in it."""
    text = resources.files(__package__).joinpath("facts-1.34.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def groups() -> list[str]:
    """Served groups with versions ("v1", "apps/v1"), in the order of discovery; the preferred version first."""
    found: list[str] = all_facts()["groups"]
    return found


def definitions() -> dict[str, Any]:
    """Types by short name."""
    found: dict[str, Any] = all_facts()["definitions"]
    return found


@cache
def definition_of_kind() -> dict[tuple[str, str, str], str]:
    """Short name of a type by group, version and kind."""
    return {tuple(body["@"][0]): name for name, body in definitions().items() if isinstance(body, dict) and "@" in body}


def roles() -> list[dict[str, Any]]:
    """Built-in roles and bindings, in a short form: kind, name, namespace, labels, rules and so on."""
    found: list[dict[str, Any]] = all_facts()["roles"]
    return found

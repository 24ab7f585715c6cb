"""The kinds of servers that are shared: what starts each, and what it needs to be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from testbed import catalogue
from testbed.servers.process import ServerError

NODES = 2

STARTS = {
    "cluster": "testbed.servers.argocd:start_with_cluster",
    "keycloak": "testbed.servers.keycloak:start",
    "postgres": "testbed.servers.postgres:start",
}


def settings(kind: str) -> dict[str, Any]:
    """The settings that a kind of STARTS starts with. Raises ServerError if something is not built."""
    if kind == "cluster":
        return {**{name: str(_built(name)) for name in ("kubernetes", "kwok", "helm")}, "nodes": NODES}
    if kind == "keycloak":
        return {"distribution": str(_built("keycloak") / "keycloak")}
    return {}


def _built(name: str) -> Path:
    folder = catalogue.ALL[name].find()
    if folder is None:
        raise ServerError(f"{name} is not built; make testbed builds it")
    return folder

"""Which resources a cluster knows: those that every cluster has, and those that its CustomResourceDefinitions add.

The built-in ones are facts of Kubernetes 1.34 (`kubectl api-resources`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource of the API. plural: as in paths. subresources: "status", "scale", "log", ... verbs: None for all
    that an ordinary resource has."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] | None = None
    singular: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

"""Clusters for tests: time stands still unless a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from csoc.emulator.kubernetes.clusters import SimulatedCluster, SimulatedClusters
from csoc.emulator.kubernetes.kinds.types import ResourceType

START = datetime(2026, 1, 1, tzinfo=UTC)


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.passed)


def cluster(time: Time | None = None, **given: Any) -> SimulatedCluster:
    return SimulatedClusters(time or Time(), **given).create("one")


def type_of(made: SimulatedCluster, kind: str, api_version: str = "v1") -> ResourceType:
    found = made.objects.types.kind(api_version, kind)
    assert found is not None, kind
    return found


def definition(plural: str = "widgets", kind: str = "Widget", **version: Any) -> dict[str, Any]:
    """A CustomResourceDefinition of example.org with one version."""
    spec = {
        "type": "object",
        "properties": {"size": {"type": "integer", "minimum": 1}, "colour": {"type": "string", "default": "red"}},
    }
    schema = {
        "type": "object",
        "properties": {"spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    told = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [told],
        },
    }

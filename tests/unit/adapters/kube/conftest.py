"""A server that says what a test tells it to, for each test of the client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.adapters.kube.scripted import ScriptedCluster, scripted_cluster


@pytest.fixture
def scripted() -> Iterator[ScriptedCluster]:
    with scripted_cluster() as made:
        yield made

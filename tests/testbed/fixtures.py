"""Fixtures of the testbed: `gitea`, `gitea_repository` and `helm_program`.

A server is started once a test process, when the first test asks for it, and every test gets users and repositories
of its own, so tests share a server without meeting each other. The programs themselves are built before the run
(`testbed/build`, which `make test` calls): parallel test processes would otherwise build them against each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins import optional_parts
from tests.testbed.gitea import Gitea, GiteaRepository, remove_data, running_gitea


@pytest.fixture(scope="session")
def helm_program(request: pytest.FixtureRequest) -> Path:
    """The helm command, the oracle for rendering."""
    return optional_parts.path_of("helm", request.config) / "helm"


@pytest.fixture(scope="session")
def gitea(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A real Gitea of this test process, with an administrator."""
    program = optional_parts.path_of("gitea", request.config)
    data = tmp_path_factory.mktemp("gitea")
    with running_gitea(program, data) as server:
        yield server
    remove_data(data)


@pytest.fixture
def gitea_repository(gitea: Gitea) -> GiteaRepository:
    """A new repository in a new organisation, with a first commit on main (README.md)."""
    repository = gitea.create_repository()
    repository.push({"README.md": "A fleet.\n"}, message="Begin")
    return repository

"""Fixtures of the testbed: `helm_program`, `gitea`, `gitea_repository`, `cluster`, `delivery`, `realm`, `database`, ...

Gitea is started once a test process; the heavier servers once a run, and all test processes use them together
(`testbed.servers.sharing`). Every test gets what it works on for itself: users and repositories, a namespace with an
AppProject, a realm, a database. So tests share a server without meeting each other. The programs themselves are built
before the run (`testbed/build`, which `make test` calls): parallel test processes would otherwise build them against
each other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from testbed.servers import argocd, gitea_server, parts, sharing
from testbed.servers.argocd import Delivery
from testbed.servers.cluster import Cluster
from testbed.servers.gitea import Gitea, GiteaRepository
from testbed.servers.keycloak import Keycloak, Realm
from testbed.servers.postgres import Database, Postgres
from tests.plugins import optional_parts


@pytest.fixture(scope="session")
def helm_program(request: pytest.FixtureRequest) -> Path:
    """The helm command, the oracle for rendering."""
    return optional_parts.path_of("helm", request.config) / "helm"


@pytest.fixture(scope="session")
def gitea(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A real Gitea of this test process, with an administrator."""
    program = optional_parts.path_of("gitea", request.config)
    data = tmp_path_factory.mktemp("gitea")
    with gitea_server.running(program, data) as server:
        yield server
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def gitea_repository(gitea: Gitea) -> GiteaRepository:
    """A new repository in a new organisation, with a first commit on main (README.md)."""
    repository = gitea.create_repository()
    repository.push({"README.md": "A fleet.\n"}, message="Begin")
    return repository


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder by which the test processes of this run find the servers that they share."""
    base = tmp_path_factory.getbasetemp()
    # A worker's folder is one of several in the run's.
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "servers"


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, shared_servers: Path) -> Iterator[Cluster]:
    """A real cluster with Argo CD, shared by all tests of the run. A test that makes something outside of its own
    namespace (see `kube_namespace`, `delivery`) removes it again."""
    yield from _cluster("cluster", request, shared_servers)


@pytest.fixture(scope="session")
def second_cluster(request: pytest.FixtureRequest, shared_servers: Path) -> Iterator[Cluster]:
    """Another cluster with an Argo CD of its own, beside the first."""
    yield from _cluster("second-cluster", request, shared_servers)


@pytest.fixture
def kube_namespace(cluster: Cluster) -> Iterator[str]:
    """A new namespace of the cluster."""
    name = cluster.create_namespace()
    yield name
    cluster.admin.delete("v1", "Namespace", name)


@pytest.fixture
def delivery(cluster: Cluster) -> Iterator[Delivery]:
    """A new namespace and an AppProject bound to it."""
    with argocd.delivery(cluster) as made:
        yield made


@pytest.fixture(scope="session")
def keycloak(request: pytest.FixtureRequest, shared_servers: Path) -> Iterator[Keycloak]:
    """A real OpenID provider, shared by all tests of the run; each makes a realm of its own."""
    with _shared("keycloak", "keycloak", "keycloak", request, shared_servers) as address:
        server = Keycloak(address)
        yield server
        server.close()


@pytest.fixture
def realm(keycloak: Keycloak) -> Iterator[Realm]:
    """A new realm with a client."""
    with keycloak.realm() as made:
        yield made


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, shared_servers: Path) -> Iterator[Postgres]:
    """A real PostgreSQL, shared by all tests of the run; each makes a database of its own."""
    with _shared("postgres", "postgres", "postgres", request, shared_servers) as address:
        yield Postgres(address)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """A new, empty database."""
    with postgres.database() as made:
        yield made


def _cluster(name: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Cluster]:
    with _shared(name, "cluster", "kubernetes", request, folder) as address:
        server = Cluster(address)
        yield server
        server.close()


def _shared(
    name: str, kind: str, part: str, request: pytest.FixtureRequest, folder: Path
) -> AbstractContextManager[dict[str, Any]]:
    """The address of a shared server. Skips or fails the test where the optional part is missing."""
    optional_parts.path_of(part, request.config)
    return sharing.shared(name, parts.STARTS[kind], folder, parts.settings(kind))

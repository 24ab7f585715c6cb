"""The Argo CDs that the contract of Applications is held on, for the suites test_argocd*."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from csoc.emulator.kubernetes.controllers.settings import Settings
from tests.contract.argocd_cases import Asking
from tests.contract.argocd_worlds import ArgoWorld, RealArgo, SimulatedArgo
from tests.contract.cluster_worlds import AS_KWOK, SimulatedWorld, simulated_world


@pytest.fixture(scope="module")
def argo_cluster_settings() -> Settings:
    """How the simulated cluster behaves; a module whose cases need another behaviour says so by the same name."""
    return AS_KWOK


@pytest.fixture(scope="module")
def argo_cluster(tmp_path_factory: pytest.TempPathFactory, argo_cluster_settings: Settings) -> Iterator[SimulatedWorld]:
    """A simulated cluster with an Argo CD that all cases of a module share."""
    with simulated_world(tmp_path_factory.mktemp("cache"), settings=argo_cluster_settings) as made:
        yield made


@pytest.fixture(
    params=[
        pytest.param("simulated", marks=pytest.mark.gitea),
        pytest.param("real", marks=[pytest.mark.kubernetes, pytest.mark.gitea]),
    ]
)
def argo(request: pytest.FixtureRequest) -> ArgoWorld:
    """What one case has of each kind of Argo CD."""
    if request.param == "simulated":
        return SimulatedArgo(request.getfixturevalue("argo_cluster"), request.getfixturevalue("gitea"))
    return RealArgo(request.getfixturevalue("delivery"), request.getfixturevalue("gitea"))


@pytest.fixture
def applications(argo: ArgoWorld) -> Asking:
    """csoc's own way to that Argo CD."""
    return Asking(argo)

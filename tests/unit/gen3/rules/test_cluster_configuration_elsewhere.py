"""Clusters whose add-ons read another branch than everything else."""

import pytest

from csoc.fleet.argocd.model import Application, ApplicationSource
from csoc.gen3.findings import Severity
from csoc.gen3.rules.cluster_configuration_elsewhere import check
from csoc.gen3.state import FleetState
from csoc.gen3.views import ClusterView, unknown
from csoc.testing.states import environment_view, fleet_state, layer, location

GITOPS = "https://github.com/example/gitops.git"
CALICO = "calico:\n  enabled: true\n  configuration:\n    enabled: true\n"


def fleet(values: str, revision: str = "main", ref: str = "values") -> FleetState:
    sources = (
        ApplicationSource("https://github.com/uc-cdis/gen3-helm", path="helm/gen3", target_revision="gen3-0.3.90"),
        ApplicationSource(GITOPS, target_revision=revision, ref=ref),
    )
    application = Application("gen3", location("alpha/app.yaml"), sources)
    cluster = ClusterView(
        "alpha",
        "test",
        unknown("test"),
        unknown("test"),
        applications=(application,),
        layers=(layer(values, "alpha/cluster-values.yaml"),),
    )
    return fleet_state([environment_view("a"), environment_view("b", cluster="beta")], clusters=[cluster])


def revision(name: str) -> str:
    return f"cluster: alpha\nconfiguration:\n  configurationRevision: {name}\n"


def test_another_branch_is_found_with_its_line_the_add_ons_and_the_environments() -> None:
    (hit,) = check(fleet(revision("calico-dev") + CALICO))
    assert (hit.severity, hit.environments) == (Severity.MEDIUM, ("a",))
    assert hit.cause.endswith("everything else from main: calico")
    assert [item.location.line for item in hit.evidence if item.location] == [3]


def test_it_matters_less_while_no_add_on_reads_from_there() -> None:
    (hit,) = check(fleet(revision("calico-dev") + "calico:\n  enabled: true\n  configuration:\n    enabled: false\n"))
    assert hit.severity is Severity.LOW


@pytest.mark.parametrize(
    "state",
    [
        fleet(revision("main") + CALICO),
        fleet("cluster: alpha\n" + CALICO),
        fleet(revision("calico-dev") + CALICO, ref=""),
    ],
)
def test_quiet_for_the_same_branch_none_and_where_the_values_branch_is_not_known(state: FleetState) -> None:
    assert not list(check(state))


@pytest.mark.parametrize("values", ["configuration: text\n", "configuration:\n  configurationRevision: [a]\n", "{}"])
def test_survives_other_shapes(values: str) -> None:
    assert not list(check(fleet(values)))

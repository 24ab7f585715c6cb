"""Two releases of one name on a cluster write one ClusterRole."""

from csoc.gen3.facts import Access, Claim, EnvironmentFacts, Kind
from csoc.gen3.rules.cluster_role_shared import check
from csoc.gen3.rules.model import Hit
from csoc.gen3.views import EnvironmentView
from csoc.testing.states import environment_view, fleet_state, location


def view(name: str, namespace: str, cluster: str = "one") -> EnvironmentView:
    return environment_view(name, namespace=namespace, cluster=cluster, release="gen3")


def hits(*views: EnvironmentView, role: str = "wts-gen3") -> list[Hit]:
    facts = {
        item.name: EnvironmentFacts(
            item.name,
            claims=(
                Claim(Kind.CLUSTER_ROLE, role, item.cluster.value, Access.OWN, "helm.releaseName", location(item.name)),
            ),
        )
        for item in views
    }
    return list(check(fleet_state(views, facts)))


def test_one_release_name_in_two_namespaces_of_a_cluster_is_one_hit() -> None:
    (hit,) = hits(view("a", "a"), view("b", "b"))
    assert hit.environments == ("a", "b")
    assert [str(item.location) for item in hit.evidence] == ["a:1", "b:1"]


def test_quiet_on_two_clusters() -> None:
    assert not hits(view("a", "a", "one"), view("b", "b", "two"))


def test_quiet_in_one_namespace_since_that_is_a_worse_finding_of_its_own() -> None:
    assert not hits(view("a", "a"), view("b", "a"))


def test_quiet_for_one_environment_and_for_none() -> None:
    assert not hits(view("a", "a"))
    assert not list(check(fleet_state([view("a", "a"), view("b", "b")])))


def test_quiet_for_other_names_that_two_environments_share() -> None:
    a, b = view("a", "a"), view("b", "b")
    claim = Claim(Kind.WORKSPACE_NAMESPACE, "jupyter-pods", "one", Access.OWN, "hatchery.jupyterNamespace")
    facts = {item.name: EnvironmentFacts(item.name, claims=(claim,)) for item in (a, b)}
    assert not list(check(fleet_state([a, b], facts)))

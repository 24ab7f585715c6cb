"""One Application name used twice on a cluster, where each environment overwrites the other."""

from csoc.fleet.argocd.model import Application
from csoc.gen3.rules.application_name_shared import check
from csoc.gen3.views import EnvironmentView
from csoc.testing.states import environment_view, fleet_state, location


def view(name: str, application: str, cluster: str) -> EnvironmentView:
    source = environment_view(name).source
    place = location(f"{name}/app.yaml")
    return environment_view(name, cluster=cluster, application=Application(application, place, (source,)))


def test_two_environments_of_one_cluster_with_one_application_name_are_one_hit() -> None:
    (hit,) = check(fleet_state([view("a", "gen3", "one"), view("b", "gen3", "one"), view("c", "other", "one")]))
    assert hit.environments == ("a", "b")
    assert [str(item.location) for item in hit.evidence] == ["a/app.yaml:1", "b/app.yaml:1"]


def test_quiet_for_one_name_on_two_clusters_since_each_has_an_argo_cd_of_its_own() -> None:
    assert not list(check(fleet_state([view("a", "gen3", "one"), view("b", "gen3", "two")])))

"""One Application name used twice on a cluster, where each environment overwrites the other."""

from dataclasses import replace

from csoc.fleet.argocd.model import Application
from csoc.gen3.rules.application_name_shared import check
from csoc.gen3.views import MANIFEST, EnvironmentView, Fact, OtherApplication, unknown
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


def test_quiet_where_the_cluster_is_not_known_and_for_older_manifests() -> None:
    nowhere = [replace(view(name, "gen3", "one"), cluster=unknown("test")) for name in "ab"]
    assert not list(check(fleet_state(nowhere)))
    old = [replace(view(name, "gen3", "one"), system=MANIFEST) for name in "ab"]
    assert not list(check(fleet_state(old)))


def test_quiet_for_two_sources_of_one_application_and_two_namespaces_of_argo_cd() -> None:
    one = view("a", "gen3", "one")
    assert not list(check(fleet_state([one, replace(view("b", "gen3", "one"), application=one.application)])))
    elsewhere = replace(one, application=replace(one.application, namespace="argocd-two"))
    assert not list(check(fleet_state([elsewhere, view("b", "gen3", "one")])))


def test_an_application_beside_the_environments_counts_as_well() -> None:
    state = fleet_state([view("a", "gen3", "one")])
    other = OtherApplication(view("b", "gen3", "one").application, Fact("one", "test"), "platform", "test")
    (hit,) = check(replace(state, view=replace(state.view, others=(other,))))
    assert hit.environments == ("a",)
    assert len(hit.evidence) == 2

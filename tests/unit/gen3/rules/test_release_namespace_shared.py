"""Two releases in one namespace of one cluster."""

from dataclasses import replace

from csoc.gen3.rules.release_namespace_shared import check
from csoc.gen3.views import MANIFEST, EnvironmentView, unknown
from csoc.testing.states import environment_view, fleet_state, location


def view(name: str, namespace: str, cluster: str = "one") -> EnvironmentView:
    made = environment_view(name, namespace=namespace, cluster=cluster)
    return replace(made, application=replace(made.application, namespace_location=location(f"{name}/app.yaml", 23)))


def test_two_in_one_namespace_are_one_hit_with_both_places() -> None:
    (hit,) = check(fleet_state([view("a", "gen3"), view("b", "gen3"), view("c", "other")]))
    assert (hit.key, hit.environments) == ("one/gen3", ("a", "b"))
    assert [str(item.location) for item in hit.evidence] == ["a/app.yaml:23", "b/app.yaml:23"]


def test_quiet_for_one_namespace_on_two_clusters_and_two_on_one() -> None:
    assert not list(check(fleet_state([view("a", "gen3"), view("b", "gen3", "two"), view("c", "c")])))


def test_quiet_where_the_cluster_is_not_known_and_for_older_manifests() -> None:
    nowhere = [replace(view(name, "gen3"), cluster=unknown("test")) for name in "ab"]
    assert not list(check(fleet_state(nowhere)))
    old = [replace(view(name, "gen3"), system=MANIFEST) for name in "ab"]
    assert not list(check(fleet_state(old)))


def test_quiet_where_no_namespace_is_named() -> None:
    assert not list(check(fleet_state([view("a", ""), view("b", "")])))

"""Rules about what an Application tells Argo CD to do."""

from dataclasses import replace
from typing import Any

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules import (
    application_not_applied,
    default_project,
    deleting_deletes_everything,
    namespace_default,
    replace_on_sync,
)
from csoc.gen3.views import MANIFEST, EnvironmentView
from csoc.testing.states import environment_state, environment_view, fleet_state, location

FINALIZER = "resources-finalizer.argocd.argoproj.io"


def view(name: str = "alpha-prod", *, stage: str = "prod", namespace: str = "alpha", **fields: Any) -> EnvironmentView:
    made = environment_view(name, stage=stage, namespace=namespace)
    return replace(made, application=replace(made.application, **fields))


def test_replacing_every_object_is_found_and_by_force_is_worse() -> None:
    state = environment_state("", view=view(sync_options=("CreateNamespace=true", "Replace=true")))
    (hit,) = replace_on_sync.check(state)
    assert hit.severity is Severity.LOW
    assert hit.evidence[0].location == location("alpha-prod/app.yaml")
    state = environment_state("", view=view(sync_options=("Force=true", "Replace=true")))
    (hit,) = replace_on_sync.check(state)
    assert hit.severity is Severity.MEDIUM


@pytest.mark.parametrize("options", [(), ("Replace=false",), ("ServerSideApply=true", "Force=true")])
def test_quiet_for_other_ways_to_sync(options: tuple[str, ...]) -> None:
    assert not list(replace_on_sync.check(environment_state("", view=view(sync_options=options))))


def test_a_finalizer_on_production_is_found() -> None:
    (hit,) = deleting_deletes_everything.check(environment_state("", view=view(finalizers=(FINALIZER,))))
    assert hit.key == "finalizer"
    background = environment_state("", view=view(finalizers=(f"{FINALIZER}/background",)))
    assert list(deleting_deletes_everything.check(background))


def test_quiet_for_a_finalizer_elsewhere_and_for_other_finalizers() -> None:
    check = deleting_deletes_everything.check
    assert not list(check(environment_state("", view=view(stage="dev", finalizers=(FINALIZER,)))))
    assert not list(check(environment_state("", view=view(finalizers=("post-delete-finalizer.argocd.argoproj.io",)))))


def test_everybody_in_the_default_project_is_one_finding() -> None:
    views = [view("a", project="default"), view("b", project=""), view("c", project="gen3")]
    (hit,) = default_project.check(fleet_state(views))
    assert hit.environments == ("a", "b")


def test_quiet_for_a_project_of_their_own_and_for_older_manifests() -> None:
    old = replace(view("a", project=""), system=MANIFEST)
    assert not list(default_project.check(fleet_state([old, view("b", project="gen3")])))


def test_gen3_in_the_namespace_default_is_found_where_it_is_written() -> None:
    place = location("alpha-prod/app.yaml", 27)
    found = view(namespace="default", namespace_location=place)
    (hit,) = namespace_default.check(environment_state("", view=found))
    assert hit.evidence[0].location == place


@pytest.mark.parametrize("namespace", ["alpha", "default-alpha", ""])
def test_quiet_for_other_namespaces(namespace: str) -> None:
    assert not list(namespace_default.check(environment_state("", view=view(namespace=namespace))))


def test_what_nothing_applies_is_one_finding_where_others_are_applied() -> None:
    views = [view("a", applied_by=("root",)), view("b"), view("c")]
    (hit,) = application_not_applied.check(fleet_state(views))
    assert hit.environments == ("b", "c")


def test_quiet_where_nothing_in_git_applies_any_or_everything_is_applied_or_generated() -> None:
    check = application_not_applied.check
    assert not list(check(fleet_state([view("a"), view("b")])))
    generated = view("b", generated_by=location("set.yaml"))
    assert not list(check(fleet_state([view("a", applied_by=("root",)), generated])))
    old = replace(view("b"), system=MANIFEST)
    assert not list(check(fleet_state([view("a", applied_by=("root",)), old])))

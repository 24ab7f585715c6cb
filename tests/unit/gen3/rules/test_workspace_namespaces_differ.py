"""ambassador must watch the namespace in which hatchery launches."""

from typing import Any

import pytest

from csoc.gen3.rules.workspace_namespaces_differ import check
from csoc.testing.states import environment_state

ON = "ambassador:\n  enabled: true\nhatchery:\n  enabled: true\n"


def objects(watched: str, launched: str) -> list[dict[str, Any]]:
    env = [{"name": "AMBASSADOR_NAMESPACE", "value": watched}]
    pod = {"template": {"spec": {"containers": [{"env": env}]}}}
    manifest = {"json": f'{{"user-namespace": "{launched}"}}'}
    return [
        {"kind": "Deployment", "metadata": {"name": "ambassador-deployment"}, "spec": pod},
        {"kind": "ConfigMap", "metadata": {"name": "manifest-hatchery"}, "data": manifest},
    ]


def test_defaults_of_a_release_in_another_namespace_do_not_meet() -> None:
    (hit,) = check(environment_state(ON, release="gen3", namespace="default"))
    assert hit.key == "jupyter-pods-gen3 jupyter-pods-default"
    assert hit.fix == "Set ambassador.jupyterNamespace to jupyter-pods-default."
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 1


def test_what_is_rendered_counts_before_what_values_let_one_expect() -> None:
    (hit,) = check(environment_state(ON, objects=objects("one", "two")))
    assert hit.key == "one two"
    assert not list(check(environment_state(ON, objects=objects("one", "one"), release="gen3", namespace="default")))


def test_a_name_that_is_written_gets_a_patch() -> None:
    values = "ambassador:\n  jupyterNamespace: pods\n" + ON.replace("ambassador:\n", "", 1)
    (hit,) = check(environment_state(values))
    assert [(patch.path, patch.value) for patch in hit.patches] == [
        (("ambassador", "jupyterNamespace"), "jupyter-pods-alpha")
    ]


@pytest.mark.parametrize(
    "values",
    [
        "ambassador: {enabled: true}\nhatchery: {enabled: false}\n",
        "ambassador: {enabled: false}\nhatchery: {enabled: true}\n",
        "ambassador: {jupyterNamespace: pods}\nhatchery: {jupyterNamespace: pods}\n",
        'ambassador: {jupyterNamespace: pods}\nhatchery: {hatchery: {json: \'{"user-namespace": "pods"}\'}}\n',
    ],
    ids=["no hatchery", "no ambassador", "both set", "set in the manifest"],
)
def test_quiet_where_they_meet_or_only_one_runs(values: str) -> None:
    assert not list(check(environment_state(values, release="gen3", namespace="default")))


def test_quiet_where_release_and_namespace_have_one_name() -> None:
    assert not list(check(environment_state(ON)))


@pytest.mark.parametrize(
    "values", ["hatchery: {hatchery: [1]}\nambassador: text\n", "hatchery: {hatchery: {json: '['}}\n"]
)
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))
    broken = [{"kind": "ConfigMap", "metadata": {"name": "manifest-hatchery"}, "data": {"json": "["}}]
    assert not list(check(environment_state(values, objects=broken)))

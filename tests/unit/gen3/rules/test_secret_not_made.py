"""Pods that wait for a Secret that nothing makes, and the many ways in which one may be made after all."""

from dataclasses import replace
from typing import Any

import pytest

from csoc.fleet.values import EffectiveValues, MissingFile
from csoc.gen3.findings import Severity
from csoc.gen3.rules.secret_not_made import check
from csoc.testing.states import environment_state


def named(kind: str, name: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **rest}


def deployment(volume: dict[str, Any] | None = None, *, mounted: bool = True, **container: Any) -> dict[str, Any]:
    box: dict[str, Any] = {"name": "main", **container}
    if mounted:
        box["volumeMounts"] = [{"name": "v", "mountPath": "/x"}]
    spec = {"containers": [box], "volumes": [{"name": "v", **volume}] if volume else []}
    return named("Deployment", "fence-deployment", spec={"template": {"spec": spec}})


def keys(*objects: dict[str, Any], values: str = "") -> list[str]:
    return [hit.key for hit in check(environment_state(values, objects=objects))]


WANTED = {"secret": {"secretName": "wanted"}}


@pytest.mark.parametrize(
    "body",
    [
        deployment(WANTED),
        deployment({"projected": {"sources": [{"secret": {"name": "wanted"}}]}}),
        deployment(env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "wanted", "key": "a"}}}]),
        deployment(envFrom=[{"secretRef": {"name": "wanted"}}]),
    ],
    ids=["volume", "projected volume", "variable", "all variables"],
)
def test_each_way_to_need_a_secret_is_seen(body: dict[str, Any]) -> None:
    (hit,) = check(environment_state("", objects=[body]))
    assert hit.key == "wanted"
    assert "Deployment fence-deployment" in hit.cause
    assert hit.severity is Severity.HIGH


def test_a_job_that_waits_weighs_less_than_a_service() -> None:
    job = deployment(WANTED) | {"kind": "Job"}
    (hit,) = check(environment_state("", objects=[job]))
    assert hit.severity is Severity.MEDIUM


def test_a_secret_that_values_name_is_only_worth_knowing_and_shown_at_its_line() -> None:
    values = "global:\n  aws:\n    useLocalSecret:\n      localSecretName: wanted\n"
    (hit,) = check(environment_state(values, objects=[deployment(WANTED)]))
    assert hit.severity is Severity.LOW
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 4


@pytest.mark.parametrize(
    "maker",
    [
        named("Secret", "wanted"),
        named("ExternalSecret", "other", spec={"target": {"name": "wanted"}}),
        named("ExternalSecret", "wanted", spec={}),
        named("Certificate", "c", spec={"secretName": "wanted"}) | {"apiVersion": "cert-manager.io/v1"},
        named("SealedSecret", "wanted") | {"apiVersion": "bitnami.com/v1alpha1"},
        named("ConfigMap", "scripts", data={"run.sh": "kubectl create secret generic wanted"}),
        named(
            "Job",
            "j",
            spec={"template": {"spec": {"containers": [{"args": ["kubectl create secret generic wanted"]}]}}},
        ),
    ],
    ids=[
        "Helm",
        "External Secrets",
        "External Secrets by its own name",
        "cert-manager",
        "a sealed secret",
        "a script",
        "a Job",
    ],
)
def test_quiet_where_something_makes_it(maker: dict[str, Any]) -> None:
    assert not keys(deployment(WANTED), maker)


def test_a_file_that_only_speaks_of_it_makes_nothing() -> None:
    assert keys(deployment(WANTED), named("ConfigMap", "notes", data={"README": "see wanted"})) == ["wanted"]


def test_a_job_that_waits_for_it_to_patch_it_makes_nothing() -> None:
    script = "until kubectl get secret wanted; do sleep 5; done; kubectl patch secret wanted -p x"
    job = named("Job", "j", spec={"template": {"spec": {"containers": [{"args": [script]}]}}})
    assert keys(deployment(WANTED), job) == ["wanted"]


def test_quiet_for_a_store_that_only_reads_it() -> None:
    store = named("SecretStore", "s", spec={"secretName": "wanted"}) | {"apiVersion": "external-secrets.io/v1"}
    assert keys(deployment(WANTED), store) == ["wanted"]


@pytest.mark.parametrize(
    "body",
    [
        deployment({"secret": {"secretName": "wanted", "optional": True}}),
        deployment(WANTED, mounted=False),
        deployment(envFrom=[{"secretRef": {"name": "wanted", "optional": True}}]),
    ],
    ids=["optional volume", "volume that nobody mounts", "optional variables"],
)
def test_quiet_where_the_pod_starts_without_it(body: dict[str, Any]) -> None:
    assert not keys(body)


def test_quiet_for_the_development_database_that_an_archive_leaves_out() -> None:
    body = deployment({"secret": {"secretName": "alpha-postgresql"}})
    assert not keys(body, values="global: {dev: true}\n")
    assert keys(body, values="global: {dev: false}\n")


def test_quiet_where_a_value_file_is_missing_since_it_may_say_otherwise() -> None:
    state = environment_state("", objects=[deployment(WANTED)])
    missing = MissingFile("v.yaml", "v.yaml", None, tolerated=False)
    values = EffectiveValues.merge(state.values.layers, [missing])
    assert not list(check(replace(state, values=values)))


@pytest.mark.parametrize(
    "body",
    [
        {
            "kind": "Deployment",
            "metadata": [],
            "spec": {"template": {"spec": {"containers": "x", "volumes": {"a": 1}}}},
        },
        deployment({"secret": "text"}),
        deployment(env=[7, {"valueFrom": []}], envFrom=[{"secretRef": "x"}]),
        {"kind": None},
    ],
)
def test_survives_shapes_that_nobody_foresaw(body: dict[str, Any]) -> None:
    assert not keys(body)

"""Pods that wait for a ConfigMap that nothing makes."""

from typing import Any

import pytest

from csoc.gen3.rules.config_map_not_made import check
from csoc.testing.states import environment_state


def pod(name: str, *, mounted: bool = True) -> dict[str, Any]:
    box = {"name": "tube", "volumeMounts": [{"name": "v"}] if mounted else []}
    spec = {"containers": [box], "volumes": [{"name": "v", "configMap": {"name": name}}]}
    job = {"spec": {"template": {"spec": spec}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "etl"}, "spec": {"jobTemplate": job}}


def test_a_cron_job_that_mounts_a_map_of_a_service_that_is_off_is_found() -> None:
    (hit,) = check(environment_state("", objects=[pod("useryaml")]))
    assert hit.key == "useryaml"
    assert "CronJob etl" in hit.cause


def test_quiet_where_the_map_is_made() -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "useryaml"}}
    assert not list(check(environment_state("", objects=[pod("useryaml"), made])))


def test_quiet_for_a_volume_that_no_container_mounts_since_the_kubelet_skips_it() -> None:
    assert not list(check(environment_state("", objects=[pod("config-helper", mounted=False)])))


def test_quiet_for_what_kubernetes_puts_into_every_namespace() -> None:
    assert not list(check(environment_state("", objects=[pod("kube-root-ca.crt")])))


@pytest.mark.parametrize("body", [{"kind": "CronJob", "spec": {"jobTemplate": 1}}, {"kind": "ConfigMap", "data": "x"}])
def test_survives_shapes_that_nobody_foresaw(body: dict[str, Any]) -> None:
    assert not list(check(environment_state("", objects=[body])))

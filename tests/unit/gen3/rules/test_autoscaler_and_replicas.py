"""Autoscalers against fixed numbers of pods."""

from typing import Any

from csoc.gen3.rules.autoscaler_and_replicas import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile_objects, line, made, workload

SWITCH = "global:\n  autoscaling:\n    enabled: true\n"


def scaler(name: str) -> dict[str, Any]:
    return made("HorizontalPodAutoscaler", f"{name}-hpa", spec={"scaleTargetRef": {"kind": "Deployment", "name": name}})


def test_the_global_switch_is_one_hit_whatever_it_concerns() -> None:
    objects = [workload("a", replicas=1), scaler("a"), workload("b", replicas=1), scaler("b")]
    (hit,) = check(environment_state(SWITCH, objects=objects))
    assert (hit.key, line(hit)) == ("global.autoscaling.enabled", 3)


def test_the_global_switch_is_found_without_a_chart() -> None:
    assert [hit.key for hit in check(environment_state(SWITCH))] == ["global.autoscaling.enabled"]


def test_a_deployment_with_both_is_found_without_the_switch() -> None:
    (hit,) = check(environment_state("", objects=[workload("a", replicas=1), scaler("a")]))
    assert hit.key == "Deployment a"


def test_quiet_where_the_number_is_left_to_the_autoscaler() -> None:
    assert not list(check(environment_state(SWITCH, objects=[workload("a"), scaler("a"), workload("b", replicas=2)])))


def test_survives_wrong_types() -> None:
    for body in (*hostile_objects(workload("a", replicas=1)), *hostile_objects(scaler("a"))):
        list(check(environment_state(SWITCH, objects=[body, scaler("a")])))

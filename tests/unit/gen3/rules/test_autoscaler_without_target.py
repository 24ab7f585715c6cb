"""Autoscalers of Deployments that do not exist."""

from csoc.gen3.rules.autoscaler_without_target import check
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, line, made, rendered_by, workload

VALUES = "sower:\n  autoscaling:\n    enabled: true\n"
SCALER = made(
    "HorizontalPodAutoscaler", "sower-hpa", spec={"scaleTargetRef": {"kind": "Deployment", "name": "sower-deployment"}}
)


def test_a_name_that_is_not_there_is_found() -> None:
    (hit,) = check(rendered_by({"sower": [SCALER, workload("sower")]}, VALUES))
    assert (hit.key, line(hit)) == ("sower-hpa", 3)
    assert "sower.replicaCount" in hit.fix


def test_quiet_where_the_deployment_is_there() -> None:
    assert not list(check(rendered_by({"sower": [SCALER, workload("sower-deployment")]}, VALUES)))


def test_quiet_for_kinds_that_operators_make_and_incomplete_values() -> None:
    own = made("HorizontalPodAutoscaler", "x", spec={"scaleTargetRef": {"kind": "Rollout", "name": "sower"}})
    assert not list(check(rendered_by({"sower": [own]}, VALUES)))
    assert not list(check(incomplete(rendered_by({"sower": [SCALER]}, VALUES))))


def test_the_global_switch_is_the_place_where_the_services_own_is_not_written() -> None:
    (hit,) = check(rendered_by({"sower": [SCALER]}, "global:\n  autoscaling: {enabled: true}\n"))
    assert line(hit) == 2


def test_survives_wrong_types() -> None:
    for body in hostile_objects(SCALER):
        list(check(rendered_by({"sower": [body]}, VALUES)))

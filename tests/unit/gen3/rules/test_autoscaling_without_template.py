"""Autoscaling of services whose chart makes no autoscaler."""

from csoc.gen3.rules.autoscaling_without_template import check
from tests.unit.gen3.rules.cases import hostile, incomplete, line, made, rendered_by, workload

VALUES = "audit:\n  autoscaling:\n    enabled: true\n"


def test_a_service_without_an_autoscaler_is_found() -> None:
    (hit,) = check(rendered_by({"audit": [workload("audit-deployment")]}, VALUES))
    assert (hit.key, line(hit)) == ("audit", 3)


def test_quiet_where_an_autoscaler_is_made() -> None:
    objects = [workload("audit-deployment"), made("HorizontalPodAutoscaler", "audit-hpa")]
    assert not list(check(rendered_by({"audit": objects}, VALUES)))


def test_quiet_where_nobody_asked_and_where_the_service_is_off() -> None:
    assert not list(check(rendered_by({"audit": [workload("audit-deployment")]})))
    assert not list(check(rendered_by({}, VALUES)))


def test_quiet_where_it_is_switched_off_or_a_value_file_is_missing() -> None:
    objects = {"audit": [workload("audit-deployment")]}
    assert not list(check(rendered_by(objects, VALUES.replace("true", "false"))))
    assert not list(check(rendered_by(objects, "audit: {autoscaling: {maxReplicas: 3}}")))
    assert not list(check(incomplete(rendered_by(objects, VALUES))))


def test_survives_wrong_types() -> None:
    for text in hostile(VALUES, "audit.autoscaling.enabled"):
        list(check(rendered_by({"audit": [workload("audit-deployment")]}, text)))

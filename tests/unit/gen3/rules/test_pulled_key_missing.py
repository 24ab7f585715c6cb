"""Keys that no ExternalSecret asks for."""

from typing import Any

from csoc.gen3.rules.pulled_key_missing import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, line, made, workload

VALUES = "manifestservice:\n  manifestserviceG3auto:\n    awsaccesskey: a\n"
NAME = "manifestservice-g3auto"


def pulled(*keys: str, **spec: Any) -> dict[str, Any]:
    data = [{"secretKey": key, "remoteRef": {"key": "x"}} for key in keys]
    return made("ExternalSecret", NAME, spec={"target": {"name": NAME}, "data": data, **spec})


def pod(**reference: Any) -> dict[str, Any]:
    chosen = {"secretKeyRef": {"name": NAME, "key": "aws_access_key_id", **reference}}
    return workload("manifestservice-deployment", env=[{"name": "A", "valueFrom": chosen}])


def test_a_key_that_is_not_asked_for_is_found_at_the_values_that_want_it() -> None:
    (hit,) = check(environment_state(VALUES, objects=[pulled("config.json"), pod()]))
    assert hit.key == "Deployment manifestservice-deployment manifestservice-g3auto aws_access_key_id"
    assert line(hit) == 3
    assert "createK8sManifestServiceSecret" in hit.fix


def test_quiet_where_it_is_asked_for_or_optional() -> None:
    assert not list(check(environment_state(VALUES, objects=[pulled("aws_access_key_id"), pod()])))
    assert not list(check(environment_state(VALUES, objects=[pulled("config.json"), pod(optional=True)])))


def test_quiet_where_the_external_secret_takes_whatever_there_is() -> None:
    for more in ({"dataFrom": [{"extract": {"key": "x"}}]}, {"target": {"name": NAME, "template": {"data": {}}}}):
        assert not list(check(environment_state(VALUES, objects=[pulled("config.json", **more), pod()])))


def test_quiet_where_something_else_makes_or_changes_the_secret() -> None:
    other = made("Secret", NAME, data={"aws_access_key_id": "x"})
    job = workload("job", kind="Job", args=[f"kubectl patch secret/{NAME}"])
    for body in (other, job):
        assert not list(check(environment_state(VALUES, objects=[pulled("config.json"), pod(), body])))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state(VALUES, objects=[pulled("config.json"), pod()]))))


def test_a_config_map_of_the_same_name_is_another_thing() -> None:
    chosen = {"configMapKeyRef": {"name": NAME, "key": "aws_access_key_id"}}
    other = workload("x", env=[{"name": "A", "valueFrom": chosen}])
    assert not list(check(environment_state(VALUES, objects=[pulled("config.json"), other])))


def test_an_external_secret_without_a_target_makes_one_of_its_own_name() -> None:
    assert list(check(environment_state(VALUES, objects=[pulled("config.json", target={}), pod()])))


def test_quiet_where_it_adds_to_what_somebody_else_made() -> None:
    merging = pulled("config.json", target={"name": NAME, "creationPolicy": "Merge"})
    assert not list(check(environment_state(VALUES, objects=[merging, pod()])))


def test_the_application_is_the_place_for_secrets_that_no_value_explains() -> None:
    (hit,) = check(environment_state("", objects=[pulled("config.json"), pod()]))
    assert str(hit.evidence[0].location) == "alpha-prod/app.yaml:8"


def test_survives_wrong_types() -> None:
    for body in (*hostile_objects(pulled("config.json")), *hostile_objects(pod())):
        list(check(environment_state(VALUES, objects=[body, pulled("config.json"), pod()])))

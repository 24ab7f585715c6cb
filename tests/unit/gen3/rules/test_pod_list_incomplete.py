"""Lists of pods that lack what the chart had put there."""

from typing import Any

from csoc.gen3.findings import Severity
from csoc.gen3.rules.pod_list_incomplete import check
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, line, rendered_by, workload

CONFIG = {"name": "config", "mountPath": "/var/www/fence/fence-config-secret.yaml"}
VOLUMES = [{"name": "config", "secret": {"secretName": "fence-config"}}]


def fence(name: str = "fence-deployment", volumes: list[Any] | None = None, **container: Any) -> dict[str, Any]:
    return workload(
        name, spec={"volumes": VOLUMES if volumes is None else volumes}, **{"volumeMounts": [CONFIG], **container}
    )


def test_a_volume_that_is_mounted_and_not_there_is_one_hit_for_all_workloads() -> None:
    objects = [fence(volumes=[]), fence("presigned-url-fence-deployment", volumes=[])]
    (hit,) = check(rendered_by({"fence": objects}, "fence:\n  volumes: []\n"))
    assert (hit.key, line(hit), hit.severity) == ("fence volumes", 2, Severity.CRITICAL)
    assert "presigned-url" in hit.cause


def test_a_variable_made_of_one_that_is_not_there_is_found() -> None:
    env = [{"name": "DB", "value": "postgresql://$(PGUSER)@db"}, {"name": "PGUSER", "value": "too late"}]
    (hit,) = check(rendered_by({"fence": [fence(env=env)]}, "fence:\n  env: []\n"))
    assert (hit.key, line(hit)) == ("fence env", 2)
    assert "DB from PGUSER" in hit.cause


def test_fence_without_its_configuration_is_found_where_the_mounts_were_written() -> None:
    bare = fence(volumeMounts=[])
    assert [hit.key for hit in check(rendered_by({"fence": [bare]}, "fence: {volumeMounts: []}"))] == [
        "fence volumeMounts"
    ]
    assert not list(check(rendered_by({"fence": [bare]})))  # another version of the chart may mount it elsewhere


def test_quiet_for_whole_lists() -> None:
    env = [{"name": "PGUSER", "value": "x"}, {"name": "DB", "value": "postgresql://$(PGUSER)@db $$(NOT)"}]
    assert not list(check(rendered_by({"fence": [fence(env=env)]}, "fence: {env: [], volumes: [], volumeMounts: []}")))


def test_quiet_where_variables_come_from_a_secret_as_a_whole() -> None:
    env = [{"name": "DB", "value": "$(PGUSER)"}]
    assert not list(check(rendered_by({"fence": [fence(env=env, envFrom=[{"secretRef": {"name": "s"}}])]})))


def test_quiet_for_volumes_that_a_stateful_set_claims_and_with_a_missing_value_file() -> None:
    claiming = workload("a", kind="StatefulSet", volumeMounts=[{"name": "data", "mountPath": "/d"}])
    claiming["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    assert not list(check(rendered_by({"a": [claiming]})))
    assert not list(check(incomplete(rendered_by({"fence": [fence(volumes=[])]}))))


def test_the_application_is_the_place_where_no_list_is_written() -> None:
    (hit,) = check(rendered_by({"fence": [fence(volumes=[])]}))
    assert str(hit.evidence[0].location) == "alpha-prod/app.yaml:8"


def test_quiet_for_other_workloads_of_fence_without_that_configuration() -> None:
    other = workload("fence-delete-expired-clients", kind="CronJob")
    assert not list(check(rendered_by({"fence": [other]}, "fence: {volumeMounts: []}")))


def test_survives_wrong_types() -> None:
    env = [{"name": "DB", "value": "$(PGUSER)"}]
    claiming = workload("a", kind="StatefulSet")
    claiming["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    for body in (*hostile_objects(fence(env=env)), *hostile_objects(claiming)):
        list(check(rendered_by({"fence": [body]}, "fence: {volumeMounts: []}")))

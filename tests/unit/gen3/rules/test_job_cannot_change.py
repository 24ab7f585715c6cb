"""Jobs that stay and can never change."""

from dataclasses import replace

import pytest

from csoc.fleet.argocd.model import IgnoredDifference
from csoc.gen3.findings import Severity
from csoc.gen3.rules.job_cannot_change import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, workload

JOB = workload("indexd-userdb", kind="Job")


def test_a_plain_job_is_found() -> None:
    (hit,) = check(environment_state("", objects=[JOB]))
    assert hit.key == "indexd-userdb"
    assert "kubectl delete job indexd-userdb" in hit.fix


def test_those_that_make_databases_are_one_hit() -> None:
    objects = [workload("fence-dbcreate", kind="Job"), workload("wts-dbcreate", kind="Job")]
    (hit,) = check(environment_state("", objects=objects))
    assert (hit.key, hit.severity) == ("dbcreate", Severity.LOW)
    assert "fence-dbcreate wts-dbcreate" in hit.fix


@pytest.mark.parametrize(
    "annotations",
    [
        {"helm.sh/hook": "test"},
        {"argocd.argoproj.io/hook": "Sync"},
        {"argocd.argoproj.io/sync-options": "Force=true,Replace=true"},
    ],
)
def test_quiet_for_hooks_and_for_what_is_replaced(annotations: dict[str, str]) -> None:
    job = workload("indexd-userdb", kind="Job", annotations=annotations)
    assert not list(check(environment_state("", objects=[job])))


def test_quiet_for_jobs_that_go_away_and_for_other_kinds() -> None:
    short = {**JOB, "spec": {**JOB["spec"], "ttlSecondsAfterFinished": 60}}
    assert not list(check(environment_state("", objects=[short, workload("a", kind="CronJob"), workload("b")])))


@pytest.mark.parametrize(("name", "hits"), [("indexd-userdb", 0), ("", 0), ("useryaml", 1)])
def test_quiet_where_the_application_ignores_its_differences(name: str, hits: int) -> None:
    state = environment_state("", objects=[JOB])
    application = replace(
        state.view.application,
        ignored=(IgnoredDifference("batch", "Job", name, ("/spec",)),),
        sync_options=("RespectIgnoreDifferences=true",),
    )
    state = replace(state, view=replace(state.view, application=application))
    assert len(list(check(state))) == hits


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state("", objects=[JOB]))))


def test_the_cause_names_the_job_or_what_several_are_for() -> None:
    (one,) = check(environment_state("", objects=[JOB]))
    (many,) = check(environment_state("", objects=[workload("fence-dbcreate", kind="Job")]))
    assert "indexd-userdb" in one.cause
    assert "make databases" in many.cause
    assert (one.severity, many.severity) == (None, Severity.LOW)


def test_survives_wrong_types() -> None:
    for body in hostile_objects(
        workload("a", kind="Job", annotations={"argocd.argoproj.io/sync-options": "Force=true"})
    ):
        list(check(environment_state("", objects=[body])))

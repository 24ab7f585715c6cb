"""Services that are on while what they need is off."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.service_without_dependency import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line


def test_a_service_whose_secret_another_one_makes_is_found() -> None:
    hits = {hit.key: hit for hit in check(environment_state("indexd:\n  enabled: false\n"))}
    assert {"fence indexd", "sheepdog indexd", "peregrine indexd"} <= hits.keys()
    assert line(hits["fence indexd"], 1) == 2


def test_one_of_several_is_enough() -> None:
    off = "ambassador: {enabled: false}\n"
    assert {hit.key for hit in check(environment_state(off))} == {"hatchery ambassador or workspace-proxy"}
    assert not list(check(environment_state(off + "workspace-proxy: {enabled: true}\njeg: {enabled: true}\n")))


def test_a_job_that_lacks_something_weighs_less() -> None:
    off = "sheepdog: {enabled: false}\nperegrine: {enabled: false}\n"
    assert {hit.key: hit.severity for hit in check(environment_state(off))} == {"etl sheepdog": Severity.MEDIUM}


def test_quiet_with_the_defaults_of_the_chart() -> None:
    assert not list(check(environment_state()))


def test_quiet_where_the_service_is_off_as_well() -> None:
    assert not list(check(environment_state("ambassador: {enabled: false}\nhatchery: {enabled: false}\n")))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state("indexd: {enabled: false}"))))


def test_a_service_weighs_more_than_a_job() -> None:
    assert {hit.severity for hit in check(environment_state("ambassador: {enabled: false}"))} == {None}


def test_survives_wrong_types() -> None:
    for text in hostile("", "indexd.enabled", "fence.enabled", "global"):
        list(check(environment_state(text)))

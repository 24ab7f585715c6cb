"""Images that cannot be named as they are."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.image_reference_invalid import check
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, line, rendered_by, workload


@pytest.mark.parametrize(
    "image",
    [
        "quay.io/cdis/gen3-orthanc:gen3-orthanc:gen3-0.1.2",
        "quay.io/cdis/fence:",
        "map[repository:a tag:b]",
        "",
        ":latest",
        None,
    ],
)
def test_what_is_no_reference_is_found_at_the_values_that_make_it(image: str | None) -> None:
    body = workload("dicom-server-deployment", image=image)
    (hit,) = check(rendered_by({"dicom-server": [body]}, "dicom-server:\n  image:\n    tag: x\n"))
    assert (hit.key, line(hit)) == ("Deployment dicom-server-deployment", 2)


def test_the_test_of_workspaces_has_an_advice_of_its_own() -> None:
    body = workload("workspace-launch-test", kind="CronJob", image="map[repository:quay.io/cdis/fence tag:master]")
    (hit,) = check(rendered_by({"hatchery": [body]}, "hatchery:\n  workspaceLaunchTest:\n    enabled: true\n"))
    assert (line(hit), hit.severity) == (3, Severity.MEDIUM)
    assert "hatchery.fence.image" in hit.fix


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "curlimages/curl",
        "quay.io/cdis/fence:2026.03",
        "quay.io/cdis/indexd:feat_GPE-788",
        "707767160287.dkr.ecr.us-east-1.amazonaws.com/gen3/indexd:2026.06",
        "localhost:5000/a/b_c:1",
        "quay.io/cdis/fence@sha256:" + "0" * 64,
        "quay.io/cdis/gen3-fence__x/a--b:1.0@sha256:" + "f" * 64,
    ],
)
def test_quiet_for_valid_references(image: str) -> None:
    assert not list(check(rendered_by({"fence": [workload("fence-deployment", image=image)]})))


def test_quiet_for_tests_of_the_chart_and_where_a_value_file_is_missing() -> None:
    test = workload("t", kind="Job", image="", annotations={"helm.sh/hook": "test"})
    assert not list(check(rendered_by({"fence": [test]})))
    assert not list(check(incomplete(rendered_by({"fence": [workload("f", image="")]}))))


def test_another_workload_is_not_taken_for_the_test_of_workspaces() -> None:
    values = "hatchery: {workspaceLaunchTest: {enabled: true}}"
    (hit,) = check(rendered_by({"hatchery": [workload("hatchery-deployment", image="a:b:c")]}, values))
    assert "hatchery.image.repository" in hit.fix
    assert "(a:b:c)" in hit.cause


def test_the_application_is_the_place_where_no_image_is_written() -> None:
    (hit,) = check(rendered_by({"fence": [workload("fence-deployment", image="a:b:c")]}))
    assert str(hit.evidence[0].location) == "alpha-prod/app.yaml:8"


def test_survives_wrong_types_and_long_texts() -> None:
    for body in hostile_objects(workload("a")):
        list(check(rendered_by({"fence": [body]})))
    assert list(check(rendered_by({"fence": [workload("a", image="a/" * 50_000)]})))

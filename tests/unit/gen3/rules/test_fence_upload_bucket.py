"""Where uploads go, and where browsers may send them."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.fence_upload_bucket import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = """fence:
  FENCE_CONFIG:
    DATA_UPLOAD_BUCKET: uploads
    S3_BUCKETS:
      data: {cred: '*'}
"""
PUBLIC = """global: {externalSecrets: {deploy: true}, dataUploadBucket: others}
fence:
  FENCE_CONFIG_PUBLIC:
    DATA_UPLOAD_BUCKET: uploads
"""


def test_a_bucket_that_fence_does_not_know_is_found() -> None:
    (hit,) = check(environment_state(CASE))
    assert (hit.key, line(hit)) == ("unknown uploads", 3)


def test_a_bucket_that_browsers_may_not_send_to_is_found() -> None:
    (hit,) = check(environment_state(PUBLIC))
    assert (hit.key, line(hit, 0), line(hit, 1)) == ("portal uploads", 4, 1)
    assert hit.severity is Severity.MEDIUM


def test_quiet_for_known_buckets_and_patterns() -> None:
    assert not list(check(environment_state(CASE.replace("data:", "uploads:"))))
    assert not list(check(environment_state(CASE.replace("data:", "'upload*':"))))


def test_quiet_for_the_charts_own_placeholder() -> None:
    defaults = {"fence": {"FENCE_CONFIG": {"DATA_UPLOAD_BUCKET": "bucket1", "S3_BUCKETS": {}}}}
    assert not list(check(environment_state("", defaults=defaults)))


def test_quiet_without_a_portal_and_where_both_agree() -> None:
    assert not list(check(environment_state(PUBLIC + "portal: {enabled: false}\n")))
    assert not list(check(environment_state(PUBLIC.replace("others", "uploads"))))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state(CASE))))


def test_quiet_for_an_empty_name_and_where_fence_is_off() -> None:
    assert not list(check(environment_state(CASE.replace("uploads", "''"))))
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_quiet_where_the_portal_names_no_bucket() -> None:
    assert not list(check(environment_state(PUBLIC.replace("others", "''"))))


def test_survives_wrong_types() -> None:
    for text in hostile(
        CASE, "fence.FENCE_CONFIG.DATA_UPLOAD_BUCKET", "fence.FENCE_CONFIG.S3_BUCKETS", "global.dataUploadBucket"
    ):
        list(check(environment_state(text)))

"""Buckets whose credentials do not exist."""

from csoc.gen3.rules.fence_bucket_credential import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = """fence:
  FENCE_CONFIG:
    AWS_CREDENTIALS: {other: {aws_access_key_id: x}}
    S3_BUCKETS:
      one: {cred: bot, region: us-east-1}
      two: {cred: bot}
      three: {cred: '*'}
      four: {cred: other}
"""


def test_credentials_that_do_not_exist_are_one_hit_with_all_buckets() -> None:
    (hit,) = check(environment_state(CASE))
    assert (hit.key, line(hit, 0), line(hit, 1)) == ("bot", 5, 6)


def test_quiet_for_credentials_that_exist_and_for_roles() -> None:
    assert not list(check(environment_state(CASE.replace("cred: bot", "cred: other"))))
    assert not list(check(environment_state(CASE.replace("cred: bot", "role-arn: 'arn:aws:iam::1:role/x', cred: bot"))))


def test_quiet_where_credentials_are_in_secrets_manager_or_not_all_there() -> None:
    assert not list(check(environment_state("global: {externalSecrets: {deploy: true}}\n" + CASE)))
    assert not list(check(incomplete(environment_state(CASE))))


def test_quiet_where_only_the_public_part_is_known_and_where_fence_is_off() -> None:
    public = CASE.replace("FENCE_CONFIG:", "FENCE_CONFIG_PUBLIC:")
    assert not list(check(environment_state("global: {externalSecrets: {deploy: true}}\n" + public)))
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_the_number_of_buckets_is_told() -> None:
    (hit,) = check(environment_state(CASE))
    assert "one and 1 more" in hit.cause
    (hit,) = check(environment_state(CASE.replace("      two: {cred: bot}\n", "")))
    assert "more" not in hit.cause


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "fence.FENCE_CONFIG.S3_BUCKETS.one.cred", "fence.FENCE_CONFIG.AWS_CREDENTIALS"):
        list(check(environment_state(text)))

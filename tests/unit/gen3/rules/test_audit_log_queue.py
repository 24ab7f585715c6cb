"""Audit logs, who writes them and who reads them."""

from csoc.gen3.rules.audit_log_queue import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

WRITING = """fence:
  FENCE_CONFIG:
    ENABLE_AUDIT_LOGS: {login: true}
    PUSH_AUDIT_LOGS_CONFIG: {type: aws_sqs, aws_sqs_config: {sqs_url: 'https://sqs/1/one', region: us-east-1}}
"""
READING = """audit:
  server: {pull_from_queue: true, sqs: {url: 'https://sqs/1/one'}}
"""


def keys(text: str) -> list[str]:
    return [hit.key for hit in check(environment_state(text))]


def test_logs_that_nobody_reads_are_found() -> None:
    (hit,) = check(environment_state(WRITING + "audit: {enabled: false}\n"))
    assert (hit.key, line(hit, 0), line(hit, 1)) == ("off", 3, 5)


def test_two_queues_are_found_with_both_places() -> None:
    (hit,) = check(environment_state(WRITING + READING.replace("one", "two")))
    assert (line(hit, 0), line(hit, 1)) == (4, 6)
    assert "one" in hit.cause
    assert "two" in hit.cause


def test_logs_without_a_queue_are_found() -> None:
    assert keys("fence: {FENCE_CONFIG: {ENABLE_AUDIT_LOGS: {login: true}}}") == ["fence"]


def test_a_reader_that_is_left_with_the_placeholder_is_found() -> None:
    assert keys(READING.replace("https://sqs/1/one", "http://sqs.com")) == ["audit"]


def test_quiet_where_both_name_one_queue_and_where_nothing_is_logged() -> None:
    assert not keys(WRITING + READING)
    assert not keys(WRITING.replace("true", "false") + "audit: {enabled: false}\n")


def test_quiet_for_logs_that_go_to_the_service_itself() -> None:
    assert not keys(WRITING.replace("type: aws_sqs", "type: api").replace("https://sqs/1/one", ""))


def test_quiet_where_the_readers_configuration_is_in_secrets_manager() -> None:
    outside = "global: {externalSecrets: {deploy: true}}\n"
    assert not keys(outside + READING.replace("https://sqs/1/one", "http://sqs.com"))


def test_quiet_where_a_value_file_is_missing() -> None:
    assert not list(check(incomplete(environment_state(WRITING + "audit: {enabled: false}\n"))))


def test_quiet_where_the_queue_may_stand_in_the_secret_part() -> None:
    public = (
        "global: {externalSecrets: {deploy: true}}\nfence: {FENCE_CONFIG_PUBLIC: {ENABLE_AUDIT_LOGS: {login: true}}}"
    )
    assert not keys(public)


def test_quiet_where_the_reader_does_not_pull_or_is_configured_elsewhere() -> None:
    other = READING.replace("one", "two")
    assert not keys(WRITING + other.replace("pull_from_queue: true", "pull_from_queue: false"))
    outside = "global: {externalSecrets: {deploy: true}}\n"
    assert not keys(outside + WRITING.replace("FENCE_CONFIG:", "FENCE_CONFIG_PUBLIC:") + other)


def test_quiet_for_a_reader_of_another_type_and_without_fence() -> None:
    assert not keys("audit: {server: {pull_from_queue: true, type: api, sqs: {url: http://sqs.com}}}")
    assert not keys("audit: {enabled: false, server: {pull_from_queue: true, sqs: {url: http://sqs.com}}}")
    assert not keys(WRITING + "  enabled: false\naudit: {enabled: false}\n")


def test_survives_wrong_types() -> None:
    for text in hostile(
        WRITING + READING,
        "fence.FENCE_CONFIG.ENABLE_AUDIT_LOGS.login",
        "fence.FENCE_CONFIG.PUSH_AUDIT_LOGS_CONFIG.aws_sqs_config.sqs_url",
        "audit.server.sqs.url",
        "audit.server.type",
    ):
        list(check(environment_state(text)))

"""Queues that two environments read, from values."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.queue_shared import check
from tests.unit.gen3.rules.making import from_values

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/"


def audit(queue: str, *, pull: str = "true", on: str = "true") -> str:
    return f"audit:\n  enabled: {on}\n  server:\n    pull_from_queue: {pull}\n    sqs:\n      url: {URL}{queue}\n"


def fence(queue: str) -> str:
    config = f"PUSH_AUDIT_LOGS_CONFIG: {{aws_sqs_config: {{sqs_url: {URL}{queue}}}}}"
    return f"fence:\n  enabled: true\n  FENCE_CONFIG: {{{config}}}\n"


def test_two_audit_services_that_read_one_queue_are_found_with_their_lines() -> None:
    (hit,) = check(from_values(prod=audit("a"), staging=audit("a")))
    assert hit.environments == ("prod", "staging")
    assert [item.location.line for item in hit.evidence if item.location] == [9, 9]


def test_an_upload_queue_is_read_as_well() -> None:
    values = f"ssjdispatcher:\n  enabled: true\n  ssjcreds:\n    sqsUrl: {URL}upload\n"
    assert len(list(check(from_values(prod=values, staging=values)))) == 1


def test_a_fence_that_sends_to_another_environments_queue_is_said_to_be_that() -> None:
    (hit,) = check(from_values(prod=audit("a"), staging=fence("a")))
    assert hit.severity is Severity.LOW


def test_quiet_for_one_environment_that_sends_and_reads_and_for_two_queues() -> None:
    assert not list(check(from_values(prod=audit("a") + fence("a"), staging=audit("b") + fence("b"))))


def test_quiet_where_the_reader_is_off_or_pulls_nothing() -> None:
    assert not list(check(from_values(prod=audit("a"), staging=audit("a", on="false"))))
    assert not list(check(from_values(prod=audit("a"), staging=audit("a", pull="false"))))


def test_survives_other_shapes() -> None:
    assert not list(check(from_values(prod="audit: text\nfence: [1]\n", staging="audit:\n  server: {sqs: [1]}\n")))

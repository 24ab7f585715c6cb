"""The queue from which ssjdispatcher learns of uploads."""

from csoc.gen3.rules.upload_queue_placeholder import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

EXAMPLE = "https://sqs.us-east-1.amazonaws.com/12345678901234/test-upload_data_upload"
DEFAULTS = {"ssjdispatcher": {"ssjcreds": {"sqsUrl": EXAMPLE}}}
CASE = "ssjdispatcher:\n  enabled: true\n"


def test_the_example_is_found() -> None:
    (hit,) = check(environment_state(CASE, defaults=DEFAULTS, objects=[]))
    assert (hit.key, line(hit)) == ("queue", 2)


def test_quiet_for_a_queue_of_ones_own() -> None:
    own = CASE + "  ssjcreds: {sqsUrl: https://sqs.us-east-1.amazonaws.com/885078588865/uploads}\n"
    assert not list(check(environment_state(own, defaults=DEFAULTS, objects=[])))


def test_quiet_where_the_secret_is_elsewhere_or_crossplane_makes_the_queue() -> None:
    for switch in ("externalSecrets: {deploy: true}", "crossplane: {enabled: true}"):
        assert not list(check(environment_state(f"global: {{{switch}}}\n{CASE}", defaults=DEFAULTS, objects=[])))


def test_quiet_where_the_service_is_off_the_chart_unknown_or_a_value_file_missing() -> None:
    assert not list(check(environment_state("", defaults=DEFAULTS, objects=[])))
    assert not list(check(environment_state(CASE)))
    assert not list(check(incomplete(environment_state(CASE, defaults=DEFAULTS, objects=[]))))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "ssjdispatcher.ssjcreds.sqsUrl", "ssjdispatcher.externalSecrets"):
        list(check(environment_state(text, objects=[])))

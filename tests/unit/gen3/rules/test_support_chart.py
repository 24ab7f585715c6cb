"""What rules ask of the chart at hand: which keys it reads, and what its secrets hold."""

import pytest

from csoc.gen3.rules.support.chart import decoded, may_read, secret_content
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile_objects, made


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (None, True),
        ({"*"}, True),
        ({"a.b"}, True),
        ({"a.*"}, True),
        ({"a.b.*"}, True),
        ({"a.b.c"}, True),
        ({"a", "a.c"}, False),
        ({"a.bc"}, False),
        ({"b"}, False),
        (set(), False),
    ],
)
def test_a_key_may_be_read_unless_the_chart_certainly_reads_others_only(keys: set[str] | None, answer: bool) -> None:
    known = None if keys is None else frozenset(keys)
    assert may_read(environment_state("", chart_keys=known), "a.b") is answer
    assert may_read(environment_state("", chart_keys=known), ("a", "b")) is answer


def test_a_secret_is_read_from_both_of_its_parts_and_plain_text_wins_as_in_kubernetes() -> None:
    secret = made("Secret", "one", data={"a": "eA==", "b": "!", "c": "eA=="}, stringData={"c": "y"})
    state = environment_state("", objects=[secret])
    assert secret_content(state, "one") == {"a": "x", "c": "y"}
    assert secret_content(state, "other") is None
    assert secret_content(environment_state(""), "one") is None


def test_what_is_no_base64_or_no_text_is_not_decoded() -> None:
    assert decoded("eA==\n") == "x"
    assert [decoded(value) for value in ("x", "/w==", "é")] == [None, None, None]


def test_odd_secrets_hold_little() -> None:
    for body in hostile_objects(made("Secret", "one", data={"a": "eA=="}, stringData={"c": "y"})):
        secret_content(environment_state("", objects=[body]), "one")

"""Condition operators. Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys", AWS IAM
User Guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from csoc.emulator.iam.conditions import UnknownConditionError, holds

KEY = "aws:thing"
KNOWN = frozenset({KEY, "aws:other", "aws:principaltag/", "kms:encryptioncontext:"})


def check(operator: str, wanted: str | Sequence[str], present: str | Sequence[str] | None) -> bool:
    context: Mapping[str, str | Sequence[str]] = {} if present is None else {KEY: present}
    return holds(operator, KEY, [wanted] if isinstance(wanted, str) else wanted, context, KNOWN, variables=True)


@pytest.mark.parametrize(
    ("operator", "wanted", "present", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringNotEquals", "a", "b", True),
        ("StringEqualsIgnoreCase", "Ab", "aB", True),
        ("StringNotEqualsIgnoreCase", "Ab", "aB", False),
        ("StringLike", "a*c?", "abbcd", True),
        ("StringLike", "a*", "ba", False),
        ("StringNotLike", "a*", "ba", True),
        ("NumericEquals", "5", "5.0", True),
        ("NumericNotEquals", "5", "6", True),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "3", "20", True),
        ("NumericGreaterThanEquals", "3", "2", False),
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", True),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", True),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateLessThan", "1767312000", "2026-01-01T00:00:00Z", True),
        ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", True),
        ("DateGreaterThanEquals", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", False),
        ("Bool", "true", "true", True),
        ("Bool", "false", "true", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ4", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.7", False),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.7", True),
        ("ArnEquals", "arn:aws:sns:*:111122223333:topic", "arn:aws:sns:us-east-1:111122223333:topic", True),
        ("ArnLike", "arn:aws:iam::*:role/csoc/*", "arn:aws:iam::111122223333:role/csoc/worker", True),
        ("ArnLike", "arn:aws:sns:*:topic", "arn:aws:sns:us-east-1:111122223333:topic", False),
        ("ArnLike", "arn:aws:s3*", "arn:aws:s3:::bucket", False),
        ("ArnNotLike", "arn:aws:iam::*:role/csoc/*", "arn:aws:iam::111122223333:role/other", True),
        ("ArnNotEquals", "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/a", False),
    ],
)
def test_an_operator_compares_as_it_is_documented(operator: str, wanted: str, present: str, expected: bool) -> None:
    assert check(operator, wanted, present) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("NumericLessThan", False),
        ("Bool", False),
        ("ArnLike", False),
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("NumericNotEquals", True),
        ("ArnNotLike", True),
        ("NotIpAddress", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
    ],
)
def test_what_holds_for_a_key_that_is_absent(operator: str, expected: bool) -> None:
    wanted = {"NumericLessThan": "1", "NumericNotEquals": "1", "Bool": "true", "BoolIfExists": "true"}
    assert check(operator, wanted.get(operator, "10.0.0.0/8"), None) is expected


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [("true", None, True), ("false", None, False), ("true", "x", False), ("false", "x", True)],
)
def test_null_asks_whether_a_key_is_absent(wanted: str, present: str | None, expected: bool) -> None:
    assert check("Null", wanted, present) is expected


def test_if_exists_compares_where_the_key_is_there() -> None:
    assert not check("StringEqualsIfExists", "a", "b")


def test_several_values_are_alternatives_and_for_a_negated_operator_none_may_match() -> None:
    assert check("StringEquals", ["a", "b"], "b")
    assert not check("StringNotEquals", ["a", "b"], "b")
    assert check("StringNotEquals", ["a", "b"], "c")


@pytest.mark.parametrize(
    ("operator", "present", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c"], False),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAllValues:StringNotEquals", ["a", "d"], False),
        ("ForAnyValue:StringNotEquals", ["a", "d"], True),
    ],
)
def test_set_operators_look_at_each_value_of_the_request(operator: str, present: list[str], expected: bool) -> None:
    assert check(operator, ["a", "b"], present) is expected


@pytest.mark.parametrize(
    ("operator", "wanted"),
    [
        ("StringMatches", "a"),
        ("ForSomeValues:StringEquals", "a"),
        ("NullIfExists", "true"),
        ("NumericNotEquals", "many"),
        ("DateNotEquals", "soon"),
        ("NotIpAddress", "everywhere"),
        ("Bool", "maybe"),
    ],
)
def test_what_cannot_be_judged_is_said_to_be_unknown(operator: str, wanted: str) -> None:
    with pytest.raises(UnknownConditionError):
        check(operator, wanted, "7")


def test_a_key_that_nobody_fills_in_is_unknown_and_one_below_a_known_prefix_is_not() -> None:
    with pytest.raises(UnknownConditionError):
        holds("StringEquals", "aws:PrincipalIsTall", ["a"], {}, KNOWN, variables=True)
    assert not holds("StringEquals", "aws:PrincipalTag/Team", ["a"], {}, KNOWN, variables=True)
    assert holds(
        "StringEquals", "kms:EncryptionContext:x", ["a"], {"kms:encryptioncontext:x": "a"}, KNOWN, variables=True
    )


def test_policy_variables_take_the_callers_values_and_never_add_wildcards() -> None:
    context = {KEY: "star/x", "aws:other": "*"}
    assert not holds("StringLike", KEY, ["${aws:other}/x"], context, KNOWN, variables=True)
    assert holds("StringLike", KEY, ["${aws:other}/x"], {**context, KEY: "*/x"}, KNOWN, variables=True)
    assert holds("StringEquals", KEY, ["${*}"], {KEY: "*"}, KNOWN, variables=True)
    assert holds("StringEquals", KEY, ["${aws:username, 'nobody'}"], {KEY: "nobody"}, KNOWN, variables=True)


def test_a_variable_that_is_absent_equals_nothing_and_makes_a_negated_operator_unknown() -> None:
    assert not holds("StringEquals", KEY, ["${aws:username}"], {KEY: ""}, KNOWN, variables=True)
    with pytest.raises(UnknownConditionError):
        holds("StringNotEquals", KEY, ["${aws:username}"], {KEY: "eva"}, KNOWN, variables=True)

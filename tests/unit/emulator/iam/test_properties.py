"""What must hold for all policies: an Allow never takes, a Deny never gives, and what is unknown never lets in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from csoc.emulator.iam.documents import parse_policy
from csoc.emulator.iam.evaluation import Question, Rights, decide
from csoc.emulator.iam.matching import like, literal

USER = "arn:aws:iam::111122223333:user/eva"
ACTIONS = st.sampled_from(["s3:*", "s3:GetObject", "s3:Get*", "*", "ec2:RunInstances"])
RESOURCES = st.sampled_from(["*", "arn:aws:s3:::tide", "arn:aws:s3:::t*", "arn:aws:s3:::other"])
CONDITIONS = st.sampled_from(
    [
        {},
        {"StringEquals": {"aws:username": "eva"}},
        {"StringNotEquals": {"aws:username": "eva"}},
        {"Null": {"aws:username": "true"}},
        {"StringEquals": {"aws:Unheard": "of"}},
        {"Unheard": {"aws:username": "eva"}},
    ]
)
STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": ACTIONS,
        "Resource": RESOURCES,
        "Condition": CONDITIONS,
    }
)


def allowed(identity: list[dict[str, Any]], boundary: list[dict[str, Any]] | None = None) -> bool:
    def made(statements: list[dict[str, Any]]) -> Any:
        return parse_policy({"Version": "2012-10-17", "Statement": statements})

    names = {"AWS": frozenset({USER})}
    known, context = frozenset({"aws:username"}), {"aws:username": "eva"}
    question = Question(
        "111122223333", "s3:GetObject", ("arn:aws:s3:::tide",), "111122223333", names, context, known, USER
    )
    rights = Rights((made(identity),) if identity else (), made(boundary) if boundary else None)
    return decide(question, rights).allowed


@given(st.lists(STATEMENTS, max_size=4), STATEMENTS)
def test_one_more_allow_never_takes_a_right_away(before: list[dict[str, Any]], more: dict[str, Any]) -> None:
    if allowed(before):
        assert allowed([*before, {**more, "Effect": "Allow"}])


@given(st.lists(STATEMENTS, max_size=4), STATEMENTS)
def test_one_more_deny_never_gives_a_right(before: list[dict[str, Any]], more: dict[str, Any]) -> None:
    if not allowed(before):
        assert not allowed([*before, {**more, "Effect": "Deny"}])


@given(st.lists(STATEMENTS, max_size=3), st.lists(STATEMENTS, min_size=1, max_size=3))
def test_a_boundary_never_gives_a_right(identity: list[dict[str, Any]], boundary: list[dict[str, Any]]) -> None:
    if not allowed(identity):
        assert not allowed(identity, boundary)


@given(ACTIONS, RESOURCES, st.text(min_size=1, max_size=12).filter(lambda name: name.strip().isalpha()))
def test_an_operator_that_nobody_knows_never_lets_anybody_in(action: str, resource: str, operator: str) -> None:
    condition = {f"X{operator}": {"aws:username": "eva"}}
    assert not allowed([{"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}])


@given(st.text(alphabet="ab*?", max_size=12), st.text(alphabet="ab*?", max_size=12))
def test_a_literal_text_matches_itself_and_nothing_else(text: str, other: str) -> None:
    assert like(literal(text), text)
    assert like(literal(text), other) == (text == other)


@given(st.text(alphabet="ab*?", max_size=10), st.text(alphabet="ab", max_size=10))
def test_patterns_mean_what_regular_expressions_of_the_same_form_mean(pattern: str, text: str) -> None:
    import re

    written = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    assert like(pattern, text) == bool(re.fullmatch(written, text))

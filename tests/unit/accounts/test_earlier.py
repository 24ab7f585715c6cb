"""A template of csoc's is read back as it was written; anything else gives nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from csoc.accounts.earlier import read_template
from csoc.accounts.links import Role
from csoc.accounts.roles import LONGEST_SESSION_SECONDS, boundary_document, roles
from csoc.accounts.template import link_template
from csoc.accounts.terms import Reads, Terms
from csoc.errors import RejectedError

WORKER = "arn:aws:iam::111111111111:role/csoc-worker"
WHOLE = Terms("f1b2c3d4e5", WORKER, WORKER, "o-abcdefghij")
READS = Reads(
    ("arn:aws:ssm:*:222222222222:parameter/gen3/vpc",), ("arn:aws:cloudformation:*:222222222222:stack/network/*",)
)
TERMS = replace(
    WHOLE.of(account_id="222222222222", partition="aws", external_id="csoc-aaaaaaaaaa-" + "a" * 30), reads=READS
)


def body() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(link_template(WHOLE).body)
    return found


@pytest.mark.parametrize("made", roles(TERMS), ids=lambda made: str(made.role))
def test_todays_template_is_read_as_the_roles_that_it_was_made_from(made: Any) -> None:
    found = read_template(json.dumps(body()), TERMS).roles[made.role]
    assert found.longest_session_seconds == LONGEST_SESSION_SECONDS
    assert found.documents.trust == made.trust
    assert found.documents.inline == made.inline
    wanted = sorted(json.dumps(one, sort_keys=True) for one in made.managed.values())
    assert sorted(json.dumps(one, sort_keys=True) for one in found.documents.managed.values()) == wanted


def test_its_boundary_is_read_too() -> None:
    assert read_template(json.dumps(body()), TERMS).boundary == boundary_document(TERMS)


def test_a_role_that_a_template_does_not_make_is_none() -> None:
    text = body()
    del text["Resources"]["ClusterRole"]
    assert set(read_template(json.dumps(text), TERMS).roles) == {*Role} - {Role.CLUSTER}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/AdministratorAccess",
        {"Ref": "NobodysPolicy"},
        {"Fn::GetAtt": ["Boundary", "Arn"]},
        {"Fn::If": ["Has", "a", "b"]},
    ],
)
def test_what_is_not_understood_gives_nothing(arn: Any) -> None:
    text = body()
    text["Resources"]["ObserverRole"]["Properties"]["ManagedPolicyArns"] = [arn]
    with pytest.raises(RejectedError, match="does not understand the template"):
        read_template(json.dumps(text), TERMS)


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::If": ["Has", "a", "b"]},
        {"Ref": "Whoever"},
        {"Fn::Sub": "${Whoever}"},
        {"Fn::Sub": "${ExistingStacks}"},
        {"Fn::Sub": ["${a}", {"a": {"Fn::Select": [7, {"Fn::Split": ["-", {"Ref": "ExternalId"}]}]}}]},
    ],
)
def test_a_function_that_is_not_understood_gives_nothing(value: Any) -> None:
    text = body()
    policy = text["Resources"]["ObserverRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    policy["Statement"][0]["Resource"] = value
    with pytest.raises(RejectedError, match="does not understand the template"):
        read_template(json.dumps(text), TERMS)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"Resources": []}', '{"Resources": {"A": 1}}', "Resources:"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(RejectedError, match="does not understand the template"):
        read_template(text, TERMS)

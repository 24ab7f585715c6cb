"""How places of workflows are written, what trusts them, and who their sessions are."""

from __future__ import annotations

import re

import pytest

from csoc.access.people import machine_person, sts_person, workflow_session
from csoc.accounts.workflows import Workflow, parse_workflow, trust
from csoc.errors import RejectedError

ROLE = "arn:aws:iam::111111111111:role/team/csoc-worker"


def test_a_place_is_read_and_written_alike() -> None:
    assert parse_workflow("github:Example-Org/fleet.git_1").where == "github:Example-Org/fleet.git_1"


@pytest.mark.parametrize(
    "where",
    [
        "", "here", "github:", "github:example", "github:example/", "github:/fleet", "github:example/fleet/more",
        "github:-example/fleet", "github:example-/fleet", "github:exa_mple/fleet",
        "github:example/..", "github:example/.",
        "github:example/*", "github:*/fleet", "github:example/fleet:environment:csoc", "github:example/fl eet",
        "github:example/fleet\n", "GITHUB:example/fleet", "github:" + "a" * 40 + "/fleet", "github:a/" + "b" * 101,
        "gitlab:example/fleet", "github:ex\u0430mple/fleet",
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(where: str) -> None:
    with pytest.raises(RejectedError, match="This is no place of a workflow"):
        parse_workflow(where)


def test_the_trust_names_one_repository_one_environment_one_audience_and_one_session() -> None:
    statement = trust(parse_workflow("github:example/fleet"), ROLE)
    assert statement["Principal"] == {
        "Federated": "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    }
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:example/fleet:environment:csoc",
            "sts:RoleSessionName": "github=example=fleet",
        }
    }
    assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])


def test_the_partition_is_that_of_the_role() -> None:
    found = trust(parse_workflow("github:a/b"), ROLE.replace("arn:aws:", "arn:aws-us-gov:"))
    assert found["Principal"]["Federated"].startswith("arn:aws-us-gov:iam::111111111111:oidc-provider/")


def test_no_trust_is_made_for_what_is_no_role() -> None:
    with pytest.raises(RejectedError, match="is not the ARN of a role"):
        trust(parse_workflow("github:a/b"), "arn:aws:iam::111111111111:user/ada")


def test_no_two_repositories_share_a_session_and_each_fits() -> None:
    long = "n" * 60
    places = [("a", "b-c"), ("a-b", "c"), ("a", "b.c"), ("o" * 30, long), ("o" * 31, long), ("o" * 30, long + "n")]
    sessions = [Workflow(*place).session for place in places]
    assert len(set(sessions)) == len(sessions)
    for name in sessions:
        assert re.fullmatch(r"[\w+=,.@-]{2,64}", name)
        assert workflow_session(f"sts:arn:aws:sts::111111111111:assumed-role/csoc-worker/{name}") == name


@pytest.mark.parametrize(
    "person",
    [
        machine_person("github=example=fleet", "laptop").id,
        sts_person("arn:aws:iam::111111111111:user/github=example=fleet").id,
        sts_person("arn:aws:sts::111111111111:assumed-role/github=example=fleet/ada").id,
        sts_person("arn:aws:sts::111111111111:assumed-role/csoc-worker/ada").id,
        sts_person("arn:aws:sts::111111111111:federated-user/github=example=fleet").id,
    ],
)
def test_nobody_else_is_a_workflow(person: str) -> None:
    assert not workflow_session(person)

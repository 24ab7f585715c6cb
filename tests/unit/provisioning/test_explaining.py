"""Why a stack failed: the first real failure, in words that say what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from csoc.provisioning.explain import KNOWN, first_failure
from csoc.provisioning.stacks import StackEvent

START = datetime(2026, 11, 23, tzinfo=UTC)
STACK = "csoc-c1b2c3d4e5-network"


def events(*failed: tuple[str, str]) -> list[StackEvent]:
    return [
        StackEvent(f"e{number}", START + timedelta(seconds=number), name, "AWS::EC2::EIP", "CREATE_FAILED", "", reason)
        for number, (name, reason) in enumerate(failed)
    ]


def test_what_was_cancelled_because_of_a_failure_is_not_the_failure() -> None:
    found = first_failure(
        events(
            ("Queue", "Resource creation cancelled"),
            ("Address", "The maximum number of addresses has been reached. (Service: Ec2, Status Code: 400)"),
            (STACK, "The following resource(s) failed to create: [Address, Queue]."),
        ),
        STACK,
    )
    assert found is not None
    assert (found.logical_id, found.cause) == ("Address", "The account has no Elastic IP address left in this region")
    assert "L-0263D0A3" in found.fix


def test_where_only_the_stack_says_why_that_is_taken() -> None:
    found = first_failure(events((STACK, "Parameter validation failed")), STACK)
    assert found is not None
    assert found.said == "Parameter validation failed"


def test_nothing_failed_is_no_failure() -> None:
    assert first_failure([], STACK) is None


@pytest.mark.parametrize(
    ("said", "cause", "fix"),
    [
        (
            "User: arn:aws:sts::1:x is not authorized to perform: eks:CreateCluster on",
            "may not eks:CreateCluster",
            "verify",
        ),
        ("csoc-x already exists in stack arn", "is there already", "delete it"),
        (
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
            "days of grace",
            "restore",
        ),
        (
            "Before you can proceed, you must enable a service-linked role to give Amazon OpenSearch",
            "service-linked role",
            "create-service-linked-role",
        ),
        ("unsupported Kubernetes version 1.22", "does not offer this Kubernetes version", "kubernetesVersion"),
        ("NodeCreationFailure: Instances failed to join the kubernetes cluster", "did not become nodes", "way out"),
        ("Cannot find version 16.99 for aurora-postgresql", "does not offer this version", "engineVersion"),
        ("Rate exceeded (Service: AmazonRDS)", "throttled", "Run again"),
        ("Resource timed out waiting for completion", "did not become ready", "Run again"),
        (
            "We currently do not have sufficient capacity in zone a: InsufficientInstanceCapacity",
            "no machine of this type",
            "Try again",
        ),
        ("something nobody has seen", "The service refused it", "Correct what it names"),
    ],
)
def test_failures_that_people_meet_are_told_in_plain_words(said: str, cause: str, fix: str) -> None:
    found = first_failure(events(("Thing", said)), STACK)
    assert found is not None
    assert cause in found.cause
    assert fix in found.fix
    assert found.said == said


def test_each_known_failure_has_a_sentence_for_cause_and_fix() -> None:
    for known in KNOWN:
        assert known.cause[0].isupper()
        assert known.fix[0].isupper()
        assert not known.cause.endswith(".")

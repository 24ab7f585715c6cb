"""Certificates that a load balancer cannot take."""

import pytest

from csoc.gen3.rules.certificate_unusable import check
from csoc.testing.states import environment_state

GOOD = "arn:aws:acm:us-east-1:111122223333:certificate/0a1b-2c3d"
PLACEHOLDER = "arn:aws:acm:us-east-1:123456:certificate"


def values(arn: str, more: str = "") -> str:
    return f"global:\n  revproxyArn: {arn}\n  aws: {{enabled: true{more}}}\nrevproxy: {{enabled: true}}\n"


def test_the_chart_s_placeholder_is_found_whether_written_or_left() -> None:
    (hit,) = check(environment_state(values(PLACEHOLDER)))
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 2
    state = environment_state("global: {aws: {enabled: true}}\n", defaults={"global": {"revproxyArn": PLACEHOLDER}})
    (hit,) = check(state)
    assert "not set" in hit.cause


def test_a_certificate_of_another_account_or_region_is_found() -> None:
    (hit,) = check(environment_state(values(GOOD, ", account: '444455556666'")))
    assert "111122223333" in hit.cause
    (hit,) = check(environment_state(values(GOOD, ", region: eu-west-1")))
    assert "us-east-1" in hit.cause


@pytest.mark.parametrize(
    "text",
    [
        values(GOOD, ", account: '111122223333', region: us-east-1"),
        values(f"{GOOD},{GOOD}e"),
        values("arn:aws:iam::111122223333:server-certificate/alpha"),
        values('""'),
        values(PLACEHOLDER).replace("aws: {enabled: true}", "aws: {enabled: false}"),
        values(PLACEHOLDER).replace("revproxy: {enabled: true}", "revproxy: {enabled: false}"),
    ],
    ids=["good", "several", "of IAM", "left to the controller", "not on AWS", "no proxy"],
)
def test_quiet_where_a_load_balancer_gets_a_certificate_or_needs_none(text: str) -> None:
    assert not list(check(environment_state(text)))


@pytest.mark.parametrize("text", ["global: {revproxyArn: [1], aws: {enabled: true}}\n", "global: x\n", "revproxy: 1\n"])
def test_survives_shapes_that_nobody_foresaw(text: str) -> None:
    assert not list(check(environment_state(text)))

"""Records that a stack waits for: named from its events, for certificates that nobody else validates, until they are
there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from csoc.provisioning.records import Record, records_waited_for, validated_by_hand
from csoc.provisioning.stacks import StackEvent

_SAID = "Content of DNS Record is: {Name: _3f2a.heart.example.org.,Type: CNAME,Value: _9c.xyz.acm-validations.aws.}"
_WANTED = Record("_3f2a.heart.example.org", "CNAME", "_9c.xyz.acm-validations.aws")


def event(status: str, reason: str = "", logical_id: str = "Certificate") -> StackEvent:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    return StackEvent(f"e-{status}", at, logical_id, "AWS::CertificateManager::Certificate", status, "", reason, "t")


def test_a_record_is_waited_for_from_when_it_is_named_until_the_certificate_is_done() -> None:
    begun, named = event("CREATE_IN_PROGRESS"), event("CREATE_IN_PROGRESS", _SAID)
    assert records_waited_for([begun], {"Certificate"}) == ()
    assert records_waited_for([begun, named], {"Certificate"}) == (_WANTED,)
    assert records_waited_for([begun, named, event("CREATE_COMPLETE")], {"Certificate"}) == ()
    assert records_waited_for([begun, named, event("CREATE_FAILED", "no")], {"Certificate"}) == ()


def test_only_certificates_that_nobody_else_validates_are_asked() -> None:
    zone = {"DomainName": "heart.example.org", "HostedZoneId": "Z0123456789"}
    kind = "AWS::CertificateManager::Certificate"
    resources = {
        "ByHand": {"Type": kind, "Properties": {"DomainName": "heart.example.org"}},
        "ByStack": {"Type": kind, "Properties": {"DomainValidationOptions": [zone]}},
        "Other": {"Type": "AWS::SQS::Queue"},
    }
    assert validated_by_hand(resources) == {"ByHand"}
    assert records_waited_for([event("CREATE_IN_PROGRESS", _SAID, "ByStack")], {"ByHand"}) == ()


@pytest.mark.parametrize(
    "said",
    [
        "Content of DNS Record is: {Name: a b,Type: CNAME,Value: c}",
        "Content of DNS Record is: {Name: $(reboot),Type: CNAME,Value: x}",
        "Content of DNS Record is: {Name: a\x1b[2J,Type: CNAME,Value: c}",
        "Resource creation Initiated",
    ],
)
def test_what_has_not_the_shape_of_a_record_is_none(said: str) -> None:
    assert records_waited_for([event("CREATE_IN_PROGRESS", said)], {"Certificate"}) == ()

"""What is left in an account that no tag names."""

from __future__ import annotations

from csoc.provisioning.leftovers import validation_records
from csoc.provisioning.plans import LayerPlan, PlanKind
from csoc.provisioning.stacks import Action, ResourceChange
from csoc.testing.leftovers import MemoryLeftovers

CERTIFICATE = {
    "Type": "AWS::CertificateManager::Certificate",
    "Properties": {
        "DomainName": "heart.example.org",
        "DomainValidationOptions": [{"DomainName": "heart.example.org", "HostedZoneId": "Z0123456789"}],
    },
}
GONE = ResourceChange(Action.REMOVE, "Certificate", "AWS::CertificateManager::Certificate", "arn:aws:acm:...")


def test_the_record_that_validated_a_certificate_is_listed_with_its_zone() -> None:
    layers = [LayerPlan("edge", "csoc-e1b2c3d4e5-edge", PlanKind.EXACT, changes=(GONE,))]
    account = MemoryLeftovers()
    (found,) = validation_records(layers, {"edge": {"Certificate": CERTIFICATE}}, account)
    assert str(found).startswith("_….heart.example.org (CNAME record in the hosted zone Z0123456789): ")
    assert found.layer == "edge"
    account.zones["Z0123456789"] = ["_3f2a.heart.example.org", "_9.reef.example.org", "heart.example.org"]
    (named,) = validation_records(layers, {"edge": {"Certificate": CERTIFICATE}}, account)
    assert named.name == "_3f2a.heart.example.org"


def test_where_no_certificate_went_or_somebody_made_its_record_by_hand_nothing_is_listed() -> None:
    by_hand = {"Type": CERTIFICATE["Type"], "Properties": {"DomainName": "heart.example.org"}}
    layers = [LayerPlan("edge", "csoc-e1b2c3d4e5-edge", PlanKind.EXACT, changes=(GONE,))]
    assert list(validation_records(layers, {"edge": {"Certificate": by_hand}}, MemoryLeftovers())) == []
    unchanged = [LayerPlan("edge", "csoc-e1b2c3d4e5-edge", PlanKind.UNCHANGED)]
    assert list(validation_records(unchanged, {"edge": {"Certificate": CERTIFICATE}}, MemoryLeftovers())) == []

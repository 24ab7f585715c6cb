"""The environment's layers in every size: the contract both ways, clean for cfn-lint, and settings that cannot be are
refused with their place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from csoc.fleet.documents.infrastructure import Size
from csoc.gen3.launch import roles
from csoc.provisioning import names
from csoc.provisioning.layers import LAYERS
from csoc_infra import app
from csoc_infra.document import parse
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts.grants import ACCESSES
from tests.infra import environments
from tests.infra.environments import OWN, SIZES, document, of_type, properties, templates, usual


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", OWN)
def test_templates_are_clean_for_cfn_lint(size: Size, layer: str) -> None:
    found = lint(json.dumps(usual(size)[layer]), config=ManualArgs(regions=[environments.REGION]))
    assert [str(one) for one in found] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", OWN)
def test_what_a_template_asks_for_and_gives_is_what_the_contract_says(size: Size, layer: str) -> None:
    template, contract = usual(size)[layer], LAYERS[layer]
    needs = {need.parameter for need in contract.needs}
    own = {"LoadBalancerDnsName"} if layer == "edge" else set()
    assert set(template.get("Parameters", {})) - own <= needs
    passed = {one["Properties"]["Name"] for one in of_type(template, "AWS::SSM::Parameter").values()}
    assert passed == {names.parameter(environments.UID, layer, one.name) for one in contract.outputs}
    assert set(template["Outputs"]) == {one.name for one in contract.outputs}


def test_every_need_of_the_contract_is_asked_for_by_some_template() -> None:
    open_to_all = templates(document(given={"edge": {"allowed": []}}))
    for layer in OWN:
        asked = {*usual()[layer].get("Parameters", {}), *open_to_all[layer].get("Parameters", {})}
        assert {need.parameter for need in LAYERS[layer].needs} <= asked, layer


@pytest.mark.parametrize("size", SIZES)
def test_templates_are_small_enough_to_be_sent_without_a_bucket(size: Size) -> None:
    for name, body in app.templates(parse(document(size))).items():
        assert len(body.encode()) <= 51_200, name


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("layer", OWN)
def test_everything_that_can_have_a_tag_says_whose_it_is(size: Size, layer: str) -> None:
    untaggable = (
        "AWS::IAM::Policy", "AWS::KMS::Alias", "AWS::Logs::ResourcePolicy", "AWS::Route53::RecordSet",
        "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
        "AWS::SecretsManager::SecretTargetAttachment", "AWS::WAFv2::LoggingConfiguration",
    )  # fmt: skip
    for name, one in usual(size)[layer]["Resources"].items():
        if one["Type"] not in untaggable:
            tags = one["Properties"]["Tags"]
            found = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            assert found == {
                names.INSTALLATION_TAG: environments.INSTALLATION,
                names.OWNER_TAG: environments.UID,
                names.LAYER_TAG: layer,
            }, name


SEARCH = {"node_type": "t3.small.search", "volume_gigabytes": 10}
CERTIFICATE = f"arn:aws:acm:{environments.REGION}:{environments.ACCOUNT}:certificate/a"


def _role(*grants: Mapping[str, str], name: str = "a") -> dict[str, Any]:
    return {"roles": [{"service_account": name, "namespace": "b", "grants": list(grants)}]}


WRONG: Mapping[str, tuple[str, dict[str, Any], str, str]] = {
    "a database that may pause": ("database", {"minimum_capacity": 0.0}, "minimum_capacity", "0.5 to 256"),
    "a quarter of an ACU": ("database", {"minimum_capacity": 0.75}, "minimum_capacity", "multiple of 0.5"),
    "less at most than at least": (
        "database",
        {"maximum_capacity": 1.0, "minimum_capacity": 4.0},
        "minimum_capacity",
        "above",
    ),
    "an engine from elsewhere": ("database", {"engine_version": "8.0.mysql"}, "engine_version", "Aurora PostgreSQL"),
    "a reader's zones": ("database", {"zone_names": ["ap-southeast-2a"]}, "zone_names", "zones says 2"),
    "search in more zones than there are": (
        "database",
        {"search": {**SEARCH, "nodes": 3, "zones": 3}},
        "search.zones",
        "2 zones",
    ),
    "nodes that cannot be spread": (
        "database",
        {"search": {**SEARCH, "nodes": 1, "zones": 2}},
        "search.zones",
        "cannot be spread",
    ),
    "a log that CloudWatch cannot keep": ("database", {"log_days": 31}, "log_days", "one of"),
    "a secret with a way out": ("credentials", {"secrets": ["../other"]}, "secrets", "item 0"),
    "a secret twice": ("credentials", {"secrets": ["a", "a"]}, "secrets", "twice"),
    "more secrets than can be told": (
        "credentials",
        {"secrets": [f"{'s' * 50}{n}" for n in range(80)]},
        "secrets",
        "4,096",
    ),
    "two buckets of one purpose": (
        "resources",
        {"buckets": [{"purpose": "a"}, {"purpose": "a"}]},
        "buckets[1].purpose",
        "there already",
    ),
    "the bucket of logs": ("resources", {"buckets": [{"purpose": "access-logs"}]}, "buckets[0].purpose", "made anyway"),
    "a topic of no bucket": ("resources", {"topics": [{"purpose": "x", "bucket": "y"}]}, "topics[0].bucket", 'no "y"'),
    "a topic to no queue": ("resources", {"topics": [{"purpose": "x", "queues": ["y"]}]}, "topics[0].queues", 'no "y"'),
    "two topics of one bucket": (
        "resources",
        {"topics": [{"purpose": "x", "bucket": "uploads"}, {"purpose": "y", "bucket": "uploads"}]},
        "topics[1].bucket",
        "there already",
    ),
    "a role twice": (
        "resources",
        {"roles": [{"service_account": "a", "namespace": n, "grants": []} for n in "bc"]},
        "roles[1].service_account",
        "there already",
    ),
    "a role whose name is too long": ("resources", _role(name="a" * 60), "roles[0].service_account", "64"),
    "a grant of nothing there": (
        "resources",
        _role({"kind": "bucket", "name": "other", "access": "read"}),
        "roles[0].grants[0].name",
        "no bucket",
    ),
    "a grant without a name": (
        "resources",
        _role({"kind": "bucket", "access": "read"}),
        "roles[0].grants[0].name",
        "is missing",
    ),
    "a grant that a queue has not": (
        "resources",
        _role({"kind": "queue", "name": "audit", "access": "read"}),
        "roles[0].grants[0].access",
        "send, receive",
    ),
    "everything": (
        "resources",
        _role({"kind": "secret", "name": "*", "access": "read"}),
        "roles[0].grants[0].name",
        "letters",
    ),
    "more roles than can be told": (
        "resources",
        {"roles": [{"service_account": f"{'a' * 40}{n}", "namespace": "b", "grants": []} for n in range(40)]},
        "roles",
        "4,096",
    ),
    "most of the internet": ("edge", {"allowed": ["0.0.0.0/0"]}, "allowed", "most of the internet"),
    "a network with an address inside": ("edge", {"allowed": ["203.0.113.7/24"]}, "allowed", "item 0"),
    "two certificates": ("edge", {"certificate_arn": CERTIFICATE}, "request_certificate", "names one"),
    "a certificate from elsewhere": (
        "edge",
        {"certificate_arn": CERTIFICATE.replace(environments.REGION, "us-east-1"), "request_certificate": False},
        "certificate_arn",
        "us-east-1",
    ),
    "a host name that is none": ("edge", {"hostname": "portal.example.org/x"}, "hostname", "host name"),
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_cannot_be_are_refused_with_their_place(case: str) -> None:
    layer, changed, place, said = WRONG[case]
    made = document()
    made["layers"][layer]["settings"] |= changed
    with pytest.raises(MistakeError) as refused:
        templates(made)
    assert refused.value.path == f"layers.{layer}.settings.{place}"
    assert said in refused.value.cause


def test_a_load_balancer_of_a_region_that_is_not_known_asks_for_its_zone() -> None:
    made = document(layers=["edge"])
    made["region"] = "xx-north-1"
    with pytest.raises(MistakeError) as refused:
        templates(made)
    assert refused.value.path == "layers.edge.settings.load_balancer_zone_id"
    made["layers"]["edge"]["settings"]["load_balancer_zone_id"] = "Z0000000000000000000"
    record = properties(templates(made)["edge"], "AWS::Route53::RecordSet")
    assert record["AliasTarget"]["HostedZoneId"] == "Z0000000000000000000"


def test_search_that_no_layer_made_cannot_be_granted() -> None:
    made = document(layers=["resources"])
    del made["layers"]["resources"]["inputs"]["DatabaseSearchDomainArn"]
    with pytest.raises(MistakeError) as refused:
        templates(made)
    assert refused.value.path == "layers.resources.settings.roles[2].grants[0]"
    assert "setting search" in refused.value.fix


def test_what_launch_asks_for_can_be_granted_and_made() -> None:
    everything = sorted(roles.NEEDS)
    asked = roles.settings(everything, "gen3", environments.HOSTNAME)
    made = templates(document(layers=["resources"], given={"resources": asked}))["resources"]
    found = {one["Properties"]["RoleName"] for one in of_type(made, "AWS::IAM::Role").values()}
    assert found == {names.thing(environments.UID, one["service_account"]) for one in asked["roles"]}
    granted = {(one["kind"], one["access"]) for role in asked["roles"] for one in role["grants"]}
    assert granted <= {(kind, access) for kind, accesses in ACCESSES.items() for access in accesses}


def test_the_same_document_gives_the_same_text_and_its_order_of_keys_does_not_matter() -> None:
    made = document()
    turned = json.loads(json.dumps(made), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert dict(app.templates(parse(made))) == dict(app.templates(parse(turned)))


@pytest.mark.parametrize("layer", OWN)
def test_an_environment_never_takes_anothers_names(layer: str) -> None:
    other = templates(document(uid="e9b2c3d4e9"))[layer]
    named = re.compile(r"csoc-\w{10}|csoc/\w{10}")
    mine, theirs = (set(named.findall(json.dumps(one))) for one in (usual()[layer], other))
    assert mine
    assert not mine & theirs


def test_documents_are_not_changed_by_making_templates_of_them() -> None:
    made = document()
    before = copy.deepcopy(made)
    templates(made)
    assert made == before

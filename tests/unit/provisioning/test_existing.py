"""Layers that are there already are read where they stand, under the names that their makers chose."""

from __future__ import annotations

import json

import pytest

from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.documents.infrastructure import LayerSource
from csoc.provisioning.existing import changed_since, read_existing
from csoc.provisioning.layers import LAYERS
from csoc.provisioning.stacks import StackRequest
from csoc.testing.stacks import MemoryStacks

# Paths and names as the Australian BioCommons' network and database repositories write them.
AUSBIO = "/gen3/omix3/commons/uat"
AUSBIO_NETWORK = {
    f"{AUSBIO}/vpc-id": "vpc-0123456789abcdef0",
    f"{AUSBIO}/private-subnet-ids": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    f"{AUSBIO}/private-isolated-subnet-ids": "subnet-0123456789abcdef2,subnet-0123456789abcdef3",
    f"{AUSBIO}/waf-acl-arn": "arn:aws:wafv2:ap-southeast-2:111111111111:regional/webacl/omix3-uat-web-acl/1",
}
NETWORK_NAMES = {
    "VpcId": "vpc-id",
    "PrivateSubnetIds": "private-subnet-ids",
    "IsolatedSubnetIds": "private-isolated-subnet-ids",
    "WebAclArn": "waf-acl-arn",
}
AUSBIO_DATABASE = {
    f"{AUSBIO}/rds/main/endpoint": "omix3-uat-main.cluster-abc.ap-southeast-2.rds.amazonaws.com",
    f"{AUSBIO}/rds/main/port": "5432",
    f"{AUSBIO}/rds/main/security-group-id": "sg-0123456789abcdef0",
    f"{AUSBIO}/rds/main/secret-arn": "arn:aws:secretsmanager:ap-southeast-2:111111111111:secret:gen3/omix3/rds-AbCdEf",
}
DATABASE_NAMES = {
    "DatabaseEndpoint": "endpoint",
    "DatabasePort": "port",
    "DatabaseSecurityGroupId": "security-group-id",
    "DatabaseSecretArn": "secret-arn",
}


@pytest.fixture
def stacks() -> MemoryStacks:
    made = MemoryStacks("f1b2c3d4e5")
    made.parameters |= AUSBIO_NETWORK | AUSBIO_DATABASE
    return made


def test_a_network_is_read_from_the_parameters_that_another_tool_wrote(stacks: MemoryStacks) -> None:
    found = read_existing(LAYERS["network"], LayerSource(parameters=AUSBIO, names=NETWORK_NAMES), stacks)
    assert found.outputs["VpcId"] == "vpc-0123456789abcdef0"
    assert found.outputs["IsolatedSubnetIds"].count(",") == 1
    assert found.missing == {
        "VpcCidr": f"VpcCidr in the parameters below {AUSBIO}/",
        "PublicSubnetIds": f"PublicSubnetIds in the parameters below {AUSBIO}/",
        "PrivateRouteTableIds": f"PrivateRouteTableIds in the parameters below {AUSBIO}/",
    }


def test_a_database_is_read_below_a_path_of_its_own(stacks: MemoryStacks) -> None:
    source = LayerSource(parameters=f"{AUSBIO}/rds/main", names=DATABASE_NAMES)
    found = read_existing(LAYERS["database"], source, stacks)
    assert found.outputs["DatabasePort"] == "5432"
    assert set(found.missing) == {"DatabaseSecretName", "DatabaseKeyArn", "SearchEndpoint", "SearchDomainArn"}


def test_a_stack_gives_its_outputs_whoever_made_it(stacks: MemoryStacks) -> None:
    template = json.dumps(
        {
            "Resources": {"Vpc": {"Type": "AWS::EC2::VPC"}},
            "Outputs": {"ExportsOutputVpc": {"Value": "vpc-0123456789abcdef0"}},
        }
    )
    stacks.installation = "theirs"
    stacks.make_change_set(StackRequest("uatNetwork", template, {}, {"csoc:installation": "theirs"}, ""), "one")
    stacks.execute("uatNetwork", "one", "token")
    stacks.installation = "f1b2c3d4e5"
    found = read_existing(
        LAYERS["network"], LayerSource(stack="uatNetwork", names={"VpcId": "ExportsOutputVpc"}), stacks
    )
    assert found.outputs == {"VpcId": "vpc-0123456789abcdef0"}


def test_a_stack_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFoundError, match="There is no stack uatNetwork, from which the layer network is read"):
        read_existing(LAYERS["network"], LayerSource(stack="uatNetwork"), MemoryStacks("f1b2c3d4e5"))


@pytest.mark.parametrize(
    ("layer", "output", "value", "expected"),
    [
        ("network", "VpcId", "dummy-value-for-/gen3/vpc-id", "a VPC's id"),
        ("network", "PrivateSubnetIds", "subnet-1 subnet-2", "ids of subnets, joined by commas"),
        ("network", "WebAclArn", "", "the ARN of a regional web ACL"),
        ("cluster", "OidcProviderArn", "arn:aws:iam::1:role/x", "the ARN of an OIDC provider"),
        ("database", "SearchEndpoint", "https://search.example.org", "a host name, without https://"),
        ("edge", "CertificateArn", "arn:aws:acm:us-east-1:123456:certificate", "the ARN of a certificate"),
    ],
)
def test_what_is_not_of_the_kind_that_it_must_be_is_refused_before_anything_is_made_from_it(
    layer: str, output: str, value: str, expected: str
) -> None:
    stacks = MemoryStacks("f1b2c3d4e5")
    stacks.parameters[f"/theirs/{output}"] = value
    with pytest.raises(RejectedError, match=expected):
        read_existing(LAYERS[layer], LayerSource(parameters="/theirs"), stacks)


def test_an_output_that_the_layer_does_not_have_is_named_with_those_that_it_has(stacks: MemoryStacks) -> None:
    with pytest.raises(RejectedError, match="has no output Vpc"):
        read_existing(LAYERS["network"], LayerSource(parameters=AUSBIO, names={"Vpc": "vpc-id"}), stacks)


def test_an_issuer_is_the_same_with_and_without_its_scheme(stacks: MemoryStacks) -> None:
    values = {"OidcIssuer": "https://oidc.eks.ap-southeast-2.amazonaws.com/id/ABC"}
    found = read_existing(LAYERS["cluster"], LayerSource(values=values), stacks)
    assert found.outputs["OidcIssuer"] == "oidc.eks.ap-southeast-2.amazonaws.com/id/ABC"


def test_what_changed_under_ones_hands_is_told_with_before_and_now() -> None:
    before = {"VpcId": "vpc-1", "VpcCidr": "10.0.0.0/16"}
    assert changed_since(before, {"VpcId": "vpc-2", "VpcCidr": "10.0.0.0/16"}) == ("VpcId was vpc-1 and is vpc-2",)
    assert changed_since(before, {"VpcCidr": "10.0.0.0/16"}) == ("VpcId was vpc-1 and is not there",)

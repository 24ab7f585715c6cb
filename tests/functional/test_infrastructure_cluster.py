"""The cluster's layers as stacks of an emulated account: made in order, handed on by parameters, gone at last."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csoc.adapters.cdk.synthesizer import ChildSynthesizer
from csoc.emulator.running import Emulator
from csoc.provisioning import names
from csoc.provisioning.layers import LAYERS, NOTHING
from csoc.provisioning.synthesis import Template
from tests.functional.emulator.conftest import Owner, account, emulator, owner
from tests.functional.emulator.test_eks import token
from tests.infra.documents import CLUSTER_UID, INSTALLATION, cluster_document

__all__ = ["account", "emulator", "owner"]

FAST = {"Delay": 1, "MaxAttempts": 240}
LINK_ROLE = f"csoc-link/CsocLink-{INSTALLATION}-cluster"
_ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def synthesizer() -> Iterator[ChildSynthesizer]:
    with ChildSynthesizer() as made:
        yield made


def link(owner: Owner) -> None:
    """What the link of an account leaves there, as far as these stacks need it."""
    iam = owner.client("iam")
    iam.create_policy(
        PolicyName=f"CsocLink-{INSTALLATION}-boundary", Path="/csoc-link/", PolicyDocument=json.dumps(_ALLOW)
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{owner.account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    roles = (("/csoc-link/", f"CsocLink-{INSTALLATION}-cluster"), ("/", "Platform"), ("/people/", "OnCall"))
    for path, name in roles:
        iam.create_role(Path=path, RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))


def create(owner: Owner, template: Template) -> Mapping[str, str]:
    """The stack's outputs."""
    cloudformation = owner.client("cloudformation")
    cloudformation.create_stack(
        StackName=template.stack, TemplateBody=template.body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=template.stack, WaiterConfig=FAST)
    finally:
        events = cloudformation.describe_stack_events(StackName=template.stack)["StackEvents"]
        failed = [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}"
            for one in events
            if one["ResourceStatus"].endswith("FAILED") and "cancelled" not in one.get("ResourceStatusReason", "")
        ]
        assert not failed, "\n".join(failed)
    stack = cloudformation.describe_stacks(StackName=template.stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def made(owner: Owner, synthesizer: ChildSynthesizer, size: str) -> Mapping[str, Mapping[str, str]]:
    """Outputs of all layers of a cluster, created in order."""
    link(owner)
    templates = synthesizer.synthesize(cluster_document(size, account=owner.account))
    return {name: create(owner, templates[name]) for name in LAYERS if name in templates}


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_all_layers_of_a_cluster_come_up_one_after_the_other(
    emulator: Emulator, owner: Owner, synthesizer: ChildSynthesizer, size: str
) -> None:
    outputs = made(owner, synthesizer, size)

    ssm = owner.client("ssm")
    for layer, values in outputs.items():
        assert set(values) == {output.name for output in LAYERS[layer].outputs}
        for name, value in values.items():
            path = names.parameter(CLUSTER_UID, layer, name)
            assert ssm.get_parameter(Name=path)["Parameter"]["Value"] == value
            assert value
    eks = owner.client("eks")
    cluster = eks.describe_cluster(name=names.eks_cluster(CLUSTER_UID))["cluster"]
    assert cluster["status"] == "ACTIVE"
    assert cluster["arn"] == outputs["cluster"]["ClusterArn"]
    groups = eks.list_nodegroups(clusterName=cluster["name"])["nodegroups"]
    wanted = 0
    for group in groups:
        described = eks.describe_nodegroup(clusterName=cluster["name"], nodegroupName=group)["nodegroup"]
        assert described["status"] == "ACTIVE"
        wanted += described["scalingConfig"]["desiredSize"]
    assert ready_nodes(asked(owner, emulator, cluster, "Platform" if size == "large" else LINK_ROLE, "nodes")) == wanted
    assert (outputs["platform"]["ExternalDnsRoleArn"] == NOTHING) == (size == "small")


def test_each_zone_goes_out_through_an_interface_that_its_stack_keeps_and_deleting_leaves_logs_and_keys(
    owner: Owner, synthesizer: ChildSynthesizer
) -> None:
    link(owner)
    templates = synthesizer.synthesize(cluster_document("medium", account=owner.account))
    network = create(owner, templates["network"])
    egress = create(owner, templates["egress"])

    ec2 = owner.client("ec2")
    tables = network["PrivateRouteTableIds"].split(",")
    interfaces = egress["ProxyInterfaceIds"].split(",")
    for table, interface in zip(tables, interfaces, strict=True):
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        assert [one["NetworkInterfaceId"] for one in routes if one.get("DestinationCidrBlock") == "0.0.0.0/0"] == [
            interface
        ]
    described = ec2.describe_network_interfaces(NetworkInterfaceIds=interfaces)["NetworkInterfaces"]
    assert [one["SourceDestCheck"] for one in described] == [False, False, False]
    groups = owner.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert [len(one["Instances"]) for one in groups] == [1, 1, 1]

    cloudformation = owner.client("cloudformation")
    for layer in ("egress", "network"):
        cloudformation.delete_stack(StackName=templates[layer].stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=templates[layer].stack, WaiterConfig=FAST)
    left = {one["logGroupName"] for one in owner.client("logs").describe_log_groups()["logGroups"]}
    assert left == {
        "/csoc/c1b2c3d4e5/egress",
        "/csoc/c1b2c3d4e5/flow-logs",
        "aws-waf-logs-csoc-c1b2c3d4e5-web",
    }
    kms = owner.client("kms")
    keys = [kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"] for one in kms.list_keys()["Keys"]]
    assert [one["KeyState"] for one in keys if one["Description"] == "Alarms of csoc-c1b2c3d4e5-egress"] == ["Enabled"]
    assert ec2.describe_addresses()["Addresses"] == []


def test_csoc_may_look_and_see_no_secret_once_a_cluster_is_set_up(
    emulator: Emulator, owner: Owner, synthesizer: ChildSynthesizer
) -> None:
    document = cluster_document("small", account=owner.account)
    document["layers"]["cluster"]["settings"]["link_access"] = "view"
    link(owner)
    templates = synthesizer.synthesize(document)
    for name in ("network", "cluster"):
        create(owner, templates[name])
    cluster = owner.client("eks").describe_cluster(name=names.eks_cluster(CLUSTER_UID))["cluster"]
    assert asked(owner, emulator, cluster, LINK_ROLE, "pods")["kind"] == "PodList"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        asked(owner, emulator, cluster, LINK_ROLE, "secrets")


def asked(owner: Owner, emulator: Emulator, cluster: Mapping[str, Any], role: str, what: str) -> dict[str, Any]:
    """A list of the simulated cluster, as a role of the account."""
    arn = f"arn:aws:iam::{owner.account}:role/{role}"
    session = owner.client("sts").assume_role(RoleArn=arn, RoleSessionName="csoc")["Credentials"]
    bearer = token(owner, emulator, cluster["name"], 60, **{key: str(value) for key, value in session.items()})
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificateAuthority"]["data"]).decode())
    headers = {"Authorization": f"Bearer {bearer}"}
    request = urllib.request.Request(f"{cluster['endpoint']}/api/v1/{what}", headers=headers)
    with urllib.request.urlopen(request, context=context) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def ready_nodes(listed: Mapping[str, Any]) -> int:
    """How many nodes of a list are ready."""
    conditions = [one for node in listed["items"] for one in node["status"]["conditions"]]
    return sum(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

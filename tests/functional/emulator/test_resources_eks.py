"""Types of EKS in a stack: made in their order, with what is known only at the end, changed, and deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.resource_cases import Bench, lacks

FAST = {"Delay": 1, "MaxAttempts": 60}
TAGS = [{"Key": "team", "Value": "data"}]


def role(service: str, *actions: str) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", *actions]}],
    }
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}


def arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


def subnet(number: int) -> dict[str, Any]:
    zone = {"Fn::Select": [number, {"Fn::GetAZs": ""}]}
    properties = {"VpcId": {"Ref": "Network"}, "CidrBlock": f"10.0.{number}.0/24", "AvailabilityZone": zone}
    return {"Type": "AWS::EC2::Subnet", "Properties": properties}


SUBNETS = [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]
GROUND: dict[str, Any] = {
    "Network": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "SubnetA": subnet(0),
    "SubnetB": subnet(1),
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "nodes", "VpcId": {"Ref": "Network"}},
    },
    "ClusterRole": role("eks.amazonaws.com"),
    "NodeRole": role("ec2.amazonaws.com"),
    "PodRole": role("pods.eks.amazonaws.com", "sts:TagSession"),
    "AdminRole": role("ec2.amazonaws.com"),
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                        "Action": "kms:*",
                        "Resource": "*",
                    }
                ],
            }
        },
    },
}
CLUSTER: dict[str, Any] = {
    "Type": "AWS::EKS::Cluster",
    "Properties": {
        "Name": "commons",
        "Version": "1.33",
        "RoleArn": arn("ClusterRole"),
        "ResourcesVpcConfig": {
            "SubnetIds": SUBNETS,
            "SecurityGroupIds": [{"Ref": "Group"}],
            "EndpointPrivateAccess": True,
            "EndpointPublicAccess": True,
            "PublicAccessCidrs": ["192.0.2.0/24"],
        },
        "AccessConfig": {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False},
        "EncryptionConfig": [{"Provider": {"KeyArn": arn("Key")}, "Resources": ["secrets"]}],
        "KubernetesNetworkConfig": {"ServiceIpv4Cidr": "172.20.0.0/16", "IpFamily": "ipv4"},
        "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": "api"}, {"Type": "audit"}]}},
        "UpgradePolicy": {"SupportType": "STANDARD"},
        "ZonalShiftConfig": {"Enabled": True},
        "DeletionProtection": False,
        "Tags": TAGS,
    },
}
NODES: dict[str, Any] = {
    "Type": "AWS::EKS::Nodegroup",
    "Properties": {
        "ClusterName": {"Ref": "Cluster"},
        "NodegroupName": "default",
        "NodeRole": arn("NodeRole"),
        "Subnets": SUBNETS,
        "AmiType": "AL2023_x86_64_STANDARD",
        "CapacityType": "ON_DEMAND",
        "DiskSize": 50,
        "InstanceTypes": ["m5.large"],
        "Labels": {"role": "default"},
        "ScalingConfig": {"MinSize": 1, "MaxSize": 4, "DesiredSize": 2},
        "Taints": [{"Key": "gpu", "Value": "yes", "Effect": "NO_SCHEDULE"}],
        "UpdateConfig": {"MaxUnavailable": 1},
        "Tags": {"team": "data"},
    },
}
ADDON = {
    "Type": "AWS::EKS::Addon",
    "DependsOn": "Nodes",
    "Properties": {
        "ClusterName": {"Ref": "Cluster"},
        "AddonName": "vpc-cni",
        "ConfigurationValues": '{"env":{"ENABLE_PREFIX_DELEGATION":"true"}}',
        "ResolveConflicts": "OVERWRITE",
        "Tags": TAGS,
    },
}
ENTRY = {
    "Type": "AWS::EKS::AccessEntry",
    "Properties": {
        "ClusterName": {"Ref": "Cluster"},
        "PrincipalArn": arn("AdminRole"),
        "Type": "STANDARD",
        "Username": "admin",
        "KubernetesGroups": ["viewers"],
        "AccessPolicies": [
            {
                "PolicyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "AccessScope": {"Type": "namespace", "Namespaces": ["default"]},
            }
        ],
        "Tags": TAGS,
    },
}
IDENTITY = {
    "Type": "AWS::EKS::PodIdentityAssociation",
    "Properties": {
        "ClusterName": {"Ref": "Cluster"},
        "Namespace": "default",
        "ServiceAccount": "fence",
        "RoleArn": arn("PodRole"),
        "Tags": TAGS,
    },
}
WHOLE = {
    "Resources": {
        **GROUND,
        "Cluster": CLUSTER,
        "Nodes": NODES,
        "Addon": ADDON,
        "Entry": ENTRY,
        "Identity": IDENTITY,
    },
    "Outputs": {
        "Endpoint": {"Value": {"Fn::GetAtt": ["Cluster", "Endpoint"]}},
        "Authority": {"Value": {"Fn::GetAtt": ["Cluster", "CertificateAuthorityData"]}},
        "Issuer": {"Value": {"Fn::GetAtt": ["Cluster", "OpenIdConnectIssuerUrl"]}},
        "Nodes": {"Value": {"Ref": "Nodes"}},
    },
}


class Stacks:
    """Stacks of one owner, waited for."""

    def __init__(self, owner: Owner) -> None:
        self.api = owner.client("cloudformation")

    def create(self, template: Mapping[str, Any]) -> dict[str, str]:
        self.api.create_stack(StackName="cluster", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
        self._wait("create")
        return self.outputs()

    def update(self, template: Mapping[str, Any]) -> None:
        self.api.update_stack(StackName="cluster", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
        self._wait("update")

    def delete(self) -> None:
        self.api.delete_stack(StackName="cluster")
        self._wait("delete")

    def _wait(self, verb: str) -> None:
        try:
            self.api.get_waiter(f"stack_{verb}_complete").wait(StackName="cluster", WaiterConfig=FAST)
        except WaiterError as error:
            raise AssertionError(f"{error}: {self.reasons()}") from None

    def reasons(self) -> list[str]:
        events = self.api.describe_stack_events(StackName="cluster")["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]

    def outputs(self) -> dict[str, str]:
        found = self.api.describe_stacks(StackName="cluster")["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}

    def ids(self) -> dict[str, str]:
        found = self.api.describe_stack_resources(StackName="cluster")["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


@pytest.fixture
def stacks(owner: Owner) -> Stacks:
    return Stacks(owner)


def changed(resource: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    return {**resource, "Properties": {**resource["Properties"], **properties}}


def with_(**resources: Any) -> dict[str, Any]:
    return {**WHOLE, "Resources": {**WHOLE["Resources"], **resources}}


def literal(properties: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """Properties that hold no reference."""
    return {
        name: value
        for name, value in properties.items()
        if name not in without and "Fn::" not in json.dumps(value) and "Ref" not in json.dumps(value)
    }


def test_a_cluster_with_all_that_belongs_to_it_is_made_told_changed_and_deleted(
    stacks: Stacks, owner: Owner, emulator: Emulator
) -> None:
    outputs = stacks.create(WHOLE)
    cluster = owner.client("eks").describe_cluster(name="commons")["cluster"]
    assert cluster["status"] == "ACTIVE"
    assert outputs == {
        "Endpoint": cluster["endpoint"],
        "Authority": cluster["certificateAuthority"]["data"],
        "Issuer": cluster["identity"]["oidc"]["issuer"],
        "Nodes": "commons/default",
    }
    assert outputs["Endpoint"].startswith("http")
    ids, bench = stacks.ids(), Bench(emulator, owner.account)
    for logical, resource in {"Cluster": CLUSTER, "Nodes": NODES, "Addon": ADDON, "Entry": ENTRY}.items():
        handler: Any = HANDLERS[resource["Type"]]
        live = handler.read(replace(bench.context(), tags={}), ids[logical]) or {}
        wanted = literal(resource["Properties"], *handler.unread, "AccessConfig", "Tags")
        assert lacks(wanted, live) == []
        assert {"team"} <= (
            {tag["Key"] for tag in live["Tags"]} if isinstance(live["Tags"], list) else set(live["Tags"])
        )

    more = changed(
        NODES, ScalingConfig={"MinSize": 1, "MaxSize": 6, "DesiredSize": 3}, Labels={"role": "all"}, Taints=[]
    )
    logged = changed(CLUSTER, Logging={"ClusterLogging": {"EnabledTypes": [{"Type": "scheduler"}]}}, Tags=[])
    viewer = changed(ENTRY, KubernetesGroups=[], AccessPolicies=[])
    stacks.update(with_(Nodes=more, Cluster=logged, Entry=viewer))
    group = owner.client("eks").describe_nodegroup(clusterName="commons", nodegroupName="default")["nodegroup"]
    assert (group["scalingConfig"]["maxSize"], group["labels"], group.get("taints", [])) == (6, {"role": "all"}, [])
    logging = owner.client("eks").describe_cluster(name="commons")["cluster"]["logging"]["clusterLogging"]
    assert [one["types"] for one in logging if one["enabled"]] == [["scheduler"]]

    stacks.update(with_(Nodes=more, Cluster=changed(logged, Version="1.34"), Entry=viewer))
    assert owner.client("eks").describe_cluster(name="commons")["cluster"]["version"] == "1.34"

    stacks.delete()
    with pytest.raises(ClientError, match="commons"):
        owner.client("eks").describe_cluster(name="commons")


def test_two_things_of_a_cluster_at_a_time_are_refused_with_what_to_do(stacks: Stacks) -> None:
    small = {"Resources": {**GROUND, "Cluster": CLUSTER}}
    stacks.create(small)
    both = changed(CLUSTER, Version="1.34", Logging={"ClusterLogging": {"EnabledTypes": []}})
    with pytest.raises(AssertionError, match="one thing of a cluster at a time"):
        stacks.update({"Resources": {**GROUND, "Cluster": both}})


def test_a_cluster_in_one_zone_rolls_back_with_the_words_of_eks(stacks: Stacks) -> None:
    narrow = changed(CLUSTER, ResourcesVpcConfig={"SubnetIds": [{"Ref": "SubnetA"}]})
    with pytest.raises(AssertionError, match="two different AZs"):
        stacks.create({"Resources": {**GROUND, "Cluster": narrow}})


@pytest.mark.parametrize("under_way", ["Cluster", "Nodes"])
def test_what_is_half_made_when_something_else_fails_is_deleted_once_it_may_be(
    stacks: Stacks, owner: Owner, under_way: str
) -> None:
    before = ["SubnetA", "SubnetB", "ClusterRole", "NodeRole", *(["Cluster"] if under_way == "Nodes" else [])]
    more = {
        "Slow": {
            "Type": "AWS::IAM::InstanceProfile",
            "DependsOn": before,
            "Properties": {"Roles": [{"Ref": "NodeRole"}]},
        },
        "Bad": {
            "Type": "AWS::EC2::SecurityGroup",
            "DependsOn": "Slow",
            "Properties": {"GroupDescription": "nowhere", "VpcId": "vpc-0123456789abcdef0"},
        },
    }
    with pytest.raises(AssertionError, match="vpc-0123456789abcdef0"):
        stacks.create({"Resources": {**GROUND, "Cluster": CLUSTER, "Nodes": NODES, **more}})
    events = stacks.api.describe_stack_events(StackName="cluster")["StackEvents"]
    told = {(one["LogicalResourceId"], one["ResourceStatus"]): one.get("ResourceStatusReason") for one in events}
    assert told[under_way, "CREATE_FAILED"] == "Resource creation cancelled"
    assert (under_way, "DELETE_COMPLETE") in told
    assert events[0]["ResourceStatus"] == "ROLLBACK_COMPLETE"
    assert owner.client("eks").list_clusters()["clusters"] == []

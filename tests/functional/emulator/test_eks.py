"""EKS: clusters that take their time and then answer, who gets in, and what belongs to them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner

from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner

REGION = "ap-southeast-2"


def trust(service: str) -> str:
    actions = ["sts:AssumeRole", "sts:TagSession"]
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        action()
    return str(refused.value.response["Error"]["Code"])


class Ground:
    """What a cluster stands on: subnets in two zones and roles."""

    def __init__(self, owner: Owner) -> None:
        ec2, iam = owner.client("ec2"), owner.client("iam")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
                "SubnetId"
            ]
            for number, zone in enumerate("ab")
        ]
        self.roles = {
            name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"]["Arn"]
            for name, service in (
                ("control", "eks.amazonaws.com"),
                ("nodes", "ec2.amazonaws.com"),
                ("pods", "pods.eks.amazonaws.com"),
            )
        }

    def cluster(self, **changed: Any) -> dict[str, Any]:
        return {
            "name": "tide",
            "version": "1.34",
            "roleArn": self.roles["control"],
            "resourcesVpcConfig": {"subnetIds": self.subnets},
            "accessConfig": {"authenticationMode": "API"},
            **changed,
        }


@pytest.fixture
def ground(owner: Owner) -> Ground:
    return Ground(owner)


def wait(eks: Any, name: str, **asked: str) -> None:
    eks.get_waiter(name).wait(name=asked.pop("cluster", "tide"), WaiterConfig={"Delay": 1, "MaxAttempts": 30}, **asked)


@pytest.fixture
def eks(owner: Owner, ground: Ground) -> Any:
    """A client, with the cluster "tide" active."""
    client = owner.client("eks")
    client.create_cluster(**ground.cluster())
    wait(client, "cluster_active")
    return client


def token(owner: Owner, emulator: Emulator, cluster: str = "tide", expires: int = 60, **session: str) -> str:
    """As `aws eks get-token` makes it."""
    key = emulator.accounts.owner(owner.account)
    made = boto3.Session(
        aws_access_key_id=session.get("AccessKeyId", key.access_key),
        aws_secret_access_key=session.get("SecretAccessKey", key.secret),
        aws_session_token=session.get("SessionToken"),
        region_name=REGION,
    )
    client = made.client("sts", endpoint_url=emulator.endpoint)
    signer = RequestSigner(
        client.meta.service_model.service_id, REGION, "sts", "v4", made.get_credentials(), made.events
    )
    asked = {
        "method": "GET",
        "url": f"{emulator.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    address = signer.generate_presigned_url(asked, region_name=REGION, expires_in=expires, operation_name="")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


def test_a_cluster_takes_its_time_and_then_has_an_endpoint(owner: Owner, ground: Ground) -> None:
    client = owner.client("eks")
    begun = client.create_cluster(**ground.cluster())["cluster"]
    assert (begun["status"], begun.get("endpoint")) == ("CREATING", None)
    wait(client, "cluster_active")
    there = client.describe_cluster(name="tide")["cluster"]
    assert there["endpoint"].startswith("https://127.0.0.1:")
    assert base64.b64decode(there["certificateAuthority"]["data"]).startswith(b"-----BEGIN CERTIFICATE-----")
    client.delete_cluster(name="tide")
    wait(client, "cluster_deleted")
    assert client.list_clusters()["clusters"] == []


def test_a_cluster_needs_subnets_in_two_zones_and_a_role_that_eks_may_take(owner: Owner, ground: Ground) -> None:
    client = owner.client("eks")
    one = {"subnetIds": ground.subnets[:1]}
    assert (
        code_of(lambda: client.create_cluster(**ground.cluster(resourcesVpcConfig=one))) == "InvalidParameterException"
    )
    strange = ground.roles["nodes"]
    assert code_of(lambda: client.create_cluster(**ground.cluster(roleArn=strange))) == "InvalidParameterException"
    assert code_of(lambda: client.create_cluster(**ground.cluster(version="1.12"))) == "InvalidParameterException"


def test_a_cluster_with_nodegroups_is_in_use(eks: Any, ground: Ground) -> None:
    group = {"clusterName": "tide", "nodegroupName": "one"}
    eks.create_nodegroup(**group, subnets=ground.subnets, nodeRole=ground.roles["nodes"])
    assert code_of(lambda: eks.delete_cluster(name="tide")) == "ResourceInUseException"
    waiting = {"Delay": 1, "MaxAttempts": 30}
    eks.get_waiter("nodegroup_active").wait(**group, WaiterConfig=waiting)
    eks.delete_nodegroup(**group)
    eks.get_waiter("nodegroup_deleted").wait(**group, WaiterConfig=waiting)
    assert eks.delete_cluster(name="tide")["cluster"]["status"] == "DELETING"


def test_a_version_goes_up_one_by_one_and_the_update_says_when_it_is_done(eks: Any) -> None:
    assert code_of(lambda: eks.update_cluster_version(name="tide", version="1.33")) == "InvalidParameterException"
    update = eks.update_cluster_version(name="tide", version="1.35")["update"]
    assert eks.list_updates(name="tide")["updateIds"] == [update["id"]]
    wait(eks, "cluster_active")
    assert eks.describe_update(name="tide", updateId=update["id"])["update"]["status"] == "Successful"
    assert eks.describe_cluster(name="tide")["cluster"]["version"] == "1.35"


def test_an_addon_must_be_one_of_those_for_the_clusters_version(eks: Any) -> None:
    offered = eks.describe_addon_versions(addonName="kube-proxy", kubernetesVersion="1.34")["addons"][0][
        "addonVersions"
    ]
    assert all(one["addonVersion"].startswith("v1.34.") for one in offered)
    asked = {"clusterName": "tide", "addonName": "kube-proxy"}
    assert code_of(lambda: eks.create_addon(**asked, addonVersion="v1.30.0-eksbuild.1")) == "InvalidParameterException"
    eks.create_addon(**asked)
    eks.get_waiter("addon_active").wait(**asked, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert eks.list_addons(clusterName="tide")["addons"] == ["kube-proxy"]


def test_pod_identity_wants_a_role_that_pods_may_take(eks: Any, ground: Ground) -> None:
    asked = {"clusterName": "tide", "namespace": "gen3", "serviceAccount": "fence"}
    refused = code_of(lambda: eks.create_pod_identity_association(**asked, roleArn=ground.roles["nodes"]))
    assert refused == "InvalidParameterException"
    made = eks.create_pod_identity_association(**asked, roleArn=ground.roles["pods"])["association"]
    assert code_of(lambda: eks.create_pod_identity_association(**asked, roleArn=ground.roles["pods"])) == (
        "ResourceInUseException"
    )
    found = eks.list_pod_identity_associations(clusterName="tide")["associations"]
    assert [one["associationId"] for one in found] == [made["associationId"]]


def test_the_creators_token_opens_the_cluster_and_nobody_elses_does(eks: Any, owner: Owner, emulator: Emulator) -> None:
    cluster = eks.describe_cluster(name="tide")["cluster"]
    assert status_of(cluster, token(owner, emulator)) == 200
    stranger = Owner(emulator, "230000000000")
    assert status_of(cluster, token(stranger, emulator)) == 401
    assert status_of(cluster, token(owner, emulator, cluster="another")) == 401
    eks.delete_access_entry(clusterName="tide", principalArn=f"arn:aws:iam::{owner.account}:user/owner")
    assert status_of(cluster, token(owner, emulator)) == 401


def test_an_access_entry_lets_a_role_in_with_what_its_policy_allows(eks: Any, owner: Owner, emulator: Emulator) -> None:
    iam, cluster = owner.client("iam"), eks.describe_cluster(name="tide")["cluster"]
    who = {"Effect": "Allow", "Principal": {"AWS": owner.account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [who]})
    arn = iam.create_role(RoleName="viewer", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    session = owner.client("sts").assume_role(RoleArn=arn, RoleSessionName="eva")["Credentials"]
    mine = token(owner, emulator, **session)
    assert status_of(cluster, mine) == 401
    eks.create_access_entry(clusterName="tide", principalArn=arn)
    assert status_of(cluster, mine) == 403
    eks.associate_access_policy(
        clusterName="tide",
        principalArn=arn,
        policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        accessScope={"type": "namespace", "namespaces": ["gen3"]},
    )
    assert status_of(cluster, mine, "/api/v1/namespaces/gen3/pods") == 200
    assert status_of(cluster, mine, "/api/v1/namespaces/default/pods") == 403


def test_kubectl_finds_its_way_with_the_kubeconfig_that_aws_writes(
    eks: Any, owner: Owner, emulator: Emulator, tmp_path: Path
) -> None:
    environment = aws_environment(owner, emulator, tmp_path)
    run = {"env": environment, "capture_output": True, "text": True, "timeout": 120}
    written = subprocess.run(["aws", "eks", "update-kubeconfig", "--name", "tide"], check=False, **run)  # type: ignore[call-overload]
    assert written.returncode == 0, written.stderr
    told = subprocess.run(["kubectl", "get", "namespaces", "-o", "name"], check=False, **run)  # type: ignore[call-overload]
    assert told.returncode == 0, told.stderr
    assert "namespace/kube-system" in told.stdout.split()


def aws_environment(owner: Owner, emulator: Emulator, home: Path) -> dict[str, str]:
    """What `csoc emulator` prints, and nothing of this machine's own."""
    key = emulator.accounts.owner(owner.account)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_DEFAULT_REGION": REGION,
    }


def status_of(cluster: dict[str, Any], bearer: str, path: str = "/api/v1/namespaces") -> int:
    import ssl
    import urllib.error
    import urllib.request

    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificateAuthority"]["data"]).decode())
    request = urllib.request.Request(cluster["endpoint"] + path, headers={"Authorization": f"Bearer {bearer}"})
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code

"""Who gets into clusters of EKS, and who their pods are to AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.test_eks import REGION, Ground, status_of, token, wait

MASTERS = "- rolearn: {arn}\n  username: admin\n  groups: [system:masters]\n"


@pytest.fixture
def ground(owner: Owner) -> Ground:
    return Ground(owner)


def role(owner: Owner, name: str, path: str = "/", principal: dict[str, str] | None = None, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal or {"AWS": owner.account}, "Action": "sts:AssumeRole"} | more
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = owner.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def inside(emulator: Emulator, cluster: dict[str, Any]) -> SimulatedCluster:
    found = emulator.clusters.get(cluster["endpoint"].rpartition("/")[2])
    assert found is not None
    return found


def created(cluster: SimulatedCluster, kind: str, body: dict[str, Any], namespace: str = "") -> None:
    type_ = cluster.objects.types.kind("v1", kind)
    assert type_ is not None
    cluster.objects.create(type_, namespace, body)


def test_the_mode_decides_whether_the_config_map_or_access_entries_let_people_in(
    owner: Owner, ground: Ground, emulator: Emulator
) -> None:
    eks = owner.client("eks")
    eks.create_cluster(**ground.cluster(accessConfig={"authenticationMode": "CONFIG_MAP"}))
    wait(eks, "cluster_active")
    cluster = eks.describe_cluster(name="tide")["cluster"]
    arn = role(owner, "admin", "/team/")
    session = owner.client("sts").assume_role(RoleArn=arn, RoleSessionName="eva")["Credentials"]

    def status() -> int:
        return status_of(cluster, token(owner, emulator, **session))

    assert status() == 401
    body = {"metadata": {"name": "aws-auth"}, "data": {"mapRoles": MASTERS.format(arn=arn.replace("/team/", "/"))}}
    created(inside(emulator, cluster), "ConfigMap", body, "kube-system")
    assert status() == 200
    for mode, expected in (("API_AND_CONFIG_MAP", 200), ("API", 401)):
        eks.update_cluster_config(name="tide", accessConfig={"authenticationMode": mode})
        wait(eks, "cluster_active")
        assert status() == expected
    assert status_of(cluster, token(owner, emulator)) == 200, "whoever made the cluster has an entry by then"


def test_a_pod_of_a_role_reads_a_token_that_sts_takes_for_that_role_and_no_other(
    owner: Owner, ground: Ground, emulator: Emulator
) -> None:
    eks, iam = owner.client("eks"), owner.client("iam")
    eks.create_cluster(**ground.cluster())
    wait(eks, "cluster_active")
    cluster = eks.describe_cluster(name="tide")["cluster"]
    issuer = cluster["identity"]["oidc"]["issuer"]
    provider = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    subject = {"StringEquals": {f"{issuer.removeprefix('https://')}:sub": "system:serviceaccount:default:fence"}}
    federated = {
        "principal": {"Federated": provider["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    arn = role(owner, "fence", Condition=subject, **federated)  # type: ignore[arg-type]
    simulated = inside(emulator, cluster)
    account = {"metadata": {"name": "fence", "annotations": {"eks.amazonaws.com/role-arn": arn}}}
    created(simulated, "ServiceAccount", account, "default")
    spec = {"serviceAccountName": "fence", "containers": [{"name": "main", "image": "i:1"}]}
    created(simulated, "Pod", {"metadata": {"name": "p"}, "spec": spec}, "default")
    type_ = simulated.objects.types.kind("v1", "Pod")
    assert type_ is not None
    pod = simulated.objects.get(type_, "default", "p")
    env = {one["name"]: one["value"] for one in pod["spec"]["containers"][0]["env"]}
    assert (env["AWS_ROLE_ARN"], env["AWS_REGION"]) == (arn, REGION)
    pod["status"] = {"containerStatuses": [{"name": "main", "state": {"running": {}}}]}
    read = simulated.runtime.run(pod, "main", ["cat", env["AWS_WEB_IDENTITY_TOKEN_FILE"]], b"")
    sts = owner.client("sts")
    asked = {"RoleArn": arn, "RoleSessionName": "pod", "WebIdentityToken": read.out.decode()}
    assert sts.assume_role_with_web_identity(**asked)["SubjectFromWebIdentityToken"].endswith(":default:fence")
    elsewhere = {"StringEquals": dict.fromkeys(subject["StringEquals"], "another")}
    other = role(owner, "other", **federated, Condition=elsewhere)  # type: ignore[arg-type]
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role_with_web_identity(**asked | {"RoleArn": other})

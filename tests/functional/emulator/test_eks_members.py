"""What EKS and the account put into a cluster: nodes of its nodegroups, and secrets that the operator may read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from csoc.emulator.cloud.faults import parse_rule
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.test_eks import REGION, Ground, wait
from tests.functional.emulator.test_workloads import until
from tests.unit.emulator.kubernetes.controllers.living import container, is_ready, namespace, workload
from tests.unit.emulator.kubernetes.controllers.test_external_secrets import definition

FAST = {"Delay": 1, "MaxAttempts": 60}
SECRETS = "external-secrets.io/v1"


class Inside:
    """A cluster of EKS from both sides: eks, iam are the account's; the objects are the cluster's."""

    def __init__(self, emulator: Emulator, owner: Owner) -> None:
        self.owner, self.ground = owner, Ground(owner)
        self.eks, self.iam = owner.client("eks"), owner.client("iam")
        self.eks.create_cluster(**self.ground.cluster())
        wait(self.eks, "cluster_active")
        self.told = self.eks.describe_cluster(name="tide")["cluster"]
        found = emulator.clusters.get(self.told["endpoint"].rpartition("/")[2])
        assert found is not None
        self.cluster: SimulatedCluster = found

    def nodegroup(self, name: str = "workers", size: int = 2, **more: Any) -> None:
        scaling = {"minSize": 0, "maxSize": 5, "desiredSize": size}
        self.eks.create_nodegroup(
            clusterName="tide", nodegroupName=name, subnets=self.ground.subnets, nodeRole=self.ground.roles["nodes"],
            scalingConfig=scaling, **more,
        )  # fmt: skip
        self.settled(name)

    def settled(self, name: str, waiter: str = "nodegroup_active") -> None:
        self.eks.get_waiter(waiter).wait(clusterName="tide", nodegroupName=name, WaiterConfig=FAST)

    def nodes(self) -> list[dict[str, Any]]:
        return sorted(self.cluster.store.objects("", "nodes"), key=lambda one: str(one["metadata"]["name"]))

    def add(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            kind = self.cluster.objects.types.kind(body["apiVersion"], body["kind"])
            assert kind is not None, body["kind"]
            self.cluster.objects.create(kind, body["metadata"].get("namespace", ""), body)

    def get(self, api_version: str, kind: str, name: str) -> dict[str, Any]:
        found = self.cluster.objects.types.kind(api_version, kind)
        assert found is not None
        return self.cluster.objects.get(found, "default", name)

    def comes(self, done: Callable[[], bool]) -> None:
        until(self.cluster.store, done)

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Those of a workload that are not going away."""
        found = self.cluster.store.objects("", "pods")
        return [
            one
            for one in found
            if one["metadata"]["name"].startswith(f"{name}-") and not one["metadata"].get("deletionTimestamp")
        ]

    def delete_pods(self, name: str) -> None:
        kind = self.cluster.objects.types.kind("v1", "Pod")
        assert kind is not None
        for one in self.pods(name):
            self.cluster.objects.delete(kind, one["metadata"]["namespace"], one["metadata"]["name"])

    # External Secrets

    def operator(self) -> None:
        """Installs the operator: its kinds and its deployment."""
        self.nodegroup()
        self.add(definition("externalsecrets", "ExternalSecret"), definition("secretstores", "SecretStore"))
        labels = {"app.kubernetes.io/name": "external-secrets"}
        pod = {"serviceAccountName": "operator", "containers": [{"name": "main", "image": "example.org/eso:1"}]}
        template = {"metadata": {"labels": labels}, "spec": pod}
        self.add(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator", "namespace": "default"}},
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "eso", "namespace": "default", "labels": labels},
                "spec": {"selector": {"matchLabels": labels}, "template": template},
            },
        )

    def role(self, trust: dict[str, Any]) -> str:
        """A role that may read secrets whose names begin with csoc/."""
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **trust}]})
        made: str = self.iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        allowed = {
            "Effect": "Allow",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            "Resource": f"arn:aws:secretsmanager:{REGION}:{self.owner.account}:secret:csoc/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=policy)
        return made

    def asks(self, key: str, **aws: Any) -> None:
        """A store and an ExternalSecret "made" for one secret of the account."""
        provider = {"aws": {"service": "SecretsManager", "region": REGION, **aws}}
        self.add(
            {
                "apiVersion": SECRETS,
                "kind": "SecretStore",
                "metadata": {"name": "store", "namespace": "default"},
                "spec": {"provider": provider},
            },
            {
                "apiVersion": SECRETS,
                "kind": "ExternalSecret",
                "metadata": {"name": "made", "namespace": "default"},
                "spec": {
                    "secretStoreRef": {"name": "store"},
                    "refreshInterval": "1m",
                    "data": [{"secretKey": "password", "remoteRef": {"key": key}}],
                },
            },
        )

    def ready(self) -> str:
        """The reason of the ExternalSecret's condition."""
        conditions = self.get(SECRETS, "ExternalSecret", "made").get("status", {}).get("conditions") or [{}]
        return str(conditions[0].get("reason", ""))

    def password(self) -> str:
        return base64.b64decode(self.get("v1", "Secret", "made")["data"]["password"]).decode()

    def warnings(self) -> str:
        events = self.cluster.store.objects("", "events")
        return "\n".join(str(one.get("message", "")) for one in events if one.get("type") == "Warning")


@pytest.fixture
def inside(emulator: Emulator, owner: Owner) -> Inside:
    return Inside(emulator, owner)


def secret(owner: Owner, name: str, value: str) -> None:
    owner.client("secretsmanager").create_secret(Name=name, SecretString=value)


def by_pod_identity(inside: Inside) -> None:
    """The operator gets the role "reader" by an association."""
    inside.eks.create_addon(clusterName="tide", addonName="eks-pod-identity-agent")
    inside.eks.get_waiter("addon_active").wait(
        clusterName="tide", addonName="eks-pod-identity-agent", WaiterConfig=FAST
    )
    trust = {"Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    inside.eks.create_pod_identity_association(
        clusterName="tide", namespace="default", serviceAccount="operator", roleArn=inside.role(trust)
    )


def test_a_nodegroups_nodes_are_in_the_cluster_once_it_is_active(inside: Inside) -> None:
    assert inside.nodes() == []
    taint = {"key": "only", "value": "jobs", "effect": "NO_SCHEDULE"}
    inside.nodegroup(size=2, instanceTypes=["m5.large"], labels={"purpose": "jobs"}, taints=[taint])
    nodes = inside.nodes()
    assert len(nodes) == 2
    assert {one["metadata"]["labels"]["topology.kubernetes.io/zone"] for one in nodes} == {f"{REGION}a", f"{REGION}b"}
    for one in nodes:
        labels = one["metadata"]["labels"]
        assert (labels["eks.amazonaws.com/nodegroup"], labels["purpose"]) == ("workers", "jobs")
        assert labels["node.kubernetes.io/instance-type"] == "m5.large"
        assert one["spec"]["taints"] == [{"key": "only", "value": "jobs", "effect": "NoSchedule"}]
        assert one["status"]["capacity"]["cpu"] == "2"
        assert next(c["status"] for c in one["status"]["conditions"] if c["type"] == "Ready") == "True"


def test_nodes_come_and_go_with_the_size_of_their_nodegroup_and_with_it(inside: Inside) -> None:
    inside.nodegroup("one", size=1)
    inside.nodegroup("two", size=1)
    name = {"clusterName": "tide", "nodegroupName": "one"}
    inside.eks.update_nodegroup_config(**name, scalingConfig={"minSize": 0, "maxSize": 5, "desiredSize": 3})
    inside.settled("one")
    inside.comes(lambda: len(inside.nodes()) == 4)
    inside.eks.delete_nodegroup(**name)
    inside.settled("one", "nodegroup_deleted")
    assert [one["metadata"]["labels"]["eks.amazonaws.com/nodegroup"] for one in inside.nodes()] == ["two"]


def test_an_external_secret_reads_a_secret_of_the_account_by_the_role_of_a_service_account(inside: Inside) -> None:
    secret(inside.owner, "csoc/fence", "first")
    issuer = inside.told["identity"]["oidc"]["issuer"]
    provider = inside.iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    subject = {f"{issuer.removeprefix('https://')}:sub": "system:serviceaccount:default:robot"}
    role = inside.role(
        {
            "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": subject},
        }
    )
    inside.operator()
    annotations = {"eks.amazonaws.com/role-arn": role}
    about = {"name": "robot", "namespace": "default", "annotations": annotations}
    inside.add({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about})
    inside.asks("csoc/fence", auth={"jwt": {"serviceAccountRef": {"name": "robot"}}})
    inside.comes(lambda: inside.ready() == "SecretSynced")
    assert inside.password() == "first"
    inside.owner.client("secretsmanager").put_secret_value(SecretId="csoc/fence", SecretString="second")
    inside.comes(lambda: inside.password() == "second")


def test_an_external_secret_reads_a_secret_of_the_account_by_pod_identity(inside: Inside) -> None:
    secret(inside.owner, "csoc/fence", "known")
    by_pod_identity(inside)
    inside.operator()
    inside.asks("csoc/fence")
    inside.comes(lambda: inside.ready() == "SecretSynced")
    assert inside.password() == "known"


def test_a_secret_that_the_role_may_not_read_stays_out_and_the_events_say_why(inside: Inside) -> None:
    secret(inside.owner, "other/fence", "hidden")
    by_pod_identity(inside)
    inside.operator()
    inside.asks("other/fence")
    inside.comes(lambda: inside.ready() == "SecretSyncedError")
    inside.comes(lambda: "is not authorized to perform: secretsmanager:GetSecretValue" in inside.warnings())
    assert "assumed-role/reader/eks-tide-" in inside.warnings()


def test_an_operator_without_a_role_reads_nothing(inside: Inside) -> None:
    secret(inside.owner, "csoc/fence", "hidden")
    inside.operator()
    inside.asks("csoc/fence")
    inside.comes(lambda: "no EC2 IMDS role found" in inside.warnings())
    assert inside.ready() != "SecretSynced"


def test_pods_of_a_cluster_go_wrong_by_rule_until_it_is_removed(inside: Inside, emulator: Emulator) -> None:
    inside.nodegroup()
    inside.add(namespace("a"), workload("Deployment", "rehearsal", container(image="example.org/rehearsal:1")))
    rules = [
        {"effect": "crash", "workload": "rehearsal", "reason": "KeyError: 'DB'"},
        {"effect": "image", "image": "*/rehearsal:*"},
    ]
    for rule, reason in zip(rules, ("CrashLoopBackOff", "ErrImagePull"), strict=True):
        inside.comes(lambda: [is_ready(one) for one in inside.pods("rehearsal")] == [True])
        fault = emulator.faults.add(parse_rule(rule))
        if rule["effect"] == "image":  # what runs has its image already
            inside.delete_pods("rehearsal")
        inside.comes(lambda why=reason: why in str([one.get("status") for one in inside.pods("rehearsal")]))  # type: ignore[misc]
        assert emulator.faults.remove(fault)
    inside.comes(lambda: [is_ready(one) for one in inside.pods("rehearsal")] == [True])

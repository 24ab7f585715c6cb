"""The testbed's cluster is a real one: what fails here is the testbed, not csoc."""

from __future__ import annotations

import pytest

from testbed.servers.cluster import Cluster
from testbed.servers.kube import KubeClient, KubeError, client_from, condition

pytestmark = pytest.mark.kubernetes

LABELS = {"app": "small"}


def deployment(name: str, namespace: str, replicas: int) -> dict[str, object]:
    container = {"name": "main", "image": "example.org/small:1"}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template},
    }


def test_it_answers_as_the_pinned_version_and_its_certificate_is_checked(cluster: Cluster) -> None:
    assert cluster.admin.request("GET", "/version")["gitVersion"] == "v1.34.0"


def test_its_nodes_are_ready(cluster: Cluster) -> None:
    nodes = cluster.admin.list("v1", "Node")
    assert len(nodes) == 2
    assert {condition(node, "Ready") for node in nodes} == {"True"}


@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_node_stays_ready_because_its_lease_is_renewed(cluster: Cluster, node: str) -> None:
    kind = ("coordination.k8s.io/v1", "Lease", node)
    first = cluster.admin.get(*kind, "kube-node-lease")["spec"]["renewTime"]
    cluster.admin.wait_for(*kind, lambda found: found["spec"]["renewTime"] > first, namespace="kube-node-lease")


def test_kubectl_reads_it_by_the_kubeconfig(cluster: Cluster, kube_namespace: str) -> None:
    text = f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "a", "namespace": "{kube_namespace}"}}}}'
    cluster.kubectl("apply", "--filename=-", text=text)
    assert cluster.kubectl("get", "configmap", "a", f"--namespace={kube_namespace}", "--output=name") == "configmap/a\n"


def test_a_deployment_becomes_ready_on_several_nodes(cluster: Cluster, kube_namespace: str) -> None:
    cluster.admin.create(deployment("small", kube_namespace, 4))

    done = cluster.admin.wait_for(
        "apps/v1",
        "Deployment",
        "small",
        lambda found: found.get("status", {}).get("readyReplicas") == 4,
        namespace=kube_namespace,
    )

    assert condition(done, "Available") == "True"
    pods = cluster.admin.list("v1", "Pod", kube_namespace)
    assert [pod["status"]["phase"] for pod in pods] == ["Running"] * 4
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node-1", "node-2"}


def test_what_is_not_granted_is_denied(cluster: Cluster, kube_namespace: str) -> None:
    read = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
    with cluster.service_account(kube_namespace, rules=[read]) as account:
        assert [found["metadata"]["name"] for found in account.client.list("v1", "ConfigMap", kube_namespace)] == [
            "kube-root-ca.crt"
        ]
        for refused in (
            lambda: account.client.list("v1", "Secret", kube_namespace),
            lambda: account.client.list("v1", "ConfigMap", "kube-system"),
            lambda: account.client.create(deployment("small", kube_namespace, 1)),
        ):
            with pytest.raises(KubeError, match=r"cannot (list|create) resource") as caught:
                refused()
            assert caught.value.status == 403


def test_rights_everywhere_can_be_given_and_end_with_the_account(cluster: Cluster, kube_namespace: str) -> None:
    nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
    with cluster.service_account(kube_namespace, cluster_rules=[nodes]) as account:
        assert len(account.client.list("v1", "Node")) == 2
        with pytest.raises(KubeError, match="cannot list resource"):
            account.client.list("v1", "Namespace")
    assert not [
        found
        for found in cluster.admin.list("rbac.authorization.k8s.io/v1", "ClusterRole")
        if found["metadata"]["name"] == account.name
    ]


def test_a_token_of_nobody_is_refused(cluster: Cluster) -> None:
    with pytest.raises(KubeError) as caught:
        _with_token(cluster, "no-such-token").list("v1", "Node")
    assert caught.value.status == 401


def test_every_test_has_a_namespace_of_its_own(cluster: Cluster, kube_namespace: str) -> None:
    assert cluster.create_namespace() != kube_namespace


@pytest.mark.parametrize(
    ("project", "kind"),
    [
        ("cluster-api", ("cluster.x-k8s.io/v1beta2", "Cluster")),
        ("cluster-api-aws", ("infrastructure.cluster.x-k8s.io/v1beta2", "AWSCluster")),
    ],
)
def test_kinds_of_other_projects_can_be_had(
    cluster: Cluster, kube_namespace: str, project: str, kind: tuple[str, str]
) -> None:
    cluster.apply_definitions(project)
    cluster.apply_definitions(project)  # and again by the next test that asks
    assert cluster.admin.list(*kind, kube_namespace) == []


def test_a_second_cluster_is_another_one(cluster: Cluster, second_cluster: Cluster) -> None:
    name = cluster.create_namespace("only-here")
    assert cluster.server != second_cluster.server
    with pytest.raises(KubeError) as caught:
        second_cluster.admin.get("v1", "Namespace", name)
    assert caught.value.status == 404
    with pytest.raises(KubeError) as caught:
        _with_token(second_cluster, cluster.address["admin_token"]).list("v1", "Node")
    assert caught.value.status == 401


def _with_token(cluster: Cluster, token: str) -> KubeClient:
    return client_from(cluster.address, token)

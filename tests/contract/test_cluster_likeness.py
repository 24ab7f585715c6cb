"""The same requests to a simulated cluster and to a real one, and the same answers.

What a real cluster makes up anew each time (uids, times, versions) is left out of the comparison, and nothing else.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.clusters import SimulatedClusters
from csoc.emulator.kubernetes.users import MASTERS, User
from testbed.servers.cluster import Cluster

pytestmark = pytest.mark.kubernetes

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
JSON_PATCH, STRATEGIC = "application/json-patch+json", "application/strategic-merge-patch+json"
_MADE_UP = {
    "description",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "time",
    "lastTransitionTime",
    "deletionTimestamp",
    "continue",
}
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class Ask:
    """One request below the namespace's path, or below the root if the path begins with a slash."""

    method: str
    path: str
    body: Any = None
    kind: str = "application/json"
    query: dict[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    group: str = "api/v1"


def plain(value: Any, namespace: str) -> Any:
    """An answer without what is made up anew each time."""
    if isinstance(value, dict):
        return {key: plain(part, namespace) for key, part in value.items() if key not in _MADE_UP}
    if isinstance(value, list):
        return [plain(part, namespace) for part in value]
    if isinstance(value, str):
        value = value.replace(namespace, "NAMESPACE")
        return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID", value)
    return value


class Side:
    """One cluster and its administrator."""

    def __init__(self, server: str, certificate: str, token: str, namespace: str) -> None:
        trust = ssl.create_default_context(cadata=certificate)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "likeness/1"}
        self.http = httpx.Client(base_url=server, verify=trust, trust_env=False, headers=headers, timeout=30)
        self.namespace = namespace

    def ask(self, ask: Ask) -> tuple[int, Any]:
        path = ask.path if ask.path.startswith("/") else f"/{ask.group}/namespaces/{self.namespace}/{ask.path}"
        content = None if ask.body is None else json.dumps(ask.body).encode()
        headers = {"Accept": ask.accept} | ({"Content-Type": ask.kind} if ask.body is not None else {})
        answer = self.http.request(ask.method, path, content=content, params=ask.query, headers=headers)
        kind = answer.headers.get("content-type", "")
        body = answer.json() if kind.startswith("application/json") else answer.text
        found = plain(body, self.namespace)
        if isinstance(found, dict) and "warning" in answer.headers:
            found["warnings"] = answer.headers["warning"]
        return answer.status_code, found


@pytest.fixture(scope="module")
def simulated() -> Iterator[tuple[SimulatedClusters, str]]:
    clusters = SimulatedClusters()
    with serving(clusters) as served:
        yield clusters, served.certificate


@pytest.fixture
def sides(
    cluster: Cluster, kube_namespace: str, simulated: tuple[SimulatedClusters, str]
) -> Iterator[tuple[Side, Side]]:
    """The real and the simulated cluster, each with a namespace of the same name."""
    clusters, certificate = simulated
    made = clusters.create(kube_namespace)
    made.access.admit("token", User("admin", (MASTERS,)))
    with open(cluster.address["certificate"], encoding="utf-8") as file:  # noqa: PTH123
        authority = file.read()
    real = Side(cluster.address["server"], authority, cluster.address["admin_token"], kube_namespace)
    ours = Side(made.endpoint, certificate, "token", kube_namespace)
    ours.ask(Ask("POST", "/api/v1/namespaces", {"metadata": {"name": kube_namespace}}))
    yield real, ours
    clusters.delete(kube_namespace)
    real.http.close()
    ours.http.close()


def config(data: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", **metadata},
        "data": {"one": "1"} if data is None else data,
    }


def deployment(**spec: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "example.org/a:1",
        "ports": [{"containerPort": 80}],
        "env": [{"name": "A", "value": "1"}],
    }
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}}
    body = {"replicas": 0, "paused": True, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {**body, **spec}}


MAIN = {"name": "main", "image": "example.org/a:1", "env": [{"name": "A", "value": "1"}]}
INGRESS = {"metadata": {"name": "a"}, "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}}


def of_template(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"template": {"spec": {"containers": list(containers)}}}


def template(*containers: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "a", **metadata},
        **of_template(*containers),
    }


def applied(name: str, body: Any, manager: str, group: str = "api/v1", **query: str) -> Ask:
    return Ask("PATCH", name, body, APPLY, {"fieldManager": manager, **query}, group=group)


APPS, BATCH, RBAC, NET = (
    "apis/apps/v1",
    "apis/batch/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/networking.k8s.io/v1",
)

SCENARIOS: dict[str, list[Ask]] = {
    "objects are created, read, replaced and deleted": [
        Ask("POST", "configmaps", config(labels={"b": "c"}), query={"fieldManager": "me"}),
        Ask("POST", "configmaps", config()),
        Ask("GET", "configmaps/a"),
        Ask("GET", "configmaps/none"),
        Ask("PUT", "configmaps/a", config({"one": "2", "two": "2"})),
        Ask("PUT", "configmaps/a", config({}, resourceVersion="1")),
        Ask("PUT", "configmaps/none", config(name="none")),
        Ask("PUT", "configmaps/other", config()),
        Ask("DELETE", "configmaps/a"),
        Ask("DELETE", "configmaps/a"),
    ],
    "names and labels are checked": [
        Ask("POST", "configmaps", config(name="Not_OK")),
        Ask("POST", "configmaps", config(labels={"a b": "c"})),
        Ask("POST", "configmaps", config(labels={"a": "c d"})),
        Ask("POST", "configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}}),
        Ask("POST", "configmaps", config(resourceVersion="5")),
        Ask("POST", "configmaps", config(namespace="elsewhere")),
        Ask("POST", "configmaps", {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}}),
        Ask("POST", "configmaps", config({"bad key": "1"})),
        Ask("POST", "configmaps", config({"one": 1})),
    ],
    "unknown fields are refused, told or dropped": [
        Ask("POST", "configmaps", {**config(), "nope": 1}, query={"fieldValidation": "Strict"}),
        Ask("POST", "configmaps", {**config(), "nope": 1}, query={"fieldValidation": "Warn"}),
        Ask("PUT", "configmaps/a", {**config(), "nope": 1}, query={"fieldValidation": "Ignore"}),
        Ask("POST", "deployments", deployment(nope=1, other={"a": 1}), query={"fieldValidation": "Strict"}, group=APPS),
    ],
    "defaults and owners of a deployment": [
        Ask("POST", "deployments", deployment(), query={"fieldManager": "me", "dryRun": "All"}, group=APPS),
        Ask("POST", "deployments", deployment(strategy={"type": "Recreate"}), query={"dryRun": "All"}, group=APPS),
        Ask("POST", "deployments", deployment(selector={"matchLabels": {"x": "y"}}), group=APPS),
        Ask("POST", "deployments", deployment(replicas=-1), group=APPS),
        Ask("POST", "deployments", {**deployment(), "spec": {}}, group=APPS),
    ],
    "server-side apply: owners, conflicts, force, removal": [
        applied("configmaps/a", config({"one": "1", "two": "2"}), "first"),
        applied("configmaps/a", config({"one": "1", "two": "2"}), "first"),
        applied("configmaps/a", config({"one": "1"}), "second"),
        applied("configmaps/a", config({"one": "other", "two": "other"}), "second"),
        applied("configmaps/a", config({"one": "other"}), "second", force="true"),
        applied("configmaps/a", config({"three": "3"}), "first"),
        applied("configmaps/a", config({}), "second"),
        Ask("GET", "configmaps/a"),
        applied("configmaps/a", {**config(), "nope": 1}, "first"),
        applied("configmaps/a", config(managedFields=[]), "first"),
        applied("configmaps/a", config(), ""),
        applied("configmaps/b", config(), "first"),
    ],
    # Pod templates, since no controller of the real cluster changes them meanwhile.
    "server-side apply merges lists by their keys": [
        applied("podtemplates/a", template(MAIN), "first"),
        applied(
            "podtemplates/a",
            template(
                {"name": "main", "env": [{"name": "B", "value": "2"}]},
                {"name": "side", "image": "b:1"},
                finalizers=["example.org/x"],
            ),
            "second",
        ),
        applied("podtemplates/a", template({"name": "main", "image": "other:1"}), "second"),
        applied("podtemplates/a", template({"name": "main", "image": "other:1"}), "second", force="true"),
        Ask("PATCH", "podtemplates/a", of_template({"name": "side", "$patch": "delete"}), STRATEGIC),
        Ask("PATCH", "podtemplates/a", of_template({"name": "main", "image": "c:2"}), STRATEGIC),
        Ask("PATCH", "podtemplates/a", of_template({"name": "new", "image": "n:2"}), STRATEGIC),
        Ask("PATCH", "podtemplates/a", [{"op": "remove", "path": "/template/spec/containers/0/env"}], JSON_PATCH),
        Ask("PATCH", "podtemplates/a", [{"op": "test", "path": "/template/spec", "value": 3}], JSON_PATCH),
        Ask("PATCH", "podtemplates/a", {"metadata": {"labels": {"x": "y"}, "finalizers": None}}, MERGE),
        applied("podtemplates/a", template(MAIN), "first"),
    ],
    "fields that cannot be changed": [
        Ask("POST", "deployments", deployment(), group=APPS),
        Ask("PATCH", "deployments/a", {"spec": {"selector": {"matchLabels": {"n": "m"}}}}, MERGE, group=APPS),
    ],
    "other defaults": [
        Ask("POST", "secrets", {"metadata": {"name": "a"}, "stringData": {"x": "y"}}),
        Ask("POST", "secrets", {"metadata": {"name": "b"}, "data": {"x": "no base64!"}}),
        Ask("POST", "serviceaccounts", {"metadata": {"name": "a"}}),
        Ask(
            "POST",
            "statefulsets",
            {
                "metadata": {"name": "a"},
                "spec": {
                    **deployment()["spec"],
                    "paused": None,
                    "serviceName": "a",
                    "volumeClaimTemplates": [
                        {
                            "metadata": {"name": "d"},
                            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                        }
                    ],
                },
            },
            query={"dryRun": "All"},
            group=APPS,
        ),
        Ask(
            "POST",
            "daemonsets",
            {
                "metadata": {"name": "a"},
                "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": deployment()["spec"]["template"]},
            },
            query={"dryRun": "All"},
            group=APPS,
        ),
        Ask(
            "POST",
            "jobs",
            {
                "metadata": {"name": "a"},
                "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "i"}]}}},
            },
            query={"dryRun": "All"},
            group=BATCH,
        ),
        Ask(
            "POST",
            "jobs",
            {"metadata": {"name": "a"}, "spec": {"template": {"spec": {"containers": [{"name": "m", "image": "i"}]}}}},
            query={"dryRun": "All"},
            group=BATCH,
        ),
        Ask(
            "POST",
            "cronjobs",
            {
                "metadata": {"name": "a"},
                "spec": {
                    "schedule": "* * * * *",
                    "jobTemplate": {
                        "spec": {
                            "template": {
                                "spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "i"}]}
                            }
                        }
                    },
                },
            },
            query={"dryRun": "All"},
            group=BATCH,
        ),
        Ask(
            "POST",
            "networkpolicies",
            {"metadata": {"name": "a"}, "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]}},
            group=NET,
        ),
        Ask(
            "POST",
            "rolebindings",
            {
                "metadata": {"name": "a"},
                "roleRef": {"kind": "ClusterRole", "name": "view"},
                "subjects": [{"kind": "User", "name": "u"}],
            },
            group=RBAC,
        ),
        Ask("PATCH", "rolebindings/a", {"roleRef": {"name": "edit"}}, MERGE, group=RBAC),
        Ask(
            "POST",
            "roles",
            {"metadata": {"name": "a"}, "rules": [{"verbs": ["get"], "resources": ["pods"]}]},
            group=RBAC,
        ),
        Ask(
            "POST",
            "services",
            {"metadata": {"name": "a"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 80}]}},
        ),
        Ask(
            "POST",
            "services",
            {"metadata": {"name": "b"}, "spec": {"type": "ExternalName", "externalName": "example.org"}},
        ),
        Ask("POST", "services", {"metadata": {"name": "c"}, "spec": {"ports": [{"port": 80}, {"port": 81}]}}),
        Ask(
            "POST",
            "persistentvolumeclaims",
            {
                "metadata": {"name": "a"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "x",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            },
            query={"dryRun": "All"},
        ),
        Ask(
            "POST",
            "ingresses",
            {
                "metadata": {"name": "a"},
                "spec": {
                    "rules": [
                        {
                            "host": "h.example.org",
                            "http": {
                                "paths": [
                                    {
                                        "path": "/",
                                        "pathType": "Prefix",
                                        "backend": {"service": {"name": "s", "port": {"number": 80}}},
                                    }
                                ]
                            },
                        }
                    ]
                },
            },
            group=NET,
        ),
        Ask("GET", "ingresses", accept=_TABLE, group=NET, query={"includeObject": "None"}),
    ],
    "status and scale": [
        Ask("POST", "ingresses", INGRESS, group=NET),
        Ask(
            "PATCH",
            "ingresses/a/status",
            {"spec": {"ingressClassName": "x"}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}},
            MERGE,
            group=NET,
        ),
        Ask(
            "PATCH",
            "ingresses/a",
            {"status": {"loadBalancer": None}, "spec": {"ingressClassName": "y"}},
            MERGE,
            group=NET,
        ),
        Ask("POST", "deployments", deployment(), group=APPS),
        Ask("PATCH", "deployments/a/scale", {"spec": {"replicas": 0}}, MERGE, group=APPS),
        Ask("PATCH", "deployments/a/scale", {"spec": {"replicas": -1}}, MERGE, group=APPS),
        Ask("GET", "deployments/a/scale", group=APPS),
        Ask("GET", "deployments/a/nope", group=APPS),
    ],
    "finalizers keep what is deleted": [
        Ask("POST", "configmaps", config(finalizers=["example.org/x"])),
        Ask("DELETE", "configmaps/a"),
        Ask("PATCH", "configmaps/a", {"metadata": {"finalizers": ["example.org/x", "example.org/y"]}}, MERGE),
        Ask("PATCH", "configmaps/a", {"metadata": {"finalizers": None}}, MERGE),
        Ask("GET", "configmaps/a"),
        Ask("POST", "configmaps", config()),
        Ask("DELETE", "configmaps/a", {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "x"}}),
        Ask("DELETE", "configmaps/a", {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Odd"}),
        Ask("DELETE", "configmaps/a", query={"dryRun": "All"}),
    ],
    "lists, selectors and tables": [
        Ask("POST", "configmaps", config(labels={"x": "1"})),
        Ask("POST", "configmaps", config(name="b", labels={"x": "2"})),
        Ask("GET", "configmaps", query={"labelSelector": "x"}),
        Ask("GET", "configmaps", query={"labelSelector": "x in (1,3),x!=3"}),
        Ask("GET", "configmaps", query={"fieldSelector": "metadata.name=b"}),
        Ask("GET", "configmaps", query={"fieldSelector": "data.one=b"}),
        Ask("GET", "configmaps", query={"labelSelector": "x", "limit": "1"}),
        Ask("GET", "configmaps", query={"resourceVersionMatch": "Exact"}),
        Ask(
            "GET",
            "configmaps",
            query={"labelSelector": "x"},
            accept="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        ),
    ],
    "what is not there and what is not allowed": [
        Ask("GET", "/apis/nope/v1"),
        Ask("GET", "/apis/apps/v1/nope"),
        Ask("GET", "nopes"),
        Ask("PUT", "configmaps", config()),
        Ask("POST", "/api/v1/namespaces/no-such-namespace/configmaps", config()),
        Ask("DELETE", "/api/v1/namespaces/kube-system"),
    ],
    "pods": [
        Ask(
            "POST",
            "pods",
            {
                "metadata": {"name": "a", "labels": {"x": "y"}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "containers": [
                        {
                            "name": "main",
                            "image": "example.org/a",
                            "livenessProbe": {"httpGet": {"port": 80}},
                            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                        }
                    ],
                    "volumes": [{"name": "e"}, {"name": "s", "secret": {"secretName": "s"}}],
                },
            },
            query={"dryRun": "All", "fieldManager": "me"},
        ),
        Ask("POST", "pods", {"metadata": {"name": "b"}, "spec": {"containers": []}}),
        Ask("POST", "pods", {"metadata": {"name": "b"}, "spec": {"containers": [{"name": "X", "image": ""}]}}),
        Ask("GET", "pods/none/log"),
    ],
    "discovery": [
        Ask("GET", "/api/v1"),
        Ask("GET", "/apis/apps/v1"),
        Ask("GET", "/apis/apps"),
        Ask("GET", "/apis/batch/v1"),
        Ask("GET", "/apis/autoscaling/v1"),
    ],
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_both_answer_the_same(scenario: str, sides: tuple[Side, Side]) -> None:
    real, ours = sides
    for ask in SCENARIOS[scenario]:
        wanted, found = real.ask(ask), ours.ask(ask)
        assert found == wanted, f"{ask.method} {ask.path}"

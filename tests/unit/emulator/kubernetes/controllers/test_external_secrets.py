"""What the secrets manager holds becomes Secrets, and what it does not is said as the operator says it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from csoc.emulator.kubernetes.controllers.settings import SecretError, SecretRequest
from tests.unit.emulator.kubernetes.controllers.living import Living, Object, condition, secret, workload

ROLE = "arn:aws:iam::111111111111:role/secrets"


@dataclass
class Manager:
    """A secrets manager that is a dictionary. denied: why the role may not."""

    held: dict[str, str] = field(default_factory=dict)
    denied: str = ""
    asked: list[SecretRequest] = field(default_factory=list)

    def read(self, cluster: str, request: SecretRequest) -> str:
        self.asked.append(request)
        if self.denied:
            raise SecretError(self.denied)
        if request.key not in self.held:
            raise SecretError("Secret does not exist", missing=True)
        return self.held[request.key]

    def check(self, cluster: str, request: SecretRequest) -> None:
        if self.denied:
            raise SecretError(self.denied)

    def write(self, cluster: str, request: SecretRequest, value: str) -> None:
        self.held[request.key] = value


def definition(plural: str, kind: str) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.external-secrets.io"},
        "spec": {
            "group": "external-secrets.io",
            "scope": "Cluster" if plural.startswith("cluster") else "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }


def with_operator(manager: Manager, **settings: Any) -> Living:
    living = Living(secrets=manager, **{"operator_always": True} | settings)
    kinds = {"externalsecrets": "ExternalSecret", "secretstores": "SecretStore", "pushsecrets": "PushSecret"}
    kinds["clustersecretstores"] = "ClusterSecretStore"
    living.add(*(definition(plural, kind) for plural, kind in kinds.items()))
    living.wait(1)
    return living


def robot(role: str = ROLE) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "robot", "namespace": "a"}
    if role:
        metadata["annotations"] = {"eks.amazonaws.com/role-arn": role}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def store(**aws: Any) -> dict[str, Any]:
    given = {"service": "SecretsManager", "region": "us-east-1"}
    given |= aws or {"auth": {"jwt": {"serviceAccountRef": {"name": "robot"}}}}
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": "store", "namespace": "a"},
        "spec": {"provider": {"aws": given}},
    }


def external(name: str = "creds", **spec: Any) -> dict[str, Any]:
    given: Object = {"secretStoreRef": {"name": "store", "kind": "SecretStore"}, "refreshInterval": "5m"}
    given |= {"data": [{"secretKey": "password", "remoteRef": {"key": "dev/fence", "property": "db_password"}}]}
    metadata = {"name": name, "namespace": "a"}
    kind = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": metadata}
    return kind | {"spec": given | spec}


def data(living: Living, name: str = "creds") -> dict[str, str]:
    found = living.get("Secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in found.items()}


def test_a_secret_is_made_from_what_the_manager_holds() -> None:
    manager = Manager({"dev/fence": json.dumps({"db_password": "p"})})
    living = with_operator(manager)
    living.add(robot(), store(), external())
    living.wait(5)
    assert data(living) == {"password": "p"}
    assert manager.asked[-1].service_account == "a/robot"
    assert manager.asked[-1].role == ROLE
    ready = condition(living.get("ExternalSecret", "creds"), "Ready")
    assert (ready["status"], ready["reason"], ready["message"]) == ("True", "SecretSynced", "secret synced")
    owner = living.get("Secret", "creds")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("ExternalSecret", "creds")
    assert condition(living.get("SecretStore", "store"), "Ready")["reason"] == "Valid"


def test_a_whole_secret_can_be_taken() -> None:
    living = with_operator(Manager({"all": json.dumps({"a": "1", "b": {"c": 2}})}))
    living.add(robot(), store(), external(data=[], dataFrom=[{"extract": {"key": "all"}}]))
    living.wait(5)
    assert data(living) == {"a": "1", "b": '{"c": 2}'}


def test_a_template_makes_files_of_values() -> None:
    living = with_operator(Manager({"dev/fence": json.dumps({"db_password": "p"})}))
    template = {"type": "Opaque", "data": {"config.yaml": "password: {{ .password }}\n"}}
    living.add(robot(), store(), external(target={"name": "made", "template": template}))
    living.wait(5)
    assert data(living, "made") == {"config.yaml": "password: p\n"}


@pytest.mark.parametrize(
    ("held", "why"),
    [
        ({}, "error processing spec.data[0] (key: dev/fence), err: Secret does not exist"),
        (
            {"dev/fence": "{}"},
            "error processing spec.data[0] (key: dev/fence), err: key db_password does not exist in secret dev/fence",
        ),
    ],
)
def test_what_the_manager_does_not_hold_is_an_error_with_its_cause_in_the_event(held: Object, why: str) -> None:
    manager = Manager(held)
    living = with_operator(manager)
    living.add(robot(), store(), external())
    living.wait(5)
    ready = condition(living.get("ExternalSecret", "creds"), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "SecretSyncedError")
    assert ready["message"] == "could not get secret data from provider"
    assert why in living.events("UpdateFailed")
    assert living.find("Secret", "creds") is None
    manager.held["dev/fence"] = json.dumps({"db_password": "p"})
    living.wait(400)
    assert data(living) == {"password": "p"}


def test_a_pod_that_waits_for_the_secret_starts_when_it_comes() -> None:
    manager = Manager()
    living = with_operator(manager)
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "creds", "key": "password"}}}]
    living.add(robot(), store(), external())
    living.add(workload("Deployment", "fence", {"name": "fence", "image": "fence:1", "env": env}))
    living.wait(60)
    assert living.get("Deployment", "fence")["status"].get("readyReplicas", 0) == 0
    manager.held["dev/fence"] = json.dumps({"db_password": "p"})
    living.wait(400)
    assert living.get("Deployment", "fence")["status"]["readyReplicas"] == 1


def test_a_store_whose_account_has_no_role_cannot_be_used() -> None:
    living = with_operator(Manager({"dev/fence": "{}"}))
    living.add(robot(role=""), store(), external())
    living.wait(5)
    ready = condition(living.get("SecretStore", "store"), "Ready")
    assert (ready["reason"], ready["message"]) == ("InvalidProviderConfig", "unable to create client")
    assert living.events("InvalidProviderConfig") == [
        "an IAM role must be associated with service account robot (namespace: a)"
    ]
    assert 'error processing spec.data[0] (key: dev/fence), err: SecretStore "store" is not ready' in living.events(
        "UpdateFailed"
    )
    body = living.get("ServiceAccount", "robot")
    body["metadata"]["annotations"] = {"eks.amazonaws.com/role-arn": ROLE}
    living.cluster.save("", "serviceaccounts", body)
    living.wait(5)
    assert condition(living.get("SecretStore", "store"), "Ready")["status"] == "True"


def test_a_role_that_may_not_read_is_said() -> None:
    manager = Manager(denied="AccessDenied: not authorized to perform: sts:AssumeRoleWithWebIdentity")
    living = with_operator(manager)
    living.add(robot(), store())
    living.wait(5)
    ready = condition(living.get("SecretStore", "store"), "Ready")
    assert ready["message"] == "unable to validate store"
    assert manager.denied in living.events("InvalidProviderConfig")


def test_a_store_with_keys_reads_them_from_a_secret() -> None:
    manager = Manager({"dev/fence": json.dumps({"db_password": "p"})})
    living = with_operator(manager)
    keys = {
        "accessKeyIDSecretRef": {"name": "keys", "key": "id"},
        "secretAccessKeySecretRef": {"name": "keys", "key": "secret"},
    }
    living.add(secret("keys", id="AKIA", secret="s3"), store(auth={"secretRef": keys}), external())
    living.wait(5)
    assert manager.asked[-1].access_key == ("AKIA", "s3")
    assert data(living) == {"password": "p"}


def test_a_new_value_comes_with_the_next_refresh() -> None:
    manager = Manager({"dev/fence": json.dumps({"db_password": "old"})})
    living = with_operator(manager)
    living.add(robot(), store(), external())
    living.wait(5)
    manager.held["dev/fence"] = json.dumps({"db_password": "new"})
    living.wait(60)
    assert data(living) == {"password": "old"}
    living.wait(300)
    assert data(living) == {"password": "new"}


def test_a_secret_that_somebody_changes_or_deletes_is_mended() -> None:
    living = with_operator(Manager({"dev/fence": json.dumps({"db_password": "p"})}))
    living.add(robot(), store(), external())
    living.wait(5)
    body = living.get("Secret", "creds")
    body["data"]["password"] = base64.b64encode(b"other").decode()
    living.cluster.save("", "secrets", body)
    living.wait(5)
    assert data(living) == {"password": "p"}
    living.delete("Secret", "creds")
    living.wait(5)
    assert data(living) == {"password": "p"}


def test_the_secret_goes_with_the_external_secret() -> None:
    living = with_operator(Manager({"dev/fence": json.dumps({"db_password": "p"})}))
    living.add(robot(), store(), external())
    living.wait(5)
    living.delete("ExternalSecret", "creds")
    living.wait(5)
    assert living.find("Secret", "creds") is None


def test_without_the_operator_nothing_happens_until_it_is_ready() -> None:
    living = with_operator(Manager({"dev/fence": json.dumps({"db_password": "p"})}), operator_always=False)
    living.add(robot(), store(), external())
    living.wait(100)
    assert "status" not in living.get("ExternalSecret", "creds")
    operator = workload("Deployment", "external-secrets")
    operator["metadata"]["labels"] = {"app.kubernetes.io/name": "external-secrets"}
    living.add(operator)
    living.wait(60)
    assert data(living) == {"password": "p"}


def test_a_secret_can_be_pushed() -> None:
    manager = Manager()
    living = with_operator(manager)
    spec = {
        "secretStoreRefs": [{"name": "store", "kind": "SecretStore"}],
        "selector": {"secret": {"name": "made"}},
        "data": [{"match": {"secretKey": "k", "remoteRef": {"remoteKey": "dev/made", "property": "x"}}}],
    }
    metadata = {"name": "out", "namespace": "a"}
    push = {"apiVersion": "external-secrets.io/v1", "kind": "PushSecret", "metadata": metadata, "spec": spec}
    living.add(robot(), store(), push)
    living.wait(5)
    assert condition(living.get("PushSecret", "out"), "Ready")["message"] == "could not get source secret"
    living.add(secret("made", k="v"))
    living.wait(5)
    assert manager.held == {"dev/made": '{"x": "v"}'}
    assert condition(living.get("PushSecret", "out"), "Ready")["reason"] == "Synced"

"""Manifests of kind Secret in the repository."""

import base64
from dataclasses import replace
from typing import Any

import pytest
import yaml

from csoc.fleet.snapshot import ParsedFile
from csoc.fleet.yaml import yamltext
from csoc.gen3 import plain_secrets
from csoc.gen3.findings import Severity
from csoc.gen3.rules.secret_manifest_in_git import check
from csoc.testing.states import COMMIT, REPOSITORY, fleet_state

PASSWORD = "Tr0ub4dor-and-3-horses"


def hits(*documents: Any) -> list[Any]:
    content = "---\n".join(yaml.safe_dump(document) for document in documents).encode()
    file = ParsedFile(REPOSITORY, COMMIT, "apps/secret.yaml", "blob", yamltext.parse(content), None, lambda: content)
    state = fleet_state([])
    secrets = tuple(plain_secrets.find({file.path: file}))
    return list(check(replace(state, view=replace(state.view, secrets=secrets))))


def secret(**blocks: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "alpha"}, **blocks}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_secret_is_found_with_the_names_of_its_keys_and_without_their_values() -> None:
    (hit,) = hits({"kind": "List"}, secret(data={"password": encoded(PASSWORD), "username": encoded("fence")}))
    assert hit.key == "apps/secret.yaml alpha/db"
    assert "password" in hit.evidence[0].text
    assert "username" not in hit.evidence[0].text
    assert PASSWORD not in repr(hit)
    assert encoded(PASSWORD) not in repr(hit)
    assert hit.evidence[0].location.line > 1


def test_a_private_key_is_critical() -> None:
    (hit,) = hits(secret(stringData={"tls.key": "-----BEGIN RSA PRIVATE KEY-----\nabc\n"}))
    assert hit.severity is Severity.CRITICAL
    (hit,) = hits(secret(data={"notes": encoded("-----BEGIN RSA PRIVATE KEY-----\nabc\n")}))
    assert hit.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "document",
    [
        secret(stringData={"password": "<path:secret/data/db#password>"}),
        secret(data={"password": "ENC[AES256_GCM,data:abc,type:str]"}),
        {**secret(stringData={"password": PASSWORD}), "kind": "ConfigMap"},
        secret(data={"password": encoded("changeme")}),
        secret(data={"url": encoded("https://github.com/a/b"), "type": encoded("git")}),
        {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "spec": {"data": []}},
        {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "spec": {"encryptedData": {"password": "Ag"}}},
    ],
)
def test_quiet_for_references_encrypted_values_names_and_sealed_ones(document: Any) -> None:
    assert not hits(document)


@pytest.mark.parametrize("blocks", [{"data": "text"}, {"data": [1]}, {"stringData": {"password": [1]}}, {"data": None}])
def test_survives_other_shapes(blocks: dict[str, Any]) -> None:
    assert not hits({**secret(**blocks), "metadata": "text"})

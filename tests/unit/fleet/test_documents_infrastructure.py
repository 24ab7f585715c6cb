"""What documents say about infrastructure: wishes that fit together, refused in words where they do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csoc.fleet.documents.reading import read_documents
from csoc.testing.repositories import MemoryRepositories, MemoryTree

HEAD = "apiVersion: csoc.gen3.org/v1alpha1\n"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/0f9f7a5e-6f1d-4f0c-9c4e-0c1d1f6f3a10"


def faults_of(kind: str, spec: dict[str, Any]) -> list[str]:
    """What is wrong with one document, without its place."""
    common = {"commons": "heart", "cluster": "unknown"} if kind == "Environment" else {}
    text = f"{HEAD}kind: {kind}\nmetadata: {{name: one, uid: c1b2c3d4e5}}\nspec: {json.dumps({**common, **spec})}\n"
    files = {
        "fleet.yaml": f"{HEAD}kind: Fleet\nmetadata: {{name: f, uid: a1b2c3d4e5}}\n",
        "commons/heart/commons.yaml": f"{HEAD}kind: Commons\nmetadata: {{name: heart, uid: b1b2c3d4e5}}\n",
        "clusters/one/cluster.yaml" if kind == "Cluster" else "commons/heart/one/environment.yaml": text,
    }
    repository = MemoryRepositories().add("https://git.example.org/team/fleet")
    commit = repository.write("main", {path: content.encode() for path, content in files.items()})
    read = read_documents(MemoryTree(repository, commit, "main"))
    return [fault.cause for fault in read.faults]


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("Cluster", {"provider": "aws", "size": "small", "network": {"cidr": "10.9.0.0/16", "zones": 3, "egress": "nat"}}),
    ("Cluster", {"network": {"egress": "proxy", "allowDomains": ["quay.io", ".amazonaws.com"]}}),
    ("Cluster", {"apiAccess": ["203.0.113.0/24", "2001:db8::/32"]}),
    ("Cluster", {"zone": {"name": "example.org", "id": "Z0123456789ABCDEFGHIJ"}}),
    ("Cluster", {"layers": [{"name": "network", "provider": "existing", "from": {"stack": "Gen3Network"}}]}),
    ("Cluster", {"layers": [{"name": "network", "from": {"parameters": "/gen3/test", "names": {"VpcId": "vpcId"}}}]}),
    ("Cluster", {"layers": [{"name": "network", "from": {"values": {"VpcId": "vpc-0123456789abcdef0"}}}]}),
    ("Cluster", {"layers": [{"name": "cluster", "provider": "aws", "settings": {"nodes_max": 9, "types": ["m5"]}}]}),
    ("Cluster", {"layers": [{"name": "cluster", "provider": "aws", "settings": {"pools.general.largest": 9}}]}),
    ("Environment", {"size": "large", "services": ["standard", "guppy"], "retain": ["secrets", "keys", "buckets"]}),
    ("Environment", {"signIn": {"provider": "generic_oidc", "discoveryUrl": "https://id.example.org/.well-known"}}),
    ("Environment", {"edge": {"certificate": CERTIFICATE, "allow": ["203.0.113.7/32"], "scheme": "internal"}}),
]

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("Cluster", {"network": {"cidr": "8.8.0.0/16"}}, "spec.network.cidr: expected private IPv4 addresses"),
    ("Cluster", {"network": {"cidr": "10.0.0.0/8"}}, "from /16 to /22"),
    ("Cluster", {"network": {"cidr": "10.20.1.0/16"}}, 'expected a network such as "203.0.113.0/24"'),
    ("Cluster", {"network": {"zones": 4}}, "spec.network.zones: expected a number up to 3"),
    ("Cluster", {"network": {"allowDomains": ["quay.io"]}}, "spec.network.allowDomains: expected egress: proxy"),
    ("Cluster", {"apiAccess": ["everywhere"]}, 'spec.apiAccess[0]: expected a network such as "203.0.113.0/24"'),
    ("Cluster", {"layers": [{"name": "network", "from": {}}]}, 'one of "stack", "parameters" and "values"'),
    ("Cluster", {"layers": [{"name": "network", "from": {"stack": "a", "parameters": "/b"}}]}, 'one of "stack"'),
    ("Cluster", {"layers": [{"name": "network", "from": {"stack": "../a"}}]}, "spec.layers[0].from.stack: expected"),
    ("Cluster", {"layers": [{"name": "network", "provider": "aws", "from": {"stack": "a"}}]}, "provider: existing"),
    ("Cluster", {"layers": [{"name": "network", "provider": "existing", "settings": {"a": 1}}]}, "provider: aws"),
    ("Cluster", {"layers": [{"name": "network", "settings": {"a": {"b": 1}}}]}, "expected a text, a number, true"),
    ("Environment", {"size": "huge"}, 'spec.size: expected one of small, medium, large, found "huge"'),
    ("Environment", {"edge": {"certificate": "arn:aws:iam::111122223333:role/x"}}, "spec.edge.certificate: expected"),
    ("Environment", {"edge": {"allow": ["10.0.0.0/8", "10.0.0.0/8"]}}, "expected each network once"),
    ("Environment", {"retain": ["database"]}, "buckets and keys and secrets among it: csoc deletes none"),
    (
        "Environment",
        {"signIn": {"provider": "google", "clientSecret": "x"}},
        "expected one of the keys clientId, discoveryUrl",
    ),
]


@pytest.mark.parametrize(("kind", "spec"), GOOD)
def test_wishes_that_fit_together_have_no_fault(kind: str, spec: dict[str, Any]) -> None:
    assert faults_of(kind, spec) == []


@pytest.mark.parametrize(("kind", "spec", "said"), BAD)
def test_what_does_not_fit_is_one_fault_that_says_what_was_expected(kind: str, spec: dict[str, Any], said: str) -> None:
    found = faults_of(kind, spec)
    assert len(found) == 1
    assert said in found[0]

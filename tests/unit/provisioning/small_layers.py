"""Two small layers and a document for them: what plans and their application are tried on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from csoc.provisioning.planning import Asked, Planner, Target
from csoc.provisioning.plans import Plan
from csoc.provisioning.synthesis import Template
from csoc.testing.stacks import MemoryStacks

INSTALLATION, OWNER = "f1b2c3d4e5", "c1b2c3d4e5"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
TARGET = Target(
    installation=INSTALLATION,
    owner=OWNER,
    owner_kind="cluster",
    owner_name="research",
    account="research-prod",
    account_id="111111111111",
    region="ap-southeast-2",
    stage="prod",
    execution_role="arn:aws:iam::111111111111:role/csoc-link/execution",
    documents="d" * 64,
    commit="c" * 40,
    existing={},
)
BUCKET: dict[str, Any] = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "RetainExceptOnCreate",
    "Properties": {
        "Name": "data",
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    },
}


def stack(layer: str) -> str:
    return f"csoc-{OWNER}-{layer}"


def path(layer: str, output: str) -> str:
    return f"/csoc/{OWNER}/{layer}/{output}"


def network(**resources: Mapping[str, Any]) -> dict[str, Any]:
    """A template with a VPC that passes its id on, and more."""
    vpc = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    passed = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": path("network", "VpcId"), "Type": "String", "Value": {"Ref": "Vpc"}},
    }
    return {
        "Resources": {"Vpc": vpc, "VpcIdPassed": passed, **resources},
        "Outputs": {"VpcId": {"Value": {"Ref": "Vpc"}}},
    }


def cluster(**resources: Mapping[str, Any]) -> dict[str, Any]:
    """A template that needs the VPC."""
    given = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": path("network", "VpcId")}
    eks = {"Type": "AWS::EKS::Cluster", "Properties": {"Name": f"csoc-{OWNER}", "Vpc": {"Ref": "NetworkVpcId"}}}
    return {
        "Parameters": {"NetworkVpcId": given},
        "Resources": {"Cluster": eks, **resources},
        "Outputs": {"ClusterName": {"Value": f"csoc-{OWNER}"}},
    }


class Templates:
    """A Synthesizer whose templates a test sets."""

    def __init__(self, **templates: Mapping[str, Any]) -> None:
        self.templates: dict[str, Mapping[str, Any]] = dict(templates)

    def synthesize(self, document: Mapping[str, Any]) -> Mapping[str, Template]:
        return {
            name: Template(name, stack(name), json.dumps(self.templates[name], sort_keys=True))
            for name in document["layers"]
        }


class World:
    """Stacks in memory, templates, and a planner over them."""

    def __init__(self) -> None:
        self.stacks = MemoryStacks(INSTALLATION)
        self.templates = Templates(network=network(), cluster=cluster())
        self._ids = (f"plan{number:06}" for number in itertools.count(1))
        self._times = (START + timedelta(minutes=number) for number in itertools.count())
        self.planner = Planner(self.stacks, self.templates, lambda: next(self._times), lambda: next(self._ids))

    def document(self) -> dict[str, Any]:
        needed = {"NetworkVpcId": {"parameter": path("network", "VpcId")}}
        inputs = {"network": {}, "cluster": needed}
        return {
            "version": 1,
            "layers": {
                name: {"stack": stack(name), "inputs": inputs.get(name, {})} for name in self.templates.templates
            },
        }

    def plan(self, target: Target = TARGET, **asked: Any) -> Plan:
        self.last, self.texts = self.planner.plan(self.document(), target, Asked(by="sts:ada", **asked))
        return self.last

    def template(self, layer: str) -> Template:
        return self.templates.synthesize(self.document())[layer]


class Fence:
    """Counts how often it was asked; refuses from a given time on."""

    def __init__(self, refuses_at: int = 10**9) -> None:
        self.asked = 0
        self.refuses_at = refuses_at

    def check(self) -> None:
        self.asked += 1
        if self.asked >= self.refuses_at:
            raise Fenced


class Fenced(Exception):
    """The run belongs to somebody else."""

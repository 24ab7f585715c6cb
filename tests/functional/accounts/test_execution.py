"""What the execution role of a link can do: every layer that csoc makes, and nothing that would make it more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest

from csoc.accounts import names
from csoc.accounts.links import Role
from csoc.accounts.template import link_template
from csoc.accounts.terms import Terms
from csoc.adapters.cdk.synthesizer import ChildSynthesizer
from csoc.emulator.cloud.calls import Identity
from csoc.emulator.owners import REGION, OwnerOf
from csoc.emulator.running import Emulator
from csoc.provisioning.synthesis import Template
from tests.infra import documents, environments

INSTALLATION = documents.INSTALLATION
EXTERNAL_ID = "csoc-aaaaaaaaaa-" + "a" * 30


class Linked:
    """An account with a link's stack, and clients of its roles. zone: a hosted zone of its own."""

    def __init__(self, emulator: Emulator, account: str) -> None:
        self.emulator = emulator
        self.hub, self.owner = (OwnerOf(emulator.endpoint, emulator.accounts, one) for one in ("499999999999", account))
        self._hub = self.hub.hub("ada@example.org")
        worker = "arn:aws:iam::499999999999:role/csoc-worker"
        terms = Terms(INSTALLATION, worker, worker)
        template = link_template(terms)
        self.terms = terms.of(account_id=account, partition="aws", external_id=EXTERNAL_ID)
        made = self.owner.make_stack(
            template.stack, template.body, {"ExternalId": EXTERNAL_ID}, lambda: time.sleep(0.05)
        )
        assert made == "CREATE_COMPLETE"

    def client(self, role: Role, service: str, region: str = REGION) -> Any:
        """A client of a service, in one of the roles that csoc takes."""
        key = boto(self._hub, "sts").assume_role(
            RoleArn=self.terms.role(role), RoleSessionName="csoc-test", ExternalId=EXTERNAL_ID, SourceIdentity="ada"
        )["Credentials"]
        given = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": key["SessionToken"],
        }
        return boto({**self._hub, **given}, service, region)

    def execution(self, service: str, region: str = REGION) -> Any:
        """A client as CloudFormation has it, in the execution role."""
        role = self.owner.client("iam").get_role(RoleName=names.link_role(INSTALLATION, Role.EXECUTION))["Role"]
        session = f"arn:aws:sts::{self.owner.account}:assumed-role/{role['RoleName']}/AWSCloudFormation"
        who = Identity(self.owner.account, session, role["Arn"], f"{role['RoleId']}:AWSCloudFormation")
        self.emulator.inside.act_as(who, "cloudformation.amazonaws.com")
        return self.emulator.inside.client(service, region)

    def apply(self, template: Template, uid: str) -> None:
        """Makes a layer's stack as a run does: a change set by the provisioner, carried out by the execution role."""
        client = self.client(Role.PROVISIONER, "cloudformation")
        named = {"StackName": template.stack, "ChangeSetName": "test"}
        tags = {names.INSTALLATION_TAG: INSTALLATION, names.OWNER_TAG: uid, names.LAYER_TAG: template.layer}
        client.create_change_set(
            **named,
            ChangeSetType="CREATE",
            TemplateBody=template.body,
            RoleARN=self.terms.role(Role.EXECUTION),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        while (found := client.describe_change_set(**named))["Status"].endswith(("PENDING", "IN_PROGRESS")):
            time.sleep(0.05)
        assert found["Status"] == "CREATE_COMPLETE", found.get("StatusReason")
        client.execute_change_set(**named)
        self._settled(client, template.stack)
        status = _status(client, template.stack)
        assert status == "CREATE_COMPLETE", f"{template.stack} {status}\n" + "\n".join(
            _failures(client, template.stack)
        )

    def remove(self, stack: str) -> None:
        """Deletes a layer's stack as a run does."""
        client = self.client(Role.PROVISIONER, "cloudformation")
        identity = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        client.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
        client.delete_stack(StackName=stack, RoleARN=self.terms.role(Role.EXECUTION))
        self._settled(client, identity)
        assert _status(client, identity) == "DELETE_COMPLETE", "\n".join(_failures(client, identity))

    @staticmethod
    def _settled(client: Any, stack: str) -> None:
        while _status(client, stack).endswith("_IN_PROGRESS"):
            time.sleep(0.05)


def boto(variables: Mapping[str, str], service: str, region: str = REGION) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables.get("AWS_SESSION_TOKEN"),
    )


def _status(client: Any, stack: str) -> str:
    return str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def _failures(client: Any, stack: str) -> list[str]:
    events = reversed(client.describe_stack_events(StackName=stack)["StackEvents"])
    return [
        f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}"
        for one in events
        if one["ResourceStatus"].endswith("FAILED")
    ]


@pytest.fixture(scope="module")
def linked(emulator: Emulator) -> Linked:
    return Linked(emulator, "510000000000")


@pytest.fixture(scope="module")
def synthesizer() -> Iterator[ChildSynthesizer]:
    with ChildSynthesizer() as made:
        yield made


def _people(linked: Linked) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{linked.owner.account}:root"}}
    for path, name in (("/", "Platform"), ("/people/", "OnCall")):
        linked.owner.client("iam").create_role(
            Path=path,
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
            ),
        )


def test_every_layer_is_made_and_deleted_with_the_execution_role(
    emulator: Emulator, synthesizer: ChildSynthesizer
) -> None:
    linked = Linked(emulator, "511111111111")
    _people(linked)
    zone = linked.owner.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")
    given = {"edge": {**environments.EDGE, "hosted_zone_id": zone["HostedZone"]["Id"].rpartition("/")[2]}}
    account = linked.owner.account
    environment = environments.document("medium", account=account, given=given)
    for name, layer in environment["layers"].items():
        layer["inputs"] = documents.layer(name, {}, uid=environments.UID)["inputs"]
    asked = (documents.cluster_document("medium", account=account), environment)
    order = {"network": 0, "egress": 1, "cluster": 2, "platform": 3}
    order |= {name: 10 + number for number, name in enumerate(environments.OWN)}
    done: list[str] = []
    for document in asked:
        made = synthesizer.synthesize(document)
        for name in sorted(made, key=order.__getitem__):
            linked.apply(made[name], document["owner"]["uid"])
            done.append(made[name].stack)
    assert {stack.rpartition("-")[2] for stack in done} == set(order)
    # The network stays: the database, which its stack keeps, holds on to it.
    for stack in reversed(done[1:]):
        linked.remove(stack)

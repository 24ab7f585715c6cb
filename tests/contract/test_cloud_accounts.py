"""What every way to AWS's identities promises: in memory, and boto3 against the emulator."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from csoc.accounts import names
from csoc.accounts.cloud import CloudAccounts, CloudSession, Probe, SessionRequest, Trial
from csoc.accounts.features import missing, same_trust, surplus
from csoc.accounts.links import Link, LinkState, Role, new_external_id
from csoc.accounts.roles import roles
from csoc.accounts.template import LinkTemplate, link_template
from csoc.accounts.terms import Terms
from csoc.accounts.verification import Verifier
from csoc.adapters.aws.accounts import AwsAccounts
from csoc.clock import random_ids, system_clock
from csoc.emulator.owners import REGION, OwnerOf
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from csoc.errors import DeniedError, NotFoundError, RejectedError
from csoc.testing.cloud import MemoryAccounts

INSTALLATION = "f1b2c3d4e5"
_ACCOUNTS = itertools.count(600_000_000_000)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@dataclass
class Linked:
    """An account that its owner linked."""

    cloud: CloudAccounts
    terms: Terms

    @property
    def template(self) -> Any:
        return link_template(Terms(INSTALLATION, self.terms.worker, self.terms.observer))

    def asked(self, role: Role = Role.OBSERVER, **changed: Any) -> SessionRequest:
        request = SessionRequest(
            self.terms.role(role), "csoc-test", self.terms.external_id, source_identity="ada@example.org"
        )
        return replace(request, **changed)

    def session(self, role: Role = Role.OBSERVER) -> CloudSession:
        return self.cloud.assume(self.asked(role), REGION)


@pytest.fixture(params=["memory", "emulator"])
def linked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Linked:
    external_id, account = new_external_id(), str(next(_ACCOUNTS))
    if request.param == "memory":
        memory = MemoryAccounts()
        memory.published["csoc-templates-memory"] = {}
        whole = Terms(INSTALLATION, memory.caller().role_arn, memory.caller().role_arn)
        terms = whole.of(account_id=account, partition="aws", external_id=external_id)
        memory.link(terms, link_template(whole))
        return Linked(memory, terms)
    emulator: Emulator = request.getfixturevalue("emulator")
    hub, owner = (OwnerOf(emulator.endpoint, emulator.accounts, one) for one in (str(next(_ACCOUNTS)), account))
    for name, value in hub.hub("ada@example.org").items():
        monkeypatch.setenv(name, value)
    hub.client("s3").create_bucket(
        Bucket=f"csoc-templates-{hub.account}", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    cloud = AwsAccounts()
    whole = Terms(INSTALLATION, cloud.caller().role_arn, cloud.caller().role_arn)
    template = link_template(whole)
    owner.make_stack(template.stack, template.body, {"ExternalId": external_id}, lambda: time.sleep(0.05))
    return Linked(cloud, whole.of(account_id=account, partition="aws", external_id=external_id))


def test_who_csoc_is_is_told_with_the_role_and_the_person(linked: Linked) -> None:
    caller = linked.cloud.caller()
    assert (caller.kind, caller.role_arn, caller.session) == ("role", linked.terms.worker, "ada@example.org")
    assert not linked.cloud.origin().is_lasting
    assert linked.cloud.skew_seconds() == 0.0


def test_a_role_is_given_with_the_id_and_a_persons_name_and_never_without(linked: Linked) -> None:
    for role in (Role.OBSERVER, Role.PROVISIONER, Role.SECRETS, Role.CLUSTER):
        assert linked.session(role).caller().account_id == linked.terms.account
    right = linked.asked()
    for weaker in (
        replace(right, external_id=""),
        replace(right, external_id=new_external_id()),
        replace(right, source_identity=""),
    ):
        with pytest.raises(DeniedError):
            linked.cloud.assume(weaker, REGION)
    with pytest.raises(DeniedError):
        linked.cloud.assume(linked.asked(Role.EXECUTION), REGION)
    with pytest.raises(DeniedError):
        linked.cloud.assume(linked.asked(role_arn="arn:aws:iam::699999999999:role/nobody"), REGION)


def test_regions_have_a_partition(linked: Linked) -> None:
    assert {"ap-southeast-2", "us-east-1"} <= set(linked.cloud.regions())
    assert (linked.cloud.partition("us-east-1"), linked.cloud.partition("cn-north-1")) == ("aws", "aws-cn")
    with pytest.raises(RejectedError):
        linked.cloud.partition("nowhere")


def test_roles_are_read_as_the_template_makes_them(linked: Linked) -> None:
    session = linked.session()
    for made in roles(linked.terms):
        found = session.role(names.link_role(INSTALLATION, made.role))
        assert found is not None
        assert found.arn == linked.terms.role(made.role)
        assert same_trust(made.trust, found.trust)
        assert (missing(made, found), surplus(made, found)) == ((), ())
        assert found.longest_session_seconds == 3600
    assert session.role("nobody") is None
    assert session.policy(linked.terms.boundary)
    assert session.policy(linked.terms.boundary + "-not") is None


def test_the_stack_is_found_by_what_it_made(linked: Linked) -> None:
    stack = linked.session().stack_of(names.link_role(INSTALLATION, Role.OBSERVER), REGION)
    assert (stack.name, stack.template) == (linked.template.stack, linked.template.body)
    given = {name: value for name, value in stack.parameters.items() if value}
    assert given == {"ExternalId": linked.terms.external_id}
    assert stack.outputs["ArtifactBucket"] == linked.terms.artifact_bucket
    with pytest.raises(NotFoundError):
        linked.session().stack_of("CsocLink-nobody-observer", REGION)


def test_who_may_not_look_is_denied_and_not_told_that_nothing_is_there(linked: Linked) -> None:
    with pytest.raises(DeniedError):
        linked.session(Role.SECRETS).role(names.link_role(INSTALLATION, Role.OBSERVER))
    with pytest.raises(DeniedError):
        linked.session(Role.SECRETS).policy(linked.terms.boundary)
    with pytest.raises(DeniedError):
        linked.session(Role.CLUSTER).stack_of(names.link_role(INSTALLATION, Role.OBSERVER), REGION)


def test_a_probe_tells_allowed_from_denied(linked: Linked) -> None:
    assert linked.session().probe(Probe("ec2", "describe_vpcs"), REGION).allowed is True
    missing_one = Probe("ssm", "get_parameter", {"Name": "/csoc/x1b2c3d4e5/no"}, ("ParameterNotFound",))
    assert linked.session(Role.PROVISIONER).probe(missing_one, REGION).allowed is True
    made = Probe("iam", "create_user", {"UserName": "mallory"})
    denied = linked.session(Role.PROVISIONER).probe(made, REGION)
    assert (denied.allowed, "not authorized" in denied.detail) == (False, True)


def test_a_call_that_a_role_may_make_is_denied_on_what_is_not_csocs(linked: Linked) -> None:
    for role, probe in (
        (Role.PROVISIONER, Probe("ssm", "get_parameter", {"Name": "/others/no"}, ("ParameterNotFound",))),
        (Role.SECRETS, Probe("secretsmanager", "describe_secret", {"SecretId": "no"}, ("ResourceNotFoundException",))),
        (Role.CLUSTER, Probe("eks", "describe_cluster", {"name": "no"}, ("ResourceNotFoundException",))),
    ):
        assert linked.session(role).probe(probe, REGION).allowed is False, probe.operation


def trial(linked: Linked, *, bounded: bool) -> Trial:
    uid = random_ids()
    properties: dict[str, Any] = {
        "RoleName": f"csoc-{uid}-verify",
        "Path": f"/csoc/{uid}/",
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        },
    }
    if bounded:
        properties["PermissionsBoundary"] = linked.terms.boundary
    body = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})
    tags = {names.INSTALLATION_TAG: INSTALLATION}
    return Trial(f"csoc-{uid}-verify", body, linked.terms.role(Role.EXECUTION), tags)


def test_a_stack_is_tried_and_nothing_of_it_is_left(linked: Linked) -> None:
    provisioner = linked.session(Role.PROVISIONER)
    good = provisioner.try_stack(trial(linked, bounded=True), REGION, 60)
    assert (good.made, good.left) == (True, "")
    bad = provisioner.try_stack(trial(linked, bounded=False), REGION, 60)
    assert (bad.made, bad.left, "iam:CreateRole" in bad.detail) == (False, "", True)
    refused = linked.session(Role.SECRETS).try_stack(trial(linked, bounded=True), REGION, 60)
    assert (refused.made, refused.left) == (False, "")


def test_what_is_published_has_an_address_and_is_never_changed(linked: Linked) -> None:
    bucket = (
        f"csoc-templates-{'memory' if isinstance(linked.cloud, MemoryAccounts) else linked.cloud.caller().account_id}"
    )
    first = linked.cloud.publish(bucket, "link/a.json", "{}")
    assert first == linked.cloud.publish(bucket, "link/a.json", "{}")
    assert first == f"https://{bucket}.s3.ap-southeast-2.amazonaws.com/link/a.json"
    with pytest.raises((NotFoundError, DeniedError)):
        linked.cloud.publish("csoc-templates-nobodys", "link/a.json", "{}")


def verifier_of(linked: Linked) -> Verifier:
    return Verifier(
        cloud=linked.cloud,
        principal=linked.terms.worker,
        terms=linked.terms,
        template=linked.template,
        person="ada@example.org",
        run="verify",
        ids=random_ids,
        external_ids=new_external_id,
        clock=system_clock,
    )


def link_of(linked: Linked) -> Link:
    return Link(
        "research", linked.terms.account, INSTALLATION, linked.terms.external_id, "aws", REGION, linked.terms.worker,
        LinkState.BEGUN, system_clock(),
    )  # fmt: skip


def test_a_link_that_is_sound_is_verified(linked: Linked) -> None:
    found = verifier_of(linked).verify(link_of(linked))
    assert [check for check in found.checks if check.outcome != "ok"] == []
    assert (found.state, found.template_digest, found.missing) == (LinkState.VERIFIED, linked.template.digest, {})
    assert found.made_from == linked.template.digest


def test_a_stack_is_older_only_if_its_template_is_the_one_that_the_link_was_made_from(linked: Linked) -> None:
    later = replace(verifier_of(linked), template=LinkTemplate(linked.template.body + " ", linked.template.stack))
    link = link_of(linked)
    for made_from, outcome in ((linked.template.digest, "older template"), ("", "ok"), ("0" * 64, "ok")):
        found = later.verify(replace(link, made_from=made_from))
        [stack] = [check for check in found.checks if check.name == "stack of the link"]
        assert (stack.outcome, found.made_from, found.state) == (outcome, made_from, LinkState.VERIFIED)

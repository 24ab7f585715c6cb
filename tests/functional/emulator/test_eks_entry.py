"""csoc's own way into a cluster of EKS: the link's cluster role, in a person's name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from csoc.accounts.links import Link, LinkState, Role
from csoc.adapters.aws.eks import LinkedClusters, Tokens
from csoc.adapters.aws.sessions import BotoSession
from csoc.clusters.access import EksReference
from csoc.emulator.running import Emulator
from csoc.errors import DeniedError, NotFoundError, RejectedError
from csoc.testing.links import MemoryLinks
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.test_eks import REGION, Ground, wait

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


class Linked:
    """An account with a cluster that the cluster role of its link may enter, and csoc's ways there."""

    def __init__(self, owner: Owner, emulator: Emulator) -> None:
        self.owner, self.emulator = owner, emulator
        key = emulator.accounts.owner(owner.account)
        self.own = BotoSession(
            boto3.Session(aws_access_key_id=key.access_key, aws_secret_access_key=key.secret, region_name=REGION)
        )
        allowed = {"Effect": "Allow", "Action": "eks:DescribeCluster", "Resource": "*"}
        self.roles: dict[str, str] = {
            role: self._role(f"link-{role}", allowed) for role in (Role.CLUSTER, Role.OBSERVER)
        }
        self.links = MemoryLinks()
        self.link = Link(
            "research", owner.account, "f1b2c3d4e5", "an-external-id", "aws", REGION, "arn:aws:iam::1:role/csoc",
            LinkState.VERIFIED, NOW, roles=self.roles,
        )  # fmt: skip
        self.links.put(self.link)
        self.reference = EksReference("tide", "research", owner.account, REGION, "tide")

    def _role(self, name: str, *allowed: dict[str, Any]) -> str:
        iam = self.owner.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": self.owner.account},
                 "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                 "Condition": {"StringEquals": {"sts:ExternalId": "an-external-id"}}}  # fmt: skip
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        iam.put_role_policy(RoleName=name, PolicyName="see", PolicyDocument=_document(*allowed))
        return str(made["Role"]["Arn"])

    def clusters(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> LinkedClusters:
        return LinkedClusters(self.links, own=lambda: self.own, clock=clock)

    def let_in(self, cluster: str, policy: str = ADMINISTRATOR) -> None:
        eks = self.owner.client("eks")
        asked = {"clusterName": cluster, "principalArn": self.roles[Role.CLUSTER]}
        eks.create_access_entry(**asked)
        eks.associate_access_policy(**asked, policyArn=policy, accessScope={"type": "cluster"})


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def linked(owner: Owner, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Linked:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    eks = owner.client("eks")
    eks.create_cluster(**Ground(owner).cluster())
    wait(eks, "cluster_active")
    return Linked(owner, emulator)


def test_the_cluster_role_of_a_link_enters_as_the_person_and_finds_the_cluster_by_itself(linked: Linked) -> None:
    linked.let_in("tide")
    client = linked.clusters().open(linked.reference, person="sts:ada", task="run-1")
    client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}})
    assert client.get("v1", "Namespace", "made")["metadata"]["name"] == "made"
    review = client.create({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    assert review["status"]["userInfo"]["extra"]["sessionname"] == ["csoc-run-1"]


def test_with_the_outputs_of_the_layer_nobody_is_asked_for_the_address(linked: Linked) -> None:
    linked.let_in("tide")
    found = linked.owner.client("eks").describe_cluster(name="tide")["cluster"]
    linked.emulator.counts.clear()
    known = replace(linked.reference, endpoint=found["endpoint"], certificate=found["certificateAuthority"]["data"])
    assert linked.clusters().open(known, person="sts:ada", task="run-1").version().startswith("v1.34")
    asked = {kind.operation for kind in linked.emulator.counts.all() if kind.account == linked.owner.account}
    assert asked == {"AssumeRole"}


def test_a_role_without_an_access_entry_is_told_so_by_the_cluster(linked: Linked) -> None:
    client = linked.clusters().open(linked.reference, person="sts:ada", task="run-1")
    with pytest.raises(DeniedError, match="does not know who asks"):
        client.version()


def test_what_a_viewer_may_not_do_is_denied_and_not_missing(linked: Linked) -> None:
    linked.let_in("tide", "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy")
    client = linked.clusters().open(linked.reference, person="sts:ada", task="run-1")
    assert client.list_all("v1", "Pod")[0]
    with pytest.raises(DeniedError):
        client.get("v1", "Secret", "any", "default")


def test_a_link_that_is_not_verified_or_of_another_account_enters_nothing(linked: Linked) -> None:
    linked.links.put(replace(linked.link, state=LinkState.WEAKENED))
    with pytest.raises(DeniedError, match="lets in whom it must not"):
        linked.clusters().open(linked.reference, person="sts:ada", task="run-1")
    other = replace(linked.reference, account_id="999999999999")
    with pytest.raises(RejectedError, match="999999999999"):
        linked.clusters().open(other, person="sts:ada", task="run-1")


def test_a_cluster_that_is_not_there_is_named_with_its_place(linked: Linked) -> None:
    with pytest.raises(NotFoundError, match=r"ebb in research, ap-southeast-2: EKS has no cluster ebb"):
        linked.clusters().open(replace(linked.reference, name="ebb"), person="sts:ada", task="run-1")


def test_a_certificate_that_is_none_is_refused(linked: Linked) -> None:
    for wrong in ("!!", base64.b64encode(b"hello").decode()):
        with pytest.raises(RejectedError, match="certificate authority"):
            linked.clusters().open(
                replace(linked.reference, endpoint="https://127.0.0.1:1", certificate=wrong), person="a1", task="t"
            )


def test_a_token_is_used_for_ten_minutes_and_then_made_anew_from_the_session_of_that_moment(linked: Linked) -> None:
    now = [NOW]
    asked: list[datetime] = []

    def session() -> BotoSession:
        asked.append(now[0])
        return linked.own

    tokens = Tokens(session, REGION, "tide", lambda: now[0])
    first = tokens()
    now[0] += timedelta(minutes=9, seconds=59)
    assert tokens() == first
    now[0] += timedelta(seconds=1)
    tokens()
    assert asked == [NOW, NOW + timedelta(minutes=10)]
    address = base64.urlsafe_b64decode(first.removeprefix("k8s-aws-v1.") + "==").decode()
    question = parse_qs(urlsplit(address).query)
    assert (question["Action"], question["X-Amz-Expires"]) == (["GetCallerIdentity"], ["60"])
    assert "x-k8s-aws-id" in question["X-Amz-SignedHeaders"][0]


def test_a_token_for_one_cluster_opens_no_other(linked: Linked) -> None:
    linked.let_in("tide")
    wrong = linked.clusters().open(
        replace(linked.reference, name="ebb", **_address(linked)), person="sts:ada", task="run-1"
    )
    with pytest.raises(DeniedError):
        wrong.version()


def _address(linked: Linked) -> dict[str, Any]:
    found = linked.owner.client("eks").describe_cluster(name="tide")["cluster"]
    return {"endpoint": found["endpoint"], "certificate": found["certificateAuthority"]["data"]}

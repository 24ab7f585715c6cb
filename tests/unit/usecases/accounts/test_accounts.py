"""Who csoc may be, what a link becomes, and who may use it: with everything outside in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from csoc.accounts import names
from csoc.accounts.cloud import Caller, Origin
from csoc.accounts.due import is_overdue
from csoc.accounts.links import Link, Links, LinkState, Role, new_external_id
from csoc.accounts.template import LinkTemplate, link_template
from csoc.accounts.terms import Terms
from csoc.clock import random_ids
from csoc.config import AwsSettings, Settings
from csoc.errors import ConflictError, DeniedError, NotFoundError
from csoc.testing.cloud import WORKER, MemoryAccounts
from csoc.testing.links import MemoryLinks
from csoc.usecases.accounts.doctor import doctor
from csoc.usecases.accounts.unlinking import unlink
from csoc.usecases.accounts.verifying import after_denial, due, open_session, verify
from csoc.usecases.cloud_ports import CloudPorts

INSTALLATION, ACCOUNT = "f1b2c3d4e5", "222222222222"


class Now:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def ports(cloud: MemoryAccounts | None = None, links: Links | None = None, **aws: str) -> CloudPorts:
    found, now = cloud or MemoryAccounts(), Now()
    return CloudPorts(
        settings=Settings(aws=AwsSettings.model_validate(aws)),
        clock=now,
        ids=random_ids,
        links=links or MemoryLinks(),
        cloud=lambda: found,
        owner=lambda _: found,
        sleep=now.sleep,
    )


def begun(cloud: CloudPorts) -> Link:
    link = Link(
        "research", ACCOUNT, INSTALLATION, new_external_id(), "aws", "ap-southeast-2", WORKER.role_arn,
        LinkState.BEGUN, cloud.clock(), observer=WORKER.role_arn,
    )  # fmt: skip
    cloud.links.put(link)
    return link


def make_stack(cloud: CloudPorts, link: Link) -> Any:
    whole = Terms(INSTALLATION, link.principal, link.principal)
    terms = whole.of(account_id=link.account_id, partition="aws", external_id=link.external_id)
    memory = cloud.cloud()
    assert isinstance(memory, MemoryAccounts)
    return memory.link(terms, link_template(whole))


def outcomes(cloud: CloudPorts) -> dict[str, str]:
    return {remark.what: remark.outcome for remark in doctor(cloud).remarks}


def test_a_role_of_a_pod_is_fit_to_be_csoc() -> None:
    found = doctor(ports())
    assert (found.is_fit, found.worker, found.observer) == (True, WORKER.role_arn, WORKER.role_arn)


@pytest.mark.parametrize(
    ("kind", "arn", "words"),
    [
        ("root", "arn:aws:iam::111111111111:root", "root of an account"),
        ("user", "arn:aws:iam::111111111111:user/eva", "IAM user"),
        ("federated", "arn:aws:sts::111111111111:federated-user/eva", "federated user"),
    ],
)
def test_a_principal_that_is_no_role_is_refused(kind: str, arn: str, words: str) -> None:
    cloud = ports(MemoryAccounts(Caller("111111111111", arn, kind)))
    found = doctor(cloud)
    assert not found.is_fit
    assert any(words in remark.detail for remark in found.remarks if remark.outcome == "wrong")
    begun(cloud)
    with pytest.raises(DeniedError, match=words):
        verify(cloud, "research", None)


def test_long_lived_keys_clocks_and_missing_credentials_are_told() -> None:
    assert outcomes(ports(MemoryAccounts(origin=Origin("shared file", is_lasting=True))))["credentials"] == "wrong"
    assert outcomes(ports(MemoryAccounts(origin=Origin("environment", is_renewed=False))))["credentials"] == "risky"
    assert outcomes(ports(MemoryAccounts(skew_seconds=299)))["clock"] == "wrong"
    assert outcomes(ports(MemoryAccounts(skew_seconds=-20)))["clock"] == "ok"
    assert outcomes(ports(MemoryAccounts(None))) == {"credentials": "wrong"}


def test_a_role_of_single_sign_on_whose_path_is_not_known_has_to_be_named() -> None:
    name = "AWSReservedSSO_Admin_0123456789abcdef"
    caller = replace(WORKER, role_arn=f"arn:aws:iam::111111111111:role/{name}", is_exact=False)
    assert outcomes(ports(MemoryAccounts(caller)))["principal of links"] == "wrong"
    whole = f"arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/ap-southeast-2/{name}"
    assert doctor(ports(MemoryAccounts(replace(caller, role_arn=whole, is_exact=True)))).is_fit
    assert doctor(ports(MemoryAccounts(caller), worker_principal=whole)).worker == whole


def test_a_link_is_used_only_once_it_is_verified() -> None:
    cloud = ports()
    link = begun(cloud)
    with pytest.raises(DeniedError, match="not verified yet"):
        open_session(cloud, "research", Role.OBSERVER, person="ada", run="r")
    make_stack(cloud, link)
    assert verify(cloud, "research", None).link.state is LinkState.VERIFIED
    session = open_session(cloud, "research", Role.OBSERVER, person="ada", run="r", account_id=ACCOUNT)
    assert session.caller().account_id == ACCOUNT
    with pytest.raises(ConflictError, match="its link is to 222222222222"):
        open_session(cloud, "research", Role.OBSERVER, person="ada", run="r", account_id="333333333333")
    with pytest.raises(NotFoundError):
        open_session(cloud, "imaging", Role.OBSERVER, person="ada", run="r")


def test_an_arn_that_is_not_the_one_that_was_verified_has_to_be_verified_anew() -> None:
    cloud = ports()
    make_stack(cloud, begun(cloud))
    link = verify(cloud, "research", None).link
    other = f"arn:aws:iam::{ACCOUNT}:role/csoc-link/CsocLink-z1b2c3d4e5-observer"
    cloud.links.put(replace(link, roles={**link.roles, Role.OBSERVER: other}))
    with pytest.raises(ConflictError, match="observer role of the link is") as refused:
        open_session(cloud, "research", Role.OBSERVER, person="ada", run="r")
    assert refused.value.fix == "csoc account verify research"


def test_another_persons_account_is_never_shown_the_external_id_of_this_one() -> None:
    cloud = ports()
    first = begun(cloud)
    make_stack(cloud, first)
    second = replace(first, account="other", account_id="333333333333", external_id=new_external_id())
    cloud.links.put(second)
    make_stack(cloud, second)
    verify(cloud, "other", None)
    memory = cloud.cloud()
    assert isinstance(memory, MemoryAccounts)
    shown = {one.external_id for one in memory.asked if one.role_arn.split(":")[4] == "333333333333"}
    assert second.external_id in shown
    assert first.external_id not in shown


def test_after_a_denial_a_link_is_looked_at_and_what_is_wrong_is_said() -> None:
    cloud = ports()
    account = make_stack(cloud, begun(cloud))
    verify(cloud, "research", None)
    assert after_denial(cloud, "research") == ""
    account.may[Role.PROVISIONER] = {"create_role"}
    assert "could make itself an administrator" in after_denial(cloud, "research")
    with pytest.raises(DeniedError, match="lets in whom it must not"):
        open_session(cloud, "research", Role.OBSERVER, person="ada", run="r")


def test_a_boundary_that_was_edited_weakens_the_link() -> None:
    cloud = ports()
    account = make_stack(cloud, begun(cloud))
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.policies = dict.fromkeys(account.policies, everything)
    assert verify(cloud, "research", None).link.state is LinkState.WEAKENED


def test_links_are_due_after_a_day_and_overdue_after_two() -> None:
    cloud = ports()
    begun(cloud)
    assert list(due(cloud)) == [], "one that was never made is its beginner's"
    make_stack(cloud, cloud.links.all()[0])
    link = verify(cloud, "research", None).link
    assert list(due(cloud)) == []
    now = cloud.clock()
    cloud.sleep(24 * 3600)
    assert [one.account for one in due(cloud)] == ["research"]
    assert not is_overdue(link, now + timedelta(hours=47))
    assert is_overdue(link, now + timedelta(hours=48))


def test_waiting_ends_when_the_stack_is_there_or_the_time_is_up() -> None:
    cloud = ports()
    link = begun(cloud)
    before = cloud.clock()
    assert verify(cloud, "research", None, wait_seconds=60).link.state is LinkState.BROKEN
    assert timedelta(seconds=60) <= cloud.clock() - before < timedelta(seconds=70)
    make_stack(cloud, link)
    before = cloud.clock()
    assert verify(cloud, "research", None, wait_seconds=60).link.state is LinkState.VERIFIED
    assert cloud.clock() == before


def test_each_of_two_principals_verifies_the_roles_that_it_may_take() -> None:
    links = MemoryLinks()
    observer = replace(WORKER, role_arn="arn:aws:iam::111111111111:role/csoc-observer")
    settings = {"worker_principal": WORKER.role_arn, "observer_principal": observer.role_arn}
    as_worker = ports(MemoryAccounts(WORKER), links, **settings)
    link = replace(begun(as_worker), observer=observer.role_arn)
    links.put(link)
    whole = Terms(INSTALLATION, WORKER.role_arn, observer.role_arn)
    terms = whole.of(account_id=ACCOUNT, partition="aws", external_id=link.external_id)
    as_observer = ports(MemoryAccounts(observer), links, **settings)
    for cloud in (as_worker, as_observer):
        memory = cloud.cloud()
        assert isinstance(memory, MemoryAccounts)
        memory.link(terms, link_template(whole))
    half = verify(as_worker, "research", None).link
    assert half.state is LinkState.BEGUN
    assert any("csoc-observer too" in check.fix for check in half.checks)
    assert verify(as_observer, "research", None).link.state is LinkState.VERIFIED
    assert verify(as_worker, "research", None).link.state is LinkState.VERIFIED


def test_an_older_template_that_trusts_a_principal_of_the_past_is_no_older_one_but_weak() -> None:
    links, memory = MemoryLinks(), MemoryAccounts(WORKER)
    past = "arn:aws:iam::111111111111:role/csoc-past"
    before = ports(memory, links, worker_principal=past, observer_principal=WORKER.role_arn)
    link = begun(before)
    whole = Terms(INSTALLATION, past, WORKER.role_arn)
    terms = whole.of(account_id=ACCOUNT, partition="aws", external_id=link.external_id)
    memory.link(terms, link_template(whole))
    assert verify(before, "research", None).link.made_from == link_template(whole).digest
    now = ports(memory, links, worker_principal=WORKER.role_arn, observer_principal=WORKER.role_arn)
    found = verify(now, "research", None).link
    checks = {check.name: check for check in found.checks}
    assert checks["stack of the link"].outcome == "older template"
    trust = checks["provisioner role, trust of anybody else"]
    assert (trust.outcome, "names what csoc was then" in trust.detail) == ("wrong", True)
    assert found.state is LinkState.WEAKENED


def test_a_role_that_an_older_template_does_not_make_is_missing_and_was_taken_away_by_nobody() -> None:
    cloud = ports()
    link = begun(cloud)
    account = make_stack(cloud, link)
    body = json.loads(account.stack.template)
    del body["Resources"]["ClusterRole"]
    account.stack = replace(account.stack, template=json.dumps(body))
    del account.roles[names.link_role(INSTALLATION, Role.CLUSTER)]
    made_from = LinkTemplate(account.stack.template, account.stack.name).digest
    for known, trust, state in (
        (made_from, "older template", LinkState.BROKEN),
        ("", "wrong", LinkState.WEAKENED),
    ):
        cloud.links.put(replace(link, made_from=known))
        found = verify(cloud, "research", None).link
        outcomes = {check.name: check.outcome for check in found.checks}
        assert (outcomes["cluster role, trust of anybody else"], found.state) == (trust, state)
        assert ("access" in found.missing) is bool(known)


def test_a_link_that_was_taken_back_is_used_by_nobody_from_then_on() -> None:
    cloud = ports()
    make_stack(cloud, begun(cloud))
    verify(cloud, "research", None)
    assert unlink(cloud, "research", None).link.state is LinkState.UNLINKED
    with pytest.raises(NotFoundError):
        open_session(cloud, "research", Role.OBSERVER, person="ada", run="r")
    assert [one.account for one in cloud.links.past()] == ["research"]


def test_a_link_that_aws_vouches_for_is_never_judged_by_another_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = ports()
    make_stack(cloud, begun(cloud))
    assert verify(cloud, "research", None).link.endpoint == ""
    monkeypatch.setattr(MemoryAccounts, "endpoint", lambda _: "http://127.0.0.1:4566")
    with pytest.raises(ConflictError, match="verified with AWS itself, and http"):
        verify(cloud, "research", None)
    kept = cloud.links.get("research")
    assert kept is not None
    assert kept.endpoint == ""


def test_a_link_remembers_which_cloud_vouched_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = ports()
    make_stack(cloud, begun(cloud))
    for address in ("http://127.0.0.1:4566", "http://127.0.0.1:4567"):
        monkeypatch.setattr(MemoryAccounts, "endpoint", lambda _, address=address: address)
        assert verify(cloud, "research", None).link.endpoint == address

"""Linking accounts by the command line: two that are sound, and those that must be refused."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any
from unittest.mock import patch

import pytest

from csoc.adapters.aws.accounts import AwsSession
from csoc.emulator.owners import REGION
from csoc.errors import UnavailableError
from tests.functional.accounts.conftest import Changing, World

_CLUSTER = """apiVersion: csoc.gen3.org/v1alpha1
kind: Cluster
metadata: {name: reef, uid: c1b2c3d4e5}
spec: {account: research, region: ap-southeast-2, provider: aws, size: small}
"""
_ENVIRONMENT = """apiVersion: csoc.gen3.org/v1alpha1
kind: Environment
metadata: {name: kelp-dev, uid: e1b2c3d4e5}
spec: {commons: kelp, cluster: reef, stage: dev, hostname: kelp.example.org}
"""


def test_two_accounts_are_linked_and_used_one_after_the_other(world: World) -> None:
    for name in ("research", "imaging"):
        owner = world.linked(name)
        left = [one["StackName"] for one in owner.client("cloudformation").describe_stacks()["Stacks"]]
        assert left == [world.link(name, owner)["stack"]]
        roles = {role["RoleName"] for role in owner.client("iam").list_roles()["Roles"]}
        assert all(role.startswith("CsocLink-") for role in roles), "nothing of a test stays"
    listed = world.done(world.csoc("account", "list", "--check", "--json")).data
    assert [(link["account"], link["state"]) for link in listed] == [("imaging", "verified"), ("research", "verified")]
    assert all(check["outcome"] == "ok" for link in listed for check in link["checks"])
    assert {check["expectation"] for check in listed[0]["checks"]} == {"must succeed", "must fail"}


def test_a_link_is_one_commit_and_doing_it_again_changes_nothing(world: World) -> None:
    owner = world.owner()
    first = world.link("research", owner)
    assert first["commit"]
    text = (world.csoc.folder / "accounts" / "research.yaml").read_text()
    assert f'id: "{owner.account}"' in text
    again = world.done(world.csoc("account", "link", "research", "--json")).data
    assert (again["commit"], again["externalId"], again["new"]) == (None, first["externalId"], False)
    assert first["externalId"] not in text
    assert re.fullmatch("csoc-[a-z0-9]{10}-[a-z0-9]{30}", first["externalId"])


def test_no_two_links_share_an_external_id_and_none_is_used_again(world: World) -> None:
    one, two = world.owner(), world.owner()
    ids = [world.link("one", one)["externalId"], world.link("two", two)["externalId"]]
    world.done(world.csoc("account", "unlink", "one", "--yes", "one"))
    ids.append(world.link("one", one)["externalId"])
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--account-id", "12345", "--region", REGION), "is not the id of an AWS account"),
        (("--account-id", "000000000000", "--region", REGION), "is not the id of an AWS account"),
        (("--account-id", "1111222233334", "--region", REGION), "It has 12 digits"),
        (("--account-id", "222222222222", "--region", "ap-southeast-22"), "is not a region"),
        (("--account-id", "222222222222"), "--region is needed"),
        ((), "--account-id is needed"),
    ],
)
def test_an_id_or_region_that_is_none_is_refused_before_anything_is_written(
    world: World, words: tuple[str, ...], sentence: str
) -> None:
    ran = world.csoc("account", "link", "research", *words)
    assert ran.code == 1
    assert sentence in ran.err
    assert not (world.csoc.folder / "accounts" / "research.yaml").exists()
    assert world.csoc("account", "list", "--json").data == []


def test_an_account_has_one_name(world: World) -> None:
    owner = world.owner()
    world.link("research", owner)
    ran = world.csoc("account", "link", "other", "--account-id", owner.account, "--region", REGION)
    assert (ran.code, f"The account {owner.account} is research in Git" in ran.err) == (5, True)
    ran = world.csoc("account", "link", "research", "--account-id", world.owner().account, "--region", REGION)
    assert (ran.code, "in Git, not" in ran.err) == (5, True)


def test_what_the_owner_gets_can_be_pasted(world: World) -> None:
    owner = world.owner()
    begun = world.link("research", owner)
    forms = {
        form: world.done(world.csoc("account", "link", "research", "--format", form)).out
        for form in ("text", "cloudformation", "command", "terraform", "stackset")
    }
    assert forms["cloudformation"].strip() == begun["template"]
    parameter = f"ExternalId={begun['externalId']}"
    assert forms["command"].strip() == begun["command"]
    assert parameter in forms["command"]
    assert f"--stack-name {begun['stack']}" in forms["text"]
    assert begun["templateDigest"] in forms["text"]
    assert "CAPABILITY_NAMED_IAM" in forms["terraform"]
    assert f"--accounts {owner.account}" in forms["stackset"]
    assert begun["quickCreate"] is None


def test_a_quick_create_address_has_the_templates_digest_as_its_key(world: World) -> None:
    bucket = "csoc-templates-tide"
    world.hub.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    world.csoc.variables["CSOC_AWS_TEMPLATE_BUCKET"] = bucket
    begun = world.link("research", world.owner())
    again = world.done(world.csoc("account", "link", "research", "--json")).data
    assert again["quickCreate"] == begun["quickCreate"]
    assert f"link%2F{begun['templateDigest']}.json" in begun["quickCreate"]
    assert f"param_ExternalId={begun['externalId']}" in begun["quickCreate"]
    assert len(begun["quickCreate"]) <= 1024
    kept = world.hub.client("s3").get_object(Bucket=bucket, Key=f"link/{begun['templateDigest']}.json")
    assert kept["Body"].read().decode() == begun["template"]


def test_before_the_stack_is_there_nothing_is_verified_and_the_way_to_it_is_named(world: World) -> None:
    world.link("research", world.owner())
    ran = world.csoc("account", "verify", "research")
    assert ran.code == 1
    said = [line for line in ran.out.splitlines() if line.strip()]
    assert len(said) == 2, ran.out
    assert "its stack is not made" in said[0]
    assert "Make the stack as `csoc account link research` says" in said[1]
    assert "AWS refuses" not in ran.out
    assert "AWS refuses" in world.csoc("account", "verify", "research", "-v").out
    with patch("csoc.cli.output.console_width", lambda **_: 80):
        lines = world.csoc("account", "list").out.splitlines()
    [row] = [line for line in lines if line.startswith("research")]
    assert "broken" in row
    assert len([line for line in lines if line.strip()]) == 1 + 2 + 1 + 1, "a title, a head, the link and a hint"
    assert max(map(len, lines)) <= 80
    assert world.csoc("account", "list", "--check").code == 1


# Accounts that must be refused: what was done to the template, and the sentence that says what is wrong.


def _anybody(body: dict[str, Any]) -> None:
    for name in ("ObserverRole", "ProvisionerRole"):
        _trust(body, name)["Principal"] = {"AWS": "*"}


def _no_external_id(body: dict[str, Any]) -> None:
    del _trust(body, "ProvisionerRole")["Condition"]["StringEquals"]


def _any_external_id(body: dict[str, Any]) -> None:
    condition = _trust(body, "ProvisionerRole")["Condition"]
    condition["StringLike"] = {"sts:ExternalId": "*"}
    del condition["StringEquals"]


def _nobodys_name(body: dict[str, Any]) -> None:
    del _trust(body, "ObserverRole")["Condition"]["Null"]


def _trust(body: dict[str, Any], role: str) -> dict[str, Any]:
    found: dict[str, Any] = body["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    return found


def _more(role: str, *statements: dict[str, Any]) -> Changing:
    def change(body: dict[str, Any]) -> None:
        policies = body["Resources"][role]["Properties"].setdefault("Policies", [])
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
        policies.append({"PolicyName": "more", "PolicyDocument": document})

    return change


def _without_boundary(body: dict[str, Any]) -> None:
    _more("ExecutionRole", {"Action": "iam:*", "Resource": "*"})(body)
    document = body["Resources"]["ExecutionIdentitiesPolicy"]["Properties"]["PolicyDocument"]
    document["Statement"] = [one for one in document["Statement"] if one["Sid"] != "NeverWithoutTheBoundary"]


def _no_limits_on_stacks(body: dict[str, Any]) -> None:
    policy = body["Resources"]["ProvisionerRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    policy["Statement"] = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    policy["Statement"].append({"Effect": "Allow", "Action": ["cloudformation:*", "sns:*"], "Resource": "*"})


REFUSED = {
    "it trusts anybody": (_anybody, "trust weakened", "It trusts anybody"),
    "it works without the ExternalId": (_no_external_id, "trust weakened", "Anybody who may name csoc's role gets in"),
    "it works with another ExternalId": (_any_external_id, "trust weakened", "The trust policy takes any ExternalId"),
    "it works without a person's name": (_nobodys_name, "trust weakened", "CloudTrail would not say who"),
    "CloudFormation makes roles without the boundary": (
        _without_boundary,
        "trust weakened",
        "so a stack could make an administrator. It was deleted again",
    ),
    "the provisioner may touch the link's roles": (
        _more("ProvisionerRole", {"Action": ["iam:TagRole", "iam:UntagRole"], "Resource": "*"}),
        "trust weakened",
        "The provisioner role may change the link's roles",
    ),
    "the provisioner makes roles": (
        _more("ProvisionerRole", {"Action": ["iam:CreateRole", "iam:DeleteRole"], "Resource": "*"}),
        "trust weakened",
        "so it could make itself an administrator",
    ),
    "stacks outside of the installation": (
        _no_limits_on_stacks,
        "trust weakened",
        "The provisioner role may make stacks that are not csoc's",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_a_link_that_lets_in_too_much_is_refused_in_a_sentence(world: World, case: str) -> None:
    change, state, sentence = REFUSED[case]
    owner = world.owner()
    begun = world.link("research", owner)
    world.make(owner, begun, change)
    before = _things(owner)
    ran = world.csoc("account", "verify", "research")
    assert ran.code == 1
    assert sentence in ran.out, ran.out
    assert state in ran.out
    assert "fix: Update the link's stack" in ran.out
    assert _things(owner) == before, "what unexpectedly succeeds is taken back"
    listed = world.csoc("account", "list", "--check")
    assert listed.code == 1
    assert state in listed.out


def _things(owner: Any) -> tuple[set[str], set[str], list[Any]]:
    stacks = owner.client("cloudformation").describe_stacks()["Stacks"]
    roles = owner.client("iam").list_roles()["Roles"]
    tags = [owner.client("iam").list_role_tags(RoleName=role["RoleName"])["Tags"] for role in roles]
    return {one["StackName"] for one in stacks}, {one["RoleName"] for one in roles}, tags


def test_a_stack_with_another_external_id_is_no_link(world: World) -> None:
    owner = world.owner()
    begun = world.link("research", owner)
    world.make(owner, begun, ExternalId=begun["externalId"][:-30] + "b" * 30)
    ran = world.csoc("account", "verify", "research")
    assert ran.code == 1
    assert "Make the stack as `csoc account link research` says" in ran.out
    with patch("csoc.cli.output.console_width", lambda **_: 80):
        lines = world.csoc("account", "list").out.splitlines()
    [row] = [line for line in lines if line.startswith("research")]
    assert "broken" in row
    assert len([line for line in lines if line.strip()]) == 1 + 2 + 1 + 1, "a title, a head, the link and a hint"
    assert max(map(len, lines)) <= 80


def test_an_external_id_that_changes_later_breaks_the_link_until_it_is_put_back(world: World) -> None:
    owner = world.linked("research")
    begun = world.link("research", owner)
    world.make(owner, begun, ExternalId=begun["externalId"][:-30] + "b" * 30)
    assert world.csoc("account", "verify", "research").code == 1
    assert world.csoc("account", "list", "--json").data[0]["state"] == "broken"
    world.make(owner, begun)
    world.done(world.csoc("account", "verify", "research"))


def test_a_trust_that_is_weakened_later_is_found_by_the_daily_look(world: World) -> None:
    owner = world.linked("research")
    assert world.done(world.csoc("account", "verify", "--all", "--due", "--json")).data["links"] == []
    world.make(owner, world.link("research", owner), _any_external_id)
    ran = world.csoc("account", "verify", "--all")
    assert (ran.code, "trust weakened" in ran.out) == (1, True)


def _unseen(body: dict[str, Any]) -> None:
    """Somebody else may take the provisioner's role, CloudFormation may do what it must not, and csoc may not look."""
    trust = body["Resources"]["ProvisionerRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trust.append(
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    )
    _more("ExecutionRole", {"Action": ["iam:AttachRolePolicy", "iam:PassRole", "sts:*"], "Resource": "*"})(body)
    _more("ObserverRole", {"Effect": "Deny", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"})(body)


def test_what_is_hidden_from_csoc_is_taken_for_wrong(world: World) -> None:
    owner = world.linked("research")
    world.make(owner, world.link("research", owner), _unseen)
    ran = world.csoc("account", "verify", "research")
    assert (ran.code, "research (" in ran.out, ": trust weakened; " in ran.out) == (1, True, True), ran.out
    assert "Nobody can judge whom the provisioner role trusts, since AWS denies it" in ran.out
    assert "Nobody can judge what the execution role may do, since AWS denies it" in ran.out
    listed = world.csoc("account", "list", "--check")
    assert (listed.code, "trust weakened" in listed.out, "Nobody can judge" in listed.out) == (1, True, True)
    world.make(owner, world.link("research", owner))
    world.done(world.csoc("account", "verify", "research"))
    world.done(world.csoc("account", "list", "--check"))


def test_what_could_not_be_found_out_is_no_success(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.linked("research")

    def away(_session: object, _arn: str) -> None:
        raise UnavailableError("IAM does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(AwsSession, "policy", away)
        ran = world.csoc("account", "verify", "research")
        assert (ran.code, "could not find out: boundary, as in the template" in ran.out) == (1, True), ran.out
    listed = world.csoc("account", "list", "--check")
    assert (listed.code, "verified" in listed.out) == (1, True), "the link stays what it was"
    assert "IAM does not" in listed.out


def test_another_account_in_git_than_the_link_was_made_for_is_refused(world: World) -> None:
    owner = world.linked("research")
    document = world.csoc.folder / "accounts" / "research.yaml"
    other = world.owner().account
    document.write_text(document.read_text().replace(owner.account, other))
    ran = world.csoc("account", "verify", "research")
    assert ran.code == 5
    assert f"research is the account {other} in Git; its link is to {owner.account}" in ran.err


def test_what_a_feature_lacks_is_shown_with_the_statement_to_paste(world: World) -> None:
    owner = world.owner()

    def poorer(body: dict[str, Any]) -> None:
        statements = body["Resources"]["ExecutionEdgePolicy"]["Properties"]["PolicyDocument"]["Statement"]
        records = next(one for one in statements if one["Sid"] == "Records")
        statements.remove(records)

    world.make(owner, world.link("research", owner), poorer)
    ran = world.done(world.csoc("account", "verify", "research"))
    assert "edge does not work" in ran.out
    pasted = json.loads(next(line for line in ran.out.splitlines() if line.strip().startswith("{")))
    assert pasted["Action"] == ["route53:ChangeResourceRecordSets"]
    assert "An update of the template is available" in ran.out


def test_unlinking_ends_it_at_once_and_says_what_stays(world: World) -> None:
    owner = world.linked("research")
    world.write("clusters/reef/cluster.yaml", _CLUSTER)
    world.write("commons/kelp/kelp-dev/environment.yaml", _ENVIRONMENT)
    asked = world.done(world.csoc("account", "unlink", "research"))
    owners = "cluster reef, environment kelp-dev. They cannot be planned until it is linked again"
    assert owners in asked.out
    assert "To do it: csoc account unlink research --yes research" in asked.out
    assert world.csoc("account", "unlink", "research", "--yes", "other").code == 1
    assert [one["account"] for one in world.csoc("account", "list", "--json").data] == ["research"]
    ran = world.done(world.csoc("account", "unlink", "research", "--yes", "research"))
    assert owners in ran.out
    assert "The stack CsocLink-" in ran.out
    assert "aws cloudformation delete-stack" in ran.out
    assert "accounts/research.yaml" in ran.out
    assert world.csoc("account", "verify", "research").code == 4
    past = world.done(world.csoc("account", "list", "--past", "--json")).data
    assert [(one["account"], one["id"], one["state"], one["by"]) for one in past] == [
        ("research", owner.account, "unlinked", "ada@example.org")
    ]


def test_the_owners_own_credentials_delete_the_stack_and_no_others_do(world: World) -> None:
    owner, stranger = world.linked("research"), world.owner()
    config = world.csoc.home / "aws"
    profiles = {"owner": owner.variables(), "stranger": stranger.variables()}
    config.write_text(
        "".join(
            f"[profile {name}]\naws_access_key_id={one['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key={one['AWS_SECRET_ACCESS_KEY']}\nregion={REGION}\n"
            for name, one in profiles.items()
        )
    )
    world.csoc.variables["AWS_CONFIG_FILE"] = str(config)
    ran = world.csoc("account", "unlink", "research", "--yes", "research", "--owner-profile", "stranger")
    assert (ran.code, f"of the account {stranger.account}, not of {owner.account}" in ran.err) == (5, True)
    assert world.csoc("account", "list", "--json").data == [], "it is taken back all the same"
    world.make(owner, world.link("research", owner))
    world.done(world.csoc("account", "unlink", "research", "--yes", "research", "--owner-profile", "owner"))
    assert owner.client("iam").list_roles()["Roles"] == []
    world.linked_again("research", owner)


def test_no_secret_is_printed_or_kept(world: World) -> None:
    owner = world.linked("research")
    said = [
        world.csoc("account", *words)
        for words in (("doctor",), ("link", "research"), ("verify", "research", "-v"), ("list", "--json"))
    ]
    token = world.csoc.variables["AWS_SESSION_TOKEN"]
    secrets = [world.csoc.variables["AWS_SECRET_ACCESS_KEY"], token, owner.variables()["AWS_SECRET_ACCESS_KEY"]]
    text = "".join(ran.out + ran.err for ran in said)
    kept = b"".join(
        path.read_bytes() for path in world.csoc.home.parent.rglob("*") if path.is_file() and path.name != "config.toml"
    )
    for secret in secrets:
        assert secret not in text
        assert secret.encode() not in kept
    external_id = world.link("research", owner)["externalId"]
    assert external_id not in said[3].out, "it is for those who link"


def test_in_a_folder_that_is_no_repository_the_document_is_written_and_nothing_else(world: World) -> None:
    shutil.rmtree(world.csoc.folder / ".git")
    before = {path for path in world.csoc.folder.rglob("*") if path.is_file()}
    begun = world.link("research", world.owner())
    after = {path for path in world.csoc.folder.rglob("*") if path.is_file()}
    assert begun["commit"] is None
    assert after - before == {world.csoc.folder / "accounts" / "research.yaml"}
    assert world.done(world.csoc("account", "link", "research", "--json")).data["externalId"] == begun["externalId"]

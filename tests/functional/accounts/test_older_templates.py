"""Links whose stack has a template of an earlier csoc, and links that somebody changed: each is told for what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from csoc.accounts import names, roles
from csoc.accounts.boundary import boundary
from csoc.accounts.links import Role
from csoc.accounts.terms import Terms, policy, statement
from tests.functional.accounts.conftest import World

_LISTING = {"Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*"}


def be_older(patched: pytest.MonkeyPatch, *more: dict[str, Any]) -> None:
    """An earlier csoc, whose provisioner may list topics and cannot keep templates, and whose boundary is wider. more:
    statements of its provisioner."""
    provision = roles._provision

    def earlier(terms: Terms) -> Any:
        kept = [one for one in provision(terms)["Statement"] if one["Sid"] != "Templates"]
        return policy(*kept, statement("Listing", ["sns:ListTopics"]), *more)

    def wider(terms: Terms) -> Any:
        return policy(*boundary(terms)["Statement"], statement("Wider", ["dynamodb:*"]))

    patched.setattr(roles, "_provision", earlier)
    patched.setattr("csoc.accounts.roles.boundary", wider)


@pytest.fixture
def older(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, Any]]:
    """The owner of an account that an earlier csoc linked, and what that csoc gave to them."""
    with monkeypatch.context() as patched:
        be_older(patched)
        owner = world.linked("research")
        return owner, world.link("research", owner)


def outcomes(world: World) -> dict[str, tuple[str, str | None]]:
    """What was found of the link, by test, without what went well."""
    [link] = world.csoc("account", "list", "--json").data
    return {one["name"]: (one["outcome"], one["severity"]) for one in link["checks"] if one["outcome"] != "ok"}


def test_an_older_template_is_no_weakness_and_the_way_to_a_newer_one_is_shown(
    world: World, older: tuple[Any, dict[str, Any]]
) -> None:
    owner, begun = older
    ran = world.done(world.csoc("account", "verify", "research"))
    assert f"research ({owner.account}): verified; " in ran.out
    assert "older template: stack of the link" in ran.out
    assert "What lacks rights: provision" in ran.out
    assert "It may sns:ListTopics on *: the older template gives that" in ran.out
    assert "`csoc account link research` prints the commands that do it" in ran.out
    assert "paste this" not in ran.out, "a statement pasted into an older template would be a change of it"
    assert outcomes(world) == {
        "stack of the link": ("older template", "low"),
        "provisioner role, rights beyond the template": ("older template", "low"),
        "boundary, as in the template": ("older template", "low"),
    }
    listed = world.done(world.csoc("account", "list", "--check"))
    assert "an older template, without rights for" in listed.out
    newer = world.link("research", owner)
    assert newer["templateDigest"] != begun["templateDigest"]
    world.make(owner, newer)
    world.done(world.csoc("account", "verify", "research"))
    assert outcomes(world) == {}


def test_a_changed_stack_that_looks_like_an_older_one_is_weakened(
    world: World, older: tuple[Any, dict[str, Any]]
) -> None:
    owner, begun = older
    client = owner.client("cloudformation")
    [before] = client.describe_stacks()["Stacks"]

    def more(body: dict[str, Any]) -> None:
        made = body["Resources"]["ProvisionerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        next(one for one in made if one["Sid"] == "Listing")["Action"].append("sns:Publish")

    world.make(owner, begun, more)
    [after] = client.describe_stacks()["Stacks"]
    for what in ("StackName", "Description", "Tags", "Parameters", "Outputs"):
        assert after.get(what) == before.get(what), "nothing but the template's text says it"
    for _ in range(2):
        ran = world.csoc("account", "verify", "research")
        assert (ran.code, f"research ({owner.account}): trust weakened; " in ran.out) == (1, True), ran.out
        assert "Somebody changed the stack: its template is none that csoc made for this link" in ran.out
        assert "older template" not in ran.out, "what was seen last is no template of csoc's"
    assert outcomes(world)["provisioner role, rights beyond the template"] == ("wrong", "high")


def test_a_role_that_was_changed_past_an_older_stack_is_weakened(
    world: World, older: tuple[Any, dict[str, Any]]
) -> None:
    owner, begun = older
    name = names.link_role(begun["stack"].removeprefix("CsocLink-"), Role.EXECUTION)
    document = {"Version": "2012-10-17", "Statement": [{**_LISTING, "Action": "sns:Publish"}]}
    owner.client("iam").put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=json.dumps(document))
    ran = world.csoc("account", "verify", "research")
    assert (ran.code, ": trust weakened; " in ran.out) == (1, True), ran.out
    assert "It may sns:Publish on *. Somebody changed it past the stack, whose template is as csoc made it" in ran.out
    found = outcomes(world)
    assert found["execution role, rights beyond the template"] == ("wrong", "high")
    assert found["provisioner role, rights beyond the template"] == ("older template", "low")


def test_a_stack_that_goes_back_to_an_older_template_is_weakened(
    world: World, older: tuple[Any, dict[str, Any]]
) -> None:
    owner, begun = older
    world.make(owner, world.link("research", owner))
    world.done(world.csoc("account", "verify", "research"))
    world.make(owner, begun)
    ran = world.csoc("account", "verify", "research")
    assert (ran.code, ": trust weakened; " in ran.out) == (1, True), ran.out
    assert "It may sns:ListTopics on *. Somebody changed the stack" in ran.out


def test_an_older_template_that_lets_too_much_in_is_weak_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        be_older(patched, statement("Roles", ["iam:CreateRole", "iam:DeleteRole"]))
        owner = world.owner()
        world.make(owner, world.link("research", owner))
    ran = world.csoc("account", "verify", "research")
    assert (ran.code, ": trust weakened; " in ran.out) == (1, True), ran.out
    assert "so it could make itself an administrator" in ran.out
    assert outcomes(world)["provisioner role, rights beyond the template"] == ("older template", "low")

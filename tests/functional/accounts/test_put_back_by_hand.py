"""What was changed past a link's stack is put back by the commands that csoc shows, typed as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from csoc.emulator.owners import OwnerOf
from tests.functional.accounts.conftest import World

# As much of AWS's program as the commands use: an option is a parameter, and one query.
AWS = """#!{python}
import sys, boto3
service, operation, *words = sys.argv[1:]
given, region = {{}}, None
while words:
    option, *rest = words
    if rest and not rest[0].startswith("--"):
        value, words = rest[0], rest[1:]
    else:
        value, words = True, rest
    given[option[2:]] = value
region, query = given.pop("region", None), given.pop("query", None)
assert (given.pop("output", "text"), bool(query)) == ("text", operation == "describe-stacks")
made = {{"".join(part.capitalize() for part in name.split("-")): value for name, value in given.items()}}
if "MaxSessionDuration" in made:
    made["MaxSessionDuration"] = int(made["MaxSessionDuration"])
found = getattr(boto3.client(service, region_name=region), operation.replace("-", "_"))(**made)
if query:
    assert query == "Stacks[0].Parameters[?ParameterKey=='ExternalId'].ParameterValue", query
    print(*[one["ParameterValue"] for one in found["Stacks"][0]["Parameters"] if one["ParameterKey"] == "ExternalId"])
"""
MORE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
ANYBODY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole"]}],
    }
)


def _name(iam: Any, kind: str) -> str:
    return next(str(one["RoleName"]) for one in iam.list_roles()["Roles"] if one["RoleName"].endswith(f"-{kind}"))


def _arn(iam: Any, kind: str) -> str:
    found = iam.list_policies(Scope="Local")["Policies"]
    return next(str(one["Arn"]) for one in found if one["PolicyName"].endswith(f"-{kind}"))


def _policy_too_many(iam: Any) -> None:
    iam.put_role_policy(RoleName=_name(iam, "execution"), PolicyName="more=1", PolicyDocument=MORE)


def _attached(iam: Any) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_role_policy(RoleName=_name(iam, "secrets"), PolicyArn=arn)


def _wider(iam: Any) -> None:
    iam.put_role_policy(RoleName=_name(iam, "secrets"), PolicyName="secrets", PolicyDocument=MORE)


def _trusting(iam: Any) -> None:
    for kind in ("provisioner", "execution"):
        iam.update_assume_role_policy(RoleName=_name(iam, kind), PolicyDocument=ANYBODY)


def _long(iam: Any) -> None:
    iam.update_role(RoleName=_name(iam, "cluster"), MaxSessionDuration=43_200)


def _other_version(iam: Any) -> None:
    for kind in ("boundary", "execution-network"):
        iam.create_policy_version(PolicyArn=_arn(iam, kind), PolicyDocument=MORE, SetAsDefault=True)


CHANGES: dict[str, tuple[tuple[Callable[[Any], None], ...], tuple[str, ...]]] = {
    "policies": (
        (_policy_too_many, _attached, _wider),
        ("-execution --policy-name more=1", "detach-role-policy --role-name", "put-role-policy --role-name"),
    ),
    "trust": ((_trusting, _long), ("update-assume-role-policy --role-name", "--max-session-duration 3600")),
    "versions": ((_other_version,), ("create-policy-version --set-as-default --policy-arn",)),
}


@pytest.mark.parametrize("case", list(CHANGES))
def test_what_was_changed_past_the_stack_is_put_back_by_the_commands_that_are_shown(
    world: World, tmp_path: Path, case: str
) -> None:
    changes, named = CHANGES[case]
    owner = world.linked("research")
    for change in changes:
        change(owner.client("iam"))
    shown = world.csoc("account", "verify", "research")
    assert (shown.code, "trust weakened" in shown.out) == (1, True), shown.out
    assert "past the stack" in shown.out
    assert "Update the link's stack" not in shown.out, "CloudFormation would find nothing to change"
    lines = list(dict.fromkeys(one for one in shown.out.splitlines() if one.startswith(("aws ", "EXTERNAL_ID="))))
    assert [one for one in named if one not in "\n".join(lines)] == []
    external_id = world.link("research", owner)["externalId"]
    assert external_id not in shown.out, "it is for those who link"
    _typed(owner, tmp_path, lines)
    world.done(world.csoc("account", "verify", "research"))


def _typed(owner: OwnerOf, folder: Path, lines: list[str]) -> None:
    """The account's owner pastes lines into a shell."""
    program = folder / "bin" / "aws"
    program.parent.mkdir()
    program.write_text(AWS.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    variables = {**os.environ, **owner.variables(), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    ran = subprocess.run(["bash", "-eu"], input="\n".join(lines), text=True, env=variables, capture_output=True)
    assert ran.returncode == 0, ran.stderr


def test_an_observer_that_may_not_look_gets_its_policy_back(world: World, tmp_path: Path) -> None:
    owner = world.linked("research")
    iam = owner.client("iam")
    iam.put_role_policy(RoleName=_name(iam, "observer"), PolicyName="observe", PolicyDocument=MORE)
    shown = world.csoc("account", "verify", "research")
    assert "Nobody can judge" in shown.out
    [put] = [one for one in shown.out.splitlines() if one.startswith("aws iam put-role-policy")]
    assert put.count("--policy-name observe") == 1
    _typed(owner, tmp_path, [put])
    world.done(world.csoc("account", "verify", "research"))


def test_a_role_that_is_gone_is_made_again_with_the_stack(world: World) -> None:
    iam = world.linked("research").client("iam")
    name = _name(iam, "secrets")
    iam.delete_role_policy(RoleName=name, PolicyName="secrets")
    iam.delete_role(RoleName=name)
    shown = world.csoc("account", "verify", "research")
    assert "The role is gone" in shown.out
    assert "make it again with `csoc account link research`" in shown.out

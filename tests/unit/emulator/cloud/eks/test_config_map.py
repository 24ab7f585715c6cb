"""Who gets into a cluster of EKS: by the ConfigMap aws-auth, by access entries, in each authentication mode."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloud.eks.config_map import AuthMap, Mapped, read
from csoc.emulator.cloud.eks.records import ClusterRecord, ClusterUser
from csoc.emulator.cloud.eks.tokens import user_of

ACCOUNT = "111122223333"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/Admin"
ROLES = f"""
- rolearn: {ADMIN}
  username: "admin:{{{{SessionName}}}}"
  groups: ["system:masters", "of:{{{{AccountID}}}}"]
"""


def session(role: str = "Admin", path: str = "/", name: str = "eva@example.org", account: str = ACCOUNT) -> Identity:
    principal = f"arn:aws:iam::{account}:role{path}{role}"
    return Identity(account, f"arn:aws:sts::{account}:assumed-role/{role}/{name}", principal, f"AROA1:{name}")


def user(name: str = "joe", path: str = "/") -> Identity:
    arn = f"arn:aws:iam::{ACCOUNT}:user{path}{name}"
    return Identity(ACCOUNT, arn, arn, "AIDA1")


def record(mode: str, *entries: str) -> ClusterRecord:
    body = {"name": "tide", "accessConfig": {"authenticationMode": mode}}
    kept = {one: {"username": f"entry of {one}", "kubernetesGroups": ["from-entry"]} for one in entries}
    return ClusterRecord(body, "id", "arn:aws:iam::111122223333:user/maker", entries=kept)


def let_in(mode: str, who: Identity, *entries: str, **data: str) -> ClusterUser | None:
    return user_of(who, record(mode, *entries), lambda: read(data))


@pytest.mark.parametrize(("mode", "gets_in"), [("CONFIG_MAP", True), ("API_AND_CONFIG_MAP", True), ("API", False)])
def test_the_config_map_counts_in_the_modes_that_name_it(mode: str, gets_in: bool) -> None:
    found = let_in(mode, session(), mapRoles=ROLES)
    assert (found is not None) is gets_in
    if found is not None:
        assert (found.name, found.groups) == ("admin:eva-example.org", ("system:masters", f"of:{ACCOUNT}"))
        assert found.policies == ()


@pytest.mark.parametrize(("mode", "gets_in"), [("CONFIG_MAP", False), ("API_AND_CONFIG_MAP", True), ("API", True)])
def test_access_entries_count_in_the_modes_that_name_them_and_come_first(mode: str, gets_in: bool) -> None:
    found = let_in(mode, session(), ADMIN)
    assert (found is not None) is gets_in
    both = let_in("API_AND_CONFIG_MAP", session(), ADMIN, mapRoles=ROLES)
    assert both is not None
    assert both.groups == ("from-entry",)


def test_who_made_the_cluster_gets_in_by_the_config_map_s_mode_alone() -> None:
    maker = user("maker")
    found = let_in("CONFIG_MAP", maker)
    assert found is not None
    assert found.groups == ("system:masters",)
    assert let_in("API_AND_CONFIG_MAP", maker) is None
    assert let_in("API", maker) is None


def test_a_role_with_a_path_is_found_by_its_arn_without_one() -> None:
    with_path = f"arn:aws:iam::{ACCOUNT}:role/team/Admin"
    who = session(path="/team/")
    assert let_in("CONFIG_MAP", who, mapRoles=ROLES.replace(ADMIN, with_path)) is None
    assert let_in("CONFIG_MAP", who, mapRoles=ROLES) is not None
    assert let_in("API", who, with_path) is not None
    assert let_in("API", who, ADMIN) is None


def test_users_and_accounts_are_mapped_and_arns_are_compared_in_small_letters() -> None:
    joe = f"- userARN: ARN:aws:iam::{ACCOUNT}:user/Team/JOE\n  groups: [viewers]\n"
    found = let_in("CONFIG_MAP", user("joe", "/team/"), mapUsers=joe)
    assert found is not None
    assert found.groups == ("viewers",)
    anybody = let_in("CONFIG_MAP", user(), mapAccounts=f'["{ACCOUNT}"]')
    assert anybody is not None
    assert (anybody.name, anybody.groups) == (f"arn:aws:iam::{ACCOUNT}:user/joe", ())
    assert let_in("CONFIG_MAP", session(account="444455556666"), mapAccounts=f'["{ACCOUNT}"]') is None


def test_what_is_wrong_is_left_out_and_the_rest_counts() -> None:
    text = "- 7\n- {rolearn: 5}\n- {username: nobody}\n- {rolearn: x, username: [1]}\n" + ROLES.strip()
    found = read({"mapRoles": text, "mapUsers": "- {userarn: u, groups: system:masters}"})
    assert set(found.roles) == {ADMIN.lower()}
    assert found.users == {"u": Mapped("u", ())}


@pytest.mark.parametrize(
    "text",
    [
        "{", "\x00", "\ud800", "[" * 20_000, "a: &a [*a]", "!!python/object/apply:os.system [id]", "plain",
        "- &a\n- *b",
        "&a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(f"- &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "x" * 2_000_000,
    ],
    ids=range(10),
)  # fmt: skip
def test_hostile_yaml_lets_nobody_in_and_spoils_no_other_part(text: str) -> None:
    found = read({"mapRoles": text, "mapAccounts": text, "mapUsers": f"- userarn: {user().arn}"})
    assert found.roles == {}
    assert ACCOUNT not in found.accounts
    assert found.of(user()) is not None
    assert found.of(session()) is None


def test_nothing_lets_nobody_in() -> None:
    data: dict[str, Any] = {}
    assert read(data) == AuthMap()
    assert AuthMap().of(session()) is None

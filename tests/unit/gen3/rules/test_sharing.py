"""What two environments share: each rule of its kind, and what all of them leave alone."""

from dataclasses import replace

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules import (
    bucket_shared,
    database_shared,
    hostname_shared,
    queue_shared,
    search_index_shared,
    secret_shared,
)
from csoc.gen3.rules.model import Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import MANIFEST, EnvironmentView, unknown
from csoc.testing.states import environment_view, fleet_state
from tests.unit.gen3.rules.making import claiming, fleet_hits

RULES = [
    (bucket_shared.RULE, "bucket"),
    (database_shared.RULE, "database"),
    (hostname_shared.RULE, "hostname"),
    (queue_shared.RULE, "queue"),
    (search_index_shared.RULE, "search index"),
    (secret_shared.RULE, "secret"),
]
each_rule = pytest.mark.parametrize(("rule", "kind"), RULES, ids=[kind for _, kind in RULES])


def fleet(kind: str, views: list[EnvironmentView], *accesses: str, scopes: tuple[str, ...] = ()) -> FleetState:
    names = [view.name for view in views]
    known = {
        name: claiming(name, kind, "thing", access, scopes[index] if scopes else "")
        for index, (name, access) in enumerate(zip(names, accesses, strict=True))
    }
    return fleet_state(views, known)


PROD, STAGING = environment_view("prod"), environment_view("staging", stage="staging")


@each_rule
def test_one_name_owned_by_two_is_one_hit_with_both_lines(rule: Rule, kind: str) -> None:
    (hit,) = fleet_hits(rule, fleet(kind, [PROD, STAGING], "own", "own"))
    assert hit.environments == ("prod", "staging")
    assert [str(item.location) for item in hit.evidence] == ["prod.yaml:7", "staging.yaml:7"]
    assert "thing" in hit.cause


@each_rule
def test_quiet_for_what_is_only_read_by_the_other(rule: Rule, kind: str) -> None:
    assert not fleet_hits(rule, fleet(kind, [PROD, STAGING], "own", "read"))
    assert not fleet_hits(rule, fleet(kind, [PROD, STAGING], "read", "read"))
    assert not fleet_hits(rule, fleet(kind, [PROD, STAGING], "own", "use"))


@each_rule
def test_quiet_for_one_name_in_two_accounts_or_clusters(rule: Rule, kind: str) -> None:
    assert not fleet_hits(rule, fleet(kind, [PROD, STAGING], "own", "own", scopes=("1", "2")))


@each_rule
def test_quiet_for_blue_and_green_of_one_stage(rule: Rule, kind: str) -> None:
    blue, green = environment_view("blue", slot="blue"), environment_view("green", slot="green")
    assert not fleet_hits(rule, fleet(kind, [blue, green], "own", "own"))


@each_rule
def test_slots_of_two_commons_or_stages_do_not_take_turns(rule: Rule, kind: str) -> None:
    blue = environment_view("blue", slot="blue")
    assert fleet_hits(rule, fleet(kind, [blue, environment_view("b", slot="green", commons="beta")], "own", "own"))
    assert fleet_hits(rule, fleet(kind, [blue, environment_view("b", slot="green", stage="staging")], "own", "own"))
    nameless = replace(environment_view("b", slot="green"), stage=unknown("test"))
    assert fleet_hits(rule, fleet(kind, [replace(nameless, name="a"), nameless], "own", "own"))


@each_rule
def test_quiet_for_an_older_manifest_beside_its_successor(rule: Rule, kind: str) -> None:
    old = replace(environment_view("old"), system=MANIFEST)
    assert not fleet_hits(rule, fleet(kind, [old, PROD], "own", "own"))


@each_rule
def test_quiet_for_two_claims_of_one_environment_and_other_kinds(rule: Rule, kind: str) -> None:
    one = claiming("prod", kind, "thing")
    twice = replace(one, claims=(*one.claims, replace(one.claims[0], key="other")))
    assert not fleet_hits(rule, fleet_state([PROD, STAGING], {"prod": twice}))
    assert not fleet_hits(rule, fleet("role", [PROD, STAGING], "own", "own"))


def test_a_queue_that_another_only_sends_to_is_said_to_be_that() -> None:
    (hit,) = fleet_hits(queue_shared.RULE, fleet("queue", [PROD, STAGING], "own", "write"))
    assert (hit.severity, hit.cause) == (Severity.LOW, "Other environments send to the queue that prod reads: thing")
    assert not fleet_hits(queue_shared.RULE, fleet("queue", [PROD, STAGING], "write", "write"))


def test_a_bucket_that_both_only_write_to_is_found() -> None:
    assert fleet_hits(bucket_shared.RULE, fleet("bucket", [PROD, STAGING], "write", "write"))

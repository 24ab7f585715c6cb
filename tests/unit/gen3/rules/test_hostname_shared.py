"""Hostnames of two environments, from values."""

from dataclasses import replace

from csoc.gen3.rules.hostname_shared import RULE
from csoc.gen3.views import Fact
from tests.unit.gen3.rules.making import fleet_hits, from_values

HOST = "revproxy:\n  hostname: alpha.example.org\n"


def test_one_hostname_of_two_environments_is_found_with_both_lines() -> None:
    (hit,) = fleet_hits(RULE, from_values(prod=HOST, staging=HOST.replace("alpha", "ALPHA")))
    assert hit.environments == ("prod", "staging")
    assert [item.location.line for item in hit.evidence if item.location] == [5, 5]


def test_quiet_for_hostnames_of_their_own_and_for_none() -> None:
    assert not fleet_hits(RULE, from_values(prod=HOST, staging=HOST.replace("alpha", "staging.alpha")))
    assert not fleet_hits(RULE, from_values(prod="", staging=""))


def test_quiet_for_blue_and_green_that_take_turns_at_one_hostname() -> None:
    state = from_values(one=HOST, two=HOST)
    slots = [
        replace(view, slot=Fact(slot, "test"))
        for view, slot in zip(state.view.environments, ("blue", "green"), strict=True)
    ]
    assert not fleet_hits(RULE, replace(state, view=replace(state.view, environments=slots)))


def test_survives_other_shapes() -> None:
    assert not fleet_hits(RULE, from_values(prod="revproxy: text\n", staging="revproxy: {ingress: {hosts: [1]}}\n"))

"""Facts of an environment in one line, for tests of rules that compare environments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csoc.gen3.extract import extract
from csoc.gen3.facts import Access, Claim, EnvironmentFacts, Kind, ServiceFact
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import EnvironmentView
from csoc.testing.states import environment_state, environment_view, fleet_state, location


def service(name: str, tag: str, *, on: bool = True, pinned: bool = True, repository: str = "") -> ServiceFact:
    """A service with a tag; pinned ones are written in line 3 of values.yaml."""
    place = location("values.yaml", 3) if pinned else None
    return ServiceFact(name, on, repository or f"quay.io/cdis/{name}", tag, pinned, place)


def facts(environment: str, *services: ServiceFact, complete: bool = True, **settings: object) -> EnvironmentFacts:
    """The facts of one environment; settings have "__" for dots."""
    return EnvironmentFacts(
        environment,
        services={item.name: item for item in services},
        settings={name.replace("__", "."): value for name, value in settings.items()},
        complete=complete,
    )


def claiming(environment: str, kind: str, identity: str, access: str = "own", scope: str = "") -> EnvironmentFacts:
    """The facts of an environment that claims one thing, in line 7 of its values."""
    claim = Claim(Kind(kind), identity, scope, Access(access), f"test.{kind}", location(f"{environment}.yaml", 7))
    return EnvironmentFacts(environment, claims=(claim,))


def from_values(**values: str) -> FleetState:
    """A fleet of one environment for each text of values, all of one account, with the facts that csoc extracts. Names
    with "staging" in them are of that stage, all others are production."""
    views = [
        environment_view(name, stage="staging" if "staging" in name else "prod", release=name, namespace=name)
        for name in values
    ]
    account = "global:\n  dev: false\n  aws: {account: '123456789012'}\n"
    states = {view.name: environment_state(account + values[view.name], view=view) for view in views}
    return fleet_state(views, {name: extract(state) for name, state in states.items()}, states=states)


def application_view(
    name: str = "alpha-prod", *, stage: str = "prod", namespace: str = "alpha", **fields: Any
) -> EnvironmentView:
    """An environment whose Application has these fields."""
    made = environment_view(name, stage=stage, namespace=namespace)
    return replace(made, application=replace(made.application, **fields))


def fleet_hits(rule: Rule, state: FleetState) -> list[Hit]:
    """What a rule about the fleet finds."""
    assert rule.fleet is not None
    return list(rule.fleet(state))

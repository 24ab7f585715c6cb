"""Facts of an environment in one line, for tests of rules that compare environments."""

from __future__ import annotations

from csoc.gen3.facts import Claim, EnvironmentFacts, ServiceFact
from csoc.testing.states import location


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
    claim = Claim(kind, identity, scope, access, f"test.{kind}", location(f"{environment}.yaml", 7))
    return EnvironmentFacts(environment, claims=(claim,))

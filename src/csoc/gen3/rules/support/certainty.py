"""When what is not there may still be somewhere else, and when a careless setting is meant.

A rule that finds something missing is only right if everything was seen; an environment whose value file is not in Git
shows the chart's defaults, which run nowhere. And what would be a hole in production is convenience on a developer's
own.
"""

from __future__ import annotations

from csoc.gen3.claims.from_values import comes_from_manager
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.state import EnvironmentState

TRIAL_STAGES = frozenset({"dev", "test", "qa", "ci", "local", "sandbox"})


def values_complete(state: EnvironmentState) -> bool:
    """False if a value file is missing that Argo CD insists on: then absence says nothing."""
    return all(item.tolerated for item in state.values.missing)


def is_trial(state: EnvironmentState) -> bool:
    """True where people try things: a development stage, or the chart's own development mode without a stage."""
    stage = state.view.stage
    if stage.known:
        return stage.value in TRIAL_STAGES
    return state.get("global.dev") is True


def on(state: EnvironmentState, service: str) -> bool:
    """True if the chart would deploy the service."""
    return Gen3Values(state).on(service)


def made_by_helm(state: EnvironmentState, service: str, secret: str) -> bool:
    """True if the Kubernetes secret of the service is made from values, so that what values say is what runs."""
    values = Gen3Values(state)
    entry = values.catalogue.services[service]
    found = next(item for item in entry.secrets if item.name == secret)
    return not comes_from_manager(values, found)

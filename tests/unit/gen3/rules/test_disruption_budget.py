"""Disruption budgets that block drains, and those that say nothing."""

from typing import Any

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.disruption_budget import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, line, made, workload

VALUES = "global:\n  minAvailable: 2\n"


def budget(**numbers: Any) -> dict[str, Any]:
    return made("PodDisruptionBudget", "fence-pdb", spec={**numbers, "selector": {"matchLabels": {"app": "fence"}}})


def scaler(least: int) -> dict[str, Any]:
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "fence"}, "minReplicas": least}
    return made("HorizontalPodAutoscaler", "fence-hpa", spec=spec)


@pytest.mark.parametrize("numbers", [{"minAvailable": 2}, {"minAvailable": "100%"}, {"maxUnavailable": 0}])
def test_a_budget_that_lets_no_pod_go_is_found(numbers: dict[str, Any]) -> None:
    (hit,) = check(environment_state(VALUES, objects=[budget(**numbers), workload("fence", replicas=2)]))
    assert (hit.key, line(hit), hit.severity) == ("fence-pdb", 2, None)


def test_the_autoscalers_least_number_counts() -> None:
    objects = [budget(minAvailable=1), workload("fence"), scaler(1)]
    assert [hit.key for hit in check(environment_state("", objects=objects))] == ["fence-pdb"]
    assert not list(check(environment_state("", objects=[budget(minAvailable=1), workload("fence"), scaler(2)])))


def test_a_budget_without_a_number_protects_nothing() -> None:
    (hit,) = check(environment_state("", objects=[budget(minAvailable=None), workload("fence", replicas=2)]))
    assert (hit.key, hit.severity) == ("fence-pdb empty", Severity.LOW)


def test_quiet_where_one_pod_may_go() -> None:
    assert not list(check(environment_state("", objects=[budget(minAvailable=1), workload("fence", replicas=2)])))
    assert not list(check(environment_state("", objects=[budget(maxUnavailable=1), workload("fence", replicas=1)])))


def test_quiet_where_the_pods_are_not_known_or_none() -> None:
    assert not list(check(environment_state("", objects=[budget(minAvailable=2), workload("other", replicas=1)])))
    assert not list(check(environment_state("", objects=[budget(minAvailable=2), workload("fence", replicas=0)])))


def test_quiet_for_budgets_whose_pods_are_chosen_in_another_way() -> None:
    narrowed = {"matchLabels": {"app": "fence"}, "matchExpressions": [{"key": "a"}]}
    selectors: list[dict[str, Any]] = [{"matchLabels": {}}, narrowed]
    for selector in selectors:
        body = made("PodDisruptionBudget", "x", spec={"minAvailable": 2, "selector": selector})
        assert not list(check(environment_state("", objects=[body, workload("fence", replicas=2)])))


def test_quiet_where_a_value_file_is_missing() -> None:
    state = environment_state("", objects=[budget(minAvailable=2), workload("fence", replicas=2)])
    assert not list(check(incomplete(state)))


def test_survives_wrong_types() -> None:
    for body in hostile_objects(budget(minAvailable=1)):
        list(check(environment_state("", objects=[body, workload("fence", replicas=2), scaler(1)])))
    for body in hostile_objects(workload("fence", replicas=2)):
        list(check(environment_state("", objects=[budget(minAvailable=1), body])))

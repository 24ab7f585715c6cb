"""Two Ingresses that claim one host."""

from typing import Any

import pytest

from csoc.gen3.rules.entry_point_twice import check
from csoc.testing.states import environment_state

HOST = "alpha.example.org"


def ingress(name: str, css_class: str = "", host: str = HOST, path: str = "/") -> dict[str, Any]:
    rule = {"host": host, "http": {"paths": [{"path": path}]}}
    spec: dict[str, Any] = {"rules": [rule]} | ({"ingressClassName": css_class} if css_class else {})
    return {"kind": "Ingress", "metadata": {"name": name}, "spec": spec}


def test_one_host_in_two_ingresses_of_one_class_is_found_with_both_switches() -> None:
    values = "global:\n  aws:\n    enabled: true\nrevproxy:\n  ingress:\n    enabled: true\n"
    (hit,) = check(environment_state(values, objects=[ingress("revproxy-alb", "alb"), ingress("own", "alb")]))
    assert HOST in hit.cause
    assert [item.location.line for item in hit.evidence if item.location] == [6, 3]


def test_a_missing_class_may_be_any() -> None:
    assert list(check(environment_state("", objects=[ingress("revproxy-dev"), ingress("own", "nginx")])))


@pytest.mark.parametrize(
    "objects",
    [
        [ingress("a", "alb"), ingress("b", "nginx")],
        [ingress("a", "alb"), ingress("b", "alb", host="beta.example.org")],
        [ingress("a", "alb"), ingress("b", "alb", path="/workspace")],
        [ingress("a", "alb")],
    ],
    ids=["an outer and an inner way", "two hosts", "two paths", "one"],
)
def test_quiet_where_they_do_not_meet(objects: list[dict[str, Any]]) -> None:
    assert not list(check(environment_state("", objects=objects)))


@pytest.mark.parametrize("spec", ["x", {"rules": [1, {"host": 2}]}, {"rules": {"a": 1}}])
def test_survives_shapes_that_nobody_foresaw(spec: object) -> None:
    assert not list(check(environment_state("", objects=[{"kind": "Ingress", "spec": spec}] * 2)))

"""Environments that nothing leads into."""

from typing import Any

import pytest

from csoc.gen3.rules.entry_point_missing import check
from csoc.testing.states import environment_state

CLOSED = "global: {dev: false}\nrevproxy:\n  enabled: true\n  ingress: {enabled: false}\n"
SERVICE: dict[str, Any] = {"kind": "Service", "metadata": {"name": "revproxy-service"}, "spec": {"type": "NodePort"}}


def leads(kind: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x"}, "spec": {"to": [{"name": "revproxy-service"}]}}


def test_no_object_that_leads_to_the_proxy_is_found() -> None:
    (hit,) = check(environment_state(CLOSED, objects=[SERVICE, leads("NetworkPolicy")]))
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 4


def test_values_alone_tell_it_too() -> None:
    assert list(check(environment_state(CLOSED)))


@pytest.mark.parametrize(
    "way",
    [
        leads("Ingress"),
        leads("Route"),
        leads("HTTPRoute"),
        leads("TargetGroupBinding"),
        {**SERVICE, "spec": {"type": "LoadBalancer"}},
    ],
)
def test_quiet_for_every_kind_of_way_in(way: dict[str, Any]) -> None:
    assert not list(check(environment_state(CLOSED, objects=[way])))


@pytest.mark.parametrize(
    "values",
    [
        CLOSED.replace("dev: false", "dev: true"),
        CLOSED.replace("dev: false", "dev: false, aws: {enabled: true}"),
        CLOSED.replace("ingress: {enabled: false}", "ingress: {enabled: true}"),
        CLOSED.replace("  enabled: true", "  enabled: false"),
    ],
    ids=["development", "a cloud", "an ingress of its own", "no proxy"],
)
def test_quiet_by_values_where_a_way_in_is_made_or_no_proxy_runs(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", ["global: {aws: text}\nrevproxy: text\n", "revproxy: {ingress: [1]}\nglobal: 1\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))
    list(check(environment_state(values, objects=[{"kind": "Service", "spec": "x"}, {"kind": []}])))

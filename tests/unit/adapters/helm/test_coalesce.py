"""Helm 3's rules for values, one by one. That they are Helm's is what the contract suite compares."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.adapters.helm.render import coalesce
from csoc.adapters.helm.render.coalesce import Chart, Dependency


def sub(values: dict[str, Any] | None = None, name: str = "sub", **more: Any) -> Chart:
    return Chart(name, "1.0.0", values or {}, **more)


def parent(values: dict[str, Any] | None = None, *charts: Chart, **more: Any) -> Chart:
    declared = more.pop("declared", [Dependency(chart.name, "*") for chart in charts])
    return Chart("top", "1.0.0", values or {}, declared, list(charts))


def test_null_removes_a_default_at_every_level() -> None:
    chart = parent({"a": 1, "m": {"x": 1, "y": 2}}, sub({"b": 1, "m": {"z": 1}}))
    user = {"a": None, "m": {"x": None}, "sub": {"b": None, "m": {"z": None}}}
    assert coalesce.effective(chart, user) == {"m": {"y": 2}, "sub": {"m": {}, "global": {}}}


def test_null_without_a_default_stays() -> None:
    assert coalesce.effective(parent(), {"a": None, "m": {"b": None}}) == {"a": None, "m": {"b": None}}


def test_a_null_among_the_parents_values_removes_the_dependencys_default() -> None:
    found = coalesce.effective(parent({"sub": {"b": None}}, sub({"b": 1, "c": 2})), {})
    assert found["sub"] == {"c": 2, "global": {}}


def test_globals_go_down_and_the_parents_win() -> None:
    chart = parent({"global": {"a": 1, "m": {"x": 1}}}, sub({"global": {"a": 9, "b": 2, "m": {"x": 9, "y": 2}}}))
    found = coalesce.effective(chart, {})
    assert found["sub"]["global"] == {"a": 1, "b": 2, "m": {"x": 1, "y": 2}}
    assert found["global"] == {"a": 1, "m": {"x": 1}}  # nothing goes up


def test_a_dependency_that_is_off_gets_no_defaults() -> None:
    chart = parent(
        {"sub": {"enabled": False}}, sub({"size": 1}), declared=[Dependency("sub", "*", condition="sub.enabled")]
    )
    assert coalesce.effective(chart, {}) == {"sub": {"enabled": False}}
    assert coalesce.effective(chart, {"sub": {"enabled": True}})["sub"] == {"enabled": True, "size": 1, "global": {}}


def test_conditions_of_dependencies_below_are_paths_from_the_top() -> None:
    inner = sub({"deep": 1}, name="inner")
    middle = sub(None, name="middle", declared=[Dependency("inner", "*", condition="inner.on")], charts=[inner])
    chart = parent(None, middle)
    assert "deep" not in coalesce.effective(chart, {"middle": {"inner": {"on": False}}})["middle"]["inner"]
    assert coalesce.effective(chart, {"middle": {"inner": {"on": True}}})["middle"]["inner"]["deep"] == 1


def test_charts_that_nobody_declared_are_on() -> None:
    chart = parent(None, sub({"size": 1}), declared=[Dependency("other", "*")])
    assert coalesce.effective(chart, {})["sub"]["size"] == 1


def test_values_that_are_no_mapping_where_a_dependencys_belong_are_an_error() -> None:
    with pytest.raises(coalesce.MismatchError, match="sub"):
        coalesce.effective(parent(None, sub()), {"sub": 1})


def test_nothing_that_is_handed_in_is_changed() -> None:
    chart = parent({"m": {"a": 1}}, sub({"m": {"b": 1}}))
    user = {"m": {"a": None}, "sub": {"m": {"b": None}}, "global": {"x": {"y": 1}}}
    before = repr((chart, user))
    first = coalesce.effective(chart, user)
    assert repr((chart, user)) == before
    assert coalesce.effective(chart, user) == first


def test_defaults_have_every_dependency_under_each_of_its_names() -> None:
    declared = [Dependency("sub", "*", condition="sub.on"), Dependency("sub", "*", alias="second")]
    chart = parent({"sub": {"on": False}, "a": 1}, sub({"size": 1}), declared=declared)
    assert coalesce.defaults(chart) == {"a": 1, "sub": {"on": False, "size": 1}, "second": {"size": 1}}

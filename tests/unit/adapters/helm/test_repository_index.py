"""Cutting one chart out of a large index says the same as reading all of it."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from csoc.adapters.helm.fetch import helm_repository
from csoc.errors import NotFoundError, RejectedError

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30) | st.just(
    "two\nlines\n  gen3:\n"
)
entries = st.lists(
    st.fixed_dictionaries(
        {"version": text, "urls": st.just(["x.tgz"]), "description": text, "digest": st.just("a" * 64)}
    ),
    min_size=1,
    max_size=3,
)


@given(
    st.dictionaries(st.sampled_from(["gen3", "gen", "gen33", "a.b", "z"]), entries, min_size=1),
    st.sampled_from([1, 2, 4]),
)
def test_a_cut_index_has_the_same_versions_as_the_whole(charts: dict[str, list[dict[str, str]]], indent: int) -> None:
    index = yaml.safe_dump({"apiVersion": "v1", "entries": charts, "generated": "now"}, indent=indent).encode()
    for name in ("gen3", "gen", "a.b"):
        if name in charts:
            found = helm_repository._chart_entries(index, name, "here")
            assert [entry["version"] for entry in found] == [entry["version"] for entry in charts[name]]
        else:
            with pytest.raises(NotFoundError):
                helm_repository._chart_entries(index, name, "here")


def test_a_large_index_is_read_quickly() -> None:
    one = "  - version: {n}.0.0\n    urls: [x.tgz]\n    description: {text}\n"
    parts = [f"  chart-{n}:\n" + one.format(n=n, text="x" * 900) * 10 for n in range(2_000)]
    index = ("apiVersion: v1\nentries:\n" + "".join(parts) + "generated: now\n").encode()
    assert len(index) > 18_000_000
    began = time.monotonic()
    assert len(helm_repository._chart_entries(index, "chart-1999", "here")) == 10
    with pytest.raises(NotFoundError):
        helm_repository._chart_entries(index, "chart-2000", "here")
    assert time.monotonic() - began < 3


def test_json_and_anchors_are_read_too() -> None:
    json_index = b'{"entries": {"gen3": [{"version": "1.0.0", "urls": ["a"]}]}}'
    assert helm_repository._chart_entries(json_index, "gen3", "here")[0]["url"] == "a"
    anchored = b"x: &v 1.0.0\nentries:\n  gen3:\n  - version: *v\n    urls: [a]\n"
    assert helm_repository._chart_entries(anchored, "gen3", "here")[0]["version"] == "1.0.0"
    with pytest.raises(RejectedError):
        helm_repository._chart_entries(b"entries:\n  gen3:\n\t- version: 1\n", "gen3", "here")

"""Archives and requests are named by their content."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.charts import RenderRequest, files_digest, pack, request_digest

files = st.dictionaries(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    st.binary(max_size=50),
    max_size=4,
)
CHART = pack("demo", "1.0.0", {"Chart.yaml": b"x"})


def request(values: Any, **more: Any) -> RenderRequest:
    return RenderRequest(CHART, values, more.pop("release", "r"), more.pop("namespace", "n"), **more)


@given(files, files)
def test_a_digest_is_the_same_for_the_same_files_and_no_others(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (files_digest(one) == files_digest(other)) == (one == other)


def test_an_archive_holds_regular_files_only_and_nothing_of_the_machine() -> None:
    archive = pack("demo", "1.0.0", {"Chart.yaml": b"x", "templates/a.yaml": b"y"})
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as opened:
        members = opened.getmembers()
    assert [member.name for member in members] == ["demo/Chart.yaml", "demo/templates/a.yaml"]
    assert all(member.isreg() and not (member.mtime or member.uid or member.uname) for member in members)
    assert archive.resolved == "1.0.0"


def test_a_request_is_named_by_everything_that_goes_into_it() -> None:
    first = request({"a": {"b": 1}, "c": [1, 2]})
    same = request(MappingProxyType({"c": [1, 2], "a": {"b": 1}}))
    assert request_digest(first) == request_digest(same)
    others = [
        request({"a": {"b": "1"}, "c": [1, 2]}),
        request({"a": {"b": 1}, "c": [2, 1]}),
        replace(first, release="x"),
        replace(first, namespace="x"),
        replace(first, kube_version="1.31"),
        replace(first, api_versions=("a/v1",)),
        replace(first, chart=pack("demo", "1.0.0", {"Chart.yaml": b"y"})),
    ]
    assert len({request_digest(one) for one in [first, *others]}) == 1 + len(others)

"""What readers are told of the chart that findings rest on."""

from __future__ import annotations

from csoc.fleet.charts import ChartArchive
from csoc.usecases.states import describe


def archive(*missing: str) -> ChartArchive:
    return ChartArchive("gen3", "0.3.90", "a" * 64, "0.3.90", b"", missing_dependencies=missing)


def test_a_chart_is_named_with_its_version_and_the_start_of_its_digest() -> None:
    assert describe(archive()) == f"gen3 0.3.90 (sha256 {'a' * 12})"


def test_dependencies_that_a_chart_was_rendered_without_are_named_on_one_line() -> None:
    assert describe(archive("funnel", "odd\nname")).endswith(r"without its dependencies funnel, odd\nname")

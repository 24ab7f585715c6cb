"""Kustomizations: what they include, and Gen3 charts that they deploy."""

from __future__ import annotations

import pytest

from csoc.fleet.argocd import kustomize
from csoc.fleet.charts import ChartRef
from tests.unit.fleet.argocd import making

TREE = making.tree(
    {
        "overlay/kustomization.yaml": """\
resources:
  - ../base
  - app.yaml
  - https://example.org/remote.yaml
  - github.com/example/repo//deploy?ref=v1
  - missing.yaml
  - ../../outside
namespace: gen3
images:
  - {name: fence, newTag: '2025.10'}
helmCharts:
  - name: gen3
    repo: https://charts.example.org
    version: 0.3.90
    releaseName: portal
    valuesFile: values.yaml
    additionalValuesFiles: [more.yaml, none.yaml]
    valuesInline:
      a: inline
      b: inline
      c: inline
""",
        "overlay/values.yaml": "a: file\nd: file\n",
        "overlay/more.yaml": "b: more\n",
        "overlay/app.yaml": "kind: X\n",
        "base/kustomization.yml": "resources: [base.yaml, ../overlay]\npatches: [{path: x}]\n",
        "base/base.yaml": "kind: Y\n",
        "local/Kustomization": (
            "helmCharts: [{name: gen3, valuesMerge: merge, valuesFile: v.yaml, valuesInline: {a: 1}}]\n"
        ),
        "local/v.yaml": "a: file\n",
        "broken/kustomization.yaml": "resources: [\n",
        "odd/kustomization.yaml": "resources: x\nhelmCharts: [1]\nimages: {}\n",
    }
)


def test_everything_local_is_included_once_and_cycles_end() -> None:
    found = kustomize.read(TREE, "overlay")
    assert found.folders == ("base", "overlay")
    assert found.files == ("overlay/app.yaml", "base/base.yaml")
    assert found.remote == ("https://example.org/remote.yaml", "github.com/example/repo//deploy?ref=v1")
    assert found.namespace == "gen3"
    assert found.images == ({"name": "fence", "newTag": "2025.10"},)
    assert found.patched
    assert [(problem.location.path, problem.location.line) for problem in found.problems] == [
        ("overlay/kustomization.yaml", 6),
        ("overlay/kustomization.yaml", 7),
    ]


def test_a_chart_of_a_kustomization_is_found_with_its_values() -> None:
    (chart,) = kustomize.read(TREE, "overlay").charts
    assert chart.chart == ChartRef("https://charts.example.org", chart="gen3", revision="0.3.90")
    assert (chart.release_name, chart.namespace) == ("portal", "gen3")
    assert chart.location.line == 12
    found = kustomize.values(chart, TREE)
    assert found.values.data == {"a": "inline", "b": "more", "c": "inline", "d": "file"}
    inline, file = found.values.origin("a"), found.values.origin("d")
    assert inline is not None
    assert (inline.path, inline.line) == ("overlay/kustomization.yaml", 19)
    assert file is not None
    assert (file.path, file.line) == ("overlay/values.yaml", 2)
    assert [missing.resolved for missing in found.values.missing] == ["overlay/none.yaml"]


def test_the_file_wins_over_inline_values_if_they_are_merged_so() -> None:
    (chart,) = kustomize.read(TREE, "local").charts
    assert kustomize.values(chart, TREE).values.data == {"a": "file"}
    assert chart.release_name == "gen3"
    assert chart.chart == ChartRef("git.example.org/ops/fleet", path="local/charts/gen3", revision=TREE.commit)


@pytest.mark.parametrize(("folder", "count"), [("broken", 1), ("odd", 3)])
def test_a_wrong_kustomization_is_a_problem_and_nothing_raises(folder: str, count: int) -> None:
    found = kustomize.read(TREE, folder)
    assert len(found.problems) == count
    assert all(problem.location.path == f"{folder}/kustomization.yaml" for problem in found.problems)


def test_a_folder_without_a_kustomization_holds_none() -> None:
    assert kustomize.find(TREE, "nowhere") is None
    assert kustomize.read(TREE, "nowhere").files == ()

"""What values an Application gives to its chart, in which order, and where each one stands."""

from __future__ import annotations

import time
from typing import Any

import pytest

from csoc.errors import CsocError, UnavailableError
from csoc.fleet.argocd import parsed_files
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.argocd.values.layers import chart_layer
from csoc.fleet.argocd.values.resolution import ResolvedValues, resolve
from csoc.fleet.repositories import Tree
from csoc.testing.repositories import Link
from tests.unit.fleet.argocd import making


def resolved(helm: str, home: Tree, *, trees: Trees | None = None, **options: Any) -> ResolvedValues:
    """The values of a chart in a Helm repository, with the home repository as `$values`."""
    spec = f"""\
  sources:
    - repoURL: https://charts.example.org
      chart: gen3
      targetRevision: 0.3.90
      helm:
{_indented(helm, 8)}
    - repoURL: {making.HOME}
      targetRevision: main
      ref: values
"""
    app = making.application(making.app_yaml(spec=spec))
    return resolve(app, 0, trees or making.trees(home), **options)


def _indented(text: str, width: int) -> str:
    return "\n".join(" " * width + line for line in text.strip("\n").split("\n"))


HOME = making.tree(
    {
        "prod/values.yaml": "a: 1\nkeep: base\nenv:\n  - name: A\n    value: x\n  - name: B\n",
        "prod/more.yaml": "a: 2\nnested:\n  b: true\n",
        "prod/parts/20.yaml": "part: twenty\nlast: 20\n",
        "prod/parts/10.yaml": "part: ten\nlast: 10\n",
        "prod/parts/deep/15.yaml": "deep: 15\n",
        "prod/portal.yaml": "p: 1\n",
        "prod/bad.yaml": "a: [1\n",
        "prod/list.yaml": "- a\n",
        "prod/empty.yaml": "# nothing\n",
        "prod/two.yaml": "one: 1\n---\ntwo: 2\n",
        "prod/second.yaml": "---\n---\ntwo: 2\n",
        "prod/link.yaml": Link("values.yaml"),
        "files/ca.pem": "line 1\nline 2\n",
        "linked": Link("prod"),
    }
)


def files(*paths: str) -> str:
    return "valueFiles:\n" + "".join(f"  - {path}\n" for path in paths)


def test_files_merge_in_order_and_each_value_knows_its_line() -> None:
    found = resolved(files("$values/prod/values.yaml", "$values/prod/more.yaml"), HOME)
    assert found.values.data["a"] == 2
    assert found.values.get("keep") == "base"
    origin = found.values.origin("nested.b")
    assert origin is not None
    assert (origin.repository, origin.path, origin.line) == ("git.example.org/ops/fleet", "prod/more.yaml", 3)
    kept = found.values.origin("keep")
    assert kept is not None
    assert (kept.path, kept.line) == ("prod/values.yaml", 2)
    assert found.problems == ()
    assert found.unread == ()


def test_inline_values_come_after_files_and_parameters_after_both() -> None:
    helm = files("$values/prod/values.yaml") + "values: |\n  a: inline\n  c: inline\nparameters:\n"
    helm += "  - {name: c, value: parameter}\n"
    found = resolved(helm, HOME)
    assert found.values.data["a"] == "inline"
    assert found.values.data["c"] == "parameter"


def test_a_line_of_inline_text_is_its_line_in_the_file() -> None:
    text = making.app_yaml(
        spec="""\
  source:
    repoURL: https://charts.example.org
    chart: gen3
    helm:
      values: |
        # a comment
        a:
          b: 1
"""
    )
    found = resolve(making.application(text), 0, making.trees(HOME))
    origin = found.values.origin("a.b")
    assert origin is not None
    assert text.split("\n")[origin.line - 1].strip() == "b: 1"


def test_a_line_of_a_values_object_is_its_line_in_the_file() -> None:
    helm = "valuesObject:\n  a:\n    b: 1\n"
    found = resolved(helm, HOME)
    origin = found.values.origin("a.b")
    assert origin is not None
    assert origin.line == found.values.layers[0].locate(("a",)).line + 1  # type: ignore[union-attr]
    assert origin.path == "app.yaml"


def test_a_parameter_changes_one_item_of_a_list_and_the_others_keep_their_origin() -> None:
    found = resolved(files("$values/prod/values.yaml") + "parameters:\n  - {name: 'env[1].value', value: new}\n", HOME)
    assert found.values.data["env"] == [{"name": "A", "value": "x"}, {"name": "B", "value": "new"}]
    changed, kept = found.values.origin(("env", 1, "value")), found.values.origin(("env", 0, "value"))
    assert changed is not None
    assert changed.path == "app.yaml"
    assert kept is not None
    assert (kept.path, kept.line) == ("prod/values.yaml", 5)


def test_merging_the_layers_again_gives_the_same_values() -> None:
    helm = files("$values/prod/values.yaml") + (
        "parameters:\n  - {name: 'env[1].value', value: new}\n  - {name: 'x.y\\.z', value: '{1,2}'}\n"
        "  - {name: a, value: 'null'}\n"
    )
    found = resolved(helm, HOME).values
    assert type(found).merge(found.layers).data == found.data
    assert found.data["a"] is None
    assert found.data["x"] == {"y.z": [1, 2]}


def test_forced_strings_win_over_plain_parameters_and_the_last_of_one_name_counts() -> None:
    helm = """\
parameters:
  - {name: tag, value: "2025.10", forceString: true}
  - {name: tag, value: "5"}
  - {name: count, value: "1"}
  - {name: count, value: "2"}
  - {name: text, value: "a,b"}
"""
    found = resolved(helm, HOME)
    assert found.values.data == {"tag": "2025.10", "count": 2, "text": "a,b"}


def test_file_parameters_hold_the_file_s_text() -> None:
    found = resolved("fileParameters:\n  - {name: ca.cert, path: $values/files/ca.pem}\n", HOME)
    assert found.values.data == {"ca": {"cert": "line 1\nline 2\n"}}


def test_a_parameter_that_helm_refuses_is_a_problem_and_the_others_count() -> None:
    found = resolved("parameters:\n  - {name: 'a[x]', value: '1'}\n  - {name: b, value: '1'}\n", HOME)
    assert found.values.data == {"b": 1}
    assert "Helm refuses parameter a[x]" in found.problems[0].cause


def many(count: int, make: str) -> str:
    return "parameters:\n" + "".join(f"  - {{name: '{make.format(n)}', value: x}}\n" for n in range(count))


@pytest.mark.parametrize(
    "helm",
    [many(3_000, "p{0}"), many(1_000, "a[x{0}]"), many(1_000, "p{0}[65000]")],
    ids=["too many", "too many that Helm refuses", "too many list items"],
)
def test_parameters_made_to_explode_are_a_problem_and_end_soon(helm: str) -> None:
    started = time.monotonic()
    found = resolved(files("$values/prod/more.yaml") + helm, HOME)
    assert time.monotonic() - started < 20
    assert found.values.data["a"] == 2
    assert "parameters" in found.problems[-1].cause
    assert len(found.problems) < 30


def test_no_more_value_files_are_read_than_the_limit() -> None:
    found = resolved(files(*["$values/prod/more.yaml"] * 2_001), HOME)
    assert found.unread == ("$values/prod/more.yaml",)
    assert found.values.data["a"] == 2


def test_patterns_that_try_too_many_paths_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed_files, "_MAX_TRIED", 5)
    found = resolved(files("$values/prod/parts/*.yaml", "$values/prod/**/*.yaml"), HOME)
    assert found.unread == ("$values/prod/**/*.yaml",)
    assert len(found.values.layers) == 2


def test_a_pattern_takes_its_files_in_lexical_order_and_leaves_out_what_is_also_named() -> None:
    found = resolved(files("$values/prod/parts/*.yaml"), HOME)
    assert [layer.label for layer in found.values.layers] == ["prod/parts/10.yaml", "prod/parts/20.yaml"]
    assert found.values.data["last"] == 20
    again = resolved(files("$values/prod/parts/10.yaml", "$values/prod/parts/*.yaml"), HOME)
    assert [layer.label for layer in again.values.layers] == ["prod/parts/10.yaml", "prod/parts/20.yaml"]
    last = resolved(files("$values/prod/parts/*.yaml", "$values/prod/parts/10.yaml"), HOME)
    assert last.values.data["last"] == 10
    deep = resolved(files("$values/prod/**/1?.yaml"), HOME)
    assert [layer.label for layer in deep.values.layers] == ["prod/parts/10.yaml", "prod/parts/deep/15.yaml"]


def test_a_file_that_is_named_twice_counts_where_it_stands_first() -> None:
    found = resolved(files("$values/prod/more.yaml", "$values/prod/values.yaml", "$values/prod/more.yaml"), HOME)
    assert found.values.data["a"] == 1


@pytest.mark.parametrize(("option", "tolerated"), [("", False), ("ignoreMissingValueFiles: true\n", True)])
@pytest.mark.parametrize("path", ["prod/none.yaml", "prod/none-*.yaml"])
def test_a_missing_file_and_a_pattern_without_a_match_are_listed(option: str, tolerated: bool, path: str) -> None:
    found = resolved(option + files(f"$values/{path}", "$values/prod/more.yaml"), HOME)
    (missing,) = found.values.missing
    assert (missing.written, missing.resolved, missing.tolerated) == (f"$values/{path}", path, tolerated)
    assert missing.location is not None
    assert missing.location.path == "app.yaml"
    assert found.values.data["a"] == 2
    assert found.unread == ()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("$values/../outside.yaml", "leads out of its repository"),
        ("$values/prod/../../outside.yaml", "leads out of its repository"),
        ("$values/prod/link.yaml", "link"),
        ("$values/linked/values.yaml", "link"),
        ("https://example.org/values.yaml", "is a URL"),
        ("$values/prod/bad.yaml", "cannot be read"),
        ("$values/prod/list.yaml", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_looked_at_is_a_problem_and_never_missing(path: str, said: str) -> None:
    found = resolved(files(path, "$values/prod/more.yaml"), HOME)
    assert found.values.missing == ()
    assert found.unread == (path,)
    assert said in found.problems[0].cause
    assert found.values.data["a"] == 2


def test_the_problem_of_a_file_that_does_not_parse_stands_in_that_file() -> None:
    found = resolved(files("$values/prod/bad.yaml"), HOME)
    assert found.problems[0].location.path == "prod/bad.yaml"
    assert found.problems[0].location.line in (1, 2)


def test_only_the_first_document_counts_and_an_empty_file_is_empty() -> None:
    found = resolved(files("$values/prod/two.yaml", "$values/prod/empty.yaml", "$values/prod/second.yaml"), HOME)
    assert found.values.data == {"one": 1}
    assert len(found.values.layers) == 3
    assert found.problems == ()


def test_a_reference_to_a_source_that_is_not_there_is_a_problem() -> None:
    found = resolved(files("$vals/prod/values.yaml"), HOME)
    assert '"ref: vals"' in found.problems[0].cause
    assert found.values.data == {}


def test_the_build_environment_is_put_into_paths_and_parameters() -> None:
    home = making.tree({"portal/values.yaml": "a: 1\n"})
    helm = files("$values/$ARGOCD_APP_NAME/values.yaml") + (
        "parameters:\n  - {name: ns, value: $ARGOCD_APP_NAMESPACE}\n  - {name: password, value: 'pa$word'}\n"
    )
    found = resolved(helm, home)
    assert found.values.data == {"a": 1, "ns": "prod", "password": "pa"}


CHART = making.tree(
    {
        "charts/gen3/Chart.yaml": "name: gen3\n",
        "charts/gen3/values.yaml": "a: default\nb: default\n",
        "charts/gen3/prod.yaml": "a: prod\n",
        "shared/values.yaml": "s: 1\n",
    }
)


def test_files_of_a_git_source_are_relative_to_the_chart_or_to_the_root() -> None:
    spec = f"""\
  source:
    repoURL: {making.HOME}
    path: charts/gen3
    helm:
      valueFiles: [prod.yaml, ../../shared/values.yaml, /shared/values.yaml, $values/x.yaml]
"""
    found = resolve(making.application(making.app_yaml(spec=spec)), 0, making.trees(CHART))
    assert found.values.data == {"a": "prod", "s": 1}
    assert [(missing.written, missing.resolved) for missing in found.values.missing] == [("$values/x.yaml", "x.yaml")]


def test_an_override_file_beside_the_chart_changes_the_source() -> None:
    home = making.tree(
        {
            "chart/Chart.yaml": "name: c\n",
            "chart/a.yaml": "a: 1\n",
            "chart/.argocd-source.yaml": "helm: {parameters: [{name: tag, value: all}, {name: b, value: all}]}\n",
            "chart/.argocd-source-portal.yaml": "helm:\n  parameters:\n    - name: tag\n      value: '2025.10'\n",
            "chart/.argocd-source-other.yaml": "helm: {parameters: [{name: tag, value: other}]}\n",
        }
    )
    helm = "{valueFiles: [a.yaml], parameters: [{name: tag, value: written}]}"
    spec = f"  source: {{repoURL: {making.HOME}, path: chart, helm: {helm}}}\n"
    found = resolve(making.application(making.app_yaml(spec=spec)), 0, making.trees(home))
    assert found.values.data == {"a": 1, "tag": "2025.10"}
    origin = found.values.origin("tag")
    assert origin is not None
    assert (origin.path, origin.line) == ("chart/.argocd-source-portal.yaml", 4)


def test_a_broken_override_file_is_a_problem_and_the_rest_counts() -> None:
    home = making.tree({"chart/Chart.yaml": "name: c\n", "chart/.argocd-source.yaml": "helm: [1\n"})
    spec = f"  source: {{repoURL: {making.HOME}, path: chart, helm: {{parameters: [{{name: a, value: b}}]}}}}\n"
    found = resolve(making.application(making.app_yaml(spec=spec)), 0, making.trees(home))
    assert found.values.data == {"a": "b"}
    assert [problem.location.path for problem in found.problems] == ["chart/.argocd-source.yaml"]


def test_the_chart_s_own_values_can_be_the_lowest_layer() -> None:
    spec = f"  source: {{repoURL: {making.HOME}, path: charts/gen3, helm: {{valueFiles: [prod.yaml]}}}}\n"
    layer = chart_layer(CHART, "charts/gen3")
    assert layer is not None
    found = resolve(making.application(making.app_yaml(spec=spec)), 0, making.trees(CHART), below=[layer])
    assert found.values.data == {"a": "prod", "b": "default"}
    origin = found.values.origin("b")
    assert origin is not None
    assert (origin.path, origin.line) == ("charts/gen3/values.yaml", 2)
    assert chart_layer(CHART, "shared/none") is None


def test_files_inside_a_packaged_chart_are_asked_for() -> None:
    asked: list[str] = []

    def read(source: Any, path: str) -> bytes | None:
        asked.append(f"{source.chart}/{path}")
        if path == "broken.yaml":
            raise UnavailableError("no network")
        return b"a: chart\n" if path == "values-prod.yaml" else None

    found = resolved(files("values-prod.yaml", "none.yaml", "broken.yaml"), HOME, read_chart_file=read)
    assert found.values.data == {"a": "chart"}
    assert [missing.written for missing in found.values.missing] == ["none.yaml"]
    assert found.unread == ("broken.yaml",)
    assert asked == ["gen3/values-prod.yaml", "gen3/none.yaml", "gen3/broken.yaml"]


def test_files_inside_a_packaged_chart_that_nobody_can_read_are_unread() -> None:
    found = resolved(files("values-prod.yaml"), HOME)
    assert found.unread == ("values-prod.yaml",)
    assert found.values.missing == ()
    assert len(found.problems) == 1


def test_files_of_an_unreachable_repository_are_unread_and_not_missing() -> None:
    error: CsocError = UnavailableError("no answer")
    trees = making.trees(making.tree({}, making.CHARTS), {(making.HOME, "main"): error})  # type: ignore[dict-item]
    found = resolved(files("$values/prod/values.yaml"), HOME, trees=trees)
    assert found.unread == ("$values/prod/values.yaml",)
    assert found.values.missing == ()
    assert [problem.kind for problem in trees.problems()] == ["unreachable repository"]


def test_a_reference_is_read_at_its_own_revision() -> None:
    pinned = making.tree({"prod/values.yaml": "a: pinned\n"}, revision="v1")
    trees = making.trees(making.tree({}), {(making.HOME, "v1"): pinned})
    spec = f"""\
  sources:
    - {{repoURL: https://charts.example.org, chart: gen3, helm: {{valueFiles: [$values/prod/values.yaml]}}}}
    - {{repoURL: {making.HOME}, targetRevision: v1, ref: values}}
"""
    found = resolve(making.application(making.app_yaml(spec=spec)), 0, trees)
    assert found.values.data == {"a": "pinned"}

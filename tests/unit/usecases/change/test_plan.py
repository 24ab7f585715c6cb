"""Where a change is written, and what it would do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.values import walk
from csoc.testing.fleets import CHARTS, HOME, World, application, environment
from csoc.usecases.change.operations import Operation, dotted, parse_assignment, parse_rename
from csoc.usecases.change.plan import ChangePlan, plan_change

ALPHA = "east/alpha.example.org/values.yaml"
BETA = "west/beta.example.org/values.yaml"
SHARED = "shared/values.yaml"


def world(files: dict[str, str]) -> World:
    made = World()
    made.write(files)
    return made


def plan(made: World, names: Sequence[str], *texts: str | Operation, manifests: bool = False) -> ChangePlan:
    fleet = made.load()
    operations = [parse_assignment(text) if isinstance(text, str) else text for text in texts]
    return plan_change(made.ports(), fleet, fleet.select(names), operations, manifests=manifests)


def added(made: ChangePlan) -> dict[str, list[str]]:
    """Lines that are new, by file."""
    found = {}
    for change in made.files:
        before = change.before.decode().splitlines()
        found[change.path] = [line.strip() for line in change.after.decode().splitlines() if line not in before]
    return found


def reason(made: ChangePlan) -> str:
    ((_, error),) = made.refused
    return str(error)


TWO = {
    SHARED: "fence:\n  replicaCount: 2\n  image:\n    tag: '2026.01'\nonly: shared\n",
    **environment("east", "alpha.example.org", "arborist: {replicaCount: 1}\n", shared=[SHARED]),
    **environment("west", "beta.example.org", "indexd: {replicaCount: 1}\n", shared=[SHARED]),
}


def test_a_value_is_changed_in_the_file_that_writes_it_and_nothing_else_is() -> None:
    made = plan(
        world(environment("east", "alpha.example.org", "fence:  # ours\n  replicaCount:   1\n")),
        ["alpha"],
        "fence.replicaCount=3",
    )
    assert added(made) == {ALPHA: ["replicaCount:   3"]}
    assert made.files[0].before.count(b"\n") == made.files[0].after.count(b"\n")
    assert [(d.path, d.left, d.right) for d in made.environments[0].values] == [("fence.replicaCount", "1", "3")]


def test_a_new_value_goes_beside_its_nearest_relative() -> None:
    files = environment("east", "alpha.example.org", "fence:\n  image: {tag: a}\n")
    files["east/alpha.example.org/more.yaml"] = "arborist:\n  image: {tag: b}\n"
    files["east/alpha.example.org/app.yaml"] = application("alpha", values=[ALPHA, "east/alpha.example.org/more.yaml"])
    made = plan(world(files), ["alpha"], "fence.replicaCount=3", "arborist.replicaCount=2")
    assert added(made) == {ALPHA: ["replicaCount: 3"], "east/alpha.example.org/more.yaml": ["replicaCount: 2"]}


def test_a_value_without_relatives_goes_into_the_file_of_its_service_or_the_general_one() -> None:
    files = environment("east", "alpha.example.org")
    folder = "east/alpha.example.org"
    files |= {f"{folder}/guppy.yaml": "x: 1\n", f"{folder}/zzz.yaml": "y: 1\n"}
    files[f"{folder}/app.yaml"] = application("alpha", values=[ALPHA, f"{folder}/guppy.yaml", f"{folder}/zzz.yaml"])
    made = plan(world(files), ["alpha"], "guppy.enabled=true", "fence.enabled=true")
    assert added(made).keys() == {f"{folder}/guppy.yaml", ALPHA}


def test_asking_for_one_environment_writes_into_its_own_file_and_not_into_a_shared_one() -> None:
    made = plan(world(TWO), ["alpha"], "fence.replicaCount=5")
    assert added(made) == {ALPHA: ["fence:", "replicaCount: 5"]}
    assert [item.environment for item in made.environments] == ["alpha"]


def test_a_new_value_goes_into_its_own_file_even_if_a_shared_one_has_its_relatives() -> None:
    made = plan(world(TWO), ["alpha"], "fence.labels.team=blue")
    assert added(made) == {ALPHA: ["fence:", "labels:", "team: blue"]}


def test_a_new_value_goes_into_a_value_file_rather_than_into_the_application() -> None:
    files = environment("east", "alpha.example.org", helm="valuesObject: {fence: {replicaCount: 1}}")
    assert added(plan(world(files), ["alpha"], "fence.labels.team=blue")).keys() == {ALPHA}


def test_asking_for_all_users_of_a_shared_file_changes_it_once() -> None:
    made = plan(world(TWO), ["alpha", "beta"], "fence.replicaCount=5")
    assert added(made) == {SHARED: ["replicaCount: 5"]}
    assert made.files[0].environments == ("alpha", "beta")
    assert [(item.environment, item.asked) for item in made.environments] == [("alpha", True), ("beta", True)]


def test_a_shared_file_that_has_to_change_says_whom_else_it_concerns() -> None:
    made = plan(world(TWO), ["alpha"], Operation("remove", ("only",)))
    assert [(item.environment, item.asked) for item in made.environments] == [("alpha", True), ("beta", False)]


def test_what_is_so_already_changes_no_file() -> None:
    made = plan(world(TWO), ["alpha", "beta"], "fence.replicaCount=2")
    assert (made.files, made.environments, made.unchanged) == ((), (), ("alpha", "beta"))


def test_text_stays_text_and_a_number_where_the_chart_has_text_becomes_text() -> None:
    made = plan(
        world(environment("east", "alpha.example.org", "version: '2026.01'\n")),
        ["alpha"],
        "version=2026.10",
        "global.tierAccessLevel=20",
        "global.other=20",
    )
    assert added(made) == {ALPHA: ["tierAccessLevel: '20'", "other: 20", "version: '2026.10'"]}


def test_a_key_is_removed_and_renamed_wherever_the_environment_writes_it() -> None:
    files = {
        SHARED: "fence: {replicas: 2}\nold: 1\n",
        **environment("east", "alpha.example.org", "fence: {replicas: 3}\nold: 2\n", shared=[SHARED]),
    }
    renamed = plan(world(files), ["alpha"], parse_rename("fence.replicas=replicaCount"))
    assert added(renamed) == {ALPHA: ["fence: {replicaCount: 3}"], SHARED: ["fence: {replicaCount: 2}"]}
    removed = plan(world(files), ["alpha"], Operation("remove", ("old",)))
    assert len(removed.files) == 2
    assert not any(b"old" in change.after for change in removed.files)


def test_a_new_value_finds_the_new_name_of_a_key() -> None:
    files = environment("east", "alpha.example.org", "fence: {replicas: 3}\n")
    made = plan(world(files), ["alpha"], "fence.replicaCount=4", parse_rename("fence.replicas=replicaCount"))
    assert added(made) == {ALPHA: ["fence: {replicaCount: 4}"]}


def test_items_of_a_list_are_removed_by_the_numbers_they_had() -> None:
    files = environment("east", "alpha.example.org", "names: [a, b, c, d]\n")
    made = plan(world(files), ["alpha"], Operation("remove", ("names", 0)), Operation("remove", ("names", 2)))
    assert added(made) == {ALPHA: ["names: [b, d]"]}


def test_a_key_that_nobody_writes_cannot_be_removed_or_renamed() -> None:
    for operation in (Operation("remove", ("nowhere",)), parse_rename("fence.replicas=x")):
        assert "None of its files writes" in reason(plan(world(TWO), ["alpha"], operation))


@pytest.mark.parametrize(
    ("written", "word"),
    [("fence: null\n", "null"), ("fence: text\n", "a value"), ("fence: [1]\n", "a list")],
)
def test_nothing_is_written_below_what_a_file_says_is_no_mapping(written: str, word: str) -> None:
    made = plan(world(environment("east", "alpha.example.org", written)), ["alpha"], "fence.replicaCount=1")
    assert f"fence is {word}" in reason(made)
    assert not made.files


def test_one_environment_in_which_it_cannot_be_done_does_not_stop_the_others() -> None:
    files = {**environment("east", "alpha.example.org", "fence: null\n"), **environment("west", "beta.example.org")}
    made = plan(world(files), ["alpha", "beta"], "fence.replicaCount=1")
    assert [name for name, _ in made.refused] == ["alpha"]
    assert added(made).keys() == {BETA}


# Inside Applications


def inline(helm: str) -> World:
    return world({"east/app.yaml": application("alpha", helm=helm)})


OBJECT = "valuesObject:\n  global: {hostname: alpha.example.org}  # ours\n  fence:\n    image: {tag: a}"
TEXT = """\
values: |
  # ours
  global: {hostname: alpha.example.org}
  fence:
    image: {tag: a}   # theirs

  arborist: {}"""


def test_inline_values_are_changed_in_the_application() -> None:
    made = plan(inline(OBJECT), ["alpha"], "fence.image.tag=b", "fence.replicaCount=2")
    assert added(made) == {"east/app.yaml": ["image: {tag: b}", "replicaCount: 2"]}


def test_values_in_a_text_are_changed_line_by_line() -> None:
    made = plan(inline(TEXT), ["alpha"], "fence.image.tag=b", Operation("remove", ("arborist",)))
    before, after = made.files[0].before.decode(), made.files[0].after.decode()
    assert after == before.replace("{tag: a}", "{tag: b}").replace("\n\n          arborist: {}\n", "\n")


def test_a_text_in_quotes_is_refused_rather_than_written_anew() -> None:
    helm = 'values: "global: {hostname: alpha.example.org}\\nfence: {image: {tag: a}}\\n"'
    assert "another way" in reason(plan(inline(helm), ["alpha"], "fence.image.tag=b"))


def test_a_parameter_keeps_its_value_as_text() -> None:
    helm = (
        f"{OBJECT}\nparameters:\n  - {{name: fence.replicaCount, value: '1'}}\n  - {{name: fence.image.tag, value: x}}"
    )
    made = plan(inline(helm), ["alpha"], "fence.replicaCount=2", Operation("remove", ("fence", "image", "tag")))
    assert "- {name: fence.replicaCount, value: '2'}" in added(made)["east/app.yaml"]
    assert b"value: x" not in made.files[0].after
    renamed = plan(inline(helm), ["alpha"], parse_rename("fence.replicaCount=replicas"))
    assert added(renamed)["east/app.yaml"] == ["- {name: fence.replicas, value: '1'}"]


def test_a_mapping_cannot_be_a_parameter() -> None:
    helm = f"{OBJECT}\nparameters:\n  - {{name: fence.replicaCount, value: '1'}}"
    assert "parameter" in reason(plan(inline(helm), ["alpha"], "fence.replicaCount={a: 1}"))


def test_what_would_not_come_to_be_is_refused() -> None:
    helm = f"{OBJECT}\nparameters:\n  - {{name: fence.note, value: x}}"
    # Helm takes what stands in braces for a list.
    found = plan(inline(helm), ["alpha"], parse_assignment("fence.note={a}", as_text=True))
    assert "something else decides it" in reason(found)
    assert not found.files


def test_the_chart_is_changed_in_the_application() -> None:
    made = plan(world(TWO), ["alpha"], Operation("chart", (), "gen3-1.1.0"))
    assert added(made) == {"east/alpha.example.org/app.yaml": ["targetRevision: gen3-1.1.0"]}
    assert made.environments[0].chart == ("gen3-1.0.0", "gen3-1.1.0")


def test_the_chart_below_a_wrapper_is_changed_in_its_dependencies() -> None:
    made = plan(wrapped(), ["alpha"], Operation("chart", (), "1.2.0"))
    assert added(made) == {
        "east/alpha/Chart.yaml": ["- {name: gen3, version: 1.2.0, repository: 'https://helm.gen3.org'}"]
    }


def test_a_locked_wrapper_is_refused_with_the_command_that_does_it() -> None:
    made = wrapped()
    made.write({"east/alpha/Chart.lock": "dependencies: []\n"})
    assert "helm dependency update east/alpha" in reason(plan(made, ["alpha"], Operation("chart", (), "1.2.0")))


def wrapped() -> World:
    return world(
        {
            "east/alpha/Chart.yaml": "apiVersion: v2\nname: alpha\nversion: 1.0.0\ndependencies:\n"
            "- {name: gen3, version: 1.0.0, repository: 'https://helm.gen3.org'}\n",
            "east/alpha/values.yaml": "gen3:\n  global: {hostname: alpha.example.org}\n  fence: {image: {tag: a}}\n",
            "apps/alpha.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: alpha}\nspec:\n"
            f"  source: {{repoURL: {HOME}, path: east/alpha, targetRevision: main}}\n"
            "  destination: {name: east, namespace: alpha}\n",
        }
    )


def test_settings_of_a_wrapped_chart_are_named_without_the_wrapper() -> None:
    made = plan(
        wrapped(), ["alpha"], "fence.image.tag=b", "gen3.fence.replicaCount=2", "global.tierAccessLevel=private"
    )
    (change,) = made.files
    assert change.path == "east/alpha/values.yaml"
    assert change.after.decode() == (
        "gen3:\n  global: {hostname: alpha.example.org, tierAccessLevel: private}\n"
        "  fence: {image: {tag: b}, replicaCount: 2}\n"
    )


def test_kustomize_charts_are_changed_in_the_kustomization() -> None:
    made = world(
        {
            "east/kustomization.yaml": "helmCharts:\n- name: gen3\n  repo: https://helm.gen3.org\n  version: 1.0.0\n"
            "  releaseName: alpha\n  valuesInline:\n"
            "    global: {hostname: alpha.example.org}\n    fence: {image: {tag: a}}\n",
            "app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: alpha}\nspec:\n"
            f"  source: {{repoURL: {HOME}, path: east, targetRevision: main}}\n"
            "  destination: {name: east, namespace: alpha}\n",
        }
    )
    found = plan(made, ["alpha"], "fence.image.tag=b", Operation("chart", (), "1.1.0"))
    assert added(found) == {"east/kustomization.yaml": ["version: 1.1.0", "fence: {image: {tag: b}}"]}


# What cannot be changed here


def test_values_of_another_repository_are_refused_with_its_name() -> None:
    made = World()
    other = made.repositories.add("https://git.example.org/ops/values")
    other.write("main", {"alpha.yaml": b"global: {hostname: alpha.example.org}\nfence: {replicaCount: 1}\n"})
    made.write({"app.yaml": application("alpha", values=["alpha.yaml"], fleet="https://git.example.org/ops/values")})
    found = plan(made, ["alpha"], "fence.replicaCount=2")
    assert "git.example.org/ops/values" in reason(found)
    assert "no value file in this repository" in reason(plan(made, ["alpha"], "new.key=1"))


def test_a_value_of_another_repository_is_overridden_where_a_later_file_is_at_hand() -> None:
    made = World()
    other = made.repositories.add("https://git.example.org/ops/values")
    other.write("main", {"base.yaml": b"global: {hostname: alpha.example.org}\nfence: {replicaCount: 1}\n"})
    text = application("alpha", values=["base.yaml"], fleet="https://git.example.org/ops/values").replace(
        "        releaseName", "        valuesObject: {arborist: {}}\n        releaseName"
    )
    made.write({"app.yaml": text})
    found = plan(made, ["alpha"], "fence.replicaCount=2")
    assert added(found) == {"app.yaml": ["valuesObject: {arborist: {}, fence: {replicaCount: 2}}"]}


def test_values_of_another_branch_are_refused_with_the_way_there() -> None:
    made = world({"v.yaml": "global: {hostname: alpha.example.org}\nfence: {replicaCount: 1}\n"})
    made.write({"v.yaml": "global: {hostname: alpha.example.org}\nfence: {replicaCount: 2}\n"}, branch="live")
    text = application("alpha", values=["v.yaml"]).replace("targetRevision: main", "targetRevision: live")
    made.write({"app.yaml": text, "other.yaml": text.replace("live", "main").replace("name: alpha", "name: b")})
    made.write({"third.yaml": text.replace("live", "main").replace("name: alpha", "name: c")})
    found = plan(made, ["env:alpha"], "fence.replicaCount=3")
    assert "--revision" in reason(found)


def test_a_generated_application_is_refused_with_what_makes_it() -> None:
    text = application("'{{name}}'", helm=OBJECT.replace("alpha.example.org", "'{{name}}.example.org'"))
    template = "\n".join(f"    {line}" for line in text.split("\n")[5:])
    made = world(
        {
            "set.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n"
            "  generators:\n  - list: {elements: [{name: alpha}]}\n  template:\n    metadata: {name: '{{name}}'}\n"
            f"{template}"
        }
    )
    assert "generated" in reason(plan(made, ["alpha"], "fence.image.tag=b"))
    assert "generated" in reason(plan(made, ["alpha"], Operation("chart", (), "1.0.0")))


def test_an_application_inside_a_list_is_refused() -> None:
    text = application("alpha", helm=OBJECT)
    item = "\n".join(f"  {line}" if line else "" for line in text.split("\n"))
    made = world({"all.yaml": f"apiVersion: v1\nkind: List\nitems:\n-{item[1:]}"})
    assert "inside a list" in reason(plan(made, ["alpha"], "fence.image.tag=b"))


def test_an_older_manifest_is_never_changed() -> None:
    manifest = '{"versions": {"fence": "quay.io/cdis/fence:1"}, "global": {"hostname": "alpha.example.org"}}'
    assert "older system" in reason(plan(world({"alpha/manifest.json": manifest}), ["alpha"], "fence.image.tag=2"))


@pytest.mark.parametrize(
    ("operation", "line", "step"),
    [
        (parse_assignment("fence.image.tag=2"), 3, "Change it by hand in this line"),
        (parse_assignment("fence.replicaCount=2"), 1, "add it by hand, as cloud-automation calls it"),
        (Operation("remove", ("fence", "replicaCount")), 1, "there is nothing to do"),
        (Operation("chart", (), "1.0.0"), 1, "It has no chart"),
    ],
)
def test_a_refusal_for_an_older_manifest_names_the_line_and_the_next_step(
    operation: Operation, line: int, step: str
) -> None:
    manifest = '{"versions": {\n\n"fence": "quay.io/cdis/fence:1"}, "global": {"hostname": "alpha.example.org"}}'
    ((_, error),) = plan(world({"alpha/manifest.json": manifest}), ["alpha"], operation).refused
    assert error.place == f"alpha/manifest.json:{line}"
    assert step in error.fix


@pytest.mark.parametrize(
    "operation",
    [parse_assignment("fence.replicaCount=2"), Operation("chart", (), "gen3-0.2.0")],
    ids=["value", "chart"],
)
def test_a_value_file_that_is_no_yaml_is_named_with_its_line_and_the_mistake(operation: Operation) -> None:
    files = environment("east", "alpha.example.org", "fence:\n  replicaCount: [1\nindexd: {}\n")
    ((_, error),) = plan(world(files), ["alpha"], operation).refused
    assert error.place.startswith(f"{ALPHA}:")
    assert "is not closed" in error.cause
    assert error.fix


def test_a_file_that_cannot_be_edited_safely_is_refused_by_name() -> None:
    files = environment("east", "alpha.example.org", "a: &x {tag: 1}\nfence: *x\n")
    assert ALPHA in reason(plan(world(files), ["alpha"], "fence.tag=2"))


# What it does


def test_manifests_and_findings_are_shown() -> None:
    made = world(environment("east", "alpha.example.org", "fence: {replicas: 3}\n"))
    found = plan(made, ["alpha"], parse_rename("fence.replicas=replicaCount"), manifests=True)
    (change,) = found.environments
    assert [(item.name, item.state) for item in change.objects or ()] == [("Deployment fence-deployment", "differs")]
    assert "+  replicas: 3" in (change.objects or ())[0].diff


def test_a_chart_that_cannot_be_had_is_said_once_with_the_reason() -> None:
    files = environment("east", "alpha.example.org")
    files["east/alpha.example.org/app.yaml"] = application("alpha", values=[ALPHA], revision="nowhere")
    found = plan(world(files), ["alpha"], "fence.replicaCount=2", manifests=True)
    (change,) = found.environments
    assert change.objects is None
    assert change.unrendered == ("alpha: its chart could not be had: There is no such chart",)


def test_an_environment_that_gets_another_name_is_still_the_same() -> None:
    found = plan(world(TWO), ["alpha"], "global.hostname=gamma.example.org")
    assert [(item.environment, item.renamed) for item in found.environments] == [("alpha", "gamma")]
    assert not found.refused


def test_findings_come_and_go() -> None:
    made = world(environment("east", "alpha.example.org"))
    bad = plan(made, ["alpha"], "global.hostname=not a name", manifests=True)
    assert {item.environments for item in bad.findings_new} == {("alpha",)} or bad.findings_new == ()
    made.write({ALPHA: "global: {hostname: alpha.example.org}\nfence: {image: {tag: master}}\n"})
    pinned = plan(made, ["alpha"], Operation("chart", (), "master"), manifests=True)
    assert "chart-not-pinned" in {item.rule for item in pinned.findings_new}
    made.write({"east/alpha.example.org/app.yaml": application("alpha", values=[ALPHA], revision="master")})
    mended = plan(made, ["alpha"], Operation("chart", (), "gen3-1.1.0"), manifests=True)
    assert "chart-not-pinned" in {item.rule for item in mended.findings_gone}


def test_the_difference_of_a_file_hides_secrets() -> None:
    files = environment("east", "alpha.example.org", "db:\n  password: correct-horse-battery\n  user: x\n")
    (change,) = plan(world(files), ["alpha"], "db.user=bob").files
    shown = "\n".join(change.diff())
    assert "+  user: bob" in shown
    assert "correct-horse" not in shown


# Any environment, any written path

KEYS = st.sampled_from(["fence", "image", "tag", "replicaCount", "a.b", "on", "x-y", "3"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 99),
    st.sampled_from(["", "a", "2026.10", "yes", "a: b", "#", "x\ny", "é"]),
)
TREES = st.recursive(
    SCALARS, lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8
)
VALUES = st.dictionaries(KEYS, TREES, max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shared=VALUES, alpha=VALUES, beta=VALUES, value=SCALARS, data=st.data())
def test_what_is_set_is_what_is_read_and_nobody_else_is_touched(
    shared: dict[str, Any], alpha: dict[str, Any], beta: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    made = world(
        {
            SHARED: json.dumps(shared),
            **environment("east", "alpha.example.org", shared=[SHARED]),
            **environment("west", "beta.example.org", shared=[SHARED]),
        }
    )
    made.write(
        {
            ALPHA: json.dumps({**alpha, "global": {"hostname": "alpha.example.org"}}, indent=1),
            BETA: json.dumps({**beta, "global": {"hostname": "beta.example.org"}}),
        }
    )
    fleet = made.load()
    paths = [path for path, _ in walk(fleet.resolved["alpha"].values.data) if path != ("global", "hostname")]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    text = value if isinstance(value, str) else json.dumps(value)
    operation = Operation("set", path, value, text)
    found = plan_change(made.ports(), fleet, fleet.select(["alpha"]), [operation], manifests=False)
    if found.refused:
        assert not found.files
        return
    made.write({change.path: change.after for change in found.files})
    again = made.load()
    old = fleet.resolved["alpha"].values.get(path)
    wanted = text if isinstance(old, str) and isinstance(value, (bool, int)) else value
    now = again.resolved["alpha"].values.get(path)
    assert now == wanted
    assert type(now) is type(wanted)
    untouched = {step: item for step, item in walk(fleet.resolved["alpha"].values.data) if step[: len(path)] != path}
    after = dict(walk(again.resolved["alpha"].values.data))
    assert {step: after[step] for step in untouched} == untouched
    if SHARED not in {change.path for change in found.files}:
        assert again.resolved["beta"].values.data == fleet.resolved["beta"].values.data
    assert [item.environment for item in found.environments if not item.asked] == (
        ["beta"] if again.resolved["beta"].values.data != fleet.resolved["beta"].values.data else []
    )
    assert dotted(path)


def test_operations_that_contradict_each_other_are_refused_before_anything_is_looked_at() -> None:
    with pytest.raises(RejectedError, match="only one of them"):
        plan(world(TWO), ["alpha"], "a.b=1", "a.b=2")


def test_the_chart_of_the_world_is_the_one_that_applications_name() -> None:
    assert world(TWO).load().environment("alpha").chart.repo_url == CHARTS


def test_a_password_that_only_the_name_beside_it_tells_is_in_no_sentence_about_the_change() -> None:
    values = "fence:\n  env:\n  - {name: DB_PASSWORD, value: old-canary-1}\n"
    made = plan(world(environment("east", "alpha.example.org", values)), ["alpha"], "fence.env[0].value=new-canary-2")
    assert [str(operation) for operation in made.operations] == ["set fence.env[0].value to ***"]

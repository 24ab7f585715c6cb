"""Who changed a value, by Git."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from csoc.errors import NotFoundError, RejectedError
from csoc.testing.fleets import HOME, World, application, environment
from csoc.usecases.history import ValueHistory, value_history

ALPHA = "east/alpha.example.org/values.yaml"
APP = "east/app.yaml"


def history(world: World, name: str, key: str) -> ValueHistory:
    fleet = world.load()
    return value_history(world.ports(), fleet, fleet.environment(name), key)


def told(made: ValueHistory) -> list[tuple[str, str, str, str]]:
    return [(change.subject, change.author.split()[0], change.before, change.after) for change in made.changes]


def values(tag: str, more: str = "") -> str:
    return f"global: {{hostname: alpha.example.org}}\nfence: {{image: {{tag: '{tag}'}}}}\n{more}"


def test_each_commit_after_which_the_value_is_another_is_told_newest_first() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"), "Begin")
    world.write({ALPHA: values("2026.01")}, "January", author="Grace")
    world.write({ALPHA: values("2026.01", "other: 1\n")}, "Not about the tag")
    world.write({ALPHA: values("2026.04")}, "April")
    made = history(world, "alpha", "fence.image.tag")
    assert told(made) == [
        ("April", "Ada", '"2026.01"', '"2026.04"'),
        ("January", "Grace", "not set", '"2026.01"'),
    ]
    assert made.current == '"2026.04"'
    assert made.location is not None
    assert (made.location.path, made.location.line) == (ALPHA, 2)


def test_a_value_that_was_removed_is_told() -> None:
    world = World()
    world.write({**environment("east", "alpha.example.org"), ALPHA: values("2026.01")}, "Begin")
    world.write({ALPHA: "global: {hostname: alpha.example.org}\n"}, "Gone")
    made = history(world, "alpha", "fence.image.tag")
    assert told(made)[0] == ("Gone", "Ada", '"2026.01"', "not set")
    assert made.current == "not set"


def test_true_is_another_value_than_one() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org", "fence: {debug: 1}\n"), "Begin")
    world.write({ALPHA: "global: {hostname: alpha.example.org}\nfence: {debug: true}\n"}, "Now true")
    assert told(history(world, "alpha", "fence.debug"))[0] == ("Now true", "Ada", "1", "true")


def merged_world() -> World:
    """Two branches change one file in different lines, and a merge joins them."""
    world = World()
    begin = world.write({**environment("east", "alpha.example.org"), ALPHA: values("1", "x: 1\n")}, "Begin")
    at = datetime(2026, 6, 1, tzinfo=UTC)
    home = world.home
    tag = home.write("main", {ALPHA: values("2", "x: 1\n").encode()}, "Tag", parents=[begin], at=at)
    other = home.write(
        "side", {ALPHA: values("1", "x: 2\n").encode()}, "Other", parents=[begin], at=at + timedelta(days=1)
    )
    home.write(
        "main", {ALPHA: values("2", "x: 2\n").encode()}, "Merge", parents=[tag, other], at=at + timedelta(days=2)
    )
    return world


def test_a_merge_does_not_take_the_credit_and_a_side_branch_not_the_blame() -> None:
    assert told(history(merged_world(), "alpha", "fence.image.tag")) == [
        ("Tag", "Ada", '"1"', '"2"'),
        ("Begin", "Ada", "not set", '"1"'),
    ]
    assert [change[0] for change in told(history(merged_world(), "alpha", "x"))] == ["Other", "Begin"]


@pytest.mark.parametrize(
    "form",
    [
        "valuesObject: {{global: {{hostname: alpha.example.org}}, fence: {{image: {{tag: '{tag}'}}}}}}",
        "values: |\n  global: {{hostname: alpha.example.org}}\n  fence: {{image: {{tag: '{tag}'}}}}",
        "valuesObject: {{global: {{hostname: alpha.example.org}}}}\n"
        "parameters: [{{name: fence.image.tag, value: '{tag}', forceString: true}}]",
    ],
)
def test_values_inside_an_application_are_followed_too(form: str) -> None:
    world = World()
    world.write({APP: application("alpha", helm=form.format(tag="1"))}, "Begin")
    world.write({APP: application("alpha", helm=form.format(tag="1"), namespace="x")}, "Namespace")
    world.write({APP: "kind: ConfigMap\n---\n" + application("alpha", helm=form.format(tag="2"))}, "Tag")
    assert told(history(world, "alpha", "fence.image.tag")) == [
        ("Tag", "Ada", '"1"', '"2"'),
        ("Begin", "Ada", "not set", '"1"'),
    ]


def test_an_older_manifest_is_followed_under_the_names_of_the_chart() -> None:
    world = World()
    text = '{{"versions": {{"fence": "quay.io/cdis/fence:{}"}}, "global": {{"hostname": "alpha.example.org"}}}}'
    world.write({"alpha/manifest.json": text.format("1.0")}, "Begin")
    world.write({"alpha/manifest.json": text.format("1.1")}, "Tag")
    assert told(history(world, "alpha", "fence.image.tag"))[0] == ("Tag", "Ada", '"1.0"', '"1.1"')


def test_a_setting_below_a_wrapper_is_named_as_the_chart_does() -> None:
    world = World()
    chart = "name: alpha\nversion: 1.0.0\napiVersion: v2\ndependencies: [{name: gen3, version: 1.0.0}]\n"
    app = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: alpha}\nspec:\n"
        f"  source: {{repoURL: {HOME}, path: east, targetRevision: main, helm: {{valueFiles: [values.yaml]}}}}\n"
        "  destination: {name: east, namespace: alpha}\n"
    )
    nested = "gen3: {global: {hostname: alpha.example.org}, fence: {replicaCount: %s}}\n"
    world.write({"east/Chart.yaml": chart, "app.yaml": app, "east/values.yaml": nested % 1}, "Begin")
    world.write({"east/values.yaml": nested % 2}, "More")
    assert told(history(world, "alpha", "fence.replicaCount"))[0] == ("More", "Ada", "1", "2")


def test_a_secret_is_never_told() -> None:
    world = World()
    for password in ("correct-horse-battery", "staple-and-some-more"):
        world.write(
            environment(
                "east", "alpha.example.org", f"global: {{hostname: alpha.example.org}}\ndb: {{password: {password}}}\n"
            )
        )
    made = history(world, "alpha", "db.password")
    assert [change[2:] for change in told(made)] == [("***", "***"), ("not set", "***")]


def test_a_value_that_is_secret_by_its_name_beside_it_is_never_told() -> None:
    world = World()
    for password in ("Zq81LmNoXy7", "Wr52PkJdUv3"):
        more = f"global: {{hostname: alpha.example.org}}\nenv: [{{name: DB_PASSWORD, value: {password}}}]\n"
        world.write({**environment("east", "alpha.example.org"), ALPHA: more})
    made = history(world, "alpha", "env[0].value")
    assert made.current == "***"
    assert [change[2:] for change in told(made)] == [("***", "***"), ("not set", "***")]


def test_secrets_in_subjects_and_authors_are_never_told() -> None:
    world = World()
    subject = "Set it with --password Zq81LmNoXy7"
    world.write(environment("east", "alpha.example.org"), subject, author="Ada token=Wr52PkJdUv3a")
    (change,) = history(world, "alpha", "global.hostname").changes
    assert change.subject == "Set it with --password ***"
    assert "Wr52" not in change.author


def test_a_key_with_a_dot_is_written_with_a_backslash() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org", "fence: {annotations: {a.b/c: x}}\n"), "Begin")
    assert told(history(world, "alpha", r"fence.annotations.a\.b/c"))[0][3] == "x"


def test_a_key_that_no_file_ever_wrote_is_not_found_and_no_key_is_refused() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"))
    with pytest.raises(NotFoundError, match="now or before"):
        history(world, "alpha", "fence.image.tag")
    with pytest.raises(RejectedError, match="not a key"):
        history(world, "alpha", "fence..tag")


def test_a_commit_whose_file_was_no_yaml_counts_as_not_writing_it() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org"), "Begin")
    world.write({ALPHA: "a: b: c"}, "Broken")
    world.write({ALPHA: values("1")}, "Mended")
    assert told(history(world, "alpha", "fence.image.tag")) == [("Mended", "Ada", "not set", '"1"')]

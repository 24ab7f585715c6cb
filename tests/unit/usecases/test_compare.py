"""Two environments side by side."""

from __future__ import annotations

import json

import pytest

from csoc.fleet.values import same
from csoc.testing.fleets import World, application, environment
from csoc.usecases.compare import Comparison, Difference, Side, compare
from csoc.usecases.fleet_facts import gather_facts
from csoc.usecases.lines import lines_of, text_lines
from csoc.usecases.states import StateBuilder


def compared(world: World, left: str, right: str) -> Comparison:
    ports, fleet = world.ports(), world.load()
    facts = gather_facts(ports, fleet)
    builder = StateBuilder(ports, fleet)
    sides = []
    for name in (left, right):
        view = fleet.environment(name)
        sides.append(Side(builder.state(view), facts[name], builder.state(view), builder.why_not(view)))
    return compare(*sides)


def two(left: str, right: str) -> Comparison:
    world = World()
    world.write(environment("east", "alpha.example.org", left))
    world.write(environment("west", "beta.example.org", right))
    return compared(world, "alpha", "beta")


def shown(made: Comparison) -> dict[str, tuple[str, str]]:
    return {item.path: (item.left, item.right) for item in made.written if not item.folded}


def one(made: Comparison, path: str) -> Difference:
    (found,) = [item for item in made.written if item.path == path]
    return found


def test_what_differs_is_told_with_both_sides_and_their_places() -> None:
    made = two("fence: {image: {tag: '2026.01'}}\n", "fence: {image: {tag: '2026.04'}, replicaCount: 2}\n")
    assert shown(made) == {
        "fence.image.tag": ('"2026.01"', '"2026.04"'),
        "fence.replicaCount": ("not set", "2"),
    }
    item = one(made, "fence.image.tag")
    assert (str(item.left_at), str(item.right_at)) == (
        "east/alpha.example.org/values.yaml:3",
        "west/beta.example.org/values.yaml:3",
    )


def test_own_names_are_folded() -> None:
    made = two(
        "fence: {url: 'https://alpha.example.org/user', hosts: [alpha.example.org, a]}\n",
        "fence: {url: 'https://beta.example.org/user', hosts: [beta.example.org, a]}\n",
    )
    assert {item.path for item in made.written if item.folded} == {"global.hostname", "fence.url", "fence.hosts"}
    assert shown(made) == {}


def test_an_own_name_on_the_wrong_side_is_not_folded() -> None:
    made = two("fence: {url: 'https://alpha.example.org'}\n", "fence: {url: 'https://alpha.example.org/x'}\n")
    assert shown(made).keys() == {"fence.url"}


def test_true_and_one_differ() -> None:
    assert shown(two("a: {b: true}\n", "a: {b: 1}\n")) == {"a.b": ("true", "1")}
    assert not same(True, 1)
    assert not same([1], [1.0])
    assert same({"a": [None]}, {"a": [None]})


def test_an_item_more_at_the_front_of_a_list_is_one_difference() -> None:
    made = two("a: {names: [b, c, d]}\n", "a: {names: [x, b, c, d]}\n")
    assert one(made, "a.names").diff[1:] == ("+x", " b")
    assert len(shown(made)) == 1


def test_items_that_hold_settings_are_compared_one_by_one() -> None:
    made = two("a: {list: [{k: 1, t: x}]}\n", "a: {list: [{k: 1, t: w}, {k: 2, t: z}]}\n")
    assert shown(made) == {
        "a.list.0.t": ("x", "w"),
        "a.list.1.k": ("not set", "2"),
        "a.list.1.t": ("not set", "z"),
    }


def test_a_list_against_something_else_is_told_once() -> None:
    assert shown(two("a: {b: [1, 2]}\n", "a: {b: {c: 1, d: 2}}\n")).keys() == {"a.b"}


def test_a_configuration_in_one_line_is_compared_setting_by_setting() -> None:
    left = {"footer": {"text": "x" * 200}, "components": {"index": {"title": "One"}, "host": "alpha.example.org"}}
    right = {"components": {"host": "beta.example.org", "index": {"title": "Two"}}, "footer": {"text": "x" * 200}}
    made = two(
        f"portal: {{gitops: {{json: {json.dumps(json.dumps(left))}}}}}\n",
        f"portal: {{gitops: {{json: {json.dumps(json.dumps(right))}}}}}\n",
    )
    changed = [line for line in one(made, "portal.gitops.json").diff if line[0] in "+-"]
    assert changed == ['-      "title": "One"', '+      "title": "Two"']


def test_a_long_text_that_differs_in_own_names_only_is_folded() -> None:
    made = two(
        f"portal: {{css: {json.dumps('x: y;' + chr(10) + 'url: alpha.example.org' + chr(10))}}}\n",
        f"portal: {{css: {json.dumps('x: y;' + chr(10) + 'url: beta.example.org' + chr(10))}}}\n",
    )
    assert shown(made) == {}


def test_secrets_in_long_texts_are_masked() -> None:
    text = "user: x\npassword: {}\n" + "more: y\n" * 30
    made = two(
        f"fence: {{config: {json.dumps(text.format('correct-horse-battery'))}}}\n",
        f"fence: {{config: {json.dumps(text.format('staple-and-some-more') + 'z: 1')}}}\n",
    )
    whole = "\n".join(one(made, "fence.config").diff)
    assert "+z: 1" in whole
    assert "horse" not in whole
    assert "staple" not in whole


def test_what_is_secret_by_what_stands_around_it_is_hidden_and_said_to_differ() -> None:
    text = (
        "env: [{name: DB_PASSWORD, value: SECRET}]\n"
        "extra: {kind: Secret, data: {any: SECRET}}\n"
        "fence: {clientSecret: {one: {two: SECRET}}}\n"
        "job: {args: [--password, SECRET]}\n"
    )
    made = two(text.replace("SECRET", "Zq81LmNoXy7"), text.replace("SECRET", "Wr52PkJdUv3"))
    assert "Zq81" not in repr((made.written, made.effective))
    assert "Wr52" not in repr((made.written, made.effective))
    assert shown(made) == {
        "env.0.value": ("***", "*** (differs, hidden)"),
        "extra.data.any": ("***", "*** (differs, hidden)"),
        "fence.clientSecret.one.two": ("***", "*** (differs, hidden)"),
        "job.args": ("[--password, ***]", "[--password, ***] (differs, hidden)"),
    }


def test_a_whole_block_that_comes_or_goes_hides_its_secrets() -> None:
    block = "env: [{name: DB_PASSWORD, value: Zq81LmNoXy7}, {name: HOST, value: db}]\n"
    made = two("", block)
    assert "Zq81" not in repr(made.written)
    assert "db" in repr(made.written)


def test_effective_values_hold_the_charts_defaults() -> None:
    made = two("fence: {replicaCount: 1}\n", "")
    assert shown(made) == {"fence.replicaCount": ("1", "not set")}
    assert [item.path for item in made.effective if not item.folded] == []


def test_manifests_are_compared_without_own_names() -> None:
    made = two("", "fence: {replicaCount: 3}\n")
    assert made.objects is not None
    names = {item.name: item.diff for item in made.objects}
    assert names.keys() == {"Deployment fence-deployment"}
    assert "+  replicas: 3" in names["Deployment fence-deployment"]


def test_an_object_on_one_side_only_is_told() -> None:
    made = two("", "indexd: {enabled: false}\n")
    assert [(item.name, item.state) for item in made.objects or ()] == [("Deployment indexd-deployment", "left only")]


def test_manifests_that_could_not_be_made_say_why() -> None:
    world = World()
    world.write(environment("east", "alpha.example.org", "fence: {break: no password}\n"))
    world.write(
        {"b.yaml": application("beta", helm="valuesObject: {global: {hostname: beta.example.org}}", revision="x")}
    )
    made = compared(world, "alpha", "beta")
    assert made.objects is None
    assert made.unrendered == (
        "alpha: it does not render: no password",
        "beta: its chart could not be had: There is no such chart",
    )


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"b": 1, "a": {"c": [1, "x"]}}, ["a:", "  c:", "    - 1", "    - x", "b: 1"]),
        ({"a": "one\ntwo\n"}, ["a: |", "  one", "  two"]),
        ({"a": {}, "b": [], "c": None, "d": "", "e": "true"}, ["a: {}", "b: []", "c: null", 'd: ""', 'e: "true"']),
        ([{"a": 1}], ["-", "  a: 1"]),
    ],
)
def test_an_object_is_laid_out_a_setting_a_line(value: object, lines: list[str]) -> None:
    assert lines_of(value) == lines


def test_json_is_laid_out_and_what_is_not_json_stays() -> None:
    assert text_lines('{"b": 1, "a": [2]}') == ["{", '  "a": [', "    2", "  ],", '  "b": 1', "}"]
    assert text_lines("{not json\nat all") == ["{not json", "at all"]
    assert text_lines("[" * 100_000)[0].startswith("[[[")

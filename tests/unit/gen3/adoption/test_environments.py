"""Hostname, stage, commons, slot and name of environments, each with its reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.gen3.views import EnvironmentView, FleetView
from csoc.testing.fleets import World, application, environment


def read(*parts: dict[str, str]) -> FleetView:
    world = World()
    world.write({path: text for part in parts for path, text in part.items()})
    return world.load().view


def one(*parts: dict[str, str]) -> EnvironmentView:
    (found,) = read(*parts).environments
    return found


def document(name: str, spec: str) -> dict[str, str]:
    text = (
        f"apiVersion: csoc.gen3.org/v1alpha1\nkind: Environment\nmetadata: {{name: {name}, uid: a123456789}}\nspec:\n"
    )
    commons = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Commons\nmetadata: {name: mine, uid: b123456789}\nspec: {}\n"
    return {f".csoc/commons/mine/{name}/environment.yaml": text + spec, ".csoc/commons/mine/commons.yaml": commons}


# Hostnames


def test_the_hostname_is_the_one_in_the_values() -> None:
    found = one(environment("east", "Alpha.Example.org"))
    assert (found.hostname.value, found.hostname.reason) == ("alpha.example.org", "global.hostname")
    assert found.hostname.location is not None
    assert found.hostname.location.line == 2


def test_a_folder_named_like_a_hostname_serves_where_no_value_says() -> None:
    files = {"east/alpha.example.org/app.yaml": application("alpha", helm="valuesObject: {fence: {}}")}
    found = one(files)
    assert found.hostname.value == "alpha.example.org"
    assert "folder" in found.hostname.reason


def test_what_is_no_hostname_is_unknown_with_the_place() -> None:
    found = one(environment("east", "alpha.example.org", "global: {hostname: 'https://x/'}\n"))
    assert not found.hostname.known
    assert found.hostname.location is not None


# Stages


@pytest.mark.parametrize(
    ("hostname", "name", "more", "stage", "reason"),
    [
        ("staging.alpha.example.org", "prod-app", "", "staging", "the hostname staging.alpha.example.org says"),
        ("alpha.example.org", "alpha-qa", "", "qa", "the Application is named alpha-qa: qa"),
        ("alpha.example.org", "alpha", "environment: alphaprod", "prod", "global.environment is alphaprod: prod"),
        ("alpha.example.org", "alpha", "dev: true", "dev", "global.dev is true"),
        ("alpha.example.org", "alpha", "", "unknown", "no name says"),
    ],
)
def test_the_stage_comes_from_the_most_trusted_witness_with_its_reason(
    hostname: str, name: str, more: str, stage: str, reason: str
) -> None:
    values = f"global:\n  hostname: {hostname}\n" + (f"  {more}\n" if more else "")
    found = one(environment("apps", hostname, values, name=name))
    assert found.stage.value == stage
    assert found.stage.reason.startswith(reason)


def test_a_name_that_says_another_stage_is_told_beside_the_reason() -> None:
    found = one(environment("x", "staging.alpha.example.org", name="alpha-prod"))
    assert found.stage.value == "staging"
    assert found.stage.reason.endswith("says staging, though the Application is named alpha-prod: prod")


def test_the_clusters_name_is_the_last_witness_of_a_stage() -> None:
    files = {
        "a.yaml": application(
            "alpha", helm="valuesObject: {global: {hostname: alpha.example.org}}", server="name:prod1"
        )
    }
    found = one(files)
    assert found.stage.value == "prod"
    assert "its cluster is named prod1" in found.stage.reason


def test_a_bare_hostname_beside_a_staging_one_is_production() -> None:
    view = read(environment("x", "alpha.example.org"), environment("x", "staging.alpha.example.org"))
    assert [(item.hostname.value, item.stage.value) for item in view.environments] == [
        ("staging.alpha.example.org", "staging"),
        ("alpha.example.org", "prod"),
    ]
    assert view.environments[1].stage.reason.endswith("staging.alpha.example.org beside it is staging")


def test_a_bare_hostname_beside_a_known_production_stays_unknown() -> None:
    view = read(
        environment("x", "alpha.example.org"),
        environment("y", "prod.alpha.example.org"),
        environment("z", "b.example.com"),
    )
    assert {item.hostname.value: item.stage.value for item in view.environments}["alpha.example.org"] == "unknown"


# Commons, slots, names


def test_hostnames_that_differ_in_stage_words_are_one_commons() -> None:
    view = read(
        *(environment("x", f"{part}example.org") for part in ("portal.", "staging.portal.", "qa-")),
        environment("x", "portal.example.com"),
    )
    by_commons = {item.name: len(item.environments) for item in view.commons}
    assert sorted(by_commons.values()) in ([1, 3], [1, 1, 2])


def test_two_productions_of_one_commons_are_blue_and_green() -> None:
    view = read(environment("x1", "portal.alpha.org", name="a"), environment("x2", "new.portal.alpha.org", name="b"))
    values = {item.hostname.value: item for item in view.environments}
    blue, green = values["portal.alpha.org"], values["new.portal.alpha.org"]
    # Nothing says a stage here, so nothing can be said of slots either.
    assert not blue.slot.known
    assert not green.slot.known
    view = read(
        environment("x1prod", "portal.alpha.org", name="a"), environment("x2prod", "new.portal.alpha.org", name="b")
    )
    values = {item.hostname.value: item for item in view.environments}
    assert values["portal.alpha.org"].slot.value == "blue"
    assert values["new.portal.alpha.org"].slot.value == "green"
    assert [item.name for item in view.environments] == ["alpha-prod-blue", "alpha-prod-green"]


def test_a_word_for_what_is_to_come_tells_green_from_blue() -> None:
    view = read(environment("x1prod", "new.alpha.org", name="a"), environment("x2prod", "portal.alpha.org", name="b"))
    assert {item.hostname.value: item.slot.value for item in view.environments} == {
        "portal.alpha.org": "blue",
        "new.alpha.org": "green",
    }


def test_three_of_one_stage_have_no_slot_that_could_be_said() -> None:
    view = read(
        *(environment(f"x{n}prod", f"{word}alpha.org", name=f"a{n}") for n, word in enumerate(("", "new.", "old.")))
    )
    assert all(not item.slot.known for item in view.environments)
    assert len({item.name for item in view.environments}) == 3


def test_an_environment_without_a_hostname_is_named_after_its_release() -> None:
    found = one({"a.yaml": application("My_App", helm="valuesObject: {fence: {}}")})
    assert (found.name, found.commons.value) == ("my-app", "my-app")
    assert "its hostname is unknown" in found.commons.reason


def test_a_wrapped_charts_globals_are_read_below_the_wrapper() -> None:
    files = {
        "east/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: gen3, alias: commons}]\n",
        "east/values.yaml": "commons: {global: {hostname: alpha.example.org}}\n",
        "app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n"
        "  source: {repoURL: https://git.example.org/ops/gitops, path: east, targetRevision: main}\n"
        "  destination: {name: east, namespace: alpha}\n",
    }
    found = one(files)
    assert (found.wrapper, found.hostname.value) == ("commons", "alpha.example.org")


HOSTS = st.sampled_from(
    [
        "alpha.org",
        "staging.alpha.org",
        "qa.alpha.org",
        "new.alpha.org",
        "alpha.com",
        "beta.org",
        "dev-beta.org",
        "x.y.beta.org",
    ]
)
PLACES = st.tuples(st.sampled_from(["east", "west", "prod1"]), HOSTS)


@settings(max_examples=40, deadline=None)
@given(st.lists(PLACES, min_size=1, max_size=6, unique=True), st.randoms(use_true_random=False))
def test_names_are_unique_and_do_not_depend_on_the_order_of_files(
    places: list[tuple[str, str]], random: object
) -> None:
    parts = [environment(cluster, host, name="app") for cluster, host in places]
    first = read(*parts)
    names = [item.name for item in first.environments]
    assert len(set(names)) == len(names) == len(places)
    random.shuffle(parts)  # type: ignore[attr-defined]
    again = read(*parts)
    paths = {item.application.location.path: item.name for item in first.environments}
    assert {item.application.location.path: item.name for item in again.environments} == paths


# What a person wrote


def test_a_document_overrules_everything_that_was_inferred() -> None:
    found = one(
        environment("east", "staging.alpha.example.org", name="alpha"),
        document(
            "mine-prod",
            "  commons: mine\n  cluster: big\n  stage: prod\n  slot: green\n  hostname: other.example.org\n"
            "  application: {path: east/staging.alpha.example.org/app.yaml, name: alpha}\n",
        ),
        {
            ".csoc/clusters/big/cluster.yaml": "apiVersion: csoc.gen3.org/v1alpha1\nkind: Cluster\n"
            "metadata: {name: big, uid: c123456789}\nspec: {}\n"
        },
    )
    assert found.name == "mine-prod"
    facts = (found.commons, found.cluster, found.stage, found.slot, found.hostname)
    assert [item.value for item in facts] == ["mine", "big", "prod", "green", "other.example.org"]
    assert all(item.stated for item in facts)


def test_unknown_in_a_document_leaves_it_to_inference() -> None:
    found = one(
        environment("east", "staging.alpha.example.org", name="alpha"),
        document(
            "mine",
            "  commons: mine\n  cluster: unknown\n  stage: unknown\n"
            "  application: {path: east/staging.alpha.example.org/app.yaml, name: alpha}\n",
        ),
    )
    assert (found.stage.value, found.stage.stated) == ("staging", False)


def test_a_name_that_a_document_has_is_not_given_to_another() -> None:
    view = read(
        environment("east", "alpha.example.org", name="one"),
        environment("west", "beta.example.org", name="two"),
        document(
            "alpha",
            "  commons: mine\n  cluster: unknown\n  application: {path: west/beta.example.org/app.yaml, name: two}\n",
        ),
    )
    names = {item.application.name: item.name for item in view.environments}
    assert names["two"] == "alpha"
    assert names["one"] != "alpha"

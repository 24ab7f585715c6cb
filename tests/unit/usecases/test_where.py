"""Where something is used."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from csoc.errors import RejectedError
from csoc.gen3.facts import Access, Claim, Kind
from csoc.testing.fleets import World, environment
from csoc.usecases.fleet_facts import gather_facts
from csoc.usecases.where import Use, where

ALPHA = "east/alpha.example.org/values.yaml"


def uses(world: World, what: str) -> list[Use]:
    fleet = world.load()
    return where(fleet, gather_facts(world.ports(), fleet), what)


def world(values: str) -> World:
    made = World()
    made.write(environment("east", "alpha.example.org", values))
    return made


def test_a_value_is_found_by_a_part_of_it_or_of_its_key_whatever_the_case() -> None:
    made = world("fence: {usersync: {userYamlS3Path: 's3://USERS/alpha/user.yaml'}}\n")
    for what in ("s3://users", "useryamls3", "usersync.useryaml", "S3Path: s3://"):
        assert [(use.kind, use.location and use.location.path) for use in uses(made, what)][-1] == ("value", ALPHA)


def test_names_and_images_are_found() -> None:
    made = world("fence: {image: {tag: '2026.04'}}\n")
    assert {use.kind for use in uses(made, "alpha")} >= {"Application", "hostname", "namespace", "release"}
    assert {use.kind for use in uses(made, "2026.04")} == {"image", "value"}
    assert [use.kind for use in uses(made, "gen3-1.0.0")] == ["chart"]


def test_an_application_that_is_not_gen3_is_found_without_an_environment() -> None:
    made = world("")
    made.write(
        {
            "logs.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: fluent-bit}\nspec:\n"
            "  source: {repoURL: https://example.org/charts, chart: fluent-bit, targetRevision: 1.0.0}\n"
            "  destination: {name: east, namespace: logs}\n"
        }
    )
    assert [(use.environment, use.text) for use in uses(made, "fluent")] == [("", "fluent-bit (platform)")]


def test_a_secret_cannot_be_guessed_at() -> None:
    made = world("db: {password: correct-horse-battery}\n")
    assert uses(made, "correct-horse-battery") == []
    assert uses(made, "correct") == []
    assert [use.text for use in uses(made, "db.password")] == ["db.password: ***"]


def test_a_secret_inside_a_long_text_cannot_be_guessed_at() -> None:
    text = "a: b\n" * 50 + "db_password: correct-horse-battery\nhost: db.example.org\n"
    made = world(f"fence: {{config: {json.dumps(text)}}}\n")
    assert uses(made, "correct-horse") == []
    (use,) = uses(made, "db.example")
    assert use.text == "fence.config: line 52: host: db.example.org"


def test_a_long_text_is_searched_to_its_end_and_shown_around_what_was_found() -> None:
    portal = json.dumps({"components": ["x" * 500, "bucket-of-alpha", "y" * 500]})
    (use,) = uses(world(f"portal: {{gitops: {{json: {json.dumps(portal)}}}}}\n"), "bucket-of-alpha")
    assert "bucket-of-alpha" in use.text
    assert len(use.text) < 250


def test_a_text_that_names_it_in_every_line_is_not_told_line_by_line_for_ever() -> None:
    made = world(
        f"portal: {{css: {json.dumps('color: red;' * 3 + chr(10) + 'color: red' + (chr(10) + 'color') * 99)}}}\n"
    )
    found = uses(made, "color")
    assert len(found) == 21
    assert found[-1].text == "portal.css: and 81 more lines"


def test_a_secret_in_a_claims_identity_or_an_address_cannot_be_guessed_at() -> None:
    made = world(
        "fence: {image: {repository: 'https://u:Zq81LmNoXy7@quay.example.org/cdis/fence'}}\n"
        "global: {hostname: alpha.example.org, dictionaryUrl: 'https://u:Zq81LmNoXy7@example.org/schema.json'}\n"
    )
    fleet = made.load()
    facts = dict(gather_facts(made.ports(), fleet))
    claim = Claim(Kind.BUCKET, "https://u:Zq81LmNoXy7@bucket.example.org", "", Access.READ, "fence.bucket")
    facts["alpha"] = replace(facts["alpha"], claims=(*facts["alpha"].claims, claim))
    assert where(fleet, facts, "Zq81LmNoXy7") == []
    told = [use.text for use in where(fleet, facts, "https://u:")]
    assert "fence.bucket: https://u:***@bucket.example.org (chart default)" in told
    assert len(told) >= 3


def test_nothing_to_look_for_is_refused() -> None:
    with pytest.raises(RejectedError, match="nothing to look for"):
        uses(world(""), "  ")

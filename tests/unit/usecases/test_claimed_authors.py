"""Whom Git names as authors of what a plan rests on since the last one was applied, and which rules it has to pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from csoc.fleet.repositories import SourceAddress, Tree
from csoc.gen3.launch.applications import application_file
from csoc.gen3.launch.documents import deployment_of
from csoc.provisioning.approvals import ApprovalRule
from csoc.provisioning.plans import Plan
from csoc.testing.fleets import World
from csoc.testing.plans import MemoryPlans
from csoc.testing.repositories import MemoryRepositories, MemoryRepository
from csoc.usecases.planning.authors import Since
from csoc.usecases.planning.fleets import fleet_at
from csoc.usecases.planning.gen3_layer import is_as_written
from csoc.usecases.planning.owners import find_owner
from tests.unit.gen3.launch.launching import answers, launch
from tests.unit.provisioning.small_layers import World as Planning

URL = "https://github.com/example/fleet"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PATH = "clusters/tidal/cluster.yaml"
_HEAD = "apiVersion: csoc.gen3.org/v1alpha1\n"
FILES = {
    "fleet.yaml": _HEAD + "kind: Fleet\nmetadata: {name: tide, uid: f1b2c3d4e5}\nspec: {}\n",
    "accounts/research.yaml": _HEAD + "kind: Account\nmetadata: {name: research, uid: a1b2c3d4e5}\n"
    'spec: {provider: aws, id: "111111111111", purpose: workload, regions: [ap-southeast-2]}\n',
    PATH: _HEAD + "kind: Cluster\nmetadata: {name: tidal, uid: c1b2c3d4e5}\n"
    "spec: {account: research, provider: aws, size: small}\n",
}


class Site:
    """A fleet in memory whose cluster is changed by people. plans: of that cluster."""

    def __init__(self) -> None:
        self.repositories = MemoryRepositories()
        self.repository: MemoryRepository = self.repositories.add(URL)
        files = {path: content.encode() for path, content in FILES.items()}
        self.repository.write("main", cast(Any, files), "Begin", author="Ada <ada@example.org>", at=NOW)
        self.plans = MemoryPlans()

    def change(self, author: str, message: str = "Change", *, days: int = 1, **more: Any) -> str:
        text = f"{FILES[PATH]}# {author} {len(self.repository.commits)}\n"
        return self.repository.write(
            "main", {PATH: text.encode()}, message, author=author, at=NOW + timedelta(days=days), **more
        )

    def applied(self, commit: str, *, days: int = 0, owner: str = "c1b2c3d4e5") -> Plan:
        """A plan of the cluster as it was at the commit, applied."""
        at = NOW + timedelta(days=days)
        made = replace(Planning().plan(), id=f"plan{commit[:6]}", owner=owner, commit=commit, made_at=at)
        self.plans.put(made, {})
        self.plans.mark_applied(made.id, at)
        return made

    def since(self, of: str = "cluster/tidal") -> Since:
        git = replace(World().ports(), repositories=cast(Any, self.repositories))
        fleet = fleet_at(git, URL)
        owner = find_owner(fleet.documents, of)
        return Since(git, fleet.tree, fleet.documents, owner, self.plans.last_applied(owner.uid))

    def authors(self) -> tuple[str, ...]:
        return self.since().authors()

    def write(self, path: str, text: str, author: str) -> str:
        who = f"{author} <{author}@example.org>"
        return self.repository.write("main", {path: text.encode()}, "Change", author=who, at=NOW + timedelta(days=1))

    @property
    def head(self) -> Tree:
        return self.repositories.open(SourceAddress(URL, trusted=True))


def test_before_a_plan_was_applied_everybody_who_changed_a_document_is_an_author_by_name_and_address() -> None:
    site = Site()
    site.change("Bea <Bea@Example.org>")
    assert site.authors() == ("Ada", "Bea", "Bea@Example.org", "ada@example.org")


def test_who_wrote_what_a_merge_bot_commits_is_an_author() -> None:
    site = Site()
    site.applied(site.head.commit)
    site.change("merge-bot <bot@example.org>", "Grow\n\nCo-authored-by: Carl King <carl@example.org>")
    assert site.authors() == ("Carl King", "bot@example.org", "carl@example.org", "merge-bot")


def test_both_sides_of_a_merge_are_authors() -> None:
    site = Site()
    site.applied(site.head.commit)
    first = site.head.commit
    text = f"{FILES[PATH]}# side\n".encode()
    side = site.repository.write("side", {PATH: text}, "Side", author="Carl <carl@example.org>", parents=[first])
    main = site.change("Bea <bea@example.org>")
    site.change("merge-bot <bot@example.org>", "Merge", days=2, parents=[main, side])
    assert {"carl@example.org", "bea@example.org", "bot@example.org"} <= set(site.authors())


def test_what_was_applied_has_no_authors_any_more_and_a_date_is_no_way_around_that() -> None:
    site = Site()
    site.change("Bea <bea@example.org>")
    site.applied(site.head.commit, days=9)
    assert site.authors() == ()
    site.change("Carl <carl@example.org>", days=-400)
    assert site.authors() == ("Carl", "carl@example.org"), "whoever dates a commit back has written it all the same"


def test_of_a_plan_whose_commit_is_gone_everybody_who_ever_wrote_counts() -> None:
    site = Site()
    site.applied("f" * 40, days=9)
    site.change("Bea <bea@example.org>", days=-2_000)
    assert {"bea@example.org", "ada@example.org"} <= set(site.authors())


def test_a_hundred_commits_hide_nobody() -> None:
    site = Site()
    site.applied(site.head.commit)
    site.change("Bea <bea@example.org>")
    for _ in range(120):
        site.change("Carl <carl@example.org>", days=2)
    assert "bea@example.org" in site.authors()


ENVIRONMENT = "commons/reef/reef-dev/environment.yaml"
_ENVIRONMENT = _HEAD + (
    "kind: Environment\nmetadata: {name: reef-dev, uid: e1b2c3d4e5}\n"
    "spec:\n  commons: reef\n  cluster: tidal\n  stage: dev\n  hostname: reef.example.org\n"
    "  application: {name: reef-dev, path: clusters/tidal/applications/reef-dev.yaml}\n"
    "  values:\n    - {path: values/10-base.yaml}\n    - {path: values/90-outputs.yaml}\n"
)


def with_environment(rule: str = "") -> Site:
    """The same with an environment of the stage dev. rule: of its approvals."""
    site = Site()
    site.write(
        "commons/reef/commons.yaml", _HEAD + "kind: Commons\nmetadata: {name: reef, uid: d1b2c3d4e5}\nspec: {}\n", "ada"
    )
    site.write(ENVIRONMENT, _ENVIRONMENT, "ada")
    for name in ("10-base", "90-outputs"):
        site.write(f"values/{name}.yaml", "a: 1\n", "ada")
    site.write("clusters/tidal/applications/reef-dev.yaml", "kind: Application\n", "ada")
    rules(site, rule, "ada")
    return site


def rules(site: Site, rule: str, author: str) -> str:
    spec = f"spec: {{approvals: {{{rule}}}}}" if rule else "spec: {}"
    text = _HEAD + f"kind: Fleet\nmetadata: {{name: tide, uid: f1b2c3d4e5}}\n{spec}\n# {len(site.repository.commits)}\n"
    return site.write("fleet.yaml", text, author)


def test_values_and_the_application_are_documents_too_and_what_runs_write_is_not() -> None:
    site = with_environment()
    site.applied(site.head.commit, owner="e1b2c3d4e5")
    assert site.since("environment/reef-dev").authors() == ()
    site.write("values/90-outputs.yaml", "a: 2\n", "worker")
    assert site.since("environment/reef-dev").authors() == ()
    site.write("values/10-base.yaml", "a: 2\n", "bea")
    assert site.since("environment/reef-dev").authors() == ("bea", "bea@example.org")
    site.write("clusters/tidal/applications/reef-dev.yaml", "kind: Application\nspec: {}\n", "carl")
    assert "carl@example.org" in site.since("environment/reef-dev").authors()


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        (f"{{path: values/20-more.yaml, repository: '{URL}'}}", "values/20-more.yaml"),
        (f"{{path: more/90-outputs.yaml, repository: '{URL}.git'}}", "more/90-outputs.yaml"),
        ("{path: extra/90-outputs.yaml}", "extra/90-outputs.yaml"),
    ],
    ids=["a repository", "a repository and the name of outputs", "a second file of outputs"],
)
def test_every_value_but_the_one_file_that_runs_write_has_authors(entry: str, path: str) -> None:
    site = with_environment()
    outputs = "    - {path: values/90-outputs.yaml}\n"
    first, last = ("", entry) if "repository" not in entry else (entry, "")
    both = "".join(f"    - {one}\n" for one in (first, "{path: values/90-outputs.yaml}", last) if one)
    site.write(ENVIRONMENT, _ENVIRONMENT.replace(outputs, both), "ada")
    site.write(path, "a: 1\n", "ada")
    site.applied(site.head.commit, owner="e1b2c3d4e5")
    site.write(path, "a: 2\n", "bea")
    assert site.since("environment/reef-dev").authors() == ("bea", "bea@example.org")
    site.write("values/90-outputs.yaml", "a: 2\n", "worker")
    assert "worker" not in site.since("environment/reef-dev").authors()


def test_a_rule_that_was_taken_away_before_a_plan_passed_it_is_kept_and_whoever_took_it_away_is_an_author() -> None:
    site = with_environment()
    site.applied(site.head.commit, owner="e1b2c3d4e5")
    rules(site, "dev: {people: 2, secondPerson: true}", "bea")
    assert site.since("environment/reef-dev").authors() == (), "a stricter rule is nobody's advantage"
    rules(site, "dev: {people: 2}", "carl")
    taken_away = rules(site, "", "dan")
    for of in ("environment/reef-dev", "cluster/tidal"):
        since = site.since(of)
        assert since.rule() == ApprovalRule(2, second=True)
        assert {"carl@example.org", "dan@example.org"} <= set(since.authors())
        assert "bea@example.org" not in since.authors()
    site.applied(taken_away, days=2, owner="e1b2c3d4e5")
    assert site.since("environment/reef-dev").rule() == ApprovalRule(), "a plan has passed the stricter one"


def test_a_rule_from_before_the_last_plan_that_is_taken_away_after_it_is_kept() -> None:
    site = with_environment("dev: {secondPerson: true}")
    site.applied(site.head.commit, owner="e1b2c3d4e5")
    rules(site, "", "carl")
    assert site.since("environment/reef-dev").rule() == ApprovalRule(1, second=True)


def test_another_stage_of_the_environment_is_no_way_around_the_rule_of_its_former_one() -> None:
    site = with_environment("prod: {secondPerson: true}")
    site.write(ENVIRONMENT, _ENVIRONMENT.replace("stage: dev", "stage: prod"), "bea")
    site.write(ENVIRONMENT, _ENVIRONMENT.replace("stage: dev", "stage: test"), "carl")
    assert site.since("environment/reef-dev").rule() == ApprovalRule(1, second=True)


def test_an_application_as_runs_write_it_has_no_author_at_whichever_commit_and_any_other_has_one() -> None:
    environment = launch(answers()).environment

    def written(commit: str, url: str = "https://git.example.org/fleet") -> bytes:
        return application_file(deployment_of(environment, url, commit))

    first, second = written("1" * 40), written("2" * 40)
    assert is_as_written(first, environment)
    assert is_as_written(second, environment, first)
    assert not is_as_written(written("2" * 40, "https://git.example.org/other"), environment, first)
    assert b"kind: AppProject" in second
    assert not is_as_written(second.replace(b"kind: AppProject", b"kind: Other"), environment, first)
    more = second + b"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"
    assert not is_as_written(more, environment, first)
    for text in (b"kind: Application\n", b"[1]\n---\n" + second, b"a: [\n"):
        assert not is_as_written(text, environment, first)

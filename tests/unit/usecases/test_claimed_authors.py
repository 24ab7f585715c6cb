"""Whom Git names as authors of an owner's documents since its plan was applied last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from csoc.fleet.repositories import SourceAddress, Tree
from csoc.provisioning.plans import Plan
from csoc.testing.fleets import World
from csoc.testing.plans import MemoryPlans
from csoc.testing.repositories import MemoryRepositories, MemoryRepository
from csoc.usecases.planning.making import claimed_authors, fleet_at
from csoc.usecases.planning.owners import find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts
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

    def applied(self, commit: str, *, days: int = 0) -> Plan:
        """A plan of the cluster as it was at the commit, applied."""
        at = NOW + timedelta(days=days)
        made = replace(Planning().plan(), owner="c1b2c3d4e5", commit=commit, made_at=at)
        self.plans.put(made, {})
        self.plans.mark_applied(made.id, at)
        return made

    def authors(self) -> tuple[str, ...]:
        git = replace(World().ports(), repositories=cast(Any, self.repositories))
        ports = ProvisioningPorts(git, *[cast(Any, None)] * 5)
        fleet = fleet_at(git, URL)
        return claimed_authors(replace(ports, plans=self.plans), fleet, find_owner(fleet.documents, "cluster/tidal"))

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


def test_of_a_plan_whose_commit_is_gone_the_time_decides() -> None:
    site = Site()
    site.applied("f" * 40, days=2)
    site.change("Bea <bea@example.org>", days=3)
    assert site.authors() == ("Bea", "bea@example.org")

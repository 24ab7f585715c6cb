"""What every store of links promises, run on each of them."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csoc.accounts.links import Check, Link, Links, LinkState, Role, new_external_id
from csoc.accounts.template import EXTERNAL_ID_PATTERN
from csoc.adapters.db.database import open_database
from csoc.adapters.db.links import DatabaseLinks
from csoc.errors import ConflictError
from csoc.testing.links import MemoryLinks

START = datetime(2026, 11, 23, 8, 0, 0, 123456, tzinfo=UTC)
Again = Callable[[], Links]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Again]:
    """Opens the same store once more, as another process would."""
    opened: list[DatabaseLinks] = []
    memory = MemoryLinks()

    def open_again() -> Links:
        if request.param == "memory":
            return memory
        url = f"sqlite:///{tmp_path}/csoc.db" if request.param == "sqlite" else request.getfixturevalue("database").url
        opened.append(DatabaseLinks(open_database(url)))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def links(again: Again) -> Links:
    return again()


def link(account: str = "research", account_id: str = "222222222222", external_id: str = "csoc-a") -> Link:
    return Link(
        account=account,
        account_id=account_id,
        installation="f1b2c3d4e5",
        external_id=external_id,
        partition="aws",
        region="ap-southeast-2",
        principal="arn:aws:iam::111111111111:role/csoc-worker",
        state=LinkState.BEGUN,
        begun_at=START,
    )


def unlinked(one: Link, minutes: int = 0) -> Link:
    return replace(one, state=LinkState.UNLINKED, unlinked_at=START + timedelta(minutes=minutes))


def test_a_link_is_kept_with_everything_that_is_known_of_it(again: Again) -> None:
    whole = replace(
        link(),
        state=LinkState.VERIFIED,
        verified_at=START,
        tried_at=START + timedelta(hours=1),
        roles={role: f"arn:aws:iam::222222222222:role/csoc-link/{role}" for role in Role},
        template_digest="ab" * 32,
        artifact_bucket="csoc-link-f1b2c3d4e5-artifacts-222222222222",
        checks=(Check("ü", "must fail", "wrong", 'a "quote"\n\u2028', "mend it", "aws", Role.OBSERVER, "arn:of:csoc"),),
        observer="arn:aws:iam::111111111111:role/csoc-observer",
        missing={"edge": '{"Effect":"Allow"}'},
        by="ada@example.org",
        made_from="cd" * 32,
    )
    again().put(whole)
    assert again().get("research") == whole
    assert list(again().all()) == [whole]


def test_what_an_earlier_csoc_kept_of_a_test_is_read_without_what_it_did_not_know(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/csoc.db"
    check = Check("observer role, with the ExternalId", "must succeed", "ok", role=Role.OBSERVER, by="arn:of:csoc")
    store = DatabaseLinks(open_database(address))
    store.put(replace(link(), checks=(check,)))
    store.close()
    with closing(sqlite3.connect(tmp_path / "csoc.db")) as connection, connection:
        [[text]] = connection.execute("SELECT content FROM links").fetchall()
        content = json.loads(text)
        for one in content["checks"]:
            del one["role"], one["by"]
        connection.execute("UPDATE links SET content = ?", [json.dumps(content)])
    again = DatabaseLinks(open_database(address))
    [found] = again.all()
    again.close()
    assert found.checks == (replace(check, role="", by=""),)


def test_what_became_of_a_link_takes_the_place_of_what_it_was(links: Links) -> None:
    links.put(link())
    links.put(replace(link(), state=LinkState.WEAKENED))
    assert [one.state for one in links.all()] == [LinkState.WEAKENED]


def test_nobody_is_linked_who_was_never_begun(links: Links) -> None:
    assert (links.get("research"), list(links.all()), list(links.past())) == (None, [], [])


def test_links_are_listed_by_account(links: Links) -> None:
    for number, name in enumerate(["research", "Imaging", "b-2", "b"]):
        links.put(link(name, f"{number}" * 12, f"csoc-{number}"))
    assert [one.account for one in links.all()] == sorted(["research", "Imaging", "b-2", "b"])


def test_an_account_has_one_link(links: Links) -> None:
    links.put(link())
    with pytest.raises(ConflictError, match="linked as research"):
        links.put(link("other", external_id="csoc-b"))
    with pytest.raises(ConflictError, match="linked to the account 222222222222"):
        links.put(link(account_id="333333333333", external_id="csoc-b"))
    assert [one.account for one in links.all()] == ["research"]


def test_an_external_id_is_never_used_twice_also_after_its_link_is_gone(links: Links) -> None:
    links.put(link())
    with pytest.raises(ConflictError, match="was made for the account research"):
        links.put(link("other", "333333333333"))
    links.put(unlinked(link()))
    with pytest.raises(ConflictError, match="was made for the account research"):
        links.put(link("other", "333333333333"))
    with pytest.raises(ConflictError, match="never used again"):
        links.put(link())


def test_a_link_that_is_taken_back_is_gone_at_once_and_kept_for_audit(links: Links) -> None:
    links.put(link())
    links.put(unlinked(link(), 5))
    assert (links.get("research"), list(links.all())) == (None, [])
    links.put(link(external_id="csoc-b"))
    links.put(unlinked(link(external_id="csoc-b"), 9))
    assert [one.external_id for one in links.past()] == ["csoc-a", "csoc-b"]
    links.put(link(external_id="csoc-c"))
    assert [one.external_id for one in links.all()] == ["csoc-c"]


def test_of_many_who_link_the_same_account_at_once_one_does(again: Again) -> None:
    stores = [again() for _ in range(6)]
    outcomes: list[str] = []

    def begin(number: int) -> None:
        try:
            stores[number].put(link(external_id=f"csoc-{number}", account=f"name-{number}"))
            outcomes.append("linked")
        except ConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["linked"]
    assert len(stores[0].all()) == 1


def test_external_ids_are_long_random_and_fit_the_template() -> None:
    made = {new_external_id() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(EXTERNAL_ID_PATTERN, one) for one in made)

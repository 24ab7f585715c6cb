"""A hub with csoc's role, a fleet in a Git repository, and the command line, for each test with accounts of its own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pygit2
import pytest

from csoc.emulator.owners import REGION, OwnerOf
from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.command import Command, Ran

_ACCOUNTS = itertools.count(500_000_000_000)
Changing = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


class World:
    """csoc with a hub account and an empty fleet. csoc: the command line, which runs as the hub's role."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.hub = self.owner()
        self.csoc = Command(folder / "home", folder / "fleet", variables=self.hub.hub("ada@example.org"))
        self.csoc.variables["CSOC_DATA_DIR"] = str(folder / "data")
        self.done(self.csoc("fleet", "init", ".", "--name", "tide"))
        self.commit()

    def owner(self) -> OwnerOf:
        """Somebody with an account that nobody used before."""
        return OwnerOf(self.emulator.endpoint, self.emulator.accounts, str(next(_ACCOUNTS)))

    @staticmethod
    def done(ran: Ran) -> Ran:
        assert ran.code == 0, ran.err + ran.out
        return ran

    def link(self, name: str, owner: OwnerOf, *more: str) -> dict[str, Any]:
        """Begins a link, as JSON."""
        asked = ("account", "link", name, "--account-id", owner.account, "--region", REGION, "--json", *more)
        found: dict[str, Any] = self.done(self.csoc(*asked)).data
        return found

    def make(self, owner: OwnerOf, begun: dict[str, Any], change: Changing | None = None, **given: str) -> None:
        """The owner makes the link's stack; change: what is done to the template before. given: other parameters."""
        template = begun["template"]
        if change is not None:
            body = json.loads(template)
            change(body)
            template = json.dumps(body)
        parameters = {"ExternalId": begun["externalId"], **given}
        status = owner.make_stack(begun["stack"], template, parameters, lambda: time.sleep(0.05))
        assert status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), status

    def linked(self, name: str) -> OwnerOf:
        """The owner of an account that is linked and verified."""
        owner = self.owner()
        self.linked_again(name, owner)
        return owner

    def linked_again(self, name: str, owner: OwnerOf) -> None:
        """The same for an account that somebody has."""
        self.make(owner, self.link(name, owner))
        self.done(self.csoc("account", "verify", name))

    def write(self, path: str, text: str, by: str = "fleet@example.org") -> Path:
        """A commit of one file of the fleet. by: mail address of whoever made it."""
        place = self.csoc.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        self.commit(by)
        return place

    def commit(self, by: str = "fleet@example.org") -> None:
        """Everything in the work tree."""
        repository = pygit2.init_repository(self.csoc.folder, initial_head="main")
        repository.index.add_all()
        repository.index.write()
        who = pygit2.Signature(by.partition("@")[0], by, 1_790_000_100, 0)
        parents = [] if repository.head_is_unborn else [repository.head.target]
        repository.create_commit("HEAD", who, who, "Change", repository.index.write_tree(), parents)


@pytest.fixture
def world(emulator: Emulator, tmp_path: Path) -> World:
    return World(emulator, tmp_path)

"""Who uses csoc where no cloud vouches for anybody: the account of the operating system, whatever variables say."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable

import pytest

from csoc import bootstrap
from csoc.access.people import Person
from csoc.errors import UnavailableError

_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME")


class _NoCloud:
    @property
    def cloud(self) -> Callable[[], object]:
        def ask() -> object:
            raise UnavailableError("There are no credentials")

        return ask


def _who() -> Person:
    return bootstrap._person(_NoCloud())  # type: ignore[arg-type]


def test_no_variable_makes_somebody_else_of_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.setenv(name, "mallory")
    assert _who().name == pwd.getpwuid(os.getuid()).pw_name != "mallory"


def test_an_account_without_a_name_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_987_654_321)
    assert _who().name == "uid-3987654321"

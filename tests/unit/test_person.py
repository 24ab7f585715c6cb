"""Who uses csoc where no cloud vouches for anybody: the account of the operating system, whatever variables say."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable

import pytest

from csoc import bootstrap
from csoc.access.people import Person
from csoc.errors import CsocError, DeniedError, NotFoundError, UnavailableError

_VARIABLES = ("LOGNAME", "USER", "LNAME", "USERNAME")


class _NoCloud:
    def __init__(self, error: CsocError) -> None:
        self._error = error

    @property
    def cloud(self) -> Callable[[], object]:
        def ask() -> object:
            raise self._error

        return ask


def _who() -> Person:
    return bootstrap._person(_NoCloud(NotFoundError("There are no credentials")))  # type: ignore[arg-type]


def test_no_variable_makes_somebody_else_of_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.setenv(name, "mallory")
    assert _who().name == pwd.getpwuid(os.getuid()).pw_name != "mallory"


def test_an_account_without_a_name_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_987_654_321)
    assert _who().name == "uid-3987654321"


@pytest.mark.parametrize("error", [UnavailableError("STS does not answer"), DeniedError("The sign-in has ended")])
def test_whom_sts_could_not_name_is_nobody_who_plans_and_may_still_give_a_run_up(error: CsocError) -> None:
    with pytest.raises(type(error)):
        bootstrap._person(_NoCloud(error))  # type: ignore[arg-type]
    assert not bootstrap._anybody(_NoCloud(error)).is_proven  # type: ignore[arg-type]

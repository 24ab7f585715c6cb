"""Hosts that were not reached: refused at once, by what is known of them, until the next look."""

from __future__ import annotations

import pytest

from csoc.adapters.unreached import Unreached
from csoc.errors import UnavailableError

HOST, OTHER = "https://a.org:443", "https://b.org:443"
GONE = UnavailableError("The server cannot be reached", place="https://a.org/x", fix="Check the network")


class Seconds:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_an_origin_that_was_not_reached_is_refused_with_the_first_error_and_others_are_not() -> None:
    unreached = Unreached(60)
    unreached.note(HOST, GONE)
    unreached.note(HOST, UnavailableError("something else"))
    for _ in range(2):
        with pytest.raises(UnavailableError) as caught:
            unreached.check(HOST, f"{HOST}/y")
        assert caught.value.cause == "not tried again: The server cannot be reached"
        assert (caught.value.place, caught.value.fix) == (GONE.place, GONE.fix)
    unreached.check(OTHER)
    unreached.forget()
    unreached.check(HOST)


def test_one_slow_thing_is_refused_alone_and_its_origin_after_three() -> None:
    unreached = Unreached(60)
    for thing in ("/1", "/1", "/2"):
        unreached.note_slow(HOST, HOST + thing, GONE)
        with pytest.raises(UnavailableError):
            unreached.check(HOST, HOST + thing)
        unreached.check(HOST, f"{HOST}/new")
    unreached.note_slow(HOST, f"{HOST}/3", GONE)
    with pytest.raises(UnavailableError):
        unreached.check(HOST, f"{HOST}/new")
    unreached.check(OTHER)


def test_an_origin_may_take_ten_times_what_one_thing_may_take_and_no_more() -> None:
    now = Seconds()
    unreached = Unreached(60, now)
    for number in range(11):
        unreached.check(HOST, f"{HOST}/{number}")
        with unreached.timed(HOST):
            now.at += 55
    with pytest.raises(UnavailableError, match="more than 600 seconds together"):
        unreached.check(HOST, f"{HOST}/12")
    unreached.check(OTHER)
    unreached.forget()
    unreached.check(HOST)

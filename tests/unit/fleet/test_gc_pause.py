"""The collector rests while plain values are made, and always goes on afterwards."""

from __future__ import annotations

import gc
from threading import Thread

import pytest

from csoc.fleet import gc_pause


def test_the_collector_rests_inside_and_goes_on_after_the_outermost() -> None:
    with gc_pause.paused():
        with gc_pause.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_inside_does_not_leave_it_resting() -> None:
    with pytest.raises(ValueError), gc_pause.paused():
        raise ValueError
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with gc_pause.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_threads_may_overlap() -> None:
    def work() -> None:
        for _ in range(200):
            with gc_pause.paused():
                seen.append(gc.isenabled())

    seen: list[bool] = []
    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(seen)
    assert gc.isenabled()

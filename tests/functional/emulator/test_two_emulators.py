"""Emulators of one process, one after another and side by side: moto has one table of back ends for them all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from csoc.emulator.running import running
from tests.functional.emulator.conftest import Owner

BUCKET = "tides-of-two-emulators"


@contextmanager
def s3_of(account: str) -> Iterator[Any]:
    """A client of the owner of an account, of an emulator of its own."""
    with running() as started:
        yield Owner(started, account).client("s3", region="us-east-1")


def test_an_emulator_begins_with_nothing_of_one_that_ended(account: str) -> None:
    for _ in range(2):
        with s3_of(account) as s3:
            assert s3.list_buckets()["Buckets"] == []
            s3.create_bucket(Bucket=BUCKET)


def test_a_name_that_one_account_of_all_can_have_is_free_again(account: str) -> None:
    with s3_of(account) as s3:
        s3.create_bucket(Bucket=BUCKET)
    with s3_of(str(int(account) + 900_000)) as s3:
        s3.create_bucket(Bucket=BUCKET)


def test_an_account_that_another_emulator_has_as_well_stays_until_that_one_ends(account: str) -> None:
    with s3_of(account) as outer:
        with s3_of(account) as inner:
            inner.create_bucket(Bucket=BUCKET)
        assert [one["Name"] for one in outer.list_buckets()["Buckets"]] == [BUCKET]

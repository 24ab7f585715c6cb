"""One emulator for all tests of a worker; each test has an account of its own, since accounts share nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from csoc.emulator.running import Emulator, running
from csoc.emulator.timeline import RunningTimeline
from tests.functional.emulator.resource_cases import Bench

_ACCOUNTS = itertools.count(100_000_000_000)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with running(timeline=RunningTimeline(speed=1000)) as started:
        yield started


@pytest.fixture
def account() -> str:
    """The id of an account that no other test uses."""
    return str(next(_ACCOUNTS))


class Owner:
    """The owner of an account, with clients for its services."""

    def __init__(self, emulator: Emulator, account: str) -> None:
        self.account = account
        self._key = emulator.accounts.owner(account)
        self._endpoint = emulator.endpoint

    def client(self, service: str, region: str = "ap-southeast-2", signature: str | None = None, **changed: str) -> Any:
        """A client with the owner's key; changed: other credentials. signature: boto3's name of another way to sign."""
        given = {"aws_access_key_id": self._key.access_key, "aws_secret_access_key": self._key.secret, **changed}
        config = Config(retries={"max_attempts": 0}, signature_version=signature)
        return boto3.client(service, region_name=region, endpoint_url=self._endpoint, config=config, **given)


@pytest.fixture
def owner(emulator: Emulator, account: str) -> Owner:
    return Owner(emulator, account)


@pytest.fixture
def bench(emulator: Emulator, account: str) -> Bench:
    return Bench(emulator, account)

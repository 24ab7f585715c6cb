"""What use cases about clouds need from outside, handed in together; commands about Git alone do without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from csoc.accounts.cloud import CloudAccounts
from csoc.accounts.links import Links, new_external_id
from csoc.clock import Clock, Ids
from csoc.config import Settings


@dataclass(frozen=True, slots=True)
class CloudPorts:
    """See the module. cloud: made when it is first asked for, since a list of links needs no credentials. external_ids:
    makes a new ExternalId."""

    settings: Settings
    clock: Clock
    ids: Ids
    links: Links
    cloud: Callable[[], CloudAccounts]
    external_ids: Callable[[], str] = new_external_id

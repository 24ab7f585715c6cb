"""What use cases about clouds need from outside, handed in together; commands about Git alone do without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from csoc.accounts.cloud import CloudAccounts
from csoc.accounts.links import Links, new_external_id
from csoc.clock import Clock, Ids
from csoc.config import Settings


@dataclass(frozen=True, slots=True)
class CloudPorts:
    """See the module. cloud: made when it is first asked for, since a list of links needs no credentials. owner:
    somebody else's identity, by a profile of the AWS configuration. external_ids: makes a new ExternalId. sleep: waits
    between two looks at something slow."""

    settings: Settings
    clock: Clock
    ids: Ids
    links: Links
    cloud: Callable[[], CloudAccounts]
    owner: Callable[[str], CloudAccounts]
    external_ids: Callable[[], str] = new_external_id
    sleep: Callable[[float], None] = time.sleep

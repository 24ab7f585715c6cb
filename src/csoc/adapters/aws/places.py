"""Stacks of linked accounts: who asks takes the link's provisioner role, in the person's name, for one task.

A session lasts an hour and a stack may take longer, so the role is taken anew before the hour is over; each taking is a
line in the account's own records.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from csoc.accounts.links import Link, Links, Role
from csoc.accounts.sessions import session
from csoc.adapters.aws.failures import code_of, translated
from csoc.adapters.aws.sessions import BotoSession, own_session, taken
from csoc.adapters.aws.stacks import CloudFormationStacks, Pause
from csoc.clock import Clock, system_clock
from csoc.errors import DeniedError, NotFoundError, RejectedError
from csoc.provisioning.places import Place

_RENEWED_AFTER = timedelta(minutes=45)


class LinkedPlaces:
    """See csoc.provisioning.places.Places. own: csoc's own identity, asked for when a role is taken."""

    def __init__(
        self,
        links: Links,
        *,
        own: Callable[[], BotoSession] = own_session,
        clock: Clock = system_clock,
        pause: Pause = time.sleep,
    ) -> None:
        self._links = links
        self._own = own
        self._clock = clock
        self._pause = pause

    def at(self, account: str, account_id: str, region: str, *, person: str, task: str) -> Place:
        link = linked(self._links, account, account_id)
        taking = _Taking(link, region, person, task, self._own, self._clock)
        # Taken at once: who may not act is told so before anything else happens.
        taking.client("cloudformation")
        stacks = CloudFormationStacks(
            taking.client,
            link.installation,
            pause=self._pause,
            upload=lambda body: _uploaded(taking.client("s3"), link, region, body),
        )
        return Place(stacks, link.installation, link.roles[Role.EXECUTION])


def linked(links: Links, account: str, account_id: str) -> Link:
    """The link of an account. Raises NotFoundError, RejectedError if it is of another account than that."""
    link = links.get(account)
    if link is None:
        raise NotFoundError(
            f"The account {account} is not linked, so csoc cannot act in it",
            place=account,
            fix=f"csoc account link {account} begins it",
        )
    if link.account_id != account_id:
        raise RejectedError(
            f"The link of {account} is of the account {link.account_id}, and the document says {account_id}",
            place=account,
            fix="Correct the document, or link the other account under a name of its own",
        )
    return link


class _Taking:
    """Clients of a role that is taken anew before its session ends. Threads may share it."""

    def __init__(
        self, link: Link, region: str, person: str, task: str, own: Callable[[], BotoSession], clock: Clock
    ) -> None:
        self._link, self._region = link, region
        self._person, self._task = person, task
        self._own, self._clock = own, clock
        self._lock = threading.Lock()
        self._session: BotoSession | None = None
        self._taken_at: datetime | None = None

    def client(self, service: str) -> Any:
        with self._lock:
            now = self._clock()
            if self._session is None or self._taken_at is None or now - self._taken_at >= _RENEWED_AFTER:
                request = session(self._link, Role.PROVISIONER, self._person, self._task)
                self._session, self._taken_at = taken(self._own(), request, self._region), now
            return self._session.client(service, self._region)


def _uploaded(client: Any, link: Link, region: str, body: str) -> str:
    """Puts a template into the link's bucket; its key names its content, so what is there is the same."""
    if not link.artifact_bucket:
        raise DeniedError(
            "The template is too large for a request, and the link has no bucket for it",
            place=link.account,
            fix=f"Update the link's stack: csoc account link {link.account} prints its template",
        )
    key = f"templates/{hashlib.sha256(body.encode()).hexdigest()}.json"
    with translated(f"s3://{link.artifact_bucket}/{key}"):
        try:
            client.put_object(
                Bucket=link.artifact_bucket,
                Key=key,
                Body=body.encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if code_of(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{link.artifact_bucket}.s3.{region}.{suffix}/{key}"

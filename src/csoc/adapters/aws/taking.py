"""Roles of a link, taken in a person's name for one task.

A session lasts an hour and a task may take longer, so the role is taken anew before the hour is over; each taking is a
line in the account's own records.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from csoc.accounts.cloud import SessionRequest
from csoc.accounts.links import Link, Links, Role
from csoc.accounts.sessions import session
from csoc.adapters.aws.sessions import BotoSession, taken
from csoc.clock import Clock
from csoc.errors import DeniedError, NotFoundError, RejectedError

_RENEWED_AFTER = timedelta(minutes=45)


class Taking:
    """A role that is taken anew before its session ends. own: csoc's own identity. Threads may share it."""

    def __init__(
        self, link: Link, role: Role, region: str, *, person: str, task: str, own: Callable[[], BotoSession],
        clock: Clock,
    ) -> None:  # fmt: skip
        self._link, self._role, self._region = link, role, region
        self._person, self._task = person, task
        self._own, self._clock = own, clock
        self._lock = threading.Lock()
        self._session: BotoSession | None = None
        self._taken_at: datetime | None = None

    def session(self) -> BotoSession:
        """The session as it is now. Raises what `csoc.accounts.sessions.session` and AWS raise."""
        with self._lock:
            now = self._clock()
            if self._session is None or self._taken_at is None or now - self._taken_at >= _RENEWED_AFTER:
                request = session(self._link, self._role, self._person, self._task)
                self._session, self._taken_at = self._take(request), now
            return self._session

    def _take(self, request: SessionRequest) -> BotoSession:
        own = self._own()
        try:
            return taken(own, request, self._region)
        except DeniedError as error:
            raise DeniedError(
                f"{self._link.account} does not let csoc in any more as it was linked. {error.cause}",
                place=error.place,
                fix=f"csoc account verify {self._link.account} says what changed",
            ) from error

    def client(self, service: str) -> Any:
        """A client of a service in the session's region."""
        return self.session().client(service, self._region)


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

"""Links in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from csoc.accounts.links import Link, LinkState, refuse_if_taken


class MemoryLinks:
    """See csoc.accounts.links.Links."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._lock = threading.Lock()

    def put(self, link: Link) -> None:
        with self._lock:
            refuse_if_taken(link, self._links.values())
            self._links[link.external_id] = link

    def get(self, account: str) -> Link | None:
        return next((link for link in self.all() if link.account == account), None)

    def all(self) -> Sequence[Link]:
        with self._lock:
            live = [link for link in self._links.values() if link.state is not LinkState.UNLINKED]
        return sorted(live, key=lambda link: link.account)

    def past(self) -> Sequence[Link]:
        with self._lock:
            gone = [link for link in self._links.values() if link.state is LinkState.UNLINKED]
        return sorted(gone, key=lambda link: (str(link.unlinked_at or ""), link.external_id))

    def close(self) -> None:
        return None

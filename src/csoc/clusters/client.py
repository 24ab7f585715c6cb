"""Port: what csoc asks of a cluster. Objects are plain dictionaries, as the API gives them.

Every call has a time limit and raises csoc's errors: NotFoundError (looked, not there), DeniedError, ConflictError,
RejectedError (the cluster refuses the object), UnavailableError (could not look, which says nothing about what is
there).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Object = dict[str, Any]
Selector = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the API as discovery tells it. group: "" for the core."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True)
class Discovered:
    """All resources of a cluster. missing: groups whose server did not answer, so that nothing is known of them."""

    resources: tuple[Resource, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch. type: ADDED, MODIFIED, DELETED or BOOKMARK (only its version counts)."""

    type: str
    object: Object

    @property
    def version(self) -> str:
        """The version to go on from after this event."""
        return str(self.object.get("metadata", {}).get("resourceVersion", ""))


class ExpiredError(Exception):
    """A list or watch cannot be continued from where it was: list again. No failure, part of the protocol."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. version: of the whole list, to watch from. rest: what continues it, "" at the end. remaining: how
    many more there are, where the cluster says so."""

    items: tuple[Object, ...]
    version: str
    rest: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """How something is deleted. uid: only if it is still this one. orphan: what it owns stays. foreground: it goes
    after what it owns. grace_seconds: None leaves it to the object."""

    uid: str = ""
    orphan: bool = False
    foreground: bool = False
    grace_seconds: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of a container's log. tail: the last so many. since_seconds: not older. previous: of the container
    before the last restart."""

    container: str = ""
    tail: int | None = 500
    since_seconds: int | None = None
    previous: bool = False
    timestamps: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """A question about one's own rights. resource: plural; group "" for the core; name and namespace "" for all."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The answer, with the cluster's reason if it gave one."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Applying:
    """How an object is applied. manager: the field manager. force: take over fields of others instead of a conflict.
    dry_run: the cluster says what would be, and nothing is kept."""

    manager: str = "csoc"
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Where:
    """Which objects of a resource. namespace: "" for all. labels, fields: each must be equal."""

    namespace: str = ""
    labels: Selector = field(default_factory=dict)
    fields: Selector = field(default_factory=dict)


EVERYWHERE = Where()


class ClusterClient(Protocol):
    """One cluster, as one identity. Threads may share it."""

    def version(self) -> str:
        """The version of the API server ("v1.34.0")."""
        ...

    def discover(self) -> Discovered:
        """Which resources there are. One group that does not answer does not hide the others."""
        ...

    def resource(self, api_version: str, kind: str) -> Resource:
        """One resource by kind. Raises NotFoundError if the cluster does not know it (a missing CRD)."""
        ...

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object: ...

    def page(
        self,
        api_version: str,
        kind: str,
        where: Where = EVERYWHERE,
        *,
        limit: int = 500,
        rest: str = "",
        metadata_only: bool = False,
    ) -> Page:
        """One page of a list. metadata_only: objects hold kind and metadata alone. Raises ExpiredError if `rest` is too
        old."""  # fmt: skip
        ...

    def list_all(
        self, api_version: str, kind: str, where: Where = EVERYWHERE, *, metadata_only: bool = False
    ) -> tuple[list[Object], str]:
        """All pages, with the version to watch from. Begins again if the pages expired on the way."""
        ...

    def watch(
        self,
        api_version: str,
        kind: str,
        version: str,
        where: Where = EVERYWHERE,
        *,
        seconds: float = 300,
        metadata_only: bool = False,
    ) -> Iterator[Change]:
        """Changes after a version, for at most so many seconds. Ends when the cluster ends it; raises ExpiredError when
        the version is too old. Closing the iterator frees the connection."""  # fmt: skip
        ...

    def apply(self, body: Object, how: Applying = ...) -> Object:
        """Server-side apply. Raises ConflictError naming the fields and who manages them."""
        ...

    def create(self, body: Object, *, dry_run: bool = False) -> Object:
        """Raises ConflictError if it exists."""
        ...

    def replace(self, body: Object) -> Object:
        """Writes the whole object. With metadata.resourceVersion only if nobody changed it (ConflictError)."""
        ...

    def merge(
        self, api_version: str, kind: str, name: str, patch: Object, namespace: str = "", part: str = ""
    ) -> Object:
        """A JSON merge patch. part: a subresource such as "status"."""
        ...

    def delete(self, api_version: str, kind: str, name: str, namespace: str = "", how: Deletion = ...) -> bool:
        """False if it was not there. Raises ConflictError if it is another one than the uid says."""
        ...

    def logs(self, pod: str, namespace: str, query: LogQuery = ...) -> list[str]:
        """Lines of a container's log. Raises NotFoundError (pod or container), RejectedError (not started yet)."""
        ...

    def may(self, access: Access) -> Allowed:
        """What the cluster would say, asked of the cluster itself (SelfSubjectAccessReview)."""
        ...

    def close(self) -> None:
        """Ends its connections."""
        ...

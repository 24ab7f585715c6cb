"""Argo CD's Applications in a cluster: what they say of themselves, and what csoc asks of them.

Argo CD is spoken to through its objects, as its own command line can be (`--core`): no second server, no second
credential. Whatever an Application says was written by somebody else and is taken apart with care.
Source of fields: Argo CD 3.2, pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csoc.clusters.client import Change, ClusterClient, Deletion, ExpiredError, Object, Where
from csoc.errors import ConflictError, NotFoundError, UnavailableError
from csoc.fleet.argocd.model import RESOURCES_FINALIZER
from csoc.fleet.masking import mask_text
from csoc.fleet.shapes import items, mapping, mappings, text

API = "argoproj.io/v1alpha1"
KIND = "Application"
NAMESPACE = "argocd"
REFRESH = "argocd.argoproj.io/refresh"
ASKED_AGAIN = "csoc.gen3.org/asked-again"
_TIMES_READ = 10
_DONE = frozenset({"Succeeded", "Failed", "Error"})


@dataclass(frozen=True, slots=True)
class ResourceReading:
    """One object that an Application manages. sync: Synced, OutOfSync, Unknown or "" (a hook).

    health: "" where Argo CD has no opinion of the kind, and everywhere in a plain Argo CD 3, which keeps the health of
    single objects to itself (status.resourceHealthSource: appTree); who wants it looks at the object.
    """

    group: str
    kind: str
    namespace: str
    name: str
    sync: str
    health: str
    message: str = ""
    needs_pruning: bool = False
    is_hook: bool = False


@dataclass(frozen=True, slots=True)
class OperationReading:
    """The last or running sync. phase: Running, Terminating, Succeeded, Failed or Error. failed: objects that could not
    be synced, with what the cluster said."""

    phase: str
    message: str
    revisions: tuple[str, ...]
    started_at: datetime | None
    finished_at: datetime | None
    failed: tuple[ResourceReading, ...] = ()
    retries: int = 0

    @property
    def is_done(self) -> bool:
        return self.phase in _DONE


@dataclass(frozen=True, slots=True)
class ApplicationReading:
    """An Application as Argo CD last saw it.

    revisions: commits or versions that were compared, by source. conditions: (type, message), errors and warnings.
    asked: an operation was asked for and did not begin. is_refreshing: a look was asked for and is not done.
    reconciled_at: when Argo CD looked, to the second; None if it never did.
    """

    name: str
    uid: str
    project: str
    namespace: str
    server: str
    sync: str
    health: str
    health_message: str
    revisions: tuple[str, ...]
    target_revisions: tuple[str, ...]
    conditions: tuple[tuple[str, str], ...]
    resources: tuple[ResourceReading, ...]
    operation: OperationReading | None
    asked: bool
    is_refreshing: bool
    reconciled_at: datetime | None
    is_automated: bool
    is_being_deleted: bool
    version: str

    @property
    def is_synced_and_healthy(self) -> bool:
        return self.sync == "Synced" and self.health == "Healthy"


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync to. revisions: one a source, empty for what the sources name. prune: delete what is no longer
    wanted. dry_run: Argo CD says what would be, and changes nothing. who: the name that the operation carries."""

    revisions: tuple[str, ...] = ()
    prune: bool = False
    dry_run: bool = False
    who: str = "csoc"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long Argo CD has to begin with what is asked of it: so many seconds, and so many times over."""

    seconds: float = 10.0
    times: int = 12


PATIENCE = Patience()


def read_application(body: Mapping[str, Any]) -> ApplicationReading:
    """Takes an Application object apart. Fields of another shape count as absent."""
    about, spec, status = mapping(body.get("metadata")), mapping(body.get("spec")), mapping(body.get("status"))
    sync, health = mapping(status.get("sync")), mapping(status.get("health"))
    destination = mapping(spec.get("destination"))
    sources = mappings(spec.get("sources")) or [mapping(spec.get("source"))]
    return ApplicationReading(
        text(about.get("name")),
        text(about.get("uid")),
        text(spec.get("project")),
        text(destination.get("namespace")),
        text(destination.get("server")) or text(destination.get("name")),
        text(sync.get("status")) or "Unknown",
        text(health.get("status")) or "Unknown",
        mask_text(text(health.get("message"))),
        _revisions(sync),
        tuple(text(source.get("targetRevision")) for source in sources),
        tuple(
            (text(one.get("type")), mask_text(text(one.get("message")))) for one in mappings(status.get("conditions"))
        ),
        tuple(_resource(one) for one in mappings(status.get("resources"))),
        _operation(mapping(status.get("operationState"))),
        bool(mapping(body.get("operation"))),
        REFRESH in mapping(about.get("annotations")),
        _time(status.get("reconciledAt")),
        bool(mapping(mapping(spec.get("syncPolicy")).get("automated")))
        or "automated" in mapping(spec.get("syncPolicy")),
        bool(about.get("deletionTimestamp")),
        text(about.get("resourceVersion")),
    )


class Applications:
    """The Applications of one cluster's Argo CD.

    Argo CD writes the answer to each of its own writes over what it has heard of the Application meanwhile (3.2.1,
    controller/appcontroller.go, writeBackToInformer). What is asked while such an answer is on its way is lost to it
    until it looks at everything again, which is minutes later, unless the Application changes once more. So whatever
    is asked here is asked again, by a change that means nothing, until something has come of it.
    """

    def __init__(self, client: ClusterClient, namespace: str = NAMESPACE, patience: Patience = PATIENCE) -> None:
        self._client = client
        self._namespace = namespace
        self._patience = patience

    def get(self, name: str) -> ApplicationReading:
        """Raises NotFoundError, DeniedError, UnavailableError."""
        return read_application(self._client.get(API, KIND, name, self._namespace))

    def list_all(self) -> list[ApplicationReading]:
        """All of them."""
        found, _ = self._client.list_all(API, KIND, Where(self._namespace))
        return [read_application(body) for body in found]

    def refresh(self, name: str, *, hard: bool = False) -> None:
        """Lets Argo CD look into Git and the cluster now, and comes back when it has; hard: past what it keeps of Git
        and Helm. Raises NotFoundError, and UnavailableError if it does not look."""
        annotations = {REFRESH: "hard" if hard else "normal"}
        self._client.merge(API, KIND, name, {"metadata": {"annotations": annotations}}, self._namespace)
        self._until(name, lambda one: not one.is_refreshing, "does not look at")

    def sync(self, name: str, request: SyncRequest = SyncRequest()) -> None:
        """Asks Argo CD to sync, and comes back when that has begun. Raises ConflictError while another operation runs,
        NotFoundError, and UnavailableError if it does not begin."""
        wanted: Object = {"prune": request.prune}
        if request.dry_run:
            wanted["dryRun"] = True
        if len(request.revisions) == 1:
            wanted["revision"] = request.revisions[0]
        elif request.revisions:
            wanted["revisions"] = list(request.revisions)
        self._operate(name, {"initiatedBy": {"username": request.who}, "sync": wanted})
        self._until(name, _has_begun, "does not begin to sync")

    def _operate(self, name: str, operation: Object) -> None:
        """Writes an operation where none is. With the version that was read: of two who ask at once, one is told. When
        it was Argo CD that wrote meanwhile, there still is no operation, and it is written to the next version."""
        for left in reversed(range(_TIMES_READ)):
            body = self._client.get(API, KIND, name, self._namespace)
            if mapping(body.get("operation")):
                raise ConflictError(
                    f"Another operation of the Application {name} is running", fix="Wait for it, or stop it"
                )
            version = mapping(body.get("metadata")).get("resourceVersion")
            patch = {"metadata": {"resourceVersion": version}, "operation": operation}
            try:
                self._client.merge(API, KIND, name, patch, self._namespace)
            except ConflictError:
                if not left:
                    raise
            else:
                return

    def stop(self, name: str) -> bool:
        """Asks a running operation to end. False if none runs."""
        body = self._client.get(API, KIND, name, self._namespace)
        state = mapping(mapping(body.get("status")).get("operationState"))
        if text(state.get("phase")) not in ("Running", "Terminating"):
            return False
        patch = {"status": {"operationState": {"phase": "Terminating"}}}
        self._client.merge(API, KIND, name, patch, self._namespace)
        return True

    def delete(self, name: str, *, cascade: bool) -> bool:
        """Deletes an Application. cascade: with what it manages; else that stays. False if it was not there."""
        finalizers = [RESOURCES_FINALIZER] if cascade else None
        if not self._exists(name):
            return False
        self._client.merge(API, KIND, name, {"metadata": {"finalizers": finalizers}}, self._namespace)
        return self._client.delete(API, KIND, name, self._namespace, Deletion())

    def wait_until_gone(self, name: str) -> None:
        """Comes back when a deleted Application is not there any more. Raises UnavailableError if it stays."""
        with suppress(NotFoundError):
            self._until(name, lambda _: False, "does not finish deleting")

    def follow(self, name: str, seconds: float) -> Iterator[ApplicationReading | None]:
        """What becomes of an Application: its reading now and after each change; None once it is gone. Ends after so
        many seconds without regard to its state."""
        where = Where(self._namespace, fields={"metadata.name": name})
        found, version = self._client.list_all(API, KIND, where)
        yield read_application(found[0]) if found else None
        yield from (_told(change) for change in self._changes(version, where, seconds) if change.type != "BOOKMARK")

    def wait_for(self, name: str, is_so: Callable[[ApplicationReading], bool], seconds: float) -> ApplicationReading:
        """The first reading that is as asked. Raises UnavailableError with the last one's state if none comes in
        time."""
        last: ApplicationReading | None = None
        for reading in self.follow(name, seconds):
            last = reading or last
            if reading is not None and is_so(reading):
                return reading
        raise UnavailableError(
            f"The Application {name} did not get there in {seconds:g} s: {_state(last)}",
            fix="Look at its conditions and at what is not healthy",
        )

    def _until(self, name: str, is_so: Callable[[ApplicationReading], bool], what: str) -> None:
        """Comes back when it is so; asks again as long as it is not. Raises NotFoundError, UnavailableError."""
        last: ApplicationReading | None = None
        for _ in range(self._patience.times):
            if last is not None:
                # The version makes it another text each time: a write that changes nothing is not told to anybody.
                again = {"metadata": {"annotations": {ASKED_AGAIN: last.version}}}
                self._client.merge(API, KIND, name, again, self._namespace)
            for reading in self.follow(name, self._patience.seconds):
                if reading is None:
                    raise NotFoundError(f"The Application {name} is not there any more")
                if is_so(reading):
                    return
                last = reading
        raise UnavailableError(
            f"Argo CD {what} the Application {name}, though it was asked {self._patience.times} times: {_state(last)}",
            fix="Look whether its application controller runs, and what it says",
        )

    def _changes(self, version: str, where: Where, seconds: float) -> Iterator[Change]:
        try:
            yield from self._client.watch(API, KIND, version, where, seconds=seconds)
        except ExpiredError:
            raise UnavailableError("The cluster forgot what was watched", fix="Try again") from None

    def _exists(self, name: str) -> bool:
        where = Where(self._namespace, fields={"metadata.name": name})
        return bool(self._client.list_all(API, KIND, where, metadata_only=True)[0])


def _told(change: Change) -> ApplicationReading | None:
    return None if change.type == "DELETED" else read_application(change.object)


def _has_begun(reading: ApplicationReading) -> bool:
    """Whether the operation that was asked for runs or is over; the one that is told may be one before it."""
    return not reading.asked or (reading.operation is not None and not reading.operation.is_done)


def _state(reading: ApplicationReading | None) -> str:
    if reading is None:
        return "it is not there"
    said = [f"{reading.sync}, {reading.health}"]
    said += [f"{kind}: {message}" for kind, message in reading.conditions[:3]]
    if reading.operation is not None:
        said.append(f"operation {reading.operation.phase}: {reading.operation.message}")
    if reading.asked:
        said.append("an operation is asked for and not done")
    return "; ".join(said)


def _revisions(sync: Mapping[str, Any]) -> tuple[str, ...]:
    several = tuple(text(one) for one in items(sync.get("revisions")))
    return several or ((text(sync.get("revision")),) if text(sync.get("revision")) else ())


def _resource(body: Mapping[str, Any]) -> ResourceReading:
    health = mapping(body.get("health"))
    return ResourceReading(
        text(body.get("group")),
        text(body.get("kind")),
        text(body.get("namespace")),
        text(body.get("name")),
        text(body.get("status")),
        text(health.get("status")),
        mask_text(text(health.get("message"))),
        body.get("requiresPruning") is True,
        body.get("hook") is True,
    )


def _operation(state: Mapping[str, Any]) -> OperationReading | None:
    if not state:
        return None
    result = mapping(state.get("syncResult"))
    failed: Sequence[Mapping[str, Any]] = [
        one
        for one in mappings(result.get("resources"))
        if text(one.get("status")) in ("SyncFailed",) or text(one.get("hookPhase")) in ("Failed", "Error")
    ]
    retries = state.get("retryCount")
    return OperationReading(
        text(state.get("phase")),
        mask_text(text(state.get("message"))),
        _revisions(result),
        _time(state.get("startedAt")),
        _time(state.get("finishedAt")),
        tuple(_failed(one) for one in failed),
        retries if isinstance(retries, int) else 0,
    )


def _failed(body: Mapping[str, Any]) -> ResourceReading:
    return ResourceReading(
        text(body.get("group")),
        text(body.get("kind")),
        text(body.get("namespace")),
        text(body.get("name")),
        text(body.get("status")),
        "",
        mask_text(text(body.get("message"))),
        is_hook=bool(text(body.get("hookType"))),
    )


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text(value).replace("Z", "+00:00")) if text(value) else None
    except ValueError:
        return None

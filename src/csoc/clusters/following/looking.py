"""One look at an Application and at what it deploys: is it what was planned, and is it well?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.clusters.applications import NAMESPACE, ApplicationReading, Applications
from csoc.clusters.bootstrap.acting import ROOT
from csoc.clusters.client import ClusterClient, Where
from csoc.clusters.following.reasons import Objects, Reason, reasons
from csoc.errors import DeniedError, NotFoundError
from csoc.fleet.shapes import mapping, mappings, text

_KINDS = (
    ("v1", "Pod"),
    ("batch/v1", "Job"),
    ("external-secrets.io/v1", "ExternalSecret"),
    ("external-secrets.io/v1", "SecretStore"),
    ("v1", "Event"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "CronJob"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "Ingress"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is followed. application: its name. namespace: of what it deploys. revisions: those that were planned, by
    source, as its targetRevision names them. patience_seconds: after so long what is not healthy counts as failed."""

    application: str
    namespace: str
    revisions: tuple[str, ...]
    applications_in: str = NAMESPACE
    patience_seconds: float = 3_600


@dataclass(frozen=True, slots=True)
class Seen:
    """is_healthy: what was planned is synced, and well. failed: Argo CD gave up, and will not try again by itself.
    summary: one line. address: of the load balancer, "" while there is none. ready, total: pods. unseen: the
    Application that knows of a commit before the planned one, so that Argo CD must look at it again; "" for none."""

    is_healthy: bool
    summary: str
    reasons: tuple[Reason, ...] = ()
    failed: bool = False
    address: str = ""
    ready: int = 0
    total: int = 0
    unseen: str = ""

    @property
    def worst(self) -> str:
        """The summary with the reasons that count most."""
        shown = "; ".join(str(one) for one in self.reasons[:3])
        more = f"; and {len(self.reasons) - 3} more" if len(self.reasons) > 3 else ""
        return f"{self.summary}: {shown}{more}" if shown else self.summary


def look(client: ClusterClient, wanted: Wanted) -> Seen:
    """What is there now. Raises DeniedError (the Application itself), UnavailableError."""
    try:
        found = Applications(client, wanted.applications_in).get(wanted.application)
    except NotFoundError:
        absent = f"Argo CD has no Application {wanted.application} yet"
        return Seen(False, absent, _of_the_root(client, wanted), unseen=ROOT)
    problems = [Reason(0, found.name, f"{kind}: {said}") for kind, said in found.conditions if kind.endswith("Error")]
    if wanted.revisions and found.target_revisions != wanted.revisions:
        return Seen(False, "the Application does not name the planned revisions yet", tuple(problems), unseen=ROOT)
    stale = _stale(found, wanted)
    if stale and not problems:
        return Seen(False, stale, unseen="" if found.is_refreshing or found.asked else found.name)
    objects = read(client, wanted.namespace)
    ready, total = _pods(objects.pods)
    address = _address(objects.ingresses)
    if found.is_synced_and_healthy and not stale:
        return Seen(True, f"healthy, {ready} of {total} pods ready", address=address, ready=ready, total=total)
    operation = found.operation
    failed = operation is not None and operation.is_done and operation.phase != "Succeeded" and not found.asked
    if operation is not None and failed:
        problems += [Reason(0, one.name, f"{one.kind} cannot be synced: {one.message}") for one in operation.failed]
        if not operation.failed:
            problems.append(Reason(0, found.name, f"the sync failed: {operation.message}"))
    # Argo CD may look before it has heard of the project or the credential, and again by itself only minutes later.
    unsure = found.name if _is_unsure(found.conditions) and not (found.is_refreshing or found.asked) else ""
    every = sorted([*problems, *reasons(objects)])
    summary = f"{found.sync}, {found.health}, {ready} of {total} pods ready"
    return Seen(False, summary, tuple(every), failed and found.sync != "Synced", address, ready, total, unseen=unsure)


def _of_the_root(client: ClusterClient, wanted: Wanted) -> tuple[Reason, ...]:
    """Why the root Application does not bring it; nothing where somebody else's reads the folder."""
    try:
        root = Applications(client, wanted.applications_in).get(ROOT)
    except NotFoundError:
        return ()
    said = [Reason(0, ROOT, f"{kind}: {text_}") for kind, text_ in root.conditions if kind.endswith("Error")]
    if root.operation is not None:
        said += [Reason(0, ROOT, f"{one.name} cannot be synced: {one.message}") for one in root.operation.failed]
    return tuple(said)


def read(client: ClusterClient, namespace: str) -> Objects:
    """What reasons are found in. What may not be read, or is no kind of this cluster, is named as unread."""
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    unread = []
    for api_version, kind in _KINDS:
        try:
            found[kind] = client.list_all(api_version, kind, Where(namespace))[0]
        except (DeniedError, NotFoundError) as error:
            unread.append(f"{kind}: {error.cause}")
    return Objects(
        pods=found.get("Pod", ()),
        jobs=found.get("Job", ()),
        external_secrets=found.get("ExternalSecret", ()),
        stores=found.get("SecretStore", ()),
        events=found.get("Event", ()),
        claims=found.get("PersistentVolumeClaim", ()),
        workloads=(*found.get("Deployment", ()), *found.get("StatefulSet", ())),
        cron_jobs=found.get("CronJob", ()),
        autoscalers=found.get("HorizontalPodAutoscaler", ()),
        ingresses=found.get("Ingress", ()),
        unread=unread,
    )


def _is_unsure(conditions: Iterable[tuple[str, str]]) -> bool:
    return any(kind in ("InvalidSpecError", "ComparisonError") for kind, _ in conditions)


def _stale(found: ApplicationReading, wanted: Wanted) -> str:
    """What Argo CD compared is of before the pins moved."""
    if found.is_refreshing or found.asked:
        return "Argo CD is asked to look and has not yet"
    if not found.revisions:
        return "Argo CD has not compared it yet"
    differs = [
        (planned, is_)
        for planned, is_ in zip(wanted.revisions, found.revisions, strict=False)
        if planned and planned.removeprefix("v") != is_.removeprefix("v")
    ]
    return f"Argo CD compared {differs[0][1][:12]}, and {differs[0][0][:12]} is planned" if differs else ""


def _pods(pods: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    living = [one for one in pods if text(mapping(one.get("status")).get("phase")) not in ("Succeeded", "Failed")]
    ready = [
        one
        for one in living
        if any(
            condition.get("type") == "Ready" and condition.get("status") == "True"
            for condition in mappings(mapping(one.get("status")).get("conditions"))
        )
    ]
    return len(ready), len(living)


def _address(ingresses: Sequence[Mapping[str, Any]]) -> str:
    for body in ingresses:
        balancer = mapping(mapping(body.get("status")).get("loadBalancer"))
        for one in mappings(balancer.get("ingress")):
            found = text(one.get("hostname")) or text(one.get("ip"))
            if found:
                return found
    return ""

"""An Application of a small chart, on any Argo CD: what it is made of, and what the contract's clauses ask of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from csoc.clusters.applications import API, KIND, NAMESPACE, ApplicationReading, Applications, SyncRequest
from csoc.clusters.client import Where
from csoc.errors import NotFoundError, UnavailableError
from testbed.servers.argocd import HEARD_SECONDS, TIMES_ASKED, unheard
from tests.contract.argocd_worlds import ArgoWorld

Object = dict[str, Any]
SECONDS = 120.0
CHART: dict[str, str | None] = {
    "chart/Chart.yaml": "{apiVersion: v2, name: small, version: 1.0.0}\n",
    "chart/values.yaml": "greeting: from the chart\nimage: example.org/small:1\nextra: false\n",
    "chart/templates/config.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\ndata: {greeting: {{ .Values.greeting | quote }}}\n"
    ),
    "chart/templates/extra.yaml": (
        "{{ if .Values.extra }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {}\n{{ end }}"
    ),
    "here.yaml": "greeting: hello\n",
}
WORKLOAD = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: small}\n"
    "spec:\n  selector: {matchLabels: {app: small}}\n"
    "  template:\n    metadata: {labels: {app: small}}\n"
    "    spec: {containers: [{name: main, image: {{ .Values.image | quote }}}]}\n"
)


def application(world: ArgoWorld, revision: str = "main", *, automated: Object | None = None, **spec: Any) -> str:
    """A new Application of the chart, with values of the same repository by reference; its name."""
    name = f"contract-{secrets.token_hex(4)}"
    policy: Object = {"syncOptions": []} | ({"automated": automated} if automated is not None else {})
    helm = {"releaseName": "here", "valueFiles": ["$values/here.yaml"]}
    body = {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"testbed": world.project}},
        "spec": {
            "project": world.project,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": world.namespace},
            "sources": [
                {"repoURL": world.url, "targetRevision": revision, "path": "chart", "helm": helm},
                {"repoURL": world.url, "targetRevision": revision, "ref": "values"},
            ],
            "syncPolicy": policy,
            **spec,
        },
    }
    world.client.create(body)
    look(world, name)
    return name


def look(world: ArgoWorld, name: str) -> None:
    """Waits until Argo CD has looked at a new Application. It may look before it has heard of the credential, and looks
    again by itself only minutes later; so it is asked to."""
    applications = Asking(world)
    first = applications.wait_for(name, lambda one: one.reconciled_at is not None or bool(one.conditions), SECONDS)
    if any("authentication" in message for _, message in first.conditions):
        applications.refresh(name)


class Asking(Applications):
    """csoc's own way to Argo CD, which asks again until Argo CD has heard (see `unheard`)."""

    def __init__(self, world: ArgoWorld) -> None:
        super().__init__(world.client)
        self._world = world

    def refresh(self, name: str, *, hard: bool = False) -> None:
        """Comes back when Argo CD has looked."""
        super().refresh(name, hard=hard)
        self._until(name, lambda one: one is not None and not one.is_refreshing)

    def sync(self, name: str, request: SyncRequest = SyncRequest()) -> None:  # noqa: B008 - immutable
        """Comes back when the operation has begun."""
        super().sync(name, request)
        self._until(name, lambda one: one is not None and _begun(one))

    def look_until(self, name: str, is_so: Callable[[ApplicationReading], bool]) -> ApplicationReading:
        """The Application once it is as asked, which follows from something that Argo CD may hear of later than of the
        look; so it looks past its caches again and again."""
        for _ in range(TIMES_ASKED):
            self.refresh(name, hard=True)
            with suppress(UnavailableError):
                return self.wait_for(name, is_so, HEARD_SECONDS)
        raise TimeoutError(f"{name} is not as awaited after {TIMES_ASKED} looks")

    def until_gone(self, name: str) -> None:
        """Comes back when a deleted Application is not there any more."""
        self._until(name, lambda one: one is None)

    def _until(self, name: str, is_so: Callable[[ApplicationReading | None], bool]) -> None:
        for _ in range(TIMES_ASKED):
            if any(is_so(reading) for reading in self.follow(name, HEARD_SECONDS)):
                return
            with suppress(NotFoundError):
                self._world.client.merge(API, KIND, name, {"metadata": {"annotations": unheard()}}, NAMESPACE)
        raise TimeoutError(f"Argo CD does not do what was asked of {name} {TIMES_ASKED} times")


def _begun(reading: ApplicationReading) -> bool:
    """Whether the operation that was asked for runs or is over; one before it may be over too."""
    return not reading.asked or (reading.operation is not None and not reading.operation.is_done)


def looked(reading: ApplicationReading) -> bool:
    return reading.reconciled_at is not None


def synced(reading: ApplicationReading) -> bool:
    return reading.sync == "Synced" and reading.operation is not None and reading.operation.phase == "Succeeded"


def data(world: ArgoWorld, name: str = "small") -> Object:
    found: Object = world.client.get("v1", "ConfigMap", name, world.namespace)["data"]
    return found


def config_maps(world: ArgoWorld) -> set[str]:
    found, _ = world.client.list_all("v1", "ConfigMap", Where(world.namespace))
    return {item["metadata"]["name"] for item in found} - {"kube-root-ca.crt"}


def done(reading: ApplicationReading, commit: str) -> bool:
    operation = reading.operation
    return operation is not None and operation.is_done and operation.revisions == (commit, commit) and not reading.asked

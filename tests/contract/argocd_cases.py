"""An Application of a small chart, on any Argo CD: what it is made of, and what the contract's clauses ask of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from csoc.clusters.applications import API, KIND, NAMESPACE, PATIENCE, ApplicationReading, Applications
from csoc.clusters.client import Where
from csoc.errors import UnavailableError
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
    """csoc's own way to Argo CD, and one question more."""

    def __init__(self, world: ArgoWorld) -> None:
        super().__init__(world.client)

    def look_until(self, name: str, is_so: Callable[[ApplicationReading], bool]) -> ApplicationReading:
        """The Application once it is as asked, which follows from something that Argo CD may hear of later than of the
        look; so it looks past its caches again and again."""
        for _ in range(PATIENCE.times):
            self.refresh(name, hard=True)
            with suppress(UnavailableError):
                return self.wait_for(name, is_so, PATIENCE.seconds)
        raise TimeoutError(f"{name} is not as awaited after {PATIENCE.times} looks")


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

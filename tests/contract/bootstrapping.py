"""What the suites of bootstrap share: charts that stand in for the platform's, rendered by csoc's own renderer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from csoc.adapters.helm.render.renderer import ChildRenderer
from csoc.clusters.access import KubeconfigReference
from csoc.clusters.bootstrap.acting import Bootstrap, Credential, Root
from csoc.clusters.client import Applying, ClusterClient, Object
from csoc.clusters.platform import ARGO_CD, COMPONENTS
from csoc.config import Settings
from csoc.emulator.platform_charts import chart_files
from csoc.fleet.charts import RenderRequest, pack

FLEET = "f1b2c3d4e5"


def rendered() -> tuple[Mapping[str, Any], ...]:
    """Argo CD's stand-in, rendered as csoc does."""
    component = COMPONENTS[ARGO_CD]
    files = {
        path.removeprefix("argo-cd/"): content for path, content in chart_files().items() if path.startswith("argo-cd/")
    }
    archive = pack("argo-cd", component.version, files)
    with ChildRenderer.from_settings(Settings()) as renderer:
        made = renderer.render(RenderRequest(archive, component.values, component.name, component.namespace))
    assert made.failure is None, made.failure
    return tuple(one.body for one in made.objects)


def wanted(
    objects: tuple[Mapping[str, Any], ...],
    url: str = "https://git.example.org/fleet.git",
    credential: Credential | None = None,
    namespace: str = "argocd",
) -> Bootstrap:
    """What a cluster is to become."""
    return Bootstrap(
        KubeconfigReference("tide"),
        FLEET,
        replace(COMPONENTS[ARGO_CD], namespace=namespace),
        objects,
        Root(url, "main", "clusters/tide/applications"),
        credential,
    )


def moved(objects: tuple[Mapping[str, Any], ...], namespace: str) -> tuple[Mapping[str, Any], ...]:
    """The same in another namespace, beside an Argo CD that is there."""
    text = json.dumps(list(objects)).replace('"namespace": "argocd"', f'"namespace": "{namespace}"')
    for key in ("name", "serviceAccountName"):
        text = text.replace(f'"{key}": "argo-cd"', f'"{key}": "{namespace}"')
    return tuple(json.loads(text))


class KilledError(Exception):
    """The process is gone."""


class Counting:
    """A cluster's client that counts what is written, and dies before one of the writes."""

    def __init__(self, client: ClusterClient, dies_before: int = 10**9) -> None:
        self._client = client
        self._dies_before = dies_before
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def apply(self, body: Object, how: Applying = Applying()) -> Object:  # noqa: B008 - immutable
        return self._writing("apply", body, lambda: self._client.apply(body, how))

    def create(self, body: Object, *, dry_run: bool = False) -> Object:
        return self._writing("create", body, lambda: self._client.create(body, dry_run=dry_run))

    def _writing(self, verb: str, body: Object, write: Callable[[], Object]) -> Object:
        if len(self.written) + 1 == self._dies_before:
            raise KilledError
        made = write()
        self.written.append(f"{verb} {body['kind']} {body['metadata']['name']}")
        return made


class Waits:
    """A fence that lets everything pass; sleeping lets the cluster go on."""

    def __init__(self, seconds: float = 60) -> None:
        self._left = seconds / 0.05

    def check(self) -> None:
        return None

    def sleep(self, seconds: float) -> None:
        self._left -= 1
        assert self._left > 0, "it did not come to its end"
        threading.Event().wait(0.05)

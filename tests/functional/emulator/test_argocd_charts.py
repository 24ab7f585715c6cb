"""Charts rendered by Helm's own engine, applied by the Argo CD of a simulated cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.emulator.kubernetes.argocd.applications import ArgoCd
from csoc.emulator.kubernetes.argocd.ports import Manifested, ManifestError, Wanted
from csoc.emulator.kubernetes.controllers.nodes import Node
from csoc.fleet.charts import ChartArchive, ChartRenderer, Rendering, RenderRequest, request_digest
from csoc.usecases.ports import Ports
from tests.unit.emulator.kubernetes.argocd.syncing import Syncing, application
from tests.unit.emulator.kubernetes.controllers.living import secret

_CHART = "apiVersion: v2\nname: web\nversion: 1.2.3\n"
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: "registry.example/web:{{ .Values.tag }}"
          envFrom: [{secretRef: {name: web-creds}}]
          resources: {requests: {cpu: 500m}}
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


class Charts:
    """Renders one chart, with the values of the Application's source. What was rendered is kept, as Argo CD's repo
    server keeps it: a chart that makes up passwords would differ from itself each time otherwise."""

    def __init__(self, ports: Ports) -> None:
        self._renderer: ChartRenderer = ports.renderer
        self._ports = ports
        self.chart: ChartArchive | None = None
        self._kept: dict[str, Rendering] = {}

    def load(self, path: Path) -> None:
        self.chart = self._ports.charts.load(str(path))

    def render(self, wanted: Wanted) -> Manifested:
        assert self.chart is not None
        [source] = wanted.sources
        values: Mapping[str, Any] = (source.get("helm") or {}).get("valuesObject") or {}
        request = RenderRequest(
            self.chart, values, wanted.application, wanted.namespace, wanted.kube_version, tuple(wanted.api_versions)
        )
        digest = request_digest(request)
        if digest not in self._kept or wanted.hard:
            self._kept[digest] = self._renderer.render(request)
        rendering = self._kept[digest]
        if rendering.failure is not None:
            raise ManifestError(f"Manifest generation error (cached): {rendering.failure.message}")
        objects = [dict(one.body) for one in rendering.objects]
        return Manifested(objects, [self.chart.digest[:40]], ["Helm"])

    def moved(self) -> Collection[str]:
        return ()


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    settings = loading.load({"CSOC_CACHE_DIR": str(tmp_path_factory.mktemp("cache")), "HOME": "/nowhere"})
    with bootstrap.ports(settings) as given:
        yield given


def cluster(ports: Ports, **settings: Any) -> tuple[Syncing, Charts]:
    charts = Charts(ports)
    return Syncing(argocd=ArgoCd(charts), **settings), charts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chart = tmp_path / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(_CHART)
    (chart / "values.yaml").write_text("replicas: 2\ntag: v1\n")
    (chart / "templates" / "deployment.yaml").write_text(_DEPLOYMENT)
    (chart / "templates" / "service.yaml").write_text(_SERVICE)
    return chart


def test_a_chart_becomes_synced_and_healthy(ports: Ports, folder: Path) -> None:
    syncing, charts = cluster(ports)
    charts.load(folder)
    syncing.add(secret("web-creds", password="p"), application(automated={}))
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Healthy")
    assert syncing.get("Deployment", "web")["status"]["readyReplicas"] == 2


def test_a_missing_secret_stays_visible_in_the_pod_until_it_is_there(ports: Ports, folder: Path) -> None:
    syncing, charts = cluster(ports)
    charts.load(folder)
    syncing.add(application(automated={}))
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Progressing")
    messages = {one["status"]["containerStatuses"][0]["state"]["waiting"]["message"] for one in syncing.all("Pod")}
    assert messages == {'secret "web-creds" not found'}
    syncing.wait(600)
    assert syncing.state() == ("Synced", "Degraded")
    syncing.add(secret("web-creds", password="p"))
    syncing.wait(60)
    assert syncing.state() == ("Synced", "Healthy")


@pytest.mark.parametrize("prune", [False, True])
def test_a_template_that_was_removed_is_pruned_only_when_asked(ports: Ports, folder: Path, prune: bool) -> None:
    syncing, charts = cluster(ports)
    charts.load(folder)
    syncing.add(secret("web-creds", password="p"), application(automated={"prune": prune}))
    syncing.wait(60)
    (folder / "templates" / "service.yaml").unlink()
    charts.load(folder)
    syncing.refresh()
    syncing.wait(60)
    assert (syncing.find("Service", "web") is None) == prune
    assert syncing.state()[0] == ("Synced" if prune else "OutOfSync")


def test_a_template_that_fails_is_a_comparison_error_in_helms_words(ports: Ports, folder: Path) -> None:
    syncing, charts = cluster(ports)
    (folder / "templates" / "bad.yaml").write_text('{{ fail "tag is missing" }}')
    charts.load(folder)
    syncing.add(application(automated={}))
    syncing.wait(60)
    assert syncing.state()[0] == "Unknown"
    [message] = syncing.conditions("ComparisonError")
    assert message.startswith("Failed to load target state: failed to generate manifest for source 1 of 1: rpc error:")
    assert "tag is missing" in message


def test_the_real_gen3_chart_runs_once_it_has_its_database(ports: Ports, real: Path) -> None:
    """Without the password of the database's administrator the jobs that make the databases cannot start, and every
    service waits. With it all services run; sheepdog too, whose ConfigMap nothing makes and no container mounts."""
    syncing, charts = cluster(ports, nodes=[Node(f"n{number}") for number in range(4)], cron_jobs=False)
    charts.load(real / "gen3-chart-0.3.90.tgz")
    values = {"global": {"dev": True, "hostname": "commons.example.org"}}
    source = {"repoURL": "https://git.example.org/fleet.git", "path": "gen3", "helm": {"valuesObject": values}}
    syncing.add(application("gen3", automated={}, source=source))
    syncing.wait(120)
    assert syncing.status("gen3")["operationState"]["phase"] == "Succeeded", syncing.status("gen3")["operationState"]
    assert syncing.state("gen3") == ("Synced", "Progressing")
    waiting = {
        one["state"]["waiting"].get("message", "")
        for pod in syncing.all("Pod")
        for one in [*pod["status"].get("containerStatuses", []), *pod["status"].get("initContainerStatuses", [])]
        if "waiting" in one["state"]
    }
    assert 'secret "gen3-postgresql" not found' in waiting
    assert "couldn't find key dbcreated in Secret a/fence-dbcreds" in waiting
    syncing.add(secret("gen3-postgresql", **{"postgres-password": "p"}))
    syncing.wait(900)
    assert syncing.state("gen3") == ("Synced", "Healthy")

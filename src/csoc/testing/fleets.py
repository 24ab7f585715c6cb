"""A small fleet in memory, with a host and charts, so that a use case's test shows nothing but the case.

    world = World()
    world.write(environment("east", "alpha.example.org", "fence: {image: {tag: '2026.04'}}"))
    fleet = world.load()

The chart is a stand-in whose templates are Python: each service becomes a Deployment. What Helm really makes of values
is tested with the real engine, elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from csoc.config import Author, GitHostSettings, Settings
from csoc.fleet.charts import ChartArchive, ChartRef, RenderedObject, RenderFailure, Rendering, RenderRequest, unpack
from csoc.fleet.githost import GitHost
from csoc.fleet.repositories import SourceAddress
from csoc.fleet.values import merge_mappings
from csoc.fleet.yaml import yamltext
from csoc.testing.caching import MemoryCache
from csoc.testing.charts import MemoryChartSources, chart
from csoc.testing.githost import MemoryHost
from csoc.testing.repositories import Content, MemoryRepositories, MemoryRepository
from csoc.usecases.load import FleetQuery, LoadedFleet, load_fleet
from csoc.usecases.ports import Ports

HOME = "https://git.example.org/ops/gitops"
CHARTS = "https://git.example.org/ops/gen3-helm"
REVISION = "gen3-1.0.0"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

DEFAULTS = """\
global: {dev: false, hostname: localhost, environment: default, dispatcherJobNum: "10", tierAccessLevel: libre}
arborist: {enabled: true, replicaCount: 1, image: {repository: quay.io/cdis/arborist, tag: master}}
fence: {enabled: true, replicaCount: 1, image: {repository: quay.io/cdis/fence, tag: master}}
indexd: {enabled: true, replicaCount: 1, image: {repository: quay.io/cdis/indexd, tag: master}}
"""


class PlainRenderer:
    """The port to rendering without templates: each service that is on becomes a Deployment with its image."""

    version = "plain-1"

    def render(self, request: RenderRequest) -> Rendering:
        """Deployments and one ConfigMap of the globals. A value "fail" under `fence.break` fails, as templates can."""
        values = merge_mappings(self.defaults(request.chart), request.values)
        for wrapper in ("gen3",):  # a wrapper chart hands the part below its dependency's name on
            if isinstance(values.get(wrapper), Mapping):
                values = merge_mappings(self.defaults(request.chart), values[wrapper])
        fence = values.get("fence")
        if isinstance(fence, Mapping) and "break" in fence:
            failure = RenderFailure("template", str(fence["break"]), "gen3/templates/fence.yaml", 1)
            return Rendering(failure=failure)
        objects = [_config_map(values.get("global"))]
        for name, block in values.items():
            if isinstance(block, Mapping) and block.get("enabled") is True:
                objects.append(_deployment(name, block, request))
        return Rendering(objects=objects, values=values)

    def render_many(self, requests: Iterable[RenderRequest]) -> Iterator[Rendering]:
        """One after the other."""
        return map(self.render, requests)

    def defaults(self, chart: ChartArchive) -> Mapping[str, Any]:
        """The chart's values.yaml."""
        content = unpack(chart).get("values.yaml", b"")
        data = yamltext.values_document(content).data
        return data if isinstance(data, Mapping) else {}


def _config_map(data: object) -> RenderedObject:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "manifest-global"}, "data": data}
    return RenderedObject("gen3/templates/global.yaml", body)


def _deployment(name: str, block: Mapping[str, Any], request: RenderRequest) -> RenderedObject:
    image = block.get("image")
    image = image if isinstance(image, Mapping) else {}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-deployment", "namespace": request.namespace},
        "spec": {"replicas": block.get("replicaCount"), "image": f"{image.get('repository')}:{image.get('tag')}"},
    }
    return RenderedObject(f"gen3/templates/{name}.yaml", body)


@dataclass
class World:
    """One fleet's repository with its host, and a repository with the Gen3 chart. user: who acts at the host."""

    user: str = "maker"
    settings: Settings = field(
        default_factory=lambda: Settings(
            author=Author(name="Ada", email="ada@example.org"),
            extra_allowed_hosts=("git.example.org",),
            git_hosts=(GitHostSettings(url="https://git.example.org", kind="gitea", token_env="TOKEN"),),  # noqa: S106
        )
    )
    cache: MemoryCache = field(default_factory=MemoryCache)

    def __post_init__(self) -> None:
        self.repositories = MemoryRepositories(self.settings)
        self.home: MemoryRepository = self.repositories.add(HOME)
        self.host = MemoryHost(HOME, self.home, writers={"maker", "approver"}, readers={"reader"})
        source = self.repositories.add(CHARTS, default_branch="master")
        source.write("master", {"helm/gen3/Chart.yaml": b"apiVersion: v2\nname: gen3\nversion: 0.0.0\n"})
        source.tags |= dict.fromkeys((REVISION, "gen3-1.1.0"), source.branches["master"])
        self.charts = MemoryChartSources()
        archive = chart({"values.yaml": DEFAULTS}, name="gen3")
        for revision in (REVISION, "gen3-1.1.0", "master"):
            self.charts.add(ChartRef(CHARTS, path="helm/gen3", revision=revision), archive)
        self._commits = count(1)
        self._ids = count(1)

    def write(
        self, files: Mapping[str, str | Content], message: str = "Change", *, branch: str = "main", author: str = "Ada"
    ) -> str:
        """Commits files, each commit a day after the last, and returns its id."""
        contents: dict[str, Content] = {
            path: content.encode() if isinstance(content, str) else content for path, content in files.items()
        }
        at = NOW - timedelta(days=365) + timedelta(days=next(self._commits))
        return self.home.write(branch, contents, message, author=f"{author} <{author.lower()}@example.org>", at=at)

    def ports(self) -> Ports:
        """Ports onto this world."""
        return Ports(
            repositories=self.repositories,
            charts=self.charts,
            renderer=PlainRenderer(),
            cache=self.cache,
            githost=self._githost,
            settings=self.settings,
            clock=lambda: NOW,
            ids=lambda: f"id{next(self._ids):08}",
        )

    def _githost(self, address: SourceAddress) -> GitHost:  # noqa: ARG002 - this world has one host
        return self.host.as_user(self.user)

    def load(self, revision: str | None = None) -> LoadedFleet:
        """The fleet as it is now."""
        return load_fleet(self.ports(), FleetQuery(HOME, revision))

    def read(self, path: str, branch: str = "main") -> str:
        """A file at the head of a branch."""
        commit = self.home.commits[self.home.branches[branch]]
        return self.home.blobs[commit.entries[path].blob].decode()


def application(
    name: str,
    *,
    values: Sequence[str] = (),
    namespace: str = "",
    helm: str = "",
    server: str = "https://kubernetes.default.svc",
    revision: str = REVISION,
    fleet: str = HOME,
    release: str = "",
) -> str:
    """The text of an Application that deploys the Gen3 chart. values: paths in the fleet's repository; helm: further
    lines of `helm`, not indented; server: "name:<name>" for a destination by name."""
    destination = f"name: {server[5:]}" if server.startswith("name:") else f"server: {server}"
    lines = [f"releaseName: {release or name}"]
    lines += ["valueFiles:", *(f"  - $values/{path}" for path in values)] if values else []
    lines += helm.strip("\n").split("\n") if helm else []
    indented = "\n".join(f"        {line}" if line else "" for line in lines)
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
spec:
  project: default
  sources:
    - repoURL: {CHARTS}
      path: helm/gen3
      targetRevision: {revision}
      helm:
{indented}
    - repoURL: {fleet}
      targetRevision: main
      ref: values
  destination:
    {destination}
    namespace: {namespace or name}
"""


def environment(
    cluster: str, hostname: str, values: str = "", *, name: str = "", shared: Sequence[str] = (), helm: str = ""
) -> dict[str, str]:
    """Files of one environment: `<cluster>/<hostname>/app.yaml` and `values.yaml`, which sets global.hostname besides
    the values. shared: value files before its own."""
    folder = f"{cluster}/{hostname}"
    general = f"global:\n  hostname: {hostname}\n" if "global:" not in values else ""
    return {
        f"{folder}/app.yaml": application(
            name or hostname.split(".")[0], values=(*shared, f"{folder}/values.yaml"), helm=helm
        ),
        f"{folder}/values.yaml": general + values,
    }

"""The ports to charts: fetching one (network, credentials, no templates), and rendering one (templates, nothing else).

The two are separate so that a hostile chart is only ever executed where there is nothing to steal: the fetcher hands
the renderer a self-made archive of regular files, and the renderer's child process has no credential, no network and
limits on time, memory and output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.fleet.repositories import Tree


@dataclass(frozen=True, slots=True)
class ChartRef:
    """The chart that an Application names.

    repo_url: Helm repository (https), OCI (oci:// or registry host without a scheme, as Argo CD writes it) or Git
    repository. chart: its name there; empty for Git. path: folder in the Git repository; empty otherwise.
    revision: version constraint, branch, tag or commit; "" means the newest or the default branch.
    """

    repo_url: str
    chart: str = ""
    path: str = ""
    revision: str = ""

    def __str__(self) -> str:
        what = f"{self.repo_url}/{self.chart}" if self.chart else f"{self.repo_url}//{self.path}"
        return f"{what}@{self.revision or 'newest'}"


@dataclass(frozen=True, slots=True)
class ChartArchive:
    """A chart with its dependencies inside, as a gzipped tar of regular files only.

    digest: sha256 of the archive's content (same files, same digest). resolved: the exact version or commit.
    missing_dependencies: names of dependencies that could not be had (their cause in `notes`); rendering goes on.
    """

    name: str
    version: str
    digest: str
    resolved: str
    content: bytes = field(repr=False)
    missing_dependencies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class ChartSources(Protocol):
    """Fetches charts; cached by content. Contract: tests/contract/chart_sources.py."""

    def fetch(self, ref: ChartRef, *, local: Mapping[str, Tree] | None = None) -> ChartArchive:
        """The chart at its revision. `local` maps canonical repository names to trees that are already open.

        Raises DeniedError, NotFoundError, UnavailableError, RejectedError (not a chart, over the limits, a path or
        link that leaves the chart).
        """

    def load(self, path: str) -> ChartArchive:
        """A chart that a person named on the command line: a .tgz file or a chart folder. Raises as `fetch`."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One rendering. values: what the user supplies, merged already (chart defaults are applied by Helm)."""

    chart: ChartArchive
    values: Mapping[str, Any]
    release: str
    namespace: str


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """Why Helm did not render.

    kind: "template" (the chart and the values), "limit" (time, memory or output), "chart" (not loadable). template: the
    file inside the chart, line from 1 (0: unknown). message: Helm's own words, without values.
    """

    kind: str
    message: str
    template: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One Kubernetes object of a rendering; template is the file inside the chart that made it."""

    template: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What came of a RenderRequest. Either `failure` is set, or `objects` holds every object, and `values` what the
    templates saw at the top (chart defaults and the user's values, as Helm coalesces them).

    unparsed: templates whose output is not YAML, with the parser's reason.
    """

    objects: Sequence[RenderedObject] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    failure: RenderFailure | None = None
    unparsed: Sequence[tuple[str, str]] = ()


class ChartRenderer(Protocol):
    """Renders charts. Contract: tests/contract/chart_renderer.py. Secret data in objects is masked by the caller."""

    def render(self, request: RenderRequest) -> Rendering:
        """Never raises for what a chart or values can cause; that is a RenderFailure. Raises UnavailableError if the
        engine itself cannot be started."""

    def defaults(self, chart: ChartArchive) -> Mapping[str, Any]:
        """The chart's own values.yaml with those of its dependencies, as Helm coalesces them. {} if not loadable."""

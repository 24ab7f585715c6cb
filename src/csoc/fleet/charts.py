"""The ports to charts: fetching one (network, credentials, no templates), and rendering one (templates, nothing else).

The two are separate so that a hostile chart is only ever executed where there is nothing to steal: the fetcher hands
the renderer a self-made archive of regular files, and the renderer's child process has no credential, no network and
limits on time, memory and output.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    digest: sha256 of the files' names and bytes as 64 hex digits (same files, same digest, whatever packed them).
    resolved: the exact version or commit. missing_dependencies: names of dependencies that could not be had (their
    cause in `notes`); rendering goes on without them, where `helm template` would refuse.
    """

    name: str
    version: str
    digest: str
    resolved: str
    content: bytes = field(repr=False)
    missing_dependencies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def files_digest(files: Mapping[str, bytes]) -> str:
    """sha256 over names and bytes in the order of names, as 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(files):
        name, content = path.encode(), files[path]
        digest.update(b"%d:%s%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def pack(
    name: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    resolved: str = "",
    missing_dependencies: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> ChartArchive:
    """An archive of files (path inside the chart to bytes), the same bytes for the same files on one machine."""
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", compresslevel=1, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(files):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(files[path])
            archive.addfile(member, io.BytesIO(files[path]))
    return ChartArchive(
        name=name,
        version=version,
        digest=files_digest(files),
        resolved=resolved or version,
        content=content.getvalue(),
        missing_dependencies=tuple(missing_dependencies),
        notes=tuple(notes),
    )


def unpack(archive: ChartArchive) -> dict[str, bytes]:
    """The files of an archive that `pack` made: path inside the chart to bytes."""
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive.content), mode="r:gz") as content:
        for member in content:
            file = content.extractfile(member)
            if file is not None:
                files[member.name.partition("/")[2]] = file.read()
    return files


class ChartSources(Protocol):
    """Fetches charts; cached by content. Contract: tests/contract/test_chart_sources.py."""

    def fetch(self, ref: ChartRef, *, local: Mapping[str, Tree] | None = None) -> ChartArchive:
        """The chart at its revision. `local` maps canonical repository names to trees that are already open.

        Raises DeniedError, NotFoundError, UnavailableError, RejectedError (not a chart, over the limits, a path or
        link that leaves the chart).
        """

    def load(self, path: str) -> ChartArchive:
        """A chart that a person named on the command line: a .tgz file or a chart folder. Raises as `fetch`."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One rendering. values: what the user supplies, merged already (chart defaults are applied by Helm).

    kube_version: of the cluster, as "1.31" or "v1.31.4"; "" takes the engine's own default, and then a chart's
    `kubeVersion` is not enforced, since nobody said what the cluster runs. api_versions: APIs that the cluster has
    beside the engine's own list ("monitoring.coreos.com/v1"), for templates that ask `.Capabilities`.
    """

    chart: ChartArchive
    values: Mapping[str, Any]
    release: str
    namespace: str
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


def request_digest(request: RenderRequest) -> str:
    """Names a rendering by everything that goes into it: equal requests, equal digests. 64 hex digits.

    A cache adds the engine's version to it (`ChartRenderer.version`).
    """
    parts = {
        "chart": request.chart.digest,
        "values": request.values,
        "release": request.release,
        "namespace": request.namespace,
        "kube_version": request.kube_version,
        "api_versions": sorted(request.api_versions),
    }
    digest = hashlib.sha256()
    encoder = json.JSONEncoder(sort_keys=False, default=_plain)
    for chunk in encoder.iterencode(_sorted(parts)):
        digest.update(chunk.encode())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """What JSON has no word for: other mappings and sequences as such, the rest as text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    return str(value)


def _sorted(value: Any) -> Any:
    """Mappings in the order of their keys' text; keys of several types cannot be compared otherwise."""
    if isinstance(value, Mapping):
        return {str(key): _sorted(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


NOT_TRIED = "not tried"
"""The kind of a failure that is not the chart's: a gate did not let it be rendered."""


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """Why Helm did not render.

    kind: "template" (the chart and the values), "limit" (time, memory or output, or the engine ended on this input),
    "chart" (not loadable), NOT_TRIED (what a run may cost is spent; says nothing about the chart). template: the file
    whose rendering failed, as Helm names it ("gen3/charts/fence/templates/x.yaml"), line from 1 (0: unknown). message:
    Helm's own words in one line, with secret-looking values masked.
    """

    kind: str
    message: str
    template: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class RenderedObject:
    """One Kubernetes object of a rendering; template is the file that made it, as Helm names it."""

    template: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What came of a RenderRequest. Either `failure` is set, or `objects` holds every object, and `values` what the
    templates saw at the top (chart defaults and the user's values, as Helm coalesces them).

    objects stand in the order in which Helm installs them, hooks and tests last (they carry their annotations);
    NOTES.txt and the chart's crds/ folder are not among them. unparsed: templates whose output Helm would refuse, with
    the reason; Helm then renders nothing at all, here the other templates' objects are given all the same.
    """

    objects: Sequence[RenderedObject] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    failure: RenderFailure | None = None
    unparsed: Sequence[tuple[str, str]] = ()


class RenderGate(Protocol):
    """Asked by a renderer just before the engine is, and told what came of it. Several threads may ask at once."""

    def refusal(self, chart: ChartArchive, key: str) -> RenderFailure | None:
        """Why the engine is not to be asked, or None. key: names everything that goes in; the chart's digest for its
        defaults. After None, `ended` is always called."""

    def ended(self, chart: ChartArchive, key: str, limit: str) -> None:
        """The engine was asked. limit: which one it reached, in words; "" if none."""


class OpenGate:
    """Lets everything be rendered."""

    def refusal(self, chart: ChartArchive, key: str) -> RenderFailure | None:  # noqa: ARG002
        """See `RenderGate`."""
        return None

    def ended(self, chart: ChartArchive, key: str, limit: str) -> None:
        """See `RenderGate`."""


class ChartRenderer(Protocol):
    """Renders charts. Contract: tests/contract/test_chart_renderer.py. Secret data in objects is masked by the caller
    (`fleet.manifests.mask_objects`)."""

    @property
    def version(self) -> str:
        """Names the engine, for caches: another version may render the same request differently."""

    def render(self, request: RenderRequest) -> Rendering:
        """Never raises for what a chart or values can cause; that is a RenderFailure. Raises UnavailableError if the
        engine itself cannot be started."""

    def render_many(self, requests: Iterable[RenderRequest]) -> Iterator[Rendering]:
        """Renders several at once; results come in the order of the requests, each as soon as its turn has come."""

    def defaults(self, chart: ChartArchive) -> Mapping[str, Any]:
        """The chart's own values.yaml over those of its dependencies, switched on or not. {} if not loadable."""

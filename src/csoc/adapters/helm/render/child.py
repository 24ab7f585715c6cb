"""The process in which templates run. Started by `adapters.helm.render.renderer`, never imported by anything else.

It knows nothing and can do nothing: no credential or variable of the parent, an empty folder, and `sandbox` around
it from before the first template. It reads a request from its standard input, answers on its standard output, and
ends when the input does. Whatever goes wrong in it costs this process, and the parent starts another.

A chart is loaded anew for every rendering although loading costs 50 to 100 ms: Helm's engine processes dependencies
in place, so a chart object that rendered one environment has lost the services which that environment switched off.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import os
import re
import sys
import tarfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from csoc.adapters.helm.render import coalesce, frames, output, sandbox
from csoc.fleet.values import merge_mappings
from csoc.fleet.versions import Constraint, Version

_KEPT_CHARTS = 4
_DEEPEST_CHART = 20
_DEFAULTS = re.compile(r"(charts/[^/]+/)*values\.yaml")
_DOCUMENTS = re.compile(r"^---(?=\s|$).*$", re.MULTILINE)
_DEPTH_OF_JSON = 600  # recursion limit: deeper input fails here rather than in the parent


class _RefusedError(Exception):
    """What becomes a RenderFailure. kind as there."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class _Loaded:
    """A chart that was sent: its values and those of its dependencies, and the archive without them."""

    tree: coalesce.Chart
    bare: bytes


class _Engine:
    """Helm's engine and the charts that were sent lately."""

    def __init__(self) -> None:
        import helm_python
        from helm_python import _native

        self._chart = helm_python.Chart
        self._error = helm_python.HelmError
        # Beside what the package's functions pass on, the library's own functions take the cluster's version and
        # APIs. The package is pinned to one version, and the contract suite shows that this works.
        self._call = _native.call_string
        self._check_name = functools.partial(_native.call_status, "helm_release_name_validate")
        self.version = f"helm {_native.helm_sdk_version()} in helm-python-sdk {_native.EXPECTED_HELM_C_VERSION}"
        self._kept: OrderedDict[str, _Loaded] = OrderedDict()

    def keep(self, digest: str, archive: bytes) -> None:
        """Reads a chart. Raises _RefusedError if Helm would not load it."""
        self._load(archive).close()
        files = _files(archive)
        tree = chart_tree(files, self._yaml)
        bare = {path: content for path, content in files.items() if not _DEFAULTS.fullmatch(path)}
        self._kept[digest] = _Loaded(tree, _packed(bare))
        while len(self._kept) > _KEPT_CHARTS:
            self._kept.popitem(last=False)

    def has(self, digest: str) -> bool:
        if digest in self._kept:
            self._kept.move_to_end(digest)
        return digest in self._kept

    def render(self, request: dict[str, Any]) -> dict[str, Any]:
        """Objects, values and what was not readable; see `Rendering`."""
        limit = int(request["output_bytes"])
        loaded = self._kept[request["chart"]]
        try:
            self._check_name(request["name"])
            values = coalesce.effective(loaded.tree, json.loads(request["values"]))
        except (self._error, coalesce.MismatchError) as error:
            raise _RefusedError("template", str(error)) from None
        with self._load(loaded.bare) as chart:
            self._check_version(chart, request["kube_version"])
            options = {key: request[key] for key in ("name", "namespace", "kube_version", "api_versions")}
            text = self._engine("helm_render", chart._raw(), json.dumps(values), json.dumps(options))
        if len(text) > limit:
            raise _RefusedError("limit", f"the templates print more than {limit:,} bytes")
        manifests: list[output.Manifest] = []
        unparsed: list[tuple[str, str]] = []
        for template, document in output.split(json.loads(text)):
            body, reason, size = self._parse(document)
            limit -= size
            if limit < 0:
                raise _RefusedError("limit", f"the manifests are larger than {request['output_bytes']:,} bytes")
            if reason:
                unparsed.append((template, reason))
            elif body:
                manifests.append(output.Manifest(template, body))
        objects = [(manifest.template, manifest.body) for manifest in output.ordered(manifests)]
        return {"objects": objects, "values": values, "unparsed": unparsed}

    def defaults(self, request: dict[str, Any]) -> dict[str, Any]:
        """values.yaml of the chart over those of its dependencies, each below its alias or name."""
        return {"values": coalesce.defaults(self._kept[request["chart"]].tree)}

    def _yaml(self, content: bytes) -> dict[str, Any]:
        """A file of the chart that Helm has read before without complaint."""
        text = content.decode("utf-8", "replace")
        merged: dict[str, Any] = {}
        for document in _DOCUMENTS.split(text):  # Helm reads all of a values.yaml, the later one over the earlier
            data = json.loads(self._engine("helm_values_from_yaml", document)) if document.strip() else {}
            merged = merge_mappings(merged, data)
        return merged

    def _parse(self, document: str) -> tuple[dict[str, Any], str, int]:
        """A document's object, or why Helm would not read it; and its size as JSON, after aliases are expanded."""
        if "\x00" in document:
            return {}, "control characters are not allowed", 0
        try:
            text = self._engine("helm_values_from_yaml", document)
        except _RefusedError as refused:
            return {}, str(refused), 0
        try:
            body = json.loads(text)
        except RecursionError:
            return {}, f"it is nested deeper than {output.DEPTH} levels", len(text)
        if output.too_deep(body):
            return {}, f"it is nested deeper than {output.DEPTH} levels", len(text)
        return body, output.problem(body), len(text)

    def _load(self, archive: bytes) -> Any:
        try:
            return self._chart.load_archive(archive)
        except self._error as error:
            raise _RefusedError("chart", str(error)) from None

    def _engine(self, function: str, *arguments: Any) -> str:
        try:
            return str(self._call(function, *arguments))
        except self._error as error:
            raise _RefusedError("template", str(error)) from None

    def _check_version(self, chart: Any, kube_version: str) -> None:
        wanted = str(chart.metadata.get("kubeVersion") or "")
        if not (wanted and kube_version):
            return
        version, constraint = Version.parse(kube_version), Constraint.parse(wanted)
        if version is None or constraint is None or not constraint.allows(version):
            raise _RefusedError(
                "template", f"the chart requires Kubernetes {wanted}, and the cluster has {kube_version}"
            )


def _files(archive: bytes) -> dict[str, bytes]:
    """Files of an archive that the parent packed, without the chart's folder in front."""
    files = {}
    # gzip by name, since tarfile would import it only now, and no file can be opened any more.
    with gzip.GzipFile(fileobj=io.BytesIO(archive)) as zipped, tarfile.open(fileobj=zipped, mode="r:") as packed:
        for member in packed:
            content = packed.extractfile(member)
            if content is not None:
                files[member.name.partition("/")[2]] = content.read()
    return files


def _packed(files: dict[str, bytes]) -> bytes:
    """An archive that is read once a rendering and never sent: not compressed."""
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", compresslevel=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path, data in files.items():
            member = tarfile.TarInfo(f"chart/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def chart_tree(files: dict[str, bytes], read: Callable[[bytes], dict[str, Any]], depth: int = 0) -> coalesce.Chart:
    """The chart with those in its charts/ folder. read: YAML of a file as a mapping."""
    metadata = read(files.get("Chart.yaml", b"")) | read(files.get("requirements.yaml", b""))
    declared = [
        coalesce.Dependency(
            name=str(entry.get("name") or ""),
            version=str(entry.get("version") or ""),
            alias=str(entry.get("alias") or ""),
            condition=str(entry.get("condition") or ""),
            tags=tuple(entry.get("tags") or ()),
            imports=tuple(entry.get("import-values") or ()),
        )
        for entry in metadata.get("dependencies") or []
        if isinstance(entry, dict)
    ]
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        parts = path.split("/", 2)
        if len(parts) == 3 and parts[0] == "charts" and parts[1][:1] not in ("_", ".") and depth < _DEEPEST_CHART:
            folders.setdefault(parts[1], {})[parts[2]] = content
    return coalesce.Chart(
        name=str(metadata.get("name") or ""),
        version=str(metadata.get("version") or ""),
        values=read(files.get("values.yaml", b"")),
        declared=declared,
        charts=[chart_tree(folders[folder], read, depth + 1) for folder in sorted(folders)],
    )


def _answer(engine: _Engine, request: dict[str, Any], archive: bytes) -> dict[str, Any]:
    """One request's answer: what came of it, {"failure": ...}, or {"missing": True} if the archive must be sent."""
    sandbox.limit_cpu(int(request["cpu_seconds"]))
    try:
        if archive:
            engine.keep(request["chart"], archive)
        if not engine.has(request["chart"]):
            return {"missing": True}
        return engine.render(request) if request["do"] == "render" else engine.defaults(request)
    except _RefusedError as refused:
        return {"failure": [refused.kind, str(refused)]}
    except RecursionError:
        return {"failure": ["limit", "the values or the output are nested too deep"]}
    except MemoryError:
        return {"failure": ["limit", "rendering needs too much memory"]}
    except (tarfile.TarError, OSError, EOFError) as error:
        return {"failure": ["chart", f"the archive cannot be read: {error}"]}


def main() -> None:
    """Locks itself in, says hello, and answers requests until the input ends."""
    memory_bytes = int(sys.argv[1])
    requests = os.fdopen(0, "rb", buffering=1 << 16, closefd=False)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what native code prints must not end up among the answers
    report = sandbox.before_loading()
    engine = _Engine()
    sandbox.limit_resources(memory_bytes)
    report |= sandbox.after_loading()
    sys.setrecursionlimit(_DEPTH_OF_JSON)
    _send(answers, frames.encode({"version": engine.version, "sandbox": report}))
    while (frame := frames.read(requests)) is not None:
        _send(answers, frames.encode(_answer(engine, *frame)))


def _send(stream: io.RawIOBase | Any, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[stream.write(view) :]


if __name__ == "__main__":
    main()

"""The environments of other people's repositories as requests to render, read in the plainest way."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from csoc.adapters.helm.fetch.archive import read_archive
from csoc.fleet.charts import ChartArchive, RenderRequest, pack
from csoc.fleet.values import merge_mappings
from csoc.fleet.yaml import yamltext

_GEN3, _CLUSTER = "helm/gen3", "helm/cluster-level-resources"


@cache
def chart(path: Path) -> ChartArchive:
    """An archive of the real ones, packed as csoc packs it."""
    name = path.name.removesuffix(".tgz").removesuffix("-0.3.90").replace("gen3-chart", "gen3")
    return pack(name, "0.0.0", read_archive(path.read_bytes()))


def requests(real: Path) -> dict[str, RenderRequest]:
    """Every Gen3 environment and every set of cluster-level values by "repository/cluster/name"."""
    found: dict[str, RenderRequest] = {}
    for application in sorted(real.glob("gitops-*/*/*/**/app.yaml")):
        repository = real / application.relative_to(real).parts[0]
        for document in yamltext.parse(application.read_bytes()):
            spec = document.data["spec"]
            for source in spec.get("sources") or [spec["source"]]:
                if source.get("path") not in (_GEN3, _CLUSTER):
                    continue
                archive = "gen3-chart-0.3.90.tgz" if source["path"] == _GEN3 else "cluster-level-resources.tgz"
                parts = application.relative_to(real).parts
                found["/".join(parts[:3])] = RenderRequest(
                    chart(real / archive),
                    _values(repository, source["helm"]["valueFiles"]),
                    source["helm"]["releaseName"],
                    spec["destination"].get("namespace", "argocd"),
                )
    return found


def _values(repository: Path, files: list[str]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for path in _existing(repository, files):
        merged = merge_mappings(merged, yamltext.values_document(path.read_bytes()).data)
    return merged


def _existing(repository: Path, files: list[str]) -> Iterator[Path]:
    for written in files:
        path = repository / written.removeprefix("$values/")
        if path.is_file():  # two environments name files that are not there; that is another test's matter
            yield path

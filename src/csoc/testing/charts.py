"""Charts in memory: making one from texts, and the port `fleet.charts.ChartSources` over a table of them."""

from __future__ import annotations

from collections.abc import Mapping

from csoc.errors import NotFoundError
from csoc.fleet.charts import ChartArchive, ChartRef, pack
from csoc.fleet.repositories import Tree
from csoc.fleet.versions import newest


def chart(files: Mapping[str, str | bytes], *, name: str = "demo", version: str = "1.0.0") -> ChartArchive:
    """An archive of these files (path inside the chart to content). Chart.yaml is made up if it is not among them."""
    content = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    content.setdefault("Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode())
    return pack(name, version, content)


class MemoryChartSources:
    """Serves what it was given. `add` is how tests and the demo put charts in.

    A chart of a repository is found by its address, name and version, a constraint taking the newest that fits; a chart
    in Git by address, path and revision.
    """

    def __init__(self) -> None:
        self._published: dict[tuple[str, str], dict[str, ChartArchive]] = {}

    def add(self, ref: ChartRef, archive: ChartArchive) -> None:
        """Publishes a chart. The reference's revision is its version, or what Git calls it."""
        self._published.setdefault((_plain(ref.repo_url), ref.chart or f"//{ref.path}"), {})[ref.revision] = archive

    def fetch(self, ref: ChartRef, *, local: Mapping[str, Tree] | None = None) -> ChartArchive:  # noqa: ARG002
        """See the port. `local` is not looked at: charts here were packed before."""
        versions = self._published.get((_plain(ref.repo_url), ref.chart or f"//{ref.path}"), {})
        found = ref.revision if ref.revision in versions else newest(versions, ref.revision) if ref.chart else None
        if found is None:
            raise NotFoundError("There is no such chart", place=str(ref), fix="Check its name and version")
        return versions[found]

    def load(self, path: str) -> ChartArchive:
        """See the port. No chart here has a path."""
        raise NotFoundError("There is no such chart", place=path, fix="Check the path")


def _plain(url: str) -> str:
    return url.removesuffix("/").removesuffix(".git")

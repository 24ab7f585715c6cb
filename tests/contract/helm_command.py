"""`helm template` behind the port `fleet.charts.ChartRenderer`: the oracle for csoc's own renderer."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from csoc.fleet.charts import ChartArchive, RenderedObject, RenderFailure, Rendering, RenderRequest
from csoc.fleet.yaml import yamltext

_SOURCE = re.compile(r"^# Source: (.+)\n", re.MULTILINE)


class HelmCommand:
    """Runs the command for each request. It prints nothing if one template fails, so `unparsed` is always empty."""

    def __init__(self, program: Path) -> None:
        self._program = program

    @property
    def version(self) -> str:
        return self._run("version", "--short").stdout.strip()

    def render(self, request: RenderRequest) -> Rendering:
        with tempfile.TemporaryDirectory() as folder:
            chart, values = Path(folder, "chart.tgz"), Path(folder, "values.json")
            chart.write_bytes(request.chart.content)
            values.write_text(json.dumps(request.values, default=dict))
            arguments = ["template", request.release, str(chart), "--namespace", request.namespace, "-f", str(values)]
            if request.kube_version:
                arguments += ["--kube-version", request.kube_version]
            for api in request.api_versions:
                arguments += ["--api-versions", api]
            done = self._run(*arguments)
        if done.returncode:
            return Rendering(failure=RenderFailure("template", done.stderr.strip()))
        return Rendering(objects=tuple(_objects(done.stdout)))

    def render_many(self, requests: Iterable[RenderRequest]) -> Iterator[Rendering]:
        return map(self.render, requests)

    def defaults(self, chart: ChartArchive) -> Mapping[str, Any]:
        raise NotImplementedError("the command shows the chart's own values only")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": "/nonexistent", "HELM_CACHE_HOME": "/nonexistent", "HELM_CONFIG_HOME": "/nonexistent"}
        return subprocess.run(
            [self._program, *arguments], capture_output=True, text=True, timeout=120, env=environment, check=False
        )


def _objects(printed: str) -> Iterator[RenderedObject]:
    template = ""
    for document in re.split(r"^---[ \t]*\n", printed, flags=re.MULTILINE):
        source = _SOURCE.search(document)
        template = source[1] if source else template  # a template's own dashes split what is below one comment
        for parsed in yamltext.parse(document.encode()):
            yield RenderedObject(template, parsed.data)

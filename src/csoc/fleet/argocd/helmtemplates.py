"""Go templates beyond csoc's subset, rendered by Helm's engine: the text becomes the only template of a tiny chart.

Helm knows all of sprig, runs in a child process with limits, and differs from Argo CD in two things that are checked
here: a parameter that is missing prints nothing, and `normalize` and `slugify` do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError
from csoc.fleet.charts import ChartRenderer, RenderRequest, pack

_METADATA = b"apiVersion: v2\nname: text\nversion: 0.0.0\n"
_FRAME = """{{- define "csoc.text" -}}%s{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata: {name: text}
data:
  text: {{ include "csoc.text" .Values.params | toJson }}
"""


class HelmTemplates:
    """A `gotemplate.TemplateRenderer` over a chart renderer. White space at both ends of a text is not kept."""

    def __init__(self, renderer: ChartRenderer) -> None:
        self._renderer = renderer

    def render(self, text: str, params: Mapping[str, Any], options: Sequence[str] = ()) -> str:
        """See the port. Raises TemplateError (the template fails), UnavailableError (no engine)."""
        if "missingkey=error" in options:
            raise UnsupportedError("Helm's engine cannot do missingkey=error")
        chart = pack("text", "0.0.0", {"Chart.yaml": _METADATA, "templates/text.yaml": (_FRAME % text).encode()})
        rendering = self._renderer.render(RenderRequest(chart, {"params": params}, "text", "default"))
        if rendering.failure is not None:
            raise TemplateError(f"Helm's engine says: {rendering.failure.message}")
        for made in rendering.objects:
            data = made.body.get("data")
            if isinstance(data, Mapping) and isinstance(data.get("text"), str):
                return str(data["text"])
        raise TemplateError("Helm's engine made nothing of it")

"""Rendered manifests as rules ask for them: which pods there are, and what each of their containers refers to.

Manifests come from a chart that anybody may have written, so every step of the way may have another type than
Kubernetes wants; what does not fit is left out, since the cluster refuses it for reasons that are another rule's
matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.shapes import mapping, mappings
from csoc.gen3.findings import Evidence
from csoc.gen3.state import EnvironmentState

_POD_OWNERS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that makes pods. body: the whole object; labels and spec: of its pods."""

    kind: str
    name: str
    template: str
    body: Mapping[str, Any]
    labels: Mapping[str, Any]
    spec: Mapping[str, Any]

    @property
    def containers(self) -> list[Mapping[str, Any]]:
        """Its containers, those that run first among them."""
        return [item for key in ("initContainers", "containers") for item in mappings(self.spec.get(key))]

    @property
    def title(self) -> str:
        """ "Deployment fence-deployment": what a reader looks for in the cluster."""
        return f"{self.kind} {self.name}"


def name_of(body: Mapping[str, Any]) -> str:
    """metadata.name as text."""
    return str(mapping(body.get("metadata")).get("name") or "")


def namespace_of(body: Mapping[str, Any]) -> str:
    """metadata.namespace as text; "" where the release's own namespace is meant."""
    return str(mapping(body.get("metadata")).get("namespace") or "")


def annotations_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """metadata.annotations."""
    return mapping(mapping(body.get("metadata")).get("annotations"))


def is_hook(body: Mapping[str, Any]) -> bool:
    """True for what Helm or Argo CD runs at an event (tests among it) and does not keep in sync."""
    return any(key in annotations_of(body) for key in ("helm.sh/hook", "argocd.argoproj.io/hook"))


def workloads(state: EnvironmentState) -> Iterator[Workload]:
    """Everything rendered that makes pods, hooks left out."""
    for item in state.objects(*_POD_OWNERS, "CronJob"):
        body, kind = item.body, str(item.body.get("kind"))
        if is_hook(body):
            continue
        spec = mapping(body.get("spec"))
        if kind == "CronJob":
            spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
        pod = mapping(spec.get("template"))
        labels = mapping(mapping(pod.get("metadata")).get("labels"))
        yield Workload(kind, name_of(body), item.template, body, labels, mapping(pod.get("spec")))


def service_of(template: str) -> str:
    """The subchart whose template made an object ("gen3/charts/fence/templates/x.yaml" gives "fence"); "" if none."""
    parts = template.split("/")
    at = [index for index, part in enumerate(parts[:-1]) if part == "charts"]
    return parts[at[-1] + 1] if at else ""


def at_source(state: EnvironmentState, text: str) -> Evidence:
    """Evidence for what the chart does by itself: where the Application names it."""
    return Evidence(text, state.view.source.location or state.view.application.location, state.view.name)

"""Whether what is in a cluster is an environment's own, or bears its name only.

A name proves nothing: anybody may call an Application, a namespace or a Helm release as they like. What csoc delivers
is brought by its root Application, which marks it, and says what stands in Git; what that Application deploys, Argo CD
marks again. All that csoc takes away or takes over has to show this first.
Source of the marks: Argo CD 3.2, util/argo/resource_tracking.go; docs/user-guide/resource_tracking.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.clusters.applications import API, KIND, NAMESPACE
from csoc.clusters.bootstrap.acting import IN_CLUSTER, ROOT
from csoc.clusters.bootstrap.looking import version_of
from csoc.clusters.client import ClusterClient
from csoc.clusters.platform import ARGO_CD, COMPONENTS
from csoc.errors import ConflictError, NotFoundError
from csoc.fleet.masking import mask_text
from csoc.fleet.shapes import mapping, mappings, text

_TRACKING = "argocd.argoproj.io/tracking-id"
_LABEL = "app.kubernetes.io/instance"
_SETTINGS = "argocd-cm"
_METHOD, _LABEL_KEY = "application.resourceTrackingMethod", "application.instanceLabelKey"
_MANAGERS = frozenset({"argocd-controller", "argocd-application-controller"})
"""Under which Argo CD writes: it marks no namespace that it makes on the way (CreateNamespace=true)."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The Application of an environment as Git has it. repositories: of its sources; None where Git has no file of it
    any more, so that only the document says what it was."""

    name: str
    project: str
    namespace: str
    repositories: frozenset[str] | None = None
    server: str = IN_CLUSTER


@dataclass(frozen=True, slots=True)
class Tracking:
    """How a cluster's Argo CD marks what it brings. label: the label's key where that alone is the mark; else ""."""

    label: str = ""

    def application_of(self, body: Mapping[str, Any], group: str, kind: str) -> str:
        """Name of the Application that brought an object; "" if none did. group, kind: of the object, which lists of
        metadata leave out. A mark that names another object was copied with that object's annotations."""
        about = mapping(body.get("metadata"))
        application, _, marked = text(mapping(about.get("annotations")).get(_TRACKING)).partition(":")
        if marked:
            what, _, place = marked.partition(":")
            return application if (what, place.rpartition("/")[2]) == (f"{group}/{kind}", about.get("name")) else ""
        return text(mapping(about.get("labels")).get(self.label)) if self.label else ""

    def is_made_for(self, namespace: Mapping[str, Any], application: str) -> bool:
        """Whether a namespace was made because the Application deploys into it. One without a mark that Argo CD made
        counts: the caller knows that no other Application deploys there."""
        marked = self.application_of(namespace, "", "Namespace")
        if marked:
            return marked == application
        fields = mappings(mapping(namespace.get("metadata")).get("managedFields"))
        return any(text(one.get("manager")) in _MANAGERS for one in fields)


def tracking_of(client: ClusterClient, namespace: str = NAMESPACE) -> Tracking:
    """How the Argo CD there marks, by its settings and version. One whose version nobody can tell counts as one that
    marks by annotation: the label alone, which every Helm release has, then proves nothing. Raises DeniedError,
    UnavailableError."""
    try:
        settings = mapping(client.get("v1", "ConfigMap", _SETTINGS, namespace).get("data"))
    except NotFoundError:
        settings = {}
    method = text(settings.get(_METHOD)) or _method_by_default(version_of(client, COMPONENTS[ARGO_CD]))
    return Tracking(text(settings.get(_LABEL_KEY)) or _LABEL) if method == "label" else Tracking()


def _method_by_default(version: str) -> str:
    """Source: Argo CD, docs/operator-manual/upgrading/2.14-3.0.md."""
    major = version.partition(".")[0]
    return "label" if major.isdecimal() and int(major) < 3 else "annotation"


def is_delivered(body: Mapping[str, Any], tracking: Tracking, kind: str = KIND) -> bool:
    """Whether csoc's root brought an object of Argo CD."""
    return tracking.application_of(body, API.partition("/")[0], kind) == ROOT


def refuse_foreign(body: Mapping[str, Any], known: Sequence[Delivered], tracking: Tracking, fix: str) -> None:
    """Raises ConflictError, saying whose it is, if an Application is not the one that csoc delivers. known: as Git has
    it and may have had it; it has to be one of them in all."""
    reasons = [tuple(_differences(body, one, tracking)) for one in known]
    if any(not found for found in reasons):
        return
    name = text(mapping(body.get("metadata")).get("name"))
    spec = mapping(body.get("spec"))
    repositories = ", ".join(sorted(_repositories(spec))) or "no repository"
    raise ConflictError(
        f"The Application {name} in the cluster is not the environment's: {'; '.join(reasons[0])}. It belongs to the "
        f"project {text(spec.get('project')) or 'default'} and deploys {mask_text(repositories)} into "
        f"{text(mapping(spec.get('destination')).get('namespace')) or 'no namespace'}",
        place=f"Application {text(mapping(body.get('metadata')).get('namespace'))}/{name}",
        fix=fix,
    )


def _differences(body: Mapping[str, Any], known: Delivered, tracking: Tracking) -> Iterator[str]:
    spec = mapping(body.get("spec"))
    to = mapping(spec.get("destination"))
    if not is_delivered(body, tracking):
        by = tracking.application_of(body, API.partition("/")[0], KIND)
        yield f"{f'the Application {by}' if by else 'somebody'} brought it, and not {ROOT}"
    project = text(spec.get("project")) or "default"
    if project != known.project:
        yield f"its project is {project}, and not {known.project}"
    server, namespace = _server(to), text(to.get("namespace"))
    if server != known.server:
        yield f"it deploys to {server or 'no cluster'}, and not to {known.server}"
    if namespace != known.namespace:
        yield f"it deploys into {namespace or 'no namespace'}, and not into {known.namespace}"
    if known.repositories is not None and _repositories(spec) != known.repositories:
        yield "it deploys from other repositories than the one in Git"


def delivered_in(bodies: Collection[Mapping[str, Any]], name: str) -> Delivered | None:
    """The Application of that name among the objects of a file in Git; None if it is not there."""
    for body in bodies:
        if (text(body.get("kind")), text(mapping(body.get("metadata")).get("name"))) == (KIND, name):
            spec = mapping(body.get("spec"))
            to = mapping(spec.get("destination"))
            project, namespace = text(spec.get("project")) or "default", text(to.get("namespace"))
            return Delivered(name, project, namespace, _repositories(spec), _server(to))
    return None


def _repositories(spec: Mapping[str, Any]) -> frozenset[str]:
    sources = mappings(spec.get("sources")) or [mapping(spec.get("source"))]
    return frozenset(text(one.get("repoURL")) for one in sources) - {""}


def _server(destination: Mapping[str, Any]) -> str:
    """Argo CD calls the cluster that it is in by name, too."""
    named = text(destination.get("server")) or text(destination.get("name"))
    return IN_CLUSTER if named == "in-cluster" else named

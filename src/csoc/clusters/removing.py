"""Takes an environment's Gen3 out of its cluster: the Application with all that it deployed, its load balancer, its
namespaces and its project.

It can be stopped anywhere and done again: each call looks at what is there and does what is next. What cannot be told
to be the environment's stays, and is named. A namespace goes only once nothing of anybody else's is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from csoc.clusters.applications import (
    API,
    ASKED_AGAIN,
    KIND,
    NAMESPACE,
    ApplicationReading,
    Applications,
    read_application,
)
from csoc.clusters.bootstrap.acting import ROOT
from csoc.clusters.bootstrap.objects import INSTALLATION
from csoc.clusters.client import ClusterClient, Deletion, Object, Resource, Where
from csoc.clusters.ownership import Delivered, Tracking, is_delivered, refuse_foreign, tracking_of
from csoc.errors import ConflictError, NotFoundError, UnavailableError
from csoc.fleet.argocd.model import RESOURCES_FINALIZER
from csoc.fleet.documents import reserved
from csoc.fleet.shapes import items, mapping, mappings, text

_OPTIONS, _POLICY = "argocd.argoproj.io/sync-options", "helm.sh/resource-policy"
_INGRESS = ("networking.k8s.io/v1", "Ingress")
# What a cluster itself keeps in every namespace, or what goes with what it is about.
_OF_THE_CLUSTER = frozenset(
    {("", "Event"), ("events.k8s.io", "Event"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice"),
     ("coordination.k8s.io", "Lease")}
)  # fmt: skip
_IN_EVERY_NAMESPACE = frozenset(
    {("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "istio-ca-root-cert"), ("ServiceAccount", "default")}
)
_SHOWN = 5
_TIMES_READ = 5


class Fence(Protocol):
    """Says whether the caller may still act."""

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes. application: its name, and the project's. namespaces: those that it alone uses, its own first.
    in_git: the Application as Git has it; None where it has none (any more)."""

    application: str
    namespaces: tuple[str, ...]
    applications_in: str = NAMESPACE
    in_git: Delivered | None = None

    @property
    def delivered(self) -> Delivered:
        """What an Application of that name has to be, if it is the environment's."""
        return self.in_git or Delivered(self.application, self.application, self.namespaces[0])


@dataclass(frozen=True, slots=True)
class _Others:
    """All Applications that are there, and how Argo CD marks what they bring."""

    there: Sequence[ApplicationReading]
    tracking: Tracking


@dataclass(frozen=True, slots=True)
class Taken:
    """waits: what the cluster is still busy with, "" at the end. kept: what stays, each with the reason."""

    waits: str = ""
    kept: tuple[str, ...] = ()


def claim(client: ClusterClient, removal: Removal, fence: Fence) -> bool:
    """Lets the Application take along what it deployed, whoever deletes it from now on. False if there is none.

    Raises ConflictError: an Application of that name is somebody else's.
    """
    return _claimed(client, removal, tracking_of(client, removal.applications_in), fence) is not None


def _claimed(client: ClusterClient, removal: Removal, tracking: Tracking, fence: Fence) -> ApplicationReading | None:
    """The environment's own Application, None if there is none. Raises as `claim`."""
    for left in reversed(range(_TIMES_READ)):
        body = _get(client, API, KIND, removal.application, removal.applications_in)
        if body is None:
            return None
        refuse_foreign(body, (removal.delivered,), tracking, _fix_of_foreign(removal))
        reading = read_application(body)
        finalizers = [text(one) for one in items(mapping(body.get("metadata")).get("finalizers"))]
        if reading.is_being_deleted or any(one.startswith(RESOURCES_FINALIZER) for one in finalizers):
            return reading
        fence.check()
        patch = {"metadata": {"finalizers": [*finalizers, RESOURCES_FINALIZER], "resourceVersion": reading.version}}
        try:
            return read_application(client.merge(API, KIND, reading.name, patch, removal.applications_in))
        except NotFoundError:
            return None
        except ConflictError:  # Argo CD wrote meanwhile
            if not left:
                raise
    return None


def _fix_of_foreign(removal: Removal) -> str:
    return (
        "Nothing was taken away. Whoever it belongs to takes it away or gives it another name, then csoc runs resume. "
        f"To leave it and the namespace where they are, name layers: csoc destroy {removal.application} --layer LAYER"
    )


def take_away(client: ClusterClient, removal: Removal, fence: Fence, log: Callable[[str], None]) -> Taken:
    """Does what is next. Raises what `claim` and the client raise."""
    tracking = tracking_of(client, removal.applications_in)
    waits = _application(client, removal, tracking, fence, log)
    if waits:
        return Taken(waits)
    balancers = list(_balancers(client, removal, tracking, fence))
    if balancers:
        return Taken(f"the load balancers of {_listed(balancers)} to go")
    others = Applications(client, removal.applications_in).list_all()
    kept: list[str] = []
    going: list[str] = []
    for name in removal.namespaces:
        why = _namespace(client, name, removal, _Others(others, tracking), fence, log)
        if why is None:
            going.append(name)
        elif why:
            kept.append(f"namespace {name}: {why}")
    if going:
        return Taken(f"the namespace {', '.join(going)} to go")
    kept += _project(client, removal, _Others(others, tracking), fence)
    return Taken(kept=tuple(kept))


def _application(
    client: ClusterClient, removal: Removal, tracking: Tracking, fence: Fence, log: Callable[[str], None]
) -> str:
    """What Argo CD is still busy with, "" once the Application is gone, which may be at any moment."""
    reading = _claimed(client, removal, tracking, fence)
    if reading is None:
        return ""
    try:
        fence.check()
        if not reading.is_being_deleted:
            log(f"Deleting the Application {reading.name} with all that it deployed")
            client.delete(API, KIND, reading.name, removal.applications_in, Deletion(uid=reading.uid))
        else:
            # Argo CD may have missed that it is to act, until the Application changes once more.
            patch = {"metadata": {"annotations": {ASKED_AGAIN: reading.version}}}
            client.merge(API, KIND, reading.name, patch, removal.applications_in)
    except NotFoundError:
        return ""
    return _of_the_application(reading)


def stays(body: Mapping[str, Any]) -> bool:
    """True if Argo CD leaves an object where it is when it takes its Application away: definitions, and what a chart
    marks so (https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#no-resource-deletion)."""
    annotations = mapping(mapping(body.get("metadata")).get("annotations"))
    is_marked = "Delete=false" in _parts(annotations.get(_OPTIONS)) or "keep" in _parts(annotations.get(_POLICY))
    return is_marked or text(body.get("kind")) == "CustomResourceDefinition"


def _parts(value: object) -> list[str]:
    return [one.strip() for one in text(value).split(",")]


def users_of_the_account(client: ClusterClient) -> tuple[str, ...]:
    """Objects for which controllers of this cluster made something in the account, which nobody would take away once
    the cluster is gone: load balancers and volumes."""
    found = [f"Ingress {_place(body)}" for body in client.list_all(*_INGRESS)[0]]
    found += [
        f"Service {_place(body)} (LoadBalancer)"
        for body in client.list_all("v1", "Service")[0]
        if text(mapping(body.get("spec")).get("type")) == "LoadBalancer"
    ]
    found += [
        f"PersistentVolume {_place(body)} (bound to {_claim(body)})"
        for body in client.list_all("v1", "PersistentVolume")[0]
        if text(mapping(body.get("status")).get("phase")) == "Bound"
    ]
    return tuple(sorted(found))


def _claim(volume: Object) -> str:
    found = mapping(mapping(volume.get("spec")).get("claimRef"))
    return f"{text(found.get('namespace'))}/{text(found.get('name'))}"


def _of_the_application(reading: ApplicationReading) -> str:
    said = [message for kind, message in reading.conditions if kind.endswith("Error")]
    left = [one for one in reading.resources if not one.is_hook]
    why = f": {said[0]}" if said else f", {len(left)} objects were deployed" if left else ""
    return f"Argo CD to take the Application {reading.name} away{why}"


def _balancers(client: ClusterClient, removal: Removal, tracking: Tracking, fence: Fence) -> Iterator[str]:
    """Ingresses of the Application that are there still: their controller has the load balancer to delete first."""
    for namespace in removal.namespaces:
        for body in client.list_all(*_INGRESS, Where(namespace))[0]:
            if tracking.application_of(body, "networking.k8s.io", "Ingress") != removal.application:
                continue
            about = mapping(body.get("metadata"))
            if not about.get("deletionTimestamp"):
                fence.check()
                client.delete(*_INGRESS, text(about.get("name")), namespace, Deletion(uid=text(about.get("uid"))))
            yield f"Ingress {_place(body)}"


def _namespace(
    client: ClusterClient,
    name: str,
    removal: Removal,
    others: _Others,
    fence: Fence,
    log: Callable[[str], None],
) -> str | None:
    """ "" once it is gone, None while it goes, or why it stays."""
    body = _get(client, "v1", "Namespace", name)
    if body is None:
        return ""
    about = mapping(body.get("metadata"))
    if about.get("deletionTimestamp"):
        return None
    why = _reserved(body, name, removal, others)
    if why:
        return why
    holding = sorted(_holding(client, name, removal.application, others.tracking))
    if holding:
        return f"it holds what does not go with the Application: {_listed(holding)}"
    fence.check()
    log(f"Deleting the namespace {name}")
    client.delete("v1", "Namespace", name, how=Deletion(uid=text(about.get("uid"))))
    return None


def _reserved(body: Object, name: str, removal: Removal, others: _Others) -> str:
    if reserved.is_namespace_reserved(name) or INSTALLATION in mapping(mapping(body.get("metadata")).get("labels")):
        return "it is the cluster's own"
    tracked = others.tracking.application_of(body, "", "Namespace")
    if tracked and tracked != removal.application:
        return f"the Application {tracked} made it"
    users = sorted(one.name for one in others.there if one.namespace == name and one.name != removal.application)
    if users:
        return f"{_listed(users)} deploys into it"
    return "" if others.tracking.is_made_for(body, removal.application) else "Argo CD did not make it"


def _holding(client: ClusterClient, namespace: str, application: str, tracking: Tracking) -> Iterator[str]:
    """Objects that go with nothing else that goes. Raises UnavailableError if not every kind could be looked at."""
    found = client.discover()
    if found.missing:
        raise UnavailableError(
            f"The cluster does not say what is in {namespace}: {', '.join(found.missing)} does not answer",
            place=f"namespace {namespace}",
            fix="Mend or remove that API service, then csoc runs resume",
        )
    namespaced = {(one.group, one.kind): one for one in found.resources if one.namespaced}
    for resource in namespaced.values():
        if (resource.group, resource.kind) in _OF_THE_CLUSTER or not {"list", "delete"} <= resource.verbs:
            continue
        try:
            there = client.list_all(resource.api_version, resource.kind, Where(namespace), metadata_only=True)[0]
        except NotFoundError:  # its definition went meanwhile, and it with that
            continue
        for body in there:
            if not _goes(
                body, resource, tracking.application_of(body, resource.group, resource.kind) == application, namespaced
            ):
                yield f"{resource.kind} {text(mapping(body.get('metadata')).get('name'))}"


def _goes(body: Object, resource: Resource, is_own: bool, namespaced: Collection[tuple[str, str]]) -> bool:
    about = mapping(body.get("metadata"))
    if about.get("deletionTimestamp") or (resource.kind, text(about.get("name"))) in _IN_EVERY_NAMESPACE:
        return True
    if stays(body):
        return False
    if is_own:
        return True
    # An owner in the same namespace is judged itself, or gone.
    owners = [(text(one.get("apiVersion")).rpartition("/")[0], text(one.get("kind"))) for one in _owners(about)]
    return bool(owners) and all(owner in namespaced for owner in owners)


def _owners(about: object) -> list[Object]:
    return [dict(one) for one in mappings(mapping(about).get("ownerReferences"))]


def _project(client: ClusterClient, removal: Removal, others: _Others, fence: Fence) -> Iterator[str]:
    name = removal.application
    body = _get(client, API, "AppProject", name, removal.applications_in)
    if body is None:
        return
    users = sorted(one.name for one in others.there if one.project == name)
    into = {text(one.get("namespace")) for one in mappings(mapping(body.get("spec")).get("destinations"))}
    if not is_delivered(body, others.tracking, "AppProject"):
        yield f"AppProject {name}: {ROOT} did not bring it"
    elif users:
        yield f"AppProject {name}: {_listed(users)} belongs to it"
    elif not into <= set(removal.namespaces):
        yield f"AppProject {name}: it lets into {_listed(sorted(into - set(removal.namespaces)))}, too"
    else:
        fence.check()
        uid = text(mapping(body.get("metadata")).get("uid"))
        client.delete(API, "AppProject", name, removal.applications_in, Deletion(uid=uid))


def _get(client: ClusterClient, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
    """None if it is not there, or if the cluster does not know the kind."""
    try:
        return client.get(api_version, kind, name, namespace)
    except NotFoundError:
        return None


def _place(body: Object) -> str:
    about = mapping(body.get("metadata"))
    namespace = text(about.get("namespace"))
    return f"{namespace + '/' if namespace else ''}{text(about.get('name'))}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

"""Whether the place in a cluster to which an environment is delivered is free, or its own already.

What Argo CD is told to deploy it makes its own: it takes an Application of that name over, prunes what the new one
does not have, and writes over objects of the same name. So whether the name is free and the namespaces are nobody
else's is looked at before Git says anything. Once the environment's own Application is there, its namespaces are its
own, and its services make things in them that Argo CD does not mark.

A namespace counts as somebody's if it holds what runs, keeps data or lets people in. Services, Secrets and ConfigMaps
are no sign of anybody: Kubernetes, operators and whoever prepares a namespace for this environment put such there. So
a tenant that has nothing else is not noticed, and what of it has a name that the chart uses is written over. Before a
namespace is deleted, which takes everything, every kind is looked at: `clusters.removing._holding`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from csoc.clusters.applications import API, KIND, NAMESPACE
from csoc.clusters.client import ClusterClient, Where
from csoc.clusters.ownership import Delivered, Tracking, refuse_foreign, tracking_of
from csoc.errors import ConflictError, DeniedError, NotFoundError
from csoc.fleet.shapes import mapping, mappings, text

_TENANT_KINDS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "PersistentVolumeClaim"),
    ("networking.k8s.io/v1", "Ingress"),
)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """What comes. known: its Application as Git has it and as it is to be; namespaces: all that it has to itself."""

    known: tuple[Delivered, ...]
    namespaces: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.known[0].name


def check_free(client: ClusterClient, arrival: Arrival) -> None:
    """Raises ConflictError (an Application of that name is somebody else's, or a namespace holds what is), DeniedError
    (it cannot be seen), UnavailableError."""
    tracking = tracking_of(client)
    try:
        body = client.get(API, KIND, arrival.name, NAMESPACE)
    except NotFoundError:
        for namespace in arrival.namespaces:
            _check_namespace(client, namespace, arrival.name, tracking)
        return
    fix = (
        "Whoever it belongs to takes it away or gives it another name; or launch the environment under another name. "
        "Then csoc runs resume"
    )
    refuse_foreign(body, arrival.known, tracking, fix)


def _check_namespace(client: ClusterClient, namespace: str, application: str, tracking: Tracking) -> None:
    try:
        client.get("v1", "Namespace", namespace)
    except NotFoundError:
        return
    found = sorted(_foreign(client, namespace, application, tracking))
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConflictError(
            f"The namespace {namespace} holds what is not this environment's: {', '.join(found[:_SHOWN])}{more}. "
            "Nothing was deployed",
            place=f"namespace {namespace}",
            fix="Whoever it belongs to moves it or takes it away, then csoc runs resume; or give the environment a "
            "namespace of its own",
        )


def _foreign(client: ClusterClient, namespace: str, application: str, tracking: Tracking) -> Iterator[str]:
    """What neither this Application brought, which an earlier destruction may have kept, nor belongs to what is judged
    itself."""
    for api_version, kind in _TENANT_KINDS:
        try:
            there = client.list_all(api_version, kind, Where(namespace), metadata_only=True)[0]
        except DeniedError as error:
            raise DeniedError(
                f"csoc may not see whether the namespace {namespace} holds a {kind} of somebody else's: {error.cause}",
                place=f"namespace {namespace}",
                fix=f"Give its role the right to list {kind} there, then csoc runs resume",
            ) from error
        for body in there:
            about = mapping(body.get("metadata"))
            if mappings(about.get("ownerReferences")):
                continue
            group = api_version.rpartition("/")[0]
            if tracking.application_of(body, group, kind) != application:
                yield f"{kind} {text(about.get('name'))}"

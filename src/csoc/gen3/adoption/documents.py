"""Writes down what was inferred, for people to correct: one document a cluster, commons and environment.

Only what has no document yet is written, so adopting again adds what is new and touches nothing that a person may have
changed. Each inferred fact carries its reason as a comment beside it. What the repository says itself and may say
differently tomorrow (hostname, chart, value files, versions) is not copied: a document overrules, and a copy would go
on saying what is no longer true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.clock import Ids
from csoc.fleet.argocd.model import Application
from csoc.fleet.documents import layout
from csoc.fleet.documents.base import API_VERSION, Document, Metadata
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import Account, Cluster, Commons, Environment, Fleet
from csoc.fleet.documents.schemas import schema_files
from csoc.fleet.documents.writing import render_document
from csoc.gen3.adoption.clusters import IN_CLUSTER, IN_CLUSTER_NAMES
from csoc.gen3.adoption.naming import slug
from csoc.gen3.views import UNKNOWN, ClusterView, CommonsView, EnvironmentView, Fact, FleetView

_HEADER = "Written by csoc from what this repository says. Correct what is wrong: what stands here counts."


def new_documents(view: FleetView, documents: Documents, *, name: str, ids: Ids) -> dict[str, bytes]:
    """Path to content of every document that the fleet lacks, and of the schemas for editors with the first of them.

    name: of the fleet, if it has no document yet. ids: gives uids.
    """
    top = documents.top if documents.top is not None else layout.ADOPTED
    made: dict[str, bytes] = {}

    def add(document: Document, comments: Mapping[str, str]) -> None:
        path = layout.path_of(document, top)
        made[path] = render_document(document, path=path, comments=comments, header=_HEADER)

    if documents.fleet is None:
        comment = "in order of promotion, as found" if view.stages else ""
        add(_fleet(view, name, ids), {"spec.stages": comment} if comment else {})
    for identity, cluster in _accounts(view, documents):
        add(_account(identity, ids), {"spec.id": f"{cluster.account.reason}, cluster {cluster.name}"})
    for cluster in view.clusters:
        if cluster.name not in documents.clusters:
            add(_cluster(cluster, documents, ids), _cluster_comments(cluster))
    for commons in view.commons:
        if commons.name not in documents.commons:
            add(_commons(commons, ids), {"metadata.name": commons.reason})
    for environment in view.environments:
        if environment.document is None:
            add(_environment(environment, ids), _environment_comments(environment))
    if made:
        made |= schema_files()
    return made


def _metadata(name: str, ids: Ids) -> Metadata:
    return Metadata(name=name, uid=ids())


def _made(model: type[Document], data: dict[str, Any]) -> Document:
    """A document from plain data, checked like one from a file."""
    return model.model_validate({"apiVersion": API_VERSION, "kind": model.__name__, **data}, strict=False)


def _fleet(view: FleetView, name: str, ids: Ids) -> Document:
    spec = {"stages": list(view.stages)} if view.stages else {}
    return _made(Fleet, {"metadata": _metadata(slug(name), ids), "spec": spec})


def _account_name(identity: str) -> str:
    return f"aws-{identity}"


def _accounts(view: FleetView, documents: Documents) -> Iterator[tuple[str, ClusterView]]:
    known = {placed.document.spec.id for placed in documents.accounts.values()}
    for cluster in view.clusters:
        identity = cluster.account.value
        if cluster.account.known and not cluster.account.stated and identity not in known:
            known.add(identity)
            yield identity, cluster


def _account(identity: str, ids: Ids) -> Document:
    spec = {"provider": "aws", "id": identity, "purpose": "workload"}
    return _made(Account, {"metadata": _metadata(_account_name(identity), ids), "spec": spec})


def _cluster(cluster: ClusterView, documents: Documents, ids: Ids) -> Document:
    spec: dict[str, Any] = {}
    if cluster.account.known:
        existing = [n for n, p in documents.accounts.items() if p.document.spec.id == cluster.account.value]
        spec["account"] = existing[0] if existing else _account_name(cluster.account.value)
    destination = _destination(cluster)
    if destination:
        spec["destination"] = destination
    if cluster.folder:
        spec["folder"] = cluster.folder
    return _made(Cluster, {"metadata": _metadata(cluster.name, ids), "spec": spec})


def _destination(cluster: ClusterView) -> dict[str, str]:
    """How its Applications address it, unless they run in the cluster itself, which says nothing."""
    for application in cluster.applications:
        server, name = application.destination_server, application.destination_name
        if server not in IN_CLUSTER:
            return {"server": server}
        if name not in IN_CLUSTER_NAMES:
            return {"name": name}
    return {}


def _commented(field: str, fact: Fact) -> dict[str, str]:
    return {field: fact.reason} if not fact.stated else {}


def _cluster_comments(cluster: ClusterView) -> dict[str, str]:
    comments = {"metadata.name": cluster.reason}
    if cluster.account.known:
        comments |= _commented("spec.account", cluster.account)
    return comments


def _commons(commons: CommonsView, ids: Ids) -> Document:
    return _made(Commons, {"metadata": _metadata(commons.name, ids), "spec": {}})


def _environment(view: EnvironmentView, ids: Ids) -> Document:
    spec: dict[str, Any] = {
        "commons": view.commons.value,
        "cluster": view.cluster.value,
        "stage": view.stage.value if view.stage.known else UNKNOWN,
    }
    if view.slot.known and view.slot.value:
        spec["slot"] = view.slot.value
    spec["application"] = _reference(view.application)
    return _made(Environment, {"metadata": _metadata(view.name, ids), "spec": spec})


def _reference(application: Application) -> dict[str, Any]:
    reference: dict[str, Any] = {"path": application.location.path, "name": application.name}
    if application.document:
        reference["document"] = application.document
    return reference


def _environment_comments(view: EnvironmentView) -> dict[str, str]:
    comments: dict[str, str] = {}
    for field in ("commons", "cluster", "stage"):
        comments |= _commented(f"spec.{field}", getattr(view, field))
    if view.slot.known and view.slot.value:
        comments |= _commented("spec.slot", view.slot)
    return comments

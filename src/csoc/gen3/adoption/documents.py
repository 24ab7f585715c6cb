"""Writes down what was inferred, for people to correct: one document a cluster, commons and environment.

Only what has no document yet is written, so adopting again adds what is new and touches nothing that a person may have
changed. Each inferred fact carries its reason as a comment beside it. What the repository says itself and may say
differently tomorrow (hostname, chart, value files, versions) is not copied: a document overrules, and a copy would go
on saying what is no longer true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from csoc.clock import Ids
from csoc.fleet.argocd.model import Application, Problem
from csoc.fleet.documents import layout
from csoc.fleet.documents.base import API_VERSION, Document
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.faults import explain
from csoc.fleet.documents.model import Account, Cluster, Commons, Environment, Fleet
from csoc.fleet.documents.writing import render_document
from csoc.fleet.location import Location
from csoc.gen3.adoption.clusters import IN_CLUSTER, IN_CLUSTER_NAMES
from csoc.gen3.adoption.naming import slug
from csoc.gen3.views import UNKNOWN, ClusterView, CommonsView, EnvironmentView, Fact, FleetView

_HEADER = "Written by csoc from what this repository says. Correct what is wrong: what stands here counts."
NOT_WRITTEN = "document not written"
_LONGEST_SHOWN = 80
# A cluster's document says something without these.
_SPARE = frozenset({"account", "destination", "folder"})


@dataclass(frozen=True, slots=True)
class NewDocuments:
    """files: path to content. problems: what has no document, or only a part of one, and why."""

    files: Mapping[str, bytes]
    problems: tuple[Problem, ...] = ()


def new_documents(view: FleetView, documents: Documents, *, name: str, ids: Ids) -> NewDocuments:
    """Every document that the fleet lacks.

    name: of the fleet, if it has no document yet. ids: gives uids. Names in a repository are anything at all; one that
    no document can hold costs that document.
    """
    writing = _Writing(documents.top if documents.top is not None else layout.ADOPTED, view.read)
    if documents.fleet is None:
        comments = {"spec.stages": "in order of promotion, as found"} if view.stages else {}
        writing.add("the fleet", None, _fleet(view, name, ids), comments)
    for identity, cluster in _accounts(view, documents):
        comments = {"spec.id": f"{cluster.account.reason}, cluster {cluster.name}"}
        writing.add(f"the account {identity}", cluster.account.location, _account(identity, ids), comments)
    for cluster in view.clusters:
        if cluster.name not in documents.clusters:
            made, place = _cluster(cluster, documents, ids), _place_of(cluster)
            writing.add(f"the cluster {cluster.name}", place, made, _cluster_comments(cluster), _SPARE)
    for commons in view.commons:
        if commons.name not in documents.commons:
            made = _commons(commons, ids)
            writing.add(f"the commons {commons.name}", None, made, {"metadata.name": commons.reason})
    for environment in view.environments:
        if environment.document is None and not environment.disputes:
            _add_environment(writing, environment, documents, ids)
    return NewDocuments(writing.files, tuple(writing.problems))


def _add_environment(writing: _Writing, view: EnvironmentView, documents: Documents, ids: Ids) -> None:
    what = f"the environment {view.name}, Application {view.application.name}"
    place = view.application.location
    namesake = documents.environments.get(view.name)
    if namesake is None:
        made = _environment(view, writing.home, ids)
        writing.add(what, place, made, _environment_comments(view))
        return
    cause = f"{what}, has no document: the one at {namesake.locate('metadata.name')} has its name"
    fix = "Say in its spec.application which Application it is about, or give it another name"
    writing.problems.append(Problem(NOT_WRITTEN, _short(cause), place, fix))


class _Writing:
    """Collects documents, and says which could not be made."""

    def __init__(self, top: str, read: Sequence[tuple[str, str, str]]) -> None:
        self._top = top
        self.home, _, self._commit = read[0] if read else ("", "", "")
        self.files: dict[str, bytes] = {}
        self.problems: list[Problem] = []

    def add(
        self,
        what: str,
        place: Location | None,
        made: _Draft,
        comments: Mapping[str, str],
        spare: Collection[str] = (),
    ) -> None:
        """Makes one document. spare: parts of its spec that are left out where they cannot be written."""
        model, data = made
        at = place or Location(self.home, self._commit, "")
        try:
            document = _checked(model, data)
        except ValidationError as error:
            wrong = {str(item["loc"][1]) for item in error.errors() if item["loc"][:1] == ("spec",) and item["loc"][1:]}
            causes = [explain(model, data, item) for item in error.errors(include_url=False)]
            first = f"{causes[0].field}: expected {causes[0].expected}, found {_short(causes[0].found)}"
            partly = bool(wrong) and wrong <= set(spare) and len(data["spec"]) > 0
            said = f"has a document without its {' and '.join(sorted(wrong))}" if partly else "has no document"
            fix = "Correct that name or path, and adopt again; or write the document by hand"
            self.problems.append(Problem(NOT_WRITTEN, f"{_short(what)} {said}: {first}", at, fix))
            if partly:
                rest = {key: value for key, value in data["spec"].items() if key not in wrong}
                self.add(what, place, (model, {**data, "spec": rest}), comments)
            return
        path = layout.path_of(document, self._top)
        self.files[path] = render_document(document, path=path, comments=comments, header=_HEADER)


_Draft = tuple[type[Document], dict[str, Any]]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _metadata(name: str, ids: Ids) -> dict[str, str]:
    return {"name": name, "uid": ids()}


def _checked(model: type[Document], data: dict[str, Any]) -> Document:
    """A document from plain data, checked like one from a file. Raises ValidationError."""
    return model.model_validate({"apiVersion": API_VERSION, "kind": model.__name__, **data}, strict=False)


def _fleet(view: FleetView, name: str, ids: Ids) -> _Draft:
    spec = {"stages": list(view.stages)} if view.stages else {}
    return Fleet, {"metadata": _metadata(slug(name), ids), "spec": spec}


def _account_name(identity: str) -> str:
    return f"aws-{identity}"


def _accounts(view: FleetView, documents: Documents) -> Iterator[tuple[str, ClusterView]]:
    known = {placed.document.spec.id for placed in documents.accounts.values()}
    for cluster in view.clusters:
        identity = cluster.account.value
        if cluster.account.known and not cluster.account.stated and identity not in known:
            known.add(identity)
            yield identity, cluster


def _account(identity: str, ids: Ids) -> _Draft:
    spec = {"provider": "aws", "id": identity, "purpose": "workload"}
    return Account, {"metadata": _metadata(_account_name(identity), ids), "spec": spec}


def _place_of(cluster: ClusterView) -> Location | None:
    return next((item.location for item in cluster.applications), None) or next(iter(cluster.values), None)


def _cluster(cluster: ClusterView, documents: Documents, ids: Ids) -> _Draft:
    spec: dict[str, Any] = {}
    if cluster.account.known:
        existing = [n for n, p in documents.accounts.items() if p.document.spec.id == cluster.account.value]
        spec["account"] = existing[0] if existing else _account_name(cluster.account.value)
    destination = _destination(cluster)
    if destination:
        spec["destination"] = destination
    if cluster.folder:
        spec["folder"] = cluster.folder
    return Cluster, {"metadata": _metadata(cluster.name, ids), "spec": spec}


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


def _commons(commons: CommonsView, ids: Ids) -> _Draft:
    return Commons, {"metadata": _metadata(commons.name, ids), "spec": {}}


def _environment(view: EnvironmentView, home: str, ids: Ids) -> _Draft:
    spec: dict[str, Any] = {
        "commons": view.commons.value,
        "cluster": view.cluster.value,
        "stage": view.stage.value if view.stage.known else UNKNOWN,
    }
    if view.slot.known and view.slot.value:
        spec["slot"] = view.slot.value
    spec["application"] = _reference(view.application, home)
    return Environment, {"metadata": _metadata(view.name, ids), "spec": spec}


def _reference(application: Application, home: str) -> dict[str, Any]:
    reference: dict[str, Any] = {"path": application.location.path, "name": application.name}
    if application.location.repository != home:
        reference["repository"] = f"https://{application.location.repository}"
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

"""The layer gen3 of a plan that destroys an environment: what goes out of its cluster before the layers do.

The objects are those that Argo CD deployed: the chart rendered at the pins that stand in Git, as a plan of a change
does. The cluster is not asked, so that a plan can be made where it does not answer; what it decides stands in the note.
Where the objects cannot be rendered that is said, and keeps nobody from destroying.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.clusters.applications import API, KIND
from csoc.clusters.ownership import Delivered, delivered_in
from csoc.clusters.removing import Removal, stays
from csoc.errors import CsocError, RejectedError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import Environment
from csoc.fleet.repositories import Tree
from csoc.fleet.shapes import mapping, text
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch.applications import CLUSTER_KINDS
from csoc.gen3.launch.documents import deployment_of
from csoc.provisioning.plans import LayerPlan, PlanKind, PolicyFinding
from csoc.provisioning.rendered import Objects, changes_between
from csoc.provisioning.stacks import Action, ResourceChange
from csoc.usecases.planning.gen3_layer import ABSENT, GEN3, Gen3Layer, Seen
from csoc.usecases.planning.owners import Owner, environments_on

_OF_NO_NAMESPACE = frozenset({kind for _, kind in CLUSTER_KINDS} | {"CustomResourceDefinition"})


@dataclass(frozen=True, slots=True)
class Gen3Removal:
    """See the module. layer: Gen3 of the environment as it is deployed."""

    layer: Gen3Layer

    def plan(self) -> LayerPlan:
        """Raises as `removal_of`."""
        removal = removal_of(self.layer.tree, self.layer.documents, self._owner)
        seen = self.layer.running()
        changes = tuple(_changes(removal, seen.objects))
        return LayerPlan(
            layer=GEN3,
            stack=self._owner.name,
            kind=PlanKind.RENDERED,
            template_digest=self._decides(removal),
            parameters={"namespace": removal.namespaces[0], **({"chart": seen.chart} if seen.chart else {})},
            changes=changes,
            stack_state=application_state(self.layer.tree, self._owner),
            findings=tuple(self._findings(seen)),
            note=self._note(changes),
        )

    def stale(self, shown: LayerPlan) -> str:
        """What is other than in the plan, "" if nothing is. Raises as `plan`."""
        now = self.plan()
        if now.stack_state != shown.stack_state:
            return "what is deployed"
        if now.template_digest != shown.template_digest:
            return "which namespaces are its own"
        if now.parameters != shown.parameters:
            return "the chart that it was deployed from"
        return "what goes out of the cluster" if now.changes != shown.changes else ""

    @property
    def _owner(self) -> Owner:
        return self.layer.owner

    def _decides(self, removal: Removal) -> str:
        parts = [self._owner.cluster.metadata.name, removal.application, removal.applications_in, *removal.namespaces]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _findings(self, seen: Seen) -> Iterator[PolicyFinding]:
        try:
            check_removable(self.layer.tree, self._owner)
        except RejectedError as error:
            yield PolicyFinding("removable", _subject(error), error.cause, error.fix, blocks=True)
        if seen.lacking is not None:
            cause = f"The objects that go are not all shown, since they could not be rendered: {seen.lacking.cause}"
            fix = f"{seen.lacking.fix}; or destroy it all the same: what its Application deployed goes"
            yield PolicyFinding("rendered", _subject(seen.lacking), cause, fix, blocks=False)

    def _note(self, changes: tuple[ResourceChange, ...]) -> str:
        said = [f"This goes first, out of the cluster {self._owner.cluster.metadata.name}"]
        if application_state(self.layer.tree, self._owner) == ABSENT:
            said.append("Git has no Application of it, so its objects cannot be named: what is there of it goes")
        if any(one.logical_id.startswith("Ingress ") for one in changes):
            said.append("With its Ingress goes the load balancer")
        said.append("A namespace stays, and is listed in the end, if it holds what does not go with the Application")
        return ". ".join(said)


def removal_of(tree: Tree, documents: Documents, owner: Owner) -> Removal:
    """What goes out of the cluster: no namespace that another environment of the fleet has there. tree: where its
    Application stands, if it stands anywhere. Raises RejectedError: the environment's own one is another's, too."""
    namespaces = namespaces_of(environment_of(owner))
    taken: set[str] = set()
    for name in environments_on(documents, owner.cluster.metadata.name):
        if name != owner.name:
            taken |= set(namespaces_of(documents.environments[name].document))
    if namespaces[0] in taken:
        raise RejectedError(
            f"Another environment on {owner.cluster.metadata.name} has the namespace {namespaces[0]}, too",
            place=owner.shown,
            fix="Give each environment a namespace of its own",
        )
    own = tuple(one for one in namespaces if one not in taken)
    return Removal(owner.name, own, in_git=delivered_of(tree, owner))


def delivered_of(tree: Tree, owner: Owner) -> Delivered | None:
    """The environment's Application as it stands in Git; None if it does not. Raises RejectedError: its file is no
    YAML."""
    reference = environment_of(owner).spec.application
    if reference is None or reference.repository is not None or reference.path not in tree.entries():
        return None
    return delivered_in(_bodies(tree, reference.path, owner.name), owner.name)


def application_state(tree: Tree, owner: Owner) -> str:
    """Digest of the environment's Application in Git; ABSENT if it does not stand there."""
    reference = environment_of(owner).spec.application
    entry = tree.entries().get(reference.path) if reference is not None and reference.repository is None else None
    return entry.blob if entry is not None else ABSENT


def check_removable(tree: Tree, owner: Owner) -> None:
    """Raises RejectedError if the file of the Application stands in another repository, or holds something else."""
    reference = environment_of(owner).spec.application
    if reference is None:
        return
    if reference.repository is not None:
        raise RejectedError(
            f"The Application of {owner.name} stands in another repository, where csoc does not write",
            place=reference.path,
            fix=f"Take {reference.path} away there, and the reference from its document; then plan again",
        )
    if reference.path in tree.entries():
        _check_alone(tree, reference.path, owner.name)


def environment_of(owner: Owner) -> Environment:
    """Raises RejectedError for a cluster."""
    if owner.environment is None:
        raise RejectedError(f"{owner.shown} is no environment", place=owner.shown, fix="Name one of its environments")
    return owner.environment


def _changes(removal: Removal, objects: Objects) -> Iterator[ResourceChange]:
    """The Application first, its objects, and in the end what they were in."""
    kept = {name for name, body in objects.items() if stays(body)}
    holding = {_namespace(objects[name], removal) for name in kept}
    frames = {f"Namespace {name}": name for name in removal.namespaces}
    yield ResourceChange(Action.REMOVE, f"Application {removal.application}", f"{API} {KIND}")
    for change in changes_between(objects, {}):
        if change.logical_id not in frames:
            yield ResourceChange(Action.REMOVE, change.logical_id, change.type, kept=change.logical_id in kept)
    for shown, name in frames.items():
        yield ResourceChange(Action.REMOVE, shown, "v1 Namespace", kept=shown in kept or name in holding)
    yield ResourceChange(Action.REMOVE, f"AppProject {removal.application}", f"{API} AppProject")


def _namespace(body: Mapping[str, Any], removal: Removal) -> str:
    """Where Argo CD puts an object; "" for one that belongs to no namespace."""
    if text(body.get("kind")) in _OF_NO_NAMESPACE:
        return ""
    return text(mapping(body.get("metadata")).get("namespace")) or removal.namespaces[0]


def _check_alone(tree: Tree, path: str, name: str) -> None:
    wanted = {("Application", name), ("AppProject", name)}
    for body in _bodies(tree, path, name):
        found = (text(body.get("kind")), text(mapping(body.get("metadata")).get("name")))
        if found not in wanted:
            raise RejectedError(
                f"The file of the Application {name} holds {found[0] or 'an object'} {found[1]} as well",
                place=path,
                fix="Move that into a file of its own, then go on",
            )


def _bodies(tree: Tree, path: str, name: str) -> list[Mapping[str, Any]]:
    try:
        documents = list(yamltext.parse(tree.read(path)))
    except yamltext.YamlError as error:
        raise RejectedError(
            f"The file of the Application {name} is no YAML: {error}", place=path, fix="Take back what was changed"
        ) from error
    return [mapping(document.data) for document in documents if document.data is not None]


def namespaces_of(environment: Environment) -> tuple[str, ...]:
    """All that it has to itself, the release's own first."""
    made = deployment_of(environment, "", "")
    return (made.namespace, *made.further_namespaces)


def _subject(error: CsocError) -> str:
    return f"{GEN3}, {error.place}" if error.place else GEN3

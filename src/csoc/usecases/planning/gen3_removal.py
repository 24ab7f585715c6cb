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
from csoc.clusters.removing import Removal, stays
from csoc.errors import CsocError, RejectedError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.repositories import Tree
from csoc.fleet.shapes import mapping, text
from csoc.gen3.launch.applications import CLUSTER_KINDS
from csoc.operations.services import ABSENT
from csoc.provisioning.plans import LayerPlan, PlanKind, PolicyFinding
from csoc.provisioning.rendered import Objects, changes_between
from csoc.provisioning.stacks import Action, ResourceChange
from csoc.usecases.planning.gen3_in_git import application_state, check_removable, delivered_of, namespaces_of
from csoc.usecases.planning.gen3_layer import GEN3, Gen3Layer, Seen
from csoc.usecases.planning.owners import Owner, environment_of, environments_on

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


def _subject(error: CsocError) -> str:
    return f"{GEN3}, {error.place}" if error.place else GEN3

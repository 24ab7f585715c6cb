"""Gen3 of an environment as Git has it: its Application, and the namespaces that its document gives it.

A launch compares the cluster with this before it delivers, and a destruction before it takes away, so both have to mean
the same by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.clusters.ownership import Delivered, delivered_in
from csoc.errors import RejectedError
from csoc.fleet.documents.model import Environment
from csoc.fleet.repositories import Tree
from csoc.fleet.shapes import mapping, text
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch.documents import deployment_of
from csoc.operations.services import ABSENT
from csoc.usecases.planning.owners import Owner, environment_of


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
    return state_at(tree, reference.path) if reference is not None and reference.repository is None else ABSENT


def state_at(tree: Tree, path: str) -> str:
    """Digest of the Application whose file is there; ABSENT if there is none."""
    entry = tree.entries().get(path)
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


def namespaces_of(environment: Environment) -> tuple[str, ...]:
    """All that it has to itself, the release's own first."""
    made = deployment_of(environment, "", "")
    return (made.namespace, *made.further_namespaces)


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

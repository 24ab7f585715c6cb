"""What leaves Git when an environment is destroyed: its Application first, its documents last.

The Application goes before anything in the cluster does, since the cluster's root would bring it back. The documents
stay until the layers are gone, so that a run that failed can be planned again; once they are gone, the name is free,
and whoever takes it gets a uid of their own beside the data that was kept.
"""

from __future__ import annotations

from csoc.clusters.removing import Removal
from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.documents import layout
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import Environment
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.fleet.shapes import mapping, text
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch.documents import deployment_of
from csoc.operations.runs import Run
from csoc.operations.services import Written
from csoc.usecases.planning.making import FleetAt
from csoc.usecases.planning.owners import Owner, environments_on
from csoc.usecases.planning.writing import Content, write
from csoc.usecases.provisioning_ports import ProvisioningPorts


def removal_of(fleet: FleetAt, owner: Owner) -> Removal:
    """What goes out of the cluster: no namespace that another environment of the fleet has there."""
    environment = _environment(owner)
    namespaces = _namespaces(environment)
    taken: set[str] = set()
    for name in environments_on(fleet.documents, owner.cluster.metadata.name):
        if name != owner.name:
            taken |= set(_namespaces(fleet.documents.environments[name].document))
    if namespaces[0] in taken:
        raise RejectedError(
            f"Another environment on {owner.cluster.metadata.name} has the namespace {namespaces[0]}, too",
            place=owner.shown,
            fix="Give each environment a namespace of its own",
        )
    return Removal(owner.name, tuple(one for one in namespaces if one not in taken))


def remove_application(ports: ProvisioningPorts, run: Run, owner: Owner, source: str) -> Written:
    """Takes the file of the Application away, if that is not done already. Raises RejectedError: it stands in another
    repository, or the file holds something else besides."""
    reference = _environment(owner).spec.application
    address = SourceAddress(source, trusted=True)
    tree = _newest(ports, address)
    if reference is None:
        return Written(tree.commit)
    if reference.repository is not None:
        raise RejectedError(
            f"The Application of {owner.name} stands in another repository, where csoc does not write",
            place=reference.path,
            fix=f"Take {reference.path} away there, and the reference from its document; then plan again",
        )
    if reference.path not in tree.entries():
        return Written(tree.commit)
    _check_alone(tree, reference.path, owner.name)
    return _without(ports, run, source, (reference.path,), f"Remove {owner.name} from its cluster", "remove", owner)


def remove_documents(ports: ProvisioningPorts, run: Run, owner: Owner, source: str, documents: Documents) -> Written:
    """Takes the environment's document and the value files in its folder away."""
    environment = _environment(owner)
    address = SourceAddress(source, trusted=True)
    tree = _newest(ports, address)
    path = layout.path_of(environment, documents.top or "")
    folder = path.rpartition("/")[0]
    there = tree.entries()
    own = {path, *(one.path for one in environment.spec.values if one.path.startswith(f"{folder}/"))}
    gone = tuple(sorted(one for one in own if one in there))
    if not gone:
        return Written(tree.commit)
    return _without(ports, run, source, gone, f"Remove the documents of {owner.name}", "forget", owner)


def _without(
    ports: ProvisioningPorts, run: Run, source: str, paths: tuple[str, ...], message: str, verb: str, owner: Owner
) -> Written:
    body = f"Written by run {run.id}, which destroys {run.owner_name} and goes on once it is merged."
    return write(ports.git, run, source, Content(dict.fromkeys(paths), message, f"{verb}-{owner.name}", body))


def _newest(ports: ProvisioningPorts, address: SourceAddress) -> Tree:
    return ports.git.repositories.open(address, ports.git.repositories.default_branch(address))


def _check_alone(tree: Tree, path: str, name: str) -> None:
    wanted = {("Application", name), ("AppProject", name)}
    for document in yamltext.parse(tree.read(path)):
        body = mapping(document.data)
        if document.data is None:
            continue
        found = (text(body.get("kind")), text(mapping(body.get("metadata")).get("name")))
        if found not in wanted:
            raise RejectedError(
                f"The file of the Application {name} holds {found[0] or 'an object'} {found[1]} as well",
                place=path,
                fix="Move that into a file of its own, then csoc runs resume",
            )


def _namespaces(environment: Environment) -> tuple[str, ...]:
    made = deployment_of(environment, "", "")
    return (made.namespace, *made.further_namespaces)


def _environment(owner: Owner) -> Environment:
    if owner.environment is None:
        raise NotFoundError(f"{owner.shown} is no environment", place=owner.shown, fix="Begin a new run")
    return owner.environment

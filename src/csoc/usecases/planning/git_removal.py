"""What leaves Git when an environment is destroyed: its Application first, its documents last.

The Application goes before anything in the cluster does, since the cluster's root would bring it back. The documents
stay until the layers are gone, so that a run that failed can be planned again; once they are gone, the name is free,
and whoever takes it gets a uid of their own beside the data that was kept.
"""

from __future__ import annotations

from csoc.fleet.documents import layout
from csoc.fleet.documents.collection import Documents
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.operations.runs import Run
from csoc.operations.services import Written
from csoc.usecases.planning import gen3_in_git
from csoc.usecases.planning.owners import Owner, environment_of
from csoc.usecases.planning.writing import Content, write
from csoc.usecases.provisioning_ports import ProvisioningPorts


def application_now(ports: ProvisioningPorts, owner: Owner, source: str) -> str:
    """As `gen3_in_git.application_state`, at the head of the fleet's branch."""
    return gen3_in_git.application_state(_newest(ports, source), owner)


def remove_application(ports: ProvisioningPorts, run: Run, owner: Owner, source: str) -> Written:
    """Takes the file of the Application away, if that is not done already. Raises RejectedError: it stands in another
    repository, or the file holds something else besides."""
    reference = environment_of(owner).spec.application
    tree = _newest(ports, source)
    gen3_in_git.check_removable(tree, owner)
    if reference is None or reference.path not in tree.entries():
        return Written(tree.commit)
    return _without(ports, run, source, (reference.path,), f"Remove {owner.name} from its cluster", "remove", owner)


def remove_documents(ports: ProvisioningPorts, run: Run, owner: Owner, source: str, documents: Documents) -> Written:
    """Takes the environment's document and the value files in its folder away."""
    environment = environment_of(owner)
    tree = _newest(ports, source)
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


def _newest(ports: ProvisioningPorts, source: str) -> Tree:
    address = SourceAddress(source, trusted=True)
    return ports.git.repositories.open(address, ports.git.repositories.default_branch(address))

"""How Gen3 of an environment stands: what its cluster says of its Application, and whether its hostname answers.

Both are asked beside each other and within seconds. Who does not answer in that time is not waited for any longer: what
could not be seen is said, and the rest of a status is shown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, Queue
from typing import TypeVar

from csoc.clusters.access import ClusterAccess, ClusterReference
from csoc.clusters.applications import ApplicationReading, Applications
from csoc.clusters.following.looking import Seen, Wanted, look
from csoc.clusters.following.reasons import Reason
from csoc.clusters.hostnames import Answer, Hostnames
from csoc.errors import CsocError, NotFoundError, UnavailableError
from csoc.fleet.documents.model import Environment
from csoc.gen3.launch.documents import deployment_of
from csoc.operations.services import Services, needed
from csoc.operations.steps.wait_for_https import lacking
from csoc.usecases.planning.delivery import reference_of
from csoc.usecases.planning.fleets import FleetAt
from csoc.usecases.planning.gen3_layer import GEN3
from csoc.usecases.planning.owners import find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts

T = TypeVar("T")

LOOK_SECONDS = 8.0
HEALTHY, NOT_HEALTHY, NOT_SEEN, NOT_DEPLOYED = "healthy", "not healthy", "not seen", "not deployed yet"


@dataclass(frozen=True, slots=True)
class Gen3Standing:
    """state: HEALTHY, NOT_HEALTHY, NOT_SEEN or NOT_DEPLOYED. summary: what the cluster says, or why nobody could look.
    chart, values: the version and the commit that Argo CD deployed, "" where that is not known. synced_at: when its
    last sync ended. answers: whether the hostname answers over https (None: not asked); https: in words, with
    https_fix."""

    state: str
    summary: str
    chart: str = ""
    values: str = ""
    synced_at: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    hostname: str = ""
    answers: bool | None = None
    https: str = ""
    https_fix: str = ""

    @property
    def is_well(self) -> bool:
        """True if it is healthy and answers, or nobody deployed it."""
        return self.state == NOT_DEPLOYED or (self.state == HEALTHY and self.answers is not False)


def gen3_standing(
    ports: ProvisioningPorts, services: Services, fleet: FleetAt, name: str, *, seconds: float = LOOK_SECONDS
) -> Gen3Standing | None:
    """How Gen3 of an environment stands; None for a cluster, and where csoc does not deploy it. seconds: for both
    questions. Raises as `find_owner`; what cannot be asked is part of the answer."""
    owner = find_owner(fleet.documents, name)
    if owner.environment is None or owner.providers.get(GEN3) != "aws":
        return None
    application = owner.environment.spec.application
    if application is None or (application.repository is None and application.path not in fleet.tree.entries()):
        return Gen3Standing(NOT_DEPLOYED, "its Application is not in Git")
    wanted = _wanted(owner.environment)
    access, hostnames = needed(services.clusters, "clusters"), needed(services.hostnames, "hostnames")
    person, hostname = ports.person().id, owner.environment.spec.hostname or ""
    until = time.monotonic() + seconds
    looking = _begun(lambda: _seen(access, reference_of(owner, {}), wanted, person))
    asking = _begun(lambda: _asked(hostnames, hostname))
    seen, answer = _told(looking, until, seconds), _told(asking, until, seconds)
    return _standing(seen, answer, hostname)


def _wanted(environment: Environment) -> Wanted:
    made = deployment_of(environment, "", "")
    return Wanted(made.environment, made.namespace, ())


def _seen(
    access: ClusterAccess, reference: ClusterReference, wanted: Wanted, person: str
) -> tuple[Seen, ApplicationReading | None]:
    with closing(access.open(reference, person=person, task="status")) as client:
        try:
            application = Applications(client, wanted.applications_in).get(wanted.application)
        except NotFoundError:
            application = None
        return look(client, wanted), application


def _asked(hostnames: Hostnames, hostname: str) -> Answer | None:
    return hostnames.ask(hostname) if hostname else None


def _standing(
    seen: tuple[Seen, ApplicationReading | None] | CsocError, answer: Answer | CsocError | None, hostname: str
) -> Gen3Standing:
    answers, https, https_fix = _https(answer, hostname, "" if isinstance(seen, CsocError) else seen[0].address)
    if isinstance(seen, CsocError):
        return Gen3Standing(
            NOT_SEEN, str(seen), hostname=hostname, answers=answers, https=https, https_fix=https_fix
        )  # fmt: skip
    found, application = seen
    revisions = (*application.revisions, "", "") if application is not None else ("", "")
    operation = application.operation if application is not None else None
    return Gen3Standing(
        HEALTHY if found.is_healthy else NOT_HEALTHY,
        found.summary,
        chart=revisions[0],
        values=revisions[1],
        synced_at=operation.finished_at if operation is not None else None,
        reasons=found.reasons,
        hostname=hostname,
        answers=answers,
        https=https,
        https_fix=https_fix,
    )


def _https(answer: Answer | CsocError | None, hostname: str, address: str) -> tuple[bool | None, str, str]:
    if answer is None:
        return None, "it has no hostname", ""
    if isinstance(answer, CsocError):
        return False, f"not seen: {answer}", ""
    if answer.is_up:
        return True, answer.why, ""
    return False, *lacking(hostname, address, answer)


def _begun(ask: Callable[[], T]) -> Queue[T | CsocError]:
    """Asks in a thread that nobody has to wait for."""
    told: Queue[T | CsocError] = Queue()

    def work() -> None:
        try:
            told.put(ask())
        except CsocError as error:
            told.put(error)

    threading.Thread(target=work, name="csoc-look", daemon=True).start()
    return told


def _told(told: Queue[T | CsocError], until: float, seconds: float) -> T | CsocError:
    try:
        return told.get(timeout=max(0.0, until - time.monotonic()))
    except Empty:
        return UnavailableError(f"There was no answer within {seconds:g} s", fix="Ask again, or look at the network")

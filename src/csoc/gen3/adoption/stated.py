"""What csoc's Environment documents say, by the Application that each names; and which of them do not count.

A document overrules what the files say, so whoever can add a document could take an environment away from those who
answer for it: by naming its Application, or by having its name. Where two documents claim the same, none of them
counts, and the files alone say what the environment is. The same holds for a document that gives an Application to
another commons than its hostname does, if that commons has a document; one that stands in the folder of that document
counts, since those who answer for the folder saw it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.fleet.argocd.model import Application, Problem
from csoc.fleet.argocd.same_repository import Identity, repository_key
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.crosschecks import NEITHER_COUNTS, OWN_APPLICATION
from csoc.fleet.documents.faults import Fault
from csoc.fleet.documents.model import ApplicationReference, Environment
from csoc.gen3.adoption.environments import Candidate, Stated, commons_by_files, hostname_by_files
from csoc.gen3.views import UNKNOWN, Dispute

MISSING_APPLICATION = "document without Application"

ApplicationKey = tuple[str, str, int, str]
"""An Application's identity: repository, path, document, name."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """Which document counts for which Application. disputes: by the identity of the Application that the documents
    name. unused: documents whose Application was not found, though nothing else is wrong with them."""

    stated: Mapping[ApplicationKey, Stated]
    disputes: Mapping[ApplicationKey, tuple[Dispute, ...]]
    unused: tuple[Placed[Environment], ...]
    faults: tuple[Fault, ...]

    def every_dispute(self) -> tuple[Dispute, ...]:
        """Each dispute once."""
        return tuple(dict.fromkeys(item for group in self.disputes.values() for item in group))


def rule(documents: Documents, candidates: Sequence[Candidate], identity: Identity, home: str) -> Ruling:
    """Decides. candidates: Applications that deploy Gen3, nothing stated about them yet. home: the repository that is
    read, and identity its other names."""
    claims: dict[ApplicationKey, list[Placed[Environment]]] = defaultdict(list)
    for placed in _every(documents):
        reference = placed.document.spec.application
        if reference is not None:
            claims[_key(reference, identity, home)].append(placed)
    found = {candidate.application.identity: candidate for candidate in candidates}
    of_files = commons_by_files(candidates)
    stated: dict[ApplicationKey, Stated] = {}
    disputes: dict[ApplicationKey, tuple[Dispute, ...]] = {}
    faults: list[Fault] = []
    for key, placed_here in claims.items():
        disputed = _namesakes(placed_here, documents)
        candidate = found.get(key)
        if len(placed_here) > 1:
            disputed.append(_shared(placed_here, key))
            faults += _shared_faults(placed_here)
        elif not disputed and candidate is not None:
            stolen = _of_another(placed_here[0], documents, candidate, of_files[key])
            if stolen is not None:
                faults.append(stolen[0])
                disputed.append(stolen[1])
        if disputed:
            disputes[key] = tuple(disputed)
        elif candidate is not None:
            stated[key] = _stated(placed_here[0])
    unused = [claims[key][0] for key in claims if key not in found and key not in disputes]
    known = {(fault.location, fault.field) for fault in documents.faults}
    new = [fault for fault in faults if (fault.location, fault.field) not in known]
    return Ruling(stated, disputes, tuple(unused), tuple(new))


def _every(documents: Documents) -> list[Placed[Environment]]:
    alone = [placed for name, placed in documents.environments.items() if name not in documents.namesakes]
    return [*alone, *(placed for group in documents.namesakes.values() for placed in group)]


def _key(reference: ApplicationReference, identity: Identity, home: str) -> ApplicationKey:
    url = str(reference.repository or "")
    repository = home if not url or identity.is_self(url) else repository_key(url)
    return (repository, str(reference.path), reference.document, str(reference.name))


def _known(value: object) -> str:
    return "" if value in (None, "unknown") else str(value)


def _stated(placed: Placed[Environment]) -> Stated:
    spec = placed.document.spec
    return Stated(
        name=placed.name,
        location=placed.locate(),
        commons=str(spec.commons),
        cluster=_known(spec.cluster),
        stage=_known(spec.stage),
        slot=str(spec.slot or ""),
        hostname=_known(spec.hostname),
    )


# Disputes


def _named(placed: Placed[Environment], field: str) -> str:
    return f"{placed.name} ({placed.locate(field)})"


def _listed(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def _namesakes(placed_here: Sequence[Placed[Environment]], documents: Documents) -> list[Dispute]:
    """Disputes about the names of these documents."""
    found = []
    for name in dict.fromkeys(placed.name for placed in placed_here):
        group = documents.namesakes.get(name, ())
        if group:
            places = tuple(placed.locate("metadata.name") for placed in group)
            cause = f"{len(group)} documents have the name {name}: {_listed([str(place) for place in places])}"
            fix = "Rename all but one of them, or remove them; until then none of them counts"
            found.append(Dispute((name,), cause, places, fix))
    return found


def _shared(placed_here: Sequence[Placed[Environment]], key: ApplicationKey) -> Dispute:
    documents = _listed([_named(placed, "spec.application") for placed in placed_here])
    return Dispute(
        tuple(dict.fromkeys(placed.name for placed in placed_here)),
        f"the documents of {documents} name the same Application, {key[3]} in {key[1]}",
        tuple(placed.locate("spec.application") for placed in placed_here),
        "Correct spec.application of all but one of them, or remove them; until then none of them counts",
    )


def _shared_faults(placed_here: Sequence[Placed[Environment]]) -> list[Fault]:
    first, *others = placed_here
    faults = []
    for placed in others:
        reference = placed.document.spec.application
        name = reference.name if reference is not None else ""
        found = f'"{name}", which is that of {first.name} at {first.locate("spec.application")} too'
        place = placed.locate("spec.application")
        faults.append(Fault(place, "spec.application", OWN_APPLICATION, found, NEITHER_COUNTS))
    return faults


def _of_another(
    placed: Placed[Environment], documents: Documents, candidate: Candidate, rightful: str
) -> tuple[Fault, Dispute] | None:
    """Says so if the files give the Application to another commons than the document does, and that commons has a
    document which stands elsewhere."""
    stated = str(placed.document.spec.commons)
    owner = documents.commons.get(rightful)
    if rightful in (UNKNOWN, stated) or owner is None:
        return None
    folder = owner.file.path.rpartition("/")[0]
    if not folder or placed.file.path.startswith(f"{folder}/"):
        return None
    application, hostname = candidate.application, hostname_by_files(candidate)
    at = hostname.location or application.location
    fix = (
        f"Correct spec.commons or spec.application. If it is right, move the document below {folder}/, where those who "
        f"answer for {rightful} see it"
    )
    about = f"its hostname {hostname.value} ({at})"
    said = f'"{application.name}", which is of the commons {rightful} by {about}; see {owner.locate("metadata.name")}'
    place = placed.locate("spec.application")
    fault = Fault(place, "spec.application", f"an Application of the commons {stated}", said, fix)
    cause = (
        f"the document of {_named(placed, 'spec.application')} gives the Application {application.name} to the commons "
        f"{stated}; by {about} it is of the commons {rightful}, whose document is {owner.locate('metadata.name')}"
    )
    return fault, Dispute((placed.name,), cause, (place, owner.locate("metadata.name"), at), fix)


# Documents without an Application


def without_application(placed: Placed[Environment], others: Sequence[Application]) -> Problem:
    """The environment vanished, or moved. others: Applications that deploy Gen3 and have no document."""
    reference = placed.document.spec.application
    named, path = (reference.name, reference.path) if reference is not None else ("", "")
    cause = f"the Application {named} of the environment {placed.name} is not in {path} any more"
    fix = "Correct spec.application, or remove the document if the environment is gone for good"
    same = [other for other in others if other.name == named]
    if len(same) == 1:
        at = f"document {same[0].document} of " if same[0].document else ""
        fix = f"If it has moved to {at}{same[0].location.path}, say so in spec.application"
    return Problem(MISSING_APPLICATION, cause, placed.locate("spec.application"), fix)

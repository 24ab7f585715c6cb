"""A key file, an .env or notes with a token are as public as values, though no environment reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from csoc.fleet.location import Location
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import FleetState

FILES = "files with secrets"


@dataclass(frozen=True, slots=True)
class FoundInFile:
    """A file of the fleet's repository that holds secrets. hits: line, reason, whether it opens much."""

    repository: str
    commit: str
    path: str
    hits: tuple[tuple[int, str, bool], ...]


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each file that holds a secret and is not told by a rule about values."""
    found: Sequence[FoundInFile] = state.context.get(FILES, ())
    for file in found:
        reasons = listed(reason for _, reason, _ in file.hits)
        yield Hit(
            cause=f"{file.path} holds a secret in plain text: {reasons}",
            key=file.path,
            evidence=tuple(
                Evidence(reason, Location(file.repository, file.commit, file.path, line))
                for line, reason, _ in file.hits
            ),
            severity=Severity.CRITICAL if any(much for _, _, much in file.hits) else Severity.HIGH,
        )


RULE = Rule(
    id="secret-in-file",
    title="A secret in a file of the repository",
    severity=Severity.HIGH,
    consequence="Everybody who can read the repository, or has an old clone of it, can use the secret.",
    fix=(
        "Rotate the secret first: removing it from the file does not remove it from history. Then keep the new one in "
        "a secret store, and nothing but its name here."
    ),
    covers=("fleet",),
    fleet=check,
)

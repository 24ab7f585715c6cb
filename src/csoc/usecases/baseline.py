"""Writes the baseline: what is wrong today is known, so that the next check speaks of what came since."""

from __future__ import annotations

from dataclasses import dataclass

from csoc.usecases.check import CheckOutcome
from csoc.usecases.judgements import baseline, baseline_path, to_know
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, Published, publish
from csoc.usecases.worktree import FileWrite, contents, write_files

_MESSAGE = "Baseline of findings for csoc\n\nWhat csoc check finds today is known; it counts only what comes after."


@dataclass(frozen=True, slots=True)
class WrittenBaseline:
    """Where the baseline is, and how many causes it knows. published: if it is proposed, not in the work tree."""

    path: str
    count: int
    published: Published | None = None


def write_baseline(
    ports: Ports, fleet: LoadedFleet, outcome: CheckOutcome, *, pull_request: bool = False
) -> WrittenBaseline:
    """Writes the document into the work tree, uncommitted, or opens a pull request with it. It replaces the one that
    is there.

    Raises as `worktree.write_files` and `publish`.
    """
    path = baseline_path(fleet.documents)
    content = baseline(outcome, path=path, commit=fleet.tree.commit, at=ports.clock())
    before = fleet.tree.read(path) if path in fleet.tree.entries() else None
    writes = (FileWrite(path, before, content),)
    count = len(to_know(outcome))
    if not pull_request:
        write_files(fleet.tree, writes, ports.ids)
        return WrittenBaseline(path, count)
    published = publish(
        ports,
        Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files=contents(writes),
            message=_MESSAGE,
            branch=fleet.query.revision or "",
            pull_request=True,
            head=f"csoc/baseline-{ports.ids()}",
        ),
    )
    return WrittenBaseline(path, count, published)

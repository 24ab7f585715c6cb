"""Writes the baseline: what is wrong today is known, so that the next check speaks of what came since."""

from __future__ import annotations

from dataclasses import dataclass, replace

from csoc.fleet.overlay import OverlayTree
from csoc.usecases.adopt import Adoption
from csoc.usecases.checking.checker import CheckOutcome, FleetChecker, Progress
from csoc.usecases.checking.judgements import baseline, baseline_path, to_know, waivers_of
from csoc.usecases.load import LoadedFleet, understand_tree
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


def with_baseline(
    ports: Ports, fleet: LoadedFleet, adoption: Adoption, *, progress: Progress | None = None
) -> tuple[Adoption, int]:
    """The adoption with a baseline of what the rules find once its documents are there (they name environments), and
    how many causes it knows. A baseline that is there already stays as it is, since people may have taken out of it.
    """
    if fleet.documents.baselines:
        return adoption, 0
    after = fleet
    if adoption.files:
        after = understand_tree(ports, fleet.query, OverlayTree(fleet.tree, adoption.files))
    outcome = FleetChecker(ports).check(after, waivers=waivers_of(after.documents, ports), progress=progress)
    path = baseline_path(after.documents)
    content = baseline(outcome, path=path, commit=fleet.tree.commit, at=ports.clock())
    return replace(adoption, files={**adoption.files, path: content}), len(to_know(outcome))

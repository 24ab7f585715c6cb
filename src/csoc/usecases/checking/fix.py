"""Mends what can be mended safely: the patches of findings, as edits of the files that they stand in.

A rule offers a patch only where the edit changes nothing that its author wanted. What the edits would do is checked
before anything is written, and what they cannot do is said with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from csoc.errors import RejectedError
from csoc.fleet import conflicts
from csoc.fleet.markdown import at_most, code
from csoc.fleet.overlay import OverlayTree
from csoc.fleet.repositories import EntryKind
from csoc.fleet.values import Path
from csoc.fleet.yaml import yamledit
from csoc.fleet.yaml.yamledit import Edit
from csoc.gen3.findings import Finding, Patch
from csoc.usecases.checking.against_base import what_changed
from csoc.usecases.checking.checker import CheckOutcome, FleetChecker
from csoc.usecases.load import LoadedFleet, understand_tree
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, Published, publish
from csoc.usecases.worktree import FileWrite, contents, write_files

_BODY = 50_000


@dataclass(frozen=True, slots=True)
class FixPlan:
    """What mending would do. writes: files before and after. mended: findings whose patches are all in. left: findings
    with a patch that is not, and why. gone, new: what the rules say afterwards, compared with before."""

    writes: tuple[FileWrite, ...]
    mended: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]
    gone: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()

    def diff(self) -> list[str]:
        """All files as one unified diff, masked where it looks secret."""
        return [line for write in self.writes for line in file_diff(write)]


def plan_fixes(
    ports: Ports, fleet: LoadedFleet, findings: Sequence[Finding], outcome: CheckOutcome, checker: FleetChecker
) -> FixPlan:
    """Works the edits out and checks the fleet as it would be. outcome: of the fleet as it is."""
    reasons: dict[str, str] = {}
    writes: list[FileWrite] = []
    for path, patches in sorted(_by_file(fleet, findings, reasons).items()):
        before = fleet.tree.read(path)
        after = _edited(path, before, patches, reasons)
        if after != before:
            writes.append(FileWrite(path, before, after))
    offered = [finding for finding in findings if finding.patches]
    plan = FixPlan(
        tuple(writes),
        tuple(finding for finding in offered if finding.fingerprint not in reasons),
        tuple((finding, reasons[finding.fingerprint]) for finding in offered if finding.fingerprint in reasons),
    )
    if not writes:
        return plan
    tree = OverlayTree(fleet.tree, contents(writes))
    mended = understand_tree(ports, fleet.query, tree)
    new, gone, _ = what_changed(checker, (fleet, outcome), (mended, checker.check(mended)))
    return replace(plan, gone=gone, new=new)


def apply_fixes(ports: Ports, fleet: LoadedFleet, plan: FixPlan, *, pull_request: bool = False) -> Published | None:
    """Writes the files into the work tree, uncommitted, or opens a pull request with them (and returns it).

    Raises ConflictError, RejectedError (not a work tree, and no pull request asked for), DeniedError, UnavailableError.
    """
    if not pull_request:
        write_files(fleet.tree, plan.writes, ports.ids)
        return None
    rules = sorted({finding.rule for finding in plan.mended})
    subject = f"Mend {rules[0]}" if len(rules) == 1 else f"Mend {len(rules)} kinds of findings"
    found = [f"- {item.rule}: {code(item.cause)} ({code(', '.join(item.environments))})" for item in plan.gone]
    lines = at_most(found, _BODY, "findings")
    return publish(
        ports,
        Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files=contents(plan.writes),
            message=f"{subject}\n\nEdits that csoc check --fix makes.",
            branch=fleet.query.revision or "",
            pull_request=True,
            head=f"csoc/fix-{ports.ids()}",
            body="\n".join(["Mends:", *lines]),
        ),
    )


def file_diff(write: FileWrite) -> list[str]:
    """A unified diff of one file, masked where it looks secret."""
    source = "/dev/null" if write.before is None else f"a/{write.path}"
    return conflicts.masked_diff(write.before or b"", write.after, (source, f"b/{write.path}"), context=3)


_Offered = list[tuple[Edit, list[Finding]]]


def _by_file(fleet: LoadedFleet, findings: Sequence[Finding], reasons: dict[str, str]) -> dict[str, _Offered]:
    """Edits by file, each once, with the findings that ask for it."""
    edits: dict[str, dict[str, tuple[Edit, list[Finding]]]] = defaultdict(dict)
    entries = fleet.tree.entries()
    for finding in findings:
        for patch in finding.patches:
            place = patch.location
            if (place.repository, place.commit) != (fleet.tree.repository, fleet.tree.commit):
                reasons.setdefault(finding.fingerprint, f"{place} is in another repository, {place.repository}")
            elif place.path not in entries or entries[place.path].kind is not EntryKind.FILE:
                reasons.setdefault(finding.fingerprint, f"{place} is not a file of this repository")
            else:
                edit = _edit(patch)
                edits[place.path].setdefault(repr(edit), (edit, []))[1].append(finding)
    return {path: list(wanted.values()) for path, wanted in edits.items()}


def _edit(patch: Patch) -> Edit:
    return Edit(tuple(patch.path), patch.action, patch.value, patch.document)


def _edited(path: str, content: bytes, offered: _Offered, reasons: dict[str, str]) -> bytes:
    """The file with every edit that can be made; the others' findings get a reason."""
    wanted: dict[tuple[int, Path], int] = defaultdict(int)
    for edit, _ in offered:
        wanted[edit.document, edit.path] += 1
    # The deepest first, and of list items the last first, so that no edit moves what a later one names.
    for edit, findings in sorted(offered, key=lambda item: _depth(item[0]), reverse=True):
        reason = ""
        if wanted[edit.document, edit.path] > 1:
            reason = f"{path}: {_named(edit.path)} would be changed in two ways"
        else:
            try:
                content = yamledit.apply(content, [edit])
            except RejectedError as error:
                reason = f"{path}: {error}"
        if reason:
            for finding in findings:
                reasons.setdefault(finding.fingerprint, reason)
    return content


def _depth(edit: Edit) -> tuple[int, int, tuple[int, ...]]:
    return (edit.document, len(edit.path), tuple(step if isinstance(step, int) else -1 for step in edit.path))


def _named(path: Path) -> str:
    return ".".join(str(step) for step in path)

"""Proposes a planned change: one commit, or one pull request for each set of owners, and reports what came of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from csoc.errors import CsocError, RejectedError
from csoc.fleet.codeowners import CodeOwners, Dialect, find_codeowners, group_by_owners, parse_codeowners
from csoc.fleet.markdown import at_most, block, code, plain
from csoc.fleet.overlay import blob_id
from csoc.usecases.change.command import command_line
from csoc.usecases.change.plan import ChangePlan, EnvironmentChange
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, Published, host_of, publish

_SUBJECT = 72
_ENVIRONMENTS = 3
# GitHub takes 65536 characters in a pull request's text; these together stay below.
_ROOM = {"operations": 8_000, "environments": 6_000, "files": 16_000, "findings": 16_000, "command": 8_000}
_LISTED = 100
HEAD_PREFIX = "csoc/"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the files of one set of owners. error is set, or published."""

    files: tuple[str, ...]
    environments: tuple[str, ...]
    owners: tuple[str, ...]
    published: Published | None = None
    error: CsocError | None = None


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """Every part of a change and its outcome. notes: lines of CODEOWNERS that could not be used."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()


def propose_change(
    ports: Ports,
    fleet: LoadedFleet,
    plan: ChangePlan,
    *,
    pull_request: bool,
    message: str = "",
    branch: str = "",
    only: Collection[str] = (),
) -> ChangeReport:
    """Commits the change as one commit, or opens a pull request for each set of owners. only: paths whose owners' parts
    are proposed (none given: all).

    A part that fails is in the report with its error; the others go on. Proposing the same change again finds what is
    there already. Raises RejectedError if there is nothing to do, and as `Ports.githost`.
    """
    if not plan.files:
        raise RejectedError("There is nothing to change", fix="Everything that was asked for is so already")
    contents = {change.path: change.after for change in plan.files}
    environments = {change.path: change.environments for change in plan.files}
    groups: Mapping[frozenset[str], Sequence[str]] = {frozenset(): sorted(contents)}
    notes: tuple[str, ...] = ()
    if pull_request:
        host = host_of(ports, fleet.query.address, branch or fleet.query.revision, fleet.tree)
        groups, notes = _groups(host.codeowners, fleet, sorted(contents))
    text = message or _message(plan)
    home = {
        view.name: view.application.location.path
        for view in fleet.view.environments
        if view.application.location.repository == fleet.tree.repository
    }
    target = branch or fleet.query.revision or ports.repositories.default_branch(fleet.query.address)
    outcomes = []
    for owners, paths in groups.items():
        if only and not set(only) & set(paths):
            continue
        touched = tuple(dict.fromkeys(name for path in paths for name in environments[path]))
        proposal = Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files={path: contents[path] for path in paths},
            message=text,
            branch=target,
            pull_request=pull_request,
            head=_head(text, target, fleet, plan, paths) if pull_request else "",
            body=_body(plan, paths, touched, groups),
            reviewers=sorted(owners),
            read=[home[name] for name in touched if name in home],
        )
        outcomes.append(_publish(ports, proposal, Outcome(tuple(paths), touched, tuple(sorted(owners)))))
    return ChangeReport(tuple(outcomes), notes)


def _head(text: str, target: str, fleet: LoadedFleet, plan: ChangePlan, paths: Sequence[str]) -> str:
    """The branch of one part. The same change of the same files has the same name, so that doing it again finds it."""
    digest = hashlib.sha256(target.encode())
    entries = fleet.tree.entries()
    for change in plan.files:
        if change.path in paths:
            digest.update(f"\0{change.path}\0{entries[change.path].blob}\0{blob_id(change.after)}".encode())
    return f"{HEAD_PREFIX}{_slug(text)}-{digest.hexdigest()[:10]}"


def _publish(ports: Ports, proposal: Proposal, outcome: Outcome) -> Outcome:
    try:
        published = publish(ports, proposal)
    except CsocError as error:
        return Outcome(outcome.files, outcome.environments, outcome.owners, error=error)
    return Outcome(outcome.files, outcome.environments, outcome.owners, published=published)


def _groups(
    dialect: Dialect, fleet: LoadedFleet, paths: list[str]
) -> tuple[Mapping[frozenset[str], list[str]], tuple[str, ...]]:
    found = find_codeowners(fleet.tree.entries(), dialect)
    if found is None:
        return {frozenset(): paths}, ()
    codeowners: CodeOwners = parse_codeowners(fleet.tree.read(found), dialect)
    notes = tuple(f"{found}:{problem.line}: {problem.cause}" for problem in codeowners.problems)
    return group_by_owners(paths, codeowners), notes


def _message(plan: ChangePlan) -> str:
    """What was done, where; one line if it fits. Names and values are foreign text, so none can add a line."""
    names = [plain(name) for name in sorted({name for change in plan.files for name in change.environments})]
    operations = [plain(str(operation)) for operation in plan.operations]
    what = "; ".join(operations)
    what = what[:1].upper() + what[1:]
    few = f"{what} in {', '.join(names)}"
    if len(names) <= _ENVIRONMENTS and len(few) <= _SUBJECT:
        return few
    subject = f"{what} in {_count(len(names), 'environment')}"
    if len(subject) > _SUBJECT:
        subject = f"{_cut(what)} in {_count(len(names), 'environment')}"
    done = at_most([f"- {operation}" for operation in operations], _ROOM["operations"], "operations")
    where = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    return "\n".join([subject, "", *done, "", f"Environments: {where}"])


def _cut(text: str) -> str:
    room = _SUBJECT - 20
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.partition("\n")[0].lower()).strip("-")[:40].strip("-") or "change"


def _body(
    plan: ChangePlan,
    paths: Sequence[str],
    environments: Sequence[str],
    groups: Mapping[frozenset[str], Sequence[str]],
) -> str:
    """The pull request's text: what, where, and what the rules say, so that a reviewer need not run anything."""
    lines = at_most([f"- {code(str(operation))}" for operation in plan.operations], _ROOM["operations"], "operations")
    lines += [
        "",
        "Environments:",
        *at_most([f"- {code(name)}" for name in environments], _ROOM["environments"], "names"),
    ]
    lines += ["", "Files:", *at_most([file_line(path) for path in paths], _ROOM["files"], "files"), ""]
    if len(groups) > 1:
        lines += [f"One of {len(groups)} parts of a change: each set of owners gets its own.", ""]
    effects = [f"- {text}" for change in plan.environments for text in _effect(change, environments)]
    effects += [f"- New finding ({item.severity.name.lower()}): {code(item.cause)}" for item in plan.findings_new]
    effects += [f"- Mends ({item.severity.name.lower()}): {code(item.cause)}" for item in plan.findings_gone]
    lines += at_most(effects, _ROOM["findings"], "effects and findings")
    names = [name for name in plan.asked if name not in {refused for refused, _ in plan.refused}]
    command = command_line(names, plan.operations)
    if command and len(command) <= _ROOM["command"]:
        return "\n".join([*lines, "", "Made by", "", block(command, "sh")])
    why = "it is too long" if command else "a name or value in it is not one line of text"
    return "\n".join([*lines, "", f"Made by `csoc fleet set`; the command is left off, since {why}."])


def file_line(path: str) -> str:
    """How the text of a pull request lists a file."""
    return f"- {code(path, 1_000)}"


def _effect(change: EnvironmentChange, environments: Sequence[str]) -> list[str]:
    """What a reviewer must know of one environment."""
    if change.environment not in environments and change.asked:
        return []  # in another part
    text = f"{code(change.environment)}: {_count(len(change.values), 'value')}"
    if change.chart:
        before, after = (code(revision) if revision else "newest" for revision in change.chart)
        text += f", the chart ({before} to {after})"
    if change.objects is not None:
        text += f", {_count(len(change.objects), 'Kubernetes object')}"
    if not change.asked:
        text += "; it uses the same file"
    return [text]

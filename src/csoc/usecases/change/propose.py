"""Proposes a planned change: one commit, or one pull request for each set of owners, and reports what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.errors import CsocError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.codeowners import CodeOwners, Dialect, find_codeowners, group_by_owners, parse_codeowners
from csoc.usecases.change.plan import ChangePlan
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, Published, publish

_SUBJECT = 72


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
) -> ChangeReport:
    """Commits the change as one commit, or opens a pull request for each set of owners.

    A part that fails is in the report with its error; the others go on. Raises RejectedError if there is nothing to do.
    """
    if not plan.files:
        raise RejectedError("There is nothing to change", fix="Everything that was asked for is so already")
    contents = {change.path: change.after for change in plan.files}
    environments = {change.path: change.environments for change in plan.files}
    groups: Mapping[frozenset[str], Sequence[str]] = {frozenset(): sorted(contents)}
    notes: tuple[str, ...] = ()
    if pull_request:
        groups, notes = _groups(ports, fleet, sorted(contents))
    text = message or _message(plan)
    suffix = ports.ids()
    outcomes = []
    for number, (owners, paths) in enumerate(groups.items(), start=1):
        touched = tuple(dict.fromkeys(name for path in paths for name in environments[path]))
        head = f"csoc/{_slug(text)}-{suffix}" + (f"-{number}" if len(groups) > 1 else "")
        proposal = Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files={path: contents[path] for path in paths},
            message=text,
            branch=branch or (fleet.query.revision or ""),
            pull_request=pull_request,
            head=head if pull_request else "",
            body=_body(plan, paths, touched),
            reviewers=sorted(owners),
            read=[view.application.location.path for view in fleet.view.environments if view.name in touched],
        )
        outcomes.append(_publish(ports, proposal, Outcome(tuple(paths), touched, tuple(sorted(owners)))))
    return ChangeReport(tuple(outcomes), notes)


def _publish(ports: Ports, proposal: Proposal, outcome: Outcome) -> Outcome:
    try:
        published = publish(ports, proposal)
    except CsocError as error:
        return Outcome(outcome.files, outcome.environments, outcome.owners, error=error)
    return Outcome(outcome.files, outcome.environments, outcome.owners, published=published)


def _groups(
    ports: Ports, fleet: LoadedFleet, paths: list[str]
) -> tuple[Mapping[frozenset[str], list[str]], tuple[str, ...]]:
    dialect = _dialect(ports, fleet)
    found = find_codeowners(fleet.tree.entries(), dialect)
    if found is None:
        return {frozenset(): paths}, ()
    codeowners: CodeOwners = parse_codeowners(fleet.tree.read(found), dialect)
    notes = tuple(f"{found}:{problem.line}: {problem.cause}" for problem in codeowners.problems)
    return group_by_owners(paths, codeowners), notes


def _dialect(ports: Ports, fleet: LoadedFleet) -> Dialect:
    address = addresses.parse(fleet.query.source)
    for entry in ports.settings.git_hosts:
        if entry.kind == "gitea" and addresses.below(entry.url, address):
            return Dialect.GITEA
    return Dialect.GITHUB


def _message(plan: ChangePlan) -> str:
    names = sorted({name for change in plan.files for name in change.environments})
    what = "; ".join(str(operation) for operation in plan.operations)
    where = ", ".join(names) if len(names) <= 3 else f"{len(names)} environments"
    subject = f"{what[:1].upper()}{what[1:]} in {where}"
    return subject if len(subject) <= _SUBJECT else f"{subject[: _SUBJECT - 1]}…\n\n{subject}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.partition("\n")[0].lower()).strip("-")[:40].strip("-") or "change"


def _body(plan: ChangePlan, paths: Sequence[str], environments: Sequence[str]) -> str:
    """The pull request's text: what, where, and what the rules say, so that a reviewer need not run anything."""
    lines = [f"- {operation}" for operation in plan.operations]
    lines += ["", f"Environments: {', '.join(environments)}", f"Files: {', '.join(paths)}", ""]
    for change in plan.environments:
        if change.environment not in environments and not change.asked:
            lines.append(f"Also changes {change.environment}, which uses the same file.")
        if change.objects is not None:
            lines.append(f"{change.environment}: {len(change.objects)} Kubernetes objects change")
    lines += [f"New finding ({item.severity.name.lower()}): {item.cause}" for item in plan.findings_new]
    lines += [f"Mends ({item.severity.name.lower()}): {item.cause}" for item in plan.findings_gone]
    return "\n".join(lines)

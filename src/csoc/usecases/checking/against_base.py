"""What was wrong before a change, so that a check of the change speaks of what the change adds and of nothing else.

The tree before is checked like the tree now (environments that are equal in both come from the cache), and findings are
compared by cause and environment, and then by the places that a cause has and, for secrets, by their values: a second
place of an old cause is new. A line that moved is no new place; an environment is the same one as long as its
Application stands at the same place, or else runs at the same place, whatever it is called.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from csoc.errors import NotFoundError
from csoc.fleet.argocd.model import Problem
from csoc.fleet.documents.faults import Fault
from csoc.fleet.parsing import ParsedStore
from csoc.gen3.checking import Before, known_from, only, severities_of
from csoc.gen3.findings import Finding, Severity
from csoc.gen3.own_rules import OWN_RULES
from csoc.gen3.places import Pair, places_of
from csoc.gen3.views import EnvironmentView
from csoc.usecases.checking.changed_secrets import changed_secrets
from csoc.usecases.checking.checker import FleetChecker, Found, Progress
from csoc.usecases.checking.equal_sight import Likeness, Unlike, alike
from csoc.usecases.checking.judgements import far_waivers, known_of, known_places_of, waivers_of
from csoc.usecases.checking.taken_away import TakenAway, stages_raised, what_it_takes_away
from csoc.usecases.load import LoadedFleet, understand_tree
from csoc.usecases.ports import Ports

FaultKey = tuple[str, str, str, str]
ProblemKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Base:
    """What was found before. revision: as asked for; commit: the common ancestor that was checked; fleet, found: as it
    was then. own: what was found about waivers. renamed: names of environments then to their names now, where they
    differ. unlike: environments that could not be compared in full. taken_away: what is gone or lowered in the fleet
    now."""

    revision: str
    commit: str
    fleet: LoadedFleet
    found: Found
    own: tuple[Finding, ...]
    faults: frozenset[FaultKey]
    problems: frozenset[ProblemKey]
    renamed: Mapping[str, str]
    unlike: tuple[Unlike, ...] = ()
    taken_away: TakenAway = field(default_factory=TakenAway)


def check_base(
    ports: Ports,
    checker: FleetChecker,
    fleet: LoadedFleet,
    revision: str,
    *,
    store: ParsedStore | None = None,
    progress: Progress | None = None,
) -> Base:
    """Checks the fleet as it was at the last commit that it has in common with the revision.

    Needs no network where the repository is local. Raises NotFoundError if the revision is not there or shares nothing.
    """
    try:
        tree = ports.repositories.merge_base(fleet.tree, revision)
    except NotFoundError as error:
        fix = error.fix or "A plain folder has no history; name the top of a Git repository"
        raise NotFoundError(error.cause, place=error.place, fix=fix) from error
    query = replace(fleet.query, revision=tree.commit)
    before = understand_tree(ports, query, tree, store)
    found = checker.find(before, progress=progress)
    own = {rule.id for rule in OWN_RULES}
    renamed = renamings(before.view.environments, fleet.view.environments)
    judged = checker.judge(found, waivers=waivers_of(before.documents, ports))
    return Base(
        revision=revision,
        commit=tree.commit,
        fleet=before,
        found=found,
        own=tuple(item for item in judged.report.findings if item.rule in own),
        faults=frozenset(
            fault_key(fault) for fault in (*before.documents.faults, *far_waivers(before.documents, ports))
        ),
        problems=frozenset(problem_key(problem) for problem in (*before.view.problems, *found.problems)),
        renamed=renamed,
        taken_away=what_it_takes_away(before, fleet, renamed),
    )


def as_before(base: Base, fleet: LoadedFleet) -> LoadedFleet:
    """The fleet with the stages of the base where the change lowers them: no change makes its own findings smaller."""
    return stages_raised(base.fleet, fleet, base.renamed)


def compare_with(
    base: Base, ports: Ports, checker: FleetChecker, fleet: LoadedFleet, found: Found, *, baseline: bool, accepted: bool
) -> tuple[Base, Before]:
    """What the fleet is judged by: what was found and decided in the base, as far as both can be compared. Returns the
    base with the environments where that is not all. baseline: whether baselines count; accepted: whether decisions
    that are new in the change do."""
    likeness = alike(checker, (base.fleet, base.found), (fleet, found), base.renamed)
    documents = base.fleet.documents
    known = known_of(documents) if baseline else {}
    before = list(_before(base, likeness))
    return replace(base, unlike=likeness.unlike), Before(
        found=_found_before(base, likeness),
        places=places_of(before),
        here=places_of(likeness.less_now.raw) if likeness.less_now is not None else {},
        unlike={item.environment for item in likeness.unlike},
        changed=changed_secrets(base.fleet, fleet, found.raw),
        waivers=waivers_of(documents, ports),
        known={
            fingerprint: frozenset(base.renamed.get(name, name) for name in names)
            for fingerprint, names in known.items()
        },
        known_places={
            (fingerprint, base.renamed.get(name, name)): places
            for (fingerprint, name), places in (known_places_of(documents) if baseline else {}).items()
        },
        names={now: then for then, now in base.renamed.items()},
        unseen=likeness.unseen_now,
        compared=likeness.compared,
        accepted=accepted,
    )


def _found_before(base: Base, likeness: Likeness) -> dict[Pair, Severity]:
    """Severities of what was found before, by the names that environments have now."""
    found: dict[Pair, Severity] = {}
    looks = [(base.found.raw, base.found.severities), (base.own, severities_of(base.own))]
    if likeness.less is not None:
        looks.append((likeness.less.raw, likeness.less.severities))
    for findings, severities in looks:
        for finding in findings:
            variants = {variant.fingerprint for variant in _variants(finding, base.renamed)}
            for environment in finding.environments or ("",):
                severity = severities.get((finding.fingerprint, environment), finding.severity)
                name = base.renamed.get(environment, environment)
                for pair in ((fingerprint, name) for fingerprint in variants):
                    found[pair] = max(found.get(pair, severity), severity)
    return found


def _before(base: Base, likeness: Likeness) -> Iterator[Finding]:
    """What was found before, by the names that environments have now; where less can be compared, what that shows."""
    then = {new: old for old, new in base.renamed.items()}
    less = {then.get(item.environment, item.environment) for item in likeness.unlike}
    looks = [(base.found.raw, False), (likeness.less.raw if likeness.less is not None else (), True)]
    for findings, limited in looks:
        for finding in findings:
            names = [name for name in finding.environments or ("",) if (name in less) is limited]
            if names:
                yield from _variants(only(finding, names), base.renamed)


def fault_key(fault: Fault) -> FaultKey:
    """A fault of a document without its line."""
    return (fault.location.path, fault.field, fault.expected, fault.found)


def problem_key(problem: Problem) -> ProblemKey:
    """A problem without its lines, and without its places if it has several: one of them may have moved."""
    return (problem.kind, "" if problem.places else problem.location.path, _LINE.sub("", problem.cause))


_LINE = re.compile(r":\d+\b")


def renamings(before: Sequence[EnvironmentView], now: Sequence[EnvironmentView]) -> dict[str, str]:
    """Names then to names now, of environments that are the same and go by another name."""
    found: dict[str, str] = {}
    known = {view.name: view for view in before}
    kept = {view.name for view in now if view.name in known and _stands(view) == _stands(known[view.name])}
    left = [view for view in before if view.name not in kept]
    right = [view for view in now if view.name not in kept]
    for identity in (_stands, _runs):
        there = Counter(identity(view) for view in right)
        here = Counter(identity(view) for view in left)
        by_identity = {identity(view): view for view in right}
        pairs = [
            (view, by_identity[identity(view)])
            for view in left
            if here[identity(view)] == 1 and there[identity(view)] == 1
        ]
        found.update({old.name: new.name for old, new in pairs if old.name != new.name})
        matched_old, matched_new = {old.name for old, _ in pairs}, {new.name for _, new in pairs}
        left = [view for view in left if view.name not in matched_old]
        right = [view for view in right if view.name not in matched_new]
    return found


def _stands(view: EnvironmentView) -> tuple[object, ...]:
    return view.application.identity[1:]


def _runs(view: EnvironmentView) -> tuple[object, ...]:
    return (view.cluster.value, view.namespace, view.release)


def what_changed(
    checker: FleetChecker, before: tuple[LoadedFleet, Found], now: tuple[LoadedFleet, Found]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Unlike, ...]]:
    """What an edit would bring up and mend, compared by what both sides can see, and where that is not all. What nobody
    can see any more is not mended: neither in an environment that is gone, nor in one whose chart stops rendering."""
    names = renamings(before[0].view.environments, now[0].view.environments)
    likeness = alike(checker, before, now, names)
    then, present = before[1].raw, now[1].raw
    new, gone = came_and_went(then, present, names, likeness)
    there = {"", *(view.name for view in now[0].view.environments)}
    seen = [(finding, [name for name in finding.environments or ("",) if name in there]) for finding in gone]
    lost = what_it_takes_away(before[0], now[0], names)
    return (
        (*lost.findings, *new, *_grown(then, present, names, likeness)),
        tuple(only(finding, left) for finding, left in seen if left),
        likeness.unlike,
    )


def _grown(
    before: Sequence[Finding], now: Sequence[Finding], names: Mapping[str, str], likeness: Likeness
) -> Iterator[Finding]:
    """Findings of both sides that have further places, for the environments that were compared in full."""
    then = places_of(variant for finding in before for variant in _variants(finding, names))
    unlike = {item.environment for item in likeness.unlike}
    for finding in now:
        places = places_of((finding,))
        grown = [
            pair[1] for pair, found in places.items() if pair in then and pair[1] not in unlike and found - then[pair]
        ]
        if grown:
            yield only(finding, grown)


def came_and_went(
    before: Sequence[Finding],
    now: Sequence[Finding],
    names: Mapping[str, str],
    likeness: Likeness | None = None,
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings that are new, and findings that are gone, each for the environments in which they are. names: as
    `renamings` gives them. likeness: what can be compared; None: everything."""
    likeness = likeness or Likeness()
    new = missing_from(now, [variant for finding in before for variant in _variants(finding, names)])
    known = known_from(now)
    unseen_before: dict[str, set[str]] = defaultdict(set)
    for fingerprint, name in likeness.unseen_before:
        unseen_before[fingerprint].add(names.get(name, name))
    gone = []
    for finding in before:
        variants = _variants(finding, names)
        there = unseen_before.get(finding.fingerprint, set()).union(
            *(known.get(variant.fingerprint, ()) for variant in variants)
        )
        left = [name for name in variants[0].environments or ("",) if name not in there]
        if left:
            gone.append(only(variants[0], left))
    return tuple(_seen(new, likeness.unseen_now)), tuple(gone)


def _seen(findings: Sequence[Finding], unseen: Collection[Pair]) -> Iterator[Finding]:
    for finding in findings:
        left = [name for name in finding.environments or ("",) if (finding.fingerprint, name) not in unseen]
        if left:
            yield only(finding, left)


def missing_from(found: Sequence[Finding], other: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings that the other list does not have, each for the environments in which it does not."""
    known = known_from(other)
    missing = []
    for finding in found:
        there = known.get(finding.fingerprint, frozenset())
        names = [name for name in finding.environments or ("",) if name not in there]
        if names:
            missing.append(only(finding, names))
    return tuple(missing)


def _variants(finding: Finding, names: Mapping[str, str]) -> list[Finding]:
    """The finding as it would be if environments had had their present names. A key may hold a name, or something else
    that is called so and has not changed; then both ways count."""
    if not names:
        return [finding]
    environments = tuple(names.get(name, name) for name in finding.environments)
    evidence = tuple(
        replace(item, environment=names.get(item.environment, item.environment)) for item in finding.evidence
    )
    made = replace(finding, environments=environments, evidence=evidence)
    # Names hold letters, digits, dots and hyphens; a longer name must not be taken for a shorter one.
    key = _WORD.sub(lambda match: names.get(match[0], match[0]), finding.key)
    return [replace(made, key=key), made] if key != finding.key else [made]


_WORD = re.compile(r"[A-Za-z0-9.-]+")

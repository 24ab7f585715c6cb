"""What people decided about findings, from the fleet's documents to the check, and back: waivers and baselines."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from csoc import __version__
from csoc.fleet.documents import layout
from csoc.fleet.documents.base import API_VERSION
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.faults import Fault, field_name
from csoc.fleet.documents.judgements import Baseline, Waivers
from csoc.fleet.documents.judgements import Waiver as WrittenWaiver
from csoc.fleet.documents.writing import render_document
from csoc.gen3.checking import Waiver
from csoc.gen3.findings import Finding
from csoc.gen3.own_rules import OWN_RULES
from csoc.gen3.places import Pair, Places, places_of
from csoc.usecases.checking.checker import CheckOutcome
from csoc.usecases.ports import Ports

_NAME = "first-day"
_CAUSE_LENGTH = 2000
_HEADER = """\
Findings that were there on a day: csoc check shows them as known and does not count them.
Mend them one by one; `csoc check --write-baseline` writes this file anew with what is left."""


def waivers_of(documents: Documents, ports: Ports) -> list[Waiver]:
    """The waivers of every Waivers document, each with its place; without those that would last too long."""
    last = _last_day(ports)
    return [
        Waiver(
            rule=item.rule,
            reason=item.reason,
            owner=item.owner,
            expires=item.expires,
            environments=item.environments,
            fingerprint=item.fingerprint or "",
            key=item.key or "",
            location=placed.locate(("spec", "waivers", number, "rule")),
        )
        for placed, number, item in _written(documents)
        if item.expires <= last
    ]


def far_waivers(documents: Documents, ports: Ports) -> list[Fault]:
    """Waivers whose end is so far away that they have none: they do not count, and are to be mended."""
    last, days = _last_day(ports), ports.settings.waiver_days
    return [
        Fault(
            placed.locate(("spec", "waivers", number, "expires")),
            field_name(("spec", "waivers", number, "expires")),
            f"a day at most {days} days away",
            item.expires.isoformat(),
            "Write a nearer day, and renew the waiver then if it is still needed (waiver_days in csoc's settings is "
            "the limit)",
        )
        for placed, number, item in _written(documents)
        if item.expires > last
    ]


def _written(documents: Documents) -> Iterator[tuple[Placed[Waivers], int, WrittenWaiver]]:
    for placed in documents.waivers:
        for number, item in enumerate(placed.document.spec.waivers):
            yield placed, number, item


def _last_day(ports: Ports) -> date:
    return ports.clock().date() + timedelta(days=ports.settings.waiver_days)


def known_of(documents: Documents) -> dict[str, frozenset[str]]:
    """What the baselines know, by fingerprint: names of environments, "" for the fleet itself."""
    known: dict[str, set[str]] = defaultdict(set)
    for placed in documents.baselines:
        for item in placed.document.spec.findings:
            known[item.fingerprint].update(item.environments or ("",))
    return {fingerprint: frozenset(names) for fingerprint, names in known.items()}


def known_places_of(documents: Documents) -> dict[Pair, Counter[str]]:
    """The places that the baselines know, for entries that name any: an older one is known wherever it is."""
    known: dict[Pair, Counter[str]] = defaultdict(Counter)
    for placed in documents.baselines:
        for item in placed.document.spec.findings:
            for name in item.environments or ("",) if item.places is not None else ():
                known[item.fingerprint, name] |= Counter(_places_for(name, item.places or (), item.environments))
    return dict(known)


def _places_for(name: str, places: Sequence[str], environments: Sequence[str]) -> Iterator[str]:
    for place in places:
        owner, sign, rest = place.partition(": ")
        if not sign or owner not in environments:
            yield place
        elif owner == name:
            yield rest


def baseline_path(documents: Documents) -> str:
    """Where the baseline stands, or would: the first one's own file, else csoc's place below the documents' top."""
    if documents.baselines:
        return documents.baselines[0].file.path
    top = documents.top if documents.top is not None else layout.ADOPTED
    return layout.below(top, layout.pattern("Baseline"))


def baseline(outcome: CheckOutcome, *, path: str, commit: str, at: datetime) -> bytes:
    """The document that makes everything that is to act on, and what was known already, known from now on.

    What is about waivers is left out: those are decisions of their own, in the same place.
    """
    places = places_of((*outcome.report.findings, *outcome.report.known))
    document = Baseline.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": "Baseline",
            "metadata": {"name": _NAME},
            "spec": {
                "madeAt": at,
                "commit": commit,
                "csoc": __version__,
                "charts": sorted({used.used for used in outcome.used.values()}),
                "findings": [_known(finding, names, places) for finding, names in to_know(outcome)],
            },
        },
        strict=False,
    )
    return render_document(document, path=path, header=_HEADER)


def to_know(outcome: CheckOutcome) -> list[tuple[Finding, list[str]]]:
    """What a baseline would hold: each cause once, with its environments (some can be new and others known)."""
    own = {rule.id for rule in OWN_RULES}
    findings = [item for item in (*outcome.report.findings, *outcome.report.known) if item.rule not in own]
    first: dict[str, Finding] = {}
    names: dict[str, set[str]] = defaultdict(set)
    for finding in sorted(findings, key=lambda item: (item.rule, item.key)):
        first.setdefault(finding.fingerprint, finding)
        names[finding.fingerprint].update(finding.environments)
    return [(finding, sorted(names[fingerprint])) for fingerprint, finding in first.items()]


def _known(finding: Finding, environments: Sequence[str], places: Places) -> Mapping[str, object]:
    mine = {name: places.get((finding.fingerprint, name), Counter()) for name in environments or ("",)}
    common: Counter[str] = functools.reduce(lambda one, other: one & other, mine.values())
    listed = sorted(common.elements())
    listed += [f"{name}: {place}" for name, found in mine.items() for place in sorted((found - common).elements())]
    known: dict[str, object] = {
        "rule": finding.rule,
        "fingerprint": finding.fingerprint,
        "environments": list(environments),
        "cause": finding.cause[:_CAUSE_LENGTH],
    }
    return {**known, "places": listed} if listed else known

"""What the formats of a check have in common: safe text, the charts that a finding rests on, places as paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from csoc.fleet.location import Location
from csoc.gen3.checking import Waiver
from csoc.gen3.findings import Finding, Severity
from csoc.gen3.rules.model import Rule
from csoc.usecases.checking.verdict import Verdict

_NAMES = 8


def uri_path(path: str) -> str:
    """A path inside a repository as a relative URI."""
    try:
        content = path.encode("utf-8", "surrogateescape")  # bytes of a name that is not UTF-8 stay those bytes
    except UnicodeEncodeError:
        content = path.encode("utf-8", "surrogatepass")
    return quote_from_bytes(content, safe="/~")


def at_home(verdict: Verdict, place: Location | None) -> bool:
    """True for a place in the fleet's own repository, as far as it was read."""
    tree = verdict.fleet.tree
    return place is not None and (place.repository, place.commit) == (tree.repository, tree.commit)


def shown_place(verdict: Verdict, place: Location | None) -> str:
    """A place for readers: file:line, with the repository where it is another one; "" for none."""
    if place is None:
        return ""
    return str(place) if at_home(verdict, place) else f"{place.repository}: {place}"


@dataclass(frozen=True, slots=True)
class OtherChart:
    """Environments that were rendered with another chart than their Applications name."""

    used: str
    named: str
    environments: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For readers."""
        applications = "Application names" if len(self.environments) == 1 else "Applications name"
        return f"rendered with {self.used}; the {applications} {self.named}"


def other_charts(verdict: Verdict, finding: Finding) -> list[OtherChart]:
    """The charts that a finding rests on and that are not the ones named, if it rests on a rendering."""
    if finding.chart is None:
        return []
    groups: dict[tuple[str, str], list[str]] = {}
    for name in finding.environments:
        used = verdict.outcome.used.get(name)
        if used is not None and used.differs:
            groups.setdefault((used.used, used.named), []).append(name)
    return [OtherChart(used, named, tuple(names)) for (used, named), names in groups.items()]


def rendered_with(verdict: Verdict, finding: Finding) -> list[str]:
    """The charts that a finding rests on, if it rests on a rendering."""
    if finding.chart is None:
        return []
    used = verdict.outcome.used
    return list(dict.fromkeys(used[name].used for name in finding.environments if name in used))


def remarks(verdict: Verdict, finding: Finding) -> list[str]:
    """What the comparison with a base says of a finding to act on, for readers."""
    report = verdict.outcome.report
    worse: dict[Severity, list[str]] = {}
    decided: dict[Waiver | None, list[str]] = {}
    for name in finding.environments or ("",):
        pair = finding.fingerprint, name
        if pair in report.worse:
            worse.setdefault(report.worse[pair], []).append(name)
        if pair in report.decided:
            decided.setdefault(report.decided[pair], []).append(name)
    said = [f"worse than before: it was {severity.name.lower()}{_in(names)}" for severity, names in worse.items()]
    said += _grown(verdict, finding)
    for waiver, names in decided.items():
        by = "put into the baseline" if waiver is None else f"waived by {waiver.owner} until {waiver.expires}"
        said.append(f"{by} in this change{_in(names)}: counts until that is in the base (--accept-waivers: not)")
    return said


def _grown(verdict: Verdict, finding: Finding) -> list[str]:
    """Places that came to a finding that is known; environments that have the same ones are named together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name in finding.environments or ("",):
        places = verdict.outcome.report.grown.get((finding.fingerprint, name), ())
        if places:
            found.setdefault(places, []).append(name)
    return [f"grown: new is {shortened(places, _NAMES)}{_in(names)}" for places, names in found.items()]


def _in(names: Sequence[str]) -> str:
    return f" in {shortened(names, _NAMES)}" if any(names) else ""


def by_severity(counts: Mapping[Severity, int]) -> str:
    """Numbers for readers, as they are ordered: "1 critical, 2 low"."""
    return ", ".join(f"{number} {severity.name.lower()}" for severity, number in counts.items() if number)


def shortened(names: Sequence[str], most: int) -> str:
    """A list for readers: the first few, and how many more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def rules_of(verdict: Verdict) -> list[Rule]:
    """Rules that the verdict's findings belong to, by id."""
    report = verdict.outcome.report
    found = {item.rule for item in (*report.findings, *(item for item, _ in report.waived), *report.known)}
    return [rule for name in sorted(found) if (rule := verdict.about(name)) is not None]

"""A verdict as SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), which code scanning takes.

One result a finding. Places in the fleet's repository are relative to %SRCROOT%; code scanning shows the first. Places
elsewhere are related locations with an address of their own. A finding keeps its fingerprint while rule and cause stay,
wherever its lines move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from csoc import __version__
from csoc.cli.escaping import clean
from csoc.cli.formats.shared import at_home, other_charts, remarks, rules_of, shortened, shown_place, uri_path
from csoc.fleet.documents.faults import Weight
from csoc.fleet.location import Location
from csoc.gen3.findings import Evidence, Finding, Severity
from csoc.gen3.rules.model import Rule
from csoc.usecases.checking.verdict import Verdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
DOCUMENT_RULE = "csoc-document"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_MOST_LOCATIONS = 100
_ENVIRONMENTS = 20


def report(verdict: Verdict) -> dict[str, Any]:
    """The log with its one run."""
    rules = [_rule(rule) for rule in rules_of(verdict)]
    if verdict.faults:
        rules.append(_document_rule())
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    made = verdict.outcome.report
    results = [_result(verdict, finding, index) for finding in made.findings]
    for finding, waiver in made.waived:
        why = f"Waived by {waiver.owner} until {waiver.expires.isoformat()}: {waiver.reason}"
        results.append({**_result(verdict, finding, index), "suppressions": [_suppression(why)]})
    results += [
        {**_result(verdict, finding, index), "suppressions": [_suppression("Known: in the baseline or in the base")]}
        for finding in made.known
    ]
    unsure = "The base cannot tell whether it is new: less of the environment could be seen there"
    results += [
        {**_result(verdict, finding, index), "suppressions": [_suppression(unsure)]} for finding in made.uncompared
    ]
    results += _fault_results(verdict, index)
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "csoc",
                "fullName": "Commons Services Operations Center",
                "version": __version__,
                "rules": rules,
            }
        },
        "originalUriBaseIds": {ROOT: {"description": {"text": "The top of the fleet's repository."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": verdict.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "toolExecutionNotifications": list(_notifications(verdict)),
            }
        ],
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}. {rule.consequence}"},
        "help": {
            "text": f"{rule.consequence}\n\nFix: {rule.fix}",
            "markdown": f"**What happens otherwise:** {rule.consequence}\n\n**Fix:** {rule.fix}",
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["gen3", rule.severity.name.lower()], "problem.severity": _problem(rule.severity)},
    }


def _problem(severity: Severity) -> str:
    return {"error": "error", "warning": "warning", "note": "recommendation"}[_LEVELS[severity]]


def _document_rule() -> dict[str, Any]:
    return {
        "id": DOCUMENT_RULE,
        "name": "CsocDocument",
        "shortDescription": {"text": "A document of csoc's own has a fault"},
        "fullDescription": {"text": "A document of csoc's own has a fault: what it says may not count."},
        "help": {"text": "Correct the field as the message says."},
        "defaultConfiguration": {"level": "error"},
    }


def _result(verdict: Verdict, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    places = [item for item in finding.evidence if at_home(verdict, item.location)]
    elsewhere = [item for item in finding.evidence if item.location is not None and not at_home(verdict, item.location)]
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "kind": "fail",
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(verdict, finding)},
        "partialFingerprints": {
            "csocFinding/v1": finding.fingerprint,
            # The one that GitHub goes by. Without it GitHub hashes lines, and a line that moves is a new alert.
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
        },
        "properties": {"environments": list(finding.environments), "severity": finding.severity.name.lower()},
    }
    locations = _locations(places) or _fallback(verdict, finding)
    if locations:
        made["locations"] = locations
    if elsewhere:
        made["relatedLocations"] = [_elsewhere(item) for item in elsewhere[:_MOST_LOCATIONS]]
    return made


def _message(verdict: Verdict, finding: Finding) -> str:
    lines = [f"{finding.cause}."]
    if finding.environments:
        lines.append(f"Environments: {shortened(finding.environments, _ENVIRONMENTS)}.")
    lines += [f"Otherwise: {finding.consequence}", f"Fix: {finding.fix}"]
    lines += [f"Chart: {chart.sentence}." for chart in other_charts(verdict, finding)]
    lines += [f"Base: {remark}." for remark in remarks(verdict, finding)]
    return "\n".join(map(_text, lines))


def _locations(items: Sequence[Evidence]) -> list[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for item in items:
        place = item.location
        if place is not None and len(made) < _MOST_LOCATIONS:
            location = {"physicalLocation": _physical(place), "message": {"text": _text(item.text) or "here"}}
            made.setdefault(f"{place} {item.text}", location)
    return list(made.values())


def _fallback(verdict: Verdict, finding: Finding) -> list[dict[str, Any]]:
    """Where a finding has no place in the repository itself: the Applications of its environments."""
    views = [verdict.fleet.view.environment(name) for name in finding.environments]
    places = [view.application.location for view in views if view is not None]
    return _locations([Evidence("", place) for place in places if at_home(verdict, place)][:1])


def _physical(place: Location) -> dict[str, Any]:
    made: dict[str, Any] = {"artifactLocation": {"uri": uri_path(place.path), "uriBaseId": ROOT}}
    if place.line:
        made["region"] = {"startLine": place.line}
        if place.column:
            made["region"]["startColumn"] = place.column
    return made


def _elsewhere(item: Evidence) -> dict[str, Any]:
    place = item.location
    assert place is not None  # noqa: S101 - the caller chose those with a place
    base = place.repository if "://" in place.repository else f"https://{place.repository.lstrip('/')}"
    physical: dict[str, Any] = {"artifactLocation": {"uri": f"{_uri(base)}/{uri_path(place.path)}"}}
    if place.line:
        physical["region"] = {"startLine": place.line}
    return {"physicalLocation": physical, "message": {"text": _text(f"{item.text} (at commit {place.commit})")}}


def _uri(text: str) -> str:
    scheme, _, rest = text.partition("://")
    return f"{scheme}://{uri_path(rest)}"


def _suppression(why: str) -> dict[str, Any]:
    return {"kind": "external", "status": "accepted", "justification": _text(why)}


def _fault_results(verdict: Verdict, index: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "ruleId": DOCUMENT_RULE,
            "ruleIndex": index[DOCUMENT_RULE],
            "kind": "fail",
            "level": "error" if fault.weight is Weight.ERROR else "warning",
            "message": {"text": _text(". ".join(filter(None, (fault.cause, fault.fix))))},
            "locations": [{"physicalLocation": _physical(fault.location)}],
        }
        for fault in verdict.faults
    ]


def _notifications(verdict: Verdict) -> Iterable[dict[str, Any]]:
    """What could not be seen or understood: it says nothing about what is wrong, and the reader must know."""
    for chart in verdict.outcome.charts:
        text = (
            f"The chart {chart.named} could not be had: {chart.reason}. Checked by their values only: "
            f"{shortened(chart.environments, _ENVIRONMENTS)}."
        )
        yield {"level": "warning", "message": {"text": _text(text)}}
    for item in verdict.uncompared:
        text = f"{item.environment} was compared with the base by {item.extent}; {item.why}."
        yield {"level": "warning", "message": {"text": _text(text)}}
    for problem in verdict.problems:
        place = shown_place(verdict, problem.location)
        yield {"level": "warning", "message": {"text": _text(f"{place}: {problem.told()}. {problem.fix}".rstrip())}}


def _text(text: str) -> str:
    return clean(text)

"""A verdict as JSON. The shape is documented in docs/reference/check-output.md and only ever grows within a version.

A single finding is `gen3.findings.to_json`, here as in every other command; what only a verdict knows is added here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc import __version__
from csoc.cli.formats.shared import other_charts
from csoc.cli.mending import Mended
from csoc.fleet.documents.faults import Fault
from csoc.gen3.checking import Waiver
from csoc.gen3.findings import Finding, Severity, location_to_json, to_json
from csoc.usecases.checking.against_base import Base
from csoc.usecases.checking.verdict import Verdict
from csoc.usecases.show import problem_json

VERSION = 1


def report(verdict: Verdict, mended: Mended | None = None) -> dict[str, Any]:
    """The whole verdict. mended: what was done beside checking."""
    outcome, request = verdict.outcome, verdict.request
    return {
        "version": VERSION,
        "csoc": __version__,
        "checkedAt": verdict.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "failed": verdict.failed,
        "failOn": request.fail_on.name.lower(),
        "read": [
            {"repository": repository, "revision": revision, "commit": commit}
            for repository, revision, commit in verdict.fleet.view.read
        ],
        "scope": {
            "whole": verdict.whole,
            "environments": list(request.environments),
            "rules": list(request.rules),
            "rendering": verdict.rendering,
            "chart": verdict.fleet.query.chart,
        },
        "base": _base_json(verdict.base) if verdict.base else None,
        "summary": {
            "findings": {severity.name.lower(): count for severity, count in verdict.counts.items()},
            "failing": len(verdict.failing),
            "known": len(outcome.report.known),
            "waived": len(outcome.report.waived),
            "knownBySeverity": _counts(verdict.known_counts()),
            "waivedBySeverity": _counts(verdict.waived_counts()),
            "worse": len(outcome.report.worse),
            "grown": len(outcome.report.grown),
            "decidedInChange": len(outcome.report.decided),
            "uncompared": len(outcome.report.uncompared),
            "environments": len(verdict.fleet.view.environments),
            "fromCache": outcome.cached,
            "rules": len(verdict.every_rule),
            "rulesNotApplied": [
                {"reason": reason, "rules": list(ids)} for reason, ids in verdict.not_applied().items()
            ],
            "filesSearched": outcome.files.looked,
            "filesNotText": outcome.files.binary,
            "notRendered": list(verdict.not_rendered),
            "unseen": list(verdict.unseen),
            "documentFaults": len(verdict.faults),
            "problems": len(verdict.problems),
        },
        "findings": [
            {**finding_json(verdict, item), **_comparison_json(verdict, item)} for item in outcome.report.findings
        ],
        "waived": [
            {**finding_json(verdict, item), "waiver": _waiver_json(waiver)} for item, waiver in outcome.report.waived
        ],
        "known": [finding_json(verdict, item) for item in outcome.report.known],
        "uncompared": [finding_json(verdict, item) for item in outcome.report.uncompared],
        "documentFaults": [_fault_json(fault) for fault in verdict.faults],
        "problems": [problem_json(problem) for problem in verdict.problems],
        "charts": [
            {"named": chart.named, "reason": chart.reason, "environments": list(chart.environments)}
            for chart in outcome.charts
        ],
        **(mended or Mended()).as_json(),
    }


def finding_json(verdict: Verdict, finding: Finding) -> dict[str, Any]:
    """One finding, with every chart that it was rendered with and that is not the one named."""
    made = to_json(finding)
    made["otherCharts"] = [
        {"used": chart.used, "named": chart.named, "environments": list(chart.environments)}
        for chart in other_charts(verdict, finding)
    ]
    return made


def _base_json(base: Base) -> dict[str, Any]:
    return {
        "revision": base.revision,
        "commit": base.commit,
        "notInFull": [
            {"environment": item.environment, "comparedBy": item.extent, "before": item.before, "now": item.now}
            for item in base.unlike
        ],
    }


def _comparison_json(verdict: Verdict, finding: Finding) -> dict[str, Any]:
    """What the comparison with a base says of a finding to act on."""
    report = verdict.outcome.report
    pairs = [(finding.fingerprint, name) for name in finding.environments or ("",)]
    return {
        "worse": [
            {"environment": pair[1] or None, "before": report.worse[pair].name.lower()}
            for pair in pairs
            if pair in report.worse
        ],
        "grown": [
            {"environment": pair[1] or None, "places": list(report.grown[pair])}
            for pair in pairs
            if pair in report.grown
        ],
        "decidedInChange": [
            {"environment": pair[1] or None, "waiver": _waiver_json(waiver) if waiver is not None else None}
            for pair in pairs
            if pair in report.decided
            for waiver in (report.decided[pair],)
        ],
    }


def _counts(counts: Mapping[Severity, int]) -> dict[str, int]:
    return {severity.name.lower(): counts.get(severity, 0) for severity in reversed(Severity)}


def _waiver_json(waiver: Waiver) -> dict[str, Any]:
    return {
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
        "location": location_to_json(waiver.location),
    }


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {
        "location": location_to_json(fault.location),
        "field": fault.field,
        "expected": fault.expected,
        "found": fault.found,
        "fix": fault.fix,
        "weight": fault.weight.value,
    }

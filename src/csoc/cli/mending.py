"""What `csoc check` changes: it mends what can be mended (`--fix`), and writes a baseline.

People are told on standard error, beside the report; programs are told in the report, if it is JSON.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import click

from csoc.cli.output import count, print_diff, say
from csoc.usecases.checking.baseline import WrittenBaseline, write_baseline
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.checking.fix import FixPlan, apply_fixes, plan_fixes
from csoc.usecases.checking.verdict import Verdict
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Published


@dataclass(slots=True)
class Mended:
    """What was done beside checking. silent: say nothing, since the report tells it. plan: what --fix would do, None if
    nobody asked; applied: whether it was done."""

    silent: bool = False
    plan: FixPlan | None = None
    applied: bool = False
    published: Published | None = None
    baseline: WrittenBaseline | None = None

    def as_json(self) -> dict[str, Any]:
        """The keys that a report as JSON has for it."""
        return {"fix": self._fix_json(), "writtenBaseline": self._baseline_json()}

    def _fix_json(self) -> dict[str, Any] | None:
        plan = self.plan
        if plan is None:
            return None
        return {
            "applied": self.applied,
            "files": [write.path for write in plan.writes],
            "diff": plan.diff(),
            "mends": [finding.fingerprint for finding in plan.gone],
            "bringsUp": [finding.fingerprint for finding in plan.new],
            "notMended": [{"fingerprint": finding.fingerprint, "reason": reason} for finding, reason in plan.left],
            "pullRequest": _url(self.published),
            "note": self.published.note if self.published else self._why_not(plan),
        }

    def _why_not(self, plan: FixPlan) -> str:
        if not plan.writes:
            return _NOTHING
        return "" if self.applied else _CONSENT

    def _baseline_json(self) -> dict[str, Any] | None:
        made = self.baseline
        if made is None:
            return None
        return {"path": made.path, "known": made.count, "pullRequest": _url(made.published)}

    def note(self, message: str, style: str = "") -> None:
        """For people, beside the report."""
        if not self.silent:
            say(message, style, error=True)


_NOTHING = "There is nothing that can be mended without a person's decision."
_CONSENT = "Nothing was changed. Add --yes to make this change."


def _url(published: Published | None) -> str | None:
    return published.pull_request.url if published is not None and published.pull_request is not None else None


def mend(
    ports: Ports, verdict: Verdict, checker: FleetChecker, mended: Mended, *, yes: bool, pull_request: bool
) -> bool:
    """Shows what would be mended, asks, and mends. True if files of the work tree changed, so that the verdict is that
    of before. Without consent everything stays."""
    plan = plan_fixes(ports, verdict.fleet, verdict.findings, verdict.outcome, checker)
    mended.plan = plan
    _show(plan, mended)
    if not plan.writes or not (yes or _agreed(mended)):
        return False
    mended.published = apply_fixes(ports, verdict.fleet, plan, pull_request=pull_request)
    mended.applied = True
    url = _url(mended.published)
    if mended.published is not None and url:
        mended.note(f"Opened {url}. {mended.published.note}".rstrip(), "bold green")
        return False
    mended.note(f"Changed {count(len(plan.writes), 'file')} in the work tree; nothing is committed.", "bold green")
    mended.note("")
    return True


def _show(plan: FixPlan, mended: Mended) -> None:
    if not plan.writes and not plan.left:
        mended.note(_NOTHING)
    if not mended.silent:
        print_diff(plan.diff(), indent="", error=True)
    for title, findings in (("Mends", plan.gone), ("Brings up", plan.new)):
        for finding in findings:
            mended.note(f"{title} {finding.rule}: {finding.cause} ({', '.join(finding.environments)})")
    for finding, reason in plan.left:
        mended.note(f"Not mended: {finding.rule}: {reason}", "yellow")


def _agreed(mended: Mended) -> bool:
    if not mended.silent and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        return click.confirm("Make this change?", err=True)
    mended.note(_CONSENT, "bold")
    return False


def know(ports: Ports, verdict: Verdict, mended: Mended, *, pull_request: bool) -> None:
    """Writes the baseline of what the verdict found."""
    made = write_baseline(ports, verdict.fleet, verdict.outcome, pull_request=pull_request)
    mended.baseline = made
    where = f" in {_url(made.published)}" if _url(made.published) else ""
    mended.note(f"{made.path} knows {count(made.count, 'finding')}{where}.", "bold green")

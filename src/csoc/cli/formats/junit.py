"""A verdict as JUnit XML, which every CI system shows: one test case for each rule and environment.

A case fails if the rule found something in the environment that makes the check fail. What is waived or known, and what
could not be looked at because no chart could be had, is skipped with the reason, since it has not passed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

from csoc.cli.escaping import clean
from csoc.cli.formats.shared import other_charts, remarks, shown_place
from csoc.gen3.findings import Finding
from csoc.gen3.rules.model import Rule
from csoc.gen3.views import HELM
from csoc.usecases.checking.verdict import Verdict

FLEET = "(the fleet itself)"
MOST_CASES = 50_000
# Beyond what `clean` shows, XML 1.0 has no room for halves of characters and two of the last of each plane.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(verdict: Verdict) -> str:
    """The document. Where rules times environments are more than MOST_CASES, cases that passed are left out."""
    cases = _Cases(verdict)
    suites = ET.Element("testsuites", name="csoc check")
    total = failed = skipped = 0
    for rule, elements in cases.suites():
        suite = ET.SubElement(suites, "testsuite", name=_text(rule))
        suite.extend(elements)
        counts = (len(elements), _count(elements, "failure"), _count(elements, "skipped"))
        for key, number in zip(("tests", "failures", "skipped"), counts, strict=True):
            suite.set(key, str(number))
        total, failed, skipped = total + counts[0], failed + counts[1], skipped + counts[2]
    for key, number in (("tests", total), ("failures", failed), ("skipped", skipped)):
        suites.set(key, str(number))
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _count(cases: list[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


class _Cases:
    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        report = verdict.outcome.report
        self._act = _by_case(report.findings)
        self._known = _by_case(report.known)
        self._unsure = _by_case(report.uncompared)
        self._waived: dict[tuple[str, str], list[str]] = defaultdict(list)
        for finding, waiver in report.waived:
            for name in finding.environments or (FLEET,):
                reason = f"waived by {waiver.owner} until {waiver.expires.isoformat()}: {waiver.reason}"
                self._waived[finding.rule, name].append(reason)
        self._found: dict[str, set[str]] = defaultdict(set)
        for rule, name in (*self._act, *self._known, *self._unsure, *self._waived):
            self._found[rule].add(name)
        self._failing = {id(finding) for finding in verdict.failing}
        self._not_rendered = frozenset(verdict.not_rendered)

    def suites(self) -> Iterator[tuple[str, list[ET.Element]]]:
        """Rule and its cases, then the faults of documents."""
        verdict = self._verdict
        wanted = verdict.request.environments
        chosen = {view.name for view in verdict.fleet.select(wanted)} if wanted else None
        views = [view for view in verdict.fleet.view.environments if chosen is None or view.name in chosen]
        rules = [rule for rule in verdict.rules if not verdict.request.rules or rule.id in verdict.request.rules]
        all_cases = len(rules) * len(views) <= MOST_CASES
        for rule in rules:
            names = [view.name for view in views if view.system in rule.systems or rule.fleet is not None]
            found = self._found[rule.id]
            left_out = [name for name in sorted(found) if name not in names]
            shown = [name for name in names if all_cases or name in found] + left_out
            yield rule.id, [self._case(rule.id, name, rule) for name in shown]
        own = sorted({name for name, _ in self._act} - {rule.id for rule in verdict.rules})
        for name in own:
            yield name, [self._case(name, item, None) for rule, item in sorted(self._act) if rule == name]
        if verdict.faults:
            yield "csoc documents", [self._fault_case(number) for number in range(len(verdict.faults))]

    def _case(self, rule: str, name: str, about: Rule | None) -> ET.Element:
        case = ET.Element("testcase", classname=_text(f"csoc.{rule}"), name=_text(name))
        found = self._act.get((rule, name), [])
        failing = [finding for finding in found if id(finding) in self._failing]
        if failing:
            failure = ET.SubElement(
                case, "failure", type=failing[0].severity.name.lower(), message=_text(failing[0].cause)
            )
            failure.text = "\n\n".join(self._described(finding, name) for finding in failing)
        elif any((rule, name) in found for found in (self._waived, self._known, self._unsure)):
            reasons = [*self._waived.get((rule, name), ())]
            reasons += [f"known: {finding.cause}" for finding in self._known.get((rule, name), ())]
            reasons += [f"not compared: {finding.cause}" for finding in self._unsure.get((rule, name), ())]
            ET.SubElement(case, "skipped", message=_text("; ".join(reasons)))
        elif about is not None and about.rendered and self._unseen(name):
            ET.SubElement(case, "skipped", message=_text(self._unseen(name)))
        milder = [finding for finding in found if id(finding) not in self._failing]
        if milder:
            ET.SubElement(case, "system-out").text = "\n\n".join(self._described(f, name) for f in milder)
        return case

    def _unseen(self, name: str) -> str:
        """Why manifests of an environment were not looked at, or ""."""
        view = self._verdict.fleet.view.environment(name)
        if view is None or view.system != HELM:
            return ""
        if not self._verdict.rendering:
            return "not looked at: rendering was switched off"
        return "not looked at: its chart could not be had" if name in self._not_rendered else ""

    def _described(self, finding: Finding, name: str) -> str:
        lines = [f"{finding.severity.name.lower()} {finding.rule}: {finding.cause}"]
        evidence = (item for item in finding.evidence if item.environment in ("", name))
        lines += [f"  {shown_place(self._verdict, item.location)}  {item.text}" for item in evidence]
        lines += [f"otherwise: {finding.consequence}", f"fix: {finding.fix}"]
        lines += [c.sentence for c in other_charts(self._verdict, finding) if name in c.environments]
        lines += remarks(self._verdict, finding)
        return "\n".join(map(_text, lines))

    def _fault_case(self, number: int) -> ET.Element:
        fault = self._verdict.faults[number]
        name = f"{fault.location} {fault.field}".strip()
        case = ET.Element("testcase", classname="csoc.documents", name=_text(f"{number + 1}. {name}"))
        failure = ET.SubElement(case, "failure", type=fault.weight.value, message=_text(fault.cause))
        failure.text = _text(str(fault))
        return case


def _by_case(findings: tuple[Finding, ...]) -> Mapping[tuple[str, str], list[Finding]]:
    cases: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        for name in finding.environments or (FLEET,):
            cases[finding.rule, name].append(finding)
    return dict(cases)


def _text(text: str) -> str:
    return _NOT_XML.sub("�", clean(text))

"""The formats of a check, and that no text from a repository breaks out of one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.cli.formats import github, jsonreport, junit, sarif
from csoc.cli.mending import Mended
from csoc.cli.reports import FORMATS
from csoc.fleet.argocd.model import Problem
from csoc.fleet.charts import ChartRef
from csoc.fleet.documents.faults import Fault
from csoc.fleet.location import Location
from csoc.gen3.checking import CheckReport, Waiver
from csoc.gen3.findings import ChartUsed, Evidence, Finding, Patch, Severity
from csoc.gen3.rules.model import Rule
from csoc.testing.fleets import World, environment
from csoc.usecases.checking.checker import FleetChecker, MissingChart
from csoc.usecases.checking.verdict import CheckRequest, Verdict, check_fleet

RULES = (
    Rule("rule-a", "A title", Severity.HIGH, "It breaks.", "Mend it.", rendered=True, environment=lambda _: ()),
    Rule("rule-b", "Another title", Severity.LOW, "Untidy.", "Tidy up.", environment=lambda _: ()),
)


def _verdict() -> Verdict:
    world = World()
    for number in (1, 2):
        world.write(environment(f"c{number}", f"e{number}.example.org", "global: {dev: true}"))
    ports = world.ports()
    return check_fleet(ports, world.load(), CheckRequest(), checker=FleetChecker(ports, rules=RULES))


VERDICT = _verdict()
FIRST, SECOND = (view.name for view in VERDICT.fleet.view.environments)


def at(path: str, line: int = 3) -> Location:
    tree = VERDICT.fleet.tree
    return Location(tree.repository, tree.commit, path, line, 5)


def elsewhere(path: str) -> Location:
    return Location("git.example.org/other/values", "0" * 40, path, 7)


def finding(
    text: str = "text", path: str = "a/values.yaml", rule: str = "rule-a", severity: Severity = Severity.HIGH
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        cause=f"cause {text}",
        consequence=f"consequence {text}",
        fix=f"fix {text}",
        environments=(FIRST,),
        evidence=(Evidence(f"evidence {text}", at(path), FIRST), Evidence(text, elsewhere(path), FIRST)),
        key=text,
        chart=ChartUsed("x", "y", differs=True) if rule == "rule-a" else None,
        patches=(Patch(at(path), 0, ("fence", "dbPassword"), "set", "hunter2"),),
    )


def verdict(
    *findings: Finding,
    waived: tuple[Finding, ...] = (),
    known: tuple[Finding, ...] = (),
    text: str = "text",
    other: str = "",
) -> Verdict:
    """A verdict with these; text goes wherever a repository can put some."""
    waiver = Waiver("rule-a", f"reason {text}", f"owner {text}", date(2199, 1, 1))
    report = CheckReport(findings, tuple((item, waiver) for item in waived), known)
    used = {FIRST: ChartUsed(f"used {text}", f"named {text}", differs=True)}
    charts = (MissingChart(str(ChartRef(f"https://{text}", "c")), f"reason {text}", (SECOND,)),) if other else ()
    outcome = replace(VERDICT.outcome, report=report, used=used, charts=charts)
    faults = (Fault(at(text, 2), f"field {text}", f"expected {text}", f"found {text}", f"fix {text}"),) if other else ()
    problems = (Problem("kind", f"cause {text}", elsewhere(text), f"fix {text}"),) if other else ()
    return replace(VERDICT, outcome=outcome, faults=faults, problems=problems)


# What each format says


def test_sarif_says_where_what_and_how_bad() -> None:
    made = sarif.report(verdict(finding(), finding("b", rule="rule-b", severity=Severity.LOW)))
    (run,) = made["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["rule-a", "rule-b"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("rule-a", 0, "error")
    assert (second["ruleId"], second["ruleIndex"], second["level"]) == ("rule-b", 1, "note")
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "a/values.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5},
    }
    (related,) = first["relatedLocations"]
    address = related["physicalLocation"]["artifactLocation"]["uri"]
    assert address == "https://git.example.org/other/values/a/values.yaml"
    assert first["partialFingerprints"]["csocFinding/v1"] == finding().fingerprint
    assert "rendered with used text; the Application names named text" in first["message"]["text"]


def test_a_sarif_fingerprint_stays_when_the_line_moves() -> None:
    moved = replace(finding(), evidence=(Evidence("x", at("a/values.yaml", 99), FIRST),))
    prints = [
        sarif.report(verdict(item))["runs"][0]["results"][0]["partialFingerprints"] for item in (finding(), moved)
    ]
    assert prints[0] == prints[1]


def test_waived_and_known_results_are_suppressed_with_the_reason() -> None:
    made = sarif.report(verdict(waived=(finding(),), known=(finding("b"),)))
    waived, known = made["runs"][0]["results"]
    assert waived["suppressions"][0]["justification"] == "Waived by owner text until 2199-01-01: reason text"
    assert "Known" in known["suppressions"][0]["justification"]


def test_a_finding_without_a_place_in_the_repository_points_to_the_application() -> None:
    placeless = replace(finding(), evidence=(Evidence("x", elsewhere("values.yaml"), FIRST),))
    (result,) = sarif.report(verdict(placeless))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    view = VERDICT.fleet.view.environment(FIRST)
    assert view is not None
    assert uri == view.application.location.path


def test_junit_has_one_case_a_rule_and_environment() -> None:
    root = ET.fromstring(junit.report(verdict(finding(), waived=(finding("b", rule="rule-b"),))))
    cases = {(case.get("classname"), case.get("name")): case for case in root.iter("testcase")}
    assert set(cases) == {(f"csoc.{rule.id}", name) for rule in RULES for name in (FIRST, SECOND)}
    failure = cases["csoc.rule-a", FIRST].find("failure")
    assert failure is not None
    assert failure.get("message") == "cause text"
    assert "a/values.yaml:3" in str(failure.text)
    skipped = cases["csoc.rule-b", FIRST].find("skipped")
    assert skipped is not None
    assert "waived by owner text" in str(skipped.get("message"))
    assert len(cases["csoc.rule-a", SECOND]) == 0
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "1", "1")


def test_a_case_that_could_not_be_looked_at_is_not_passed() -> None:
    root = ET.fromstring(junit.report(verdict(other="yes")))
    skipped = {case.get("name") for case in root.iter("testcase") if case.find("skipped") is not None}
    assert skipped == {SECOND}


def test_findings_below_the_limit_are_told_and_do_not_fail_a_case() -> None:
    made = replace(verdict(finding(severity=Severity.LOW)), request=CheckRequest(fail_on=Severity.HIGH))
    root = ET.fromstring(junit.report(made))
    assert root.get("failures") == "0"
    assert "cause text" in "".join(str(item.text) for item in root.iter("system-out"))


def test_github_annotates_the_line() -> None:
    line = github.report(verdict(finding())).splitlines()[0]
    assert line.startswith("::error file=a/values.yaml,line=3,title=csoc rule-a::high: cause text%0A")


@pytest.mark.parametrize(
    ("text", "data", "property_"),
    [("a%b", "a%25b", "a%25b"), ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"), ("a:b,c", "a:b,c", "a%3Ab%2Cc")],
)
def test_github_escaping_is_that_of_its_toolkit(text: str, data: str, property_: str) -> None:
    assert (github.escape_data(text), github.escape_property(text)) == (data, property_)


def test_json_is_what_the_reference_describes() -> None:
    made = jsonreport.report(verdict(finding(), waived=(finding("b"),), known=(finding("c"),), other="yes"))
    assert (made["version"], made["failed"], made["failOn"]) == (1, True, "low")
    assert made["summary"]["findings"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0}
    (first,) = made["findings"]
    assert first["otherCharts"] == [{"used": "used text", "named": "named text", "environments": [FIRST]}]
    assert made["waived"][0]["waiver"]["expires"] == "2199-01-01"
    assert made["documentFaults"][0]["field"] == "field text"
    assert made["charts"][0]["environments"] == [SECOND]


def test_a_patch_never_shows_a_secret() -> None:
    assert "hunter2" not in json.dumps(jsonreport.report(verdict(finding())))


# Hostile text

NASTY = [
    "::error::x",
    "\n::add-mask::x\n",
    "##[command]rm",
    "##vso[task.setvariable]x",
    "</failure><failure>",
    "]]>",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202etxt.exe",
    "a\x00b",
    "\ud800",
    "\ufffe",
    "\x85next",
    "\u2028line",
    "%0A::error::x",
    "a,file=b",
    "a:b::c",
    "[link](javascript:x)",
    "../../etc/passwd",
    "c:\\x",
    "é/ü.yaml",
]
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(min_size=1, max_size=30),
    st.lists(st.sampled_from(NASTY), min_size=1, max_size=3).map("".join),
)


def hostile(text: str) -> Verdict:
    """The text in every place where a repository can put one."""
    return verdict(
        finding(text, path=text),
        waived=(finding(text, path=text, rule="rule-b"),),
        known=(finding(text, path=text),),
        text=text,
        other="yes",
    )


def lines_as_runners_see_them(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def sentences(form: str, made: str) -> list[str]:
    """What a reader of the format gets to see, in pieces: messages, attributes, texts."""
    if form == "junit":
        root = ET.fromstring(made)
        return [text for item in root.iter() for text in (item.text or "", *item.attrib.values())]
    if form == "sarif":
        return [text for key, text in _strings(json.loads(made)) if key in ("text", "justification")]
    if form == "github":
        return [line.replace("%0A", "\n") for line in made.split("\n")]
    return [made]


def _strings(data: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(data, dict):
        return [found for name, value in data.items() for found in _strings(value, name)]
    if isinstance(data, list):
        return [found for value in data for found in _strings(value, key)]
    return [(key, data)] if isinstance(data, str) else []


@pytest.mark.parametrize("form", sorted(FORMATS))
@given(text=texts)
@settings(max_examples=100, deadline=None)
def test_no_name_makes_a_line_a_command_a_tag_or_a_sequence_in_any_format(form: str, text: str) -> None:
    made, plain = (FORMATS[form](hostile(item), Mended()) for item in (text, "plain"))
    lines, of_plain = made.split("\n"), plain.split("\n")
    assert len(lines) == len(of_plain)
    assert all(line.isprintable() for line in lines)
    assert [line.lstrip().startswith("::") for line in lines] == [line.startswith("::") for line in of_plain]
    assert not re.search(r"##(\[|vso\[|teamcity\[)", made, re.IGNORECASE)
    told, of_plain_told = sentences(form, made), sentences(form, plain)
    assert [item.count("\n") for item in told] == [item.count("\n") for item in of_plain_told]
    if form != "json":
        assert all(line.isprintable() for item in told for line in item.split("\n"))


@given(texts)
@settings(max_examples=150, deadline=None)
def test_text_stays_in_its_lines_and_starts_no_command(text: str) -> None:
    made, plain = FORMATS["text"](hostile(text), Mended()), FORMATS["text"](hostile("plain"), Mended())
    assert len(lines_as_runners_see_them(made)) == len(lines_as_runners_see_them(plain))
    for line in lines_as_runners_see_them(made):
        assert not line.strip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line.lower()
        assert line.isprintable()


@given(texts)
@settings(max_examples=150, deadline=None)
def test_github_sees_csocs_commands_and_no_others(text: str) -> None:
    made = lines_as_runners_see_them(github.report(hostile(text)))
    assert made.pop() == ""
    assert len(made) == 3  # one finding, one fault, one chart
    for line in made:
        head, _, rest = line[2:].partition(" ")
        assert head in ("error", "warning", "notice")
        properties, separator, message = rest.partition("::")
        assert separator
        keys = [item.partition("=")[0] for item in properties.split(",")]
        assert keys in (["file", "line", "title"], ["title"])
        assert message.isprintable()
        assert not re.search(r"%(?!25|0D|0A)", message)


@given(texts)
@settings(max_examples=150, deadline=None)
def test_junit_stays_well_formed_with_the_same_cases(text: str) -> None:
    made, plain = ET.fromstring(junit.report(hostile(text))), ET.fromstring(junit.report(hostile("plain")))
    assert [item.tag for item in made.iter()] == [item.tag for item in plain.iter()]


@given(texts)
@settings(max_examples=150, deadline=None)
def test_sarif_stays_what_it_is(text: str) -> None:
    content = FORMATS["sarif"](hostile(text), Mended())
    assert content.isascii()
    check_sarif(json.loads(content))


@given(texts)
@settings(max_examples=50, deadline=None)
def test_json_gives_the_text_back(text: str) -> None:
    made = json.loads(FORMATS["json"](hostile(text), Mended()).encode())
    assert made["findings"][0]["cause"] == f"cause {text}"


def check_sarif(data: dict[str, Any]) -> None:
    """What the schema of SARIF 2.1.0 and its chapters 3.10, 3.27 and 3.49 ask of the parts that csoc writes."""
    assert data["version"] == "2.1.0"
    (run,) = data["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    assert all(rule["defaultConfiguration"]["level"] in ("note", "warning", "error") for rule in rules)
    assert run["columnKind"] == "unicodeCodePoints"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("note", "warning", "error")
        assert result["message"]["text"]
        for location in (*result["locations"], *result.get("relatedLocations", ())):
            physical = location["physicalLocation"]
            check_uri(physical["artifactLocation"]["uri"], relative="uriBaseId" in physical["artifactLocation"])
            assert all(number >= 1 for number in physical.get("region", {}).values())


def check_uri(uri: str, *, relative: bool) -> None:
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/:?#@!$&'()*+,;=-]|%[0-9A-F]{2})*", uri), uri
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("", "") if relative else parts.scheme == "https"
    assert not parts.query
    assert not parts.fragment


def test_a_path_comes_back_from_its_uri() -> None:
    for path in ("a b/c:d.yaml", "é/ü#?.yaml", "100%/x"):
        made = sarif.report(verdict(finding(path=path)))
        uri = made["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert unquote(uri) == path

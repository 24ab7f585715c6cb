"""`csoc check` through the command line, on Git repositories that the test makes."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.functional.small_fleet import CHART, FILES, SOON, URL, Csoc, Repository, application, values

MAINTENANCE = "maintenance-mode-not-text"
MISSING = "value-file-missing"
NOT_RENDERING = "chart-does-not-render"


def report(csoc: Csoc, *arguments: str, code: int | None = None) -> dict[str, Any]:
    found = csoc("check", *arguments, "--json")
    assert code is None or found == code, csoc.out + csoc.err
    data: dict[str, Any] = json.loads(csoc.out)
    return data


def rules_of(data: dict[str, Any], key: str = "findings") -> dict[str, list[str]]:
    return {finding["rule"]: finding["environments"] for finding in data[key]}


def waivers(*entries: str) -> str:
    listed = "".join(f"    - {entry}\n" for entry in entries)
    head = "apiVersion: csoc.gen3.org/v1alpha1\nkind: Waivers\nmetadata:\n  name: ours\nspec:\n"
    return f"{head}  waivers:\n{listed}" if listed else f"{head}  waivers: []\n"


def waiver(rule: str, *, expires: str = SOON, more: str = "") -> str:
    rest = f", {more}" if more else ""
    return f"{{rule: {rule}, reason: It is being replaced this quarter, owner: Ada, expires: {expires}{rest}}}"


LOW = {"one/alpha.example.org/values.yaml": values("alpha.example.org", "  maintenanceMode: off\n")}
BOTH_LOW = {**LOW, "two/beta.example.org/values.yaml": values("beta.example.org", "  maintenanceMode: off\n")}
BROKEN = values("alpha.example.org", "  broken: true\n")
CRITICAL = {"two/beta.example.org/values.yaml": None}


# What is checked, and what the exit code says


def test_nothing_wrong_is_exit_code_0_and_says_so(csoc: Csoc, repository: Repository) -> None:
    assert csoc("check", "fleet") == 0
    assert "No findings." in csoc.out
    assert "2 environments by" in csoc.out


def test_a_finding_is_exit_code_1_and_is_shown_with_everything_that_one_needs(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write(CRITICAL)
    assert csoc("check", "fleet") == 1
    for words in (
        "CRITICAL  value-file-missing",
        "in: beta",
        "- two/beta.example.org/app.yaml:15  $values/two/beta.example.org/values.yaml",
        "otherwise: Argo CD cannot render",
        "fix: Add the file",
        "1 critical",
    ):
        assert words in csoc.out, words


def test_findings_below_the_severity_asked_for_do_not_fail(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    assert csoc("check", "fleet") == 1
    assert csoc("check", "fleet", "--fail-on", "medium") == 0
    assert f"LOW  {MAINTENANCE}" in csoc.out


def test_the_worst_comes_first(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, **CRITICAL})
    csoc("check", "fleet")
    assert csoc.out.index("CRITICAL") < csoc.out.index("LOW  ")


@pytest.mark.parametrize("name", ["alpha", "alpha.example.org", "one"])
def test_environments_are_named_by_name_hostname_or_cluster(csoc: Csoc, repository: Repository, name: str) -> None:
    repository.write(BOTH_LOW)
    repository.write(CRITICAL)
    data = report(csoc, "./fleet", name, code=1)
    assert rules_of(data) == {MAINTENANCE: ["alpha"]}
    assert data["scope"] == {
        "whole": False,
        "environments": [name],
        "rules": [],
        "rendering": True,
        "chart": None,
    }


def test_an_environment_that_is_not_there_is_exit_code_4_with_the_nearest(csoc: Csoc, repository: Repository) -> None:
    assert csoc("check", "fleet", "alfa") == 4
    assert "alpha" in csoc.err


def test_at_the_top_of_a_repository_a_word_names_environments_even_if_a_folder_is_called_so(
    csoc: Csoc, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write({**LOW, **CRITICAL})
    monkeypatch.chdir(repository.path)
    assert rules_of(report(csoc, "two")) == {MISSING: ["beta"]}
    assert rules_of(report(csoc, ".", "two")) == {MISSING: ["beta"]}


def test_a_word_that_names_no_environment_and_is_a_folder_is_explained(
    csoc: Csoc, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.path)
    assert csoc("check", "charts") == 4
    assert "./charts" in csoc.err


def test_one_fleet_at_a_time(csoc: Csoc, repository: Repository) -> None:
    assert csoc("check", "fleet", "./elsewhere") == 2
    assert csoc("check", "./fleet", "--fleet", "elsewhere") == 2
    assert "two" in csoc.err


def test_a_fleet_is_read_from_a_url_too(csoc: Csoc, repository: Repository) -> None:
    assert csoc("check", f"file://{repository.path}") == 0, csoc.err


def test_one_rule_alone_is_shown(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, **CRITICAL})
    assert rules_of(report(csoc, "fleet", "--rule", MAINTENANCE, code=1)) == {MAINTENANCE: ["alpha"]}
    assert csoc("check", "fleet", "--rule", "no-such-rule") == 4


def test_what_did_not_change_is_not_checked_again(csoc: Csoc, repository: Repository) -> None:
    assert report(csoc, "fleet")["summary"]["fromCache"] == 0
    repository.write(LOW)
    repository.commit()
    data = report(csoc, "fleet")
    assert data["summary"]["fromCache"] == 1
    commits = {place["location"]["commit"] for finding in data["findings"] for place in finding["evidence"]}
    assert commits == {data["read"][0]["commit"]}


def test_a_kept_result_names_the_commit_and_the_folder_that_are_read_now(
    csoc: Csoc, repository: Repository, tmp_path: Path
) -> None:
    repository.write(LOW)
    repository.commit()
    report(csoc, "fleet")
    other = Repository(tmp_path / "copy", {**FILES, **LOW, "new.txt": ""})
    data = report(csoc, "copy")
    assert data["summary"]["fromCache"] == 2
    place = data["findings"][0]["evidence"][0]["location"]
    assert (place["repository"], place["commit"]) == (str(other.path), data["read"][0]["commit"])


# Charts


def test_a_chart_that_cannot_be_had_is_said_and_costs_the_rendering_only(csoc: Csoc, repository: Repository) -> None:
    elsewhere = (
        application(
            "alpha", "one/alpha.example.org/values.yaml", chart="helm/gen3", url="https://charts.example.org/gen3"
        )
        .replace("ref: values", "ref: values")
        .replace(
            "    - repoURL: https://charts.example.org/gen3\n      targetRevision: gen3-0.1.0\n      ref:",
            f"    - repoURL: {URL}\n      targetRevision: gen3-0.1.0\n      ref:",
        )
    )
    repository.write({**BOTH_LOW, "one/alpha.example.org/app.yaml": elsewhere})
    csoc("check", "fleet")
    assert "could not be had" in csoc.out
    assert "checked by values only: alpha" in csoc.out
    assert MAINTENANCE in csoc.out
    assert csoc("check", "fleet", "--fail-on", "critical") == 0
    assert csoc("check", "fleet", "--fail-on", "critical", "--strict") == 6


def test_values_in_a_repository_that_cannot_be_had_are_not_taken_for_no_values(
    csoc: Csoc, repository: Repository
) -> None:
    path = "one/alpha.example.org/app.yaml"
    start, _, end = FILES[path].rpartition(URL)
    repository.write({path: f"{start}https://git.example.org/elsewhere/values{end}"})
    assert csoc("check", "fleet", "--strict") == 6, csoc.out
    assert "Values could not all be read, so they were not checked, in alpha" in csoc.out
    assert "Not understood or not readable" in csoc.out


def test_a_folder_without_environments_is_said_to_have_none(csoc: Csoc, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "values.yaml").write_text("a: 1\n")
    assert csoc("check", "empty") == 0
    assert "No Gen3 environment was found here" in csoc.out


def test_a_finding_says_that_it_was_rendered_with_another_chart(csoc: Csoc, repository: Repository) -> None:
    repository.write({"one/alpha.example.org/values.yaml": BROKEN})
    csoc("check", "fleet", "--chart", "fleet/charts/gen3")
    assert "CRITICAL  chart-does-not-render" in csoc.out
    assert "chart: rendered with gen3 0.1.0" in csoc.out
    assert f"; the Application names {URL}//charts/gen3@gen3-0.1.0" in csoc.out
    csoc("check", "fleet")
    assert "; the Application names" not in csoc.out


def test_without_rendering_only_values_are_looked_at_and_it_says_so(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, "two/beta.example.org/values.yaml": BROKEN})
    assert csoc("check", "fleet", "--no-render") == 1
    assert "chart-does-not-render" not in csoc.out
    assert "Charts were not rendered" in csoc.out
    csoc("check", "fleet")
    assert "chart-does-not-render" in csoc.out


# What a change adds


def test_only_what_was_added_since_the_base_counts(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    repository.remember("origin/main")
    repository.write(CRITICAL)
    data = report(csoc, "fleet", "--base", "origin/main", code=1)
    assert rules_of(data) == {MISSING: ["beta"]}
    assert rules_of(data, "known") == {MAINTENANCE: ["alpha"]}
    repository.write({"two/beta.example.org/values.yaml": values("beta.example.org")})
    assert csoc("check", "fleet", "--base", "origin/main") == 0
    assert "No new findings compared with origin/main (commit " in csoc.out


def test_a_change_that_adds_nothing_has_no_new_finding_where_the_chart_is_the_fleets_own(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write({"one/alpha.example.org/values.yaml": BROKEN})
    repository.commit()
    repository.remember("origin/main")
    repository.write({"README.md": "A word"})
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data) == {}
    assert rules_of(data, "known") == {NOT_RENDERING: ["alpha"]}


def test_a_change_of_the_fleets_own_chart_has_the_findings_that_it_makes_and_no_other(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write({"one/alpha.example.org/values.yaml": BROKEN})
    repository.commit()
    repository.remember("origin/main")
    template = CHART["charts/gen3/templates/config.yaml"]
    repository.write({"charts/gen3/templates/config.yaml": template + '{{ fail "for everybody" }}\n'})
    repository.commit()
    data = report(csoc, "fleet", "--base", "origin/main", code=1)
    assert [(item["rule"], item["environments"]) for item in data["findings"]] == [(NOT_RENDERING, ["beta"])]
    assert "for everybody" in data["findings"][0]["evidence"][0]["text"]
    repository.write({"charts/gen3/templates/config.yaml": template})
    assert csoc("check", "fleet", "--base", "origin/main") == 0


def test_applications_that_a_chart_of_the_fleet_makes_are_there_in_the_base_too(
    csoc: Csoc, repository: Repository
) -> None:
    made = application("{{ .Values.name }}", "one/alpha.example.org/values.yaml")
    root = application("root", "apps/values.yaml", chart="apps")
    repository.write(
        {
            **LOW,
            "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
            "apps/values.yaml": "name: alpha\n",
            "apps/templates/alpha.yaml": made,
            "one/root.yaml": root,
            "one/alpha.example.org/app.yaml": None,
        }
    )
    repository.commit()
    repository.remember("origin/main")
    repository.write({"README.md": "A word"})
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data, "known")[MAINTENANCE] == ["alpha"]
    assert data["findings"] == data["problems"] == []


def test_the_same_cause_in_another_environment_is_new_there_alone(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    repository.remember("origin/main")
    repository.write(BOTH_LOW)
    data = report(csoc, "fleet", "--base", "origin/main", code=1)
    assert rules_of(data) == {MAINTENANCE: ["beta"]}
    assert rules_of(data, "known") == {MAINTENANCE: ["alpha"]}


def test_a_finding_whose_line_moved_is_not_new(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    repository.remember("origin/main")
    path, content = next(iter(LOW.items()))
    repository.write({path: f"# A word\n# and another\n{content}"})
    repository.commit()
    assert csoc("check", "fleet", "--base", "origin/main") == 0


def test_the_base_is_what_both_have_in_common(csoc: Csoc, repository: Repository) -> None:
    repository.remember("origin/main")
    common = str(repository.git.head.target)
    repository.write({"README.md": "work"})
    repository.commit()
    head = repository.git.head.target
    # Meanwhile somebody mends on main what was never wrong here, and breaks something else.
    repository.git.checkout("refs/remotes/origin/main")
    repository.write(LOW)
    repository.commit("Theirs")
    repository.remember("origin/main")
    repository.git.checkout("refs/heads/main")
    assert repository.git.head.target == head
    repository.write(BOTH_LOW)
    data = report(csoc, "fleet", "--base", "origin/main", code=1)
    assert data["base"] == {"revision": "origin/main", "commit": common, "notInFull": []}
    assert rules_of(data) == {MAINTENANCE: ["alpha", "beta"]}


def test_an_environment_that_is_renamed_keeps_its_findings(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    repository.remember("origin/main")
    path, content = next(iter(LOW.items()))
    repository.write({path: content.replace("alpha.example.org", "omega.example.org")})
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data, "known") == {MAINTENANCE: ["omega"]}


def test_an_environment_whose_folder_moved_keeps_its_findings(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    repository.remember("origin/main")
    new = "one/gamma.example.org"
    repository.write(
        {
            "one/alpha.example.org/app.yaml": None,
            "one/alpha.example.org/values.yaml": None,
            f"{new}/app.yaml": application("alpha", f"{new}/values.yaml"),
            f"{new}/values.yaml": LOW["one/alpha.example.org/values.yaml"].replace("alpha.ex", "gamma.ex"),
        }
    )
    data = report(csoc, "fleet", "--base", "origin/main", code=0)
    assert rules_of(data, "known") == {MAINTENANCE: ["gamma"]}


def test_a_base_that_is_not_there_is_exit_code_4(csoc: Csoc, repository: Repository, tmp_path: Path) -> None:
    assert csoc("check", "fleet", "--base", "origin/nowhere") == 4
    assert "origin/nowhere" in csoc.err
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "values.yaml").write_text("a: 1\n")
    assert csoc("check", "plain", "--base", "main") == 4


# Decisions


def test_a_waived_finding_does_not_count_and_is_listed_with_its_waiver(csoc: Csoc, repository: Repository) -> None:
    repository.write({**BOTH_LOW, ".csoc/waivers.yaml": waivers(waiver(MAINTENANCE, more="environments: [al*]"))})
    data = report(csoc, "fleet", code=1)
    assert rules_of(data) == {MAINTENANCE: ["beta"]}
    assert rules_of(data, "waived") == {MAINTENANCE: ["alpha"]}
    assert data["waived"][0]["waiver"]["owner"] == "Ada"
    assert data["documentFaults"] == []


@pytest.mark.parametrize("kind", ["key", "fingerprint"])
def test_a_waiver_can_be_about_one_cause(csoc: Csoc, repository: Repository, kind: str) -> None:
    repository.write(LOW)
    (finding,) = report(csoc, "fleet")["findings"]
    repository.write({".csoc/waivers.yaml": waivers(waiver(MAINTENANCE, more=f'{kind}: "{finding[kind]}"'))})
    report(csoc, "fleet", code=0)
    other = "x" if kind == "key" else "0" * 16
    repository.write({".csoc/waivers.yaml": waivers(waiver(MAINTENANCE, more=f'{kind}: "{other}"'))})
    assert set(rules_of(report(csoc, "fleet", code=1))) == {MAINTENANCE, "waiver-unused"}


def test_a_waiver_that_ended_is_a_finding_with_its_line(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, ".csoc/waivers.yaml": waivers(waiver(MAINTENANCE, expires="2020-01-31"))})
    data = report(csoc, "fleet", code=1)
    assert rules_of(data) == {MAINTENANCE: ["alpha"], "waiver-expired": []}
    expired = next(item for item in data["findings"] if item["rule"] == "waiver-expired")
    assert expired["evidence"][0]["location"]["line"] == 7


def test_a_waiver_that_ended_is_not_something_that_a_change_adds(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, ".csoc/waivers.yaml": waivers(waiver(MAINTENANCE, expires="2020-01-31"))})
    repository.commit()
    repository.remember("origin/main")
    repository.write({"README.md": "work"})
    report(csoc, "fleet", "--base", "origin/main", code=0)


def test_a_waiver_that_covers_nothing_is_told_and_fails_nothing(csoc: Csoc, repository: Repository) -> None:
    repository.write({".csoc/waivers.yaml": waivers(waiver(MAINTENANCE), waiver("maintenance-mode-no-text"))})
    data = report(csoc, "fleet", code=0)
    causes = sorted(finding["cause"] for finding in data["findings"])
    assert [finding["severity"] for finding in data["findings"]] == ["info", "info"]
    assert "does not exist (did you mean maintenance-mode-not-text?)" in causes[0]
    assert "finds nothing that it covers" in causes[1]


def test_whether_a_waiver_is_used_is_not_judged_from_a_part_of_the_fleet(csoc: Csoc, repository: Repository) -> None:
    repository.write({".csoc/waivers.yaml": waivers(waiver(MAINTENANCE))})
    assert report(csoc, "fleet", "alpha")["findings"] == []
    assert report(csoc, "fleet", "--rule", MISSING)["findings"] == []


def test_a_waiver_about_manifests_is_not_called_unused_while_manifests_cannot_be_seen(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write({".csoc/waivers.yaml": waivers(waiver("chart-does-not-render"))})
    assert rules_of(report(csoc, "fleet")) == {"waiver-unused": []}
    assert report(csoc, "fleet", "--no-render")["findings"] == []


def test_a_bad_document_fails_the_check_and_all_its_faults_are_shown(csoc: Csoc, repository: Repository) -> None:
    bad = waivers("{rule: Not A Rule, reason: short, owner: Ada, expires: soon}")
    repository.write({".csoc/waivers.yaml": bad})
    assert csoc("check", "fleet") == 1
    for words in ("spec.waivers[0].rule", "spec.waivers[0].reason", "spec.waivers[0].expires", ".csoc/waivers.yaml:7"):
        assert words in csoc.out, words
    repository.commit()
    repository.remember("origin/main")
    repository.write({"README.md": "work"})
    assert csoc("check", "fleet", "--base", "origin/main") == 0


# Output


def test_a_report_goes_to_a_file(csoc: Csoc, repository: Repository, tmp_path: Path) -> None:
    repository.write(LOW)
    assert csoc("check", "fleet", "--format", "sarif", "--output", "out.sarif") == 1
    assert csoc.out == ""
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"
    assert csoc("check", "fleet", "--output", "no/such/folder.txt") == 4
    assert csoc("check", "fleet", "--output", "fleet") in (1, 6)


def test_no_secret_is_in_a_report_whatever_quotes_it(csoc: Csoc, repository: Repository) -> None:
    secret = "Zq81LmNoXy7"
    failing = CHART["charts/gen3/templates/config.yaml"].replace(
        'fail "it is broken"', 'fail (printf "%v %s" .Values.env (.Values.fence.note | b64enc))'
    )
    more = (
        "  broken: true\n"
        f"env: [{{name: DB_PASSWORD, value: {secret}}}]\n"
        f"fence: {{note: 'curl -u u:{secret} https://h', zugangswort: 'postgres://u:{secret}@h/x'}}\n"
    )
    application_elsewhere = application("gamma", "x.yaml", url=f"https://u:{secret}@git.example.org/other/fleet")
    repository.write(
        {
            **FILES,
            "charts/gen3/templates/config.yaml": failing,
            "one/alpha.example.org/values.yaml": values("alpha.example.org", more),
            "two/gamma.yaml": application_elsewhere,
        }
    )
    repository.commit()
    data = report(csoc, str(repository.path))
    assert NOT_RENDERING in rules_of(data)
    assert any("other/fleet" in problem["cause"] for problem in data["problems"])
    for word in (secret, base64.b64encode(secret.encode()).decode()):
        assert word not in csoc.out + csoc.err
    for form in ("text", "sarif", "junit", "github"):
        csoc("check", str(repository.path), "--format", form)
        assert secret not in csoc.out + csoc.err


def test_an_error_is_json_where_json_was_asked_for(csoc: Csoc) -> None:
    assert csoc("check", "./nowhere", "--format", "json") == 4
    assert json.loads(csoc.err)["error"]["kind"] == "not found"

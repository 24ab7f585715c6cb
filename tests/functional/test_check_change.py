"""`csoc check --base` against a change that hides what it does: deleting, breaking, growing, another stage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.small_fleet import FILES, Csoc, Repository, application, values
from tests.functional.test_check_command import report, rules_of, waiver, waivers

APPLICATION = "one/alpha.example.org/app.yaml"
VALUES = "one/alpha.example.org/values.yaml"
STAGED = "two/staging.beta.example.org/values.yaml"
BROKEN = "a: [\n"
DOCUMENT = ".csoc/commons/alpha/alpha-prod/environment.yaml"
# The hostname without a word for a stage beside one that has it is production's.
FLEET = {
    **FILES,
    "one/staging.alpha.example.org/app.yaml": application("alpha-staging", "one/staging.alpha.example.org/values.yaml"),
    "one/staging.alpha.example.org/values.yaml": values("staging.alpha.example.org"),
}
PASSWORD = "  smtp:\n    password: {}\n"
TAGGED = "fence:\n  enabled: true\n  image:\n    repository: quay.io/cdis/fence\n    tag: {}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "fleet", FLEET)


def adopt(csoc: Csoc, repository: Repository) -> None:
    assert csoc("fleet", "adopt", "fleet", "--write") == 0, csoc.err
    assert (repository.path / DOCUMENT).is_file(), csoc.out


def changed(csoc: Csoc, *arguments: str, code: int | None = None) -> dict[str, Any]:
    return report(csoc, "fleet", "--base", "HEAD", *arguments, code=code)


def base(csoc: Csoc, repository: Repository, files: Mapping[str, str | None] | None = None) -> None:
    """What the change is compared with."""
    repository.write(files or {})
    repository.commit("The base")


# What is gone or broken


@pytest.mark.parametrize("path", [APPLICATION, VALUES])
@pytest.mark.parametrize("adopted", [False, True])
def test_a_file_of_production_that_cannot_be_read_any_more_is_critical(
    csoc: Csoc, repository: Repository, path: str, adopted: bool
) -> None:
    if adopted:
        adopt(csoc, repository)
    with (repository.path / path).open("a") as file:
        file.write(BROKEN)
    data = changed(csoc, code=1)
    (finding,) = [item for item in data["findings"] if item["rule"] == "file-unreadable"]
    assert (finding["severity"], finding["environments"]) == ("critical", ["alpha-prod"])
    assert finding["evidence"][0]["location"]["path"] == path
    assert finding["evidence"][0]["location"]["line"] > 0
    assert csoc("check", "fleet", "--base", "HEAD", "--format", "github") == 1
    assert f"::error file={path},line=" in csoc.out


def test_a_deleted_application_of_production_is_critical_in_every_format(csoc: Csoc, repository: Repository) -> None:
    repository.write({APPLICATION: None})
    data = changed(csoc, code=1)
    (finding,) = data["findings"]
    assert (finding["rule"], finding["severity"]) == ("environment-gone", "critical")
    assert f"{APPLICATION} was deleted" in finding["cause"]
    for form in ("text", "github", "sarif", "junit"):
        assert csoc("check", "fleet", "--base", "HEAD", "--format", form) == 1
        assert "environment-gone" in csoc.out


@pytest.mark.parametrize(
    "files",
    [
        {"one/staging.alpha.example.org/app.yaml": None},
        {"one/staging.alpha.example.org/app.yaml": BROKEN},
        {"one/staging.alpha.example.org/values.yaml": BROKEN},
    ],
)
def test_what_a_lower_stage_loses_is_milder_and_never_passes_strictly(
    csoc: Csoc, repository: Repository, files: Mapping[str, str | None]
) -> None:
    adopt(csoc, repository)
    repository.write(files)
    assert [item["severity"] for item in changed(csoc, code=1)["findings"]] == ["medium"]
    assert csoc("check", "fleet", "--base", "HEAD", "--fail-on", "critical") == 0
    assert csoc("check", "fleet", "--base", "HEAD", "--fail-on", "critical", "--strict") == 6


def test_a_file_that_cannot_be_read_never_passes_strictly_without_a_base_either(
    csoc: Csoc, repository: Repository
) -> None:
    repository.write({APPLICATION: BROKEN})
    assert csoc("check", "fleet", "--strict") == 6


def test_a_change_that_takes_every_environment_away_fails(csoc: Csoc, repository: Repository) -> None:
    repository.write(dict.fromkeys(path for path in FLEET if path.endswith("app.yaml")))
    assert csoc("check", "fleet", "--base", "HEAD") == 1
    assert csoc.out.count("environment-gone") == 3


def test_a_deleted_document_of_production_is_critical_and_moving_it_is_nothing(
    csoc: Csoc, repository: Repository
) -> None:
    adopt(csoc, repository)
    text = (repository.path / DOCUMENT).read_text()
    repository.write({DOCUMENT: None})
    (finding,) = changed(csoc, code=1)["findings"]
    assert (finding["rule"], finding["severity"]) == ("document-gone", "critical")
    repository.write({".csoc/commons/alpha/moved/environment.yaml": text})
    assert "document-gone" not in rules_of(changed(csoc))


def test_an_environment_that_moves_is_not_gone(csoc: Csoc, repository: Repository) -> None:
    text = (repository.path / APPLICATION).read_text()
    repository.write({APPLICATION: None, "one/other/app.yaml": text})
    assert changed(csoc, code=0)["findings"] == []


def test_what_is_to_go_is_waived_in_the_base_or_accepted(csoc: Csoc, repository: Repository) -> None:
    repository.write({APPLICATION: None, ".csoc/waivers.yaml": waivers(waiver("environment-gone"))})
    assert csoc("check", "fleet", "--base", "HEAD") == 1
    assert csoc("check", "fleet", "--base", "HEAD", "--accept-waivers") == 0


@pytest.mark.parametrize("content", ["bogus: 1\n", BROKEN])
@pytest.mark.parametrize("arguments", [(), ("--base", "HEAD")])
def test_a_faulty_document_fails_with_and_without_a_base(
    csoc: Csoc, repository: Repository, content: str, arguments: tuple[str, ...]
) -> None:
    adopt(csoc, repository)
    with (repository.path / DOCUMENT).open("a") as file:
        file.write(content)
    assert csoc("check", "fleet", "--fail-on", "critical", *arguments) == 1


# What grows


def test_another_secret_in_an_old_place_counts_and_is_not_shown(csoc: Csoc, repository: Repository) -> None:
    base(csoc, repository, {VALUES: values("alpha.example.org", PASSWORD.format("s3cretOne99"))})
    repository.write({VALUES: "# a line\n" + values("alpha.example.org", PASSWORD.format("s3cretOne99"))})
    assert "secret-in-git" not in rules_of(changed(csoc)), "its line moved"
    repository.write({VALUES: values("alpha.example.org", PASSWORD.format("s3cretTwo99"))})
    (finding,) = [item for item in changed(csoc, code=1)["findings"] if item["rule"] == "secret-in-git"]
    assert finding["grown"] == [{"environment": "alpha-prod", "places": ["global.smtp.password (another value)"]}]
    assert "s3cretTwo99" not in csoc.out
    csoc("check", "fleet", "--base", "HEAD")
    assert "base: grown: new is global.smtp.password (another value) in alpha-prod" in csoc.out


def test_a_baseline_does_not_cover_another_secret_in_an_old_place(csoc: Csoc, repository: Repository) -> None:
    repository.write({VALUES: values("alpha.example.org", PASSWORD.format("s3cretOne99"))})
    assert csoc("check", "fleet", "--write-baseline") == 0
    base(csoc, repository)
    assert csoc("check", "fleet", "--base", "HEAD") == 0
    text = (repository.path / ".csoc/baseline.yaml").read_text()
    assert "s3cretOne99" not in text
    repository.write({VALUES: values("alpha.example.org", PASSWORD.format("s3cretTwo99"))})
    assert csoc("check", "fleet", "--base", "HEAD") == 1


TWO_TAGS = TAGGED + "indexd:\n  enabled: true\n  image:\n    repository: quay.io/cdis/indexd\n    tag: {}\n"


@pytest.mark.parametrize("how", ["base", "baseline"])
def test_a_further_branch_tag_in_an_environment_that_has_one_counts(
    csoc: Csoc, repository: Repository, how: str
) -> None:
    path = "one/staging.alpha.example.org/values.yaml"
    repository.write({path: values("staging.alpha.example.org") + TWO_TAGS.format("master", '"2026.06"')})
    if how == "baseline":
        assert csoc("check", "fleet", "--write-baseline") == 0
    base(csoc, repository)
    arguments = ("--base", "HEAD") if how == "base" else ()
    assert "image-not-pinned" not in rules_of(report(csoc, "fleet", *arguments))
    repository.write({path: values("staging.alpha.example.org") + TWO_TAGS.format("master", "develop")})
    (finding,) = [
        item for item in report(csoc, "fleet", *arguments, code=1)["findings"] if item["rule"] == "image-not-pinned"
    ]
    assert finding["grown"] == [{"environment": "alpha-staging", "places": ["image of indexd (develop)"]}]
    assert finding["evidence"][0]["key"] == "image of indexd", "what came stands first"


def test_a_tag_that_is_taken_away_in_one_more_place_of_production_counts(csoc: Csoc, repository: Repository) -> None:
    both = TWO_TAGS.format('"2026.06"', '"2026.06"')
    head = values("alpha.example.org")
    base(csoc, repository, {VALUES: head + both.replace('    tag: "2026.06"\n', "", 1)})
    repository.write({VALUES: head + both.replace('    tag: "2026.06"\n', "")})
    (finding,) = [item for item in changed(csoc, code=1)["findings"] if item["rule"] == "image-tag-left-to-chart"]
    assert finding["environments"] == ["alpha-prod"]
    assert finding["grown"] == [{"environment": "alpha-prod", "places": ["image of indexd (master)"]}]


def test_production_that_gets_further_ahead_of_its_lower_stage_counts(csoc: Csoc, repository: Repository) -> None:
    lower = "one/staging.alpha.example.org/values.yaml"
    repository.write({lower: values("staging.alpha.example.org") + TAGGED.format('"2026.06"')})
    base(csoc, repository, {VALUES: values("alpha.example.org") + TAGGED.format('"2026.07"')})
    repository.write({VALUES: values("alpha.example.org") + TAGGED.format('"2026.08"')})
    (finding,) = [item for item in changed(csoc, code=1)["findings"] if item["rule"] == "stage-out-of-order"]
    assert finding["grown"] == [{"environment": "alpha-prod", "places": ["image of fence (2026.08)"]}]


def test_a_change_cannot_widen_the_baseline_that_covers_it(csoc: Csoc, repository: Repository) -> None:
    path = "one/staging.alpha.example.org/values.yaml"
    repository.write({path: values("staging.alpha.example.org") + TWO_TAGS.format("master", '"2026.06"')})
    assert csoc("check", "fleet", "--write-baseline") == 0
    base(csoc, repository)
    repository.write({path: values("staging.alpha.example.org") + TWO_TAGS.format("master", "develop")})
    assert csoc("check", "fleet", "--write-baseline") == 0
    assert csoc("check", "fleet") == 0
    assert csoc("check", "fleet", "--base", "HEAD") == 1
    assert "image of indexd (develop)" in csoc.out
    assert csoc("check", "fleet", "--base", "HEAD", "--accept-waivers") == 0


UNREAD = "fence:\n  enabled: true\n  imagePullPolice: a\n"


def test_a_further_key_that_nothing_reads_counts(csoc: Csoc, repository: Repository) -> None:
    one = values("alpha.example.org") + "fence:\n  enabled: true\n  replicas: 2\n"
    base(csoc, repository, {VALUES: one})
    repository.write({VALUES: one + "indexd:\n  replicas: 2\n"})
    assert any(item["rule"] == "key-not-read" for item in changed(csoc, code=1)["findings"])


def test_a_baseline_that_names_no_places_knows_a_finding_wherever_it_is(csoc: Csoc, repository: Repository) -> None:
    repository.write({VALUES: values("alpha.example.org") + UNREAD})
    assert csoc("check", "fleet", "--write-baseline") == 0
    path = repository.path / ".csoc/baseline.yaml"
    assert "places:" in path.read_text()
    data = yaml.safe_load(path.read_text())
    for item in data["spec"]["findings"]:
        item.pop("places", None)
    path.write_text(yaml.safe_dump(data))
    assert csoc("check", "fleet") == 0, csoc.out


# The stage


def test_production_that_stops_being_one_is_found_and_judged_as_production(csoc: Csoc, repository: Repository) -> None:
    adopt(csoc, repository)
    text = (repository.path / DOCUMENT).read_text()
    assert "stage: prod" in text
    branch = values("alpha.example.org") + TAGGED.format("master")
    repository.write({VALUES: branch})
    as_production = {item["severity"] for item in changed(csoc)["findings"] if item["rule"] == "image-not-pinned"}
    repository.write({DOCUMENT: text.replace("stage: prod", "stage: dev"), VALUES: branch})
    data = changed(csoc, code=1)
    lowered = next(item for item in data["findings"] if item["rule"] == "stage-lowered")
    assert lowered["severity"] == "critical"
    assert "it stops being production" in lowered["cause"]
    line = lowered["evidence"][0]["location"]["line"]
    assert "stage:" in (repository.path / DOCUMENT).read_text().splitlines()[line - 1]
    found = {item["severity"] for item in data["findings"] if item["rule"] == "image-not-pinned"}
    assert found == as_production == {"medium"}, "as bad as without the other stage"


def test_a_stage_that_rises_is_nothing(csoc: Csoc, repository: Repository) -> None:
    adopt(csoc, repository)
    path = repository.path / ".csoc/commons/alpha/alpha-staging/environment.yaml"
    base(csoc, repository, {str(path.relative_to(repository.path)): path.read_text().replace("staging #", "dev #")})
    assert "stage-lowered" not in rules_of(changed(csoc))


# Files that nothing reads

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----\n"
LEAKS = {
    "key.pem": KEY,
    ".env": "export DB_PASSWORD=hunter2secret\n",
    "notes.md": "the token is ghp_" + "a1B2" * 9 + "\n",
    "unused.yaml": "fence:\n  password: s3cretPassw0rd\n",
}


def test_secrets_in_files_that_nothing_reads_are_found_one_a_file(csoc: Csoc, repository: Repository) -> None:
    repository.write(LEAKS)
    data = changed(csoc, code=1)
    found = {item["key"]: (item["rule"], item["severity"]) for item in data["findings"]}
    assert found == {
        "key.pem": ("secret-in-file", "critical"),
        ".env": ("secret-in-file", "high"),
        "notes.md": ("secret-in-file", "high"),
        "unused.yaml": ("secret-in-file", "high"),
    }
    assert "hunter2secret" not in csoc.out
    assert data["summary"]["filesSearched"] == len(FLEET) + len(LEAKS)


def test_a_value_that_is_told_is_not_told_again_as_a_file_and_a_comment_is(csoc: Csoc, repository: Repository) -> None:
    token = "ghp_" + "a1B2" * 9
    repository.write({VALUES: values("alpha.example.org", f"  smtp: {{password: {token}}}\n")})
    assert "secret-in-file" not in rules_of(changed(csoc))
    repository.write({VALUES: values("alpha.example.org") + f"# {token}\n"})
    assert "secret-in-file" in rules_of(changed(csoc))


def test_another_secret_in_a_file_that_has_one_counts_and_a_second_run_asks_the_cache(
    csoc: Csoc, repository: Repository
) -> None:
    base(csoc, repository, LEAKS)
    assert changed(csoc, code=0)["findings"] == []
    repository.write({".env": "\nexport DB_PASSWORD=hunter3secret\n"})
    (finding,) = changed(csoc, code=1)["findings"]
    assert finding["key"] == ".env"
    assert finding["grown"][0]["environment"] is None
    assert "another value" in finding["grown"][0]["places"][0]


def test_files_that_are_no_text_and_files_that_are_too_large_are_said(csoc: Csoc, repository: Repository) -> None:
    (repository.path / "logo.png").write_bytes(b"\x89PNG\0")
    (repository.path / "dump.sql").write_bytes(b"x\n" * 3_000_000)
    assert csoc("check", "fleet") == 0
    assert "searched for secrets; 1 file not, being no text" in csoc.out
    assert "dump.sql" in csoc.out
    assert "at most 5 MB of a file" in csoc.out


# What is said of the rules


def test_the_summary_says_how_many_rules_there_are_and_which_did_not_apply(csoc: Csoc, repository: Repository) -> None:
    assert csoc("rules", "list", "--json") == 0
    listed = json.loads(csoc.out)
    listed = listed["rules"] if isinstance(listed, dict) else listed
    data = report(csoc, "fleet", "--no-render", code=0)
    assert data["summary"]["rules"] == len(listed)
    left_out = {name for group in data["summary"]["rulesNotApplied"] for name in group["rules"]}
    assert {"environment-gone", "chart-does-not-render", "waiver-unused"} <= left_out
    assert csoc("check", "fleet", "--no-render") == 0
    assert f"3 environments by {len(listed) - len(left_out)} of {len(listed)} rules" in csoc.out


# Edits


def test_an_edit_after_which_the_chart_does_not_render_mends_nothing_that_it_hides(
    csoc: Csoc, repository: Repository
) -> None:
    random = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: gen3embeddings-g3auto\ndata:\n"
    repository.write({"charts/gen3/templates/secret.yaml": random + "  key: {{ randAlphaNum 10 | b64enc }}\n"})
    base(csoc, repository)
    assert "secret-made-anew" in rules_of(report(csoc, "fleet"))
    assert csoc("fleet", "set", "alpha-prod", "global.broken=true", "--fleet", "fleet", "--json") == 0, csoc.err
    assert "chart-does-not-render" in csoc.out
    assert csoc("fleet", "set", "alpha-prod", "global.broken=true", "--fleet", "fleet") == 0
    assert "secret-made-anew" not in csoc.out
    assert "alpha-prod is compared by values and the chart's defaults only" in csoc.out

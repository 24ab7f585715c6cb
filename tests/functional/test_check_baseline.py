"""`csoc check --write-baseline`, and what a baseline is worth in the checks that follow."""

from __future__ import annotations

import pygit2

from tests.functional.small_fleet import Csoc, Repository, values
from tests.functional.test_check_command import (
    BOTH_LOW,
    CRITICAL,
    LOW,
    MAINTENANCE,
    MISSING,
    report,
    rules_of,
    waiver,
    waivers,
)


def test_a_baseline_makes_what_is_there_known_and_nothing_else(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    assert csoc("check", "fleet", "--write-baseline") == 0
    assert ".csoc/baseline.yaml knows 1 finding" in csoc.err
    data = report(csoc, "fleet", code=0)
    assert (data["findings"], data["documentFaults"]) == ([], [])
    assert rules_of(data, "known") == {MAINTENANCE: ["alpha"]}
    repository.write(BOTH_LOW)
    assert rules_of(report(csoc, "fleet", code=1)) == {MAINTENANCE: ["beta"]}
    assert rules_of(report(csoc, "fleet", "--no-baseline", code=1)) == {MAINTENANCE: ["alpha", "beta"]}


def test_a_baseline_written_again_holds_what_is_left(csoc: Csoc, repository: Repository) -> None:
    repository.write({**BOTH_LOW})
    csoc("check", "fleet", "--write-baseline")
    repository.write({"one/alpha.example.org/values.yaml": values("alpha.example.org")})
    csoc("check", "fleet", "--write-baseline")
    written = (repository.path / ".csoc/baseline.yaml").read_text()
    assert "- beta\n" in written
    assert "- alpha\n" not in written


def test_a_baseline_does_not_hold_what_waivers_are_worth(csoc: Csoc, repository: Repository) -> None:
    ended = waivers(waiver(MAINTENANCE, expires="2020-01-31"))
    repository.write({**LOW, ".csoc/waivers.yaml": ended})
    csoc("check", "fleet", "--write-baseline")
    assert rules_of(report(csoc, "fleet", code=1)) == {"waiver-expired": []}


def test_adopting_writes_the_baseline_in_the_same_commit(csoc: Csoc, repository: Repository) -> None:
    repository.write({**LOW, **CRITICAL})
    before = repository.commit()
    assert csoc("fleet", "adopt", "fleet", "--write", "--baseline") == 0, csoc.err
    head = repository.git.head.peel(pygit2.Commit)
    assert [str(parent.id) for parent in head.parents] == [before]
    changed = {delta.new_file.path for delta in repository.git.diff(before, str(head.id)).deltas}
    assert ".csoc/baseline.yaml" in changed
    assert {path.split("/")[0] for path in changed} == {".csoc"}
    data = report(csoc, "fleet", code=0)
    assert rules_of(data, "known") == {MAINTENANCE: ["alpha"], MISSING: ["beta"]}
    assert data["documentFaults"] == []


def test_adopting_again_leaves_the_baseline_as_people_made_it(csoc: Csoc, repository: Repository) -> None:
    repository.write(LOW)
    repository.commit()
    csoc("fleet", "adopt", "fleet", "--write", "--baseline")
    head = repository.git.head.target
    repository.write(BOTH_LOW)
    repository.commit()
    known = (repository.path / ".csoc/baseline.yaml").read_bytes()
    assert csoc("fleet", "adopt", "fleet", "--write", "--baseline") == 0
    assert (repository.path / ".csoc/baseline.yaml").read_bytes() == known
    assert head != repository.git.head.target

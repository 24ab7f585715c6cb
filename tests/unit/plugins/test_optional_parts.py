"""The plugin for optional parts: what is missing is skipped with its reason, or fails where it is required."""

from __future__ import annotations

import pytest

from tests.plugins.optional_parts import OptionalPart, OptionalParts

CONFTEST = """
from pathlib import Path
import pytest
from tests.plugins.optional_parts import Found, Missing, OptionalPart, path_of, register

PARTS = [
    OptionalPart("lamp", "a lamp", lambda: Missing("no lamp is lit", "buy one"), frozenset({"lamp_folder"})),
    OptionalPart("sun", "the sun", lambda: Found(Path("/sky")), frozenset({"sun_folder"})),
]

def pytest_configure(config):
    register(config, PARTS)

@pytest.fixture
def lamp_folder(request):
    return path_of("lamp", request.config)

@pytest.fixture
def sun_folder(request):
    return path_of("sun", request.config)
"""
TESTS = """
import pytest

@pytest.mark.lamp
def test_marked():
    raise AssertionError("must not run")

def test_by_fixture(lamp_folder):
    raise AssertionError("must not run")

def test_with_sun(sun_folder):
    assert str(sun_folder) == "/sky"

def test_plain():
    pass
"""


@pytest.fixture
def suite(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> pytest.Pytester:
    """A small suite with one part that is here (sun) and one that is missing (lamp)."""
    monkeypatch.delenv("CSOC_REQUIRE", raising=False)
    monkeypatch.delenv("CSOC_CHECKS", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_suite=TESTS)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "no:cacheprovider", "--strict-markers", *arguments)


def test_what_is_missing_is_skipped_with_reason_and_remedy(suite: pytest.Pytester) -> None:
    result = run(suite, "-rs")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*lamp: no lamp is lit; to get it: buy one*"])
    assert result.ret == 0


def test_the_run_ends_with_what_ran_and_what_did_not_above_pytests_own_last_line(suite: pytest.Pytester) -> None:
    lines = [line for line in run(suite, "-ra").outlines if line]
    assert "=== what ran ===" in lines[-4].replace("=" * 10, "")
    assert lines[-3] == "lamp (a lamp): skipped, 2 tests: no lamp is lit; to get it: buy one"
    assert lines[-2] == "sun (the sun): ran, 1 test: 1 passed"
    assert "2 passed, 2 skipped in " in lines[-1]
    assert lines[-1].startswith("=====")


def test_parallel_processes_sum_up_the_same(suite: pytest.Pytester) -> None:
    lines = [line for line in run(suite, "-n", "2").outlines if line]
    assert lines[-3] == "lamp (a lamp): skipped, 2 tests: no lamp is lit; to get it: buy one"
    assert lines[-2] == "sun (the sun): ran, 1 test: 1 passed"


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_required_part_that_is_missing_fails_with_the_reason(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("CSOC_REQUIRE", "sun, lamp")
    result = run(suite, "-n", workers)
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        ["*CSOC_REQUIRE asks for lamp: no lamp is lit*", "lamp (a lamp): FAILED, 2 tests: no lamp is lit*"]
    )
    assert result.ret == 1


def test_a_required_part_fails_the_run_even_if_no_test_of_it_was_found(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSOC_REQUIRE", "lamp")
    suite.makepyfile(test_suite="def test_plain(): pass")
    result = run(suite)
    result.stdout.fnmatch_lines(["lamp (a lamp): FAILED, 0 tests: no lamp is lit*"])
    assert result.ret == 1


def test_a_required_part_that_is_here_changes_nothing(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSOC_REQUIRE", "sun")
    run(suite).assert_outcomes(passed=2, skipped=2)


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSOC_REQUIRE", "sun,lmap")
    result = run(suite)
    result.stderr.fnmatch_lines(["*CSOC_REQUIRE names lmap, which is no optional part; there are lamp, sun*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_asking_for_the_fixture_counts_as_the_marker(suite: pytest.Pytester) -> None:
    run(suite, "-m", "lamp").assert_outcomes(skipped=2, deselected=2)


def test_checks_that_ran_before_are_in_the_same_summary(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSOC_CHECKS", "ruff check=passed,mypy --strict=FAILED")
    result = run(suite)
    result.stdout.fnmatch_lines(["*what ran*", "ruff check: passed", "mypy --strict: FAILED", "lamp*", "sun*"])


def test_an_empty_requirement_asks_for_nothing() -> None:
    part = OptionalPart("lamp", "a lamp", lambda: pytest.fail("nobody asked"))
    OptionalParts([part], required=" , ")

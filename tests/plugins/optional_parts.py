"""Parts of the suites that need something which not every machine has, and what happens where it is missing.

A skipped test looks like a passed one to whoever reads only the last line. So there is one table of what may be
missing (`tests.plugins.parts`), a test names its part by a marker (`@pytest.mark.gitea`) or by asking for its fixture,
the run ends with a list of what ran, what did not and why, and `CSOC_REQUIRE=gitea,real` turns those skips into
failures on machines that are meant to have them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

REQUIRE = "CSOC_REQUIRE"
CHECKS = "CSOC_CHECKS"
_PROPERTY = "optional part"


@dataclass(frozen=True, slots=True)
class Found:
    """The part is here: the folder that holds it."""

    path: Path


@dataclass(frozen=True, slots=True)
class Missing:
    """The part is not here: why, and how to get it."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; to get it: {self.remedy}"


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """Something that a machine may lack. The name is the marker's and the one in CSOC_REQUIRE.

    fixtures: tests that ask for one of them need the part, whether they carry the marker or not.
    """

    name: str
    what: str
    find: Callable[[], Found | Missing]
    fixtures: frozenset[str] = frozenset()


class OptionalParts:
    """The pytest plugin: skips or fails tests by what the machine has, and sums up.

    required: names, separated by commas, of parts that must be there. checks: what ran before pytest, as
    "ruff=passed,mypy=failed", to have one summary of everything. Raises pytest.UsageError for unknown names.
    """

    def __init__(self, parts: Iterable[OptionalPart], *, required: str = "", checks: str = "") -> None:
        self._parts: Mapping[str, OptionalPart] = {part.name: part for part in parts}
        self._required = frozenset(name.strip() for name in required.split(",") if name.strip())
        self._checks = [check for check in checks.split(",") if check]
        self._found: dict[str, Found | Missing] = {}
        self._outcomes: dict[str, Counter[str]] = {name: Counter() for name in self._parts}
        unknown = sorted(self._required - set(self._parts))
        if unknown:
            known = ", ".join(sorted(self._parts))
            raise pytest.UsageError(
                f"{REQUIRE} names {', '.join(unknown)}, which is no optional part; there are {known}"
            )

    def find(self, name: str) -> Found | Missing:
        """Where the part is, looked up once."""
        if name not in self._found:
            self._found[name] = self._parts[name].find()
        return self._found[name]

    def path_of(self, name: str) -> Path:
        """The part's folder; skips the test if it is missing, or fails it if it is required."""
        found = self.find(name)
        if isinstance(found, Found):
            return found.path
        if name in self._required:
            pytest.fail(f"{REQUIRE} asks for {name}: {found}", pytrace=False)
        pytest.skip(f"{name}: {found}")

    def pytest_configure(self, config: pytest.Config) -> None:
        for part in self._parts.values():
            config.addinivalue_line("markers", f"{part.name}: needs {part.what}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Makes a test that asks for a part's fixture one of its marker, so that `-m "not gitea"` finds all of them."""
        for item in items:
            asked = set(getattr(item, "fixturenames", ()))
            for part in self._parts.values():
                if asked & part.fixtures and item.get_closest_marker(part.name) is None:
                    item.add_marker(part.name)
                if item.get_closest_marker(part.name) is not None:
                    item.user_properties.append((_PROPERTY, part.name))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        for name in self._parts:
            if item.get_closest_marker(name) is not None:
                self.path_of(name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        for key, value in report.user_properties:
            if key == _PROPERTY and value in self._outcomes:
                self._outcomes[str(value)][report.outcome] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A required part that is missing fails the run even where no test would have asked for it."""
        missing = [name for name in self._required if isinstance(self.find(name), Missing)]
        if missing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        """Sums up after everything else, so that only pytest's own last line comes below."""
        yield
        terminalreporter.section("what ran", sep="=")
        for check in self._checks:
            name, _, outcome = check.partition("=")
            terminalreporter.line(f"{name}: {outcome}", red=outcome == "failed")
        for part in self._parts.values():
            terminalreporter.line(self._sum_up(part))

    def _sum_up(self, part: OptionalPart) -> str:
        outcomes = self._outcomes[part.name]
        tests = sum(outcomes.values())
        found = self.find(part.name)
        label = f"{part.name} ({part.what})"
        if isinstance(found, Missing):
            verb = "FAILED" if part.name in self._required else "skipped"
            return f"{label}: {verb}, {_count(tests)}: {found}"
        if not tests:
            return f"{label}: no test of it was selected; it is here"
        return f"{label}: ran, {_count(tests)}: " + ", ".join(
            f"{n} {outcome}" for outcome, n in sorted(outcomes.items())
        )


def _count(tests: int) -> str:
    return f"{tests} test" if tests == 1 else f"{tests} tests"


def register(config: pytest.Config, parts: Iterable[OptionalPart], environment: Mapping[str, str] = os.environ) -> None:
    """Adds the plugin to a run, with what the environment requires."""
    plugin = OptionalParts(parts, required=environment.get(REQUIRE, ""), checks=environment.get(CHECKS, ""))
    config.pluginmanager.register(plugin, "csoc-optional-parts")


def path_of(name: str, config: pytest.Config) -> Path:
    """The folder of a part, for its fixture; skips or fails the test where it is missing."""
    plugin = config.pluginmanager.get_plugin("csoc-optional-parts")
    assert isinstance(plugin, OptionalParts)
    return plugin.path_of(name)

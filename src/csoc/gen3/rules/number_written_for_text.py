"""YAML reads 2025.10 as the number 2025.1, and Helm prints a large number as 8.85078588865e+11.

Values reach a rule as YAML read them, so that the digits as they were typed are gone; but a tag that is a number is
evidence enough. Gen3's own tags are a year and a month of two digits, hence a single digit after the point is what is
left of a zero.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.values import Path
from csoc.gen3 import catalogue
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.state import EnvironmentState

_ACCOUNTS: tuple[tuple[Path, Path], ...] = (
    (("global", "aws", "account"), ("global", "aws", "enabled")),
    (("global", "crossplane", "accountId"), ("global", "crossplane", "enabled")),
)
_LARGE = 1_000_000
_ACCOUNT_DIGITS = 12


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit an image tag that is a number, and one an account id that is used and is a number."""
    services = catalogue.load().services
    for path, value in state.values.walk():
        if _is_number(value) and path[-1] == "tag" and path[0] in services and all(isinstance(s, str) for s in path):
            yield _tag(state, path, value)
    for path, switch in _ACCOUNTS:
        value = state.values.get(path)
        if isinstance(value, int) and not isinstance(value, bool) and state.get(switch) is True:
            yield _account(state, path, value)


def helm_text(value: float) -> str:
    """A number as a template prints it: Helm keeps all numbers as 64-bit floats, and Go shortens large ones."""
    if abs(value) < _LARGE:
        return str(int(value)) if value == int(value) else repr(float(value))
    digits = f"{float(value):.17e}"
    for precision in range(17):
        shorter = f"{float(value):.{precision}e}"
        if float(shorter) == float(value):
            digits = shorter
            break
    return digits


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) < 1e300


def _tag(state: EnvironmentState, path: Path, value: float) -> Hit:
    name, printed = ".".join(map(str, path)), helm_text(value)
    if isinstance(value, float) and 2000 <= value < 2100 and len(printed) == len("2025.1"):
        return Hit(
            cause=f"{name} is the number {printed}, which is what YAML makes of {printed}0 without quotes",
            key=name,
            evidence=(state.at(path),),
            consequence=f"The image {printed} is pulled, which is not the one that was meant and may not exist.",
            fix=f'Quote the tag as it was meant: "{printed}0".',
        )
    if "e+" in printed:
        return Hit(
            cause=f"{name} is a number, and Helm prints it as {printed}",
            key=name,
            evidence=(state.at(path),),
            consequence="The image cannot be pulled, since there is no such tag.",
            patches=set_value(state, path, str(int(value))) if isinstance(value, int) else (),
        )
    return Hit(
        cause=f"{name} is a number, not text",
        key=name,
        evidence=(state.at(path),),
        severity=Severity.LOW,
        consequence="It works as long as the number has no zero at its end: 2025.10 would become 2025.1.",
        patches=set_value(state, path, printed),
    )


def _account(state: EnvironmentState, path: Path, value: int) -> Hit:
    name = ".".join(map(str, path))
    text = f"{value:0{_ACCOUNT_DIGITS}d}"
    return Hit(
        cause=f"{name} is a number, and Helm prints it as {helm_text(value)}",
        key=name,
        evidence=(state.at(path),),
        consequence="Role ARNs made from it name no account, so that pods get no permission in AWS.",
        fix=f'Put the account id in quotes: "{text}".',
        patches=set_value(state, path, text) if len(text) == _ACCOUNT_DIGITS and value >= 10**11 else (),
    )


RULE = Rule(
    id="number-written-for-text",
    title="An image tag or an account id without quotes",
    severity=Severity.HIGH,
    consequence="The number that is printed is not the text that was typed.",
    fix="Put the value in quotes.",
    covers=("M10",),
    environment=check,
)

"""Secrets in files that no environment reads."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.secret_in_file import FILES, FoundInFile, check
from csoc.testing.states import COMMIT, REPOSITORY, fleet_state


def found(*hits: tuple[int, str, bool]) -> FoundInFile:
    return FoundInFile(REPOSITORY, COMMIT, "keys/old.pem", hits)


def test_a_file_is_one_hit_with_the_line_of_each_secret() -> None:
    (hit,) = check(
        fleet_state([], context={FILES: (found((3, "a GitHub token", False), (9, "a JSON web token", False)),)})
    )
    assert (hit.key, hit.severity, hit.environments) == ("keys/old.pem", Severity.HIGH, ())
    assert [(item.text, item.location.line) for item in hit.evidence if item.location] == [
        ("a GitHub token", 3),
        ("a JSON web token", 9),
    ]


def test_what_opens_an_account_or_a_machine_is_critical() -> None:
    (hit,) = check(fleet_state([], context={FILES: (found((1, "a private key", True)),)}))
    assert hit.severity is Severity.CRITICAL


def test_quiet_where_no_file_holds_any() -> None:
    assert not list(check(fleet_state([], context={FILES: ()})))
    assert not list(check(fleet_state([])))

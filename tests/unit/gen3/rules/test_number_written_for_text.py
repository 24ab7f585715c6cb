"""Tags and account ids that YAML took for numbers."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.number_written_for_text import check, helm_text
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line


def test_a_tag_that_lost_its_zero_is_found_with_the_tag_that_was_meant() -> None:
    (hit,) = check(environment_state("fence:\n  image:\n    tag: 2025.10\n"))
    assert (hit.key, line(hit), hit.severity) == ("fence.image.tag", 3, None)
    assert '"2025.10"' in hit.fix
    assert not hit.patches


def test_a_tag_that_still_reads_well_is_untidy_and_mended_by_a_patch() -> None:
    (hit,) = check(environment_state("fence: {image: {tag: 2025.09}}"))
    assert hit.severity is Severity.LOW
    assert [patch.value for patch in hit.patches] == ["2025.09"]


def test_a_large_number_is_printed_in_a_way_that_names_no_image() -> None:
    (hit,) = check(environment_state("indexd: {image: {tag: 20251012}}"))
    assert "2.0251012e+07" in hit.cause
    assert [patch.value for patch in hit.patches] == ["20251012"]


def test_an_account_id_that_is_a_number_breaks_role_arns() -> None:
    (hit,) = check(environment_state("global:\n  aws:\n    enabled: true\n    account: 885078588865\n"))
    assert (hit.key, line(hit)) == ("global.aws.account", 4)
    assert [patch.value for patch in hit.patches] == ["885078588865"]


def test_quiet_for_texts_and_for_an_account_that_nothing_uses() -> None:
    text = "fence: {image: {tag: '2025.10'}}\nglobal: {aws: {enabled: false, account: 885078588865}}"
    assert not list(check(environment_state(text)))


def test_quiet_for_numbers_that_are_no_tag_of_a_service() -> None:
    assert not list(check(environment_state("fence: {replicaCount: 2}\nmine: {image: {tag: 2025.10}}")))


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (2025.1, "2025.1"), (123456, "123456"), (1_000_000, "1e+06"), (885078588865, "8.85078588865e+11")],
)
def test_numbers_are_printed_as_go_prints_them(value: float, text: str) -> None:
    assert helm_text(value) == text


def test_a_number_with_one_digit_that_is_no_year_works_as_it_is() -> None:
    (hit,) = check(environment_state("fence: {image: {tag: 1900.1}}"))
    assert hit.severity is Severity.LOW


def test_a_large_fraction_has_no_safe_patch() -> None:
    (hit,) = check(environment_state("fence: {image: {tag: 20251012.5}}"))
    assert not hit.patches


def test_a_short_account_id_has_no_safe_patch_since_its_zeros_may_be_lost() -> None:
    (hit,) = check(environment_state("global: {aws: {enabled: true, account: 85078588865}}"))
    assert not hit.patches
    (hit,) = check(environment_state("global: {aws: {enabled: true, account: 8850785888650}}"))
    assert not hit.patches


def test_quiet_for_booleans() -> None:
    assert not list(
        check(environment_state("fence: {image: {tag: true}}\nglobal: {aws: {enabled: true, account: true}}"))
    )


def test_survives_wrong_types() -> None:
    for text in hostile("", "fence.image.tag", "global.aws.account", "global.crossplane.accountId"):
        list(check(environment_state(text)))
    for odd in ("-1", "1e300", "-2025.1"):
        list(
            check(
                environment_state(f"fence: {{image: {{tag: {odd}}}}}\nglobal: {{aws: {{enabled: true, account: -5}}}}")
            )
        )

"""cdk-nag finds nothing in the templates that is not explained, and nothing is explained that it does not find."""

from __future__ import annotations

from csoc_infra.explained import EXPLAINED
from scripts import nag_page
from tests.infra import nag


def test_nothing_that_aws_solutions_finds_is_unexplained() -> None:
    unexplained = {
        (one.layer, one.where, one.rule)
        for one in nag.findings()
        if one.pack == "AwsSolutions" and nag.explanation(one) is None
    }
    assert unexplained == set()


def test_every_explanation_is_about_something_that_is_found() -> None:
    stale = [one for one in EXPLAINED if not any(nag.explains(one, finding) for finding in nag.findings())]
    assert stale == []


def test_every_explanation_is_a_sentence_about_one_rule() -> None:
    for one in EXPLAINED:
        assert len(one.reason.split()) >= 8
        assert one.rule.startswith("AwsSolutions-")
        assert one.rule not in (".*", "AwsSolutions-.*")


def test_all_layers_were_looked_at() -> None:
    assert {one.layer for one in nag.findings()} >= {
        *("network", "egress", "cluster", "platform", "database", "credentials", "resources", "edge")
    }


def test_the_page_of_findings_is_up_to_date() -> None:
    assert nag_page.PAGE.read_text(encoding="utf-8") == nag_page.page(), "run `make docs`"

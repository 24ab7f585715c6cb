"""Values that make the chart print everything it was given into a ConfigMap are found, and only those."""

from csoc.gen3.rules.values_in_manifest_global import RULE, check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import made


def test_each_key_that_leaks_is_one_hit_with_its_line() -> None:
    hits = list(check(environment_state("global:\n  cookieDomain: example.org\n  wtsURL: http://wts\n")))
    assert {(hit.key, hit.evidence[0].location.line) for hit in hits if hit.evidence[0].location} == {
        ("cookieDomain", 2),
        ("wtsURL", 3),
    }


def test_quiet_where_the_same_names_go_into_the_extra_values() -> None:
    assert not list(check(environment_state("global:\n  manifestGlobalExtraValues:\n    cookie_domain: example.org\n")))


def test_quiet_for_an_empty_value_since_the_template_tests_it() -> None:
    assert not list(check(environment_state("global:\n  cookieDomain: ''\n")))


def test_quiet_with_a_version_of_the_chart_that_writes_the_value_itself() -> None:
    values = "global: {wtsURL: http://wts}\n"
    leaking = made("ConfigMap", "manifest-global", data={"wts_url": "map[Capabilities:0xc0 Values:map[a:b]]"})
    assert list(check(environment_state(values, objects=[leaking])))
    mended = made("ConfigMap", "manifest-global", data={"wts_url": "http://wts"})
    assert not list(check(environment_state(values, objects=[mended])))
    assert not list(check(environment_state(values, chart_keys=frozenset({"global.hostname"}))))


def test_the_rule_covers_what_it_says() -> None:
    assert RULE.covers == ("M8",)

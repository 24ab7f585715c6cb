"""Names of commons, environments and stages are told from what repositories really call things."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.gen3.adoption.naming import commons_key, commons_names, find_stage, is_hostname, slug


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("staging", "staging"),
        ("brhstaging", "staging"),
        ("gen3-healpreprod", "preprod"),
        ("gen3-healprod", "prod"),
        ("ardac1prd", "prod"),
        ("ardac1dmo", "demo"),
        ("chordstagingargo", "staging"),
        ("qa-heal", "qa"),
        ("dev2", "dev"),
    ],
)
def test_a_stage_is_found_alone_glued_and_beside_digits(name: str, stage: str) -> None:
    found = find_stage(name)
    assert found is not None
    assert found.stage == stage


@pytest.mark.parametrize(
    "name", ["", "brh", "latest", "contest", "device", "reproduce", "healexternaldata-helm", "mc2dp"]
)
def test_words_that_only_look_like_stages_are_left_alone(name: str) -> None:
    assert find_stage(name) is None


@pytest.mark.parametrize(
    ("hostname", "key"),
    [
        ("brhstaging.data-commons.org", "brh.data-commons.org"),
        ("brh.data-commons.org", "brh.data-commons.org"),
        ("preprod.healdata.org", "healdata.org"),
        ("externaldata.healdata.org", "externaldata.healdata.org"),
        ("new.portal.ardac.org", "ardac.org"),
        ("gen3staging.kidsfirstdrc.org", "kidsfirstdrc.org"),
        ("portal.commons.org.au", "commons.org.au"),
    ],
)
def test_hostnames_of_one_commons_have_one_key(hostname: str, key: str) -> None:
    assert commons_key(hostname) == key


@given(st.lists(st.from_regex(r"([a-z]{1,3}\.){1,3}[a-z]{2,3}", fullmatch=True), max_size=12))
def test_each_commons_gets_a_name_of_its_own(keys: list[str]) -> None:
    names = commons_names(keys)
    assert set(names) == set(keys)
    assert len(set(names.values())) == len(set(keys))


@given(st.text())
def test_a_slug_is_always_a_dns_label(text: str) -> None:
    assert is_hostname(f"{slug(text)}.example.org")

"""A firewall that is switched on and names no access list."""

import pytest

from csoc.gen3.rules.web_acl_missing import check
from csoc.testing.states import environment_state

ACL = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/alpha/0a1b-2c3d"


def values(acl: str, enabled: str = "true") -> str:
    return f"global:\n  aws:\n    enabled: true\n    wafv2:\n      enabled: {enabled}\n      wafAclArn: {acl}\n"


@pytest.mark.parametrize(("acl", "key"), [('""', "empty"), ("null", "empty"), ("alpha-waf", "malformed")])
def test_a_firewall_without_a_usable_access_list_is_found_at_its_line(acl: str, key: str) -> None:
    (hit,) = check(environment_state(values(acl)))
    assert hit.key == key
    assert hit.evidence[-1].location
    assert hit.evidence[-1].location.line == 6


@pytest.mark.parametrize(
    "text",
    [
        values(ACL),
        values('""', "false"),
        values('""').replace("    enabled: true\n    wafv2", "    enabled: false\n    wafv2"),
        values('""') + "revproxy: {enabled: false}\n",
        "global: {aws: {enabled: true}}\n",
    ],
    ids=["with its list", "switched off", "not on AWS", "no load balancer", "nobody mentions it"],
)
def test_quiet_where_there_is_a_list_or_no_firewall_is_wanted(text: str) -> None:
    assert not list(check(environment_state(text)))


@pytest.mark.parametrize("text", ["global: {aws: {enabled: true, wafv2: text}}\n", "global: {aws: [1]}\n"])
def test_survives_shapes_that_nobody_foresaw(text: str) -> None:
    assert not list(check(environment_state(text)))

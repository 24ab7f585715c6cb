"""Which service-linked roles csoc makes before a stack begins, and that the link lets it."""

from __future__ import annotations

from typing import Any

from csoc.accounts.linked_roles import BEFORE_STACKS, BY_STACKS, MadeBefore
from csoc.accounts.links import Role
from csoc.accounts.roles import roles, statements_by_id
from csoc.accounts.terms import Terms
from csoc.provisioning.service_roles import services_of

TERMS = Terms("f1b2c3d4e5", "arn:aws:iam::111111111111:role/csoc-worker", "arn:aws:iam::111111111111:role/observer")
CACHE = MadeBefore("elasticache.amazonaws.com", "RoleOfCache", "AWS::ElastiCache::CacheCluster")


def resources(**properties: Any) -> dict[str, dict[str, Any]]:
    return {
        "Search": {"Type": "AWS::OpenSearchService::Domain", "Properties": properties},
        "Cache": {"Type": "AWS::ElastiCache::CacheCluster"},
    }


def test_a_search_domain_needs_its_role_only_inside_of_a_network() -> None:
    assert services_of(resources()) == ()
    assert services_of(resources(VPCOptions={"SubnetIds": ["subnet-1"]})) == ("opensearchservice.amazonaws.com",)


def test_a_row_without_a_property_counts_for_every_resource_of_its_type() -> None:
    assert services_of(resources(), [*BEFORE_STACKS, CACHE]) == ("elasticache.amazonaws.com",)


def test_the_provisioner_may_make_each_of_them_and_so_may_cloudformation() -> None:
    made = {role.role: role for role in roles(TERMS)}[Role.PROVISIONER]
    statements = statements_by_id(made.inline["provision"])
    for role in BEFORE_STACKS:
        statement = statements[role.statement]
        assert statement["Condition"] == {"StringEquals": {"iam:AWSServiceName": role.service}}
        assert role.service in BY_STACKS

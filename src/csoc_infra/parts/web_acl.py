"""A web ACL for load balancers: AWS's managed groups of rules, a limit on the rate, and who may come at all.

A part of the layer network, whose load balancers share one, and of the layer edge for an environment that is open to
some networks only. Rules begin by counting where somebody says so, since a group that blocks at once takes
uploads and submissions along: bodies over 8 kB are usual here, and no sign of an attack.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import aws_cdk as cdk
from aws_cdk import aws_wafv2 as wafv2

from csoc_infra import checks
from csoc_infra.context import Given
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts.shared import log_group
from csoc_infra.settings import setting

GroupName = Literal[
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesBotControlRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesLinuxRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesUnixRuleSet",
]


@dataclass(frozen=True, slots=True)
class Group:
    """A managed group of rules. counted: its rules that only count, whatever the mode."""

    name: GroupName
    counted: tuple[str, ...] = setting(
        default=(), check=checks.each(checks.matches(r"[A-Za-z0-9_]{1,100}", "the name of a rule"))
    )


_GROUPS = (
    Group("AWSManagedRulesAmazonIpReputationList"),
    Group("AWSManagedRulesKnownBadInputsRuleSet"),
    Group("AWSManagedRulesCommonRuleSet", ("SizeRestrictions_BODY",)),
    Group("AWSManagedRulesSQLiRuleSet"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the web ACL. mode: whether rules block or only count. rate_limit: requests of one address in five
    minutes."""

    mode: Literal["count", "block"] = "block"
    groups: tuple[Group, ...] = setting(default=_GROUPS, check=checks.at_most(20))
    rate_limit: int = setting(default=10_000, check=checks.between(100, 2_000_000_000))
    log_days: int = setting(default=365, check=checks.retention)

    def __post_init__(self) -> None:
        """What the fields cannot be together."""
        seen: set[str] = set()
        for number, group in enumerate(self.groups):
            if group.name in seen:
                raise MistakeError(f"groups[{number}].name", "this group is there already")
            seen.add(group.name)


def build(stack: cdk.Stack, settings: Settings, given: Given, allowed: Sequence[str] = ()) -> str:
    """The ARN of the web ACL. allowed: the networks that may come; everybody may if none is named."""
    limit = wafv2.CfnWebACL.RuleProperty(
        name="rate-limit",
        priority=0,
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                limit=settings.rate_limit, aggregate_key_type="IP"
            )
        ),
        action=wafv2.CfnWebACL.RuleActionProperty(block={})
        if settings.mode == "block"
        else wafv2.CfnWebACL.RuleActionProperty(count={}),
        visibility_config=_visibility("rate-limit"),
    )
    groups = [_group(settings, group, priority) for priority, group in enumerate(settings.groups, start=1)]
    # Letting somebody in ends the evaluation, so what is attacked with is looked for before.
    doors = _doors(stack, given, allowed, len(groups) + 1)
    acl = wafv2.CfnWebACL(
        stack,
        "WebAcl",
        name=given.name("web"),
        description=f"Load balancers of {given.owner}",
        scope="REGIONAL",
        default_action=wafv2.CfnWebACL.DefaultActionProperty(**{"block" if allowed else "allow": {}}),
        rules=[limit, *groups, *doors],
        visibility_config=_visibility("all"),
    )
    # AWS takes no other beginning for a log group of a web ACL.
    logged = log_group(stack, "WebAclLogGroup", f"aws-waf-logs-{given.name('web')}", settings.log_days)
    wafv2.CfnLoggingConfiguration(
        stack,
        "WebAclLogging",
        resource_arn=acl.attr_arn,
        log_destination_configs=[given.arn("logs", f"log-group:{logged.ref}")],
        # Sessions and tokens of people are in these headers, and in the query codes to sign in and signed addresses.
        redacted_fields=[
            *(
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in ("authorization", "cookie")
            ),
            wafv2.CfnLoggingConfiguration.FieldToMatchProperty(query_string={}),
        ],
    )
    return acl.attr_arn


def _doors(
    stack: cdk.Stack, given: Given, allowed: Sequence[str], priority: int
) -> Sequence[wafv2.CfnWebACL.RuleProperty]:
    """Rules that let networks in: one for each kind of address, since a set holds one kind."""
    rules: list[wafv2.CfnWebACL.RuleProperty] = []
    for version in (4, 6):
        addresses = [one for one in allowed if ipaddress.ip_network(one).version == version]
        if not addresses:
            continue
        name = f"allowed-ipv{version}"
        addressed = wafv2.CfnIPSet(
            stack,
            f"AllowedIpv{version}",
            name=given.name(name),
            description=f"Networks that may open {given.owner}",
            scope="REGIONAL",
            ip_address_version=f"IPV{version}",
            addresses=addresses,
        )
        rules.append(
            wafv2.CfnWebACL.RuleProperty(
                name=name,
                priority=priority + len(rules),
                statement=wafv2.CfnWebACL.StatementProperty(ip_set_reference_statement={"arn": addressed.attr_arn}),
                action=wafv2.CfnWebACL.RuleActionProperty(allow={}),
                visibility_config=_visibility(name),
            )
        )
    return rules


def _group(settings: Settings, group: Group, priority: int) -> wafv2.CfnWebACL.RuleProperty:
    override: dict[str, Any] = {"none": {}} if settings.mode == "block" else {"count": {}}
    return wafv2.CfnWebACL.RuleProperty(
        name=group.name,
        priority=priority,
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS",
                name=group.name,
                rule_action_overrides=[
                    wafv2.CfnWebACL.RuleActionOverrideProperty(
                        name=rule, action_to_use=wafv2.CfnWebACL.RuleActionProperty(count={})
                    )
                    for rule in group.counted
                ]
                or None,
                managed_rule_group_configs=[
                    wafv2.CfnWebACL.ManagedRuleGroupConfigProperty(
                        aws_managed_rules_bot_control_rule_set=wafv2.CfnWebACL.AWSManagedRulesBotControlRuleSetProperty(
                            inspection_level="COMMON"
                        )
                    )
                ]
                if group.name == "AWSManagedRulesBotControlRuleSet"
                else None,
            )
        ),
        override_action=wafv2.CfnWebACL.OverrideActionProperty(**override),
        visibility_config=_visibility(group.name),
    )


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, sampled_requests_enabled=True, metric_name=name
    )

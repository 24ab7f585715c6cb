"""Logs, alarms, keys, secrets, messages and web ACLs: little each, and many of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from csoc.costs.lines import Line, Range, fixed
from csoc.costs.pricers.model import Seen

_ROTATIONS = 2  # AWS asks for the first two: https://aws.amazon.com/kms/pricing/
_DAYS_OF_MONTH = Decimal("30.4")
_BOTS = "AWSManagedRulesBotControlRuleSet"
_DEARER_GROUPS = ("AWSManagedRulesATPRuleSet", "AWSManagedRulesACFPRuleSet", "AWSManagedRulesAntiDDoSRuleSet")
_WAF_LOGS = "aws-waf-logs-"  # AWS wants this beginning of the name


def log_group(seen: Seen) -> Iterator[Line]:
    """What is written to a group of logs, and what is kept of it."""
    assumption, price = _writer(seen)
    amount = seen.assumed(assumption)
    yield seen.charge("logs taken in", price, (amount, "GB"))
    days = seen.number("RetentionInDays")
    if days is None:
        yield seen.unpriced("logs kept", "they are kept for ever, so what they cost grows every month")
        return
    # At first a month of them is there, later as much as is kept.
    months = max(days / _DAYS_OF_MONTH, Decimal(0)).quantize(Decimal("0.1"))
    kept = Range(min(Decimal(1), months), months, months)
    shrunk = fixed(seen.assumptions["log_percent"] / 100)
    yield seen.charge("logs kept", "logs.kept", (amount, "GB a month"), (shrunk, "of it"), (kept, "months"))


def _writer(seen: Seen) -> tuple[str, str]:
    """Who writes to this group: the assumption of how much, and the price."""
    name = seen.text("LogGroupName")
    if name.startswith(_WAF_LOGS):
        return "waf_log_gb", "logs.vended"
    flows = seen.template.of_type("AWS::EC2::FlowLog")
    for flow in flows:
        target = seen.template.named(flow.properties, "LogGroupName")
        if (target is not None and target.id == seen.resource.id) or (
            name and seen.template.text(flow.properties, "LogGroupName") == name
        ):
            return "flow_log_gb", "logs.vended"
    if name.startswith("/aws/eks/"):
        return "control_plane_log_gb", "logs.vended"
    if name.startswith("/aws/rds/"):
        return "database_log_gb", "logs.taken"
    return "other_log_gb", "logs.taken"


def alarm(seen: Seen) -> Iterator[Line]:
    """An alarm, and its metric if that is not one of AWS's own."""
    period = seen.number("Period")
    if seen.value("Metrics") is not None or (period is not None and period < 60):
        yield seen.unpriced("alarm", "only the price of one with one metric and periods of a minute or more is known")
        return
    yield seen.charge("alarm", "watch.alarm", (fixed(1), "alarm"))
    if not seen.text("Namespace").startswith("AWS/"):
        yield seen.charge("its metric", "watch.metric", (fixed(1), "metric"))


def key(seen: Seen) -> Iterator[Line]:
    """A key; each of its first two rotations costs as much again."""
    rotations = _ROTATIONS if seen.value("EnableKeyRotation") in (True, "true") else 0
    versions = Range(Decimal(1), Decimal(1), Decimal(1 + rotations))
    yield seen.charge("key", "kms.key", (versions, "versions"))
    yield seen.charge("requests", "kms.requests", (seen.assumed("key_requests"), "x 10,000 requests"))


def secret(seen: Seen) -> Iterator[Line]:
    """A secret."""
    yield seen.charge("secret", "secrets.secret", (fixed(1), "secret"))
    yield seen.charge("requests", "secrets.requests", (seen.assumed("secret_requests"), "x 10,000 requests"))


def parameter(seen: Seen) -> Iterator[Line]:
    """A parameter: free unless it is an advanced one."""
    if seen.text("Tier") == "Advanced":
        yield seen.charge("advanced parameter", "ssm.advanced", (fixed(1), "parameter"))
    elif seen.text("Tier") == "Intelligent-Tiering":
        yield seen.unpriced("parameter", "AWS decides by its length whether it is free")
    else:
        yield seen.free("parameter", "AWS asks nothing for standard parameters")


def queue(seen: Seen) -> Iterator[Line]:
    """A queue; one for messages that failed hears little."""
    dead = seen.value("RedriveAllowPolicy") is not None
    amount = seen.assumed("queue_requests")
    if dead:
        amount = Range(Decimal(0), Decimal(0), amount.high)
    yield seen.charge("requests" + (" of failed messages" if dead else ""), "sqs.requests", (amount, "million"))


def topic(seen: Seen) -> Iterator[Line]:
    """A topic."""
    yield seen.charge("messages", "sns.requests", (seen.assumed("topic_messages"), "million"))


def subscription(seen: Seen) -> Iterator[Line]:
    """Who is told. Queues and functions of AWS are free."""
    protocol = seen.text("Protocol")
    if protocol in ("sqs", "lambda", "firehose"):
        yield seen.free("subscription", "AWS asks nothing for messages to its own queues and functions")
    elif protocol in ("email", "email-json"):
        yield seen.free("subscription", "a thousand e-mails a month are free, and alarms send fewer")
    else:
        yield seen.unpriced("subscription", "what messages of its kind cost is not known")


def web_acl(seen: Seen) -> Iterator[Line]:
    """A web ACL, its rules, and what each request that it looks at costs."""
    rules = seen.template.items(seen.resource.properties, "Rules")
    if rules is None and seen.value("Rules") is not None:
        yield seen.unpriced("web ACL", "its rules are not known before they exist")
        return
    groups = [
        seen.template.text(rule, "Statement", "ManagedRuleGroupStatement", "Name")
        for rule in rules or ()
        if seen.template.value(rule, "Statement", "ManagedRuleGroupStatement", "VendorName") == "AWS"
    ]
    sold = [
        rule
        for rule in rules or ()
        if seen.template.value(rule, "Statement", "ManagedRuleGroupStatement", "VendorName") not in (None, "AWS")
    ]
    requests = (seen.assumed("web_requests"), "million requests")
    yield seen.charge("web ACL", "waf.acl", (fixed(1), "web ACL"))
    yield seen.charge("rules", "waf.rule", (fixed(len(rules or ())), "rules"))
    yield seen.charge("requests", "waf.requests", requests)
    if _BOTS in groups:
        yield seen.charge("Bot Control", "waf.bots", (fixed(1), "group"))
        yield seen.charge("requests through Bot Control", "waf.bot-requests", requests)
    if sold or any(name in groups for name in _DEARER_GROUPS):
        yield seen.unpriced("groups of rules with a price of their own", "their prices are not known")

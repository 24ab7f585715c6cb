"""Budgets and who is told when they are passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, made_up_name
from csoc.emulator.cloudformation.resources.translation import as_list, at_path, call, unless_gone

_KNOWN = frozenset(
    {
        "BudgetName",
        "BudgetLimit",
        "BudgetType",
        "TimeUnit",
        "TimePeriod",
        "CostFilters",
        "CostTypes",
        "PlannedBudgetLimits",
    }
)


class Budget(ServiceType):
    """AWS::Budgets::Budget. The API wants the account; CloudFormation gives its own."""

    type_name, service = "AWS::Budgets::Budget", "budgets"
    also, tags, creation_tags = ("Budget", "NotificationsWithSubscribers"), "ResourceTags", "ResourceTags"
    attributes = {"Id": "BudgetName"}
    tag_calls = TagCalls(
        "tag_resource",
        "untag_resource",
        "ResourceARN",
        keys="ResourceTagKeys",
        tags="ResourceTags",
        resource="Arn",
        listing="list_tags_for_resource",
        path="ResourceTags",
    )

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        budget = dict(properties["Budget"])
        budget.setdefault("BudgetName", made_up_name(context, 100))
        given = {"AccountId": context.account, "Budget": _to_api(budget), **self.tag_parameters(context, properties)}
        entries = properties.get("NotificationsWithSubscribers")
        if entries:
            given["NotificationsWithSubscribers"] = entries
        call(client, "create_budget", given)
        return f"{context.account}|{budget['BudgetName']}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        account, _, name = physical_id.partition("|")
        budget = {**after["Budget"], "BudgetName": name}
        call(client, "update_budget", {"AccountId": account, "NewBudget": _to_api(budget)})
        return {"Budget"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        account, _, name = physical_id.partition("|")
        found = unless_gone(lambda: client.describe_budget(AccountId=account, BudgetName=name))
        arn = f"arn:aws:budgets::{account}:budget/{name}"
        return {**found["Budget"], "AccountId": account, "Arn": arn} if found else None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        budget = {name: found[name] for name in _KNOWN if name in found}
        limit = budget.get("BudgetLimit")
        if limit:
            budget["BudgetLimit"] = {"Amount": float(limit["Amount"]), "Unit": limit["Unit"]}
        if "TimePeriod" in budget:
            budget["TimePeriod"] = {name: _seconds(value) for name, value in budget["TimePeriod"].items()}
        asked = {"AccountId": found["AccountId"], "BudgetName": found["BudgetName"]}
        entries = [
            {
                "Notification": entry,
                "Subscribers": client.describe_subscribers_for_notification(**asked, Notification=entry)["Subscribers"],
            }
            for entry in client.describe_notifications_for_budget(**asked).get("Notifications", ())
        ]
        return {"Budget": budget} | ({"NotificationsWithSubscribers": entries} if entries else {})

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        account, _, name = physical_id.partition("|")
        unless_gone(lambda: client.delete_budget(AccountId=account, BudgetName=name))

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = self.wanted_tags(context, properties)
        return {"ResourceTags": as_list(tags)} if tags else {}

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return str(found["BudgetName"])


def _to_api(budget: Mapping[str, Any]) -> dict[str, Any]:
    """Times are texts of seconds in templates."""
    given = dict(budget)
    if at_path(budget, "TimePeriod"):
        period = budget["TimePeriod"]
        given["TimePeriod"] = {name: int(value) if str(value).isdigit() else value for name, value in period.items()}
    return given


def _seconds(value: Any) -> str:
    return str(int(value.timestamp())) if isinstance(value, datetime) else str(value)


HANDLERS = (Budget(),)

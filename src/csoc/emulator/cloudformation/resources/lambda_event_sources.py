"""Queues and streams whose messages call functions of Lambda.

Nothing calls a function: functions are kept, not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call


class EventSourceMapping(ServiceType):
    """AWS::Lambda::EventSourceMapping of queues, streams of tables and data streams."""

    type_name, service = "AWS::Lambda::EventSourceMapping", "lambda"
    create_call, id_path = "create_event_source_mapping", "UUID"
    delete_call, delete_member = "delete_event_source_mapping", "UUID"
    takes = (
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "EventSourceArn",
        "FilterCriteria",
        "FunctionName",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "ParallelizationFactor",
        "ScalingConfig",
        "StartingPosition",
        "TumblingWindowInSeconds",
    )
    described = Describe("get_event_source_mapping", "UUID", "", many=False)
    attributes = {"EventSourceMappingArn": "EventSourceMappingArn", "Id": ""}
    tag_calls = TagCalls(
        "tag_resource", "untag_resource", "Resource", resource="EventSourceMappingArn", listing="list_tags", pairs=False
    )

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        fixed = {"EventSourceArn", "StartingPosition"}
        given = {name: after[name] for name in left & set(self.takes) - fixed if name in after}
        if given:
            call(client, "update_event_source_mapping", {"UUID": physical_id, **given})
        return set(given)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Enabled": found["State"] in ("Enabled", "Enabling"), "FunctionName": found["FunctionArn"]}


HANDLERS = (EventSourceMapping(),)

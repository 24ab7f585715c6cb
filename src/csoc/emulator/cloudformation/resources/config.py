"""AWS Config: what records resources, where records go, and rules that judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, made_up_name
from csoc.emulator.cloudformation.resources.translation import call, is_true, unless_gone


class ConfigurationRecorder(ServiceType):
    """AWS::Config::ConfigurationRecorder. It records as soon as there is a delivery channel, whichever comes first.

    Source: CloudFormation Template Reference, AWS::Config::ConfigurationRecorder: a recorder is started with its
    channel.
    """

    type_name, service, name, tags = "AWS::Config::ConfigurationRecorder", "config", "Name", ""
    also, attributes = ("RecordingGroup", "RecordingMode", "RoleARN"), {"ResourceARN": "arn"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name = self.name_of(context, properties)
        self._put(client, name, properties)
        return name

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        if client.describe_delivery_channels()["DeliveryChannels"]:
            client.start_configuration_recorder(ConfigurationRecorderName=physical_id)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._put(client, physical_id, after)
        return set(self.also)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = {"ConfigurationRecorderNames": [physical_id]}
        found = unless_gone(lambda: client.describe_configuration_recorders(**asked))
        return found["ConfigurationRecorders"][0] if found and found["ConfigurationRecorders"] else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_configuration_recorder(ConfigurationRecorderName=physical_id))

    def _put(self, client: Any, name: str, properties: Properties) -> None:
        given = {key: properties[key] for key in self.also if key in properties}
        call(client, "put_configuration_recorder", {"ConfigurationRecorder": {"name": name, **given}})


class DeliveryChannel(ServiceType):
    """AWS::Config::DeliveryChannel."""

    type_name, service, name, tags = "AWS::Config::DeliveryChannel", "config", "Name", ""
    also = ("ConfigSnapshotDeliveryProperties", "S3BucketName", "S3KeyPrefix", "S3KmsKeyArn", "SnsTopicARN")

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name = self.name_of(context, properties)
        self._put(client, name, properties)
        return name

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        for recorder in client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]:
            if not is_true(recorder["recording"]):
                client.start_configuration_recorder(ConfigurationRecorderName=recorder["name"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._put(client, physical_id, after)
        return set(self.also)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.describe_delivery_channels(DeliveryChannelNames=[physical_id]))
        return found["DeliveryChannels"][0] if found and found["DeliveryChannels"] else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        # Config keeps its last channel as long as it records, so that CloudFormation stops it first.
        for recorder in client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]:
            if is_true(recorder["recording"]):
                client.stop_configuration_recorder(ConfigurationRecorderName=recorder["name"])
        unless_gone(lambda: client.delete_delivery_channel(DeliveryChannelName=physical_id))

    def _put(self, client: Any, name: str, properties: Properties) -> None:
        given = {key: properties[key] for key in self.also if key in properties}
        call(client, "put_delivery_channel", {"DeliveryChannel": {"name": name, **given}})


class ConfigRule(ServiceType):
    """AWS::Config::ConfigRule."""

    type_name, service, name, tags, longest = "AWS::Config::ConfigRule", "config", "ConfigRuleName", "", 128
    also = ("Description", "EvaluationModes", "InputParameters", "MaximumExecutionFrequency", "Scope", "Source")
    attributes = {"Arn": "ConfigRuleArn", "ConfigRuleId": "ConfigRuleId", "Compliance.Type": "ComplianceType"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name = properties.get("ConfigRuleName") or made_up_name(context, self.longest)
        self._put(client, str(name), properties)
        return str(name)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._put(client, physical_id, after)
        return set(self.also)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.describe_config_rules(ConfigRuleNames=[physical_id]))
        return found["ConfigRules"][0] if found and found["ConfigRules"] else None

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        # Rules are kept and not run, so nothing was judged.
        return {"Compliance.Type": "INSUFFICIENT_DATA"}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_config_rule(ConfigRuleName=physical_id))

    def _put(self, client: Any, name: str, properties: Properties) -> None:
        given = {key: properties[key] for key in self.also if key in properties}
        call(client, "put_config_rule", {"ConfigRule": {"ConfigRuleName": name, **given}})


HANDLERS = (ConfigurationRecorder(), DeliveryChannel(), ConfigRule())

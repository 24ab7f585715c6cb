"""AWS Config: what records resources, where records go, and rules that judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType
from csoc.emulator.cloudformation.resources.translation import call, is_true, unless_gone


class _Put(ServiceType):
    """Something that one call makes and changes alike, so that nothing is there before its properties are set.
    put_call, put_member, put_name: that call, its parameter, and where that has the name."""

    service, tags = "config", ""
    put_call: ClassVar[str]
    put_member: ClassVar[str]
    put_name: ClassVar[str] = "name"

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        return self.name_of(context, properties)

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        given = {name: after[name] for name in self.afterwards if name in after}
        call(client, self.put_call, {self.put_member: {self.put_name: physical_id, **given}})


class ConfigurationRecorder(_Put):
    """AWS::Config::ConfigurationRecorder. It records as soon as there is a delivery channel, whichever comes first.

    Source: CloudFormation Template Reference, AWS::Config::ConfigurationRecorder: a recorder is started with its
    channel.
    """

    type_name, name = "AWS::Config::ConfigurationRecorder", "Name"
    put_call, put_member = "put_configuration_recorder", "ConfigurationRecorder"
    afterwards, attributes = ("RecordingGroup", "RecordingMode", "RoleARN"), {"ResourceARN": "arn"}

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        if client.describe_delivery_channels()["DeliveryChannels"]:
            client.start_configuration_recorder(ConfigurationRecorderName=physical_id)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = {"ConfigurationRecorderNames": [physical_id]}
        found = unless_gone(lambda: client.describe_configuration_recorders(**asked))
        return found["ConfigurationRecorders"][0] if found and found["ConfigurationRecorders"] else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_configuration_recorder(ConfigurationRecorderName=physical_id))


class DeliveryChannel(_Put):
    """AWS::Config::DeliveryChannel."""

    type_name, name = "AWS::Config::DeliveryChannel", "Name"
    put_call, put_member = "put_delivery_channel", "DeliveryChannel"
    afterwards = ("ConfigSnapshotDeliveryProperties", "S3BucketName", "S3KeyPrefix", "S3KmsKeyArn", "SnsTopicARN")

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        for recorder in client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]:
            if not is_true(recorder["recording"]):
                client.start_configuration_recorder(ConfigurationRecorderName=recorder["name"])

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.describe_delivery_channels(DeliveryChannelNames=[physical_id]))
        return found["DeliveryChannels"][0] if found and found["DeliveryChannels"] else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        if self.describe(client, physical_id) is None:
            return  # it never came to be, so that nothing is stopped for it
        # Config keeps its last channel as long as it records, so that CloudFormation stops it first.
        for recorder in client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]:
            if is_true(recorder["recording"]):
                client.stop_configuration_recorder(ConfigurationRecorderName=recorder["name"])
        unless_gone(lambda: client.delete_delivery_channel(DeliveryChannelName=physical_id))


class ConfigRule(_Put):
    """AWS::Config::ConfigRule."""

    type_name, name, longest = "AWS::Config::ConfigRule", "ConfigRuleName", 128
    put_call, put_member, put_name = "put_config_rule", "ConfigRule", "ConfigRuleName"
    afterwards = ("Description", "EvaluationModes", "InputParameters", "MaximumExecutionFrequency", "Scope", "Source")
    attributes = {"Arn": "ConfigRuleArn", "ConfigRuleId": "ConfigRuleId", "Compliance.Type": "ComplianceType"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.describe_config_rules(ConfigRuleNames=[physical_id]))
        return found["ConfigRules"][0] if found and found["ConfigRules"] else None

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        # Rules are kept and not run, so nothing was judged.
        return {"Compliance.Type": "INSUFFICIENT_DATA"}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_config_rule(ConfigRuleName=physical_id))


HANDLERS = (ConfigurationRecorder(), DeliveryChannel(), ConfigRule())

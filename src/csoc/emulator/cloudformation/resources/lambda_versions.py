"""What of functions of Lambda stays as it is under a number or a name: layers, versions, aliases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType
from csoc.emulator.cloudformation.resources.translation import call, unless_gone


class LayerVersion(ServiceType):
    """AWS::Lambda::LayerVersion. Every change makes another version."""

    type_name, service, tags = "AWS::Lambda::LayerVersion", "lambda", ""
    create_call, id_path = "publish_layer_version", "LayerVersionArn"
    name, name_member = "LayerName", "LayerName"
    takes = ("CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LicenseInfo")
    unread = ("Content",)
    attributes = {"LayerVersionArn": ""}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        layer, _, number = physical_id.rpartition(":")
        found = unless_gone(lambda: client.get_layer_version(LayerName=layer, VersionNumber=int(number)))
        return None if found is None else {**found, "LayerName": layer.rpartition(":")[2]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        layer, _, number = physical_id.rpartition(":")
        unless_gone(lambda: client.delete_layer_version(LayerName=layer, VersionNumber=int(number)))


class Version(ServiceType):
    """AWS::Lambda::Version: the function as it is now, which no later change touches."""

    type_name, service, tags = "AWS::Lambda::Version", "lambda", ""
    create_call, id_path = "publish_version", "FunctionArn"
    takes = ("CodeSha256", "Description", "FunctionName")
    attributes = {"FunctionArn": "", "Version": "Version"}
    described = Describe("get_function_configuration", "FunctionName", "", many=False)

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        made = call(client, self.create_call, self.parameters(context, properties))
        arn, number = str(made["FunctionArn"]), str(made["Version"])
        return arn if arn.endswith(f":{number}") else f"{arn}:{number}"

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"FunctionName": found["FunctionName"]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        function, _, number = physical_id.rpartition(":")
        unless_gone(lambda: client.delete_function(FunctionName=function, Qualifier=number))


class Alias(ServiceType):
    """AWS::Lambda::Alias."""

    type_name, service, tags = "AWS::Lambda::Alias", "lambda", ""
    create_call, id_path = "create_alias", "AliasArn"
    takes = ("Description", "FunctionName", "FunctionVersion", "Name")
    attributes = {"AliasArn": ""}
    changes = (
        Change(
            ("Description", "FunctionVersion"),
            "update_alias",
            lambda arn, wanted: {
                **_of(arn),
                "Description": wanted["Description"],
                "FunctionVersion": wanted["FunctionVersion"],
            },
        ),
    )
    defaults = {"Description": ""}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.get_alias(**_of(physical_id)))
        return None if found is None else {**found, "FunctionName": _of(physical_id)["FunctionName"]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_alias(**_of(physical_id)))


def _of(arn: str) -> dict[str, str]:
    """Function and name of an alias."""
    function, _, name = arn.rpartition(":")
    return {"FunctionName": function.rpartition(":")[2], "Name": name}


HANDLERS = (LayerVersion(), Version(), Alias())

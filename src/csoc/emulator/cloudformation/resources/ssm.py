"""Parameters and documents of Systems Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Declared, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import all_tags, as_list, at_path, call, own_tags, unless_gone


class _Ssm(Declared):
    """What Systems Manager tags by kind and name."""

    service = "ssm"
    kind: str

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        named = {"ResourceType": self.kind, "ResourceId": physical_id}
        if gone:
            client.remove_tags_from_resource(**named, TagKeys=gone)
        if wanted:
            client.add_tags_to_resource(**named, Tags=as_list(wanted))

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        answer = client.list_tags_for_resource(ResourceType=self.kind, ResourceId=physical_id)
        return own_tags(answer, "TagList")


class Parameter(_Ssm):
    """AWS::SSM::Parameter, of plain values: CloudFormation makes none of type SecureString."""

    type_name = "AWS::SSM::Parameter"
    kind = "Parameter"
    create_call = "put_parameter"
    takes = ("AllowedPattern", "DataType", "Description", "Name", "Tier", "Type", "Value")
    attributes = {"Arn": "ARN", "Type": "Type", "Value": "Value"}
    described = Describe("get_parameter", "Name", "Parameter", many=False)
    delete_call, delete_member = "delete_parameter", "Name"

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {"Name": context.name, **self.parameters(context, properties)}
        call(client, self.create_call, {**given, **self.tag_parameters(context, properties)})
        return str(given["Name"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        changed = left - {"Tags", "Name"}
        if changed:
            call(
                client,
                self.create_call,
                {**self.parameters(context, after), "Name": physical_id, "Overwrite": True},
            )
        return set(changed)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = [{"Key": "Name", "Option": "Equals", "Values": [physical_id]}]
        told = at_path(client.describe_parameters(ParameterFilters=asked), "Parameters.0") or {}
        return {name: told.get(name) for name in ("AllowedPattern", "Description", "Tier")}

    def template_tags(self, tags: Mapping[str, str]) -> Any:
        return dict(tags)


class Document(_Ssm):
    """AWS::SSM::Document. Without UpdateMethod NewVersion other content would replace it, which is refused here."""

    type_name = "AWS::SSM::Document"
    kind = "Document"
    create_call = "create_document"
    takes = ("Content", "DocumentFormat", "DocumentType", "Name", "TargetType", "VersionName")
    also = ("UpdateMethod",)
    unread = ("UpdateMethod",)
    described = Describe("get_document", "Name", "", many=False)
    delete_call, delete_member = "delete_document", "Name"

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {"Name": context.name, **self.parameters(context, properties)}
        tags = as_list(all_tags(context, properties))
        call(client, self.create_call, {**given, **({"Tags": tags} if tags else {})})
        return str(given["Name"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        changed = left & {"Content", "DocumentFormat", "TargetType", "VersionName"}
        if changed and after.get("UpdateMethod") != "NewVersion":
            raise ResourceError(
                "The emulator changes documents in new versions only: set UpdateMethod to NewVersion", "NotUpdatable"
            )
        if changed:
            names = ("Content", "DocumentFormat", "TargetType", "VersionName")
            given = {name: after[name] for name in names if name in after}
            answer = call(client, "update_document", {**given, "Name": physical_id, "DocumentVersion": "$LATEST"})
            version = answer["DocumentDescription"]["DocumentVersion"]
            client.update_document_default_version(Name=physical_id, DocumentVersion=version)
        return {*changed, "UpdateMethod"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        if found is None:
            return None
        told = unless_gone(lambda: client.describe_document(Name=physical_id)) or {}
        return {**told.get("Document", {}), **found}


HANDLERS: tuple[Handler, ...] = (Parameter(), Document())

"""Functions of Lambda and who may call them. Functions are kept, not run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, made_up_name, pieces
from csoc.emulator.cloudformation.resources.translation import call, unless_gone

_EPOCH = (1980, 1, 1, 0, 0, 0)
_IN_S3 = ("S3Bucket", "S3Key", "S3ObjectVersion")


class Function(ServiceType):
    """AWS::Lambda::Function with code in S3 or in the template."""

    type_name, service, name = "AWS::Lambda::Function", "lambda", "FunctionName"
    create_call, id_path = "create_function", "FunctionName"
    delete_call, delete_member = "delete_function", "FunctionName"
    takes = (
        "Architectures",
        "DeadLetterConfig",
        "Description",
        "Environment",
        "EphemeralStorage",
        "FileSystemConfigs",
        "Handler",
        "LoggingConfig",
        "MemorySize",
        "Role",
        "Runtime",
        "Timeout",
        "TracingConfig",
        "VpcConfig",
    )
    also, afterwards = ("Code", "Layers"), ("ReservedConcurrentExecutions",)
    unread = ("Code",)
    renamed = {"KmsKeyArn": "KMSKeyArn"}
    described = Describe("get_function_configuration", "FunctionName", "", many=False)
    attributes = {"Arn": "FunctionArn"}
    tag_calls = TagCalls(
        "tag_resource", "untag_resource", "Resource", resource="FunctionArn", listing="list_tags", pairs=False
    )

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = {**super().parameters(context, properties), "Code": _code(properties)}
        return given | ({"Layers": properties["Layers"]} if properties.get("Layers") else {})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        names = {**{name: name for name in self.takes}, **self.renamed, "Layers": "Layers"}
        given = {names[name]: after[name] for name in left & names.keys() - {"Architectures"} if name in after}
        if given:
            call(client, "update_function_configuration", {"FunctionName": physical_id, **given})
        if left & {"Code", "Architectures"}:
            asked = {"FunctionName": physical_id, **_code(after)}
            if "Architectures" in after:
                asked["Architectures"] = after["Architectures"]
            call(client, "update_function_code", asked)
        return {*names, "Code"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        reserved = unless_gone(lambda: client.get_function_concurrency(FunctionName=physical_id)) or {}
        if "ReservedConcurrentExecutions" in reserved:
            told["ReservedConcurrentExecutions"] = reserved["ReservedConcurrentExecutions"]
        if found.get("Layers"):
            told["Layers"] = [layer["Arn"] for layer in found["Layers"]]
        network = found.get("VpcConfig") or {}
        kept = {name: network[name] for name in ("SecurityGroupIds", "SubnetIds") if network.get(name)}
        return {**told, "VpcConfig": kept or None}

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        (name,) = self.afterwards
        if name in after:
            call(client, "put_function_concurrency", {"FunctionName": physical_id, name: after[name]})
        else:
            client.delete_function_concurrency(FunctionName=physical_id)


def _code(properties: Properties) -> dict[str, Any]:
    """The code in the form of the API: what stands in the template becomes an archive of one file, as CloudFormation
    makes it ("index" with the runtime's ending)."""
    code = properties["Code"]
    strange = sorted(set(code) - {*_IN_S3, "ZipFile"})
    if strange:
        raise ResourceError(f"The emulator takes no {', '.join(strange)} as code of a function", "InvalidRequest")
    if "ZipFile" not in code:
        return {name: code[name] for name in _IN_S3 if name in code}
    ending = "js" if str(properties.get("Runtime", "")).startswith("nodejs") else "py"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed time, so that the same text is the same archive.
        archive.writestr(zipfile.ZipInfo(f"index.{ending}", _EPOCH), str(code["ZipFile"]))
    return {"ZipFile": packed.getvalue()}


class Permission(ServiceType):
    """AWS::Lambda::Permission: one statement of a function's policy."""

    type_name, service, tags = "AWS::Lambda::Permission", "lambda", ""
    also = (
        "Action",
        "FunctionName",
        "FunctionUrlAuthType",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    )
    attributes = {"Id": "Sid"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        statement = made_up_name(context, 100)
        given = {name: properties[name] for name in self.also if name in properties}
        call(client, "add_permission", {**given, "StatementId": statement})
        return f"{_function_name(properties['FunctionName'])}|{statement}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        function, statement = pieces(physical_id)
        found = unless_gone(lambda: client.get_policy(FunctionName=function))
        for entry in json.loads(found["Policy"])["Statement"] if found else ():
            if entry["Sid"] == statement:
                return {**entry, "FunctionName": function}
        return None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        principal = found["Principal"]
        if isinstance(principal, Mapping):
            principal = next(iter(principal.values()))
        conditions = {
            key.lower(): value for keys in (found.get("Condition") or {}).values() for key, value in keys.items()
        }
        names = {
            "lambda:functionurlauthtype": "FunctionUrlAuthType",
            "aws:principalorgid": "PrincipalOrgID",
            "aws:sourceaccount": "SourceAccount",
            "aws:sourcearn": "SourceArn",
        }
        return {"Principal": principal} | {names[key]: value for key, value in conditions.items() if key in names}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        function, statement = pieces(physical_id)
        unless_gone(lambda: client.remove_permission(FunctionName=function, StatementId=statement))

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return str(found["Sid"])


def _function_name(given: Any) -> str:
    """The name of a function that is given by name or ARN."""
    parts = str(given).split(":")
    return parts[6] if len(parts) > 6 and parts[5] == "function" else str(given)


HANDLERS = (Function(), Permission())

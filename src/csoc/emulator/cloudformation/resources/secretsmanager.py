"""Secrets: made or generated, attached to databases, shared, rotated. Values are given on and never read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, gone_and_new
from csoc.emulator.cloudformation.resources.translation import call, is_true, unless_gone

_GENERATING = (
    "PasswordLength",
    "ExcludeCharacters",
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "RequireEachIncludedType",
)


class Secret(ServiceType):
    """AWS::SecretsManager::Secret.

    Source: CloudFormation User Guide, "DeletionPolicy attribute": a secret is deleted without a time to recover it.
    """

    type_name, service = "AWS::SecretsManager::Secret", "secretsmanager"
    create_call, id_path, name, longest = "create_secret", "ARN", "Name", 512
    takes, renamed = ("Description", "KmsKeyId"), {"ReplicaRegions": "AddReplicaRegions"}
    also = ("SecretString", "GenerateSecretString")
    unread = ("SecretString", "GenerateSecretString")
    described = Describe("describe_secret", "SecretId", "", many=False)
    attributes = {"Id": "ARN"}
    tag_calls = TagCalls("tag_resource", "untag_resource", "SecretId")

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        value = self._value(context.clients(self.service), properties)
        return {**given, "ClientRequestToken": context.token[:64].rjust(32, "0")} | (
            {} if value is None else {"SecretString": value}
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
        given: dict[str, Any] = {name: after.get(name, "") for name in ("Description", "KmsKeyId") if name in left}
        if left & {"SecretString", "GenerateSecretString"}:
            value = self._value(client, after)
            if value is not None:
                given["SecretString"] = value
        if given:
            call(client, "update_secret", {"SecretId": physical_id, **given})
        if "ReplicaRegions" in left:
            self._replicate(client, physical_id, before, after)
        return {"Description", "KmsKeyId", "SecretString", "GenerateSecretString", "ReplicaRegions"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return None if found is None or found.get("DeletedDate") else found

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        regions = [
            {"Region": copy["Region"]} | ({"KmsKeyId": copy["KmsKeyId"]} if copy.get("KmsKeyId") else {})
            for copy in found.get("ReplicationStatus", ())
        ]
        return {"ReplicaRegions": regions} if regions else {}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        regions = [copy["Region"] for copy in properties.get("ReplicaRegions", ())]
        if regions:
            call(client, "remove_regions_from_replication", {"SecretId": physical_id, "RemoveReplicaRegions": regions})
        unless_gone(lambda: client.delete_secret(SecretId=physical_id, ForceDeleteWithoutRecovery=True))

    @staticmethod
    def _replicate(client: Any, secret: str, before: Properties, after: Properties) -> None:
        was = {copy["Region"]: copy for copy in before.get("ReplicaRegions", ())}
        wanted = {copy["Region"]: copy for copy in after.get("ReplicaRegions", ())}
        old, new = gone_and_new(was, wanted)
        if old:
            call(client, "remove_regions_from_replication", {"SecretId": secret, "RemoveReplicaRegions": old})
        if new:
            copies = [wanted[region] for region in new]
            call(client, "replicate_secret_to_regions", {"SecretId": secret, "AddReplicaRegions": copies})

    @staticmethod
    def _value(client: Any, properties: Properties) -> str | None:
        wanted = properties.get("GenerateSecretString")
        if "SecretString" in properties and wanted is not None:
            raise ResourceError(
                "You can't specify both SecretString and GenerateSecretString in the same secret", "InvalidRequest"
            )
        if wanted is None:
            given = properties.get("SecretString")
            return None if given is None else str(given)
        asked = {name: wanted[name] for name in _GENERATING if name in wanted}
        password = str(call(client, "get_random_password", asked)["RandomPassword"])
        key = wanted.get("GenerateStringKey")
        if not key and "SecretStringTemplate" not in wanted:
            return password
        try:
            template = json.loads(wanted.get("SecretStringTemplate", ""))
        except ValueError:
            template = None
        if not key or not isinstance(template, dict):
            raise ResourceError(
                "GenerateSecretString needs both GenerateStringKey and a SecretStringTemplate that is a JSON object",
                "InvalidRequest",
            )
        return json.dumps({**template, key: password})


class SecretTargetAttachment(ServiceType):
    """AWS::SecretsManager::SecretTargetAttachment: writes where the database is into the secret's JSON.

    Source: Secrets Manager User Guide, "JSON structure of AWS Secrets Manager secrets".
    """

    type_name, service, tags = "AWS::SecretsManager::SecretTargetAttachment", "secretsmanager", ""
    also = ("SecretId", "TargetId", "TargetType")
    attributes = {"Id": "ARN"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.describe_secret(SecretId=physical_id))
        if found is None or found.get("DeletedDate") or not _OF_TARGET & self._json(client, physical_id).keys():
            return None
        return dict(found)

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        self._write(context, client, properties)
        return str(client.describe_secret(SecretId=properties["SecretId"])["ARN"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._write(context, client, after)
        return {"TargetId", "TargetType"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        value = self._json(client, physical_id)
        told: dict[str, Any] = {"SecretId": physical_id}
        for key, kind in (
            ("dbClusterIdentifier", "AWS::RDS::DBCluster"),
            ("dbInstanceIdentifier", "AWS::RDS::DBInstance"),
        ):
            if key in value:
                told |= {"TargetId": value[key], "TargetType": kind}
        return told

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        value = self._json(client, physical_id)
        kept = {key: inner for key, inner in value.items() if key not in _OF_TARGET}
        if kept != value:
            client.put_secret_value(SecretId=physical_id, SecretString=json.dumps(kept))

    @staticmethod
    def _json(client: Any, secret: str) -> dict[str, Any]:
        found = unless_gone(lambda: client.get_secret_value(SecretId=secret))
        try:
            value = json.loads((found or {}).get("SecretString", ""))
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, context: Context, client: Any, properties: Properties) -> None:
        value = self._json(client, properties["SecretId"])
        if not value:
            raise ResourceError("The secret to attach is no JSON object with username and password", "InvalidRequest")
        kind, target = properties["TargetType"], properties["TargetId"]
        rds = context.clients("rds")
        if kind == "AWS::RDS::DBCluster":
            found = rds.describe_db_clusters(DBClusterIdentifier=target)["DBClusters"][0]
            where = {"host": found["Endpoint"], "port": found["Port"], "dbname": found.get("DatabaseName")}
            where["dbClusterIdentifier"] = found["DBClusterIdentifier"]
        elif kind == "AWS::RDS::DBInstance":
            found = rds.describe_db_instances(DBInstanceIdentifier=target)["DBInstances"][0]
            where = {"host": found["Endpoint"]["Address"], "port": found["Endpoint"]["Port"]}
            where |= {"dbname": found.get("DBName"), "dbInstanceIdentifier": found["DBInstanceIdentifier"]}
        else:
            raise ResourceError(f"The emulator attaches secrets to RDS only, not to {kind}", "InvalidRequest")
        engine = found["Engine"].removeprefix("aurora-").replace("postgresql", "postgres")
        rest = {key: inner for key, inner in value.items() if key not in _OF_TARGET}
        given = {key: inner for key, inner in {**where, "engine": engine}.items() if inner is not None}
        client.put_secret_value(SecretId=properties["SecretId"], SecretString=json.dumps({**rest, **given}))


_OF_TARGET = frozenset({"host", "port", "dbname", "engine", "dbClusterIdentifier", "dbInstanceIdentifier"})


class SecretPolicy(ServiceType):
    """AWS::SecretsManager::ResourcePolicy."""

    type_name, service, tags = "AWS::SecretsManager::ResourcePolicy", "secretsmanager", ""
    also = ("SecretId", "ResourcePolicy", "BlockPublicPolicy")
    unread = ("BlockPublicPolicy",)
    attributes = {"Id": "ARN"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        return str(call(client, "put_resource_policy", self._asked(properties))["ARN"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        call(client, "put_resource_policy", self._asked(after))
        return {"ResourcePolicy", "BlockPublicPolicy"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.get_resource_policy(SecretId=physical_id))
        return {"SecretId": physical_id, **found} if found and found.get("ResourcePolicy") else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_resource_policy(SecretId=physical_id))

    @staticmethod
    def _asked(properties: Properties) -> dict[str, Any]:
        return {name: properties[name] for name in SecretPolicy.also if name in properties}


class RotationSchedule(ServiceType):
    """AWS::SecretsManager::RotationSchedule with a function of one's own; a hosted one would need a transform."""

    type_name, service, tags = "AWS::SecretsManager::RotationSchedule", "secretsmanager", ""
    also = ("SecretId", "RotationLambdaARN", "RotationRules", "RotateImmediatelyOnUpdate")
    unread = ("RotateImmediatelyOnUpdate",)
    attributes = {"Id": "ARN"}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        return self._rotate(client, properties)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._rotate(client, after)
        return {"RotationLambdaARN", "RotationRules", "RotateImmediatelyOnUpdate"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = unless_gone(lambda: client.describe_secret(SecretId=physical_id))
        return {**found, "SecretId": physical_id} if found and found.get("RotationEnabled") else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.cancel_rotate_secret(SecretId=physical_id))

    @staticmethod
    def _rotate(client: Any, properties: Properties) -> str:
        given = {
            name: properties[name] for name in ("SecretId", "RotationLambdaARN", "RotationRules") if name in properties
        }
        given["RotateImmediately"] = is_true(properties.get("RotateImmediatelyOnUpdate", True))
        return str(call(client, "rotate_secret", given)["ARN"])


HANDLERS = (Secret(), SecretTargetAttachment(), SecretPolicy(), RotationSchedule())

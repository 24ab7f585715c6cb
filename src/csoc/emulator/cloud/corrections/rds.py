"""RDS: what takes time, what has to exist, the secret that RDS manages, and settings that moto drops.

Sources: RDS API Reference (the errors of each operation), Aurora User Guide, "Password management with Amazon Aurora
and AWS Secrets Manager" (the managed secret holds user name and password) and "Viewing DB cluster status".
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moto.rds.models import DBCluster

from csoc.emulator.cloud.calls import Answer, Call
from csoc.emulator.cloud.corrections.correction import After, Correction, Echo, Memory, UnderWay, echoing
from csoc.emulator.cloud.corrections.rds_checks import backend_of, checks
from csoc.emulator.cloud.corrections.rds_missing import missing
from csoc.emulator.cloudformation.resources.durations import SECONDS

_CLUSTER_SECONDS = SECONDS["AWS::RDS::DBCluster"].seconds
_INSTANCE_SECONDS = SECONDS["AWS::RDS::DBInstance"].seconds
_MODIFYING_SECONDS = 60.0
_PASSWORD_LENGTH = 28
_RESOURCE_ID = string.ascii_uppercase + string.digits

_AUTHORITY, _CERTIFICATE_LASTS = "rds-ca-rsa2048-g1", timedelta(days=365)
_STORAGE_GB = 1


def _allocated_storage(engine: str, storage_type: str) -> int:
    """moto knows no aurora-iopt1 nor gp3, and fails on them."""
    try:
        return _moto_storage(engine, storage_type)
    except KeyError:
        return _STORAGE_GB if engine.startswith("aurora") else 20


_moto_storage = DBCluster.default_allocated_storage
DBCluster.default_allocated_storage = staticmethod(_allocated_storage)  # type: ignore[method-assign]

_ECHOES = (
    Echo(
        "rds",
        "cluster",
        "DBClusterIdentifier",
        "DBClusterIdentifier",
        {
            "DatabaseInsightsMode": "DatabaseInsightsMode",
            "EngineLifecycleSupport": "EngineLifecycleSupport",
            "HttpEndpointEnabled": "EnableHttpEndpoint",
            "IAMDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "MonitoringInterval": "MonitoringInterval",
            "MonitoringRoleArn": "MonitoringRoleArn",
            "PerformanceInsightsEnabled": "EnablePerformanceInsights",
            "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
            "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
        },
        ("CreateDBCluster", "ModifyDBCluster", "RestoreDBClusterFromSnapshot"),
        ("DeleteDBCluster",),
        {
            "CreateDBCluster": "DBCluster",
            "ModifyDBCluster": "DBCluster",
            "RestoreDBClusterFromSnapshot": "DBCluster",
            "DeleteDBCluster": "DBCluster",
            "DescribeDBClusters": "DBClusters",
        },
        small=True,
    ),
    Echo(
        "rds",
        "instance",
        "DBInstanceIdentifier",
        "DBInstanceIdentifier",
        {
            "DatabaseInsightsMode": "DatabaseInsightsMode",
            "EngineLifecycleSupport": "EngineLifecycleSupport",
            "IAMDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "MaxAllocatedStorage": "MaxAllocatedStorage",
            "NetworkType": "NetworkType",
            "PerformanceInsightsEnabled": "EnablePerformanceInsights",
            "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
            "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
            "PromotionTier": "PromotionTier",
        },
        ("CreateDBInstance", "ModifyDBInstance", "RestoreDBInstanceFromDBSnapshot"),
        ("DeleteDBInstance",),
        {
            "CreateDBInstance": "DBInstance",
            "ModifyDBInstance": "DBInstance",
            "RestoreDBInstanceFromDBSnapshot": "DBInstance",
            "DeleteDBInstance": "DBInstance",
            "DescribeDBInstances": "DBInstances",
        },
        small=True,
    ),
    Echo(
        "rds",
        "global",
        "GlobalClusterIdentifier",
        "GlobalClusterIdentifier",
        {"EngineLifecycleSupport": "EngineLifecycleSupport"},
        ("CreateGlobalCluster",),
        ("DeleteGlobalCluster",),
        {
            "CreateGlobalCluster": "GlobalCluster",
            "ModifyGlobalCluster": "GlobalCluster",
            "DescribeGlobalClusters": "GlobalClusters",
        },
        small=True,
    ),
)


def rds(memory: Memory, under_way: UnderWay) -> tuple[Correction, ...]:
    """What is put right in RDS."""
    return (checks(), _made(), *(echoing(memory, echo) for echo in _ECHOES), _statuses(under_way), missing())


def _made() -> Correction:
    after: dict[str, After] = {
        "CreateDBCluster": _made_cluster,
        "ModifyDBCluster": _made_cluster,
        "RestoreDBClusterFromSnapshot": _made_cluster,
        "CreateDBInstance": _made_instance,
        "RestoreDBInstanceFromDBSnapshot": _made_instance,
    }
    return Correction("rds", after=after)


def _made_cluster(call: Call, answer: dict[str, Any]) -> Answer:
    cluster: Any = backend_of(call).clusters.get(answer["DBCluster"]["DBClusterIdentifier"])
    _managed_secret(cluster)
    exports = call.parameters.get("CloudwatchLogsExportConfiguration")
    if exports and cluster is not None:  # moto looks for them under another name
        kept = set(cluster.enabled_cloudwatch_logs_exports) - set(exports.get("DisableLogTypes", ()))
        cluster.enabled_cloudwatch_logs_exports = sorted(kept | set(exports.get("EnableLogTypes", ())))
    return answer


def _made_instance(call: Call, answer: dict[str, Any]) -> Answer:
    instance: Any = backend_of(call).databases.get(answer["DBInstance"]["DBInstanceIdentifier"])
    if instance is not None:
        # moto gives all instances the same one.
        instance.dbi_resource_id = "db-" + "".join(secrets.choice(_RESOURCE_ID) for _ in range(26))
        answer["DBInstance"]["DbiResourceId"] = instance.dbi_resource_id
        _managed_secret(instance)
    return answer


def _managed_secret(database: Any) -> None:
    """moto's managed secrets all hold the same user and password; each gets its own, once."""
    managed = getattr(database, "master_user_secret", None)
    if managed is None or getattr(managed, "own_value", False):
        return
    alphabet = string.ascii_letters + string.digits + "!#$%&()*+,-.:;<=>?[]^_{|}~"
    password = "".join(secrets.choice(alphabet) for _ in range(_PASSWORD_LENGTH))
    value = json.dumps({"username": database.master_username, "password": password})
    for version in managed.secret.versions.values():
        version["secret_string"] = value
    managed.own_value = True
    # moto copies the password of a cluster that it restores, and fails on one that has none of its own.
    if not hasattr(database, "_master_user_password"):
        database._master_user_password = password


def _statuses(under_way: UnderWay) -> Correction:
    clusters = _Watched("cluster", "DBCluster", "Status", _CLUSTER_SECONDS, under_way)
    instances = _Watched("instance", "DBInstance", "DBInstanceStatus", _INSTANCE_SECONDS, under_way)
    after: dict[str, After] = {
        "CreateDBCluster": clusters.begin,
        "RestoreDBClusterFromSnapshot": clusters.begin,
        "ModifyDBCluster": clusters.change,
        "DescribeDBClusters": clusters.tell,
        "DeleteDBCluster": clusters.end,
        "CreateDBInstance": instances.begin,
        "RestoreDBInstanceFromDBSnapshot": instances.begin,
        "ModifyDBInstance": instances.change,
        "DescribeDBInstances": instances.tell,
        "DeleteDBInstance": instances.end,
    }
    return Correction("rds", after=after)


@dataclass(frozen=True, slots=True)
class _Watched:
    """Clusters or instances. member: their name in answers; status: of the member with the status."""

    kind: str
    member: str
    status: str
    seconds: float
    under_way: UnderWay

    def begin(self, call: Call, answer: dict[str, Any]) -> Answer:
        self.under_way.begin(call, self.kind, self._name(answer), "creating", self.seconds)
        return self.tell(call, answer)

    def change(self, call: Call, answer: dict[str, Any]) -> Answer:
        name = self._name(answer)
        if not self.under_way.status(call, self.kind, name):
            self.under_way.begin(call, self.kind, name, "modifying", _MODIFYING_SECONDS)
        return self.tell(call, answer)

    def end(self, call: Call, answer: dict[str, Any]) -> Answer:
        self.under_way.stop(call, self.kind, self._name(answer))
        answer[self.member][self.status] = "deleting"
        return answer

    def tell(self, call: Call, answer: dict[str, Any]) -> Answer:
        found = answer.get(f"{self.member}s", answer.get(self.member))
        for resource in found if isinstance(found, list) else [found]:
            if resource:
                self._tell(call, resource)
        return answer

    def _tell(self, call: Call, found: dict[str, Any]) -> None:
        told = self.under_way.status(call, self.kind, found[f"{self.member}Identifier"])
        # moto says "creating" once by itself, whatever time passed.
        found[self.status] = told or str(found.get(self.status, "")).replace("creating", "available")
        if isinstance(found.get("MasterUserSecret"), dict):
            found["MasterUserSecret"]["SecretStatus"] = "creating" if told == "creating" else "active"
        if self.kind == "instance":
            _complete(call, found)

    def _name(self, answer: dict[str, Any]) -> str:
        return str(answer[self.member][f"{self.member}Identifier"])


def _complete(call: Call, found: dict[str, Any]) -> None:
    """What moto does not tell of an instance: its certificate, and the zone of its name (made up, one a region)."""
    made = found.get("InstanceCreateTime") or call.at
    authority = found.get("CACertificateIdentifier") or _AUTHORITY
    found["CertificateDetails"] = {"CAIdentifier": authority, "ValidTill": made + _CERTIFICATE_LASTS}
    zone = "Z" + hashlib.sha256(call.region.encode()).hexdigest()[:13].upper()
    found["Endpoint"] = {**(found.get("Endpoint") or {}), "HostedZoneId": zone}

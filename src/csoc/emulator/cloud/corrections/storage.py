"""EFS, OpenSearch Service, DynamoDB: operations that moto lacks, and what takes time.

Sources: API References of the services; OpenSearch Service Developer Guide, "Creating and managing domains": a domain
is processed while it is made or changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.efs.models import efs_backends
from moto.opensearch.models import EngineVersion, opensearch_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import After, Correction, Echo, Memory, UnderWay, echoing
from csoc.emulator.cloudformation.resources.durations import SECONDS

_CHANGING_SECONDS = 300.0


# EFS


def efs(memory: Memory, under_way: UnderWay) -> Correction:
    """What is put right in EFS."""

    def put_backup(call: Call) -> Answer:
        found, policy = _file_system(call), call.parameters["BackupPolicy"]
        found._backup = policy["Status"] in ("ENABLED", "ENABLING")
        memory.keep(call, "backup", found.file_system_id, {"BackupPolicy": policy})
        return {"BackupPolicy": policy}

    def describe_backup(call: Call) -> Answer | None:
        return memory.kept(call, "backup", _file_system(call).file_system_id)

    def gone(call: Call, answer: dict[str, Any]) -> Answer:
        memory.forget(call, "backup", str(call.parameters["FileSystemId"]))
        return answer

    def made(call: Call, answer: dict[str, Any]) -> Answer:
        seconds = SECONDS["AWS::EFS::MountTarget"].seconds
        under_way.begin(call, "mount", answer["MountTargetId"], "creating", seconds)
        return {**answer, "LifeCycleState": "creating"}

    def told(call: Call, answer: dict[str, Any]) -> Answer:
        for target in answer.get("MountTargets", ()):
            target["LifeCycleState"] = under_way.status(call, "mount", target["MountTargetId"]) or "available"
        return answer

    return Correction(
        "efs",
        {
            "PutBackupPolicy": put_backup,
            "DescribeBackupPolicy": describe_backup,
            "UpdateFileSystem": _update_file_system,
            "DeleteFileSystemPolicy": _drop_policy,
        },
        {"CreateMountTarget": made, "DescribeMountTargets": told, "DeleteFileSystem": gone},
    )


def _file_system(call: Call) -> Any:
    name = str(call.parameters["FileSystemId"])
    found = efs_backends[call.owner or call.account][call.region].file_systems_by_id.get(name)
    if found is None:
        raise AwsError("FileSystemNotFound", f"File system '{name}' does not exist.", 404)
    return found


def _update_file_system(call: Call) -> Answer:
    found = _file_system(call)
    found.throughput_mode = call.parameters.get("ThroughputMode", found.throughput_mode)
    provisioned = call.parameters.get("ProvisionedThroughputInMibps")
    found.provisioned_throughput_in_mibps = provisioned if found.throughput_mode == "provisioned" else None
    told: dict[str, Any] = found.info_json()
    return told


def _drop_policy(call: Call) -> Answer:
    _file_system(call).file_system_policy = None
    return {}


# OpenSearch Service

_OPTIONS = Echo(
    "opensearch",
    "domain",
    "DomainName",
    "DomainName",
    {"IPAddressType": "IPAddressType"},
    ("CreateDomain", "UpdateDomainConfig"),
    ("DeleteDomain",),
    {"CreateDomain": "DomainStatus", "DescribeDomain": "DomainStatus", "DescribeDomains": "DomainStatusList"},
)


def opensearch(memory: Memory, under_way: UnderWay) -> tuple[Correction, ...]:
    """What is put right in OpenSearch Service. Each answer is written by its shape, since moto's own tells the master
    user's password."""

    def begins(call: Call, answer: dict[str, Any]) -> Answer:
        seconds = SECONDS["AWS::OpenSearchService::Domain"].seconds
        under_way.begin(call, "domain", str(call.parameters["DomainName"]), "Creating", seconds)
        return told(call, answer)

    def changes(call: Call, answer: dict[str, Any]) -> Answer:
        name = str(call.parameters["DomainName"])
        if not under_way.status(call, "domain", name):
            under_way.begin(call, "domain", name, "Modifying", _CHANGING_SECONDS)
        return answer

    def ends(call: Call, answer: dict[str, Any]) -> Answer:
        under_way.stop(call, "domain", str(call.parameters["DomainName"]))
        return answer

    def told(call: Call, answer: dict[str, Any]) -> Answer:
        for domain in _listed(answer.get("DomainStatus"), answer.get("DomainStatusList")):
            status = under_way.status(call, "domain", domain["DomainName"])
            domain["Processing"] = bool(status)
            domain["DomainProcessingStatus"] = status or "Active"
            version = str(domain.get("EngineVersion", ""))
            domain["ServiceSoftwareOptions"] = {
                "CurrentVersion": f"{version}-P1",
                "UpdateAvailable": False,
                "Cancellable": False,
                "UpdateStatus": "COMPLETED",
                "Description": "There is no software update available for this domain.",
                "OptionalDeployment": True,
            }
        return answer

    def upgraded(call: Call, answer: dict[str, Any]) -> Answer:
        return changes(call, answer)

    def as_shaped(_: Call, answer: dict[str, Any]) -> Answer:
        return answer

    after: dict[str, After] = {
        "CreateDomain": begins,
        "UpdateDomainConfig": changes,
        "UpgradeDomain": upgraded,
        "DeleteDomain": ends,
        "DescribeDomain": told,
        "DescribeDomains": told,
        "DescribeDomainConfig": as_shaped,
    }
    before = {"CreateDomain": _new_domain, "UpgradeDomain": _upgrade_domain}
    return (Correction("opensearch", before, after), echoing(memory, _OPTIONS))


def _listed(one: Any, many: Iterable[Any] | None) -> list[dict[str, Any]]:
    return [found for found in [one, *(many or ())] if found]


def _domain(call: Call) -> Any:
    domains = opensearch_backends[call.owner or call.account][call.region].domains
    return domains.get(str(call.parameters["DomainName"]))


def _new_domain(call: Call) -> Answer | None:
    if _domain(call) is not None:
        message = f"Domain {call.account}:{call.parameters['DomainName']} already exists"
        raise AwsError("ResourceAlreadyExistsException", message, 409)
    return None


def _upgrade_domain(call: Call) -> Answer:
    found, version = _domain(call), str(call.parameters["TargetVersion"])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Domain not found: {call.parameters['DomainName']}", 409)
    if not call.parameters.get("PerformCheckOnly"):
        found.engine_version = EngineVersion(version, call.at.replace(tzinfo=None))
    return {"DomainName": found.domain_name, "TargetVersion": version, "PerformCheckOnly": False}


# DynamoDB


def dynamodb(memory: Memory, under_way: UnderWay) -> Correction:
    """Tables are created for a while, and keep their class."""

    def keep(call: Call) -> None:
        given = call.parameters
        kept = {name: given[name] for name in ("OnDemandThroughput",) if name in given}
        if "TableClass" in given:
            kept["TableClassSummary"] = {"TableClass": given["TableClass"]}
        if kept:
            memory.keep(call, "table", str(given["TableName"]), kept)

    def changes(call: Call, answer: dict[str, Any]) -> Answer:
        keep(call)
        answer["TableDescription"].update(memory.kept(call, "table", answer["TableDescription"]["TableName"]) or {})
        return answer

    def begins(call: Call, answer: dict[str, Any]) -> Answer:
        name = answer["TableDescription"]["TableName"]
        under_way.begin(call, "table", name, "CREATING", SECONDS["AWS::DynamoDB::Table"].seconds)
        changes(call, answer)
        answer["TableDescription"]["TableStatus"] = "CREATING"
        return answer

    def told(call: Call, answer: dict[str, Any]) -> Answer:
        status = under_way.status(call, "table", answer["Table"]["TableName"])
        answer["Table"].update(memory.kept(call, "table", answer["Table"]["TableName"]) or {})
        if status:
            answer["Table"]["TableStatus"] = status
        return answer

    def ends(call: Call, answer: dict[str, Any]) -> Answer:
        under_way.stop(call, "table", answer["TableDescription"]["TableName"])
        memory.forget(call, "table", answer["TableDescription"]["TableName"])
        return answer

    after: dict[str, After] = {
        "CreateTable": begins,
        "UpdateTable": changes,
        "DescribeTable": told,
        "DeleteTable": ends,
    }
    return Correction("dynamodb", after=after)

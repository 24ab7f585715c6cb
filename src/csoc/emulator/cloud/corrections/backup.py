"""AWS Backup: selections, policies and notifications of vaults, and changed plans, which moto has not.

Source: AWS Backup API Reference.
"""

from __future__ import annotations

import uuid
from typing import Any

from moto.backup.models import BackupBackend, Plan, backup_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Before, Correction, Memory

_SELECTION, _POLICY, _BELLS = "selection", "policy", "notifications"


def backup(memory: Memory) -> Correction:
    """What is put right in AWS Backup."""
    kept = _Kept(memory)
    before: dict[str, Before] = {
        "CreateBackupSelection": kept.create_selection,
        "GetBackupSelection": kept.get_selection,
        "ListBackupSelections": kept.list_selections,
        "DeleteBackupSelection": kept.delete_selection,
        "DeleteBackupPlan": kept.delete_plan,
        "UpdateBackupPlan": _update_plan,
        "PutBackupVaultAccessPolicy": kept.put_policy,
        "GetBackupVaultAccessPolicy": kept.get_policy,
        "DeleteBackupVaultAccessPolicy": kept.delete_policy,
        "PutBackupVaultNotifications": kept.put_bells,
        "GetBackupVaultNotifications": kept.get_bells,
        "DeleteBackupVaultNotifications": kept.delete_bells,
        "DeleteBackupVault": kept.delete_vault,
    }
    return Correction("backup", before)


def _backend(call: Call) -> BackupBackend:
    backend: BackupBackend = backup_backends[call.owner or call.account][call.region]
    return backend


def _plan(call: Call) -> Plan:
    found = _backend(call).plans.get(str(call.parameters["BackupPlanId"]))
    if found is None or found.deletion_date is not None:
        raise AwsError("ResourceNotFoundException", "Failed reading Backup plan with provided version", 400)
    return found


def _vault(call: Call) -> Any:
    name = str(call.parameters["BackupVaultName"])
    found = _backend(call).vaults.get(name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Backup vault {name} does not exist", 400)
    return found


def _update_plan(call: Call) -> Answer:
    """A changed plan is a new version under the same identifier."""
    old = _plan(call)
    new = Plan(dict(call.parameters["BackupPlan"]), old.creator_request_id, _backend(call))
    new.backup_plan_id, new.backup_plan_arn, new.creation_date = (
        old.backup_plan_id,
        old.backup_plan_arn,
        old.creation_date,
    )
    _backend(call).plans[old.backup_plan_id] = new
    return {
        "BackupPlanId": new.backup_plan_id,
        "BackupPlanArn": new.backup_plan_arn,
        "CreationDate": new.creation_date,
        "VersionId": new.version_id,
    }


class _Kept:
    """Operations whose resources are in the memory of the corrections."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def create_selection(self, call: Call) -> Answer:
        plan = _plan(call)
        selection = str(uuid.uuid4())
        values = {"BackupPlanId": plan.backup_plan_id, "SelectionId": selection, "CreationDate": call.at}
        document = {"BackupSelection": call.parameters["BackupSelection"]}
        self._memory.keep(call, _SELECTION, f"{plan.backup_plan_id}/{selection}", {**values, **document})
        return values

    def get_selection(self, call: Call) -> Answer:
        return self._selection(call)

    def list_selections(self, call: Call) -> Answer:
        plan = _plan(call)
        found = [self._memory.kept(call, _SELECTION, name) or {} for name in self._of_plan(call, plan.backup_plan_id)]
        entries = [
            {
                "SelectionId": entry["SelectionId"],
                "SelectionName": entry["BackupSelection"]["SelectionName"],
                "BackupPlanId": entry["BackupPlanId"],
                "CreationDate": entry["CreationDate"],
                "IamRoleArn": entry["BackupSelection"]["IamRoleArn"],
            }
            for entry in found
        ]
        return {"BackupSelectionsList": entries}

    def delete_selection(self, call: Call) -> Answer:
        self._selection(call)
        self._memory.forget(call, _SELECTION, _selection_name(call))
        return {}

    def delete_plan(self, call: Call) -> Answer | None:
        if self._of_plan(call, str(call.parameters["BackupPlanId"])):
            message = "Related backup plan selections must be deleted prior to backup plan deletion"
            raise AwsError("InvalidRequestException", message, 400)
        return None

    def put_policy(self, call: Call) -> Answer:
        _vault(call)
        self._memory.keep(call, _POLICY, str(call.parameters["BackupVaultName"]), {"Policy": call.parameters["Policy"]})
        return {}

    def get_policy(self, call: Call) -> Answer:
        return self._of_vault(call, _POLICY)

    def delete_policy(self, call: Call) -> Answer:
        self._memory.forget(call, _POLICY, str(call.parameters["BackupVaultName"]))
        return {}

    def put_bells(self, call: Call) -> Answer:
        _vault(call)
        values = {name: call.parameters[name] for name in ("SNSTopicArn", "BackupVaultEvents")}
        self._memory.keep(call, _BELLS, str(call.parameters["BackupVaultName"]), values)
        return {}

    def get_bells(self, call: Call) -> Answer:
        return self._of_vault(call, _BELLS)

    def delete_bells(self, call: Call) -> Answer:
        self._memory.forget(call, _BELLS, str(call.parameters["BackupVaultName"]))
        return {}

    def delete_vault(self, call: Call) -> Answer | None:
        for kind in (_POLICY, _BELLS):
            self._memory.forget(call, kind, str(call.parameters["BackupVaultName"]))
        return None

    def _selection(self, call: Call) -> dict[str, Any]:
        found = self._memory.kept(call, _SELECTION, _selection_name(call))
        if found is None:
            raise AwsError("ResourceNotFoundException", "Cannot find Backup selection with the given ID", 400)
        return found

    def _of_plan(self, call: Call, plan: str) -> list[str]:
        return [name for name in self._memory.names(call, _SELECTION) if name.startswith(f"{plan}/")]

    def _of_vault(self, call: Call, kind: str) -> Answer:
        vault = _vault(call)
        found = self._memory.kept(call, kind, vault.backup_vault_name)
        if found is None:
            message = f"Backup vault {vault.backup_vault_name} has no {kind}"
            raise AwsError("ResourceNotFoundException", message, 400)
        return {"BackupVaultName": vault.backup_vault_name, "BackupVaultArn": vault.backup_vault_arn, **found}


def _selection_name(call: Call) -> str:
    return f"{call.parameters['BackupPlanId']}/{call.parameters['SelectionId']}"

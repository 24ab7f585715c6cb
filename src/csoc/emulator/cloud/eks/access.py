"""Who gets into an EKS cluster, and which roles its pods have: access entries and pod identity associations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloud.eks.common import invalid, page
from csoc.emulator.cloud.eks.facts import ACCESS_ENTRY_TYPES, ACCESS_POLICIES, access_policy_arn
from csoc.emulator.cloud.eks.records import Body, ClusterRecord
from csoc.emulator.iam.documents import parse_policy
from csoc.emulator.timeline import Timeline

_PRINCIPAL = re.compile(r"arn:aws:iam::(?P<account>[0-9]{12}):(?P<kind>role|user)/(?P<name>[\w+=,.@/-]+)")
_NODE_TYPES = {"EC2_LINUX": "system:node:{{EC2PrivateDNSName}}", "EC2_WINDOWS": "system:node:{{EC2PrivateDNSName}}",
               "EC2": "system:node:{{EC2PrivateDNSName}}", "FARGATE_LINUX": "system:node:{{SessionName}}",
               "HYBRID_LINUX": "system:node:{{SessionName}}"}  # fmt: skip


class EksAccess:
    """Operations on access entries, access policies and pod identity. named: a cluster by a call's parameter."""

    def __init__(self, timeline: Timeline, named: Callable[[Call, str], ClusterRecord], ids: Callable[[], str]) -> None:
        self._timeline = timeline
        self._named = named
        self._ids = ids

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "AssociateAccessPolicy": self._associate_policy,
            "CreateAccessEntry": self._create_entry,
            "CreatePodIdentityAssociation": self._create_association,
            "DeleteAccessEntry": self._delete_entry,
            "DeletePodIdentityAssociation": self._delete_association,
            "DescribeAccessEntry": lambda call: {"accessEntry": self._entry(call)[1]},
            "DescribePodIdentityAssociation": lambda call: {"association": self._association(call)[1]},
            "DisassociateAccessPolicy": self._disassociate_policy,
            "ListAccessEntries": self._list_entries,
            "ListAccessPolicies": self._list_policies,
            "ListAssociatedAccessPolicies": self._list_associated,
            "ListPodIdentityAssociations": self._list_associations,
            "UpdateAccessEntry": self._update_entry,
            "UpdatePodIdentityAssociation": self._update_association,
        }

    def admit_creator(self, call: Call, record: ClusterRecord) -> None:
        """Whoever made a cluster is its administrator."""
        principal = record.creator
        if not _PRINCIPAL.fullmatch(principal):
            return
        self._new_entry(call, record, principal, "STANDARD", {})
        self._put_policy(call, record, principal, "AmazonEKSClusterAdminPolicy", {"type": "cluster"})

    # Access entries

    def _api(self, call: Call) -> ClusterRecord:
        record = self._named(call, "clusterName")
        if record.mode == "CONFIG_MAP":
            raise AwsError(
                "InvalidRequestException",
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                "operation.",
                400,
            )
        return record

    def _entry(self, call: Call) -> tuple[ClusterRecord, Body]:
        record, principal = self._api(call), str(call.parameters.get("principalArn", ""))
        if principal not in record.entries:
            raise AwsError(
                "ResourceNotFoundException",
                f"The specified principalArn could not be found. You can view your available access entries with "
                f"'list-access-entries': {principal}",
                404,
            )
        return record, record.entries[principal]

    def _create_entry(self, call: Call) -> Answer:
        record, asked = self._api(call), call.parameters
        principal, kind = str(asked.get("principalArn", "")), str(asked.get("type") or "STANDARD")
        match = _PRINCIPAL.fullmatch(principal)
        if match is None:
            raise invalid("The principalArn parameter format is not valid")
        find = moto_accounts.role if match["kind"] == "role" else moto_accounts.user
        if find(match["account"], principal) is None:
            raise invalid(f"The specified principalArn is invalid: invalid principal: {principal}")
        if principal in record.entries:
            raise AwsError(
                "ResourceInUseException",
                "The specified access entry resource is already in use on this cluster.",
                409,
            )
        if kind not in ACCESS_ENTRY_TYPES:
            raise invalid(f"The type {kind} is not one of {', '.join(ACCESS_ENTRY_TYPES)}")
        if kind != "STANDARD" and (asked.get("kubernetesGroups") or asked.get("username")):
            raise invalid(f"kubernetesGroups and username cannot be set for an access entry of type {kind}")
        _check_names(asked)
        return {"accessEntry": self._new_entry(call, record, principal, kind, asked)}

    def _new_entry(
        self, call: Call, record: ClusterRecord, principal: str, kind: str, asked: Mapping[str, Any]
    ) -> Body:
        match = _PRINCIPAL.fullmatch(principal)
        if match is None:
            raise invalid("The principalArn parameter format is not valid")
        short = match["name"].rpartition("/")[2]
        session = f"arn:aws:sts::{match['account']}:assumed-role/{short}/{{{{SessionName}}}}"
        standard = session if match["kind"] == "role" else principal
        groups = list(asked.get("kubernetesGroups") or ()) if kind == "STANDARD" else ["system:nodes"]
        place = f"{record.name}/{match['kind']}/{match['account']}/{short}/{self._ids()}"
        entry: Body = {
            "clusterName": record.name,
            "principalArn": principal,
            "kubernetesGroups": groups,
            "accessEntryArn": f"arn:aws:eks:{call.region}:{call.account}:access-entry/{place}",
            "createdAt": call.at,
            "modifiedAt": call.at,
            "tags": dict(asked.get("tags") or {}),
            "username": asked.get("username") or _NODE_TYPES.get(kind, standard),
            "type": kind,
        }
        record.entries[principal] = entry
        return entry

    def _update_entry(self, call: Call) -> Answer:
        _, entry = self._entry(call)
        _check_names(call.parameters)
        if call.parameters.get("kubernetesGroups") is not None:
            entry["kubernetesGroups"] = list(call.parameters["kubernetesGroups"])
        if call.parameters.get("username"):
            entry["username"] = call.parameters["username"]
        entry["modifiedAt"] = call.at
        return {"accessEntry": entry}

    def _delete_entry(self, call: Call) -> Answer:
        record, entry = self._entry(call)
        del record.entries[entry["principalArn"]]
        record.policies.pop(entry["principalArn"], None)
        return {}

    def _list_entries(self, call: Call) -> Answer:
        record, policy = self._api(call), call.parameters.get("associatedPolicyArn")
        found = [
            principal
            for principal in sorted(record.entries)
            if not policy or any(one["policyArn"] == policy for one in record.policies.get(principal, ()))
        ]
        return page("accessEntries", found, call)

    # Access policies

    def _list_policies(self, call: Call) -> Answer:
        found = [{"name": name, "arn": access_policy_arn(name)} for name in ACCESS_POLICIES]
        return page("accessPolicies", found, call)

    def _associate_policy(self, call: Call) -> Answer:
        record, entry = self._entry(call)
        arn, scope = str(call.parameters.get("policyArn", "")), dict(call.parameters.get("accessScope") or {})
        name = arn.removeprefix(access_policy_arn(""))
        if name not in ACCESS_POLICIES:
            raise invalid(f"The policyArn parameter format is not valid: {arn}")
        if entry["type"] != "STANDARD":
            raise invalid(f"Access policies cannot be associated with an access entry of type {entry['type']}")
        if scope.get("type") not in ("cluster", "namespace"):
            raise invalid("The access scope's type must be cluster or namespace")
        if (scope["type"] == "namespace") != bool(scope.get("namespaces")):
            raise invalid("Namespaces are given exactly for the scope namespace")
        associated = self._put_policy(call, record, entry["principalArn"], name, scope)
        return {
            "clusterName": record.name, "principalArn": entry["principalArn"], "associatedAccessPolicy": associated,
        }  # fmt: skip

    def _put_policy(self, call: Call, record: ClusterRecord, principal: str, name: str, scope: Body) -> Body:
        associated: Body = {
            "policyArn": access_policy_arn(name),
            "accessScope": {"type": scope["type"], "namespaces": list(scope.get("namespaces") or ())},
            "associatedAt": call.at,
            "modifiedAt": call.at,
        }
        kept = [one for one in record.policies.get(principal, ()) if one["policyArn"] != associated["policyArn"]]
        record.policies[principal] = [*kept, associated]
        return associated

    def _disassociate_policy(self, call: Call) -> Answer:
        record, entry = self._entry(call)
        arn, principal = call.parameters.get("policyArn"), entry["principalArn"]
        kept = [one for one in record.policies.get(principal, ()) if one["policyArn"] != arn]
        if len(kept) == len(record.policies.get(principal, ())):
            raise AwsError("ResourceNotFoundException", f"The policy {arn} is not associated with {principal}", 404)
        record.policies[principal] = kept
        return {}

    def _list_associated(self, call: Call) -> Answer:
        record, entry = self._entry(call)
        found = page("associatedAccessPolicies", record.policies.get(entry["principalArn"], []), call)
        return {"clusterName": record.name, "principalArn": entry["principalArn"], **found}

    # Pod identity

    def for_addon(
        self, call: Call, record: ClusterRecord, addon: Body, asked: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Associations that an addon brings along; returns their ARNs."""
        made = [
            self._associate(
                call, record, addon["namespaceConfig"]["namespace"], one["serviceAccount"], one["roleArn"], {}
            )
            for one in asked
        ]
        for association in made:
            association["ownerArn"] = addon["addonArn"]
        return [association["associationArn"] for association in made]

    def _association(self, call: Call) -> tuple[ClusterRecord, Body]:
        record, name = self._named(call, "clusterName"), str(call.parameters.get("associationId", ""))
        if name not in record.associations:
            raise AwsError("ResourceNotFoundException", f"The pod identity association {name} does not exist", 404)
        return record, record.associations[name]

    def _create_association(self, call: Call) -> Answer:
        record, asked = self._named(call, "clusterName"), call.parameters
        where = str(asked.get("namespace", "")), str(asked.get("serviceAccount", ""))
        return {"association": self._associate(call, record, *where, str(asked.get("roleArn", "")), asked)}

    def _associate(
        self,
        call: Call,
        record: ClusterRecord,
        namespace: str,
        account: str,
        role_arn: str,
        asked: Mapping[str, Any],
    ) -> Body:
        if any(
            (one["namespace"], one["serviceAccount"]) == (namespace, account) for one in record.associations.values()
        ):
            raise AwsError(
                "ResourceInUseException",
                f"Association already exists: {namespace}/{account} in cluster {record.name}",
                409,
            )
        self._check_pod_role(call.account, role_arn)
        name = f"a-{self._ids().replace('-', '')[:17]}"
        association: Body = {
            "clusterName": record.name,
            "namespace": namespace,
            "serviceAccount": account,
            "roleArn": role_arn,
            "associationArn": f"arn:aws:eks:{call.region}:{call.account}:podidentityassociation/{record.name}/{name}",
            "associationId": name,
            "tags": dict(asked.get("tags") or {}),
            "createdAt": call.at,
            "modifiedAt": call.at,
            "disableSessionTags": bool(asked.get("disableSessionTags")),
        }
        record.associations[name] = association
        return association

    @staticmethod
    def _check_pod_role(account: str, arn: str) -> None:
        role = moto_accounts.role(account, arn)
        if role is None:
            raise invalid(f"Role provided in the request does not exist: {arn}")
        actions = {
            action.lower()
            for statement in parse_policy(role.trust or {}).statements
            if statement.allow and "pods.eks.amazonaws.com" in (statement.principals or {}).get("Service", ())
            for action in statement.actions
        }
        if not {"sts:assumerole", "sts:tagsession"} <= actions and "sts:*" not in actions:
            raise invalid("Trust policy of role provided in the request must allow pods.eks.amazonaws.com to "
                           "sts:AssumeRole and sts:TagSession")  # fmt: skip

    def _update_association(self, call: Call) -> Answer:
        _, association = self._association(call)
        if call.parameters.get("roleArn"):
            self._check_pod_role(call.account, str(call.parameters["roleArn"]))
            association["roleArn"] = call.parameters["roleArn"]
        if call.parameters.get("disableSessionTags") is not None:
            association["disableSessionTags"] = bool(call.parameters["disableSessionTags"])
        association["modifiedAt"] = call.at
        return {"association": association}

    def _delete_association(self, call: Call) -> Answer:
        record, association = self._association(call)
        del record.associations[association["associationId"]]
        return {"association": association}

    def _list_associations(self, call: Call) -> Answer:
        record, asked = self._named(call, "clusterName"), call.parameters
        shown = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")
        found = [
            {name: one[name] for name in shown if name in one}
            for one in record.associations.values()
            if asked.get("namespace") in (None, one["namespace"])
            and asked.get("serviceAccount") in (None, one["serviceAccount"])
        ]
        return page("associations", found, call)


def _check_names(asked: Mapping[str, Any]) -> None:
    for group in asked.get("kubernetesGroups") or ():
        if str(group).startswith(("system:", "eks:", "aws:", "amazon:", "iam:")):
            raise invalid(f"The kubernetes group name {group} is invalid, it cannot start with system:")
    if str(asked.get("username") or "").startswith(("system:", "eks:", "aws:", "amazon:", "iam:")):
        raise invalid(f"The username {asked['username']} is invalid, it cannot start with system:")

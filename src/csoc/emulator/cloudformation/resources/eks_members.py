"""What belongs to a cluster of EKS: node groups, add-ons, who may enter, which role a pod has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change
from csoc.emulator.cloudformation.resources.eks import LONGEST_NAME, Eks
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import call, short_name, unless_gone


def _taint(taint: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return taint.get("Key"), taint.get("Value", ""), taint.get("Effect")


class Nodegroup(Eks):
    """AWS::EKS::Nodegroup. Its id is "cluster/name"."""

    type_name = "AWS::EKS::Nodegroup"
    create_call = "create_nodegroup"
    describe_call, answer, delete_call = "describe_nodegroup", "nodegroup", "delete_nodegroup"
    arn = "nodegroupArn"
    takes = (
        "AmiType", "CapacityType", "ClusterName", "DiskSize", "InstanceTypes", "Labels", "LaunchTemplate",
        "NodeRole", "NodegroupName", "ReleaseVersion", "ScalingConfig", "Subnets", "Taints", "UpdateConfig", "Version",
    )  # fmt: skip
    also = ("ForceUpdateEnabled",)
    unread = ("ForceUpdateEnabled",)
    attributes = {
        "Arn": "nodegroupArn",
        "ClusterName": "clusterName",
        "Id": "",
        "NodegroupName": "nodegroupName",
    }

    def named(self, physical_id: str) -> dict[str, str]:
        cluster, _, name = physical_id.partition("/")
        return {"clusterName": cluster, "nodegroupName": name}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found = {"NodegroupName": short_name(context, LONGEST_NAME), **super().parameters(context, properties)}
        return {**found, "clientRequestToken": context.token}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        found = call(client, self.create_call, given)["nodegroup"]
        return f"{found['clusterName']}/{found['nodegroupName']}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        configured = left & {"Labels", "ScalingConfig", "Taints", "UpdateConfig"}
        versioned = left & {"LaunchTemplate", "ReleaseVersion", "Version"}
        if configured and versioned:
            raise ResourceError(
                "Version updates are made alone, without other changes of the node group: change "
                f"{', '.join(sorted(versioned))} and {', '.join(sorted(configured))} one after the other",
                "InvalidRequest",
            )
        if configured:
            call(
                client, "update_nodegroup_config", {**self.named(physical_id), **_configured(configured, before, after)}
            )
        if versioned:
            force = {"force": after["ForceUpdateEnabled"]} if "ForceUpdateEnabled" in after else {}
            given = {name: after[name] for name in versioned if name in after}
            call(client, "update_nodegroup_version", {**self.named(physical_id), **given, **force})
        return {*configured, *versioned, "ForceUpdateEnabled"}

    def template_tags(self, tags: Mapping[str, str]) -> Any:
        return dict(tags)


def _configured(changed: set[str] | frozenset[str], before: Properties, after: Properties) -> dict[str, Any]:
    """Parameters of update_nodegroup_config: labels and taints are given as differences."""
    given = {name: after[name] for name in changed & {"ScalingConfig", "UpdateConfig"} if name in after}
    if "Labels" in changed:
        old, new = before.get("Labels") or {}, after.get("Labels") or {}
        gone = [key for key in old if key not in new]
        added = {key: value for key, value in new.items() if old.get(key) != value}
        given["labels"] = {
            **({"addOrUpdateLabels": added} if added else {}),
            **({"removeLabels": gone} if gone else {}),
        }
    if "Taints" in changed:
        old, new = before.get("Taints") or [], after.get("Taints") or []
        known = {_taint(one) for one in new}
        given["taints"] = {"addOrUpdateTaints": new} if new else {}
        if removed := [one for one in old if _taint(one) not in known]:
            given["taints"]["removeTaints"] = removed
    return given


class Addon(Eks):
    """AWS::EKS::Addon. Its id is "cluster|name"."""

    type_name = "AWS::EKS::Addon"
    create_call = "create_addon"
    describe_call, answer, delete_call = "describe_addon", "addon", "delete_addon"
    arn = "addonArn"
    failed = ("CREATE_FAILED", "DEGRADED", "DELETE_FAILED")
    takes = (
        "AddonName", "AddonVersion", "ClusterName", "ConfigurationValues", "PodIdentityAssociations",
        "ResolveConflicts", "ServiceAccountRoleArn",
    )  # fmt: skip
    also = ("PreserveOnDelete",)
    unread = ("PodIdentityAssociations", "PreserveOnDelete", "ResolveConflicts")
    attributes = {"Arn": "addonArn"}

    def named(self, physical_id: str) -> dict[str, str]:
        cluster, _, name = physical_id.partition("|")
        return {"clusterName": cluster, "addonName": name}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {**super().parameters(context, properties), "clientRequestToken": context.token}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        call(client, self.create_call, given)
        return f"{properties['ClusterName']}|{properties['AddonName']}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        names = {"AddonVersion", "ConfigurationValues", "PodIdentityAssociations", "ServiceAccountRoleArn"}
        if left & names:
            given = {name: after[name] for name in (*sorted(names), "ResolveConflicts") if name in after}
            call(client, "update_addon", {**self.named(physical_id), **given})
        return {*(left & names), "ResolveConflicts", "PreserveOnDelete"}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        given: dict[str, Any] = {**self.named(physical_id)}
        if "PreserveOnDelete" in properties:
            given["preserve"] = properties["PreserveOnDelete"]
        unless_gone(lambda: call(client, self.delete_call, given))


class AccessEntry(Eks):
    """AWS::EKS::AccessEntry with its policies. Its id is "principal|cluster"."""

    type_name = "AWS::EKS::AccessEntry"
    create_call = "create_access_entry"
    describe_call, answer, delete_call = "describe_access_entry", "accessEntry", "delete_access_entry"
    arn = "accessEntryArn"
    takes = ("ClusterName", "KubernetesGroups", "PrincipalArn", "Type", "Username")
    afterwards = ("AccessPolicies",)
    attributes = {"AccessEntryArn": "accessEntryArn"}
    changes = (
        Change(
            ("KubernetesGroups", "Username"),
            "update_access_entry",
            lambda physical_id, wanted: {
                "principalArn": physical_id.rpartition("|")[0],
                "clusterName": physical_id.rpartition("|")[2],
                "kubernetesGroups": wanted.get("KubernetesGroups") or [],
                **({"username": wanted["Username"]} if "Username" in wanted else {}),
            },
        ),
    )

    def named(self, physical_id: str) -> dict[str, str]:
        principal, _, cluster = physical_id.rpartition("|")
        return {"principalArn": principal, "clusterName": cluster}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        call(client, self.create_call, given)
        return f"{properties['PrincipalArn']}|{properties['ClusterName']}"

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        was, wanted = before.get("AccessPolicies") or [], after.get("AccessPolicies") or []
        kept = {one["PolicyArn"] for one in wanted}
        for policy in was:
            if policy["PolicyArn"] not in kept:
                client.disassociate_access_policy(**self.named(physical_id), policyArn=policy["PolicyArn"])
        for policy in [one for one in wanted if one not in was]:
            call(client, "associate_access_policy", {**self.named(physical_id), **policy})

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        policies = client.list_associated_access_policies(**self.named(physical_id))["associatedAccessPolicies"]
        return {"AccessPolicies": policies or None}


class PodIdentityAssociation(Eks):
    """AWS::EKS::PodIdentityAssociation. Its id is its ARN."""

    type_name = "AWS::EKS::PodIdentityAssociation"
    create_call, id_path = "create_pod_identity_association", "association.associationArn"
    describe_call, answer = "describe_pod_identity_association", "association"
    delete_call = "delete_pod_identity_association"
    arn = "associationArn"
    takes = ("ClusterName", "DisableSessionTags", "Namespace", "RoleArn", "ServiceAccount", "TargetRoleArn")
    attributes = {"AssociationArn": "associationArn", "AssociationId": "associationId", "ExternalId": "externalId"}
    changes = (
        Change(
            ("DisableSessionTags", "RoleArn", "TargetRoleArn"),
            "update_pod_identity_association",
            lambda arn, wanted: {
                **_of_association(arn),
                **{name: wanted[name] for name in ("DisableSessionTags", "RoleArn", "TargetRoleArn") if name in wanted},
            },
        ),
    )

    def named(self, physical_id: str) -> dict[str, str]:
        return _of_association(physical_id)

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {**super().parameters(context, properties), "clientRequestToken": context.token}


def _of_association(arn: str) -> dict[str, str]:
    """arn:aws:eks:REGION:ACCOUNT:podidentityassociation/CLUSTER/ID."""
    _, cluster, association = arn.rsplit("/", 2)
    return {"clusterName": cluster, "associationId": association}


HANDLERS: tuple[Handler, ...] = (
    Nodegroup(),
    Addon(),
    AccessEntry(),
    PodIdentityAssociation(),
)

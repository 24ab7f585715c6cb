"""Addons of EKS clusters, and which versions of them a Kubernetes version takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloud.eks.access import EksAccess
from csoc.emulator.cloud.eks.common import Shared, check_active, check_role, in_use, invalid, page
from csoc.emulator.cloud.eks.facts import ADDONS, VERSIONS, Addon
from csoc.emulator.cloud.eks.records import Body, ClusterRecord


class EksAddons:
    """Operations on addons. access: for the pod identity that an addon brings along."""

    def __init__(self, shared: Shared, access: EksAccess) -> None:
        self._shared = shared
        self._access = access

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "CreateAddon": self._create_addon,
            "DeleteAddon": self._delete_addon,
            "DescribeAddon": self._describe_addon,
            "DescribeAddonVersions": self._describe_addon_versions,
            "ListAddons": self._list_addons,
            "UpdateAddon": self._update_addon,
        }

    def _addon(self, call: Call) -> tuple[ClusterRecord, Body]:
        record, name = self._shared.named(call, "clusterName"), str(call.parameters.get("addonName", ""))
        if name not in record.addons:
            raise AwsError("ResourceNotFoundException", f"No addon: {name} found in cluster: {record.name}", 404)
        return record, record.addons[name]

    def _create_addon(self, call: Call) -> Answer:
        record, asked = self._shared.active(call, "clusterName"), call.parameters
        name = str(asked.get("addonName", ""))
        if name in record.addons:
            raise in_use(f"Addon already exists.: {name}", record)
        version = _addon_version(name, record.body["version"], asked.get("addonVersion"))
        if asked.get("serviceAccountRoleArn"):
            check_role(call.account, str(asked["serviceAccountRoleArn"]), "")
        body: Body = {
            "addonName": name,
            "clusterName": record.name,
            "status": "CREATING",
            "addonVersion": version,
            "health": {"issues": []},
            "addonArn": f"arn:aws:eks:{call.region}:{call.account}:addon/{record.name}/{name}/{self._shared.ids()}",
            "createdAt": call.at,
            "modifiedAt": call.at,
            "tags": dict(asked.get("tags") or {}),
            "publisher": "eks",
            "owner": "aws",
            "namespaceConfig": {"namespace": ADDONS[name].namespace},
        }
        for key in ("serviceAccountRoleArn", "configurationValues"):
            if asked.get(key):
                body[key] = asked[key]
        if asked.get("podIdentityAssociations"):
            body["podIdentityAssociations"] = self._access.for_addon(
                call, record, body, asked["podIdentityAssociations"]
            )
        record.addons[name] = body
        self._shared.wait(call.account, call.region, record, "addon", name, "CREATING")
        return {"addon": body}

    def _describe_addon(self, call: Call) -> Answer:
        return {"addon": self._addon(call)[1]}

    def _list_addons(self, call: Call) -> Answer:
        return page("addons", sorted(self._shared.named(call, "clusterName").addons), call)

    def _update_addon(self, call: Call) -> Answer:
        record, body = self._addon(call)
        check_active(body, record)
        asked = call.parameters
        if asked.get("addonVersion"):
            body["addonVersion"] = _addon_version(body["addonName"], record.body["version"], asked["addonVersion"])
        for key in ("serviceAccountRoleArn", "configurationValues"):
            if asked.get(key) is not None:
                body[key] = asked[key]
        params = [{"type": "AddonVersion", "value": body["addonVersion"]}]
        return {"update": self._shared.updating(call, record, "addon", body["addonName"], "AddonUpdate", params)}

    def _delete_addon(self, call: Call) -> Answer:
        record, body = self._addon(call)
        if body["status"] != "DELETING":
            body["status"] = "DELETING"
            self._shared.wait(call.account, call.region, record, "addon", body["addonName"], "DELETING")
        return {"addon": body}

    def _describe_addon_versions(self, call: Call) -> Answer:
        asked = call.parameters
        if asked.get("addonName") and asked["addonName"] not in ADDONS:
            raise invalid(f"Addon {asked['addonName']} specified is not supported")
        versions = [asked["kubernetesVersion"]] if asked.get("kubernetesVersion") else list(VERSIONS)
        found = [
            _addon_info(one, versions)
            for one in ADDONS.values()
            if asked.get("addonName") in (None, one.name)
            and (not asked.get("types") or one.kind in asked["types"])
            and (not asked.get("owners") or "aws" in asked["owners"])
            and (not asked.get("publishers") or "eks" in asked["publishers"])
        ]
        return page("addons", found, call)


def _addon_version(name: str, kubernetes: str, wanted: Any) -> str:
    addon = ADDONS.get(name)
    if addon is None:
        raise invalid(f"Addon {name} specified is not supported; the emulator offers {', '.join(ADDONS)}")
    offered = addon.for_cluster(kubernetes)
    if wanted and wanted not in offered:
        raise invalid(f"Addon version specified is not supported: {name} {wanted} on Kubernetes {kubernetes}")
    return str(wanted or offered[0])


def _addon_info(addon: Addon, kubernetes: Sequence[str]) -> Body:
    compatible: dict[str, list[Body]] = {}
    for version in kubernetes:
        for place, one in enumerate(addon.for_cluster(version)):
            compatible.setdefault(one, []).append(
                {"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": place == 0}
            )
    versions = [
        {
            "addonVersion": one, "architecture": ["amd64", "arm64"], "computeTypes": ["ec2"], "compatibilities": where,
            "requiresConfiguration": False, "requiresIamPermissions": addon.needs_role,
        }
        for one, where in compatible.items()
    ]  # fmt: skip
    return {
        "addonName": addon.name, "type": addon.kind, "addonVersions": versions, "publisher": "eks", "owner": "aws",
        "defaultNamespace": addon.namespace,
    }  # fmt: skip

"""Nodegroups of EKS clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloud import moto_resources
from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloud.eks.common import Shared, check_active, check_role, in_use, invalid, page
from csoc.emulator.cloud.eks.facts import VERSIONS
from csoc.emulator.cloud.eks.records import Body, ClusterRecord


class EksNodes:
    """Operations on nodegroups."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "CreateNodegroup": self._create_nodegroup,
            "DeleteNodegroup": self._delete_nodegroup,
            "DescribeNodegroup": self._describe_nodegroup,
            "ListNodegroups": self._list_nodegroups,
            "UpdateNodegroupConfig": self._update_nodegroup_config,
            "UpdateNodegroupVersion": self._update_nodegroup_version,
        }

    def _create_nodegroup(self, call: Call) -> Answer:
        record, asked = self._shared.active(call, "clusterName"), call.parameters
        name = str(asked.get("nodegroupName", ""))
        if name in record.nodegroups:
            raise in_use(f"NodeGroup already exists with name {name} and cluster name {record.name}", record)
        check_role(call.account, str(asked.get("nodeRole", "")), "ec2.amazonaws.com")
        missing = [
            one for one in asked.get("subnets", ()) if moto_resources.subnet(call.account, call.region, one) is None
        ]
        if missing or not asked.get("subnets"):
            raise invalid(f"The subnet ID '{missing[0] if missing else ''}' does not exist")
        version = str(asked.get("version") or record.body["version"])
        if int(version.split(".")[1]) > int(record.body["version"].split(".")[1]):
            raise invalid(f"Nodegroup version {version} is newer than the cluster's {record.body['version']}")
        scaling = {"minSize": 1, "maxSize": 2, "desiredSize": 2, **(asked.get("scalingConfig") or {})}
        _check_scaling(scaling)
        template = asked.get("launchTemplate")
        place = f"nodegroup/{record.name}/{name}/{self._shared.ids()}"
        body: Body = {
            "nodegroupName": name,
            "nodegroupArn": f"arn:aws:eks:{call.region}:{call.account}:{place}",
            "clusterName": record.name,
            "version": version,
            "releaseVersion": asked.get("releaseVersion") or f"{VERSIONS[version].patch}-20251016",
            "createdAt": call.at,
            "modifiedAt": call.at,
            "status": "CREATING",
            "capacityType": asked.get("capacityType") or "ON_DEMAND",
            "scalingConfig": scaling,
            "instanceTypes": list(asked.get("instanceTypes") or ([] if template else ["t3.medium"])),
            "subnets": list(asked["subnets"]),
            "amiType": asked.get("amiType") or "AL2023_x86_64_STANDARD",
            "nodeRole": asked["nodeRole"],
            "labels": dict(asked.get("labels") or {}),
            "taints": list(asked.get("taints") or ()),
            "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{self._shared.ids()}"}]},
            "health": {"issues": []},
            "updateConfig": dict(asked.get("updateConfig") or {"maxUnavailable": 1}),
            "tags": dict(asked.get("tags") or {}),
        }
        body |= {"launchTemplate": template} if template else {"diskSize": asked.get("diskSize") or 20}
        record.nodegroups[name] = body
        self._shared.wait(call.account, call.region, record, "nodegroup", name, "CREATING")
        return {"nodegroup": body}

    def _nodegroup(self, call: Call) -> tuple[ClusterRecord, Body]:
        record, name = self._shared.named(call, "clusterName"), str(call.parameters.get("nodegroupName", ""))
        if name not in record.nodegroups:
            raise AwsError("ResourceNotFoundException", f"No node group found for name: {name}.", 404)
        return record, record.nodegroups[name]

    def _describe_nodegroup(self, call: Call) -> Answer:
        return {"nodegroup": self._nodegroup(call)[1]}

    def _list_nodegroups(self, call: Call) -> Answer:
        return page("nodegroups", sorted(self._shared.named(call, "clusterName").nodegroups), call)

    def _delete_nodegroup(self, call: Call) -> Answer:
        record, body = self._nodegroup(call)
        if body["status"] != "DELETING":
            body["status"] = "DELETING"
            self._shared.wait(call.account, call.region, record, "nodegroup", body["nodegroupName"], "DELETING")
        return {"nodegroup": body}

    def _update_nodegroup_config(self, call: Call) -> Answer:
        record, body = self._nodegroup(call)
        check_active(body, record)
        asked = call.parameters
        if asked.get("scalingConfig"):
            scaling = {**body["scalingConfig"], **asked["scalingConfig"]}
            _check_scaling(scaling)
            body["scalingConfig"] = scaling
        labels = asked.get("labels") or {}
        body["labels"] = {**body["labels"], **labels.get("addOrUpdateLabels", {})}
        for name in labels.get("removeLabels", ()):
            body["labels"].pop(name, None)
        taints = asked.get("taints") or {}
        gone = [(one.get("key"), one.get("effect")) for one in
                (*taints.get("removeTaints", ()), *taints.get("addOrUpdateTaints", ()))]  # fmt: skip
        kept = [one for one in body["taints"] if (one.get("key"), one.get("effect")) not in gone]
        body["taints"] = [*kept, *taints.get("addOrUpdateTaints", ())]
        body["updateConfig"] = dict(asked.get("updateConfig") or body["updateConfig"])
        params = [{"type": name, "value": str(value)} for name, value in body["scalingConfig"].items()]
        return {
            "update": self._shared.updating(call, record, "nodegroup", body["nodegroupName"], "ConfigUpdate", params)
        }

    def _update_nodegroup_version(self, call: Call) -> Answer:
        record, body = self._nodegroup(call)
        check_active(body, record)
        wanted = str(call.parameters.get("version") or record.body["version"])
        if int(wanted.split(".")[1]) > int(record.body["version"].split(".")[1]):
            raise invalid(f"Nodegroup version {wanted} is newer than the cluster's {record.body['version']}")
        release = str(call.parameters.get("releaseVersion") or f"{VERSIONS[wanted].patch}-20251016")
        params = [{"type": "Version", "value": wanted}, {"type": "ReleaseVersion", "value": release}]
        return {
            "update": self._shared.updating(call, record, "nodegroup", body["nodegroupName"], "VersionUpdate", params)
        }


def _check_scaling(scaling: Mapping[str, Any]) -> None:
    if not 0 <= scaling["minSize"] <= scaling["desiredSize"] <= scaling["maxSize"] or scaling["maxSize"] < 1:
        raise invalid(
            f"Minimum capacity {scaling['minSize']} can't be greater than desired size {scaling['desiredSize']}, "
            f"which can't be greater than maximum capacity {scaling['maxSize']}"
        )

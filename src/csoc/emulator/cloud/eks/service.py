"""The Elastic Kubernetes Service: clusters, nodes, addons, and who gets in.

moto's lacks access entries, addons, pod identity and insights, and its clusters are there at once and answer nothing.
Here statuses take their time, and an active cluster is one that speaks the Kubernetes API.
Source: Amazon EKS API reference, with its errors; Amazon EKS User Guide.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.eks.access import EksAccess
from csoc.emulator.cloud.eks.addons import EksAddons
from csoc.emulator.cloud.eks.common import (
    Shared,
    as_request,
    check_active,
    check_role,
    in_use,
    invalid,
    logging_of,
    network,
    page,
)
from csoc.emulator.cloud.eks.facts import DEFAULT_VERSION, SECONDS, VERSIONS
from csoc.emulator.cloud.eks.insights import EksInsights
from csoc.emulator.cloud.eks.nodes import EksNodes
from csoc.emulator.cloud.eks.records import Body, ClusterMaker, ClusterRecord, ClusterUser
from csoc.emulator.cloud.eks.tokens import identity_of, user_of
from csoc.emulator.timeline import Timeline

_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")


class Eks:
    """Operations of EKS. maker: of the clusters behind it. ids: makes unique ids."""

    name = "eks"

    def __init__(
        self, timeline: Timeline, credentials: Credentials, maker: ClusterMaker, ids: Callable[[], str]
    ) -> None:
        self._timeline = timeline
        self._credentials = credentials
        self._maker = maker
        self._ids = ids
        self._clusters: dict[tuple[str, str], dict[str, ClusterRecord]] = {}
        self._lock = threading.RLock()
        shared = Shared(self._named, self._active, self._wait, self._updating, ids)
        self._access = EksAccess(timeline, self._named, ids)
        self._nodes = EksNodes(shared)
        self._addons = EksAddons(shared, self._access)
        self._insights = EksInsights(timeline, self._named)

    @property
    def operations(self) -> Mapping[str, Operation]:
        own = {
            "CreateCluster": self._create_cluster,
            "DeleteCluster": self._delete_cluster,
            "DescribeCluster": self._describe_cluster,
            "DescribeUpdate": self._describe_update,
            "ListClusters": self._list_clusters,
            "ListTagsForResource": self._list_tags,
            "ListUpdates": self._list_updates,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateClusterConfig": self._update_cluster_config,
            "UpdateClusterVersion": self._update_cluster_version,
            **self._access.operations,
            **self._nodes.operations,
            **self._addons.operations,
            **self._insights.operations,
        }
        return {name: self._locked(operation) for name, operation in own.items()}

    def _locked(self, operation: Operation) -> Operation:
        def run(call: Call) -> Answer:
            with self._lock:
                return operation(call)

        return run

    def authenticate(self, account: str, region: str, name: str, token: str) -> ClusterUser | None:
        """The user that a bearer token stands for in a cluster; None for nobody."""
        identity = identity_of(token, name, self._credentials, self._timeline.now())
        with self._lock:
            record = self._clusters.get((account, region), {}).get(name)
        if identity is None or record is None:
            return None
        # Outside of the lock: what people wrote into the cluster may take time to read.
        return user_of(identity, record, lambda: self._maker.config_map(record.id))

    def issuer_keys(self, issuer: str) -> Mapping[str, Any] | None:
        """The key set of a cluster's issuer; None if no cluster has it."""
        with self._lock:
            for records in self._clusters.values():
                for record in records.values():
                    if record.body["identity"]["oidc"]["issuer"] == issuer and record.body["status"] != "CREATING":
                        return self._maker.issuer_keys(record.id)
        return None

    def found(self, cluster_id: str) -> tuple[str, str, ClusterRecord] | None:
        """The account, the region and the record of a cluster by the id that its maker knows; None if it is gone."""
        with self._lock:
            for (account, region), records in self._clusters.items():
                for record in records.values():
                    if record.id == cluster_id:
                        return account, region, record
        return None

    def tags(self, arn: str) -> Mapping[str, str] | None:
        """Tags of a cluster or of what belongs to one; None if the ARN is not of EKS."""
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] != "eks":
            return None
        with self._lock:
            for record in self._clusters.get((parts[4], parts[3]), {}).values():
                found = record.tagged().get(arn)
                if found is not None:
                    return dict(found.get("tags", {}))
        return {}

    def kept(self) -> Any:
        """What survives a restart."""
        with self._lock:
            return self._clusters

    def restore(self, clusters: Any) -> None:
        """Takes what was kept; what was under way begins its waiting anew."""
        with self._lock:
            self._clusters = clusters
            for (account, region), records in clusters.items():
                for record in list(records.values()):
                    self._resume(account, region, record)

    # Clusters

    def _create_cluster(self, call: Call) -> Answer:
        asked = call.parameters
        name = str(asked.get("name", ""))
        records = self._clusters.setdefault((call.account, call.region), {})
        if not _NAME.fullmatch(name):
            raise invalid(f"The name {name!r} must match {_NAME.pattern}")
        existing = records.get(name)
        if existing is not None:
            if (
                asked.get("clientRequestToken")
                and existing.body.get("clientRequestToken") == asked["clientRequestToken"]
            ):
                return {"cluster": _shown(existing)}
            raise AwsError("ResourceInUseException", f"Cluster already exists with name: {name}", 409)
        for parameter in ("outpostConfig", "computeConfig", "remoteNetworkConfig", "storageConfig"):
            if asked.get(parameter):
                raise invalid(f"The emulator offers no {parameter}")
        version = str(asked.get("version") or DEFAULT_VERSION)
        self._check_version(version)
        check_role(call.account, str(asked.get("roleArn", "")), "eks.amazonaws.com")
        record = self._new_record(call, name, version)
        records[name] = record
        self._wait(call.account, call.region, record, "cluster", name, "CREATING")
        return {"cluster": _shown(record)}

    def _new_record(self, call: Call, name: str, version: str) -> ClusterRecord:
        asked, identifier = call.parameters, self._ids().replace("-", "").upper()[:32]
        access = dict(asked.get("accessConfig") or {})
        access.setdefault("authenticationMode", "CONFIG_MAP")
        creator_is_admin = access.pop("bootstrapClusterCreatorAdminPermissions", True)
        if not creator_is_admin and access["authenticationMode"] == "CONFIG_MAP":
            raise invalid("bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set "
                          "to CONFIG_MAP")  # fmt: skip
        body: Body = {
            "name": name,
            "arn": f"arn:aws:eks:{call.region}:{call.account}:cluster/{name}",
            "createdAt": call.at,
            "version": version,
            "roleArn": asked["roleArn"],
            "resourcesVpcConfig": network(call, asked.get("resourcesVpcConfig") or {}),
            "kubernetesNetworkConfig": {
                "serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4", **(asked.get("kubernetesNetworkConfig") or {}),
            },
            "logging": logging_of(asked.get("logging") or {}, {}),
            "identity": {"oidc": {"issuer": f"https://oidc.eks.{call.region}.amazonaws.com/id/{identifier}"}},
            "status": "CREATING",
            "certificateAuthority": {},
            "clientRequestToken": asked.get("clientRequestToken"),
            "platformVersion": "eks.1",
            "tags": dict(asked.get("tags") or {}),
            "encryptionConfig": list(asked.get("encryptionConfig") or ()),
            "health": {"issues": []},
            "accessConfig": access,
            "upgradePolicy": dict(asked.get("upgradePolicy") or {"supportType": "EXTENDED"}),
            "zonalShiftConfig": dict(asked.get("zonalShiftConfig") or {"enabled": False}),
            "deletionProtection": bool(asked.get("deletionProtection")),
        }  # fmt: skip
        record = ClusterRecord(body, f"{call.account}-{call.region}-{identifier}".lower(), call.identity.principal)
        if creator_is_admin and record.mode != "CONFIG_MAP":
            self._access.admit_creator(call, record)
        if asked.get("bootstrapSelfManagedAddons") is False:
            body["bootstrapSelfManagedAddons"] = False
        return record

    def _describe_cluster(self, call: Call) -> Answer:
        return {"cluster": _shown(self._named(call, "name"))}

    def _list_clusters(self, call: Call) -> Answer:
        names = sorted(self._clusters.get((call.account, call.region), {}))
        return page("clusters", names, call)

    def _delete_cluster(self, call: Call) -> Answer:
        record = self._named(call, "name")
        if record.nodegroups:
            raise in_use("Cluster has nodegroups attached", record)
        if record.body["deletionProtection"]:
            raise AwsError("InvalidRequestException", "The cluster has deletion protection enabled", 400)
        if record.body["status"] in ("CREATING", "UPDATING"):
            raise in_use(f"Cluster is in {record.body['status']} state", record)
        if record.body["status"] != "DELETING":
            record.body["status"] = "DELETING"
            self._wait(call.account, call.region, record, "cluster", record.name, "DELETING")
        return {"cluster": _shown(record)}

    def _update_cluster_config(self, call: Call) -> Answer:
        record, asked = self._active(call, "name"), call.parameters
        kinds = {
            "resourcesVpcConfig": "EndpointAccessUpdate", "logging": "LoggingUpdate",
            "accessConfig": "AccessConfigUpdate", "upgradePolicy": "UpgradePolicyUpdate",
            "zonalShiftConfig": "ZonalShiftConfigUpdate",
            "deletionProtection": "DeletionProtectionUpdate",
        }  # fmt: skip
        given = [name for name in kinds if asked.get(name) is not None]
        others = [name for name in asked if name not in kinds and name not in ("name", "clientRequestToken")]
        if others:
            raise invalid(f"The emulator does not change {others[0]}")
        if len(given) != 1:
            raise invalid("Only one type of update can be allowed.")
        kind, value = given[0], asked[given[0]]
        params = [{"type": "ClusterLogging" if kind == "logging" else kind[0].upper() + kind[1:], "value": str(value)}]
        if kind == "resourcesVpcConfig":
            changed = {**as_request(record.body[kind]), **value}
            if changed == as_request(record.body[kind]):
                raise invalid("Cluster is already at the desired configuration with endpointAccess")
            record.body[kind] = network(call, changed)
            params = [{"type": name[0].upper() + name[1:], "value": str(one)} for name, one in value.items()]
        elif kind == "logging":
            record.body[kind] = logging_of(value, record.body[kind])
        elif kind == "accessConfig":
            self._change_mode(call, record, str(value.get("authenticationMode", "")))
        elif kind == "deletionProtection":
            record.body[kind] = bool(value)
        else:
            record.body[kind] = dict(value)
        return {"update": self._updating(call, record, "cluster", record.name, kinds[kind], params)}

    def _change_mode(self, call: Call, record: ClusterRecord, mode: str) -> None:
        order = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
        if mode not in order or order.index(mode) < order.index(record.mode):
            raise invalid(f"Unsupported authentication mode update from {record.mode} to {mode}")
        if record.mode == "CONFIG_MAP" and mode != "CONFIG_MAP" and record.creator not in record.entries:
            self._access.admit_creator(call, record)  # as EKS does, so that nobody is locked out
        record.body["accessConfig"] = {**record.body["accessConfig"], "authenticationMode": mode}

    def _update_cluster_version(self, call: Call) -> Answer:
        record, wanted = self._active(call, "name"), str(call.parameters.get("version", ""))
        self._check_version(wanted)
        minor, current = int(wanted.split(".")[1]), int(record.body["version"].split(".")[1])
        if minor != current + 1:
            raise invalid(f"Unsupported Kubernetes minor version update from {record.body['version']} to {wanted}")
        old = [body for body in record.nodegroups.values() if minor - int(body["version"].split(".")[1]) > 3]
        if old:
            raise AwsError(
                "InvalidRequestException", f"Nodegroup {old[0]['nodegroupName']} is too old for {wanted}", 400
            )
        params = [{"type": "Version", "value": wanted}, {"type": "PlatformVersion", "value": "eks.1"}]
        return {"update": self._updating(call, record, "version", record.name, "VersionUpdate", params)}

    def _check_version(self, version: str) -> None:
        known = VERSIONS.get(version)
        if known is None or known.status(self._timeline.now()) == "UNSUPPORTED":
            raise invalid(f"unsupported Kubernetes version {version}")

    # Updates, tags

    def _updating(
        self,
        call: Call,
        record: ClusterRecord,
        kind: str,
        name: str,
        type_name: str,
        params: Sequence[Mapping[str, str]],
    ) -> Body:
        update: Body = {
            "id": self._ids(), "status": "InProgress", "type": type_name, "params": list(params),
            "createdAt": call.at, "errors": [],
        }  # fmt: skip
        record.updates.append(("cluster" if kind == "version" else kind, name, update))
        _body_of(record, kind, name)["status"] = "UPDATING"
        self._wait(call.account, call.region, record, kind, name, "UPDATING")
        return update

    def _list_updates(self, call: Call) -> Answer:
        return page("updateIds", [update["id"] for update in self._updates(call)], call)

    def _describe_update(self, call: Call) -> Answer:
        wanted = call.parameters.get("updateId")
        for update in self._updates(call):
            if update["id"] == wanted:
                return {"update": update}
        raise AwsError("ResourceNotFoundException", f"No update found for ID: {wanted}", 404)

    def _updates(self, call: Call) -> list[Body]:
        record, asked = self._named(call, "name"), call.parameters
        kind, name = "cluster", record.name
        for parameter, other in (("nodegroupName", "nodegroup"), ("addonName", "addon")):
            if asked.get(parameter):
                kind, name = other, str(asked[parameter])
        return [update for one, of, update in record.updates if (one, of) == (kind, name)]

    def _tagged(self, call: Call) -> Body:
        arn = str(call.parameters.get("resourceArn", ""))
        for record in self._clusters.get((call.account, call.region), {}).values():
            found = record.tagged().get(arn)
            if found is not None:
                return found
        raise AwsError("NotFoundException", f"No resource found for {arn}", 404)

    def _list_tags(self, call: Call) -> Answer:
        return {"tags": self._tagged(call).get("tags", {})}

    def _tag(self, call: Call) -> Answer:
        found = self._tagged(call)
        found["tags"] = {**found.get("tags", {}), **call.parameters.get("tags", {})}
        return {}

    def _untag(self, call: Call) -> Answer:
        found = self._tagged(call)
        gone = set(call.parameters.get("tagKeys", ()))
        found["tags"] = {name: value for name, value in found.get("tags", {}).items() if name not in gone}
        return {}

    # Time

    def _wait(self, account: str, region: str, record: ClusterRecord, kind: str, name: str, status: str) -> None:
        def done() -> None:
            with self._lock:
                if self._clusters.get((account, region), {}).get(record.name) is record:
                    self._settle(account, region, record, kind, name, status)

        self._timeline.later(SECONDS[kind, status], done)

    def _settle(self, account: str, region: str, record: ClusterRecord, kind: str, name: str, status: str) -> None:
        """What was under way is done."""
        body = _body_of(record, kind, name)
        if not body or body["status"] != status:
            return
        if status == "DELETING":
            self._gone(account, region, record, kind, name)
            return
        if kind == "cluster" and status == "CREATING":
            self._start(account, region, record)
        for one, of, update in record.updates:
            if (one, of) == ("cluster" if kind == "version" else kind, name) and update["status"] == "InProgress":
                self._finish(record, kind, body, update)
        body["status"] = "ACTIVE"
        self._maker.members(account, region, record)
        if "modifiedAt" in body:
            body["modifiedAt"] = self._timeline.now()

    def _finish(self, record: ClusterRecord, kind: str, body: Body, update: Body) -> None:
        update["status"] = "Successful"
        values = {param["type"]: param["value"] for param in update["params"]}
        if update["type"] == "VersionUpdate":
            body["version"] = values["Version"]
            if kind == "version":
                self._maker.upgrade(record.id, values["Version"])
            else:
                body["releaseVersion"] = values["ReleaseVersion"]

    def _start(self, account: str, region: str, record: ClusterRecord) -> None:
        def authenticate(token: str) -> ClusterUser | None:
            return self.authenticate(account, region, record.name, token)

        issuer = record.body["identity"]["oidc"]["issuer"]
        made = self._maker.create(record.id, record.body["version"], issuer, authenticate)
        record.body["endpoint"] = made.endpoint
        record.body["certificateAuthority"] = {"data": base64.b64encode(made.ca.encode()).decode()}

    def _gone(self, account: str, region: str, record: ClusterRecord, kind: str, name: str) -> None:
        if kind == "cluster":
            del self._clusters[account, region][record.name]
            self._maker.delete(record.id)
            return
        if kind == "nodegroup":
            del record.nodegroups[name]
        else:
            del record.addons[name]
        self._maker.members(account, region, record)

    def _resume(self, account: str, region: str, record: ClusterRecord) -> None:
        if record.body["status"] != "CREATING":
            self._start(account, region, record)
            self._maker.members(account, region, record)
        version = any(u["type"] == "VersionUpdate" and u["status"] == "InProgress" and k == "cluster"
                      for k, _, u in record.updates)  # fmt: skip
        waiting = [("version" if version else "cluster", record.name, record.body)]
        waiting += [("nodegroup", name, body) for name, body in record.nodegroups.items()]
        waiting += [("addon", name, body) for name, body in record.addons.items()]
        for kind, name, body in waiting:
            if body["status"] != "ACTIVE":
                self._wait(account, region, record, kind, name, body["status"])

    def _named(self, call: Call, parameter: str) -> ClusterRecord:
        name = str(call.parameters.get(parameter, ""))
        record = self._clusters.get((call.account, call.region), {}).get(name)
        if record is None:
            raise AwsError("ResourceNotFoundException", f"No cluster found for name: {name}.", 404)
        return record

    def _active(self, call: Call, parameter: str) -> ClusterRecord:
        record = self._named(call, parameter)
        if record.body["status"] == "CREATING":
            raise AwsError("InvalidRequestException", f"Cluster '{record.name}' is not in ACTIVE status", 400)
        check_active(record.body, record)
        return record


def _body_of(record: ClusterRecord, kind: str, name: str) -> Body:
    if kind in ("cluster", "version"):
        return record.body
    return (record.nodegroups if kind == "nodegroup" else record.addons).get(name, {})


def _shown(record: ClusterRecord) -> Body:
    """A cluster as the API tells it: who has its endpoint learns it once it is there."""
    return {
        name: value for name, value in record.body.items() if value is not None and name != "bootstrapSelfManagedAddons"
    }

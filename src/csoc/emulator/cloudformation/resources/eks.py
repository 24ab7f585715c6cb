"""Clusters of EKS, and what their types share with those of `eks_members`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Declared
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import at_path, call, own_tags, short_name, unless_gone

LONGEST_NAME = 63


class Eks(Declared):
    """Something of EKS. answer: the member of answers that describes it. failed: statuses that it never leaves by
    itself; waits: those that it has while something is under way. busy: those in which EKS refuses to delete it, so
    that a rollback which meets it half made has to wait."""

    service = "eks"
    answer: ClassVar[str]
    arn: ClassVar[str] = "arn"
    failed: ClassVar[tuple[str, ...]] = ("CREATE_FAILED", "FAILED", "DEGRADED", "DELETE_FAILED")
    waits: ClassVar[tuple[str, ...]] = ("CREATING", "PENDING", "UPDATING")
    busy: ClassVar[tuple[str, ...]] = ()

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = self.wanted_tags(context, properties)
        return {"tags": tags} if self.tags and tags else {}

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        arn = (self.describe(client, physical_id) or {})[self.arn]
        if gone:
            client.untag_resource(resourceArn=arn, tagKeys=gone)
        if wanted:
            client.tag_resource(resourceArn=arn, tags=dict(wanted))

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        return own_tags(found, "tags")

    def named(self, physical_id: str) -> dict[str, str]:
        """Parameters that name the resource, from its physical id."""
        raise NotImplementedError

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        answer = unless_gone(lambda: getattr(client, self.describe_call)(**self.named(physical_id)))
        found: Mapping[str, Any] | None = at_path(answer, self.answer)
        return found

    describe_call: ClassVar[str]

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: getattr(client, self.delete_call)(**self.named(physical_id)))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        client = context.clients(self.service)
        found = self.describe(client, physical_id)
        if found is not None and found.get("status") not in ("DELETING", *self.busy):
            self.remove(context, client, physical_id, properties)

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once nothing is under way."""
        found = self.describe(context.clients(self.service), physical_id)
        if found is None:
            raise ResourceError(f"{self.type_name} {physical_id} is gone", "NotStabilized")
        status = str(found.get("status", ""))
        if status in self.failed:
            raise ResourceError(f"{physical_id} is {status}{_why(found)}", "NotStabilized")
        return status not in self.waits

    def late_attributes(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """What it has once it is settled: endpoints are only known then."""
        return self.made(context, physical_id).attributes

    def deleted(self, context: Context, physical_id: str) -> bool:
        """True once it is gone. What was busy when it should have been deleted is deleted once it is not."""
        client = context.clients(self.service)
        found = self.describe(client, physical_id)
        if found is not None and found.get("status") in ("DELETE_FAILED", "FAILED"):
            raise ResourceError(f"{physical_id} could not be deleted{_why(found)}", "NotStabilized")
        if self.busy and found is not None and found.get("status") not in ("DELETING", *self.busy):
            self.remove(context, client, physical_id, {})
        return found is None


def _why(found: Mapping[str, Any]) -> str:
    """What a description says of its problems."""
    issues = at_path(found, "health.issues") or ()
    told = "; ".join(f"{one.get('code', '')}: {one.get('message', '')}" for one in issues)
    return f": {told}" if told else ""


def _logging(properties: Properties) -> dict[str, Any] | None:
    """Which logs of the control plane are on, as the API takes it: all others are off."""
    if "Logging" not in properties:
        return None
    kinds = ("api", "audit", "authenticator", "controllerManager", "scheduler")
    on = [one["Type"] for one in at_path(properties, "Logging.ClusterLogging.EnabledTypes") or ()]
    found = [{"types": on, "enabled": True}] if on else []
    off = [kind for kind in kinds if kind not in on]
    return {"clusterLogging": [*found, *([{"types": off, "enabled": False}] if off else [])]}


_CONFIGURED = ("AccessConfig", "DeletionProtection", "UpgradePolicy", "ZonalShiftConfig")


class Cluster(Eks):
    """AWS::EKS::Cluster. EKS changes one thing of a cluster at a time, so an update that has several is refused."""

    type_name = "AWS::EKS::Cluster"
    create_call, id_path = "create_cluster", "cluster.name"
    describe_call, answer = "describe_cluster", "cluster"
    delete_call, busy = "delete_cluster", ("CREATING", "PENDING", "UPDATING")
    takes = (
        "AccessConfig", "BootstrapSelfManagedAddons", "DeletionProtection", "EncryptionConfig",
        "KubernetesNetworkConfig", "Name", "ResourcesVpcConfig", "RoleArn", "UpgradePolicy", "Version",
        "ZonalShiftConfig",
    )  # fmt: skip
    also = ("Force", "Logging")
    unread = ("BootstrapSelfManagedAddons", "Force")
    attributes = {
        "Arn": "arn",
        "CertificateAuthority.Data": "certificateAuthority.data",
        "CertificateAuthorityData": "certificateAuthority.data",
        "ClusterSecurityGroupId": "resourcesVpcConfig.clusterSecurityGroupId",
        "EncryptionConfigKeyArn": "encryptionConfig.0.provider.keyArn",
        "Endpoint": "endpoint",
        "Id": "id",
        "KubernetesNetworkConfig.ServiceIpv6Cidr": "kubernetesNetworkConfig.serviceIpv6Cidr",
        "OpenIdConnectIssuerUrl": "identity.oidc.issuer",
    }

    def named(self, physical_id: str) -> dict[str, str]:
        return {"name": physical_id}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found = {"Name": short_name(context, LONGEST_NAME), **super().parameters(context, properties)}
        logging = _logging(properties)
        found["clientRequestToken"] = context.token
        return {**found, **({"logging": logging} if logging else {})}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        named = {"name": physical_id}
        changes: list[tuple[str, dict[str, Any]]] = []
        if "Version" in left and "Version" in after:
            force = {"force": after["Force"]} if "Force" in after else {}
            changes.append(("update_cluster_version", {"version": after["Version"], **force}))
        changes += [("update_cluster_config", one) for one in _network(before, after)]
        if "Logging" in left:
            logging = _logging({"Logging": after.get("Logging") or {}})
            changes.append(("update_cluster_config", {"logging": logging}))
        done = set(left & {"Version", "ResourcesVpcConfig", "Logging", "Force"})
        for name in _CONFIGURED:
            if name in left and name in after:
                changes.append(("update_cluster_config", {name: _changeable(name, after[name])}))
                done.add(name)
        if len(changes) > 1:
            raise ResourceError(
                f"EKS changes one thing of a cluster at a time, and this update has {len(changes)} "
                f"({', '.join(sorted(left - {'Tags'}))}): make them in updates of their own",
                "InvalidRequest",
            )
        for method, given in changes:
            call(client, method, {**named, **given})
        return done

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        on = [
            kind
            for one in at_path(found, "logging.clusterLogging") or ()
            if one.get("enabled")
            for kind in one.get("types", ())
        ]
        return {"Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": kind} for kind in on]}}}

    def read(self, context: Context, physical_id: str) -> Properties | None:
        live = super().read(context, physical_id)
        if live is not None and "AccessConfig" in live:
            # The service tells it, and the schema has it as write-only.
            live["AccessConfig"].pop("BootstrapClusterCreatorAdminPermissions", None)
        return live


def _changeable(name: str, value: Any) -> Any:
    """What of a property may be changed after creation."""
    if name == "AccessConfig":
        return {key: inner for key, inner in value.items() if key == "AuthenticationMode"}
    return value


def _network(before: Properties, after: Properties) -> list[dict[str, Any]]:
    """Updates of the network: which subnets and groups, and who reaches the endpoint; EKS takes them apart."""
    old, new = before.get("ResourcesVpcConfig") or {}, after.get("ResourcesVpcConfig") or {}
    kinds = (
        ("SubnetIds", "SecurityGroupIds"),
        ("EndpointPrivateAccess", "EndpointPublicAccess", "PublicAccessCidrs"),
    )
    return [
        {"ResourcesVpcConfig": {name: new[name] for name in names if name in new}}
        for names in kinds
        if any(old.get(name) != new.get(name) for name in names)
    ]


HANDLERS = (Cluster(),)

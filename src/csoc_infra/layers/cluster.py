"""The EKS cluster: its control plane, nodes, who may enter, and the addons that nodes cannot do without.

People and csoc enter by access entries only. The API's public endpoint is closed unless somebody names the networks
that may reach it. The addon for volumes comes with the layer platform, since its role trusts this cluster's tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from csoc_infra import checks, names
from csoc_infra.context import Given, policy
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts.shared import CLOSED_EGRESS, log_group, retained, runs_on_arm
from csoc_infra.settings import setting

NAME = "cluster"
INPUTS = ("NetworkVpcId", "NetworkPrivateSubnetIds")
OPTIONAL_INPUTS = ("EgressProxyInterfaceIds",)
OUTPUTS = (
    "ClusterName",
    "ClusterArn",
    "ClusterEndpoint",
    "ClusterCertificate",
    "ClusterSecurityGroupId",
    "OidcProviderArn",
    "OidcIssuer",
    "NodeRoleArn",
)

VIEWERS = "csoc-viewers"
"""Group of the link's role when it may only look: EKS's policy shows neither nodes nor custom resources, so a role of
Kubernetes that is bound to this group has to."""

AddonName = Literal["coredns", "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni"]
_BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
_NEEDED = ("vpc-cni", "kube-proxy", "coredns")
_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_VERSION = checks.matches(r"v\d+\.\d+\.\d+-eksbuild\.\d+|", "a version like v1.20.4-eksbuild.2")
_GPU = re.compile(r"(g|p|inf|trn)\d")


@dataclass(frozen=True, slots=True)
class Addon:
    """An addon of EKS. version: "" for EKS's default."""

    name: AddonName
    version: str = setting(default="", check=_VERSION)


@dataclass(frozen=True, slots=True)
class Taint:
    """Keeps pods away that do not tolerate it."""

    key: str = setting(check=checks.matches(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}", "a taint's key"))
    value: str = setting(default="", check=checks.matches(r"[A-Za-z0-9._-]{0,63}", "a taint's value"))
    effect: Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"] = "NO_SCHEDULE"


def _labels(value: Mapping[str, str]) -> None:
    for key, text in value.items():
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,120}", key) or not re.fullmatch(
            r"[A-Za-z0-9._-]{0,63}", text
        ):
            raise ValueError("wanted are names and values of Kubernetes labels")


@dataclass(frozen=True, slots=True)
class Pool:
    """A group of nodes. purpose: jupyter and workflow nodes get the label `role` and a taint by which only the
    commons' own notebooks and workflows run there. largest: what the autoscaler may go to."""

    name: str = setting(
        check=checks.matches(r"[a-z]([a-z0-9]{0,18}[a-z0-9])?", "up to 20 lower-case letters and digits")
    )
    instance_types: tuple[str, ...] = setting(check=checks.each(checks.instance_type))
    smallest: int = setting(check=checks.between(0, 1_000))
    largest: int = setting(check=checks.between(1, 1_000))
    purpose: Literal["general", "jupyter", "workflow"] = "general"
    capacity: Literal["on-demand", "spot"] = "on-demand"
    disk_gib: int = setting(default=80, check=checks.between(20, 4_000))
    labels: Mapping[str, str] = setting(default={}, check=_labels)
    taints: tuple[Taint, ...] = setting(default=(), check=checks.at_most(40))
    metadata_hops: int = setting(default=1, check=checks.between(1, 2))

    def __post_init__(self) -> None:
        """What the fields cannot be together."""
        if not self.instance_types:
            raise MistakeError("instance_types", "at least one is wanted")
        if self.smallest > self.largest:
            raise MistakeError("smallest", f"{self.smallest} is more than largest, which is {self.largest}")
        if len({runs_on_arm(kind) for kind in self.instance_types}) > 1:
            raise MistakeError("instance_types", "some are of ARM and some are not", "Make a pool of each")
        if any(_GPU.match(kind) for kind in self.instance_types):
            raise MistakeError("instance_types", "machines with accelerators need images that csoc does not choose")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the cluster.

    link_role: ARN of the role by which csoc enters; link_access: what it may there ("view" leaves Secrets out).
    administrators: ARNs of roles of people. public_networks: who reaches the API from outside; none, and it has no
    public address. private_networks: who reaches it from inside, beside the nodes. metadata_hops of a pool: 1 keeps
    pods from the nodes' own credentials.
    """

    version: str = setting(check=checks.matches(r"1\.\d{2}", 'a version of Kubernetes like "1.34"'))
    link_role: str = setting(check=checks.role_arn)
    pools: tuple[Pool, ...] = setting(check=checks.at_most(20))
    link_access: Literal["administrator", "view"] = "administrator"
    administrators: tuple[str, ...] = setting(default=(), check=checks.each(checks.role_arn))
    public_networks: tuple[str, ...] = setting(default=(), check=checks.each(checks.named_network))
    private_networks: tuple[str, ...] = setting(default=(), check=checks.each(checks.named_network))
    addons: tuple[Addon, ...] = (
        Addon("vpc-cni"),
        Addon("kube-proxy"),
        Addon("eks-pod-identity-agent"),
        Addon("coredns"),
        Addon("metrics-server"),
    )
    log_days: int = setting(default=365, check=checks.retention)
    extended_support: bool = False

    def __post_init__(self) -> None:
        """What the fields cannot be together."""
        if not any(pool.purpose == "general" and pool.largest for pool in self.pools):
            raise MistakeError("pools", "a pool for general purposes is wanted, or nothing of the platform would run")
        _once("pools", [pool.name for pool in self.pools])
        _once("addons", [addon.name for addon in self.addons])
        for name in _NEEDED:
            if name not in {addon.name for addon in self.addons}:
                raise MistakeError("addons", f"{name} is missing, and no pod works without it")
        if self.link_role in self.administrators:
            number = self.administrators.index(self.link_role)
            raise MistakeError(f"administrators[{number}]", "this is csoc's own role", "link_access says what it may")


def _once(path: str, values: list[str]) -> None:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise MistakeError(f"{path}[{number}].name", "this name is there already")


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """See `csoc_infra.layers.table.LayerModule`."""
    cluster = _control_plane(stack, settings, given)
    provider = iam.CfnOIDCProvider(
        stack, "OidcProvider", url=cluster.attr_open_id_connect_issuer_url, client_id_list=["sts.amazonaws.com"]
    )
    entries = _entries(stack, settings, given, cluster)
    node_role = given.role(
        "NodeRole",
        "node",
        description="Nodes: join the cluster, pull images, give addresses to pods",
        trust=[given.service_trust("ec2")],
        managed=["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"],
    )
    addons = {addon.name: _addon(stack, addon, cluster) for addon in settings.addons}
    nodes = [_pool(stack, pool, given, cluster, node_role) for pool in settings.pools]
    for group in nodes:
        for name in _BEFORE_NODES:
            if name in addons:
                group.add_resource_dependency(addons[name])
    for name, addon in addons.items():
        if name not in _BEFORE_NODES:
            for group in nodes:
                addon.add_resource_dependency(group)
    for entry in entries[1:]:
        entry.add_resource_dependency(entries[0])
    return {
        "ClusterName": cluster.ref,
        "ClusterArn": cluster.attr_arn,
        "ClusterEndpoint": cluster.attr_endpoint,
        "ClusterCertificate": cluster.attr_certificate_authority_data,
        "ClusterSecurityGroupId": cluster.attr_cluster_security_group_id,
        "OidcProviderArn": provider.attr_arn,
        "OidcIssuer": cdk.Fn.select(1, cdk.Fn.split("https://", cluster.attr_open_id_connect_issuer_url)),
        "NodeRoleArn": node_role.attr_arn,
    }


def _control_plane(stack: cdk.Stack, settings: Settings, given: Given) -> eks.CfnCluster:
    name = names.eks_cluster(given.uid)
    role = given.role(
        "ClusterRole",
        "cluster",
        description="The control plane of the EKS cluster",
        trust=[given.service_trust("eks", says_for_whom=True)],
        managed=["AmazonEKSClusterPolicy"],
    )
    key = kms.CfnKey(
        stack,
        "SecretsKey",
        description=f"Secrets of the EKS cluster {name}",
        enable_key_rotation=True,
        key_policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": given.arn("iam", "root", region="")},
                "Action": "kms:*",
                "Resource": "*",
            }
        ),
    )
    retained(key)
    group = ec2.CfnSecurityGroup(
        stack,
        "ApiSecurityGroup",
        group_name=given.name("api"),
        group_description="The API of the cluster, for networks that are named",
        vpc_id=given["NetworkVpcId"],
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="tcp", from_port=443, to_port=443, cidr_ip=network, description="the API, from inside"
            )
            for network in settings.private_networks
        ]
        or None,
        security_group_egress=[CLOSED_EGRESS],
        tags=[cdk.CfnTag(key="Name", value=given.name("api"))],
    )
    logged = log_group(stack, "LogGroup", f"/aws/eks/{name}/cluster", settings.log_days)
    cluster = eks.CfnCluster(
        stack,
        "Cluster",
        name=name,
        version=settings.version,
        role_arn=role.attr_arn,
        access_config=eks.CfnCluster.AccessConfigProperty(
            authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
        ),
        bootstrap_self_managed_addons=False,
        encryption_config=[
            eks.CfnCluster.EncryptionConfigProperty(
                provider=eks.CfnCluster.ProviderProperty(key_arn=key.attr_arn), resources=["secrets"]
            )
        ],
        logging=eks.CfnCluster.LoggingProperty(
            cluster_logging=eks.CfnCluster.ClusterLoggingProperty(
                enabled_types=[eks.CfnCluster.LoggingTypeConfigProperty(type=kind) for kind in _LOGS]
            )
        ),
        resources_vpc_config=eks.CfnCluster.ResourcesVpcConfigProperty(
            subnet_ids=list(given.list("NetworkPrivateSubnetIds")),
            security_group_ids=[group.attr_group_id],
            endpoint_private_access=True,
            endpoint_public_access=bool(settings.public_networks),
            public_access_cidrs=list(settings.public_networks) or None,
        ),
        upgrade_policy=eks.CfnCluster.UpgradePolicyProperty(
            support_type="EXTENDED" if settings.extended_support else "STANDARD"
        ),
    )
    # EKS would make the group itself otherwise, and keep what is in it for ever.
    cluster.add_resource_dependency(logged)
    return cluster


def _entries(stack: cdk.Stack, settings: Settings, given: Given, cluster: eks.CfnCluster) -> list[eks.CfnAccessEntry]:
    link_policy = "AmazonEKSClusterAdminPolicy" if settings.link_access == "administrator" else "AmazonEKSViewPolicy"
    wanted = [("LinkAccess", settings.link_role, link_policy)]
    wanted += [
        (f"Administrator{number}", role, "AmazonEKSClusterAdminPolicy")
        for number, role in enumerate(settings.administrators, start=1)
    ]
    return [
        eks.CfnAccessEntry(
            stack,
            logical_id,
            cluster_name=cluster.ref,
            principal_arn=role,
            type="STANDARD",
            kubernetes_groups=[VIEWERS] if access == "AmazonEKSViewPolicy" else None,
            access_policies=[
                eks.CfnAccessEntry.AccessPolicyProperty(
                    policy_arn=f"arn:{given.partition}:eks::aws:cluster-access-policy/{access}",
                    access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
                )
            ],
        )
        for logical_id, role, access in wanted
    ]


def _addon(stack: cdk.Stack, addon: Addon, cluster: eks.CfnCluster) -> eks.CfnAddon:
    identifier = "".join(part.capitalize() for part in addon.name.split("-"))
    return eks.CfnAddon(
        stack,
        f"Addon{identifier}",
        addon_name=addon.name,
        addon_version=addon.version or None,
        cluster_name=cluster.ref,
        resolve_conflicts="OVERWRITE",
        # Network policies of charts are kept by the CNI, or by nobody.
        configuration_values=json.dumps({"enableNetworkPolicy": "true"}) if addon.name == "vpc-cni" else None,
    )


def _pool(stack: cdk.Stack, pool: Pool, given: Given, cluster: eks.CfnCluster, role: iam.CfnRole) -> eks.CfnNodegroup:
    purpose = f"pool-{pool.name}"
    identifier = pool.name.capitalize()
    labels = {"role": "default" if pool.purpose == "general" else pool.purpose, **pool.labels}
    taints = [
        eks.CfnNodegroup.TaintProperty(key=one.key, value=one.value or None, effect=one.effect) for one in pool.taints
    ]
    if pool.purpose != "general":
        taints.insert(0, eks.CfnNodegroup.TaintProperty(key="role", value=pool.purpose, effect="NO_SCHEDULE"))
    template = _node_template(stack, f"Template{identifier}", pool, given, purpose)
    return eks.CfnNodegroup(
        stack,
        f"Pool{identifier}",
        cluster_name=cluster.ref,
        node_role=role.attr_arn,
        subnets=list(given.list("NetworkPrivateSubnetIds")),
        ami_type="AL2023_ARM_64_STANDARD" if runs_on_arm(pool.instance_types[0]) else "AL2023_x86_64_STANDARD",
        capacity_type="SPOT" if pool.capacity == "spot" else "ON_DEMAND",
        instance_types=list(pool.instance_types),
        scaling_config=eks.CfnNodegroup.ScalingConfigProperty(
            min_size=pool.smallest, max_size=pool.largest, desired_size=pool.smallest
        ),
        update_config=eks.CfnNodegroup.UpdateConfigProperty(max_unavailable=1),
        launch_template=eks.CfnNodegroup.LaunchTemplateSpecificationProperty(
            id=template.ref, version=template.attr_latest_version_number
        ),
        labels=labels,
        taints=taints or None,
    )


def _node_template(stack: cdk.Stack, logical_id: str, pool: Pool, given: Given, purpose: str) -> ec2.CfnLaunchTemplate:
    tags = [
        cdk.CfnTag(key="Name", value=given.name(purpose)),
        cdk.CfnTag(key=names.INSTALLATION_TAG, value=given.installation),
        cdk.CfnTag(key=names.OWNER_TAG, value=given.uid),
        cdk.CfnTag(key=names.LAYER_TAG, value=NAME),
    ]
    own_tags = [cdk.CfnTag(key="Name", value=given.name(purpose))]
    if "EgressProxyInterfaceIds" in given:
        # Nodes cannot join before their way out is there, so the templates name it.
        way_out = cdk.Fn.join(" ", list(given.list("EgressProxyInterfaceIds")))
        own_tags.append(cdk.CfnTag(key="csoc:way-out", value=way_out))
    return ec2.CfnLaunchTemplate(
        stack,
        logical_id,
        launch_template_name=given.name(purpose),
        launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
            metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                http_tokens="required", http_put_response_hop_limit=pool.metadata_hops, http_endpoint="enabled"
            ),
            block_device_mappings=[
                ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                    device_name="/dev/xvda",
                    ebs=ec2.CfnLaunchTemplate.EbsProperty(
                        volume_size=pool.disk_gib, volume_type="gp3", encrypted=True, delete_on_termination=True
                    ),
                )
            ],
            monitoring=ec2.CfnLaunchTemplate.MonitoringProperty(enabled=True),
            tag_specifications=[
                ec2.CfnLaunchTemplate.TagSpecificationProperty(resource_type=kind, tags=tags)
                for kind in ("instance", "volume", "network-interface")
            ],
        ),
        tag_specifications=[
            ec2.CfnLaunchTemplate.LaunchTemplateTagSpecificationProperty(
                resource_type="launch-template",
                tags=[*own_tags, *tags[1:]],
            )
        ],
    )

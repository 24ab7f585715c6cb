"""The way out of the private subnets: proxies that let listed names through, and heal themselves.

In each zone one group of one machine stands behind a network interface that stays. The private default route of the
zone points to that interface and belongs to this stack, so that nothing changes routes when a machine is replaced: the
new one takes the interface over, which it may and others not. A zone has no way out while that happens, which takes
two to four minutes; the other zones do not notice.

Names are checked as clients ask for them (SNI, Host): nothing is decrypted, so a client that lies about its name in the
TLS greeting reaches an address that it chose itself. Other ports than 80 and 443 lead nowhere. A changed list reaches
the machines within a minute or two; a changed program or image with the next machine, at the latest after
`refresh_days`.

Machines are Amazon Linux 2023. What boot.sh takes for granted there, and where that is said: squid is a package of its
repository since 2023.0.20230607 and has been 6.13 since 2023.6.20250218 (amazonlinux/amazon-linux-2023, issues 152, 708
and 1130, read on 2026-11-23); its packages descend from Fedora's, whose squid has the user squid, /etc/squid,
/var/log/squid, the unit squid.service of type notify with /run/squid.pid and LimitNOFILE=16384, and is built with
--with-openssl and --enable-ssl-crtd, without which there is no ssl_bump; amazon-cloudwatch-agent, nftables and openssl
are packages too (its release notes), SELinux is permissive (its user guide, comparing with AL2), and
amazon-ec2-net-utils gives a second interface a table of routes.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm

from csoc_infra import checks, names
from csoc_infra.context import Given, policy
from csoc_infra.layers.egress import lists
from csoc_infra.mistakes import MistakeError
from csoc_infra.parts.shared import log_group, retained, runs_on_arm
from csoc_infra.settings import setting

NAME = "egress"
INPUTS = ("NetworkVpcId", "NetworkVpcCidr", "NetworkPublicSubnetIds", "NetworkPrivateRouteTableIds")
OPTIONAL_INPUTS: tuple[str, ...] = ()
OUTPUTS = ("ProxyGroupNames", "ProxyInterfaceIds")

NAMESPACE = "csoc/egress"
_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
_IMAGE_CHECK = checks.matches(
    r"(ami-[0-9a-f]{8,17}|resolve:ssm:/[A-Za-z0-9_./-]{1,200})?", "an AMI's id, or resolve:ssm: and a parameter's path"
)
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the proxies.

    zones: as the network has. allowed: names of hosts; one that begins with a dot stands for a domain and all below
    it. image: of Amazon Linux 2023; "" for the newest whenever a machine starts. refresh_days: machines are replaced
    after so many. alarm_emails: who is told when a proxy does not work; without any, the topic is there to subscribe.
    """

    allowed: tuple[str, ...]
    zones: int = setting(check=checks.between(2, 3))
    instance_type: str = setting(default="t4g.small", check=checks.instance_type)
    image: str = setting(default="", check=_IMAGE_CHECK)
    disk_gib: int = setting(default=20, check=checks.between(8, 200))
    refresh_days: int = setting(default=14, check=checks.between(1, 365))
    log_days: int = setting(default=90, check=checks.retention)
    alarm_emails: tuple[str, ...] = setting(
        default=(), check=checks.each(checks.matches(r"[\w.+-]{1,64}@[\w.-]{1,190}", "an address of e-mail"))
    )

    def __post_init__(self) -> None:
        """What squid would refuse."""
        try:
            lists.check(self.allowed)
        except MistakeError as mistake:
            raise MistakeError(f"allowed{mistake.path}", mistake.cause, mistake.fix) from None


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """See `csoc_infra.layers.table.LayerModule`."""
    try:
        parts = lists.chunks(lists.allowed(settings.allowed, given.region, given.partition))
    except MistakeError as mistake:
        raise MistakeError("settings.allowed", mistake.cause, mistake.fix) from None
    for number, names_of_part in parts.items():
        ssm.CfnParameter(stack, f"Allowed{number}", name=f"{_list(given)}/{number}", type="String", value=names_of_part)
    shared = _Shared(
        group=_security_group(stack, given),
        logs=log_group(stack, "LogGroup", f"/csoc/{given.uid}/egress", settings.log_days),
        topic=_topic(stack, settings, given),
        script=_script(stack),
    )
    subnets = given.items("NetworkPublicSubnetIds", settings.zones)
    tables = given.items("NetworkPrivateRouteTableIds", settings.zones)
    zones = [_Zone(stack, settings, given, shared, number + 1, subnets[number]) for number in range(settings.zones)]
    for zone, table in zip(zones, tables, strict=True):
        zone.route(table)
    return {
        "ProxyGroupNames": ",".join(zone.name for zone in zones),
        "ProxyInterfaceIds": cdk.Fn.join(",", [zone.interface.ref for zone in zones]),
    }


def machine_file(name: str) -> str:
    """A file that machines are made from: squid.conf, redirect.nft, boot.sh, list.sh, watch.sh."""
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def start_script() -> str:
    """What a machine runs when it starts, after the lines that say which one it is."""
    lines = ["mkdir -p /etc/csoc-proxy"]
    for source, target in (
        ("squid.conf", "/etc/csoc-proxy/squid.conf"),
        ("redirect.nft", "/etc/csoc-proxy/redirect.nft"),
        ("list.sh", "/usr/local/bin/csoc-proxy-list"),
        ("watch.sh", "/usr/local/bin/csoc-proxy-watch"),
    ):
        lines += [f"cat > {target} <<'CSOC_FILE'", machine_file(source).rstrip("\n"), "CSOC_FILE"]
    lines += ["chmod 755 /usr/local/bin/csoc-proxy-list /usr/local/bin/csoc-proxy-watch", machine_file("boot.sh")]
    return "\n".join(lines)


def _script(stack: cdk.Stack) -> str:
    """The machines' script, once in the template: three copies would be more than CloudFormation takes."""
    mapping = cdk.CfnMapping(stack, "Machine", mapping={"Start": {"Script": start_script()}})
    return mapping.find_in_map("Start", "Script")


def _list(given: Given) -> str:
    """Below which path the list is."""
    return given.parameter("egress", "allowed")


def _security_group(stack: cdk.Stack, given: Given) -> ec2.CfnSecurityGroup:
    inside = given["NetworkVpcCidr"]
    ports = ((80, "http"), (443, "https"))
    return ec2.CfnSecurityGroup(
        stack,
        "SecurityGroup",
        group_name=given.name("egress"),
        group_description="Proxies: web from inside, web to the outside, and nothing else",
        vpc_id=given["NetworkVpcId"],
        security_group_ingress=[
            ec2.CfnSecurityGroup.IngressProperty(
                ip_protocol="tcp", from_port=port, to_port=port, cidr_ip=inside, description=f"{what} from inside"
            )
            for port, what in ports
        ],
        security_group_egress=[
            ec2.CfnSecurityGroup.EgressProperty(
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ip="0.0.0.0/0",
                description=f"{what} to listed names",
            )
            for port, what in ports
        ],
        tags=[cdk.CfnTag(key="Name", value=given.name("egress"))],
    )


def _topic(stack: cdk.Stack, settings: Settings, given: Given) -> sns.CfnTopic:
    """Where alarms go. CloudWatch cannot use AWS's own key for topics, so there is one of its own."""
    root = given.arn("iam", "root", region="")
    key = kms.CfnKey(
        stack,
        "AlarmKey",
        description=f"Alarms of {given.name('egress')}",
        enable_key_rotation=True,
        key_policy=policy(
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": given.account}},
            },
        ),
    )
    retained(key)
    topic = sns.CfnTopic(
        stack,
        "AlarmTopic",
        topic_name=given.name("egress-alarms"),
        kms_master_key_id=key.attr_arn,
    )
    sns.CfnTopicPolicy(
        stack,
        "AlarmTopicPolicy",
        topics=[topic.ref],
        policy_document=policy(
            {
                "Sid": "Alarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic.ref,
                "Condition": {"StringEquals": {"aws:SourceAccount": given.account}},
            },
            {
                "Sid": "OnlyEncrypted",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": topic.ref,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ),
    )
    for number, address in enumerate(settings.alarm_emails, start=1):
        sns.CfnSubscription(stack, f"AlarmEmail{number}", topic_arn=topic.ref, protocol="email", endpoint=address)
    return topic


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the zones' machines share."""

    group: ec2.CfnSecurityGroup
    logs: logs.CfnLogGroup
    topic: sns.CfnTopic
    script: str


class _Zone:
    """A zone's interface with its address, and the group of one machine that takes it."""

    def __init__(
        self, stack: cdk.Stack, settings: Settings, given: Given, shared: _Shared, number: int, subnet: str
    ) -> None:
        self._stack, self._settings, self._given, self._shared, self._number = stack, settings, given, shared, number
        self.name = given.name(f"egress-{number}")
        self.interface = ec2.CfnNetworkInterface(
            stack,
            f"Interface{number}",
            subnet_id=subnet,
            group_set=[shared.group.attr_group_id],
            # What comes here is addressed to somebody else.
            source_dest_check=False,
            description=f"Way out of zone {number}; {self.name} attaches it",
            tags=[cdk.CfnTag(key="Name", value=self.name)],
        )
        address = ec2.CfnEIP(stack, f"Address{number}", domain="vpc", tags=[cdk.CfnTag(key="Name", value=self.name)])
        ec2.CfnEIPAssociation(
            stack,
            f"AddressAssociation{number}",
            allocation_id=address.attr_allocation_id,
            network_interface_id=self.interface.ref,
        )
        self._group(subnet, self._template())
        self._alarm()

    def route(self, table: str) -> None:
        """The zone's default route."""
        ec2.CfnRoute(
            self._stack,
            f"DefaultRoute{self._number}",
            route_table_id=table,
            destination_cidr_block="0.0.0.0/0",
            network_interface_id=self.interface.ref,
        )

    def _statements(self) -> Sequence[Mapping[str, object]]:
        given = self._given
        owned = {"StringEquals": {f"aws:ResourceTag/{names.OWNER_TAG}": given.uid}}
        return [
            {
                "Effect": "Allow",
                "Action": "ec2:AttachNetworkInterface",
                "Resource": given.arn("ec2", f"network-interface/{self.interface.ref}"),
            },
            {
                "Effect": "Allow",
                "Action": "ec2:AttachNetworkInterface",
                "Resource": given.arn("ec2", "instance/*"),
                "Condition": owned,
            },
            {"Effect": "Allow", "Action": "ec2:DescribeNetworkInterfaces", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "autoscaling:SetInstanceHealth",
                "Resource": given.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{self.name}"),
            },
            {
                "Effect": "Allow",
                "Action": "ssm:GetParametersByPath",
                "Resource": given.arn("ssm", f"parameter{_list(given)}"),
            },
            {
                "Effect": "Allow",
                "Action": "cloudwatch:PutMetricData",
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": self._shared.logs.attr_arn,
            },
        ]

    def _template(self) -> ec2.CfnLaunchTemplate:
        given, settings, number = self._given, self._settings, self._number
        role = given.role(
            f"Role{number}",
            f"egress-{number}",
            description=f"The proxy of zone {number}: attaches its interface, says how it is, writes its log",
            trust=[given.service_trust("ec2")],
            statements=self._statements(),
        )
        profile = iam.CfnInstanceProfile(
            self._stack,
            f"Profile{number}",
            instance_profile_name=self.name,
            path=names.role_path(given.uid),
            roles=[role.ref],
        )
        architecture = "arm64" if runs_on_arm(settings.instance_type) else "x86_64"
        data = ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
            image_id=settings.image or _IMAGE.format(architecture=architecture),
            instance_type=settings.instance_type,
            iam_instance_profile=ec2.CfnLaunchTemplate.IamInstanceProfileProperty(arn=profile.attr_arn),
            metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                http_tokens="required", http_put_response_hop_limit=1, http_endpoint="enabled"
            ),
            monitoring=ec2.CfnLaunchTemplate.MonitoringProperty(enabled=True),
            block_device_mappings=[
                ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                    device_name="/dev/xvda",
                    ebs=ec2.CfnLaunchTemplate.EbsProperty(
                        volume_size=settings.disk_gib, volume_type="gp3", encrypted=True, delete_on_termination=True
                    ),
                )
            ],
            network_interfaces=[
                ec2.CfnLaunchTemplate.NetworkInterfaceProperty(
                    device_index=0,
                    # For its own calls, before it has the zone's interface.
                    associate_public_ip_address=True,
                    groups=[self._shared.group.attr_group_id],
                    delete_on_termination=True,
                )
            ],
            tag_specifications=[
                ec2.CfnLaunchTemplate.TagSpecificationProperty(
                    resource_type=kind,
                    tags=[
                        cdk.CfnTag(key="Name", value=self.name),
                        cdk.CfnTag(key=names.INSTALLATION_TAG, value=given.installation),
                        cdk.CfnTag(key=names.OWNER_TAG, value=given.uid),
                        cdk.CfnTag(key=names.LAYER_TAG, value=NAME),
                    ],
                )
                for kind in ("instance", "volume", "network-interface")
            ],
            user_data=cdk.Fn.base64(self._user_data()),
        )
        return ec2.CfnLaunchTemplate(
            self._stack, f"Template{number}", launch_template_name=self.name, launch_template_data=data
        )

    def _user_data(self) -> str:
        given = self._given
        which = {
            "GROUP": self.name,
            "INTERFACE": self.interface.ref,
            "NETWORK": given["NetworkVpcCidr"],
            "REGION": given.region,
            "LIST": _list(given),
            "LOGS": self._shared.logs.ref,
        }
        lines = ["#!/bin/bash", *(f"{key}={value}" for key, value in which.items()), self._shared.script]
        return cdk.Fn.join("\n", lines)

    def _group(self, subnet: str, template: ec2.CfnLaunchTemplate) -> None:
        autoscaling.CfnAutoScalingGroup(
            self._stack,
            f"Group{self._number}",
            auto_scaling_group_name=self.name,
            min_size="1",
            max_size="1",
            desired_capacity="1",
            vpc_zone_identifier=[subnet],
            launch_template=autoscaling.CfnAutoScalingGroup.LaunchTemplateSpecificationProperty(
                launch_template_id=template.ref, version=template.attr_latest_version_number
            ),
            health_check_type="EC2",
            health_check_grace_period=600,
            max_instance_lifetime=self._settings.refresh_days * _DAY_SECONDS,
            metrics_collection=[autoscaling.CfnAutoScalingGroup.MetricsCollectionProperty(granularity="1Minute")],
            tags=[
                autoscaling.CfnAutoScalingGroup.TagPropertyProperty(
                    key="Name", value=self.name, propagate_at_launch=True
                )
            ],
        )

    def _alarm(self) -> None:
        cloudwatch.CfnAlarm(
            self._stack,
            f"Alarm{self._number}",
            alarm_name=self.name,
            alarm_description=(
                f"The proxy of zone {self._number} does not work: nothing in that zone reaches the outside. The group "
                f"{self.name} replaces the machine by itself; if this lasts, its log says why."
            ),
            namespace=NAMESPACE,
            metric_name="Healthy",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="Group", value=self.name)],
            statistic="Minimum",
            period=60,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            comparison_operator="LessThanThreshold",
            threshold=1,
            # A machine that says nothing does not work.
            treat_missing_data="breaching",
            alarm_actions=[self._shared.topic.ref],
            ok_actions=[self._shared.topic.ref],
        )

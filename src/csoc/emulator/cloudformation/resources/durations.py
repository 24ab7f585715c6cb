"""How long resources take to be made, in seconds of the emulated world.

"docs": the service's documentation names the figure or a range that holds it. "field": what stack events of real
accounts usually show between CREATE_IN_PROGRESS and CREATE_COMPLETE; rounded, since the real ones vary by half.
"quick": the call answers at once and CloudFormation adds a few seconds of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Duration:
    """seconds: of creating. source: where the figure comes from, in the words above."""

    seconds: float
    source: str


_QUICK = Duration(3, "quick")


def _all(prefix: str, names: str, duration: Duration = _QUICK) -> dict[str, Duration]:
    return {f"AWS::{prefix}::{name}": duration for name in names.split()}


SECONDS: Mapping[str, Duration] = {
    **_all("EC2", "RouteTable EIPAssociation NetworkAcl NetworkAclEntry SecurityGroupIngress SecurityGroupEgress"),
    **_all("EC2", "SubnetRouteTableAssociation SubnetNetworkAclAssociation DHCPOptions VPCDHCPOptionsAssociation"),
    **_all("EC2", "SecurityGroup LaunchTemplate KeyPair PrefixList VPCCidrBlock FlowLog VPCPeeringConnection"),
    **_all("EC2", "Subnet EgressOnlyInternetGateway Route NetworkInterface"),
    **_all("EC2", "TransitGatewayRoute TransitGatewayRouteTablePropagation"),
    "AWS::EC2::VPC": Duration(12, "field"),
    "AWS::EC2::InternetGateway": Duration(16, "field"),
    "AWS::EC2::VPCGatewayAttachment": Duration(16, "field"),
    "AWS::EC2::EIP": Duration(16, "field"),
    "AWS::EC2::NatGateway": Duration(120, "field"),
    "AWS::EC2::VPCEndpoint": Duration(60, "field"),
    "AWS::EC2::Instance": Duration(30, "field"),
    "AWS::EC2::Volume": Duration(10, "field"),
    "AWS::EC2::TransitGateway": Duration(90, "field"),
    "AWS::EC2::TransitGatewayAttachment": Duration(60, "field"),
    "AWS::EC2::TransitGatewayVpcAttachment": Duration(60, "field"),
    "AWS::EC2::TransitGatewayRouteTable": Duration(60, "field"),
    "AWS::EC2::TransitGatewayRouteTableAssociation": Duration(60, "field"),
    "AWS::EKS::Cluster": Duration(540, "field"),
    "AWS::EKS::Nodegroup": Duration(150, "field"),
    "AWS::EKS::Addon": Duration(30, "field"),
    **_all("EKS", "AccessEntry PodIdentityAssociation"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Duration(150, "field"),
    **_all("ElasticLoadBalancingV2", "TargetGroup Listener ListenerRule ListenerCertificate"),
    "AWS::AutoScaling::AutoScalingGroup": Duration(60, "field"),
    **_all("AutoScaling", "ScalingPolicy LifecycleHook ScheduledAction WarmPool"),
    "AWS::CertificateManager::Certificate": Duration(180, "docs: several minutes once the records are there"),
    "AWS::Route53::HostedZone": Duration(40, "field"),
    "AWS::Route53::RecordSet": Duration(45, "docs: changes reach all servers within 60 seconds"),
    "AWS::Route53::RecordSetGroup": Duration(45, "docs: changes reach all servers within 60 seconds"),
    "AWS::Route53::HealthCheck": _QUICK,
    **_all("WAFv2", "IPSet RegexPatternSet RuleGroup WebACLAssociation LoggingConfiguration"),
    "AWS::WAFv2::WebACL": Duration(10, "field"),
    **_all("SSM", "Parameter Document"),
    **_all("IAM", "Role", Duration(15, "field")),
    **_all("IAM", "User Group ManagedPolicy Policy", Duration(15, "field")),
    "AWS::IAM::InstanceProfile": Duration(120, "field"),
    **_all("IAM", "RolePolicy UserPolicy GroupPolicy OIDCProvider ServiceLinkedRole UserToGroupAddition"),
    "AWS::KMS::Key": Duration(60, "field"),
    "AWS::KMS::Alias": _QUICK,
    **_all("SecretsManager", "Secret SecretTargetAttachment ResourcePolicy RotationSchedule", Duration(2, "quick")),
    "AWS::S3::Bucket": Duration(22, "field"),
    **_all("S3", "BucketPolicy"),
    "AWS::SQS::Queue": Duration(60, "docs: changes take up to 60 seconds to spread"),
    **_all("SQS", "QueuePolicy"),
    **_all("SNS", "Topic TopicPolicy Subscription"),
    "AWS::RDS::DBCluster": Duration(420, "field"),
    "AWS::RDS::DBInstance": Duration(480, "field"),
    "AWS::RDS::GlobalCluster": Duration(30, "field"),
    "AWS::RDS::DBProxy": Duration(600, "field"),
    "AWS::RDS::DBProxyTargetGroup": Duration(60, "field"),
    **_all("RDS", "DBSubnetGroup DBClusterParameterGroup DBParameterGroup EventSubscription"),
    "AWS::OpenSearchService::Domain": Duration(900, "docs: a new domain takes 15 to 30 minutes"),
    **_all("Logs", "LogGroup LogStream MetricFilter SubscriptionFilter ResourcePolicy"),
    **_all("ApplicationAutoScaling", "ScalableTarget ScalingPolicy"),
    **_all("CloudWatch", "Alarm CompositeAlarm Dashboard"),
    "AWS::Events::Rule": Duration(60, "field"),
    **_all("Events", "EventBus EventBusPolicy Archive"),
    "AWS::DynamoDB::Table": Duration(30, "field"),
    "AWS::EFS::FileSystem": Duration(15, "field"),
    "AWS::EFS::MountTarget": Duration(90, "field"),
    "AWS::EFS::AccessPoint": _QUICK,
    **_all("ECR", "Repository RegistryPolicy ReplicationConfiguration"),
    **_all("Backup", "BackupVault BackupPlan BackupSelection"),
    "AWS::Budgets::Budget": _QUICK,
    "AWS::CloudTrail::Trail": _QUICK,
    **_all("GuardDuty", "Detector Filter"),
    **_all("Config", "ConfigurationRecorder DeliveryChannel ConfigRule"),
    "AWS::Lambda::Function": Duration(10, "field"),
    **_all("Lambda", "Permission LayerVersion Version Alias"),
    "AWS::Lambda::EventSourceMapping": Duration(20, "field"),
}


class Lasting:
    """A resource type that takes as long as `SECONDS` says."""

    type_name: ClassVar[str]

    @property
    def seconds(self) -> float:
        return SECONDS[self.type_name].seconds

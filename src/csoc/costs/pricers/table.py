"""Every type of resource that has a price or is known to have none. A type that stands in neither is unpriced, by name.

What costs something only by what runs through it (a launch template, a flow log) is named as free here, with the place
where its cost is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from csoc.costs.pricers import compute, data, network, services
from csoc.costs.pricers.model import Pricer

PRICERS: Mapping[str, Pricer] = MappingProxyType(
    {
        "AWS::AutoScaling::AutoScalingGroup": compute.scaling_group,
        "AWS::CloudWatch::Alarm": services.alarm,
        "AWS::EC2::EIP": network.address,
        "AWS::EC2::NatGateway": network.nat_gateway,
        "AWS::EC2::VPCEndpoint": network.endpoint,
        "AWS::EKS::Cluster": compute.cluster,
        "AWS::EKS::Nodegroup": compute.node_group,
        "AWS::KMS::Key": services.key,
        "AWS::Logs::LogGroup": services.log_group,
        "AWS::OpenSearchService::Domain": data.search_domain,
        "AWS::RDS::DBCluster": data.database_cluster,
        "AWS::RDS::DBInstance": data.database_instance,
        "AWS::Route53::HostedZone": network.hosted_zone,
        "AWS::S3::Bucket": data.bucket,
        "AWS::SNS::Subscription": services.subscription,
        "AWS::SNS::Topic": services.topic,
        "AWS::SQS::Queue": services.queue,
        "AWS::SSM::Parameter": services.parameter,
        "AWS::SecretsManager::Secret": services.secret,
        "AWS::WAFv2::WebACL": services.web_acl,
    }
)

_NETWORK = "AWS asks nothing for the parts of a network"
_RULES = "AWS asks nothing for roles and policies"
_COUNTED = "counted with its machines"

FREE: Mapping[str, str] = MappingProxyType(
    {
        "AWS::CertificateManager::Certificate": "AWS asks nothing for public certificates of its own services",
        "AWS::EC2::EIPAssociation": "counted with its address",
        "AWS::EC2::FlowLog": "counted with its log group",
        "AWS::EC2::InternetGateway": _NETWORK,
        "AWS::EC2::LaunchTemplate": _COUNTED,
        "AWS::EC2::NetworkInterface": _NETWORK,
        "AWS::EC2::Route": _NETWORK,
        "AWS::EC2::RouteTable": _NETWORK,
        "AWS::EC2::SecurityGroup": _NETWORK,
        "AWS::EC2::SecurityGroupEgress": _NETWORK,
        "AWS::EC2::SecurityGroupIngress": _NETWORK,
        "AWS::EC2::Subnet": _NETWORK,
        "AWS::EC2::SubnetRouteTableAssociation": _NETWORK,
        "AWS::EC2::VPC": _NETWORK,
        "AWS::EC2::VPCGatewayAttachment": _NETWORK,
        "AWS::EKS::AccessEntry": _RULES,
        "AWS::EKS::Addon": "AWS asks nothing for its own add-ons; they run on the nodes",
        "AWS::EKS::PodIdentityAssociation": _RULES,
        "AWS::IAM::InstanceProfile": _RULES,
        "AWS::IAM::ManagedPolicy": _RULES,
        "AWS::IAM::OIDCProvider": _RULES,
        "AWS::IAM::Policy": _RULES,
        "AWS::IAM::Role": _RULES,
        "AWS::KMS::Alias": "counted with its key",
        "AWS::Logs::ResourcePolicy": _RULES,
        "AWS::RDS::DBClusterParameterGroup": "counted with its database",
        "AWS::RDS::DBSubnetGroup": "counted with its database",
        "AWS::Route53::RecordSet": "counted with its zone; AWS asks nothing for questions that lead to its balancers",
        "AWS::S3::BucketPolicy": _RULES,
        "AWS::SNS::TopicPolicy": _RULES,
        "AWS::SQS::QueuePolicy": _RULES,
        "AWS::SecretsManager::SecretTargetAttachment": "counted with its secret",
        "AWS::WAFv2::IPSet": "counted with the rule that uses it",
        "AWS::WAFv2::LoggingConfiguration": "counted with its log group",
        "AWS::WAFv2::WebACLAssociation": "counted with its web ACL",
    }
)
"""Types that cost nothing by themselves, and why."""

"""Resource types at the edge: load balancers, scaling groups, certificates, records, web ACLs, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.running import Emulator
from tests.functional.emulator.resources_support import REGION, Making, survives
from tests.functional.emulator.test_resources_network import TAGS, group, image, online, subnet, vpc

Build = Callable[[Making], Mapping[str, Any]]


@pytest.fixture
def making(emulator: Emulator, account: str) -> Making:
    return Making(emulator, account)


def balancer(making: Making) -> Mapping[str, Any]:
    network, _, first = online(making)
    return {
        "Name": "edge",
        "Type": "application",
        "Scheme": "internet-facing",
        "IpAddressType": "ipv4",
        "Subnets": [first, subnet(making, network, 2)],
        "SecurityGroups": [group(making, network)],
        "LoadBalancerAttributes": [
            {"Key": "idle_timeout.timeout_seconds", "Value": "120"},
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        ],
        "Tags": TAGS,
    }


def mapped_balancer(making: Making) -> Mapping[str, Any]:
    network, _, first = online(making)
    return {"Type": "network", "SubnetMappings": [{"SubnetId": first}, {"SubnetId": subnet(making, network, 2)}]}


def targets(making: Making) -> Mapping[str, Any]:
    return {
        "Name": "web",
        "VpcId": vpc(making),
        "Port": 80,
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "TargetType": "ip",
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 15,
        "HealthCheckPath": "/health",
        "HealthCheckPort": "8080",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 3,
        "UnhealthyThresholdCount": 4,
        "Matcher": {"HttpCode": "200-299"},
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}],
        "Targets": [{"Id": "10.0.1.10", "Port": 80}],
        "Tags": TAGS,
    }


def served(making: Making) -> tuple[str, str]:
    """ARNs of a load balancer and of a target group in its VPC."""
    network, _, first = online(making)
    load = making.id("ElasticLoadBalancingV2::LoadBalancer", Subnets=[first, subnet(making, network, 2)])
    group_arn = making.id("ElasticLoadBalancingV2::TargetGroup", VpcId=network, Port=80, Protocol="HTTP")
    return load, group_arn


def certificate(making: Making, name: str = "example.org") -> str:
    return making.id("CertificateManager::Certificate", DomainName=name, ValidationMethod="DNS")


def listener(making: Making) -> Mapping[str, Any]:
    load, group_arn = served(making)
    return {
        "LoadBalancerArn": load,
        "Port": 443,
        "Protocol": "HTTPS",
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "Certificates": [{"CertificateArn": certificate(making)}],
        "DefaultActions": [
            {"Type": "forward", "TargetGroupArn": group_arn},
        ],
        "ListenerAttributes": [{"Key": "routing.http.response.server.enabled", "Value": "false"}],
        "Tags": TAGS,
    }


def tls_listener(making: Making) -> Mapping[str, Any]:
    network, _, first = online(making)
    load = making.id("ElasticLoadBalancingV2::LoadBalancer", Subnets=[first], Type="network")
    group_arn = making.id("ElasticLoadBalancingV2::TargetGroup", VpcId=network, Port=443, Protocol="TLS")
    return {
        "LoadBalancerArn": load,
        "Port": 443,
        "Protocol": "TLS",
        "AlpnPolicy": ["HTTP2Preferred"],
        "Certificates": [{"CertificateArn": certificate(making)}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": group_arn}],
    }


def plain_listener(making: Making) -> str:
    load, group_arn = served(making)
    return making.id(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=load,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
    )


def rule(making: Making) -> Mapping[str, Any]:
    return {
        "ListenerArn": plain_listener(making),
        "Priority": 10,
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}],
        "Actions": [
            {
                "Type": "redirect",
                "RedirectConfig": {
                    "Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301", "Host": "#{host}",
                    "Path": "/#{path}", "Query": "#{query}",
                },
            }
        ],
        "Tags": TAGS,
    }  # fmt: skip


def more_certificates(making: Making) -> Mapping[str, Any]:
    given = dict(listener(making))
    arn = making.id("ElasticLoadBalancingV2::Listener", **given)
    return {"ListenerArn": arn, "Certificates": [{"CertificateArn": certificate(making, "other.example.org")}]}


def template(making: Making) -> Mapping[str, str]:
    data = {"ImageId": image(making), "InstanceType": "t3.small"}
    made = making.make("EC2::LaunchTemplate", LaunchTemplateData=data)
    return {"LaunchTemplateId": made.physical_id, "Version": str(made.attributes["LatestVersionNumber"])}


def scaling_group(making: Making) -> Mapping[str, Any]:
    network = vpc(making)
    group_arn = making.id("ElasticLoadBalancingV2::TargetGroup", VpcId=network, Port=80, Protocol="HTTP")
    return {
        "AutoScalingGroupName": "squid",
        "MinSize": "1",
        "MaxSize": "3",
        "DesiredCapacity": "1",
        "Cooldown": "120",
        "CapacityRebalance": True,
        "HealthCheckGracePeriod": 90,
        "HealthCheckType": "ELB",
        "LaunchTemplate": template(making),
        "VPCZoneIdentifier": [subnet(making, network), subnet(making, network, 2)],
        "TargetGroupARNs": [group_arn],
        "TerminationPolicies": ["OldestInstance"],
        "NewInstancesProtectedFromScaleIn": False,
        "MetricsCollection": [{"Granularity": "1Minute", "Metrics": ["GroupInServiceInstances"]}],
        "LifecycleHookSpecificationList": [
            {
                "LifecycleHookName": "launching",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "HeartbeatTimeout": 300,
                "DefaultResult": "ABANDON",
            }
        ],
        "MaxInstanceLifetime": 604800,
        "DefaultInstanceWarmup": 60,
        "InstanceMaintenancePolicy": {"MinHealthyPercentage": 90, "MaxHealthyPercentage": 110},
        "ServiceLinkedRoleARN": f"arn:aws:iam::{making.account}:role/scaling",
        "Tags": [{"Key": "team", "Value": "data", "PropagateAtLaunch": False}],
    }


def mixed_group(making: Making) -> Mapping[str, Any]:
    used = template(making)
    return {
        "MinSize": "0",
        "MaxSize": "1",
        "AvailabilityZones": [f"{REGION}a"],
        "MixedInstancesPolicy": {
            "LaunchTemplate": {
                "LaunchTemplateSpecification": used,
                "Overrides": [{"InstanceType": "t3.medium"}, {"InstanceType": "t3.large"}],
            },
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 50},
        },
    }


def small_group(making: Making) -> str:
    return making.id(
        "AutoScaling::AutoScalingGroup",
        MinSize="0",
        MaxSize="2",
        LaunchTemplate=template(making),
        VPCZoneIdentifier=[subnet(making, vpc(making))],
    )


def zone(making: Making, name: str = "example.org") -> str:
    return making.id("Route53::HostedZone", Name=name)


def hosted_zone(making: Making) -> Mapping[str, Any]:
    return {
        "Name": "example.org.",
        "HostedZoneConfig": {"Comment": "public"},
        "HostedZoneTags": TAGS,
    }


def private_zone(making: Making) -> Mapping[str, Any]:
    networks = [vpc(making), vpc(making, "10.7.0.0/16")]
    return {"Name": "inside.example.org.", "VPCs": [{"VPCId": one, "VPCRegion": REGION} for one in networks]}


def logged_zone(making: Making) -> Mapping[str, Any]:
    logs = making.client("logs", "us-east-1")
    logs.create_log_group(logGroupName="/aws/route53/z")
    arn = f"arn:aws:logs:us-east-1:{making.account}:log-group:/aws/route53/z:*"
    return {"Name": "logged.example.org.", "QueryLoggingConfig": {"CloudWatchLogsLogGroupArn": arn}}


def alias(making: Making) -> Mapping[str, Any]:
    load, _ = served(making)
    found = making.client("elbv2").describe_load_balancers(LoadBalancerArns=[load])["LoadBalancers"][0]
    return {
        "HostedZoneId": zone(making),
        "Name": "www.example.org.",
        "Type": "A",
        "Comment": "the edge",
        "AliasTarget": {
            "DNSName": found["DNSName"],
            "HostedZoneId": found["CanonicalHostedZoneId"],
            "EvaluateTargetHealth": True,
        },
    }


def weighted(making: Making) -> Mapping[str, Any]:
    zone(making)
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "www.example.org"}
    return {
        "HostedZoneName": "example.org.",
        "Name": "api.example.org.",
        "Type": "CNAME",
        "TTL": "60",
        "ResourceRecords": ["blue.example.org"],
        "SetIdentifier": "blue",
        "Weight": 10,
        "HealthCheckId": making.id("Route53::HealthCheck", HealthCheckConfig=config),
    }


def health(making: Making) -> Mapping[str, Any]:
    return {
        "HealthCheckConfig": {
            "Type": "HTTPS",
            "FullyQualifiedDomainName": "www.example.org",
            "Port": 443,
            "ResourcePath": "/_status",
            "RequestInterval": 30,
            "FailureThreshold": 3,
            "EnableSNI": True,
        },
        "HealthCheckTags": TAGS,
    }


VISIBLE = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}


def addresses(making: Making) -> Mapping[str, Any]:
    return {
        "Name": "offices",
        "Description": "who may",
        "Scope": "REGIONAL",
        "IPAddressVersion": "IPV4",
        "Addresses": ["192.0.2.0/24"],
        "Tags": TAGS,
    }


def acl(making: Making) -> Mapping[str, Any]:
    offices = making.make("WAFv2::IPSet", **addresses(making)).attributes["Arn"]
    managed = {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}
    return {
        "Name": "edge",
        "Description": "what comes in",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": VISIBLE,
        "Rules": [
            {
                "Name": "common",
                "Priority": 0,
                "OverrideAction": {"None": {}},
                "Statement": {
                    "ManagedRuleGroupStatement": {
                        **managed,
                        "RuleActionOverrides": [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}],
                    }
                },
                "VisibilityConfig": VISIBLE,
            },
            {
                "Name": "offices",
                "Priority": 1,
                "Action": {"Allow": {}},
                "Statement": {"IPSetReferenceStatement": {"Arn": offices}},
                "VisibilityConfig": VISIBLE,
            },
            {
                "Name": "admin",
                "Priority": 2,
                "Action": {"Block": {}},
                "Statement": {
                    "ByteMatchStatement": {
                        "SearchString": "/admin",
                        "FieldToMatch": {"UriPath": {}},
                        "PositionalConstraint": "STARTS_WITH",
                        "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
                    }
                },
                "VisibilityConfig": VISIBLE,
            },
        ],
        "CaptchaConfig": {"ImmunityTimeProperty": {"ImmunityTime": 120}},
        "ChallengeConfig": {"ImmunityTimeProperty": {"ImmunityTime": 300}},
        "CustomResponseBodies": {"no": {"ContentType": "TEXT_PLAIN", "Content": "no"}},
        "AssociationConfig": {"RequestBody": {"CLOUDFRONT": {"DefaultSizeInspectionLimit": "KB_32"}}},
        "TokenDomains": ["example.org"],
        "Tags": TAGS,
    }


def small_acl(making: Making) -> Mapping[str, Any]:
    given = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBLE}
    return making.make("WAFv2::WebACL", **given).attributes


def rule_group(making: Making) -> Mapping[str, Any]:
    return {
        "Name": "own",
        "Description": "ours",
        "Scope": "REGIONAL",
        "Capacity": 50,
        "VisibilityConfig": VISIBLE,
        "CustomResponseBodies": {"no": {"ContentType": "TEXT_PLAIN", "Content": "no"}},
        "Rules": [
            {
                "Name": "rate",
                "Priority": 0,
                "Action": {"Block": {}},
                "Statement": {"RateBasedStatement": {"Limit": 1000, "AggregateKeyType": "IP"}},
                "VisibilityConfig": VISIBLE,
            }
        ],
        "Tags": TAGS,
    }


def logging(making: Making) -> Mapping[str, Any]:
    making.client("logs").create_log_group(logGroupName="aws-waf-logs-edge")
    return {
        "ResourceArn": small_acl(making)["Arn"],
        "LogDestinationConfigs": [f"arn:aws:logs:{REGION}:{making.account}:log-group:aws-waf-logs-edge"],
        "RedactedFields": [{"SingleHeader": {"Name": "authorization"}}],
        "LoggingFilter": {
            "DefaultBehavior": "KEEP",
            "Filters": [
                {
                    "Behavior": "DROP",
                    "Requirement": "MEETS_ANY",
                    "Conditions": [{"ActionCondition": {"Action": "ALLOW"}}],
                }
            ],
        },
    }


def parameter(making: Making) -> Mapping[str, Any]:
    return {
        "Name": "/csoc/x/network/vpc",
        "Type": "String",
        "Value": "vpc-1",
        "Description": "which",
        "AllowedPattern": "^vpc-.*",
        "DataType": "text",
        "Tier": "Advanced",
        "Tags": {"team": "data"},
    }


def document(making: Making) -> Mapping[str, Any]:
    step = {"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["true"]}}
    return {
        "Name": "doc",
        "Content": {"schemaVersion": "2.2", "description": "d", "mainSteps": [step]},
        "DocumentFormat": "JSON",
        "DocumentType": "Command",
        "TargetType": "/AWS::EC2::Instance",
        "VersionName": "one",
        "UpdateMethod": "NewVersion",
        "Tags": TAGS,
    }


def requested(making: Making) -> Mapping[str, Any]:
    return {
        "DomainName": "example.org",
        "SubjectAlternativeNames": ["www.example.org"],
        "ValidationMethod": "DNS",
        "DomainValidationOptions": [{"DomainName": "example.org", "HostedZoneId": zone(making)}],
        "KeyAlgorithm": "EC_prime256v1",
        "CertificateTransparencyLoggingPreference": "DISABLED",
        "Tags": TAGS,
    }


CASES: list[tuple[str, Build]] = [
    ("ElasticLoadBalancingV2::LoadBalancer", balancer),
    ("ElasticLoadBalancingV2::LoadBalancer", mapped_balancer),
    ("ElasticLoadBalancingV2::TargetGroup", targets),
    ("ElasticLoadBalancingV2::Listener", listener),
    ("ElasticLoadBalancingV2::Listener", tls_listener),
    ("ElasticLoadBalancingV2::ListenerRule", rule),
    ("ElasticLoadBalancingV2::ListenerCertificate", more_certificates),
    ("AutoScaling::AutoScalingGroup", scaling_group),
    ("AutoScaling::AutoScalingGroup", mixed_group),
    (
        "AutoScaling::LifecycleHook",
        lambda m: {
            "AutoScalingGroupName": small_group(m),
            "LifecycleHookName": "h",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "HeartbeatTimeout": 60,
            "DefaultResult": "CONTINUE",
            "NotificationMetadata": "x",
            "NotificationTargetARN": f"arn:aws:sqs:{REGION}:{m.account}:hooks",
            "RoleARN": f"arn:aws:iam::{m.account}:role/hooks",
        },
    ),
    (
        "AutoScaling::ScheduledAction",
        lambda m: {
            "AutoScalingGroupName": small_group(m),
            "DesiredCapacity": 1,
            "MinSize": 0,
            "MaxSize": 2,
            "Recurrence": "0 8 * * *",
            "StartTime": "2030-01-01T00:00:00Z",
            "EndTime": "2031-01-01T00:00:00Z",
            "TimeZone": "Australia/Sydney",
        },
    ),
    (
        "AutoScaling::ScalingPolicy",
        lambda m: {
            "AutoScalingGroupName": small_group(m),
            "PolicyType": "TargetTrackingScaling",
            "EstimatedInstanceWarmup": 60,
            "TargetTrackingConfiguration": {
                "TargetValue": 50,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            },
        },
    ),
    (
        "AutoScaling::ScalingPolicy",
        lambda m: {
            "AutoScalingGroupName": small_group(m),
            "PolicyType": "SimpleScaling",
            "AdjustmentType": "ChangeInCapacity",
            "ScalingAdjustment": 1,
            "Cooldown": "60",
        },
    ),
    (
        "AutoScaling::ScalingPolicy",
        lambda m: {
            "AutoScalingGroupName": small_group(m),
            "PolicyType": "StepScaling",
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Average",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    ),
    (
        "AutoScaling::WarmPool",
        lambda m: {
            "AutoScalingGroupName": small_group(m),
            "MinSize": 1,
            "MaxGroupPreparedCapacity": 2,
            "PoolState": "Stopped",
            "InstanceReusePolicy": {"ReuseOnScaleIn": True},
        },
    ),
    ("Route53::HostedZone", hosted_zone),
    ("Route53::HostedZone", private_zone),
    ("Route53::HostedZone", logged_zone),
    ("Route53::RecordSet", alias),
    ("Route53::RecordSet", weighted),
    (
        "Route53::RecordSet",
        lambda m: {
            "HostedZoneId": zone(m),
            "Name": "eu.example.org.",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
            "SetIdentifier": "eu",
            "GeoLocation": {"ContinentCode": "EU"},
        },
    ),
    (
        "Route53::RecordSet",
        lambda m: {
            "HostedZoneId": zone(m),
            "Name": "near.example.org.",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
            "SetIdentifier": "near",
            "Region": REGION,
        },
    ),
    (
        "Route53::RecordSet",
        lambda m: {
            "HostedZoneId": zone(m),
            "Name": "one.example.org.",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
            "SetIdentifier": "first",
            "Failover": "PRIMARY",
        },
    ),
    (
        "Route53::RecordSet",
        lambda m: {
            "HostedZoneId": zone(m),
            "Name": "many.example.org.",
            "Type": "A",
            "TTL": "60",
            "ResourceRecords": ["192.0.2.1"],
            "SetIdentifier": "a",
            "MultiValueAnswer": True,
        },
    ),
    (
        "Route53::RecordSetGroup",
        lambda m: {
            "HostedZoneId": zone(m),
            "Comment": "two",
            "RecordSets": [
                {"Name": "a.example.org.", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]},
                {"Name": "a.example.org.", "Type": "TXT", "TTL": "60", "ResourceRecords": ['"x"']},
            ],
        },
    ),
    (
        "Route53::RecordSetGroup",
        lambda m: {
            "HostedZoneName": (zone(m), "example.org.")[1],
            "RecordSets": [{"Name": "*.example.org.", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}],
        },
    ),
    ("Route53::HealthCheck", health),
    ("WAFv2::IPSet", addresses),
    (
        "WAFv2::RegexPatternSet",
        lambda m: {
            "Name": "bots",
            "Description": "names",
            "Scope": "REGIONAL",
            "RegularExpressionList": ["^bad", "worse$"],
            "Tags": TAGS,
        },
    ),
    ("WAFv2::RuleGroup", rule_group),
    ("WAFv2::WebACL", acl),
    ("WAFv2::WebACLAssociation", lambda m: {"ResourceArn": served(m)[0], "WebACLArn": small_acl(m)["Arn"]}),
    ("WAFv2::LoggingConfiguration", logging),
    ("SSM::Parameter", parameter),
    ("SSM::Parameter", lambda m: {"Name": "/l", "Type": "StringList", "Value": "a,b"}),
    ("SSM::Document", document),
    ("CertificateManager::Certificate", requested),
]


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in CASES}))
def test_what_a_template_says_is_kept_and_told_and_what_is_deleted_is_gone(making: Making, kind: str) -> None:
    tried: set[str] = set()
    for number, (_, build) in enumerate(case for case in CASES if case[0] == kind):
        one = making.elsewhere(number)
        properties = build(one)
        survives(one, kind, properties)
        tried |= properties.keys()
    assert tried >= HANDLERS[f"AWS::{kind}"].supported  # type: ignore[attr-defined]

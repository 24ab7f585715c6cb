"""Resource types at the edge: load balancers, scaling groups, certificates, records, web ACLs, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.functional.emulator.resource_cases import CHECKS, REGION, Bench, Case, Properties
from tests.functional.emulator.test_resources_network import OTHER_TAGS, TAGS, group, image, online, subnet, vpc


def balancer(bench: Bench) -> Properties:
    network, _, first = online(bench)
    return {
        "Name": "edge",
        "Type": "application",
        "Scheme": "internet-facing",
        "IpAddressType": "ipv4",
        "Subnets": [first, subnet(bench, network, 2)],
        "SecurityGroups": [group(bench, network)],
        "LoadBalancerAttributes": [
            {"Key": "idle_timeout.timeout_seconds", "Value": "120"},
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
        ],
        "Tags": TAGS,
    }


def mapped_balancer(bench: Bench) -> Properties:
    network, _, first = online(bench)
    return {"Type": "network", "SubnetMappings": [{"SubnetId": first}, {"SubnetId": subnet(bench, network, 2)}]}


def targets(bench: Bench) -> Properties:
    return {
        "Name": "web",
        "VpcId": vpc(bench),
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


def served(bench: Bench) -> tuple[str, str]:
    """ARNs of a load balancer and of a target group in its VPC."""
    network, _, first = online(bench)
    load = bench.id("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=[first, subnet(bench, network, 2)])
    group_arn = bench.id("AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=network, Port=80, Protocol="HTTP")
    return load, group_arn


def certificate(bench: Bench, name: str = "example.org") -> str:
    return bench.id("AWS::CertificateManager::Certificate", DomainName=name, ValidationMethod="DNS")


def listener(bench: Bench) -> Properties:
    load, group_arn = served(bench)
    return {
        "LoadBalancerArn": load,
        "Port": 443,
        "Protocol": "HTTPS",
        "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "Certificates": [{"CertificateArn": certificate(bench)}],
        "DefaultActions": [
            {"Type": "forward", "TargetGroupArn": group_arn},
        ],
        "ListenerAttributes": [{"Key": "routing.http.response.server.enabled", "Value": "false"}],
        "Tags": TAGS,
    }


def tls_listener(bench: Bench) -> Properties:
    network, _, first = online(bench)
    load = bench.id("AWS::ElasticLoadBalancingV2::LoadBalancer", Subnets=[first], Type="network")
    group_arn = bench.id("AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=network, Port=443, Protocol="TLS")
    return {
        "LoadBalancerArn": load,
        "Port": 443,
        "Protocol": "TLS",
        "AlpnPolicy": ["HTTP2Preferred"],
        "Certificates": [{"CertificateArn": certificate(bench)}],
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": group_arn}],
    }


def plain_listener(bench: Bench) -> str:
    load, group_arn = served(bench)
    return bench.id(
        "AWS::ElasticLoadBalancingV2::Listener",
        LoadBalancerArn=load,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group_arn}],
    )


def rule(bench: Bench) -> Properties:
    return {
        "ListenerArn": plain_listener(bench),
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


def more_certificates(bench: Bench) -> Properties:
    given = dict(listener(bench))
    arn = bench.id("AWS::ElasticLoadBalancingV2::Listener", **given)
    return {"ListenerArn": arn, "Certificates": [{"CertificateArn": certificate(bench, "other.example.org")}]}


def template(bench: Bench) -> Mapping[str, str]:
    data = {"ImageId": image(bench), "InstanceType": "t3.small"}
    made = bench.make("AWS::EC2::LaunchTemplate", LaunchTemplateData=data)
    return {"LaunchTemplateId": made.physical_id, "Version": str(made.attributes["LatestVersionNumber"])}


def scaling_group(bench: Bench) -> Properties:
    network = vpc(bench)
    group_arn = bench.id("AWS::ElasticLoadBalancingV2::TargetGroup", VpcId=network, Port=80, Protocol="HTTP")
    return {
        "AutoScalingGroupName": "squid",
        "MinSize": "1",
        "MaxSize": "3",
        "DesiredCapacity": "1",
        "Cooldown": "120",
        "CapacityRebalance": True,
        "HealthCheckGracePeriod": 90,
        "HealthCheckType": "ELB",
        "LaunchTemplate": template(bench),
        "VPCZoneIdentifier": [subnet(bench, network), subnet(bench, network, 2)],
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
        "ServiceLinkedRoleARN": f"arn:aws:iam::{bench.account}:role/scaling",
        "Tags": [{"Key": "team", "Value": "data", "PropagateAtLaunch": False}],
    }


def mixed_group(bench: Bench) -> Properties:
    used = template(bench)
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


def small_group(bench: Bench) -> str:
    return bench.id(
        "AWS::AutoScaling::AutoScalingGroup",
        MinSize="0",
        MaxSize="2",
        LaunchTemplate=template(bench),
        VPCZoneIdentifier=[subnet(bench, vpc(bench))],
    )


def zone(bench: Bench, name: str = "example.org") -> str:
    return bench.id("AWS::Route53::HostedZone", Name=name)


def hosted_zone(bench: Bench) -> Properties:
    return {
        "Name": "example.org.",
        "HostedZoneConfig": {"Comment": "public"},
        "HostedZoneTags": TAGS,
    }


def private_zone(bench: Bench) -> Properties:
    networks = [vpc(bench), vpc(bench, "10.7.0.0/16")]
    return {"Name": "inside.example.org.", "VPCs": [{"VPCId": one, "VPCRegion": REGION} for one in networks]}


def logged_zone(bench: Bench) -> Properties:
    logs = bench.client("logs", "us-east-1")
    logs.create_log_group(logGroupName="/aws/route53/z")
    arn = f"arn:aws:logs:us-east-1:{bench.account}:log-group:/aws/route53/z:*"
    return {"Name": "logged.example.org.", "QueryLoggingConfig": {"CloudWatchLogsLogGroupArn": arn}}


def alias(bench: Bench) -> Properties:
    load, _ = served(bench)
    found = bench.client("elbv2").describe_load_balancers(LoadBalancerArns=[load])["LoadBalancers"][0]
    return {
        "HostedZoneId": zone(bench),
        "Name": "www.example.org.",
        "Type": "A",
        "Comment": "the edge",
        "AliasTarget": {
            "DNSName": found["DNSName"],
            "HostedZoneId": found["CanonicalHostedZoneId"],
            "EvaluateTargetHealth": True,
        },
    }


def weighted(bench: Bench) -> Properties:
    zone(bench)
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "www.example.org"}
    return {
        "HostedZoneName": "example.org.",
        "Name": "api.example.org.",
        "Type": "CNAME",
        "TTL": "60",
        "ResourceRecords": ["blue.example.org"],
        "SetIdentifier": "blue",
        "Weight": 10,
        "HealthCheckId": bench.id("AWS::Route53::HealthCheck", HealthCheckConfig=config),
    }


def health(bench: Bench) -> Properties:
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


def addresses(bench: Bench) -> Properties:
    return {
        "Name": "offices",
        "Description": "who may",
        "Scope": "REGIONAL",
        "IPAddressVersion": "IPV4",
        "Addresses": ["192.0.2.0/24"],
        "Tags": TAGS,
    }


def acl(bench: Bench) -> Properties:
    offices = bench.make("AWS::WAFv2::IPSet", **addresses(bench)).attributes["Arn"]
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


def small_acl(bench: Bench) -> Properties:
    given = {"Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": VISIBLE}
    return dict(bench.make("AWS::WAFv2::WebACL", **given).attributes)


def rule_group(bench: Bench) -> Properties:
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


def logging(bench: Bench) -> Properties:
    bench.client("logs").create_log_group(logGroupName="aws-waf-logs-edge")
    return {
        "ResourceArn": small_acl(bench)["Arn"],
        "LogDestinationConfigs": [f"arn:aws:logs:{REGION}:{bench.account}:log-group:aws-waf-logs-edge"],
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


def parameter(bench: Bench) -> Properties:
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


def document(bench: Bench) -> Properties:
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


def requested(bench: Bench) -> Properties:
    return {
        "DomainName": "example.org",
        "SubjectAlternativeNames": ["www.example.org"],
        "ValidationMethod": "DNS",
        "DomainValidationOptions": [{"DomainName": "example.org", "HostedZoneId": zone(bench)}],
        "KeyAlgorithm": "EC_prime256v1",
        "CertificateTransparencyLoggingPreference": "DISABLED",
        "Tags": TAGS,
    }


def beside(bench: Bench, given: Properties) -> str:
    """Another security group in the network of a load balancer's subnets."""
    found = bench.client("ec2").describe_subnets(SubnetIds=given["Subnets"][:1])["Subnets"][0]
    return group(bench, found["VpcId"])


CASES = (
    Case(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        [balancer, mapped_balancer],
        lambda b, given: {**given, "SecurityGroups": [*given["SecurityGroups"], beside(b, given)], "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        [targets],
        lambda b, given: {
            **given,
            "HealthCheckPath": "/ready",
            "Targets": [{"Id": "10.0.1.11", "Port": 80}],
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::ElasticLoadBalancingV2::Listener",
        [listener, tls_listener],
        lambda b, given: {**given, "Port": 8443, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        [rule],
        lambda b, given: {**given, "Priority": 20, "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        [more_certificates],
        lambda b, given: {**given, "Certificates": [{"CertificateArn": certificate(b, "third.example.org")}]},
        moves="its id names the certificates",
    ),
    Case(
        "AWS::AutoScaling::AutoScalingGroup",
        [scaling_group, mixed_group],
        lambda b, given: {
            **given,
            "MaxSize": "5",
            "Cooldown": "60",
            "CapacityRebalance": False,
            "TerminationPolicies": ["Default"],
        },
    ),
    Case(
        "AWS::AutoScaling::LifecycleHook",
        [
            lambda b: {
                "AutoScalingGroupName": small_group(b),
                "LifecycleHookName": "h",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                "HeartbeatTimeout": 60,
                "DefaultResult": "CONTINUE",
                "NotificationMetadata": "x",
                "NotificationTargetARN": f"arn:aws:sqs:{REGION}:{b.account}:hooks",
                "RoleARN": f"arn:aws:iam::{b.account}:role/hooks",
            }
        ],
        lambda b, given: {**given, "HeartbeatTimeout": 90},
    ),
    Case(
        "AWS::AutoScaling::ScheduledAction",
        [
            lambda b: {
                "AutoScalingGroupName": small_group(b),
                "DesiredCapacity": 1,
                "MinSize": 0,
                "MaxSize": 2,
                "Recurrence": "0 8 * * *",
                "StartTime": "2030-01-01T00:00:00Z",
                "EndTime": "2031-01-01T00:00:00Z",
                "TimeZone": "Australia/Sydney",
            }
        ],
        lambda b, given: {**given, "Recurrence": "0 9 * * *"},
    ),
    Case(
        "AWS::AutoScaling::ScalingPolicy",
        [
            lambda b: {
                "AutoScalingGroupName": small_group(b),
                "PolicyType": "TargetTrackingScaling",
                "EstimatedInstanceWarmup": 60,
                "TargetTrackingConfiguration": {
                    "TargetValue": 50,
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                },
            },
            lambda b: {
                "AutoScalingGroupName": small_group(b),
                "PolicyType": "SimpleScaling",
                "AdjustmentType": "ChangeInCapacity",
                "ScalingAdjustment": 1,
                "Cooldown": "60",
            },
            lambda b: {
                "AutoScalingGroupName": small_group(b),
                "PolicyType": "StepScaling",
                "AdjustmentType": "ChangeInCapacity",
                "MetricAggregationType": "Average",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            },
        ],
        lambda b, given: {**given, "EstimatedInstanceWarmup": 90},
    ),
    Case(
        "AWS::AutoScaling::WarmPool",
        [
            lambda b: {
                "AutoScalingGroupName": small_group(b),
                "MinSize": 1,
                "MaxGroupPreparedCapacity": 2,
                "PoolState": "Stopped",
                "InstanceReusePolicy": {"ReuseOnScaleIn": True},
            }
        ],
        lambda b, given: {**given, "MinSize": 0},
    ),
    Case(
        "AWS::Route53::HostedZone",
        [hosted_zone, private_zone, logged_zone],
        lambda b, given: {**given, "HostedZoneConfig": {"Comment": "open"}, "HostedZoneTags": OTHER_TAGS},
    ),
    Case(
        "AWS::Route53::RecordSet",
        [
            alias,
            weighted,
            lambda b: {
                "HostedZoneId": zone(b),
                "Name": "eu.example.org.",
                "Type": "A",
                "TTL": "60",
                "ResourceRecords": ["192.0.2.1"],
                "SetIdentifier": "eu",
                "GeoLocation": {"ContinentCode": "EU"},
            },
            lambda b: {
                "HostedZoneId": zone(b),
                "Name": "near.example.org.",
                "Type": "A",
                "TTL": "60",
                "ResourceRecords": ["192.0.2.1"],
                "SetIdentifier": "near",
                "Region": REGION,
            },
            lambda b: {
                "HostedZoneId": zone(b),
                "Name": "one.example.org.",
                "Type": "A",
                "TTL": "60",
                "ResourceRecords": ["192.0.2.1"],
                "SetIdentifier": "first",
                "Failover": "PRIMARY",
            },
            lambda b: {
                "HostedZoneId": zone(b),
                "Name": "many.example.org.",
                "Type": "A",
                "TTL": "60",
                "ResourceRecords": ["192.0.2.1"],
                "SetIdentifier": "a",
                "MultiValueAnswer": True,
            },
        ],
        lambda b, given: {**given, "AliasTarget": {**given["AliasTarget"], "EvaluateTargetHealth": False}},
    ),
    Case(
        "AWS::Route53::RecordSetGroup",
        [
            lambda b: {
                "HostedZoneId": zone(b),
                "Comment": "two",
                "RecordSets": [
                    {"Name": "a.example.org.", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]},
                    {"Name": "a.example.org.", "Type": "TXT", "TTL": "60", "ResourceRecords": ['"x"']},
                ],
            },
            lambda b: {
                "HostedZoneName": (zone(b), "example.org.")[1],
                "RecordSets": [{"Name": "*.example.org.", "Type": "A", "TTL": "60", "ResourceRecords": ["192.0.2.1"]}],
            },
        ],
        lambda b, given: {**given, "RecordSets": given["RecordSets"][:1]},
        moves="its id names the records",
    ),
    Case(
        "AWS::Route53::HealthCheck",
        [health],
        lambda b, given: {**given, "HealthCheckConfig": {**given["HealthCheckConfig"], "ResourcePath": "/ready"}},
    ),
    Case(
        "AWS::WAFv2::IPSet",
        [addresses],
        lambda b, given: {**given, "Addresses": ["198.51.100.0/24"], "Description": "others", "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::WAFv2::RegexPatternSet",
        [
            lambda b: {
                "Name": "bots",
                "Description": "names",
                "Scope": "REGIONAL",
                "RegularExpressionList": ["^bad", "worse$"],
                "Tags": TAGS,
            }
        ],
        lambda b, given: {**given, "RegularExpressionList": ["^best"], "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::WAFv2::RuleGroup",
        [rule_group],
        lambda b, given: {
            **given,
            "Description": "theirs",
            "Rules": [{**given["Rules"][0], "Name": "other"}],
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::WAFv2::WebACL",
        [acl],
        lambda b, given: {**given, "DefaultAction": {"Block": {}}, "Rules": given["Rules"][:1], "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::WAFv2::WebACLAssociation",
        [lambda b: {"ResourceArn": served(b)[0], "WebACLArn": small_acl(b)["Arn"]}],
    ),
    Case(
        "AWS::WAFv2::LoggingConfiguration",
        [logging],
        lambda b, given: {**given, "RedactedFields": [{"SingleHeader": {"Name": "cookie"}}]},
    ),
    Case(
        "AWS::SSM::Parameter",
        [parameter, lambda b: {"Name": "/l", "Type": "StringList", "Value": "a,b"}],
        lambda b, given: {**given, "Value": "vpc-2", "Description": "that", "Tags": {"owner": "data"}},
        told=dict.fromkeys(
            ("AllowedPattern", "Description", "Tags", "Tier"), "Systems Manager tells it with the others"
        ),
    ),
    Case(
        "AWS::SSM::Document",
        [document],
        lambda b, given: {**given, "Content": {**given["Content"], "description": "e"}, "VersionName": "two"},
    ),
    Case(
        "AWS::CertificateManager::Certificate",
        [requested],
        lambda b, given: {**given, "CertificateTransparencyLoggingPreference": "ENABLED", "Tags": OTHER_TAGS},
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_the_edge(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)

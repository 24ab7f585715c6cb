"""Resource types that carry messages and watch: queues, topics, logs, alarms, rules, functions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from moto.kinesis.models import kinesis_backends

from tests.functional.emulator.resource_cases import CHECKS, REGION, Bench, Case, statement

TAGS = [{"Key": "team", "Value": "data"}]
OTHER_TAGS = [{"Key": "owner", "Value": "data"}]


def queue(bench: Bench) -> str:
    """The URL of a queue."""
    return str(bench.make("AWS::SQS::Queue").physical_id)


def queue_arn(bench: Bench) -> str:
    return str(bench.make("AWS::SQS::Queue").attributes["Arn"])


def topic(bench: Bench) -> str:
    return str(bench.make("AWS::SNS::Topic").physical_id)


def log_group(bench: Bench) -> str:
    return str(bench.make("AWS::Logs::LogGroup").physical_id)


def stream(bench: Bench) -> str:
    """The ARN of a stream of Kinesis, made inside, since the endpoint does not offer that service."""
    name = f"logs-{bench.unique()}"
    backend = kinesis_backends[bench.account][bench.region]
    backend.create_stream(name, shard_count=1, stream_mode=None)
    return str(backend.streams[name].arn)


def function_role(bench: Bench) -> str:
    trust = statement("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    return str(bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=trust).attributes["Arn"])


def function(bench: Bench) -> str:
    code = {"ZipFile": "def handler(event, context): return 1"}
    given = {"Code": code, "Handler": "index.handler", "Runtime": "python3.12", "Role": function_role(bench)}
    return str(bench.make("AWS::Lambda::Function", **given).physical_id)


def layer(bench: Bench) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("shared.py", "x = 1")
    made = bench.client("lambda").publish_layer_version(LayerName="shared", Content={"ZipFile": packed.getvalue()})
    return str(made["LayerVersionArn"])


ACCESS_POINT = "fsap-0123456789abcdef0"
CASES = (
    Case(
        "AWS::SQS::Queue",
        [
            lambda bench: {
                "QueueName": f"audit-{bench.unique()}",
                "DelaySeconds": 5,
                "KmsDataKeyReusePeriodSeconds": 600,
                "KmsMasterKeyId": "alias/aws/sqs",
                "MaximumMessageSize": 2048,
                "MessageRetentionPeriod": "86400",
                "ReceiveMessageWaitTimeSeconds": 10,
                "RedriveAllowPolicy": {"redrivePermission": "allowAll"},
                "RedrivePolicy": {"deadLetterTargetArn": queue_arn(bench), "maxReceiveCount": 3},
                "Tags": TAGS,
                "VisibilityTimeout": 60,
            },
            lambda bench: {
                "QueueName": f"audit-{bench.unique()}.fifo",
                "FifoQueue": True,
                "ContentBasedDeduplication": True,
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
            },
            lambda bench: {"SqsManagedSseEnabled": True},
        ],
        lambda bench, given: {
            **given,
            "DelaySeconds": 6,
            "VisibilityTimeout": 90,
            "RedrivePolicy": {"deadLetterTargetArn": queue_arn(bench), "maxReceiveCount": 5},
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::SQS::QueuePolicy",
        [
            lambda bench: {
                "Queues": [queue(bench), queue(bench)],
                "PolicyDocument": statement("sqs:SendMessage", Principal={"Service": "s3.amazonaws.com"}, Resource="*"),
            }
        ],
        lambda bench, given: {
            "Queues": [given["Queues"][0], queue(bench)],
            "PolicyDocument": statement("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"}, Resource="*"),
        },
    ),
    Case(
        "AWS::SNS::Topic",
        [
            lambda bench: {
                "TopicName": f"told-{bench.unique()}",
                "DisplayName": "what happens",
                "KmsMasterKeyId": "alias/aws/sns",
                "SignatureVersion": "2",
                "Subscription": [{"Endpoint": queue_arn(bench), "Protocol": "sqs"}],
                "Tags": TAGS,
                "TracingConfig": "Active",
            },
            lambda bench: {
                "TopicName": f"told-{bench.unique()}.fifo",
                "FifoTopic": True,
                "ContentBasedDeduplication": True,
                "FifoThroughputScope": "MessageGroup",
            },
        ],
        lambda bench, given: {
            **given,
            "DisplayName": "what happened",
            "Subscription": [{"Endpoint": queue_arn(bench), "Protocol": "sqs"}],
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::SNS::TopicPolicy",
        [
            lambda bench: {
                "Topics": [topic(bench)],
                "PolicyDocument": statement("sns:Publish", Principal={"Service": "s3.amazonaws.com"}, Resource="*"),
            }
        ],
        lambda bench, given: {
            "Topics": [topic(bench)],
            "PolicyDocument": statement("sns:Publish", Principal={"Service": "rds.amazonaws.com"}, Resource="*"),
        },
    ),
    Case(
        "AWS::SNS::Subscription",
        [
            lambda bench: {
                "TopicArn": topic(bench),
                "Protocol": "sqs",
                "Endpoint": queue_arn(bench),
                "DeliveryPolicy": {"healthyRetryPolicy": {"numRetries": 5}},
                "FilterPolicy": {"kind": ["error"]},
                "FilterPolicyScope": "MessageBody",
                "RawMessageDelivery": True,
                "RedrivePolicy": {"deadLetterTargetArn": queue_arn(bench)},
                "SubscriptionRoleArn": bench.role(),
            }
        ],
        lambda bench, given: {**given, "FilterPolicy": {"kind": ["warning"]}, "RawMessageDelivery": False},
    ),
    Case(
        "AWS::Logs::LogGroup",
        [
            lambda bench: {
                "LogGroupName": f"/csoc/flow-{bench.unique()}",
                "KmsKeyId": bench.make("AWS::KMS::Key").attributes["Arn"],
                "LogGroupClass": "INFREQUENT_ACCESS",
                "RetentionInDays": 30,
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {
            **given,
            "KmsKeyId": bench.make("AWS::KMS::Key").attributes["Arn"],
            "RetentionInDays": 90,
            "Tags": OTHER_TAGS,
        },
    ),
    Case(
        "AWS::Logs::LogStream",
        [lambda bench: {"LogGroupName": log_group(bench), "LogStreamName": "app"}],
    ),
    Case(
        "AWS::Logs::MetricFilter",
        [
            lambda bench: {
                "LogGroupName": log_group(bench),
                "FilterName": "errors",
                "FilterPattern": "ERROR",
                "MetricTransformations": [
                    {"MetricName": "errors", "MetricNamespace": "gen3", "MetricValue": "1", "DefaultValue": 0}
                ],
            }
        ],
        lambda bench, given: {**given, "FilterPattern": "WARN"},
    ),
    Case(
        "AWS::Logs::SubscriptionFilter",
        [
            lambda bench: {
                "LogGroupName": log_group(bench),
                "FilterName": "all",
                "FilterPattern": "",
                "DestinationArn": stream(bench),
                "Distribution": "Random",
                "RoleArn": bench.role(),
            }
        ],
        lambda bench, given: {**given, "FilterPattern": "ERROR"},
    ),
    Case(
        "AWS::Logs::ResourcePolicy",
        [
            lambda bench: {
                "PolicyName": f"dns-{bench.unique()}",
                "PolicyDocument": statement(
                    "logs:PutLogEvents", Principal={"Service": "route53.amazonaws.com"}, Resource="*"
                ),
            }
        ],
        lambda bench, given: {
            **given,
            "PolicyDocument": statement(
                "logs:CreateLogStream", Principal={"Service": "route53.amazonaws.com"}, Resource="*"
            ),
        },
    ),
    Case(
        "AWS::CloudWatch::Alarm",
        [
            lambda bench: {
                "AlarmName": f"full-{bench.unique()}",
                "ActionsEnabled": True,
                "AlarmActions": [topic(bench)],
                "AlarmDescription": "the disk is full",
                "ComparisonOperator": "GreaterThanThreshold",
                "DatapointsToAlarm": 2,
                "Dimensions": [{"Name": "DBClusterIdentifier", "Value": "gen3"}],
                "EvaluationPeriods": 3,
                "InsufficientDataActions": [topic(bench)],
                "MetricName": "FreeStorageSpace",
                "Namespace": "AWS/RDS",
                "OKActions": [topic(bench)],
                "Period": 300,
                "Statistic": "Average",
                "Tags": TAGS,
                "Threshold": 80,
                "TreatMissingData": "breaching",
                "Unit": "Percent",
            },
            lambda bench: {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "EvaluateLowSampleCountPercentile": "ignore",
                "ExtendedStatistic": "p90",
                "MetricName": "Latency",
                "Namespace": "AWS/ELB",
                "Period": 60,
                "Threshold": 1.5,
            },
            lambda bench: {
                "ComparisonOperator": "GreaterThanUpperThreshold",
                "EvaluationPeriods": 1,
                "Metrics": [
                    {
                        "Id": "m",
                        "MetricStat": {
                            "Metric": {"MetricName": "Latency", "Namespace": "AWS/ELB"},
                            "Period": 60,
                            "Stat": "Average",
                        },
                        "ReturnData": True,
                    },
                    {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 2)", "ReturnData": True},
                ],
                "ThresholdMetricId": "band",
            },
        ],
        lambda bench, given: {**given, "Threshold": 90, "AlarmDescription": "full", "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::CloudWatch::CompositeAlarm",
        [
            lambda bench: {
                "AlarmName": f"both-{bench.unique()}",
                "ActionsEnabled": True,
                "ActionsSuppressor": "arn:aws:cloudwatch:ap-southeast-2:1:alarm:maintenance",
                "ActionsSuppressorExtensionPeriod": 60,
                "ActionsSuppressorWaitPeriod": 120,
                "AlarmActions": [topic(bench)],
                "AlarmDescription": "both are bad",
                "AlarmRule": "ALARM(one) AND ALARM(two)",
                "InsufficientDataActions": [topic(bench)],
                "OKActions": [topic(bench)],
                "Tags": TAGS,
            }
        ],
        lambda bench, given: {**given, "AlarmRule": "ALARM(one)", "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::CloudWatch::Dashboard",
        [lambda bench: {"DashboardName": f"all-{bench.unique()}", "DashboardBody": '{"widgets":[]}'}],
        lambda bench, given: {**given, "DashboardBody": '{"widgets":[],"start":"-PT3H"}'},
    ),
    Case(
        "AWS::Events::Rule",
        [
            lambda bench: {
                "Name": f"failed-{bench.unique()}",
                "Description": "what failed",
                "EventPattern": {"source": ["aws.rds"]},
                "RoleArn": bench.role(),
                "State": "ENABLED",
                "Tags": TAGS,
                "Targets": [{"Id": "queue", "Arn": queue_arn(bench), "Input": '{"a":1}'}],
            },
            lambda bench: {
                "EventBusName": bench.make("AWS::Events::EventBus", Name=f"bus-{bench.unique()}").physical_id,
                "EventPattern": {"source": ["gen3"]},
            },
            lambda bench: {"ScheduleExpression": "rate(5 minutes)"},
        ],
        lambda bench, given: {
            **given,
            "Description": "what failed again",
            "EventPattern": {"source": ["aws.ecs"]},
            "State": "DISABLED",
            "Tags": OTHER_TAGS,
            "Targets": [{"Id": "other", "Arn": queue_arn(bench)}],
        },
    ),
    Case(
        "AWS::Events::EventBus",
        [
            lambda bench: {
                "Name": f"bus-{bench.unique()}",
                "DeadLetterConfig": {"Arn": queue_arn(bench)},
                "Description": "of gen3",
                "KmsKeyIdentifier": bench.make("AWS::KMS::Key").attributes["Arn"],
                "Policy": statement("events:PutEvents", Sid="a", Principal={"AWS": bench.account}, Resource="*"),
                "Tags": TAGS,
            },
        ],
        lambda bench, given: {**given, "Description": "of all", "Tags": OTHER_TAGS},
    ),
    Case(
        "AWS::Lambda::Function",
        [
            lambda bench: {
                "FunctionName": f"rotate-{bench.unique()}",
                "Architectures": ["arm64"],
                "Code": {"ZipFile": "def handler(event, context): return 1"},
                "DeadLetterConfig": {"TargetArn": queue_arn(bench)},
                "Description": "rotates",
                "Environment": {"Variables": {"STAGE": "dev"}},
                "EphemeralStorage": {"Size": 1024},
                "FileSystemConfigs": [
                    {
                        "Arn": f"arn:aws:elasticfilesystem:{REGION}:{bench.account}:access-point/{ACCESS_POINT}",
                        "LocalMountPath": "/mnt/data",
                    }
                ],
                "Handler": "index.handler",
                "KmsKeyArn": bench.make("AWS::KMS::Key").attributes["Arn"],
                "Layers": [layer(bench)],
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/csoc/rotate"},
                "MemorySize": 256,
                "ReservedConcurrentExecutions": 2,
                "Role": function_role(bench),
                "Runtime": "python3.12",
                "Tags": TAGS,
                "Timeout": 30,
                "TracingConfig": {"Mode": "Active"},
                "VpcConfig": {"SubnetIds": bench.subnets(), "SecurityGroupIds": [bench.group()]},
            }
        ],
        lambda bench, given: {
            **given,
            "Code": {"ZipFile": "def handler(event, context): return 2"},
            "Environment": {"Variables": {"STAGE": "prod"}},
            "MemorySize": 512,
            "ReservedConcurrentExecutions": 4,
            "Tags": OTHER_TAGS,
            "Timeout": 60,
        },
        without={
            "SnapStartResponse.ApplyOn": "SnapStart is refused",
            "SnapStartResponse.OptimizationStatus": "SnapStart is refused",
        },
    ),
    Case(
        "AWS::Lambda::Permission",
        [
            lambda bench: {
                "Action": "lambda:InvokeFunction",
                "FunctionName": function(bench),
                "Principal": "s3.amazonaws.com",
                "SourceAccount": bench.account,
                "SourceArn": "arn:aws:s3:::data",
            },
            lambda bench: {
                "Action": "lambda:InvokeFunctionUrl",
                "FunctionName": function(bench),
                "FunctionUrlAuthType": "AWS_IAM",
                "Principal": bench.account,
                "PrincipalOrgID": "o-1234567890",
            },
        ],
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_messaging(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)

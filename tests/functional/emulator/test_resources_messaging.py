"""Resource types that carry messages and watch: queues, topics, logs, alarms, rules, functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from csoc.emulator.running import Emulator
from tests.functional.emulator.resource_cases import CHECKS, Bench, Case, statement

TAGS = [{"Key": "team", "Value": "data"}]
OTHER_TAGS = [{"Key": "owner", "Value": "data"}]


def queue(bench: Bench) -> str:
    """The URL of a queue."""
    return str(bench.make("AWS::SQS::Queue").physical_id)


def queue_arn(bench: Bench) -> str:
    return str(bench.make("AWS::SQS::Queue").attributes["Arn"])


def topic(bench: Bench) -> str:
    return str(bench.make("AWS::SNS::Topic").physical_id)


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
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_messaging(case: Case, check: Callable[[Case, Bench], None], emulator: Emulator, account: str) -> None:
    check(case, Bench(emulator, account))

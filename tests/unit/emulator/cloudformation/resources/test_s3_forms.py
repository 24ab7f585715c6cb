"""Settings of buckets go to the API and come back as the template had them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from csoc.emulator.cloudformation.resources import s3_forms as forms
from csoc.emulator.cloudformation.resources.handler import ResourceError

Form = Callable[[Mapping[str, Any]], Any]
RULE = {"Id": "old", "Status": "Enabled"}


@pytest.mark.parametrize(
    ("there", "back", "inside", "value"),
    [
        (
            forms.cors_to_api,
            forms.cors_to_template,
            "CORSConfiguration",
            {"CorsRules": [{"AllowedMethods": ["GET"], "ExposedHeaders": ["ETag"], "Id": "a", "MaxAge": 5}]},
        ),
        (
            forms.encryption_to_api,
            forms.encryption_to_template,
            "",
            {
                "ServerSideEncryptionConfiguration": [
                    {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
                ]
            },
        ),
        (
            forms.notification_to_api,
            forms.notification_to_template,
            "NotificationConfiguration",
            {
                "TopicConfigurations": [{"Event": "s3:ObjectCreated:*", "Topic": "arn:topic"}],
                "QueueConfigurations": [
                    {
                        "Event": "s3:ObjectRemoved:*",
                        "Queue": "arn:queue",
                        "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}},
                    }
                ],
                "LambdaConfigurations": [{"Event": "s3:ObjectRestore:*", "Function": "arn:function"}],
                "EventBridgeConfiguration": {"EventBridgeEnabled": True},
            },
        ),
        (
            forms.website_to_api,
            forms.website_to_template,
            "WebsiteConfiguration",
            {"RedirectAllRequestsTo": {"HostName": "gen3.example.org", "Protocol": "https"}},
        ),
        *[
            (
                forms.lifecycle_to_api,
                forms.lifecycle_to_template,
                "LifecycleConfiguration",
                {"Rules": [{**RULE, **rule}]},
            )
            for rule in (
                {"ExpirationInDays": 5},
                {"Prefix": "logs/", "ExpirationDate": "2030-01-01"},
                {"TagFilters": [{"Key": "a", "Value": "b"}], "ExpiredObjectDeleteMarker": True},
                {"ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 9, "ExpirationInDays": 1},
                {"Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}]},
                {"NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}]},
                {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}},
                {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
            )
        ],
    ],
)
def test_a_setting_comes_back_as_it_went(there: Form, back: Form, inside: str, value: dict[str, Any]) -> None:
    asked = there(value)
    assert back(asked[inside] if inside else asked) == value


def test_old_spellings_of_lifecycle_rules_become_the_new_ones() -> None:
    old = {
        **RULE,
        "Transition": {"StorageClass": "GLACIER", "TransitionInDays": 30},
        "NoncurrentVersionExpirationInDays": 7,
        "NoncurrentVersionTransition": {"StorageClass": "GLACIER", "TransitionInDays": 3},
    }
    made = forms.lifecycle_to_api({"Rules": [old]})["LifecycleConfiguration"]
    assert forms.lifecycle_to_template(made)["Rules"] == [
        {
            **RULE,
            "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}],
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 3}],
        }
    ]


@pytest.mark.parametrize(
    ("action", "name"),
    [
        (lambda: forms.lifecycle_to_api({"Rules": [], "TransitionDefaultMinimumObjectSize": 1}), "MinimumObjectSize"),
        (lambda: forms.lifecycle_to_api({"Rules": [{**RULE, "Surprise": 1}]}), "Surprise"),
        (lambda: forms.website_to_api({"RoutingRules": []}), "RoutingRules"),
        (lambda: forms.logging_to_api({"TargetObjectKeyFormat": {}}, "b"), "TargetObjectKeyFormat"),
    ],
)
def test_what_would_be_lost_is_refused_by_name(action: Callable[[], Any], name: str) -> None:
    with pytest.raises(ResourceError, match=name):
        action()

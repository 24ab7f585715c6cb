"""Resource types of IAM."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.functional.emulator.resource_cases import CHECKS, READ, TRUST, WRITE, Bench, Case

_AWS = "arn:aws:iam::aws:policy"


def _managed(bench: Bench) -> str:
    return bench.make("AWS::IAM::ManagedPolicy", PolicyDocument=READ).physical_id


def _user(bench: Bench) -> str:
    return bench.make("AWS::IAM::User").physical_id


def _group(bench: Bench) -> str:
    return bench.make("AWS::IAM::Group").physical_id


def _role(bench: Bench) -> str:
    return bench.make("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical_id


_INLINE = [{"PolicyName": "read", "PolicyDocument": READ}]
_OTHER = [{"PolicyName": "read", "PolicyDocument": WRITE}, {"PolicyName": "more", "PolicyDocument": READ}]
CASES = (
    Case(
        "AWS::IAM::Role",
        [
            lambda bench: {
                "RoleName": f"worker-{bench.account}-{bench.unique()}",
                "AssumeRolePolicyDocument": TRUST,
                "Description": "what works",
                "ManagedPolicyArns": [f"{_AWS}/ReadOnlyAccess", _managed(bench)],
                "MaxSessionDuration": "7200",
                "Path": "/csoc/",
                "PermissionsBoundary": _managed(bench),
                "Policies": _INLINE,
                "Tags": [{"Key": "team", "Value": "data"}],
            }
        ],
        lambda bench, given: {
            **given,
            "AssumeRolePolicyDocument": {**TRUST, "Id": "other"},
            "Description": "what works on",
            "ManagedPolicyArns": [f"{_AWS}/AmazonEKSWorkerNodePolicy"],
            "MaxSessionDuration": 3600,
            "PermissionsBoundary": _managed(bench),
            "Policies": _OTHER,
            "Tags": [{"Key": "owner", "Value": "data"}],
        },
    ),
    Case(
        "AWS::IAM::User",
        [
            lambda bench: {
                "UserName": f"person-{bench.unique()}",
                "Groups": [_group(bench)],
                "LoginProfile": {"Password": "Not-a-secret-1", "PasswordResetRequired": True},
                "ManagedPolicyArns": [f"{_AWS}/ReadOnlyAccess"],
                "Path": "/people/",
                "PermissionsBoundary": _managed(bench),
                "Policies": _INLINE,
                "Tags": [{"Key": "team", "Value": "data"}],
            }
        ],
        lambda bench, given: {
            **given,
            "Groups": [_group(bench)],
            "Path": "/others/",
            "Policies": _OTHER,
            "ManagedPolicyArns": [],
            "Tags": [],
        },
        shown=lambda given: {**given, "LoginProfile": {"PasswordResetRequired": True}},
    ),
    Case(
        "AWS::IAM::Group",
        [
            lambda bench: {
                "GroupName": f"people-{bench.unique()}",
                "ManagedPolicyArns": [f"{_AWS}/ReadOnlyAccess"],
                "Path": "/people/",
                "Policies": _INLINE,
            }
        ],
        lambda bench, given: {**given, "Policies": _OTHER, "Path": "/others/"},
    ),
    Case(
        "AWS::IAM::Policy",
        [
            lambda bench: {
                "PolicyName": "shared",
                "PolicyDocument": READ,
                "Roles": [_role(bench)],
                "Users": [_user(bench)],
                "Groups": [_group(bench)],
            }
        ],
        lambda bench, given: {**given, "PolicyName": "renamed", "PolicyDocument": WRITE, "Roles": [_role(bench)]},
    ),
    Case(
        "AWS::IAM::RolePolicy",
        [lambda bench: {"PolicyName": "one", "PolicyDocument": READ, "RoleName": _role(bench)}],
        lambda bench, given: {**given, "PolicyDocument": WRITE},
    ),
    Case(
        "AWS::IAM::UserPolicy",
        [lambda bench: {"PolicyName": "one", "PolicyDocument": READ, "UserName": _user(bench)}],
        lambda bench, given: {**given, "PolicyDocument": WRITE},
    ),
    Case(
        "AWS::IAM::GroupPolicy",
        [lambda bench: {"PolicyName": "one", "PolicyDocument": READ, "GroupName": _group(bench)}],
        lambda bench, given: {**given, "PolicyDocument": WRITE},
    ),
    Case(
        "AWS::IAM::ManagedPolicy",
        [
            lambda bench: {
                "ManagedPolicyName": f"shared-{bench.unique()}",
                "Description": "what may be read",
                "Path": "/csoc/",
                "PolicyDocument": READ,
                "Roles": [_role(bench)],
                "Users": [_user(bench)],
                "Groups": [_group(bench)],
            }
        ],
        lambda bench, given: {**given, "PolicyDocument": WRITE, "Roles": [_role(bench)]},
    ),
    Case(
        "AWS::IAM::InstanceProfile",
        [lambda bench: {"InstanceProfileName": f"node-{bench.unique()}", "Path": "/csoc/", "Roles": [_role(bench)]}],
        lambda bench, given: {**given, "Roles": [_role(bench)]},
    ),
    Case(
        "AWS::IAM::OIDCProvider",
        [
            lambda bench: {
                "Url": f"https://oidc.eks.example.org/id/{bench.unique()}",
                "ClientIdList": ["sts.amazonaws.com"],
                "ThumbprintList": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"],
                "Tags": [{"Key": "team", "Value": "data"}],
            }
        ],
        lambda bench, given: {
            **given,
            "ClientIdList": ["other.amazonaws.com"],
            "ThumbprintList": ["0e99a48a9960b14926bb7f3b02e22da2b0ab7280"],
            "Tags": [{"Key": "owner", "Value": "data"}],
        },
    ),
    Case(
        "AWS::IAM::ServiceLinkedRole",
        [
            lambda bench: {
                "AWSServiceName": "autoscaling.amazonaws.com",
                "CustomSuffix": f"s{bench.unique()}",
                "Description": "scales",
            }
        ],
        lambda bench, given: {**given, "Description": "scales groups"},
    ),
    Case(
        "AWS::IAM::UserToGroupAddition",
        [lambda bench: {"GroupName": _group(bench), "Users": [_user(bench), _user(bench)]}],
        lambda bench, given: {**given, "Users": [given["Users"][0], _user(bench)]},
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type_name)
def test_types_of_iam(case: Case, check: Callable[[Case, Bench], None], bench: Bench) -> None:
    check(case, bench)

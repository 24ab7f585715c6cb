"""The calls that show what a link's sessions can do: one table a role, each call with what it means.

Names in them are new each time and name nothing that exists, so that a call that is let through finds nothing to
change; where it would make something, it says how that is taken back. The cloud in memory (`testing.cloud`) has its own
table of what each role may call, and on what; the emulator judges them by the roles' policies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.accounts import names
from csoc.accounts.cloud import Probe, Trial
from csoc.accounts.links import FAIL, SUCCEED, Role
from csoc.accounts.terms import Terms

_TOPIC = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


@dataclass(frozen=True, slots=True)
class Attempt:
    """expectation: "must succeed" or "must fail". meaning: what it means if it is not so."""

    name: str
    expectation: str
    probe: Probe
    meaning: str


def of(role: Role, terms: Terms, uid: str) -> tuple[Attempt, ...]:
    """What a session in a role tries. uid: of nothing that exists."""
    return _TABLE[role](terms, uid)


def trial(terms: Terms, uid: str, *, bounded: bool) -> Trial:
    """A stack with what every layer has: a parameter that passes something on, and a role. bounded: with the boundary;
    without it, the stack must not be made."""
    role: dict[str, Any] = {
        "RoleName": f"csoc-{uid}-verify",
        "Path": f"/csoc/{uid}/",
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        },
    }
    if bounded:
        role["PermissionsBoundary"] = terms.boundary
    resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}
    if bounded:
        resources["Parameter"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": f"/csoc/{uid}/verify/Works", "Type": "String", "Value": "yes"},
        }
    tags = {names.INSTALLATION_TAG: terms.installation, names.OWNER_TAG: uid, names.LAYER_TAG: "verify"}
    return Trial(f"csoc-{uid}-verify", json.dumps({"Resources": resources}), terms.role(Role.EXECUTION), tags)


def _reads(name: str, service: str, operation: str, /, *allowed: str, **arguments: Any) -> Attempt:
    probe = Probe(service, operation, arguments, allowed)
    return Attempt(name, SUCCEED, probe, "The role may not do what csoc needs")


def _never(name: str, meaning: str, probe: Probe) -> Attempt:
    return Attempt(name, FAIL, probe, meaning)


def _observer(terms: Terms, uid: str) -> tuple[Attempt, ...]:
    secret = f"csoc/{uid}/verify"
    bucket = terms.artifact_bucket
    return (
        _reads("observer role reads networks", "ec2", "describe_vpcs"),
        _reads("observer role reads clusters", "eks", "list_clusters"),
        _reads("observer role reads databases", "rds", "describe_db_clusters"),
        _never(
            "secret value, by the observer role",
            "The observer role reads secrets",
            Probe("secretsmanager", "get_secret_value", {"SecretId": secret}, ("ResourceNotFoundException",)),
        ),
        _never(
            "parameter's value, by the observer role",
            "The observer role reads parameters",
            Probe("ssm", "get_parameter", {"Name": f"/csoc/{uid}/verify", "WithDecryption": True},
                  ("ParameterNotFound",)),
        ),
        _never(
            "object, by the observer role",
            "The observer role reads objects",
            Probe("s3", "get_object", {"Bucket": bucket, "Key": f"verify/{uid}"}, ("NoSuchKey", "404")),
        ),
    )  # fmt: skip


def _provisioner(terms: Terms, uid: str) -> tuple[Attempt, ...]:
    own, outside = f"csoc-{uid}-verify", f"verify-{uid}"
    right_tag = [{"Key": names.INSTALLATION_TAG, "Value": terms.installation}]
    execution = terms.role(Role.EXECUTION)
    link = names.link_stack(terms.installation)
    role = names.link_role(terms.installation, Role.PROVISIONER)
    nobody = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})  # fmt: skip

    def change_set(stack: str, **more: Any) -> Probe:
        named = {"StackName": stack, "ChangeSetName": own}
        arguments = {**named, "ChangeSetType": "CREATE", "TemplateBody": _TOPIC, **more}
        undo = (Probe("cloudformation", "delete_change_set", named), Probe("cloudformation", "delete_stack",
                {"StackName": stack}))  # fmt: skip
        return Probe("cloudformation", "create_change_set", arguments, undo=undo)

    return (
        _reads("provisioner role lists stacks", "cloudformation", "list_stacks"),
        _reads("provisioner role reads outputs", "ssm", "get_parameter", "ParameterNotFound",
               Name=f"/csoc/{uid}/verify/Output"),
        _never(
            "stack outside of the installation, by the provisioner role",
            "The provisioner role may make stacks that are not csoc's",
            change_set(outside, Tags=right_tag, RoleARN=execution),
        ),
        _never(
            "stack of another installation, by the provisioner role",
            "The provisioner role may make stacks of another installation",
            change_set(own, Tags=[{**right_tag[0], "Value": "z000000000"}], RoleARN=execution),
        ),
        _never(
            "stack without the execution role, by the provisioner role",
            "The provisioner role may make stacks in its own name, past the execution role's limits",
            change_set(own, Tags=right_tag),
        ),
        _never(
            "stack without a plan, by the provisioner role",
            "The provisioner role may make a stack at once, without a change set that somebody approved",
            Probe("cloudformation", "create_stack",
                  {"StackName": own, "TemplateBody": _TOPIC, "Tags": right_tag, "RoleARN": execution},
                  undo=(Probe("cloudformation", "delete_stack", {"StackName": own, "RoleARN": execution}),)),
        ),
        _never(
            "stack of the link, by the provisioner role",
            "The provisioner role may change the link itself",
            # With what it has, so that it changes nothing where it is let through.
            Probe("cloudformation", "create_change_set",
                  {"StackName": link, "ChangeSetName": own, "ChangeSetType": "UPDATE", "UsePreviousTemplate": True,
                   "Capabilities": ["CAPABILITY_NAMED_IAM"],
                   "Parameters": [{"ParameterKey": "ExternalId", "UsePreviousValue": True}]},
                  undo=(Probe("cloudformation", "delete_change_set", {"StackName": link, "ChangeSetName": own}),)),
        ),
        _never(
            "roles of the link, by the provisioner role",
            "The provisioner role may change the link's roles",
            Probe("iam", "tag_role", {"RoleName": role, "Tags": [{"Key": "csoc:verify", "Value": uid}]},
                  undo=(Probe("iam", "untag_role", {"RoleName": role, "TagKeys": ["csoc:verify"]}),)),
        ),
        _never(
            "role without the boundary, by the provisioner role",
            "The provisioner role may make roles, so it could make itself an administrator",
            Probe("iam", "create_role",
                  {"RoleName": own, "Path": f"/csoc/{uid}/", "AssumeRolePolicyDocument": nobody},
                  undo=(Probe("iam", "delete_role", {"RoleName": own}),)),
        ),
        _never(
            "secret value, by the provisioner role",
            "The provisioner role reads secrets",
            Probe("secretsmanager", "get_secret_value", {"SecretId": f"csoc/{uid}/verify"},
                  ("ResourceNotFoundException",)),
        ),
    )  # fmt: skip


def _secrets(terms: Terms, uid: str) -> tuple[Attempt, ...]:  # noqa: ARG001 - one form for all roles
    name = {"SecretId": f"csoc/{uid}/verify"}
    return (
        _reads(
            "secrets role looks at secrets", "secretsmanager", "describe_secret", "ResourceNotFoundException", **name
        ),
        _never(
            "secret value, by the secrets role",
            "The secrets role reads what it puts",
            Probe("secretsmanager", "get_secret_value", name, ("ResourceNotFoundException",)),
        ),
    )


def _cluster(terms: Terms, uid: str) -> tuple[Attempt, ...]:  # noqa: ARG001 - one form for all roles
    return (
        _reads("cluster role finds clusters", "eks", "describe_cluster", "ResourceNotFoundException",
               name=f"csoc-{uid}"),
        _never(
            "clusters listed, by the cluster role",
            "The cluster role sees clusters that are not csoc's",
            Probe("eks", "list_clusters"),
        ),
    )  # fmt: skip


_TABLE: Mapping[Role, Callable[[Terms, str], tuple[Attempt, ...]]] = {
    Role.OBSERVER: _observer,
    Role.PROVISIONER: _provisioner,
    Role.SECRETS: _secrets,
    Role.CLUSTER: _cluster,
}

"""What a call asks of IAM, in general: its action on the resources it names, tags that it sets, roles it passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.cloud.authorising.naming import anything_of, arns
from csoc.emulator.cloud.authorising.reference import ActionFacts, facts, kind_named
from csoc.emulator.cloud.calls import Call
from csoc.emulator.cloud.services import BY_NAME

Values = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of a call. action: "ec2:CreateVpc". resources: ARNs, or ("*",). context: condition keys of this
    question, lower case. vague: the emulator does not know which resources the action touches. keys: condition keys of
    the service that the action has, filled in or not."""

    action: str
    resources: tuple[str, ...]
    context: Mapping[str, Values] = field(default_factory=dict)
    vague: bool = False
    keys: frozenset[str] = frozenset()


Asker = Callable[[Call], Sequence[Ask]]
_CREATING = ("Create", "Run", "Allocate", "Import", "Register", "Request", "Put", "Copy", "Restore", "Purchase")

# Actions that share the name of no operation. Source: the Service Authorization Reference, "Actions defined by ...".
_RENAMED = {
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sns", "PublishBatch"): "Publish",
    ("lambda", "Invoke"): "InvokeFunction",
    ("dynamodb", "TransactGetItems"): "GetItem",
    **{("budgets", name): "ViewBudget" for name in ("DescribeBudget", "DescribeBudgets")},
    **{("budgets", name): "ModifyBudget" for name in ("CreateBudget", "UpdateBudget", "DeleteBudget")},
}

# The action that a create with tags asks for as well, where the service asks. Source: as above, "Dependent actions",
# and "Tagging" in the services' guides.
_TAGGING = {
    "acm": "AddTagsToCertificate", "autoscaling": "CreateOrUpdateTags", "backup": "TagResource",
    "cloudwatch": "TagResource", "dynamodb": "TagResource", "ecr": "TagResource", "eks": "TagResource",
    "elasticfilesystem": "TagResource", "elasticloadbalancing": "AddTags", "es": "AddTags", "events": "TagResource",
    "kms": "TagResource", "lambda": "TagResource", "logs": "TagResource", "organizations": "TagResource",
    "rds": "AddTagsToResource", "secretsmanager": "TagResource", "sns": "TagResource", "sqs": "TagQueue",
    "ssm": "AddTagsToResource", "wafv2": "TagResource",
}  # fmt: skip
_IAM_TAGGING = {
    "CreateRole": "TagRole", "CreateUser": "TagUser", "CreatePolicy": "TagPolicy",
    "CreateInstanceProfile": "TagInstanceProfile", "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
}  # fmt: skip
# Resources of creates that the reference gives no resource type, for their tagging action.
_TAGGED_KINDS = {("kms", "CreateKey"): "key", ("eks", "CreateCluster"): "cluster", ("es", "CreateDomain"): "domain"}

# Roles that a call hands to a service: parameter (with dots into structures) and the service. Source: "Passing roles"
# in the services' guides; iam:PassedToService in "Keys for AWS STS and IAM".
_PASSED: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    **{
        ("cloudformation", name): (("RoleARN", "cloudformation.amazonaws.com"),)
        for name in (
            "CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ContinueUpdateRollback", "RollbackStack",
        )
    },
    ("eks", "CreateCluster"): (("roleArn", "eks.amazonaws.com"), ("computeConfig.nodeRoleArn", "eks.amazonaws.com")),
    ("eks", "CreateNodegroup"): (("nodeRole", "eks.amazonaws.com"),),
    ("eks", "CreateAddon"): (("serviceAccountRoleArn", "eks.amazonaws.com"),),
    ("eks", "UpdateAddon"): (("serviceAccountRoleArn", "eks.amazonaws.com"),),
    ("eks", "CreateFargateProfile"): (("podExecutionRoleArn", "eks-fargate-pods.amazonaws.com"),),
    ("eks", "CreatePodIdentityAssociation"): (("roleArn", "pods.eks.amazonaws.com"),),
    ("eks", "UpdatePodIdentityAssociation"): (("roleArn", "pods.eks.amazonaws.com"),),
    ("ec2", "CreateFlowLogs"): (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    ("rds", "CreateDBCluster"): (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    ("rds", "ModifyDBCluster"): (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    ("rds", "CreateDBInstance"): (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    ("rds", "ModifyDBInstance"): (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    ("rds", "AddRoleToDBCluster"): (("RoleArn", "rds.amazonaws.com"),),
    ("lambda", "CreateFunction"): (("Role", "lambda.amazonaws.com"),),
    ("lambda", "UpdateFunctionConfiguration"): (("Role", "lambda.amazonaws.com"),),
    ("events", "PutTargets"): (("Targets.RoleArn", "events.amazonaws.com"),),
    ("events", "PutRule"): (("RoleArn", "events.amazonaws.com"),),
    ("logs", "PutSubscriptionFilter"): (("roleArn", "logs.amazonaws.com"),),
    ("cloudtrail", "CreateTrail"): (("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com"),),
    ("cloudtrail", "UpdateTrail"): (("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com"),),
    ("backup", "CreateBackupSelection"): (("BackupSelection.IamRoleArn", "backup.amazonaws.com"),),
    ("backup", "StartBackupJob"): (("IamRoleArn", "backup.amazonaws.com"),),
    ("config", "PutConfigurationRecorder"): (("ConfigurationRecorder.roleARN", "config.amazonaws.com"),),
    ("s3", "PutBucketReplication"): (("ReplicationConfiguration.Role", "s3.amazonaws.com"),),
    ("opensearch", "CreateDomain"): (("CognitoOptions.RoleArn", "es.amazonaws.com"),),
    ("opensearch", "UpdateDomainConfig"): (("CognitoOptions.RoleArn", "es.amazonaws.com"),),
    ("autoscaling", "CreateAutoScalingGroup"): (
        ("LifecycleHookSpecificationList.RoleARN", "autoscaling.amazonaws.com"),
    ),
    ("autoscaling", "PutLifecycleHook"): (("RoleARN", "autoscaling.amazonaws.com"),),
}  # fmt: skip


def usual(call: Call) -> list[Ask]:
    """What a call asks where its service has nothing special."""
    prefix = BY_NAME[call.service].prefix
    name = _RENAMED.get((call.service, call.operation), call.operation)
    main = ask_for(call, prefix, name)
    return [main, *tagging(call, prefix, main), *passing(call)]


def ask_for(call: Call, prefix: str, name: str, context: Mapping[str, Values] | None = None) -> Ask:
    """An action on the resources that the call names."""
    action = f"{prefix}:{name}"
    known = facts(prefix, name)
    if known is None:
        return Ask(action, ("*",), context or {}, vague=True)
    return Ask(action, resources_of(call, prefix, known), context or {}, keys=known.keys)


def resources_of(call: Call, prefix: str, known: ActionFacts) -> tuple[str, ...]:
    """ARNs that an action touches: those named, and for what is created or not named the pattern of all of a kind."""
    found: dict[str, None] = {}
    families: set[str] = set()
    missing = []
    for kind in known.kinds:
        named = arns(call, prefix, kind)
        found.update(dict.fromkeys(named))
        if named:
            families.add(_family(kind.name))
        elif kind.required:
            missing.append(kind)
    if not found or call.operation.startswith(_CREATING):
        for kind in missing:
            if _family(kind.name) not in families:
                found[anything_of(call, kind)] = None
    return tuple(found) or ("*",)


def _family(kind: str) -> str:
    """Kinds of which a call names one or the other: application and network load balancers."""
    return re.split(r"[/-]", kind)[0] if kind.startswith(("loadbalancer", "listener", "rule-on")) else kind


def tagging(call: Call, prefix: str, main: Ask) -> list[Ask]:
    """The tagging action of a create that sets tags."""
    tags = request_tags(call.parameters)
    name = _IAM_TAGGING.get(call.operation, "") if prefix == "iam" else _TAGGING.get(prefix, "")
    if not tags or not name or not call.operation.startswith(_CREATING):
        return []
    resources = main.resources
    kind = _TAGGED_KINDS.get((prefix, call.operation))
    if kind is not None:
        known = kind_named(prefix, kind)
        resources = tuple(arns(call, prefix, known)) or (anything_of(call, known),)
    elif resources == ("*",) and prefix == "acm":
        resources = (anything_of(call, kind_named("acm", "certificate")),)
    context = {"elasticloadbalancing:createaction": call.operation} if prefix == "elasticloadbalancing" else {}
    known_tagging = facts(prefix, name)
    return [
        Ask(f"{prefix}:{name}", resources, context, keys=known_tagging.keys if known_tagging else frozenset(context))
    ]


def passing(call: Call) -> list[Ask]:
    """iam:PassRole for each role that the call hands to a service."""
    asks = []
    for path, service in _PASSED.get((call.service, call.operation), ()):
        asks += [pass_role(arn, service) for arn in within(call.parameters, path)]
    return asks


def pass_role(arn: str, service: str) -> Ask:
    """iam:PassRole on a role for a service."""
    known = facts("iam", "PassRole")
    return Ask("iam:PassRole", (arn,), {"iam:passedtoservice": service}, keys=known.keys if known else frozenset())


def within(body: Any, path: str) -> list[str]:
    """Texts at a path with dots; lists are gone through."""
    name, _, rest = path.partition(".")
    if isinstance(body, (list, tuple)):
        return [found for one in body for found in within(one, path)]
    if not isinstance(body, Mapping) or body.get(name) is None:
        return []
    value = body[name]
    if rest:
        return within(value, rest)
    values = value if isinstance(value, (list, tuple)) else [value]
    return [one for one in values if isinstance(one, str) and one]


def request_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Tags that a call sets, in any of the forms that services use."""
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if name.lower() in ("tags", "tag", "taglist", "backupplantags", "backupvaulttags"):
            found |= tag_pairs(value)
        elif name == "TagSpecifications" or name == "TagSpecification":
            for one in value or ():
                found |= tag_pairs(one.get("Tags", ()))
    return found


def tag_pairs(value: Any) -> dict[str, str]:
    """One list or mapping of tags."""
    if isinstance(value, Mapping):
        if "Items" in value or "TagSet" in value:
            return tag_pairs(value.get("Items") or value.get("TagSet"))
        return {str(key): str(text) for key, text in value.items()}
    pairs = {}
    for tag in value or ():
        if isinstance(tag, Mapping):
            lower = {key.lower(): text for key, text in tag.items()}
            key = lower.get("key", lower.get("tagkey"))
            if key is not None:
                pairs[str(key)] = str(lower.get("value", lower.get("tagvalue")) or "")
    return pairs


def tag_keys(parameters: Mapping[str, Any]) -> list[str]:
    """Keys of tags that a call sets or removes."""
    removed = [key for name in ("TagKeys", "tagKeys", "TagKeyList") for key in parameters.get(name, ()) or ()]
    return [*request_tags(parameters), *(str(key) for key in removed)]

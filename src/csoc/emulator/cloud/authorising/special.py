"""What is special to a service: actions of another name, several of them, and condition keys of its own.

Source: Service Authorization Reference, "Actions, resources, and condition keys for" each service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlparse

from csoc.emulator.cloud import moto_resources
from csoc.emulator.cloud.authorising.asking import Ask, Asker, Values, pass_role, tag_pairs, usual, within
from csoc.emulator.cloud.authorising.naming import cleaned, given
from csoc.emulator.cloud.authorising.reference import facts
from csoc.emulator.cloud.authorising.s3 import s3
from csoc.emulator.cloud.calls import Call

StackArn = Callable[[str, str, str], str]
"""The ARN of a stack by account, region and name or ARN; "" if there is none."""


def ec2(call: Call) -> list[Ask]:
    """Tags at creation are an action of their own; resources of CreateTags and CreateFlowLogs are told by their ids."""
    asks = usual(call)
    region = {"ec2:region": call.region}
    if call.operation in ("CreateTags", "DeleteTags"):
        named = [_ec2_arn(call, one) for one in given(call.parameters, "Resources")]
        # Nothing is made by this call, so that the key is absent.
        asks = [replace(asks[0], resources=tuple(named) or ("*",), keys=asks[0].keys - {"ec2:createaction"})]
    elif call.operation == "CreateFlowLogs":
        named = [_ec2_arn(call, one) for one in given(call.parameters, "ResourceIds")]
        asks[0] = replace(asks[0], resources=(*asks[0].resources, *named))
    elif call.operation == "RunInstances":
        asks += [
            pass_role(arn, "ec2.amazonaws.com")
            for name in [
                *within(call.parameters, "IamInstanceProfile.Arn"),
                *within(call.parameters, "IamInstanceProfile.Name"),
            ]
            for arn in moto_resources.roles_of_profile(call.account, name)
        ]
    known = facts("ec2", "CreateTags")
    for one in call.parameters.get("TagSpecifications") or call.parameters.get("TagSpecification") or ():
        if tag_pairs(one.get("Tags")):
            arn = f"arn:aws:ec2:{call.region}:{call.account}:{one.get('ResourceType', '*')}/*"
            context = {"ec2:createaction": call.operation}
            asks.append(Ask("ec2:CreateTags", (arn,), context, keys=known.keys if known else frozenset()))
    return [replace(ask, context={**region, **ask.context}) for ask in asks]


_EC2_KINDS = {
    "vpc": "vpc", "subnet": "subnet", "sg": "security-group", "sgr": "security-group-rule", "rtb": "route-table",
    "igw": "internet-gateway", "eigw": "egress-only-internet-gateway", "nat": "natgateway", "eipalloc": "elastic-ip",
    "vpce": "vpc-endpoint", "fl": "vpc-flow-log", "acl": "network-acl", "eni": "network-interface", "i": "instance",
    "vol": "volume", "snap": "snapshot", "ami": "image", "lt": "launch-template", "dopt": "dhcp-options",
    "pcx": "vpc-peering-connection", "key": "key-pair", "tgw": "transit-gateway", "pl": "prefix-list",
}  # fmt: skip


def _ec2_arn(call: Call, resource_id: str) -> str:
    kind = _EC2_KINDS.get(resource_id.rpartition("-")[0], "*")
    return f"arn:aws:ec2:{call.region}:{call.account}:{kind}/{resource_id}"


def iam(call: Call) -> list[Ask]:
    """Names become ARNs with their path; boundaries and policies are condition keys."""
    asked = call.parameters
    context: dict[str, Values] = {}
    for name, key in (("PolicyArn", "iam:policyarn"), ("AWSServiceName", "iam:awsservicename")):
        if asked.get(name):
            context[key] = str(asked[name])
    boundary = _boundary(call)
    if boundary:
        context["iam:permissionsboundary"] = boundary
    asks = usual(call)
    resources = tuple(_iam_resources(call))
    # Without a boundary the key is absent, which is known.
    keys = asks[0].keys - {"iam:permissionsboundary"}
    main = replace(asks[0], context=context, resources=resources or asks[0].resources, keys=keys)
    rest = [replace(ask, resources=main.resources) if ask.action.startswith("iam:Tag") else ask for ask in asks[1:]]
    if call.operation == "AddRoleToInstanceProfile":
        rest.append(pass_role(_iam_named(call, "role", str(asked.get("RoleName", ""))), "ec2.amazonaws.com"))
    return [main, *rest]


_IAM_KINDS = {
    "InstanceProfileName": "instance-profile", "GroupName": "group", "RoleName": "role", "UserName": "user",
}  # fmt: skip
_OF_ONESELF = frozenset({"ChangePassword", "CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys"})


def _iam_resources(call: Call) -> list[str]:
    """The one that the call is about: of a group with its user, or a profile with its role, the former."""
    asked, account = call.parameters, call.account
    if call.operation == "CreatePolicy":
        return [f"arn:aws:iam::{account}:policy{asked.get('Path') or '/'}{asked.get('PolicyName')}"]
    if call.operation == "CreateOpenIDConnectProvider":
        address = str(asked.get("Url", "")).removeprefix("https://").rstrip("/")
        return [f"arn:aws:iam::{account}:oidc-provider/{address}"]
    if call.operation == "CreateServiceLinkedRole":
        return [f"arn:aws:iam::{account}:role/aws-service-role/{asked.get('AWSServiceName')}/*"]
    for parameter, kind in _IAM_KINDS.items():
        if asked.get(parameter):
            return [_iam_named(call, kind, str(asked[parameter]))]
    for parameter in ("PolicyArn", "OpenIDConnectProviderArn", "SAMLProviderArn"):
        if asked.get(parameter):
            return [str(asked[parameter])]
    return [call.identity.principal] if call.operation in _OF_ONESELF else []


def _iam_named(call: Call, kind: str, name: str) -> str:
    made = f"arn:aws:iam::{call.account}:{kind}{call.parameters.get('Path') or '/'}{name}"
    return moto_resources.iam_arn(call.account, kind, name) or made


def _boundary(call: Call) -> str:
    """The boundary that the call sets, or that whom it is about has."""
    asked = call.parameters
    if asked.get("PermissionsBoundary") or call.operation.startswith("Create"):
        return str(asked.get("PermissionsBoundary") or "")
    for parameter, kind in (("RoleName", "role"), ("UserName", "user")):
        if asked.get(parameter):
            return moto_resources.boundary_of(call.account, kind, str(asked[parameter]))
    return ""


def kms(call: Call) -> list[Ask]:
    """Keys by whatever name they are called; the keys that a call's own parameters give."""
    asked = call.parameters
    if call.operation == "ReEncrypt":
        pairs = (
            ("ReEncryptFrom", asked.get("SourceKeyId") or ""),
            ("ReEncryptTo", asked.get("DestinationKeyId") or ""),
        )
        return [_on_key(call, Ask(f"kms:{name}", (), {}), str(key)) for name, key in pairs]
    asks = usual(call)
    names = [*given(asked, "KeyId"), *given(asked, "TargetKeyId")]
    context: dict[str, Values] = {"kms:calleraccount": call.account}
    if names:
        key_arn, key_context = _key(call, names[0])
        context |= key_context
        others = [arn for arn in asks[0].resources if ":alias/" in arn and call.operation.endswith("Alias")]
        asks[0] = replace(asks[0], resources=(key_arn, *others))
    for parameter, name, default in (
        ("KeySpec", "kms:keyspec", "SYMMETRIC_DEFAULT"), ("KeyUsage", "kms:keyusage", "ENCRYPT_DECRYPT"),
        ("Origin", "kms:keyorigin", "AWS_KMS"),
    ):  # fmt: skip
        if call.operation == "CreateKey":
            context[name] = str(asked.get(parameter) or default)
    if call.operation == "CreateKey":
        context["kms:multiregion"] = str(bool(asked.get("MultiRegion"))).lower()
        context["kms:bypasspolicylockoutsafetycheck"] = str(bool(asked.get("BypassPolicyLockoutSafetyCheck"))).lower()
    pairs_given = asked.get("EncryptionContext") or {}
    if pairs_given:
        context["kms:encryptioncontextkeys"] = list(pairs_given)
        context |= {f"kms:encryptioncontext:{name.lower()}": str(value) for name, value in pairs_given.items()}
    if call.operation == "CreateGrant":
        context["kms:granteeprincipal"] = str(asked.get("GranteePrincipal", ""))
        context["kms:grantoperations"] = [str(one) for one in asked.get("Operations", ())]
        context["kms:grantisforawsresource"] = "true" if call.identity.service else "false"
    if call.operation == "ScheduleKeyDeletion":
        context["kms:schedulekeydeletionpendingwindowindays"] = str(asked.get("PendingWindowInDays") or 30)
    return [replace(ask, context={**context, **ask.context}) for ask in asks]


def _on_key(call: Call, ask: Ask, name: str) -> Ask:
    known = facts("kms", ask.action.partition(":")[2])
    keys = known.keys if known else frozenset()
    if not name:
        return replace(ask, resources=(f"arn:aws:kms:{call.region}:{call.account}:key/*",), keys=keys)
    arn, context = _key(call, name)
    return replace(ask, resources=(arn,), context=context, keys=keys)


def _key(call: Call, name: str) -> tuple[str, dict[str, Values]]:
    """The ARN of a key, and the condition keys that follow from it."""
    account, region = call.account, call.region
    if name.startswith("arn:"):
        region, account = name.split(":")[3:5]
    context: dict[str, Values] = {}
    if "alias/" in name:
        context["kms:requestalias"] = name[name.index("alias/") :]
    found = moto_resources.key(account, region, name)
    if found is None:
        plain = name if name.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{name}"
        return plain, context
    context |= {
        "kms:resourcealiases": sorted(found.aliases),
        "kms:keyspec": str(found.key_spec),
        "kms:keyusage": str(found.key_usage),
        "kms:keyorigin": str(found.origin),
        "kms:multiregion": str(bool(found.multi_region)).lower(),
    }
    return str(found.arn), context


def secretsmanager(call: Call) -> list[Ask]:
    """Secrets by name or ARN; a name that there is not yet gets an ending that nobody knows."""
    asked, asks = call.parameters, usual(call)
    context: dict[str, Values] = {}
    name = str(asked.get("SecretId") or asked.get("Name") or "")
    if name:
        region, account = call.region, call.account
        if name.startswith("arn:"):
            region, account = name.split(":")[3:5]
        arn = moto_resources.secret_arn(account, region, name)
        if not arn or call.operation == "CreateSecret":
            arn = name if name.startswith("arn:") else f"arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????"
        asks = [replace(ask, resources=(arn,)) for ask in asks]
        if call.operation != "CreateSecret":
            context["secretsmanager:secretid"] = arn
    for parameter, key in (
        ("Name", "secretsmanager:name"), ("VersionId", "secretsmanager:versionid"),
        ("VersionStage", "secretsmanager:versionstage"), ("KmsKeyId", "secretsmanager:kmskeyid"),
        ("Description", "secretsmanager:description"), ("RecoveryWindowInDays", "secretsmanager:recoverywindowindays"),
    ):  # fmt: skip
        if asked.get(parameter) is not None:
            context[key] = str(asked[parameter])
    if call.operation == "DeleteSecret":
        force = bool(asked.get("ForceDeleteWithoutRecovery"))
        context["secretsmanager:forcedeletewithoutrecovery"] = str(force).lower()
    if call.operation == "PutResourcePolicy":
        context["secretsmanager:blockpublicpolicy"] = str(bool(asked.get("BlockPublicPolicy"))).lower()
    return [replace(ask, context=context) for ask in asks]


def sqs(call: Call) -> list[Ask]:
    """A queue's address names the account that owns it."""
    asks = usual(call)
    address = str(call.parameters.get("QueueUrl") or "")
    if address:
        parts = urlparse(address).path.strip("/").split("/")
        account = parts[-2] if len(parts) > 1 and parts[-2].isdecimal() else call.account
        arn = f"arn:aws:sqs:{call.region}:{account}:{cleaned('sqs', 'QueueName', address)}"
        asks = [replace(ask, resources=(arn,)) for ask in asks]
    return asks


def sns(call: Call) -> list[Ask]:
    """Subscriptions bring their protocol and endpoint."""
    context: dict[str, Values] = {"aws:sourceowner": call.account}
    for parameter, key in (("Protocol", "sns:protocol"), ("Endpoint", "sns:endpoint")):
        if call.parameters.get(parameter):
            context[key] = str(call.parameters[parameter])
    return [replace(ask, context=context) for ask in usual(call)]


def ssm(call: Call) -> list[Ask]:
    """Tags name the kind of their resource in a parameter."""
    asks, asked = usual(call), call.parameters
    context: dict[str, Values] = {}
    if asked.get("ResourceType") == "Parameter" and asked.get("ResourceId"):
        name = str(asked["ResourceId"]).removeprefix("/")
        asks[0] = replace(asks[0], resources=(f"arn:aws:ssm:{call.region}:{call.account}:parameter/{name}",))
    if call.operation == "PutParameter":
        context["ssm:overwrite"] = str(bool(asked.get("Overwrite"))).lower()
    if call.operation == "GetParametersByPath":
        context["ssm:recursive"] = str(bool(asked.get("Recursive"))).lower()
    return [replace(ask, context=context) for ask in asks]


def eks(call: Call) -> list[Ask]:
    """Access entries bring who gets in, and as what."""
    asked = call.parameters
    context: dict[str, Values] = {}
    for parameter, key in (
        ("principalArn", "eks:principalarn"), ("username", "eks:username"), ("type", "eks:accessentrytype"),
        ("policyArn", "eks:policyarn"), ("clusterName", "eks:clustername"),
    ):  # fmt: skip
        if asked.get(parameter):
            context[key] = str(asked[parameter])
    if asked.get("kubernetesGroups"):
        context["eks:kubernetesgroups"] = [str(one) for one in asked["kubernetesGroups"]]
    scope = asked.get("accessScope") or {}
    if scope:
        context["eks:accessscope"] = str(scope.get("type", ""))
        context["eks:namespaces"] = [str(one) for one in scope.get("namespaces", ())]
    if call.operation == "CreateCluster":
        access = asked.get("accessConfig") or {}
        context["eks:authenticationmode"] = str(access.get("authenticationMode", "CONFIG_MAP"))
        creator = access.get("bootstrapClusterCreatorAdminPermissions", True)
        context["eks:bootstrapclustercreatoradminpermissions"] = str(bool(creator)).lower()
    asks = usual(call)
    principal = str(asked.get("principalArn", ""))
    if principal and asks[0].resources and ":access-entry/" in asks[0].resources[0]:
        _, _, _, _, account, rest = (*principal.split(":", 5), "", "", "", "", "", "")[:6]
        kind, _, name = rest.partition("/")
        cluster = asked.get("clusterName", "*")
        arn = f"arn:aws:eks:{call.region}:{call.account}:access-entry/{cluster}/{kind}/{account}/{name}/*"
        asks[0] = replace(asks[0], resources=(arn,))
    return [replace(ask, context={**context, **ask.context}) for ask in asks]


def logs(call: Call) -> list[Ask]:
    """AWS asks for a log group with the empty name of a stream behind it, so that policies write `:*`."""
    asks = []
    for ask in usual(call):
        resources = [
            f"{arn.removesuffix(':*')}:log-stream:" if ":log-group:" in arn and ":log-stream:" not in arn else arn
            for arn in ask.resources
        ]
        asks.append(replace(ask, resources=tuple(resources)))
    return asks


def elbv2(call: Call) -> list[Ask]:
    """A load balancer that is created is of the kind that its type says."""
    asks, asked = usual(call), call.parameters
    if call.operation in ("CreateLoadBalancer", "CreateTargetGroup"):
        kind = {"network": "net", "gateway": "gwy"}.get(str(asked.get("Type")), "app")
        name = asked.get("Name", "*")
        rest = f"loadbalancer/{kind}/{name}/*" if call.operation == "CreateLoadBalancer" else f"targetgroup/{name}/*"
        arn = f"arn:aws:elasticloadbalancing:{call.region}:{call.account}:{rest}"
        asks = [replace(ask, resources=(arn,)) for ask in asks]
    context: dict[str, Values] = {}
    if asked.get("Scheme") or call.operation == "CreateLoadBalancer":
        context["elasticloadbalancing:scheme"] = str(asked.get("Scheme") or "internet-facing")
    return [replace(ask, context={**context, **ask.context}) for ask in asks]


def route53(call: Call) -> list[Ask]:
    """Changes of records bring names, types and actions."""
    changes = (call.parameters.get("ChangeBatch") or {}).get("Changes", ())
    context: dict[str, Values] = {}
    if changes:
        sets = [change.get("ResourceRecordSet", {}) for change in changes]
        names = [str(one.get("Name", "")).lower().rstrip(".") for one in sets]
        context["route53:changeresourcerecordsetsnormalizedrecordnames"] = names
        context["route53:changeresourcerecordsetsrecordtypes"] = [str(one.get("Type", "")) for one in sets]
        context["route53:changeresourcerecordsetsactions"] = [str(one.get("Action", "")) for one in changes]
    return [replace(ask, context=context) for ask in usual(call)]


def events(call: Call) -> list[Ask]:
    """A rule is on the default bus unless another one is named."""
    asks, asked = usual(call), call.parameters
    rule = asked.get("Rule") or (asked.get("Name") if "Rule" in call.operation else None)
    if rule:
        bus = str(asked.get("EventBusName") or "default").rpartition("/")[2]
        name = rule if bus == "default" else f"{bus}/{rule}"
        arn = f"arn:aws:events:{call.region}:{call.account}:rule/{name}"
        asks = [ask if ask.action.startswith("iam:") else replace(ask, resources=(arn,)) for ask in asks]
    return asks


def wafv2(call: Call) -> list[Ask]:
    """Logging names the web ACL within its configuration."""
    asks = usual(call)
    named = within(call.parameters, "LoggingConfiguration.ResourceArn")
    return [replace(asks[0], resources=tuple(named)), *asks[1:]] if named else asks


def organizations(call: Call) -> list[Ask]:
    """Targets by the form of their id."""
    asks, asked = usual(call), call.parameters
    context: dict[str, Values] = {}
    if asked.get("PolicyType") or asked.get("Type"):
        context["organizations:policytype"] = str(asked.get("PolicyType") or asked.get("Type"))
    return [replace(ask, context=context) for ask in asks]


def cloudformation(stack_arn: StackArn) -> Asker:
    """Stacks by name or ARN, and the condition keys of what is asked of them."""

    def asker(call: Call) -> Sequence[Ask]:
        asked, asks = call.parameters, usual(call)
        context: dict[str, Values] = {}
        for parameter, key in (
            ("RoleARN", "cloudformation:rolearn"), ("TemplateURL", "cloudformation:templateurl"),
            ("ChangeSetName", "cloudformation:changesetname"), ("StackPolicyURL", "cloudformation:stackpolicyurl"),
        ):  # fmt: skip
            if asked.get(parameter):
                context[key] = str(asked[parameter])
        if asked.get("ResourceTypes"):
            context["cloudformation:resourcetypes"] = [str(one) for one in asked["ResourceTypes"]]
        if asked.get("ResourcesToImport"):
            kinds = [str(one.get("ResourceType", "")) for one in asked["ResourcesToImport"]]
            context["cloudformation:importresourcetypes"] = kinds
        name = str(asked.get("StackName") or "")
        if name and ":stackset" not in asks[0].resources[0]:
            arn = stack_arn(call.account, call.region, name)
            if not arn:
                plain = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/*"
                arn = name if name.startswith("arn:") else plain
            asks[0] = replace(asks[0], resources=(arn,))
        elif not name and str(asked.get("ChangeSetName", "")).startswith("arn:"):
            asks[0] = replace(asks[0], resources=(f"arn:aws:cloudformation:{call.region}:{call.account}:stack/*/*",))
        # What the request does not say, it has not: these keys follow from nothing else.
        return [replace(asks[0], context=context, keys=asks[0].keys - _OF_THE_REQUEST), *asks[1:]]

    return asker


_OF_THE_REQUEST = frozenset(
    f"cloudformation:{name}"
    for name in ("changesetname", "importresourcetypes", "resourcetypes", "rolearn", "stackpolicyurl", "templateurl")
)


def askers(stack_arn: StackArn) -> Mapping[str, Asker]:
    """Services that are special, by botocore's name."""
    return {
        "cloudformation": cloudformation(stack_arn), "ec2": ec2, "eks": eks, "elbv2": elbv2, "events": events,
        "iam": iam, "kms": kms, "logs": logs, "organizations": organizations, "route53": route53, "s3": s3,
        "secretsmanager": secretsmanager, "sns": sns, "sqs": sqs, "ssm": ssm, "wafv2": wafv2,
    }  # fmt: skip


# GetCallerIdentity, GetSessionToken: "No permissions are required to perform this operation"; the others of STS are
# judged with the trust policy of the role, where the role is known. Source: STS API reference.
FREE = frozenset(
    {
        ("sts", "GetCallerIdentity"),
        ("sts", "GetSessionToken"),
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
    }
)

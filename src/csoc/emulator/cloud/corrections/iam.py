"""IAM: boundaries of users, policies of AWS, identifiers in their real form, and deletions that IAM would refuse.

Sources: IAM API Reference (CreateUser, PutUserPermissionsBoundary, DeletePolicy, DeleteUser, DeleteGroup), IAM User
Guide, "Unique identifiers" (their prefixes) and "Principal" (what is checked when a trust policy is saved).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends
from moto.iam.utils import generate_access_key_id_from_account_id

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections import aws_policies
from csoc.emulator.cloud.corrections.correction import Before, Correction
from csoc.emulator.cloud.corrections.principals import missing_principal

_ID_LENGTH = 21
_NAMING_A_POLICY = (
    "AttachGroupPolicy AttachRolePolicy AttachUserPolicy DetachGroupPolicy DetachRolePolicy DetachUserPolicy GetPolicy "
    "GetPolicyVersion ListPolicyVersions ListEntitiesForPolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion "
    "SetDefaultPolicyVersion TagPolicy UntagPolicy ListPolicyTags CreateRole CreateUser PutRolePermissionsBoundary "
    "PutUserPermissionsBoundary"
)


def iam() -> Correction:
    """What is put right in IAM."""
    before: dict[str, Before] = dict.fromkeys(_NAMING_A_POLICY.split(), _policies)
    before |= {
        "ListPolicies": _list_policies,
        "CreateRole": _create_role,
        "CreateServiceLinkedRole": _create_linked_role,
        "UpdateAssumeRolePolicy": _trust,
        "AttachRolePolicy": _attach,
        "AttachUserPolicy": _attach,
        "PutUserPermissionsBoundary": _put_boundary,
        "DeleteUserPermissionsBoundary": _delete_boundary,
        "DeletePolicy": _delete_policy,
        "CreatePolicyVersion": _own_policy,
        "DeletePolicyVersion": _own_policy,
        "DeleteUser": _delete_user,
        "DeleteGroup": _delete_group,
        "AddClientIDToOpenIDConnectProvider": _add_audience,
        "RemoveClientIDFromOpenIDConnectProvider": _remove_audience,
    }
    after = {
        "CreateUser": _created_user,
        "GetUser": _told_user,
        "CreateGroup": _created_group,
        "CreatePolicy": _created_policy,
        "CreateInstanceProfile": _created_profile,
        "GetPolicy": _told_policy,
        "CreateLoginProfile": _created_login,
        "UpdateGroup": _moved_group,
    }
    return Correction("iam", before, after)


def _backend(account: str) -> IAMBackend:
    backend: IAMBackend = iam_backends[account]["aws"]
    return backend


def _policies(call: Call) -> Answer | None:
    """Policies of AWS are there as soon as they are named; a boundary has to exist."""
    for name in ("PolicyArn", "PermissionsBoundary"):
        arn = str(call.parameters.get(name, ""))
        if arn.startswith(aws_policies.PREFIX):
            aws_policies.ensure(call.account, arn)
    boundary = call.parameters.get("PermissionsBoundary")
    if boundary and boundary not in _backend(call.account).managed_policies:
        raise AwsError("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.", 404)
    return None


def _list_policies(call: Call) -> Answer | None:
    if call.parameters.get("Scope") != "Local":
        aws_policies.ensure_all(call.account)
    return None


def _create_role(call: Call) -> Answer | None:
    _policies(call)
    return _trust(call, "AssumeRolePolicyDocument")


def _trust(call: Call, parameter: str = "PolicyDocument") -> Answer | None:
    """Users and roles that a trust policy names have to exist."""
    missing = missing_principal(str(call.parameters.get(parameter, "")))
    if missing:
        raise AwsError("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{missing}"', 400)
    return None


def _attach(call: Call) -> Answer | None:
    """Attaching what is attached changes nothing, and is counted once."""
    _policies(call)
    backend, arn = _backend(call.account), call.parameters["PolicyArn"]
    holders: Any = backend.users.values() if "UserName" in call.parameters else backend.roles.values()
    name = call.parameters.get("UserName", call.parameters.get("RoleName"))
    return {} if any(found.name == name and arn in found.managed_policies for found in holders) else None


def _put_boundary(call: Call) -> Answer:
    _policies(call)
    user: Any = _backend(call.account).get_user(call.parameters["UserName"])
    user.permissions_boundary_arn = call.parameters["PermissionsBoundary"]
    return {}


def _delete_boundary(call: Call) -> Answer:
    user: Any = _backend(call.account).get_user(call.parameters["UserName"])
    user.permissions_boundary_arn = None
    return {}


def _own_policy(call: Call) -> Answer | None:
    if str(call.parameters["PolicyArn"]).startswith(aws_policies.PREFIX):
        message = f"Cannot perform operation on managed policies of AWS: {call.parameters['PolicyArn']}"
        raise AwsError("AccessDenied", message, 403)
    return None


def _delete_policy(call: Call) -> Answer | None:
    _own_policy(call)
    policy: ManagedPolicy | None = _backend(call.account).managed_policies.get(call.parameters["PolicyArn"])
    if policy is not None and (policy.attachment_count or _bounded(call.account, policy.arn)):
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if policy is not None and len(policy.versions) > 1:
        message = "This policy has more than one version. Before you delete a policy, you must delete the policy's"
        raise AwsError("DeleteConflict", f"{message} versions. The default version is deleted with the policy.", 409)
    return None


def _delete_user(call: Call) -> Answer | None:
    backend, name = _backend(call.account), str(call.parameters["UserName"])
    user = backend.users.get(name)
    if user is None:
        return None
    if any(user in group.users for group in backend.groups.values()):
        raise AwsError("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
    if user.access_keys:
        raise AwsError("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409)
    if user.password:
        raise AwsError("DeleteConflict", "Cannot delete entity, must delete login profile first.", 409)
    return None


def _delete_group(call: Call) -> Answer | None:
    group = _backend(call.account).groups.get(str(call.parameters["GroupName"]))
    if group is None:
        return None
    if group.users:
        raise AwsError("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
    if group.managed_policies:
        raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
    if group.policies:
        raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
    return None


def _create_linked_role(call: Call) -> Answer | None:
    """One a service. Source: IAM API Reference, CreateServiceLinkedRole, errors; IAM User Guide, "Troubleshooting
    service-linked roles", for the message."""
    path = f"/aws-service-role/{call.parameters.get('AWSServiceName')}/"
    there = [one.name for one in _backend(call.account).roles.values() if one.path == path]
    if there and not call.parameters.get("CustomSuffix"):
        raise AwsError(
            "InvalidInput",
            f"Service role name {there[0]} has been taken in this account, please try a different suffix.",
            400,
        )
    return None


def _add_audience(call: Call) -> Answer:
    provider = _backend(call.account).get_open_id_connect_provider(call.parameters["OpenIDConnectProviderArn"])
    if call.parameters["ClientID"] not in provider.client_id_list:
        provider.client_id_list = [*provider.client_id_list, call.parameters["ClientID"]]
    return {}


def _remove_audience(call: Call) -> Answer:
    provider = _backend(call.account).get_open_id_connect_provider(call.parameters["OpenIDConnectProviderArn"])
    provider.client_id_list = [one for one in provider.client_id_list if one != call.parameters["ClientID"]]
    return {}


def _created_user(call: Call, answer: dict[str, Any]) -> Answer:
    user: Any = _backend(call.account).users[answer["User"]["UserName"]]
    user.id = _id(call, "AIDA")
    user.permissions_boundary_arn = call.parameters.get("PermissionsBoundary")
    answer["User"]["UserId"] = user.id
    return _told_user(call, answer)


def _told_user(call: Call, answer: dict[str, Any]) -> Answer:
    user: Any = _backend(call.account).users.get(answer["User"]["UserName"])
    boundary = getattr(user, "permissions_boundary_arn", None)
    if boundary:
        answer["User"]["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": boundary,
        }
    return answer


def _created_login(call: Call, answer: dict[str, Any]) -> Answer:
    user: Any = _backend(call.account).get_user(call.parameters["UserName"])
    user.password_reset_required = bool(call.parameters.get("PasswordResetRequired", False))
    answer["LoginProfile"]["PasswordResetRequired"] = user.password_reset_required
    return answer


def _moved_group(call: Call, answer: dict[str, Any]) -> Answer:
    """moto moves a group to another path only if it is renamed as well."""
    name = call.parameters.get("NewGroupName", call.parameters["GroupName"])
    if call.parameters.get("NewPath"):
        _backend(call.account).groups[name].path = call.parameters["NewPath"]
    return answer


def _created_group(call: Call, answer: dict[str, Any]) -> Answer:
    group: Any = _backend(call.account).groups[answer["Group"]["GroupName"]]
    group.id = answer["Group"]["GroupId"] = _id(call, "AGPA")
    return answer


def _created_policy(call: Call, answer: dict[str, Any]) -> Answer:
    policy: Any = _backend(call.account).managed_policies[answer["Policy"]["Arn"]]
    policy.id = answer["Policy"]["PolicyId"] = _id(call, "ANPA")
    return answer


def _created_profile(call: Call, answer: dict[str, Any]) -> Answer:
    profile: Any = _backend(call.account).instance_profiles[_profile_id(call, answer["InstanceProfile"])]
    profile.id = answer["InstanceProfile"]["InstanceProfileId"] = _id(call, "AIPA")
    return answer


def _profile_id(call: Call, told: Mapping[str, Any]) -> str:
    """The key under which moto keeps a profile."""
    profiles = _backend(call.account).instance_profiles
    return next(key for key, found in profiles.items() if found.name == told["InstanceProfileName"])


def _told_policy(call: Call, answer: dict[str, Any]) -> Answer:
    answer["Policy"]["PermissionsBoundaryUsageCount"] = _bounded(call.account, answer["Policy"]["Arn"])
    return answer


def _bounded(account: str, arn: str) -> int:
    """How many users and roles have the policy as their boundary."""
    backend = _backend(account)
    holders: list[Any] = [*backend.users.values(), *backend.roles.values()]
    return sum(getattr(found, "permissions_boundary_arn", None) == arn for found in holders)


def _id(call: Call, prefix: str) -> str:
    found: str = generate_access_key_id_from_account_id(call.account, prefix, _ID_LENGTH)
    return found

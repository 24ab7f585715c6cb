"""What policies ask of resources that moto keeps: their policies, tags, owners and full names. Like the other
moto_* modules it touches moto's objects, so that nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.acm.models import acm_backends
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import Key, kms_backends
from moto.logs.models import logs_backends
from moto.organizations.models import FakeAccount, FakePolicy, OrganizationsBackend, organizations_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from werkzeug.exceptions import HTTPException

from csoc.emulator.cloud.calls import AwsError
from csoc.emulator.cloud.corrections import aws_policies

_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_MISSING = (ServiceException, JsonRESTError, HTTPException, KeyError)
"""What moto raises for a resource that is not there, by service."""


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation as seen from one account. ancestors: ids from the root to the account itself; policies: service
    control policies attached to each of them, as documents."""

    organisation: str
    management: str
    ancestors: tuple[str, ...]
    policies: tuple[tuple[str, ...], ...]


def bucket_owner(name: str) -> str:
    """The account that owns a bucket; "" if there is none of that name."""
    owner = s3_backends.bucket_accounts.get(name)
    return owner[1] if owner else ""


def resource_policy(arn: str) -> str | None:
    """The policy of a bucket (also for its objects), key, queue, topic or secret; None without one."""
    service, region, account, rest = _parts(arn)
    if service == "s3":
        name = rest.partition("/")[0]
        owner = bucket_owner(name)
        if not owner:
            return None
        policy = s3_backends[owner]["aws"].buckets[name].policy
        return policy.decode() if policy else None
    if service == "kms":
        found = key(account, region, arn)
        return found.policy if found else None
    if service == "sqs":
        queue = sqs_backends[account][region].queues.get(rest)
        return _text(queue.policy) if queue else None
    if service == "sns":
        topic = sns_backends[account][region].topics.get(arn)
        return topic.policy if topic else None
    if service == "secretsmanager":
        secret = _secret(account, region, arn)
        return secret.policy if isinstance(secret, FakeSecret) else None
    return None


def key(account: str, region: str, name: str) -> Key | None:
    """A KMS key by id, ARN, alias or the ARN of one; None if there is none."""
    backend = kms_backends[account][region]
    plain = backend.get_key_id(backend.get_alias_name(name))
    if plain.startswith("alias/"):
        return next((found for found in backend.keys.values() if plain in found.aliases), None)
    return backend.keys.get(plain)


def granted_operations(found: Key, principals: frozenset[str]) -> frozenset[str]:
    """Operations that the key's grants give to one of these principals."""
    return frozenset(
        operation
        for grant in found.grants.values()
        if grant.grantee_principal in principals
        for operation in grant.operations
    )


def secret_arn(account: str, region: str, name: str) -> str:
    """The full ARN of a secret by its name or a part of its ARN; "" if there is none."""
    secret = _secret(account, region, name)
    return str(secret.arn) if secret else ""


def iam_arn(account: str, kind: str, name: str) -> str:
    """The ARN, with its path, of a role, user, group or instance profile by name; "" if there is none."""
    backend = iam_backends[account]["aws"]
    if kind == "role":
        found: Any = next((one for one in backend.roles.values() if one.name == name), None)
    elif kind == "user":
        found = backend.users.get(name)
    elif kind == "group":
        found = backend.groups.get(name)
    else:
        found = next((one for one in backend.instance_profiles.values() if one.name == name), None)
    return str(found.arn) if found else ""


def boundary_of(account: str, kind: str, name: str) -> str:
    """The ARN of the permissions boundary of a role or user; "" without one."""
    backend = iam_backends[account]["aws"]
    if kind == "user":
        return str(getattr(backend.users.get(name), "permissions_boundary_arn", None) or "")
    role = next((one for one in backend.roles.values() if one.name == name), None)
    return str(role.permissions_boundary_arn or "") if role else ""


def roles_of_profile(account: str, name: str) -> list[str]:
    """ARNs of the roles in an instance profile, by its name or ARN."""
    for profile in iam_backends[account]["aws"].instance_profiles.values():
        if name in (profile.name, profile.arn):
            return [role.arn for role in profile.roles]
    return []


def resource_tags(arn: str) -> Mapping[str, str] | None:
    """Tags of a resource; empty if it does not exist (yet). None if the emulator cannot tell for this service."""
    service, region, account, rest = _parts(arn)
    read = _TAGS.get(service)
    if rest.endswith("*"):
        return {}
    return None if read is None else read(arn, region, account, rest)


def network_of(account: str, region: str, resource_id: str) -> str:
    """The VPC of a subnet, security group, route table or network ACL; "" if it has none."""
    backend = ec2_backends[account][region]
    kind = resource_id.partition("-")[0]
    if kind == "subnet":
        found: Any = next((zone[resource_id] for zone in backend.subnets.values() if resource_id in zone), None)
    elif kind == "sg":
        found = next((groups[resource_id] for groups in backend.groups.values() if resource_id in groups), None)
    elif kind == "rtb":
        found = backend.route_tables.get(resource_id)
    else:
        found = backend.network_acls.get(resource_id) if kind == "acl" else None
    return str(getattr(found, "vpc_id", "") or "")


def subnet(account: str, region: str, name: str) -> tuple[str, str] | None:
    """The VPC and the availability zone of a subnet; None if there is none."""
    for zone in ec2_backends[account][region].subnets.values():
        if name in zone:
            return str(zone[name].vpc_id), str(zone[name].availability_zone)
    return None


def default_group(account: str, region: str, vpc: str) -> str:
    """The default security group of a VPC; "" if it has none."""
    groups = ec2_backends[account][region].groups.get(vpc, {})
    return next((str(group.id) for group in groups.values() if group.name == "default"), "")


def place_of(account: str) -> Place | None:
    """Where an account stands in the organisation that it belongs to; None if it belongs to none."""
    for management in list(organizations_backends):
        backend = organizations_backends[management]["aws"]
        if backend.org is None:
            continue
        member = next((one for one in backend.accounts if one.id == account), None)
        if member is None:
            continue
        chain = _ancestors(backend, member)
        policies = tuple(tuple(_control_policies(one)) for one in chain)
        return Place(backend.org.id, backend.org.master_account_id, tuple(one.id for one in chain), policies)
    return None


def organise(management: str, members: Sequence[str]) -> str:
    """Makes an organisation of accounts that exist; returns its id. Raises AwsError AlreadyInOrganizationException."""
    for account in (management, *members):
        if place_of(account) is not None:
            raise AwsError("AlreadyInOrganizationException", f"{account} belongs to an organization", 400)
    backend = organizations_backends[management]["aws"]
    backend.create_organization("us-east-1", FeatureSet="ALL")
    organisation = backend.org
    if organisation is None:
        raise RuntimeError("moto made no organisation")
    for account in members:
        made = FakeAccount(organisation, AccountName=f"account-{account}", Email=f"{account}@example.org")
        # moto makes up an id, and in that account the role for the management account.
        role = next(iter(iam_backends[made.id]["aws"].roles.values()))
        iam_backends.pop(made.id, None)
        made.id = account
        backend.accounts.append(made)
        for policy in ("p-FullAWSAccess", "p-RCPFullAWSAccess"):
            backend.attach_policy(PolicyId=policy, TargetId=account)
        organizations_backends.master_accounts[account] = (management, "aws")
        iam_backends[account]["aws"].create_role(
            role_name=role.name,
            assume_role_policy_document=role.assume_role_policy_document,
            path="/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
        )
        aws_policies.ensure(account, _ADMINISTRATOR)
        iam_backends[account]["aws"].attach_role_policy(_ADMINISTRATOR, role.name)
    return str(organisation.id)


def _ancestors(backend: OrganizationsBackend, member: Any) -> list[Any]:
    chain, at = [member], member
    while at.id != backend.org.root_id:  # type: ignore[union-attr]
        at = next(unit for unit in backend.ou if unit.id == at.parent_id)
        chain.insert(0, at)
    return chain


def _control_policies(target: Any) -> list[str]:
    policies: list[FakePolicy] = target.attached_policies
    return [str(one.content) for one in policies if one.type == "SERVICE_CONTROL_POLICY"]


def _parts(arn: str) -> tuple[str, str, str, str]:
    """Service, region, account and the rest of an ARN."""
    _, _, service, region, account, rest = (*arn.split(":", 5), "", "", "", "", "")[:6]
    return service, region, account, rest


def _secret(account: str, region: str, name: str) -> Any:
    return secretsmanager_backends[account][region].secrets.get(name)


def _text(policy: Any) -> str | None:
    return policy if isinstance(policy, str) and policy else None


def _pairs(tags: Any) -> dict[str, str]:
    """Tags in any of moto's forms."""
    if isinstance(tags, Mapping):
        return {name: tag["Value"] if isinstance(tag, Mapping) else str(tag) for name, tag in tags.items()}
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags or ()}


def _ec2_tags(_: str, region: str, account: str, rest: str) -> Mapping[str, str]:
    return dict(ec2_backends[account][region].tags.get(rest.rpartition("/")[2], {}))


def _iam_tags(arn: str, _: str, account: str, rest: str) -> Mapping[str, str] | None:
    backend = iam_backends[account]["aws"]
    kind = rest.partition("/")[0]
    kept: dict[str, Any] = {
        "role": backend.roles, "policy": backend.managed_policies, "instance-profile": backend.instance_profiles,
    }  # fmt: skip
    if kind == "user":
        return backend.tagger.get_tag_dict_for_resource(arn)
    if kind not in kept:
        return None
    found = next((one for one in kept[kind].values() if one.arn == arn), None)
    return _pairs(getattr(found, "tags", None))


def _acm_tags(arn: str, region: str, account: str, _: str) -> Mapping[str, str]:
    found = acm_backends[account][region]._certificates.get(arn)
    return {key: value or "" for key, value in found.tags.items()} if found else {}


def _kms_tags(arn: str, region: str, account: str, _: str) -> Mapping[str, str]:
    found = key(account, region, arn)
    return kms_backends[account][region].tagger.get_tag_dict_for_resource(found.id) if found else {}


def _s3_tags(_: str, __: str, ___: str, rest: str) -> Mapping[str, str] | None:
    name, _slash, path = rest.partition("/")
    owner = bucket_owner(name)
    if path:
        return None
    if not owner:
        return {}
    backend = s3_backends[owner]["aws"]
    return backend.tagger.get_tag_dict_for_resource(backend.buckets[name].arn)


def _secret_tags(arn: str, region: str, account: str, _: str) -> Mapping[str, str]:
    secret = _secret(account, region, arn)
    return _pairs(getattr(secret, "tags", None)) if secret else {}


def _sqs_tags(_: str, region: str, account: str, rest: str) -> Mapping[str, str]:
    queue = sqs_backends[account][region].queues.get(rest)
    return dict(queue.tags) if queue else {}


def _sns_tags(arn: str, region: str, account: str, _: str) -> Mapping[str, str]:
    topic = sns_backends[account][region].topics.get(arn)
    return _pairs(topic._tags) if topic else {}


def _logs_tags(arn: str, region: str, account: str, _: str) -> Mapping[str, str]:
    plain = arn.partition(":log-stream:")[0]
    return logs_backends[account][region].list_tags_for_resource(plain)


def _rds_tags(arn: str, region: str, account: str, _: str) -> Mapping[str, str]:
    try:
        return _pairs(rds_backends[account][region].list_tags_for_resource(arn))
    except _MISSING:
        return {}


_Read = Callable[[str, str, str, str], Mapping[str, str] | None]
_TAGS: Mapping[str, _Read] = {
    "acm": _acm_tags, "ec2": _ec2_tags, "iam": _iam_tags, "kms": _kms_tags, "logs": _logs_tags, "rds": _rds_tags,
    "s3": _s3_tags, "secretsmanager": _secret_tags, "sns": _sns_tags, "sqs": _sqs_tags,
}  # fmt: skip

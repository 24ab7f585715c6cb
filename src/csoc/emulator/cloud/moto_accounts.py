"""What the emulator reads out of moto's IAM: users, roles, their policies. The only module that touches its objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloud.corrections import aws_policies

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or role as IAM knows it. policies: identity policies, inline, attached and of groups. boundary: None
    without. trust: of a role. max_seconds: of a role's sessions. tags: of the principal."""

    account: str
    name: str
    arn: str
    id: str
    policies: tuple[Document, ...]
    boundary: Document | None
    tags: Mapping[str, str]
    trust: Document | None = None
    max_seconds: int = 3600


def user_of_key(access_key: str) -> tuple[Identity, str] | None:
    """The user that an active access key belongs to, with the key's secret; None if there is none."""
    for account in list(iam_backends):
        key = _backend(account).access_keys.get(access_key)
        if key is None or key.status != "Active":
            continue
        user = _backend(account).users.get(key.user_name or "")
        if user is not None:
            return Identity(account, user.arn, user.arn, user.id), key.secret_access_key
    return None


def principals(account: str) -> list[str]:
    """The ARNs of all users and roles of an account."""
    backend = _backend(account)
    return [user.arn for user in list(backend.users.values())] + [role.arn for role in list(backend.roles.values())]


def role(account: str, arn: str) -> Principal | None:
    """A role by its ARN; None if the account has none such."""
    for found in _backend(account).roles.values():
        if found.arn == arn:
            policies = [_document(text) for text in found.policies.values()]
            policies += [_managed(policy) for policy in found.managed_policies.values()]
            return Principal(
                account,
                found.name,
                found.arn,
                found.id,
                tuple(policies),
                _boundary(account, found.permissions_boundary_arn),
                _tags(found.tags),
                _document(found.assume_role_policy_document),
                int(found.max_session_duration or 3600),
            )
    return None


def user(account: str, arn: str) -> Principal | None:
    """A user by its ARN; None if the account has none such. Policies of its groups are among its policies."""
    backend = _backend(account)
    for found in backend.users.values():
        if found.arn == arn:
            policies = [_document(text) for text in found.policies.values()]
            policies += [_managed(policy) for policy in found.managed_policies.values()]
            for group in backend.groups.values():
                if found in group.users:
                    policies += [_document(text) for text in group.policies.values()]
                    policies += [_managed(policy) for policy in group.managed_policies.values()]
            boundary = getattr(found, "permissions_boundary_arn", None)
            return Principal(
                account,
                found.name,
                found.arn,
                found.id,
                tuple(policies),
                _boundary(account, boundary),
                _tags(found.tags),
            )
    return None


def managed_policy(account: str, arn: str) -> Document | None:
    """A managed policy of the account or of AWS; None if there is none such."""
    aws_policies.ensure(account, arn)
    found = _backend(account).managed_policies.get(arn)
    return _managed(found) if found is not None else None


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An OpenID Connect provider that an account trusts, with the audiences that it takes."""

    arn: str
    audiences: tuple[str, ...]


def identity_provider(account: str, issuer: str) -> IdentityProvider | None:
    """The account's provider of an issuer (https://...); None if it has none."""
    name = issuer.removeprefix("https://").rstrip("/")
    if name == issuer:
        return None
    for arn, found in _backend(account).open_id_providers.items():
        if arn.endswith(f":oidc-provider/{name}"):
            return IdentityProvider(arn, tuple(found.client_id_list or ()))
    return None


def key_owner(access_key: str) -> str:
    """The account of a user's access key; "" if nobody has it."""
    for account in list(iam_backends):
        if access_key in _backend(account).access_keys:
            return account
    return ""


def _boundary(account: str, arn: str | None) -> Document | None:
    if arn:
        aws_policies.ensure(account, arn)
    return _managed(_backend(account).get_policy(arn)) if arn else None


def _backend(account: str) -> IAMBackend:
    return iam_backends[account]["aws"]


def _document(text: str | Mapping[str, Any]) -> Document:
    if isinstance(text, Mapping):
        return text
    return _parsed(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Document:
    document: Document = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    return document


def _managed(policy: ManagedPolicy) -> Document:
    """The version of a managed policy that counts."""
    for version in policy.versions:
        if version.version_id == policy.default_version_id:
            return _document(version.document)
    return _document(policy.versions[-1].document)


def _tags(tags: Any) -> dict[str, str]:
    if isinstance(tags, Mapping):
        return {name: tag["Value"] if isinstance(tag, Mapping) else str(tag) for name, tag in tags.items()}
    return {tag["Key"]: tag["Value"] for tag in tags or ()}

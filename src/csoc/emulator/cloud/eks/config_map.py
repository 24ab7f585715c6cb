"""The ConfigMap aws-auth: which roles, users and accounts of AWS are whom in a cluster, as people wrote it there.

Source: aws-iam-authenticator, pkg/mapper/configmap/configmap.go (what is wrong is left out, the rest counts; ARNs are
compared in small letters), pkg/config/types.go and mapping.go, pkg/arn/arn.go (a role's ARN without its path).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.cloud.calls import Identity
from csoc.fleet.yaml import yamltext

NAMESPACE, NAME = "kube-system", "aws-auth"
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Mapped:
    """Whom an ARN stands for; both may hold parameters ("{{SessionName}}")."""

    username: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthMap:
    """The ConfigMap, understood. roles, users: by ARN in small letters. accounts: everybody of these gets in."""

    roles: Mapping[str, Mapped] = field(default_factory=dict)
    users: Mapping[str, Mapped] = field(default_factory=dict)
    accounts: frozenset[str] = frozenset()

    def of(self, identity: Identity) -> Mapped | None:
        """Whom an identity stands for; None if it does not get in."""
        arn = canonical_arn(identity)
        found = self.roles.get(arn.lower()) or self.users.get(arn.lower())
        if found is None and identity.account in self.accounts:
            return Mapped(arn)
        return found


def canonical_arn(identity: Identity) -> str:
    """The ARN that is compared: of a session the role's, without a path, since a session's ARN has none."""
    head, is_session, rest = identity.arn.partition(":assumed-role/")
    if not is_session:
        return identity.arn
    parts = head.split(":")
    return f"arn:{parts[1]}:iam::{identity.account}:role/{rest.partition('/')[0]}"


def read(data: Mapping[str, str]) -> AuthMap:
    """Understands the ConfigMap's data. Never raises: what is no such mapping lets nobody in."""
    return AuthMap(
        dict(_mapped(data.get("mapRoles"), "rolearn")),
        dict(_mapped(data.get("mapUsers"), "userarn")),
        frozenset(str(one) for one in _list(data.get("mapAccounts")) if isinstance(one, str | int)),
    )


def _mapped(text: Any, field_name: str) -> Iterator[tuple[str, Mapped]]:
    for entry in _list(text):
        if not isinstance(entry, Mapping):
            continue
        fields = {str(name).lower(): value for name, value in entry.items()}
        arn, username, groups = fields.get(field_name), fields.get("username") or "", fields.get("groups") or []
        if not isinstance(arn, str) or not arn or not isinstance(username, str):
            continue
        named = tuple(one for one in groups if isinstance(one, str)) if isinstance(groups, list) else ()
        yield arn.lower(), Mapped(username or arn, named)


def _list(text: Any) -> Sequence[Any]:
    """The first document of a text, if it is a list."""
    if not isinstance(text, str) or len(text) > _MOST_BYTES:
        return ()
    try:
        documents = yamltext.parse(text.encode())
    except (yamltext.YamlError, UnicodeEncodeError):
        return ()
    found = documents[0].data if documents else None
    return found if isinstance(found, list) else ()

"""Who asks, and may they: authentication, impersonation, authorisation, and no granting of what one does not have.

Sources: apiserver, pkg/authentication and pkg/endpoints/filters (impersonation, authorization, and the words of 403);
Kubernetes, pkg/registry/rbac (escalation).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access import access_policies, rbac
from csoc.emulator.kubernetes.access.access_policies import Associations
from csoc.emulator.kubernetes.access.rbac import GROUP, Rule
from csoc.emulator.kubernetes.access.requests import Asked
from csoc.emulator.kubernetes.access.tokens import Signer, user_of
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Key, Store
from csoc.emulator.kubernetes.users import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User

Object = dict[str, Any]
Outside = Callable[[str], User | None]
"""Whom a token stands for that the cluster did not make (EKS: "k8s-aws-v1."); None if nobody."""

OPEN = frozenset({"/healthz", "/livez", "/readyz", "/version", "/version/"})
"""What EKS answers to anybody."""

_ALL = (Rule(("*",), ("*",), ("*",)), Rule(("*",), urls=("*",)))


class Access:
    """The doors of one cluster. static: fixed tokens, as of a token file. outside: asked about all other tokens."""

    __slots__ = ("_associations", "_now", "_outside", "_static", "_store", "signer")

    def __init__(
        self,
        store: Store,
        signer: Signer,
        now: Callable[[], datetime],
        outside: Outside | None = None,
        associations: Associations | None = None,
    ) -> None:
        self.signer = signer
        self._store = store
        self._now = now
        self._outside = outside
        self._associations = associations
        self._static: dict[str, User] | None = None

    def admit(self, token: str, user: User) -> None:
        """From now on the token stands for the user."""
        self._static = {**(self._static or {}), token: user}

    def authenticate(self, headers: Mapping[str, str]) -> User:
        """Who sends a request. Raises ApiError Unauthorized."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            token = _token_of_websocket(headers.get("sec-websocket-protocol", ""))
            if not token:
                if headers.get("authorization"):
                    raise _unauthorized()
                return ANONYMOUS
        user = self.user_of(token.strip())
        if user is None:
            raise _unauthorized()
        return user

    def user_of(self, token: str) -> User | None:
        """Whom a token stands for, with the group of those who are known."""
        found = (self._static or {}).get(token)
        if found is None and self._outside is not None:
            found = self._outside(token)
        if found is None and token.count(".") == 2:
            claims = self.signer.claims(token, self._now())
            found = self.user_of_claims(claims) if claims is not None else None
        if found is None:
            return None
        groups = found.groups if AUTHENTICATED in found.groups else (*found.groups, AUTHENTICATED)
        return User(found.name, groups, found.uid, found.extra)

    def user_of_claims(self, claims: Object) -> User | None:
        """Whom a token of a service account stands for."""
        return user_of(self._store, claims)

    def rules(self, user: User, namespace: str) -> list[Rule]:
        """All that somebody may do in a namespace ("": in the cluster as a whole)."""
        if MASTERS in user.groups:
            return list(_ALL)
        found = rbac.rules_for(self._store, user, namespace)
        if self._associations is not None:
            found += access_policies.rules_for(self._store, self._associations(user), namespace)
        return found

    def allows(self, user: User, asked: Asked) -> bool:
        """Whether somebody may do something."""
        if MASTERS in user.groups:
            return True
        namespace = asked.namespace if asked.is_resource else ""
        return any(rule.allows(asked) for rule in self.rules(user, namespace))

    def require(self, user: User, asked: Asked) -> None:
        """Raises ApiError Forbidden, in the words of the real server."""
        if asked.path in OPEN and asked.verb in ("get", "head"):
            return
        if not self.allows(user, asked):
            raise forbidden(user, asked)

    def impersonated(self, user: User, headers: Mapping[str, str], groups: list[str]) -> User:
        """The user that a request is made for. groups: all Impersonate-Group headers. Raises ApiError Forbidden."""
        name, uid = headers.get("impersonate-user", ""), headers.get("impersonate-uid", "")
        extra = {
            unquote(key.removeprefix("impersonate-extra-")): (value,)
            for key, value in headers.items()
            if key.startswith("impersonate-extra-")
        }
        if not name:
            if groups or extra or uid:
                raise errors.bad_request("requested to impersonate groups or extra without impersonating a user")
            return user
        self._may_impersonate(user, name, groups, uid, extra)
        account = (
            name.removeprefix("system:serviceaccount:").split(":") if name.startswith("system:serviceaccount:") else []
        )
        made = list(groups)
        if len(account) == 2 and not made:
            made = ["system:serviceaccounts", f"system:serviceaccounts:{account[0]}"]
        if name == ANONYMOUS.name:
            made.append(UNAUTHENTICATED)
        elif AUTHENTICATED not in made and UNAUTHENTICATED not in made:
            made.append(AUTHENTICATED)
        return User(name, tuple(made), uid, extra)

    def _may_impersonate(
        self, user: User, name: str, groups: list[str], uid: str, extra: Mapping[str, tuple[str, ...]]
    ) -> None:
        def wanted(resource: str, what: str, group: str = "", namespace: str = "", part: str = "") -> Asked:
            return Asked("impersonate", "", group, "v1", resource, part, namespace, what, (), is_resource=True)

        account = (
            name.removeprefix("system:serviceaccount:").split(":") if name.startswith("system:serviceaccount:") else []
        )
        if len(account) == 2:
            self.require(user, wanted("serviceaccounts", account[1], "", account[0]))
        else:
            self.require(user, wanted("users", name))
        for group in groups:
            self.require(user, wanted("groups", group))
        if uid:
            self.require(user, wanted("uids", uid, "authentication.k8s.io"))
        for key, values in extra.items():
            for value in values:
                self.require(user, wanted("userextras", value, "authentication.k8s.io", "", key))

    # No granting of what one does not have

    def guard(self, objects: Objects, type_: ResourceType, new: Object, live: Object | None, options: Options) -> None:
        """Refuses roles and bindings that would give more than their writer has. Raises ApiError Forbidden."""
        user = options.user
        if type_.group != GROUP or new is live or MASTERS in user.groups:
            return
        namespace = new["metadata"].get("namespace", "")
        if type_.kind in ("Role", "ClusterRole"):
            if (
                live is not None
                and live.get("rules") == new.get("rules")
                and live.get("aggregationRule") == new.get("aggregationRule")
            ):
                return
            self._may_write_role(objects, type_, new, user, namespace)
        elif type_.kind in ("RoleBinding", "ClusterRoleBinding"):
            if live is not None and (live.get("roleRef"), live.get("subjects")) == (
                new.get("roleRef"),
                new.get("subjects"),
            ):
                return
            self._may_bind(type_, new, user, namespace)

    def _may_write_role(self, objects: Objects, type_: ResourceType, new: Object, user: User, namespace: str) -> None:
        name = new["metadata"]["name"]
        asked = Asked("escalate", "", GROUP, "v1", type_.plural, "", namespace, name, (), is_resource=True)
        if self.allows(user, asked):
            return
        wanted = [Rule.of(raw) for raw in new.get("rules") or ()]
        if (new.get("aggregationRule") or {}).get("clusterRoleSelectors"):
            wanted = list(_ALL)  # who aggregates may come to have anything
        self._covered(user, namespace, wanted, type_, name)
        del objects

    def _may_bind(self, type_: ResourceType, new: Object, user: User, namespace: str) -> None:
        reference = new["roleRef"]
        plural = "clusterroles" if reference["kind"] == "ClusterRole" else "roles"
        asked = Asked("bind", "", GROUP, "v1", plural, "", namespace, reference["name"], (), is_resource=True)
        if self.allows(user, asked):
            return
        rules = rbac.role_rules(self._store, reference["kind"], namespace, reference["name"])
        if rules is None:
            kind = plural
            raise errors.not_found(kind, GROUP, reference["name"])
        self._covered(user, namespace, rules, type_, new["metadata"]["name"])

    def _covered(self, user: User, namespace: str, wanted: Any, type_: ResourceType, name: str) -> None:
        lacking = rbac.uncovered(wanted, self.rules(user, namespace))
        if not lacking:
            return
        groups = "[" + " ".join(f'"{group}"' for group in user.groups) + "]"
        told = "\n".join(rbac.shown(lacking))
        why = (
            f'{type_.full_name} "{name}" is forbidden: user "{user.name}" (groups={groups}) is attempting to grant '
            f"RBAC permissions not currently held:\n{told}"
        )
        raise errors.forbidden(why, {"name": name, "group": type_.group, "kind": type_.plural})


def _unauthorized() -> errors.ApiError:
    return errors.ApiError(401, "Unauthorized", "Unauthorized")


def _token_of_websocket(protocols: str) -> str:
    """Browsers cannot send headers; they name the token among the protocols."""
    prefix = "base64url.bearer.authorization.k8s.io."
    for one in protocols.split(","):
        if one.strip().startswith(prefix):
            text = one.strip().removeprefix(prefix)
            try:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise _unauthorized() from None
    return ""


def forbidden(user: User, asked: Asked) -> errors.ApiError:
    """Source: apiserver, pkg/endpoints/handlers/responsewriters/errors.go (forbiddenMessage)."""
    if not asked.is_resource:
        why = f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
        return errors.forbidden(f"forbidden: {why}", {})
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    why = f'User "{user.name}" cannot {asked.verb} resource "{resource}" in API group "{asked.group}" {scope}'
    full = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    named = f' "{asked.name}"' if asked.name else ""
    details = {"kind": asked.resource} | ({"group": asked.group} if asked.group else {})
    details |= {"name": asked.name} if asked.name else {}
    return errors.forbidden(f"{full}{named} is forbidden: {why}", details)


def account_of(store: Store, namespace: str, name: str) -> Object:
    """A service account. Raises ApiError NotFound."""
    found = store.get(Key("", "serviceaccounts", namespace, name))
    if found is None:
        raise errors.not_found("serviceaccounts", "", name)
    return found

"""Policies of IAM: inline ones on roles, users and groups, and managed ones that are attached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.durations import Lasting
from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError
from csoc.emulator.cloudformation.resources.placed import Placed
from csoc.emulator.cloudformation.resources.service_type import (
    ServiceType,
    gone_and_new,
    made_up_name,
    pieces,
)
from csoc.emulator.cloudformation.resources.translation import call, text, unless_gone

HOLDERS = {"Roles": "role", "Users": "user", "Groups": "group"}
"""Properties that name whom a policy is for, with IAM's word for them."""

INLINE, ATTACHED = Placed(), Placed()
"""Policies that stand on roles, users and groups as resources of their own, so that those do not count them as theirs.
"""
_VERSIONS = 5


def member(holder: str) -> str:
    """The parameter that names a role, user or group."""
    return f"{holder.capitalize()}Name"


def put_inline(iam: Any, holder: str, name: str, policy: str, document: Any) -> None:
    given = {member(holder): name, "PolicyName": policy, "PolicyDocument": text(document)}
    call(iam, f"put_{holder}_policy", given)


def drop_inline(iam: Any, holder: str, name: str, policy: str) -> None:
    drop = getattr(iam, f"delete_{holder}_policy")
    unless_gone(lambda: drop(**{member(holder): name, "PolicyName": policy}))


def inline_document(iam: Any, holder: str, name: str, policy: str) -> Any:
    """The document of an inline policy; None if there is none."""
    ask = getattr(iam, f"get_{holder}_policy")
    found = unless_gone(lambda: ask(**{member(holder): name, "PolicyName": policy}))
    return found["PolicyDocument"] if found else None


def attach(iam: Any, holder: str, name: str, arn: str) -> None:
    getattr(iam, f"attach_{holder}_policy")(**{member(holder): name, "PolicyArn": arn})


def detach(iam: Any, holder: str, name: str, arn: str) -> None:
    drop = getattr(iam, f"detach_{holder}_policy")
    unless_gone(lambda: drop(**{member(holder): name, "PolicyArn": arn}))


def _holders(properties: Properties) -> list[tuple[str, str]]:
    return [(holder, str(name)) for kind, holder in HOLDERS.items() for name in properties.get(kind, ())]


class Policy(Lasting):
    """AWS::IAM::Policy: one document, put on roles, users and groups."""

    type_name = "AWS::IAM::Policy"
    supported = frozenset({"PolicyName", "PolicyDocument", "Roles", "Users", "Groups"})

    def create(self, context: Context, properties: Properties) -> Made:
        physical_id = made_up_name(context)
        self._place(context, physical_id, {}, properties)
        return Made(physical_id, {"Id": physical_id})

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        self._place(context, physical_id, before, after)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.clients("iam")
        for holder, name in _holders(properties):
            drop_inline(iam, holder, name, properties["PolicyName"])
        INLINE.forget(context, physical_id)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        """Raises ResourceError after a restart, since the identifier does not say where the policy is."""
        placed = INLINE.kept(context, physical_id)
        if placed is None:
            raise ResourceError(f"Where {physical_id} was put is not known after a restart of the emulator", "NotFound")
        if not placed:
            return None
        iam = context.clients("iam")
        found: dict[str, Any] = {"PolicyName": placed["PolicyName"]}
        for kind, holder in HOLDERS.items():
            for name in placed.get(kind, ()):
                document = inline_document(iam, holder, name, placed["PolicyName"])
                if document is not None:
                    found.setdefault(kind, []).append(name)
                    found["PolicyDocument"] = document
        return found if "PolicyDocument" in found else None

    def _place(self, context: Context, physical_id: str, before: Properties, after: Properties) -> None:
        if not _holders(after):
            raise ResourceError("At least one of [Groups,Roles,Users] must be non-empty.", "InvalidRequest")
        iam = context.clients("iam")
        renamed = before.get("PolicyName") != after["PolicyName"]
        done: list[tuple[str, str]] = []
        try:
            for holder, name in _holders(after):
                put_inline(iam, holder, name, after["PolicyName"], after["PolicyDocument"])
                done.append((holder, name))
        except Exception:
            if not before:
                for holder, name in done:
                    drop_inline(iam, holder, name, after["PolicyName"])
            raise
        for holder, name in _holders(before):
            if renamed or (holder, name) not in _holders(after):
                drop_inline(iam, holder, name, before["PolicyName"])
        INLINE.keep(context, physical_id, after)


class _OneHolder(Lasting):
    """An inline policy of one role, user or group, known by both names."""

    holder: ClassVar[str]

    @property
    def supported(self) -> frozenset[str]:
        return frozenset({"PolicyName", "PolicyDocument", member(self.holder)})

    def create(self, context: Context, properties: Properties) -> Made:
        name, policy = str(properties[member(self.holder)]), str(properties["PolicyName"])
        put_inline(context.clients("iam"), self.holder, name, policy, properties.get("PolicyDocument", {}))
        physical_id = f"{policy}|{name}"
        INLINE.keep(context, f"{self.holder}:{physical_id}", self._as_placed(policy, name))
        return Made(physical_id)

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        return self.create(context, after)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        policy, name = pieces(physical_id)
        drop_inline(context.clients("iam"), self.holder, name, policy)
        INLINE.forget(context, f"{self.holder}:{physical_id}")

    def read(self, context: Context, physical_id: str) -> Properties | None:
        policy, name = pieces(physical_id)
        document = inline_document(context.clients("iam"), self.holder, name, policy)
        if document is None:
            return None
        return {"PolicyName": policy, member(self.holder): name, "PolicyDocument": document}

    def _as_placed(self, policy: str, name: str) -> Properties:
        return {"PolicyName": policy, f"{self.holder.capitalize()}s": [name]}


class RolePolicy(_OneHolder):
    """AWS::IAM::RolePolicy."""

    type_name, holder = "AWS::IAM::RolePolicy", "role"


class UserPolicy(_OneHolder):
    """AWS::IAM::UserPolicy."""

    type_name, holder = "AWS::IAM::UserPolicy", "user"


class GroupPolicy(_OneHolder):
    """AWS::IAM::GroupPolicy."""

    type_name, holder = "AWS::IAM::GroupPolicy", "group"


class ManagedPolicy(ServiceType):
    """AWS::IAM::ManagedPolicy. A change of the document makes a new version, and the oldest of five goes."""

    type_name, service = "AWS::IAM::ManagedPolicy", "iam"
    create_call, id_path, delete_call, delete_member = "create_policy", "Policy.Arn", "delete_policy", "PolicyArn"
    name, name_member, longest = "ManagedPolicyName", "PolicyName", 128
    takes, also = ("Description", "Path", "PolicyDocument"), ("Groups", "Roles", "Users")
    tags = ""
    described = Describe("get_policy", "PolicyArn", "Policy", many=False)
    read_as = {"ManagedPolicyName": "PolicyName"}
    attributes = {
        "PolicyArn": "Arn",
        "PolicyId": "PolicyId",
        "AttachmentCount": "AttachmentCount",
        "PermissionsBoundaryUsageCount": "PermissionsBoundaryUsageCount",
        "DefaultVersionId": "DefaultVersionId",
        "IsAttachable": "IsAttachable",
    }

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        for holder, name in _holders(properties):
            attach(client, holder, name, physical_id)
        ATTACHED.keep(context, physical_id, {"PolicyArn": physical_id, **properties})

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "PolicyDocument" in left:
            versions = client.list_policy_versions(PolicyArn=physical_id)["Versions"]
            if len(versions) >= _VERSIONS:
                oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: int(v["VersionId"][1:]))
                client.delete_policy_version(PolicyArn=physical_id, VersionId=oldest["VersionId"])
            given = {"PolicyArn": physical_id, "PolicyDocument": after["PolicyDocument"], "SetAsDefault": True}
            call(client, "create_policy_version", given)
        old, new = gone_and_new(_holders(before), _holders(after))
        for holder, name in old:
            detach(client, holder, name, physical_id)
        for holder, name in new:
            attach(client, holder, name, physical_id)
        ATTACHED.keep(context, physical_id, {"PolicyArn": physical_id, **after})
        return {"PolicyDocument", *HOLDERS}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        version = client.get_policy_version(PolicyArn=physical_id, VersionId=found["DefaultVersionId"])
        entities = client.list_entities_for_policy(PolicyArn=physical_id)
        holders = {
            kind: [entry[member(holder)] for entry in entities[f"Policy{kind}"]] for kind, holder in HOLDERS.items()
        }
        holders = {kind: names for kind, names in holders.items() if names}
        return {"PolicyDocument": version["PolicyVersion"]["Document"], **holders}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: found[name].isoformat() for name in ("CreateDate", "UpdateDate")}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        for holder, name in _holders(properties):
            detach(client, holder, name, physical_id)
        for version in client.list_policy_versions(PolicyArn=physical_id)["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        super().remove(context, client, physical_id, properties)
        ATTACHED.forget(context, physical_id)


HANDLERS = (Policy(), RolePolicy(), UserPolicy(), GroupPolicy(), ManagedPolicy())

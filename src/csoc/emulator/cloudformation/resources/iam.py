"""Who may act: roles, users and groups of IAM with the policies that they carry, and who is in a group."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.durations import Lasting
from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError
from csoc.emulator.cloudformation.resources.iam_policies import (
    ATTACHED,
    INLINE,
    attach,
    detach,
    drop_inline,
    inline_document,
    member,
    put_inline,
)
from csoc.emulator.cloudformation.resources.placed import Placed
from csoc.emulator.cloudformation.resources.service_type import (
    ServiceType,
    TagCalls,
    changed,
    gone_and_new,
    made_up_name,
)
from csoc.emulator.cloudformation.resources.translation import call, unless_gone

_MEMBERS = Placed()


class _Holder(ServiceType):
    """Somebody who carries policies. holder: IAM's word for it."""

    holder: ClassVar[str]
    service = "iam"
    afterwards: ClassVar[tuple[str, ...]] = ("ManagedPolicyArns", "Policies")

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = {member(self.holder): physical_id}
        kind = f"{self.holder.capitalize()}s"
        account = str(found["Arn"]).split(":")[4]
        elsewhere = {
            placed["PolicyName"] for placed in INLINE.of_account(account) if physical_id in placed.get(kind, ())
        }
        attached = {
            placed["PolicyArn"] for placed in ATTACHED.of_account(account) if physical_id in placed.get(kind, ())
        }
        names = [
            name
            for name in getattr(client, f"list_{self.holder}_policies")(**asked)["PolicyNames"]
            if name not in elsewhere
        ]
        documents = [(name, inline_document(client, self.holder, physical_id, name)) for name in names]
        managed = getattr(client, f"list_attached_{self.holder}_policies")(**asked)["AttachedPolicies"]
        arns = [policy["PolicyArn"] for policy in managed if policy["PolicyArn"] not in attached]
        told = {"Policies": [{"PolicyName": name, "PolicyDocument": document} for name, document in documents]}
        return {name: value for name, value in {**told, "ManagedPolicyArns": arns}.items() if value}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        # What others attached stays, so that IAM refuses to delete it, as it would there.
        self.set_afterwards(client, physical_id, properties, {})
        super().remove(context, client, physical_id, properties)

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        old, new = gone_and_new(before.get("ManagedPolicyArns") or (), after.get("ManagedPolicyArns") or ())
        for arn in new:
            attach(client, self.holder, physical_id, arn)
        for arn in old:
            detach(client, self.holder, physical_id, arn)
        was = {policy["PolicyName"]: policy["PolicyDocument"] for policy in before.get("Policies") or ()}
        wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in after.get("Policies") or ()}
        for name, document in wanted.items():
            if was.get(name) != document:
                put_inline(client, self.holder, physical_id, name, document)
        for name in was.keys() - wanted.keys():
            drop_inline(client, self.holder, physical_id, name)

    def _bound(self, client: Any, physical_id: str, after: Properties) -> None:
        boundary = after.get("PermissionsBoundary")
        asked = {member(self.holder): physical_id}
        if boundary:
            given = {**asked, "PermissionsBoundary": boundary}
            getattr(client, f"put_{self.holder}_permissions_boundary")(**given)
        else:
            getattr(client, f"delete_{self.holder}_permissions_boundary")(**asked)


class Role(_Holder):
    """AWS::IAM::Role."""

    type_name, holder = "AWS::IAM::Role", "role"
    create_call, id_path, delete_call, delete_member = "create_role", "Role.RoleName", "delete_role", "RoleName"
    name = "RoleName"
    takes = ("AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Path", "PermissionsBoundary")
    changes = (
        Change(
            ("AssumeRolePolicyDocument",),
            "update_assume_role_policy",
            lambda role, wanted: {"RoleName": role, "PolicyDocument": wanted["AssumeRolePolicyDocument"]},
        ),
        Change(
            ("Description", "MaxSessionDuration"),
            "update_role",
            lambda role, wanted: {
                "RoleName": role,
                "Description": wanted["Description"],
                "MaxSessionDuration": wanted["MaxSessionDuration"],
            },
        ),
    )
    defaults = {"Description": "", "MaxSessionDuration": 3600}
    described = Describe("get_role", "RoleName", "Role", many=False)
    read_as = {"PermissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn"}
    attributes = {"Arn": "Arn", "RoleId": "RoleId"}
    tag_calls = TagCalls("tag_role", "untag_role", "RoleName")

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "PermissionsBoundary" in left:
            self._bound(client, physical_id, after)
        return {"PermissionsBoundary"}


class User(_Holder):
    """AWS::IAM::User. The password of a login profile is given on and never told."""

    type_name, holder = "AWS::IAM::User", "user"
    create_call, id_path, delete_call, delete_member = "create_user", "User.UserName", "delete_user", "UserName"
    name = "UserName"
    takes = ("Path", "PermissionsBoundary")
    afterwards = ("ManagedPolicyArns", "Policies", "Groups", "LoginProfile")
    described = Describe("get_user", "UserName", "User", many=False)
    read_as = {"PermissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn"}
    attributes = {"Arn": "Arn"}
    tag_calls = TagCalls("tag_user", "untag_user", "UserName", listing="list_user_tags")
    changes = (Change(("Path",), "update_user", lambda user, wanted: {"UserName": user, "NewPath": wanted["Path"]}),)
    defaults = {"Path": "/"}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "PermissionsBoundary" in left:
            self._bound(client, physical_id, after)
        return {"PermissionsBoundary"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told = dict(super().more(client, physical_id, found))
        groups = [group["GroupName"] for group in client.list_groups_for_user(UserName=physical_id)["Groups"]]
        profile = unless_gone(lambda: client.get_login_profile(UserName=physical_id))
        if groups:
            told["Groups"] = groups
        if profile:
            told["LoginProfile"] = {
                "PasswordResetRequired": profile["LoginProfile"].get("PasswordResetRequired", False)
            }
        return told

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        super().set_afterwards(client, physical_id, before, after)
        old, new = gone_and_new(before.get("Groups") or (), after.get("Groups") or ())
        for group in new:
            client.add_user_to_group(UserName=physical_id, GroupName=group)
        for group in old:
            unless_gone(partial(client.remove_user_from_group, UserName=physical_id, GroupName=group))
        if changed(before, after, "LoginProfile"):
            profile = after.get("LoginProfile")
            if profile is None:
                unless_gone(lambda: client.delete_login_profile(UserName=physical_id))
            else:
                method = "update_login_profile" if before.get("LoginProfile") else "create_login_profile"
                call(client, method, {"UserName": physical_id, **profile})


class Group(_Holder):
    """AWS::IAM::Group. Groups carry no tags."""

    type_name, holder = "AWS::IAM::Group", "group"
    create_call, id_path, delete_call, delete_member = "create_group", "Group.GroupName", "delete_group", "GroupName"
    name, tags, longest = "GroupName", "", 128
    takes = ("Path",)
    changes = (
        Change(("Path",), "update_group", lambda group, wanted: {"GroupName": group, "NewPath": wanted["Path"]}),
    )
    defaults = {"Path": "/"}
    described = Describe("get_group", "GroupName", "Group", many=False)
    attributes = {"Arn": "Arn"}


class ServiceLinkedRole(ServiceType):
    """AWS::IAM::ServiceLinkedRole."""

    type_name, service = "AWS::IAM::ServiceLinkedRole", "iam"
    create_call, id_path = "create_service_linked_role", "Role.RoleName"
    delete_call, delete_member = "delete_service_linked_role", "RoleName"
    takes, tags = ("AWSServiceName", "CustomSuffix", "Description"), ""
    unread = ("AWSServiceName", "CustomSuffix")
    changes = (
        Change(
            ("Description",),
            "update_role",
            lambda role, wanted: {"RoleName": role, "Description": wanted["Description"]},
        ),
    )
    defaults = {"Description": ""}
    described = Describe("get_role", "RoleName", "Role", many=False)
    attributes = {"RoleName": "RoleName"}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        if "AWSServiceName" not in properties:
            raise ResourceError("#: required key [AWSServiceName] not found", "InvalidRequest")
        return super().parameters(context, properties)


class UserToGroupAddition(Lasting):
    """AWS::IAM::UserToGroupAddition."""

    type_name = "AWS::IAM::UserToGroupAddition"
    supported = frozenset({"GroupName", "Users"})

    def create(self, context: Context, properties: Properties) -> Made:
        physical_id = made_up_name(context)
        return self.update(context, physical_id, {"Users": ()}, properties)

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        iam = context.clients("iam")
        was = [(before.get("GroupName"), user) for user in before["Users"]]
        old, new = gone_and_new(was, [(after["GroupName"], user) for user in after["Users"]])
        for group, user in new:
            iam.add_user_to_group(GroupName=group, UserName=user)
        for group, user in old:
            unless_gone(partial(iam.remove_user_from_group, GroupName=group, UserName=user))
        _MEMBERS.keep(context, physical_id, after)
        return Made(physical_id, {"Id": physical_id})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.clients("iam")
        for user in properties["Users"]:
            drop = {"GroupName": properties["GroupName"], "UserName": user}
            unless_gone(partial(iam.remove_user_from_group, **drop))
        _MEMBERS.forget(context, physical_id)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        """Raises ResourceError after a restart, since the identifier does not name the group."""
        placed = _MEMBERS.kept(context, physical_id)
        if placed is None:
            raise ResourceError(f"Which group {physical_id} is of is not known after a restart", "NotFound")
        if not placed:
            return None
        found = unless_gone(lambda: context.clients("iam").get_group(GroupName=placed["GroupName"]))
        members = {user["UserName"] for user in found["Users"]} if found else set()
        users = [user for user in placed["Users"] if user in members]
        return {"GroupName": placed["GroupName"], "Users": users} if users else None


HANDLERS = (Role(), User(), Group(), ServiceLinkedRole(), UserToGroupAddition())

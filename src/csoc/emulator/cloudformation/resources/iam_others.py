"""What else IAM has: instance profiles, identity providers, service-linked roles, members of groups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from csoc.emulator.cloudformation.resources.common import unless_gone
from csoc.emulator.cloudformation.resources.common_declared import Change, Describe
from csoc.emulator.cloudformation.resources.common_durations import SECONDS
from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError
from csoc.emulator.cloudformation.resources.services_common import (
    Placed,
    ServiceType,
    TagCalls,
    gone_and_new,
    made_up_name,
)

_MEMBERS = Placed()


class InstanceProfile(ServiceType):
    """AWS::IAM::InstanceProfile. It holds one role."""

    type_name, service = "AWS::IAM::InstanceProfile", "iam"
    create_call, id_path = "create_instance_profile", "InstanceProfile.InstanceProfileName"
    delete_call, delete_member = "delete_instance_profile", "InstanceProfileName"
    name, tags, longest = "InstanceProfileName", "", 128
    takes, also = ("Path",), ("Roles",)
    described = Describe("get_instance_profile", "InstanceProfileName", "InstanceProfile", many=False)
    attributes = {"Arn": "Arn"}

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        self._hold(client, physical_id, (), properties["Roles"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self._hold(client, physical_id, before["Roles"], after["Roles"])
        return {"Roles"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Roles": [role["RoleName"] for role in found["Roles"]]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id) or {"Roles": ()}
        self._hold(client, physical_id, [role["RoleName"] for role in found["Roles"]], ())
        super().remove(context, client, physical_id, properties)

    @staticmethod
    def _hold(client: Any, profile: str, before: Any, after: Any) -> None:
        old, new = gone_and_new(before, after)
        for role in old:
            drop = {"InstanceProfileName": profile, "RoleName": role}
            unless_gone(partial(client.remove_role_from_instance_profile, **drop))
        for role in new:
            client.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)


class OidcProvider(ServiceType):
    """AWS::IAM::OIDCProvider."""

    type_name, service = "AWS::IAM::OIDCProvider", "iam"
    create_call, id_path = "create_open_id_connect_provider", "OpenIDConnectProviderArn"
    delete_call, delete_member = "delete_open_id_connect_provider", "OpenIDConnectProviderArn"
    takes, renamed = ("Url", "ThumbprintList"), {"ClientIdList": "ClientIDList"}
    changes = (
        Change(
            ("ThumbprintList",),
            "update_open_id_connect_provider_thumbprint",
            lambda arn, wanted: {"OpenIDConnectProviderArn": arn, "ThumbprintList": wanted["ThumbprintList"]},
        ),
    )
    defaults = {"ThumbprintList": []}
    described = Describe("get_open_id_connect_provider", "OpenIDConnectProviderArn", "", many=False)
    tag_calls = TagCalls("tag_open_id_connect_provider", "untag_open_id_connect_provider", "OpenIDConnectProviderArn")
    attributes = {"Arn": ""}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        if "Url" not in properties:
            raise ResourceError("#: required key [Url] not found", "InvalidRequest")
        return super().parameters(context, properties)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        old, new = gone_and_new(before.get("ClientIdList") or (), after.get("ClientIdList") or ())
        for audience in new:
            client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=physical_id, ClientID=audience)
        for audience in old:
            client.remove_client_id_from_open_id_connect_provider(
                OpenIDConnectProviderArn=physical_id, ClientID=audience
            )
        return {"ClientIdList"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Url": f"https://{found['Url'].removeprefix('https://')}"}


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


class UserToGroupAddition:
    """AWS::IAM::UserToGroupAddition."""

    type_name = "AWS::IAM::UserToGroupAddition"
    supported = frozenset({"GroupName", "Users"})

    @property
    def seconds(self) -> float:
        return SECONDS[self.type_name].seconds

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


HANDLERS = (InstanceProfile(), OidcProvider(), ServiceLinkedRole(), UserToGroupAddition())

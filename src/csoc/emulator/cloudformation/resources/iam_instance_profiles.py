"""Instance profiles of IAM: how a machine comes by a role."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, gone_and_new
from csoc.emulator.cloudformation.resources.translation import unless_gone


class InstanceProfile(ServiceType):
    """AWS::IAM::InstanceProfile. It holds one role."""

    type_name, service = "AWS::IAM::InstanceProfile", "iam"
    create_call, id_path = "create_instance_profile", "InstanceProfile.InstanceProfileName"
    delete_call, delete_member = "delete_instance_profile", "InstanceProfileName"
    name, tags, longest = "InstanceProfileName", "", 128
    takes, afterwards = ("Path",), ("Roles",)
    described = Describe("get_instance_profile", "InstanceProfileName", "InstanceProfile", many=False)
    attributes = {"Arn": "Arn"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Roles": [role["RoleName"] for role in found["Roles"]]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id) or {"Roles": ()}
        self.set_afterwards(client, physical_id, {"Roles": [role["RoleName"] for role in found["Roles"]]}, {})
        super().remove(context, client, physical_id, properties)

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        old, new = gone_and_new(before.get("Roles", ()), after.get("Roles", ()))
        for role in old:
            drop = {"InstanceProfileName": physical_id, "RoleName": role}
            unless_gone(partial(client.remove_role_from_instance_profile, **drop))
        for role in new:
            client.add_role_to_instance_profile(InstanceProfileName=physical_id, RoleName=role)


HANDLERS = (InstanceProfile(),)

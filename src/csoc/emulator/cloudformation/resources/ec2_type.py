"""What all types of EC2 share: how their tags are set, and how they are described."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Change, Declared
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.translation import as_list


class Ec2(Declared):
    """A type of EC2. kind: the resource type of its tag specification; "" if its create call takes no tags.
    tagged_later: moto loses the tags of the create call, so that they are set after it."""

    service = "ec2"
    kind: ClassVar[str] = ""
    tagged_later: ClassVar[bool] = False

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = self.wanted_tags(context, properties)
        if not self.kind or not tags or self.tagged_later:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": as_list(tags)}]}

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        if self.tagged_later:
            self.retag(client, physical_id, [], self.wanted_tags(context, properties))

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        if gone:
            client.delete_tags(Resources=[physical_id], Tags=[{"Key": key} for key in gone])
        if wanted:
            client.create_tags(Resources=[physical_id], Tags=as_list(wanted))


def switch(method: str, member: str, name: str, at_creation: bool = True) -> Change:
    """A property that a modify call takes as {"Value": ...}; such calls take one attribute at a time."""
    return Change(
        (name,), method, lambda physical_id, wanted: {member: physical_id, name: {"Value": wanted[name]}}, at_creation
    )

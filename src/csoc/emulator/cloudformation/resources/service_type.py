"""What types with a name, tags or parts share beyond `declared`: made-up names, tags by calls of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from csoc.emulator.cloudformation.resources.declared import Declared
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import as_list, at_path, call, own_tags

_Item = TypeVar("_Item")


def made_up_name(context: Context, longest: int = 64, small: bool = False) -> str:
    """The name of a resource without one of its own: stack, logical id and suffix, the first two cut so that it fits.

    Source: AWS CloudFormation User Guide, "Name type": the name starts with the stack's name and ends with an id.
    """
    front, _, suffix = context.name.rpartition("-")
    if len(context.name) > longest:
        room = longest - len(suffix) - 2
        logical = context.logical_id[: max(room // 2, room - len(context.stack_name))]
        front = f"{context.stack_name[: room - len(logical)]}-{logical}"
    name = f"{front}-{suffix}"[-longest:].lstrip("-")
    return name.lower() if small else name


@dataclass(frozen=True, slots=True)
class TagCalls:
    """How a service tags what exists. member, keys: parameters for the resource and for the names of tags that go.
    resource: where the description has what member wants, "" for the physical id. listing, path: the call that tells
    the tags and where they are; without one they are in the description, at path. pairs: tags are a list."""

    tag: str
    untag: str
    member: str
    keys: str = "TagKeys"
    tags: str = "Tags"
    resource: str = ""
    listing: str = ""
    path: str = "Tags"
    pairs: bool = True


class ServiceType(Declared):
    """A declared type with a name that may be made up, and tags by a pair of calls.

    name, name_member: the property with the name and the create call's parameter for it. longest, small: what names
    may be. creation_tags: the create call's parameter for tags, "" if it takes none. user_tags_only: the service's
    emulation refuses tags of CloudFormation's own.
    """

    name: ClassVar[str] = ""
    name_member: ClassVar[str] = ""
    longest: ClassVar[int] = 64
    small: ClassVar[bool] = False
    creation_tags: ClassVar[str] = "Tags"
    tag_calls: ClassVar[TagCalls | None] = None
    user_tags_only: ClassVar[bool] = True
    id_path: ClassVar[str] = ""

    @property
    def supported(self) -> frozenset[str]:
        return super().supported | ({self.name} if self.name else set())

    def name_of(self, context: Context, properties: Properties) -> str:
        """The name that the properties give, or one that is made up."""
        given = properties.get(self.name)
        return str(given) if given else made_up_name(context, self.longest, self.small)

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        given = super().parameters(context, properties)
        if self.name:
            given[self.name_member or self.name] = self.name_of(context, properties)
        return given

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        answer = call(client, self.create_call, given)
        return str(at_path(answer, self.id_path) if self.id_path else given[self.name_member or self.name])

    def wanted_tags(self, context: Context, properties: Properties) -> dict[str, str]:
        wanted = super().wanted_tags(context, properties)
        return {key: value for key, value in wanted.items() if not (self.user_tags_only and key.startswith("aws:"))}

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = self.wanted_tags(context, properties) if self.tags else {}
        pairs = self.tag_calls.pairs if self.tag_calls else True
        return {self.creation_tags: as_list(tags) if pairs else tags} if tags and self.creation_tags else {}

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        if self.tags and not self.creation_tags:
            tags = self.wanted_tags(context, properties)
            if tags:
                self.retag(client, physical_id, [], tags)

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        calls = self._tag_calls()
        resource = self._tagged(client, physical_id, calls)
        if gone:
            call(client, calls.untag, {calls.member: resource, calls.keys: gone})
        if wanted:
            tags = as_list(wanted) if calls.pairs else dict(wanted)
            call(client, calls.tag, {calls.member: resource, calls.tags: tags})

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        calls = self._tag_calls()
        if not calls.listing:
            return _as_map(at_path(found, calls.path))
        resource = str(at_path(found, calls.resource) if calls.resource else physical_id)
        return _as_map(at_path(getattr(client, calls.listing)(**{calls.member: resource}), calls.path))

    def _tag_calls(self) -> TagCalls:
        if self.tag_calls is None:
            raise ResourceError(f"{self.type_name} has tags, and the emulator knows no call that sets them")
        return self.tag_calls

    def _tagged(self, client: Any, physical_id: str, calls: TagCalls) -> str:
        if not calls.resource:
            return physical_id
        found = self.describe(client, physical_id)
        return str(at_path(found, calls.resource))


def _as_map(tags: Any) -> dict[str, str]:
    """Tags as a service tells them: a map, or a list in its own spelling."""
    if isinstance(tags, Mapping):
        return own_tags({"Tags": tags})
    return {
        str(tag.get("Key", tag.get("key", tag.get("TagKey")))): str(
            tag.get("Value", tag.get("value", tag.get("TagValue", "")))
        )
        for tag in tags or ()
    }


def changed(before: Properties, after: Properties, name: str) -> bool:
    """True if a property differs between two sets."""
    return bool(before.get(name) != after.get(name))


def gone_and_new(before: Iterable[_Item], after: Iterable[_Item]) -> tuple[list[_Item], list[_Item]]:
    """What is in the first only, and what is in the second only, in their order."""
    old, new = list(before), list(after)
    return [item for item in old if item not in new], [item for item in new if item not in old]


def pieces(physical_id: str, number: int = 2) -> list[str]:
    """The parts of a compound identifier ("group|stream"), as CloudFormation writes it."""
    found = physical_id.split("|", number - 1)
    if len(found) != number:
        raise ResourceError(f"{physical_id!r} is no identifier of {number} parts joined by |", "InvalidRequest")
    return found

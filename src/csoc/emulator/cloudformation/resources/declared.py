"""Resource types that differ only in the names of calls are declared: what creates, tells, changes and deletes them.

A property that is not declared is refused by name, so that nothing of a template is silently lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.durations import Lasting
from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import (
    all_tags,
    as_list,
    at_path,
    call,
    own_tags,
    told,
    unless_gone,
)

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A call that changes properties in place. make: its parameters from the physical id and the wanted properties.
    at_creation: the create call does not take these properties, so it follows that one."""

    properties: tuple[str, ...]
    call: str
    make: Callable[[str, Properties], Parameters]
    at_creation: bool = False


@dataclass(frozen=True, slots=True)
class Describe:
    """The call that tells about a resource. member: of its parameters, for the id. path: to the description in the
    answer. many: the member takes a list."""

    call: str
    member: str
    path: str
    many: bool = True


class Declared(Lasting):
    """A type that is declared. Subclasses say what is special, and override what is odd.

    service: botocore's name. create_call, id_path: the call and where its answer has the physical id. takes: properties
    that it takes by their own name; renamed: by another. also: properties that the subclass sees to. afterwards:
    those that `set_afterwards` sees to; at_first: what a new resource has of them. changes: in place.
    defaults: what a property is once it is gone from the template. attributes: what Fn::GetAtt gives, by the path in
    the description. read_as: where the description has a property under another path. unread: properties that no call
    tells again. delete_call, delete_member: the call that deletes, and its parameter for the id. tags: the property
    with tags ("" if the type has none).
    """

    service: ClassVar[str]
    create_call: ClassVar[str]
    id_path: ClassVar[str]
    takes: ClassVar[tuple[str, ...]] = ()
    renamed: ClassVar[Mapping[str, str]] = {}
    also: ClassVar[tuple[str, ...]] = ()
    afterwards: ClassVar[tuple[str, ...]] = ()
    at_first: ClassVar[Properties] = {}
    changes: ClassVar[tuple[Change, ...]] = ()
    defaults: ClassVar[Properties] = {}
    attributes: ClassVar[Mapping[str, str]] = {}
    read_as: ClassVar[Mapping[str, str]] = {}
    unread: ClassVar[tuple[str, ...]] = ()
    described: ClassVar[Describe]
    delete_call: ClassVar[str]
    delete_member: ClassVar[str]
    tags: ClassVar[str] = "Tags"

    @property
    def supported(self) -> frozenset[str]:
        """Properties that are kept; others are refused."""
        changed = {name for change in self.changes for name in change.properties}
        tags = (self.tags,) if self.tags else ()
        return frozenset({*self.takes, *self.renamed, *self.also, *self.afterwards, *changed, *tags})

    # What the engine calls

    def create(self, context: Context, properties: Properties) -> Made:
        self.check(properties)
        client = context.clients(self.service)
        physical_id = self.make(context, client, properties)
        try:
            for change in self.changes:
                if change.at_creation and any(name in properties for name in change.properties):
                    call(client, change.call, change.make(physical_id, {**self.defaults, **properties}))
            self._set_if_changed(client, physical_id, self.at_first, properties)
            self.finish(context, client, physical_id, properties)
            return self.made(context, physical_id)
        except (ClientError, ResourceError):
            # The engine never learns of a resource whose creation fails, so nobody else would remove it.
            self.remove(context, client, physical_id, properties)
            raise

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        self.check(after)
        client = context.clients(self.service)
        left = {name for name in {*before, *after} if before.get(name) != after.get(name)}
        for change in self.changes:
            if left & set(change.properties):
                call(client, change.call, change.make(physical_id, {**self.defaults, **after}))
                left -= set(change.properties)
        tags_before = {**context.tags_before, **own_tags(before, self.tags)} if self.tags else {}
        if self.tags and tags_before != all_tags(context, after, self.tags):
            left.add(self.tags)
        left -= self.alter(context, client, physical_id, before, after, frozenset(left))
        self._set_if_changed(client, physical_id, before, after)
        left -= set(self.afterwards)
        if self.tags in left:
            gone = tags_before.keys() - all_tags(context, after, self.tags).keys()
            self.retag(client, physical_id, sorted(gone), self.wanted_tags(context, after))
            left.discard(self.tags)
        if left:
            names = ", ".join(sorted(left))
            raise ResourceError(f"The emulator does not change {names} of {self.type_name} in place", "NotUpdatable")
        return self.made(context, physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        client = context.clients(self.service)
        if self.describe(client, physical_id) is not None:
            self.remove(context, client, physical_id, properties)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        client = context.clients(self.service)
        found = self.describe(client, physical_id)
        if found is None:
            return None
        moved = {name: at_path(found, path) for name, path in self.read_as.items()}
        answer = {**found, **moved, **self.more(client, physical_id, found)}
        names = self.supported - set(self.unread) - {self.tags}
        live = told(self.type_name, answer, sorted(names))
        if self.tags:
            tags = {
                key: value
                for key, value in self.live_tags(client, physical_id, found).items()
                if not key.startswith("aws:") and context.tags.get(key) != value
            }
            live[self.tags] = self.template_tags(tags)
        return live

    def _set_if_changed(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if any(before.get(name) != after.get(name) for name in self.afterwards):
            self.set_afterwards(client, physical_id, before, after)

    # What subclasses override where a type is odd

    def check(self, properties: Properties) -> None:
        """Raises ResourceError for what the emulator would lose."""
        lost = sorted(set(properties) - self.supported)
        if lost:
            raise ResourceError(
                f"The emulator does not keep {', '.join(lost)} of {self.type_name}; leave it out", "InvalidRequest"
            )

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        """Parameters of the create call, without tags."""
        given = {name: properties[name] for name in self.takes if name in properties}
        return given | {member: properties[name] for name, member in self.renamed.items() if name in properties}

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        """Parameters of the create call for tags; empty if it takes none."""
        tags = self.wanted_tags(context, properties)
        return {"Tags": as_list(tags)} if self.tags and tags else {}

    def wanted_tags(self, context: Context, properties: Properties) -> dict[str, str]:
        return all_tags(context, properties, self.tags)

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        """Creates it and returns the physical id."""
        given = {**self.parameters(context, properties), **self.tag_parameters(context, properties)}
        return str(at_path(call(client, self.create_call, given), self.id_path))

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        """Brings what `afterwards` names from one set of properties to another, by calls that no Change describes: once
        the resource is there, and whenever some of it changes."""
        raise NotImplementedError(f"{self.type_name} has properties to be set afterwards and no way to set them")

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        """What follows once all properties are set."""

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        """Changes what neither a Change nor `set_afterwards` does; left: names that differ. Returns the names that it
        dealt with."""
        return set()

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        raise NotImplementedError(f"{self.type_name} has tags and no way to change them")

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        """The service's description; None if the resource is gone."""
        how = self.described
        asked = {how.member: [physical_id] if how.many else physical_id}
        answer = unless_gone(lambda: getattr(client, how.call)(**asked))
        found: Mapping[str, Any] | None = at_path(answer, how.path)
        return found

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """Properties that need calls of their own, for reading."""
        return {}

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        return own_tags(found)

    def template_tags(self, tags: Mapping[str, str]) -> Any:
        return as_list(tags)

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: getattr(client, self.delete_call)(**{self.delete_member: physical_id}))

    def made(self, context: Context, physical_id: str) -> Made:
        """What the engine keeps: physical id and attributes, from a description where the id does not tell all."""
        if self._told_by_id():
            return Made(physical_id, dict.fromkeys(self.attributes, physical_id))
        client = context.clients(self.service)
        found = self.describe(client, physical_id)
        if found is None:
            raise ResourceError(f"{self.type_name} {physical_id} does not exist", "NotFound")
        given = {name: at_path(found, path) if path else physical_id for name, path in self.attributes.items()}
        given.update(self.more_attributes(client, physical_id, found))
        return Made(
            physical_id,
            {name: "" if value is None else value for name, value in given.items()},
            self.ref(physical_id, found),
        )

    def _told_by_id(self) -> bool:
        computed = type(self).more_attributes is not Declared.more_attributes or type(self).ref is not Declared.ref
        return not computed and not any(self.attributes.values())

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """Attributes that need calls or computing; they are named in `attributes` as well."""
        return {}

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        """What Ref gives where that is not the physical id."""
        return None

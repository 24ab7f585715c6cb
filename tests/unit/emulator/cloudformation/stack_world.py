"""A CloudFormation of one account whose resources are in memory and whose time is stepped, for tests of its rules."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from csoc.emulator.cloud.calls import AwsError, Call, Identity
from csoc.emulator.cloudformation.assembly import cloudformation
from csoc.emulator.cloudformation.outside import Outside
from csoc.emulator.cloudformation.resources.handler import Context, Made, Properties, ResourceError
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.stack_records import Stack, Stacks
from csoc.emulator.cloudformation.template.model import TemplateError
from csoc.emulator.timeline import SteppedTimeline

ACCOUNT, REGION = "111111111111", "ap-southeast-2"
PERSON = Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/owner", f"arn:aws:iam::{ACCOUNT}:user/owner", "AIDAOWNER")
THING = "Test::Memory::Thing"
NAMED = "Test::Memory::Named"
_SCHEMA: Mapping[str, Any] = {
    "properties": {
        "Size": {},
        "Kind": {},
        "Label": {"type": "string", "maxLength": 10, "pattern": "^[a-z]+$"},
        "Parts": {"type": "array", "insertionOrder": False},
        "Steps": {"type": "array", "items": {"$ref": "#/definitions/Step"}},
        "Options": {"type": "array", "insertionOrder": False, "arrayType": "AttributeList"},
        "Secret": {},
        "Maybe": {},
        "Tags": {},
        "Id": {},
    },
    "definitions": {"Step": {"properties": {"Names": {"type": "array", "insertionOrder": False}}}},
    "createOnlyProperties": ["/properties/Kind", "/properties/Parts/*/Fixed", "/properties/Deep/Fixed"],
    "conditionalCreateOnlyProperties": ["/properties/Maybe"],
    "writeOnlyProperties": ["/properties/Secret"],
    "readOnlyProperties": ["/properties/Id"],
    "primaryIdentifier": ["/properties/Id"],
    "tagging": {"taggable": True},
}
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    THING: _SCHEMA,
    NAMED: {
        "properties": {"Name": {}, "Kind": {}},
        "createOnlyProperties": ["/properties/Name", "/properties/Kind"],
        "primaryIdentifier": ["/properties/Name"],
        "tagging": {"taggable": False},
    },
}


class MemorySchemas(Schemas):
    """Schemas of the types that are in memory, and none of AWS."""

    def __init__(self) -> None:
        super().__init__()

    def _schema(self, type_name: str) -> Mapping[str, Any]:
        return SCHEMAS.get(type_name, {})


class Things:
    """A service whose resources are in memory. failing: (logical id, action) that fail, for as long as they are there;
    "complete" fails creating after the resource was made. raising: by the same, errors that no handler should raise.
    deleted: how often each physical resource was deleted."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.failing: set[tuple[str, str]] = set()
        self.raising: dict[tuple[str, str], Exception] = {}
        self.deleted: Counter[str] = Counter()
        self.calls: list[tuple[str, str]] = []
        self.snapshots: list[str] = []
        self.seen: list[Mapping[str, Any]] = []
        self._numbers = itertools.count(1)

    def act(self, context: Context, action: str) -> None:
        self.calls.append((context.logical_id, action))
        if (context.logical_id, action) in self.failing:
            raise ResourceError(f"{context.logical_id} does not want to {action}")
        if (context.logical_id, action) in self.raising:
            raise self.raising[context.logical_id, action]

    def new(self, properties: Properties) -> str:
        physical = f"thing-{next(self._numbers)}"
        self.held[physical] = dict(properties)
        return physical


class ThingHandler:
    """A type of the service in memory."""

    seconds = 10.0

    def __init__(self, things: Things, type_name: str) -> None:
        self.things = things
        self.type_name = type_name

    def create(self, context: Context, properties: Properties) -> Made:
        self.things.act(context, "create")
        self.things.seen.append(properties)
        physical = self.things.new(properties)
        self.things.tags[physical] = dict(context.tags)
        if (context.logical_id, "complete") in self.things.failing:
            raise ResourceError(f"{context.logical_id} is there and does not work", physical_id=physical)
        return Made(physical, {"Size": str(properties.get("Size", "")), "Arn": f"arn:{physical}"})

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        self.things.act(context, "update")
        assert physical_id in self.things.held, f"{physical_id} is changed and is not there"
        self.things.seen.append(after)
        self.things.held[physical_id] = dict(after)
        kept = {k: v for k, v in self.things.tags[physical_id].items() if k not in context.tags_before}
        self.things.tags[physical_id] = {**kept, **context.tags}
        return Made(physical_id, {"Size": str(after.get("Size", "")), "Arn": f"arn:{physical_id}"})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self.things.act(context, "delete")
        self.things.deleted[physical_id] += 1
        self.things.held.pop(physical_id, None)

    def snapshot(self, context: Context, physical_id: str, properties: Properties) -> None:
        self.things.snapshots.append(physical_id)
        self.delete(context, physical_id, properties)

    def read(self, context: Context, physical_id: str) -> Properties | None:
        return self.things.held.get(physical_id)


class Topics:
    """Stands for clients: topics are told, everything else is refused."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.acted: list[Identity] = []
        self.world: World | None = None

    def act_as(self, identity: Identity, service: str) -> None:
        assert service == "cloudformation.amazonaws.com"
        self.acted.append(identity)

    def client(self, service: str, region: str) -> Any:
        assert service == "sns", f"{service} is not there"
        return self

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> None:
        assert Subject
        assert TopicArn
        self.told.append(Message)


class MemoryOutside(Outside):
    """SSM parameters and secrets in memory. existing: what parameters of AWS-specific types may name."""

    def __init__(self) -> None:
        super().__init__(Topics())
        self.parameters: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.existing: set[str] = set()

    def _ssm(self, identity: Identity, region: str, name: str, decrypt: bool = False) -> str:
        return self.parameters[name]

    def _secret(self, identity: Identity, region: str, reference: str) -> str:
        if reference not in self.secrets:
            raise TemplateError(f"there is no secret {reference}")
        return self.secrets[reference]

    def exists(self, identity: Identity, region: str, kind: str, value: str) -> bool:
        if kind == "AWS::EC2::AvailabilityZone::Name":
            return super().exists(identity, region, kind, value)
        return value in self.existing


class World:
    """The service with everything around it. Ids count up."""

    def __init__(self) -> None:
        self.timeline = SteppedTimeline(datetime(2026, 1, 1, tzinfo=UTC))
        self.things = Things()
        self.topics = Topics()
        self.outside = MemoryOutside()
        numbers = itertools.count(1)
        self.new_id: Callable[[], str] = lambda: f"{next(numbers):08d}-0000-4000-8000-{next(numbers):012d}"
        handlers = {name: ThingHandler(self.things, name) for name in SCHEMAS}
        self.service = cloudformation(
            self.timeline, self.topics, self.new_id, self._fault, handlers, MemorySchemas(), self.outside
        )
        self.faults: set[tuple[str, str]] = set()

    def _fault(self, stack: Stack, logical_id: str, action: str) -> ResourceError | None:
        del stack
        return ResourceError("by rule") if (logical_id, action) in self.faults else None

    def ask(self, operation: str, identity: Identity = PERSON, **parameters: Any) -> Any:
        """Calls the API."""
        call = Call(identity, "cloudformation", operation, REGION, parameters, self.timeline.now(), self.new_id())
        return self.service.operations[operation](call)

    def refused(self, operation: str, **parameters: Any) -> AwsError:
        """The error that a call is refused with."""
        with pytest.raises(AwsError) as error:
            self.ask(operation, **parameters)
        return error.value

    def done(self) -> None:
        """Lets everything end that is under way."""
        self.timeline.run_until_idle()

    def create(self, resources: Mapping[str, Any], name: str = "app", **more: Any) -> str:
        """Creates a stack and waits for it; its status."""
        body = template(resources, **more.pop("sections", {}))
        self.ask("CreateStack", StackName=name, TemplateBody=body, **more)
        self.done()
        return self.status(name)

    def update(self, resources: Mapping[str, Any], name: str = "app", **more: Any) -> str:
        """Updates a stack and waits for it; its status."""
        body = template(resources, **more.pop("sections", {}))
        self.ask("UpdateStack", StackName=name, TemplateBody=body, **more)
        self.done()
        return self.status(name)

    def plan(self, resources: Mapping[str, Any], name: str = "app", set_name: str = "next", **more: Any) -> Any:
        """Creates a change set and waits for it; it with property values."""
        body = template(resources, **more.pop("sections", {}))
        self.ask("CreateChangeSet", StackName=name, ChangeSetName=set_name, TemplateBody=body, **more)
        self.timeline.advance(3)
        return self.ask("DescribeChangeSet", StackName=name, ChangeSetName=set_name, IncludePropertyValues=True)

    def stack(self, name: str = "app") -> Stack:
        """The stack as it is kept; the last one of that name."""
        found = [stack for stack in self.stacks.all.values() if name in (stack.name, stack.id)]
        return found[-1]

    @property
    def stacks(self) -> Stacks:
        return self.service.stacks(ACCOUNT, REGION)

    def status(self, name: str = "app") -> str:
        return self.stack(name).status

    def physical(self, logical_id: str, name: str = "app") -> str:
        return self.stack(name).resources[logical_id].physical_id

    def statuses(self, logical_id: str, name: str = "app") -> list[str]:
        """The statuses that a resource or the stack itself went through."""
        return [event.status for event in self.stack(name).events if event.logical_id == logical_id]


def template(resources: Mapping[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def thing(**properties: Any) -> dict[str, Any]:
    """A resource of a test's template; attributes of the resource begin with a small letter."""
    own = {"dependsOn": "DependsOn", "condition": "Condition", "deletion": "DeletionPolicy"}
    own |= {"replace": "UpdateReplacePolicy", "kind": "Type", "creation": "CreationPolicy", "metadata": "Metadata"}
    attributes = {own[name]: value for name, value in properties.items() if name in own}
    given = {name: value for name, value in properties.items() if name not in own}
    return {"Type": THING, "Properties": given, **attributes}

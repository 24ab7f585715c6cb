"""What all ways of changing a stack share: events, steps on the timeline, calls to handlers.

Everything runs under the lock of the stack's region. An action that was put off only happens if the operation that
asked for it is still the stack's.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from csoc.emulator.cloudformation import stack_policies
from csoc.emulator.cloudformation.offered import check_types, refusal
from csoc.emulator.cloudformation.outside import SERVICE, Acting, Outside
from csoc.emulator.cloudformation.passes import Pass, Step
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Made, ResourceError
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import hiding, scope_of
from csoc.emulator.cloudformation.stack_records import MOST_EVENTS, Event, Stack, StackOperation, StackResource, Stacks
from csoc.emulator.cloudformation.template.functions import HIDDEN, NotKnownYetError, Scope, resolve, resolve_late
from csoc.emulator.cloudformation.template.model import Resource, Template, TemplateError
from csoc.emulator.cloudformation.template.references import dependencies
from csoc.emulator.cloudformation.template.room import check_together, placed
from csoc.emulator.timeline import Timeline

STACK_TYPE = "AWS::CloudFormation::Stack"
UPDATE_PART, DELETE_PART = 0.5, 0.4
"""Changing and deleting take this part of the time that creating takes."""
ASK_AGAIN_SECONDS = 5.0
_LONGEST_TOLD = 32_768
_LOG = logging.getLogger(__name__)
_NO_CHANGE = frozenset({"CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_COMPLETE", "REVIEW_IN_PROGRESS"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})

Fault = Callable[[Stack, str, str], ResourceError | None]
"""Says whether a resource (stack, logical id, action) is to fail by a rule."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Properties of a resource. shown: with values of NoEcho parameters hidden. imports: exports that they use."""

    properties: Mapping[str, Any]
    shown: Mapping[str, Any]
    imports: frozenset[str]


class Work:
    """The tools of the engine. handlers: by resource type."""

    def __init__(
        self,
        timeline: Timeline,
        handlers: Mapping[str, Handler],
        inside: Acting,
        schemas: Schemas,
        outside: Outside,
        ids: Callable[[], str],
        fault: Fault,
    ) -> None:
        self.timeline = timeline
        self.schemas = schemas
        self.outside = outside
        self.ids = ids
        self._handlers = handlers
        self._inside = inside
        self._fault = fault
        self._passes: dict[str, Pass] = {}

    # What is told

    def note(self, stack: Stack, status: str, reason: str = "") -> None:
        """A new status of the stack itself, with its event."""
        stack.status, stack.reason = status, cut(stack_policies.without_secrets(stack, reason))
        if status not in _NO_CHANGE and not status.startswith("DELETE"):
            stack.updated_at = self.timeline.now()
        self._event(stack, stack.name, stack.id, STACK_TYPE, status, stack.reason)

    def finish(self, stacks: Stacks, stack: Stack, *, succeeded: bool) -> None:
        """The stack's operation is over, and with it the change set that it executed."""
        stacks.executed(stack, succeeded=succeeded)
        if stack.operation is not None:
            stack.operation.status = "SUCCEEDED" if succeeded else "FAILED"
            stack.operation.ended_at = self.timeline.now()

    def tell(self, stack: Stack, record: StackResource, status: str, reason: str = "") -> None:
        """A new status of a resource, with its event."""
        record.status, record.reason = status, cut(stack_policies.without_secrets(stack, reason))
        record.updated_at = self.timeline.now()
        shown = cut(json.dumps(record.shown, sort_keys=True, default=str)) if record.shown else ""
        self._event(stack, record.logical_id, record.physical_id, record.type, status, record.reason, shown)

    def _event(
        self, stack: Stack, logical_id: str, physical_id: str, kind: str, status: str, reason: str, properties: str = ""
    ) -> None:
        operation = stack.operation
        token, number = (operation.token, operation.id) if operation else ("", "")
        event = Event(
            self.ids(), self.timeline.now(), logical_id, physical_id, kind, status, reason, properties, token, number
        )
        stack.events.append(event)
        del stack.events[:-MOST_EVENTS]
        self._publish(stack, event)

    def _publish(self, stack: Stack, event: Event) -> None:
        if not stack.notifications or stack.identity is None:
            return
        self._inside.act_as(stack.identity, SERVICE)
        for topic in stack.notifications:
            client = self._inside.client("sns", topic.split(":")[3])
            try:
                client.publish(
                    TopicArn=topic, Subject="AWS CloudFormation Notification", Message=_message(stack, event)
                )
            except (ClientError, BotoCoreError) as error:
                # A stack does not fail because nobody can be told of it.
                _LOG.warning("an event of stack %s could not be published to %s: %s", stack.name, topic, error)

    # What happens when

    def later(self, stacks: Stacks, stack: Stack, seconds: float, action: Callable[[], None]) -> None:
        """Calls an action after so many seconds, if the stack's operation is then still the same."""
        asked = stack.operation
        self.timeline.later(seconds, self._guarded(stacks, stack, asked, action))

    def _guarded(
        self, stacks: Stacks, stack: Stack, asked: StackOperation | None, action: Callable[[], None]
    ) -> Callable[[], None]:
        def run() -> None:
            with stacks.lock:
                if stack.operation is asked:
                    action()

        return run

    def run(
        self,
        stacks: Stacks,
        stack: Stack,
        steps: Sequence[Step],
        done: Callable[[Sequence[str]], None],
        *,
        whole: bool = False,
        past: bool = False,
    ) -> None:
        """Walks through steps; see Pass."""
        asked = stack.operation

        def over(failed: Sequence[str]) -> None:
            self._passes.pop(stack.id, None)
            done(failed)

        walk = Pass(
            self.timeline,
            {step.name: step for step in steps},
            over,
            lambda action: self._guarded(stacks, stack, asked, action),
            whole,
            past,
        )
        self._passes[stack.id] = walk
        walk.start()

    def stop(self, stack: Stack) -> None:
        """Ends the walk that is under way; what it was doing is cancelled."""
        running = self._passes.pop(stack.id, None)
        if running is not None:
            running.stop()

    def step(
        self,
        stack: Stack,
        name: str,
        record: StackResource,
        after: frozenset[str],
        begin: Callable[[], float],
        end: Callable[[], float],
        failed_status: str,
        cancelled: str,
    ) -> Step:
        """A step of a walk whose failure is told of a resource."""

        def failing_only_as_told(part: Callable[[], float]) -> Callable[[], float]:
            def run() -> float:
                try:
                    return part()
                except ResourceError:
                    raise
                except Exception as error:  # noqa: BLE001 - see internal_failure
                    raise internal_failure(stack, error) from None

            return run

        return Step(
            name,
            after,
            failing_only_as_told(begin),
            failing_only_as_told(end),
            lambda error: self.tell(stack, record, failed_status, str(error)),
            lambda: self.tell(stack, record, failed_status, cancelled),
        )

    # What is asked of templates and handlers

    def scope(self, stacks: Stacks, stack: Stack, imported: set[str] | None = None) -> Scope:
        return scope_of(stacks, stack, self.outside, stack.identity, imported)

    def wanted(self, stacks: Stacks, stack: Stack) -> dict[str, frozenset[str]]:
        """The resources whose conditions hold, with what each comes after. Raises TemplateError."""
        template, scope = template_of(stack), self.scope(stacks, stack)
        names = frozenset(
            name
            for name, resource in template.resources.items()
            if not resource.condition or scope.condition(resource.condition)
        )
        return dependencies(template, names)

    def resolved(self, stacks: Stacks, stack: Stack, resource: Resource) -> Resolved:
        """The properties of a resource. Raises ResourceError if they cannot be resolved or the schema refuses them."""
        imported: set[str] = set()
        scope = self.scope(stacks, stack, imported)
        try:
            properties: Mapping[str, Any] = resolve(scope, resource.properties, place_of(resource)) or {}
            others = (record.properties for name, record in stack.resources.items() if name != resource.logical_id)
            with placed(place_of(resource)):
                check_together(properties, others)
        except (TemplateError, NotKnownYetError) as error:
            raise ResourceError(str(error), "InvalidRequest") from None
        problem = self.schemas.problem(resource.type, properties)
        if problem:
            raise ResourceError(problem, "InvalidRequest")
        return Resolved(properties, shown_properties(scope, resource, properties), frozenset(imported))

    def call(self, stack: Stack, action: Callable[[], Any]) -> Any:
        """Calls a handler in the name of whoever runs the stack. Raises ResourceError, whatever the handler raised."""
        if stack.identity is None:
            raise ResourceError("nobody runs this stack", "InternalFailure")
        self._inside.act_as(stack.identity, SERVICE)
        try:
            return action()
        except ClientError as error:
            raise _reason(error) from None
        except BotoCoreError as error:
            raise ResourceError(str(error), "InvalidRequest") from None
        except TemplateError as error:
            raise ResourceError(str(error), "InvalidRequest") from None
        except ResourceError:
            raise
        except Exception as error:  # noqa: BLE001 - see internal_failure
            raise internal_failure(stack, error) from None

    def with_secrets(self, stack: Stack, properties: Mapping[str, Any], *, must: bool = True) -> Mapping[str, Any]:
        """Properties for a call, with references to secrets resolved. must: False leaves what is not there as it is.
        Raises TemplateError."""
        identity = stack.identity

        def secret(service: str, reference: str) -> str:
            if identity is None:
                raise TemplateError("Template error: nobody runs this stack")
            try:
                return self.outside.resolved(identity, stack.region, service, reference)
            except TemplateError:
                if must:
                    raise
                return f"{{{{resolve:{service}:{reference}}}}}"

        found: Mapping[str, Any] = resolve_late(secret, properties)
        if identity is not None:
            self._inside.act_as(identity, SERVICE)
        return found

    def fail_by_rule(self, stack: Stack, logical_id: str, action: str) -> None:
        """Raises ResourceError if a rule says that this fails."""
        error = self._fault(stack, logical_id, action)
        if error is not None:
            raise error

    def handler(self, type_name: str) -> Handler:
        handler = self._handlers.get(type_name)
        if handler is None:
            raise ResourceError(refusal(type_name), "NotFound")
        return handler

    def check_types(self, template: Template) -> None:
        """Raises TemplateError for a template with types that are not made."""
        check_types(template, self._handlers, self.schemas.known)

    def settled(self, stack: Stack, record: StackResource) -> bool:
        """True if the resource is ready, as far as its handler can tell."""
        handler, context = self.handler(record.type), self.context(stack, record)
        asked, tells = getattr(handler, "settled", None), getattr(handler, "late_attributes", None)
        if asked is not None and not self.call(stack, lambda: asked(context, record.physical_id)):
            return False
        if tells is not None:
            record.attributes = self.call(stack, lambda: tells(context, record.physical_id))
        return True

    def tell_what_is_waited_for(self, stack: Stack, record: StackResource) -> None:
        """An event that says what somebody must do before the resource is ready, once."""
        asked = getattr(self.handler(record.type), "waits_for", None)
        if asked is None:
            return
        context = self.context(stack, record)
        reason = self.call(stack, lambda: asked(context, record.physical_id))
        if reason and reason != record.reason:
            self.tell(stack, record, record.status, reason)

    def context(
        self, stack: Stack, record: StackResource, tags_before: Mapping[str, str] | None = None, *, anew: bool = False
    ) -> Context:
        """For a handler's call. anew: for another physical resource than the one that is there."""
        if anew or not record.token:
            record.token = self.ids().replace("-", "")[:12].upper()
        own = {
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.id,
            "aws:cloudformation:logical-id": record.logical_id,
        }
        before = record.tags if tags_before is None else tags_before
        return Context(
            lambda service: self._inside.client(service, stack.region),
            stack.account,
            stack.region,
            stack.id,
            stack.name,
            record.logical_id,
            f"{stack.name}-{record.logical_id}-{record.token}",
            f"{stack.id.rsplit('/', 1)[-1]}-{record.token}"[:64],
            {**stack.tags, **own},
            {**before, **own},
        )

    def make(self, stack: Stack, record: StackResource, resolved: Resolved) -> float:
        """Creates the physical resource of a record, which then has it. Raises ResourceError."""
        handler = self.handler(record.type)
        context = self.context(stack, record, anew=True)
        try:
            made = self.call(stack, lambda: handler.create(context, self.with_secrets(stack, resolved.properties)))
        except ResourceError as error:
            if error.physical_id:
                record.physical_id, record.gone = error.physical_id, False
            raise
        take(record, made)
        record.gone, record.tags = False, dict(stack.tags)
        return handler.seconds


def shown_properties(scope: Scope, resource: Resource, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Resolved properties with values of NoEcho parameters hidden, also within other texts."""
    if not any(parameter.no_echo for parameter in scope.template.parameters.values()):
        return properties
    try:
        return resolve(hiding(scope), resource.properties, place_of(resource)) or {}
    except (TemplateError, NotKnownYetError):
        # A function that looks into the value, such as Fn::Select of Fn::Split, cannot do so with the hidden one.
        return dict.fromkeys(properties, HIDDEN)


def place_of(resource: Resource) -> str:
    """Where a resource's properties stand in the template."""
    return f"Resources/{resource.logical_id}/Properties"


def template_of(stack: Stack) -> Template:
    if stack.template is None:
        raise TemplateError(f"Stack {stack.name} has no template")
    return stack.template


def take(record: StackResource, made: Made) -> None:
    record.physical_id, record.attributes, record.ref = made.physical_id, made.attributes, made.ref


def cut(text: str) -> str:
    """A text as an event keeps it. The API reference of StackEvent states no length of ResourceProperties; this one is
    the emulator's, since each of a stack's many events has the text, and one that is cut says so."""
    if len(text) <= _LONGEST_TOLD:
        return text
    return f"{text[:_LONGEST_TOLD]}... (the emulator's events have the first {_LONGEST_TOLD} of {len(text)} characters)"


def names_failed(verb: str, names: Sequence[str]) -> str:
    return f"The following resource(s) failed to {verb}: [{', '.join(dict.fromkeys(names))}]."


def internal_failure(stack: Stack, error: Exception) -> ResourceError:
    """What becomes of an error that nobody foresaw, such as one about properties in a form that the schema allows and
    the handler does not expect. The resource fails with it, and the stack goes on; without this it would stay under way
    for ever. The error's own words may hold values of properties, secrets too: neither the reason nor the log has them.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "no known place"
    way = "".join(traceback.format_list(frames))
    _LOG.error("a resource of stack %s failed in the emulator with %s:\n%s", stack.name, type(error).__name__, way)
    return ResourceError(
        f"Internal Failure: the emulator failed with {type(error).__name__} at {place}; its log has the way there "
        "(HandlerErrorCode: InternalFailure)",
        "InternalFailure",
    )


def _reason(error: ClientError) -> ResourceError:
    """The error as CloudFormation writes it into events."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    answer = error.response.get("ResponseMetadata", {})
    kind = "AccessDenied" if code in _DENIED else "GeneralServiceException"
    return ResourceError(
        f'Resource handler returned message: "{message} (Service: {error.operation_name}, '
        f'Status Code: {answer.get("HTTPStatusCode")}, Request ID: {answer.get("RequestId", "")})" '
        f"(HandlerErrorCode: {kind})",
        kind,
    )


def _message(stack: Stack, event: Event) -> str:
    """An event as CloudFormation publishes it: one member a line."""
    members = {
        "StackId": stack.id,
        "Timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S.}{event.at.microsecond // 1000:03d}Z",
        "EventId": event.id,
        "LogicalResourceId": event.logical_id,
        "Namespace": stack.account,
        "PhysicalResourceId": event.physical_id,
        "ResourceProperties": event.properties or "null",
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
        "ResourceType": event.type,
        "StackName": stack.name,
        "ClientRequestToken": event.token or "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in members.items())

"""What happens to a stack after a request was accepted: it is created, updated, deleted, or rolled back.

Everything runs on the timeline, under the lock of the stack's region. Sources: AWS CloudFormation User Guide, "Stack
failure options", "Update behaviors of stack resources", "Understand stack creation events"; the order of statuses was
taken from the stack events printed there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloudformation import policies
from csoc.emulator.cloudformation.passes import Pass, Step
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Made, ResourceError
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import Outside, scope_of
from csoc.emulator.cloudformation.stacks import MOST_EVENTS, Event, Stack, StackResource, Stacks
from csoc.emulator.cloudformation.template.functions import NotKnownYetError, resolve
from csoc.emulator.cloudformation.template.model import Resource, Template, TemplateError
from csoc.emulator.cloudformation.template.reading import text_of
from csoc.emulator.cloudformation.template.references import dependencies
from csoc.emulator.timeline import Timeline

SERVICE = "cloudformation.amazonaws.com"
_STACK_TYPE = "AWS::CloudFormation::Stack"
_UPDATE_PART, _DELETE_PART = 0.5, 0.4
"""Changing and deleting take this part of the time that creating takes."""

Fault = Callable[[Stack, str, str], ResourceError | None]
"""Says whether a resource (stack, logical id, action) is to fail by a rule."""


class Engine:
    """Runs operations on stacks. handlers: by resource type."""

    def __init__(
        self,
        timeline: Timeline,
        handlers: Mapping[str, Handler],
        inside: InsideClients,
        schemas: Schemas,
        outside: Outside,
        ids: Callable[[], str],
        fault: Fault = lambda *_: None,
    ) -> None:
        self._timeline = timeline
        self._handlers = handlers
        self._inside = inside
        self._schemas = schemas
        self._outside = outside
        self._ids = ids
        self._fault = fault
        self._passes: dict[str, Pass] = {}

    def create(self, stacks: Stacks, stack: Stack, on_failure: str) -> None:
        """Creates the resources of a stack whose template is set. on_failure: ROLLBACK, DELETE or DO_NOTHING."""
        self.note(stack, "CREATE_IN_PROGRESS", "User Initiated")
        self._later(stacks, 1, lambda: self._create(stacks, stack, on_failure))

    def update(self, stacks: Stacks, stack: Stack) -> None:
        """Brings the resources to the stack's template and parameters, which were just set; `before` is what to go back
        to."""
        self.note(stack, "UPDATE_IN_PROGRESS", "User Initiated")
        self._later(stacks, 1, lambda: self._update(stacks, stack))

    def delete(self, stacks: Stacks, stack: Stack, retain: frozenset[str] = frozenset(), force: bool = False) -> None:
        """Deletes what the deletion policies do not keep. force: what cannot be deleted is left and forgotten."""
        running = self._passes.pop(stack.id, None)
        if running is not None:
            running.stop()
        self.note(stack, "DELETE_IN_PROGRESS", "User Initiated")
        self._later(stacks, 1, lambda: self._delete(stacks, stack, retain, force))

    def cancel_update(self, stacks: Stacks, stack: Stack) -> None:
        """Stops an update and rolls it back."""
        running = self._passes.pop(stack.id, None)
        if running is not None:
            running.stop()
        self._roll_back_update(stacks, stack, "User Initiated")

    def continue_rollback(self, stacks: Stacks, stack: Stack, skip: frozenset[str]) -> None:
        """Tries again to go back after UPDATE_ROLLBACK_FAILED. skip: resources that are taken as rolled back."""
        stack.skipped = tuple(sorted(skip))
        self._roll_back_update(stacks, stack, "User Initiated")

    def rollback(self, stacks: Stacks, stack: Stack) -> None:
        """RollbackStack: from CREATE_FAILED or UPDATE_FAILED."""
        if stack.status == "CREATE_FAILED":
            self._roll_back_create(stacks, stack, "User Initiated")
        else:
            self._roll_back_update(stacks, stack, "User Initiated")

    def note(self, stack: Stack, status: str, reason: str = "") -> None:
        """A new status of the stack itself, with its event."""
        stack.status, stack.reason = status, reason
        if not status.startswith(("CREATE", "REVIEW")) or status == "CREATE_COMPLETE":
            stack.updated_at = self._timeline.now() if status.startswith("UPDATE") else stack.updated_at
        self._event(stack, stack.name, stack.id, _STACK_TYPE, status, reason)

    # Creating

    def _create(self, stacks: Stacks, stack: Stack, on_failure: str) -> None:
        try:
            wanted = self._wanted(stacks, stack)
        except TemplateError as error:
            self._create_failed(stacks, stack, on_failure, str(error))
            return

        def done(failed: Sequence[str]) -> None:
            reason = _names_failed("create", failed) if failed else self._finish_outputs(stacks, stack)
            if reason:
                self._create_failed(stacks, stack, on_failure, reason)
            else:
                self.note(stack, "CREATE_COMPLETE")

        steps = {
            name: self._creating(stacks, stack, resource, wanted[name]) for name, resource in self._named(stack, wanted)
        }
        self._run(stacks, stack, steps, done)
        if stack.timeout_minutes is not None:
            limit = f"Stack creation time exceeded the specified timeout ({stack.timeout_minutes} minutes)"
            self._later(stacks, stack.timeout_minutes * 60, lambda: self._timed_out(stacks, stack, on_failure, limit))

    def _timed_out(self, stacks: Stacks, stack: Stack, on_failure: str, reason: str) -> None:
        if stack.status != "CREATE_IN_PROGRESS":
            return
        running = self._passes.pop(stack.id, None)
        if running is not None:
            running.stop()
        self._create_failed(stacks, stack, on_failure, reason)

    def _create_failed(self, stacks: Stacks, stack: Stack, on_failure: str, reason: str) -> None:
        if on_failure == "DO_NOTHING":
            self.note(stack, "CREATE_FAILED", reason)
        elif on_failure == "DELETE":
            self.note(stack, "DELETE_IN_PROGRESS", f"{reason} Delete requested by user.")
            self._delete(stacks, stack, frozenset(), force=False, rolling_back=True)
        else:
            self._roll_back_create(stacks, stack, f"{reason} Rollback requested by user.")

    def _roll_back_create(self, stacks: Stacks, stack: Stack, reason: str) -> None:
        self.note(stack, "ROLLBACK_IN_PROGRESS", reason)

        def done(failed: Sequence[str]) -> None:
            if failed:
                self.note(stack, "ROLLBACK_FAILED", _names_failed("delete", failed))
            else:
                self.note(stack, "ROLLBACK_COMPLETE")

        self._run(stacks, stack, self._deleting_all(stack, rolling_back=True), done, whole=True)

    def _creating(self, stacks: Stacks, stack: Stack, resource: Resource, after: frozenset[str]) -> Step:
        name = resource.logical_id

        def begin() -> float:
            if name not in stack.resources or not stack.resources[name].exists:
                stack.resources[name] = StackResource(name, resource.type, "CREATE_IN_PROGRESS", self._timeline.now())
            record = stack.resources[name]
            record.deletion_policy, record.update_replace_policy = (
                resource.deletion_policy,
                resource.update_replace_policy,
            )
            record.depends_on = after
            self._resource(stack, record, "CREATE_IN_PROGRESS")
            return self._make(stacks, stack, resource, record)

        def end() -> None:
            self._fail_by_rule(stack, name, "create")
            self._resource(stack, stack.resources[name], "CREATE_COMPLETE")

        return self._step(stack, name, after, begin, end, "CREATE_FAILED", "Resource creation cancelled")

    def _make(self, stacks: Stacks, stack: Stack, resource: Resource, record: StackResource) -> float:
        handler = self._handler(resource.type)
        record.properties = self._resolved(stacks, stack, resource)
        made = self._call(stack, lambda: handler.create(self._context(stack, record), record.properties))
        _take(record, made)
        self._resource(stack, record, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        return handler.seconds

    # Updating

    def _update(self, stacks: Stacks, stack: Stack) -> None:
        try:
            wanted = self._wanted(stacks, stack)
        except TemplateError as error:
            self._roll_back_update(stacks, stack, str(error))
            return
        replaced: list[StackResource] = []

        def done(failed: Sequence[str]) -> None:
            reason = _names_failed("update", failed) if failed else self._finish_outputs(stacks, stack)
            if reason and stack.disable_rollback:
                self.note(stack, "UPDATE_FAILED", reason)
            elif reason:
                self._roll_back_update(stacks, stack, reason)
            else:
                self._clean_up(stacks, stack, wanted, replaced)

        steps = {
            name: self._updating(stacks, stack, resource, wanted[name], replaced)
            if name in stack.resources and stack.resources[name].exists
            else self._creating(stacks, stack, resource, wanted[name])
            for name, resource in self._named(stack, wanted)
        }
        self._run(stacks, stack, steps, done)

    def _updating(
        self, stacks: Stacks, stack: Stack, resource: Resource, after: frozenset[str], replaced: list[StackResource]
    ) -> Step:
        name = resource.logical_id
        changed: list[str] = []

        def begin() -> float:
            record = stack.resources[name]
            record.depends_on = after
            record.deletion_policy, record.update_replace_policy = (
                resource.deletion_policy,
                resource.update_replace_policy,
            )
            properties = self._resolved(stacks, stack, resource)
            if properties == record.properties and resource.type == record.type:
                return 0.0
            replacing = (
                self._schemas.replaces(resource.type, record.properties, properties) or resource.type != record.type
            )
            policies.check(stack, record, "Update:Replace" if replacing else "Update:Modify")
            changed.append(name)
            handler = self._handler(resource.type)
            if replacing:
                return self._replace(stack, resource, record, properties, handler, replaced)
            self._resource(stack, record, "UPDATE_IN_PROGRESS")
            before, record.properties = record.properties, properties
            context = self._context(stack, record)
            made = self._call(stack, lambda: handler.update(context, record.physical_id, before, properties))
            _take(record, made)
            return handler.seconds * _UPDATE_PART

        def end() -> None:
            if changed:
                self._fail_by_rule(stack, name, "update")
                self._resource(stack, stack.resources[name], "UPDATE_COMPLETE")

        return self._step(stack, name, after, begin, end, "UPDATE_FAILED", "Resource update cancelled")

    def _replace(
        self,
        stack: Stack,
        resource: Resource,
        record: StackResource,
        properties: Mapping[str, Any],
        handler: Handler,
        replaced: list[StackResource],
    ) -> float:
        old = StackResource(
            record.logical_id,
            record.type,
            record.status,
            record.updated_at,
            record.physical_id,
            properties=record.properties,
            attributes=record.attributes,
            ref=record.ref,
            update_replace_policy=record.update_replace_policy,
            depends_on=record.depends_on,
        )
        self._resource(
            stack,
            record,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        )
        record.type, record.properties = resource.type, properties
        made = self._call(stack, lambda: handler.create(self._context(stack, record, again=True), properties))
        _take(record, made)
        replaced.append(old)
        self._resource(stack, record, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        return handler.seconds

    def _clean_up(
        self, stacks: Stacks, stack: Stack, wanted: Mapping[str, frozenset[str]], replaced: Sequence[StackResource]
    ) -> None:
        self.note(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        removed = [record for name, record in stack.resources.items() if name not in wanted and record.exists]
        steps: dict[str, Step] = {}
        for record in removed:
            users = frozenset(f"-{other.logical_id}" for other in removed if record.logical_id in other.depends_on)
            steps[f"-{record.logical_id}"] = self._deleting(stack, record, users, record.deletion_policy)
        for old in replaced:
            steps[f"~{old.logical_id}"] = self._deleting(stack, old, frozenset(), old.update_replace_policy)

        def done(_: Sequence[str]) -> None:
            # What cannot be cleaned up is left behind, and the update is complete all the same.
            for name in [name for name in stack.resources if name not in wanted]:
                del stack.resources[name]
            stack.before = None
            self.note(stack, "UPDATE_COMPLETE")

        self._run(stacks, stack, steps, done, whole=True)

    def _roll_back_update(self, stacks: Stacks, stack: Stack, reason: str) -> None:
        before = stack.before
        self.note(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        if before is None:
            self.note(stack, "UPDATE_ROLLBACK_COMPLETE")
            return
        steps = {
            name: self._restoring(stack, old)
            for name, old in before.resources.items()
            if name not in stack.skipped and name in stack.resources
        }
        leftovers = [
            record for name, record in stack.resources.items() if name not in before.resources and record.exists
        ]
        leftovers += [
            StackResource(
                record.logical_id, record.type, record.status, record.updated_at, record.physical_id,
                properties=record.properties, depends_on=record.depends_on,
            )
            for name, record in stack.resources.items()
            if record.physical_id and record.physical_id != before.resources.get(name, record).physical_id
        ]  # fmt: skip

        def done(failed: Sequence[str]) -> None:
            if failed:
                self.note(stack, "UPDATE_ROLLBACK_FAILED", _names_failed("update", failed))
                return
            self._restore_stack(stack)
            self.note(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            cleaning = {
                f"{number}": self._deleting(
                    stack,
                    record,
                    frozenset(
                        str(other) for other, user in enumerate(leftovers) if record.logical_id in user.depends_on
                    ),
                    "Delete",
                )
                for number, record in enumerate(leftovers)
            }
            self._run(stacks, stack, cleaning, lambda _: self._rolled_back(stack), whole=True)

        self._run(stacks, stack, steps, done, whole=True)

    def _rolled_back(self, stack: Stack) -> None:
        kept = stack.before.resources if stack.before else {}
        for name in [name for name in stack.resources if name not in kept]:
            del stack.resources[name]
        stack.before, stack.skipped = None, ()
        self.note(stack, "UPDATE_ROLLBACK_COMPLETE")

    def _restore_stack(self, stack: Stack) -> None:
        before = stack.before
        if before is None:
            return
        stack.template, stack.given, stack.parameters = before.template, before.given, before.parameters
        stack.resolved_from, stack.tags, stack.description = before.resolved_from, before.tags, before.description
        stack.capabilities, stack.outputs, stack.imports = before.capabilities, before.outputs, before.imports

    def _restoring(self, stack: Stack, old: StackResource) -> Step:
        """Brings one resource back to what it was. One that was replaced gets its old physical resource again."""
        changed: list[str] = []

        def begin() -> float:
            record = stack.resources[old.logical_id]
            if record.physical_id == old.physical_id and record.properties == old.properties:
                record.status = old.status
                return 0.0
            changed.append(old.logical_id)
            self._resource(stack, record, "UPDATE_IN_PROGRESS")
            seconds = 0.0
            if record.physical_id == old.physical_id:
                handler = self._handler(old.type)
                failed, context = record.properties, self._context(stack, old)
                self._call(stack, lambda: handler.update(context, old.physical_id, failed, old.properties))
                seconds = handler.seconds * _UPDATE_PART
            record.type, record.physical_id, record.properties = old.type, old.physical_id, old.properties
            record.attributes, record.ref = old.attributes, old.ref
            return seconds

        def end() -> None:
            if changed:
                self._fail_by_rule(stack, old.logical_id, "rollback")
                self._resource(stack, stack.resources[old.logical_id], "UPDATE_COMPLETE")

        return self._step(stack, old.logical_id, frozenset(), begin, end, "UPDATE_FAILED", "Resource update cancelled")

    # Deleting

    def _delete(
        self, stacks: Stacks, stack: Stack, retain: frozenset[str], force: bool, rolling_back: bool = False
    ) -> None:
        used = [name for name, (_, owner) in stacks.exports().items() if owner is stack and stacks.importers(name)]
        if used:
            users = ", ".join(user.name for user in stacks.importers(used[0]))
            self.note(stack, "DELETE_FAILED", f"Export {used[0]} cannot be deleted as it is in use by {users}")
            return

        def done(failed: Sequence[str]) -> None:
            if failed and not force:
                self.note(stack, "DELETE_FAILED", _names_failed("delete", failed))
                return
            stack.deleted_at = self._timeline.now()
            stack.outputs, stack.imports = [], frozenset()
            self.note(stack, "DELETE_COMPLETE")

        self._run(stacks, stack, self._deleting_all(stack, retain, rolling_back), done, whole=True)

    def _deleting_all(
        self, stack: Stack, retain: frozenset[str] = frozenset(), rolling_back: bool = False
    ) -> dict[str, Step]:
        living = {name: record for name, record in stack.resources.items() if record.exists}
        steps = {}
        for name, record in living.items():
            users = frozenset(other for other, user in living.items() if name in user.depends_on)
            policy = "Retain" if name in retain else record.deletion_policy
            if policy == "RetainExceptOnCreate":
                policy = "Delete" if rolling_back else "Retain"
            elif rolling_back and policy == "Snapshot":
                policy = "Delete"
            steps[name] = self._deleting(stack, record, users, policy)
        return steps

    def _deleting(self, stack: Stack, record: StackResource, after: frozenset[str], policy: str) -> Step:
        def begin() -> float:
            if policy in ("Retain", "RetainExceptOnCreate"):
                self._resource(stack, record, "DELETE_SKIPPED")
                return 0.0
            self._resource(stack, record, "DELETE_IN_PROGRESS")
            handler = self._handler(record.type)
            context = self._context(stack, record)
            if policy == "Snapshot":
                snapshot = getattr(handler, "snapshot", None)
                if snapshot is None:
                    raise ResourceError(f"{record.type} cannot be kept as a snapshot", "InvalidRequest")
                self._call(stack, lambda: snapshot(context, record.physical_id, record.properties))
            else:
                self._call(stack, lambda: handler.delete(context, record.physical_id, record.properties))
            return handler.seconds * _DELETE_PART

        def end() -> None:
            if record.status != "DELETE_SKIPPED":
                self._fail_by_rule(stack, record.logical_id, "delete")
                self._resource(stack, record, "DELETE_COMPLETE")

        name = record.logical_id
        return self._step(stack, name, after, begin, end, "DELETE_FAILED", "Resource deletion cancelled", record)

    # What the passes share

    def _step(
        self,
        stack: Stack,
        name: str,
        after: frozenset[str],
        begin: Callable[[], float],
        end: Callable[[], None],
        failed_status: str,
        cancelled: str,
        record: StackResource | None = None,
    ) -> Step:
        def failed(error: ResourceError) -> None:
            self._resource(stack, record or stack.resources[name], failed_status, str(error))

        def stopped() -> None:
            self._resource(stack, record or stack.resources[name], failed_status, cancelled)

        return Step(name, after, begin, end, failed, stopped)

    def _run(
        self,
        stacks: Stacks,
        stack: Stack,
        steps: Mapping[str, Step],
        done: Callable[[Sequence[str]], None],
        whole: bool = False,
    ) -> None:
        def over(failed: Sequence[str]) -> None:
            self._passes.pop(stack.id, None)
            done(failed)

        walk = Pass(self._timeline, steps, over, lambda action: self._locked(stacks, action), whole)
        self._passes[stack.id] = walk
        walk.start()

    def _later(self, stacks: Stacks, seconds: float, action: Callable[[], None]) -> None:
        self._timeline.later(seconds, self._locked(stacks, action))

    def _locked(self, stacks: Stacks, action: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            with stacks.lock:
                action()

        return run

    def _wanted(self, stacks: Stacks, stack: Stack) -> dict[str, frozenset[str]]:
        """The resources whose conditions hold, with what each comes after."""
        template = _template(stack)
        scope = scope_of(stacks, stack, self._outside, stack.identity)
        names = frozenset(
            name
            for name, resource in template.resources.items()
            if not resource.condition or scope.condition(resource.condition)
        )
        return dependencies(template, names)

    @staticmethod
    def _named(stack: Stack, wanted: Mapping[str, frozenset[str]]) -> list[tuple[str, Resource]]:
        template = _template(stack)
        return [(name, template.resources[name]) for name in wanted]

    def _resolved(self, stacks: Stacks, stack: Stack, resource: Resource) -> Mapping[str, Any]:
        try:
            found = resolve(scope_of(stacks, stack, self._outside, stack.identity), resource.properties)
        except (TemplateError, NotKnownYetError) as error:
            raise ResourceError(str(error), "InvalidRequest") from None
        properties: Mapping[str, Any] = found or {}
        problem = self._schemas.problem(resource.type, properties)
        if problem:
            raise ResourceError(problem, "InvalidRequest")
        return properties

    def _finish_outputs(self, stacks: Stacks, stack: Stack) -> str:
        """Sets outputs and imports; the reason why that is not possible, "" if it is."""
        template = _template(stack)
        imported: set[str] = set()
        scope = scope_of(stacks, stack, self._outside, stack.identity, imported)
        outputs = []
        try:
            for resource in template.resources.values():
                if not resource.condition or scope.condition(resource.condition):
                    resolve(scope, resource.properties)
            for output in template.outputs.values():
                if output.condition and not scope.condition(output.condition):
                    continue
                found = {"OutputKey": output.name, "OutputValue": text_of(resolve(scope, output.value))}
                if output.description:
                    found["Description"] = output.description
                if output.export is not None:
                    found["ExportName"] = text_of(resolve(scope, output.export))
                outputs.append(found)
        except (TemplateError, NotKnownYetError) as error:
            return str(error)
        others = {name: owner for name, (_, owner) in stacks.exports().items() if owner is not stack}
        for found in outputs:
            name = found.get("ExportName", "")
            if name in others:
                return f"Export with name {name} is already exported by stack {others[name].name}."
        values = {found["ExportName"]: found["OutputValue"] for found in outputs if "ExportName" in found}
        for old in stack.outputs:
            name = old.get("ExportName", "")
            if name and stacks.importers(name) and values.get(name) != old["OutputValue"]:
                verb = "updated" if name in values else "deleted"
                return f"Export {name} cannot be {verb} as it is in use by {stacks.importers(name)[0].name}"
        stack.outputs, stack.imports = list(outputs), frozenset(imported)
        return ""

    def _call(self, stack: Stack, action: Callable[[], Any]) -> Any:
        """Calls a handler in the name of whoever runs the stack. Raises ResourceError in place of boto3's errors."""
        identity = stack.identity
        if identity is None:
            raise ResourceError("nobody runs this stack", "InternalFailure")
        self._inside.act_as(identity, SERVICE)
        try:
            return action()
        except ClientError as error:
            raise _reason(error) from None
        except BotoCoreError as error:
            raise ResourceError(str(error), "InvalidRequest") from None

    def _fail_by_rule(self, stack: Stack, logical_id: str, action: str) -> None:
        error = self._fault(stack, logical_id, action)
        if error is not None:
            raise error

    def _handler(self, type_name: str) -> Handler:
        handler = self._handlers.get(type_name)
        if handler is None:
            raise ResourceError(
                f"The emulator does not make {type_name}; docs/emulator.md lists what it makes", "NotFound"
            )
        return handler

    def _context(self, stack: Stack, record: StackResource, again: bool = False) -> Context:
        identity = stack.identity
        if identity is None:
            raise ResourceError("nobody runs this stack", "InternalFailure")
        suffix = self._ids().replace("-", "")[:12].upper() if again or not record.physical_id else ""
        tags = {
            **stack.tags,
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.id,
            "aws:cloudformation:logical-id": record.logical_id,
        }
        return Context(
            lambda service: self._inside.client(service, stack.region),
            stack.account,
            stack.region,
            stack.id,
            stack.name,
            record.logical_id,
            f"{stack.name}-{record.logical_id}-{suffix}" if suffix else record.physical_id,
            f"{stack.id.rsplit('/', 1)[-1]}-{record.logical_id}-{suffix}"[:64],
            tags,
        )

    def _resource(self, stack: Stack, record: StackResource, status: str, reason: str = "") -> None:
        record.status, record.reason, record.updated_at = status, reason, self._timeline.now()
        shown = json.dumps(record.properties, sort_keys=True) if record.properties else ""
        self._event(stack, record.logical_id, record.physical_id, record.type, status, reason, shown)

    def _event(
        self, stack: Stack, logical_id: str, physical_id: str, kind: str, status: str, reason: str, properties: str = ""
    ) -> None:
        shown = policies.without_secrets(stack, properties)
        stack.events.append(
            Event(self._ids(), self._timeline.now(), logical_id, physical_id, kind, status, reason, shown, stack.token)
        )
        del stack.events[:-MOST_EVENTS]


def _template(stack: Stack) -> Template:
    if stack.template is None:
        raise TemplateError(f"Stack {stack.name} has no template")
    return stack.template


def _take(record: StackResource, made: Made) -> None:
    record.physical_id, record.attributes, record.ref = made.physical_id, made.attributes, made.ref


def _names_failed(verb: str, names: Sequence[str]) -> str:
    shown = ", ".join(name.lstrip("-~") for name in names)
    return f"The following resource(s) failed to {verb}: [{shown}]."


def _reason(error: ClientError) -> ResourceError:
    """The error as CloudFormation writes it into events."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    answer = error.response["ResponseMetadata"]
    service = error.operation_name
    text = (
        f'Resource handler returned message: "{message} (Service: {service}, '
        f'Status Code: {answer.get("HTTPStatusCode")}, Request ID: {answer.get("RequestId", "")})"'
    )
    kinds = {
        "AccessDenied": "AccessDenied",
        "AccessDeniedException": "AccessDenied",
        "UnauthorizedOperation": "AccessDenied",
    }
    return ResourceError(text, kinds.get(code, "GeneralServiceException"))

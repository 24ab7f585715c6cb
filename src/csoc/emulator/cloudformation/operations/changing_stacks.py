"""Operations that change stacks: which of them are taken in which status, and what they ask of the engine.

Source: CloudFormation API reference of each operation; User Guide, "Stack failure options", "Protect CloudFormation
stacks from being deleted", "Prevent updates to stack resources".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloudformation.engine import Engine
from csoc.emulator.cloudformation.operations.requests import (
    Requests,
    check_capabilities,
    checked_name,
    given_parameters,
    notifications_of,
    tags_of,
)
from csoc.emulator.cloudformation.planned_changes import planned_changes
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import parameter_values
from csoc.emulator.cloudformation.stack_records import PAUSED, UPDATABLE, ChangeSet, Stack, Stacks
from csoc.emulator.cloudformation.template.model import Template, TemplateError

_NOT_DELETABLE = frozenset(
    {
        "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    }
)  # fmt: skip
_MOST_STACKS = 2000


class StackOperations:
    """CreateStack to DeleteStack. stacks_of: the stacks of a call's account and region."""

    def __init__(
        self, engine: Engine, requests: Requests, schemas: Schemas, stacks_of: Callable[[Call], Stacks]
    ) -> None:
        self._engine = engine
        self._requests = requests
        self._schemas = schemas
        self._stacks_of = stacks_of

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "CancelUpdateStack": self._cancel_update_stack,
            "ContinueUpdateRollback": self._continue_update_rollback,
            "CreateStack": self._create_stack,
            "DeleteStack": self._delete_stack,
            "GetStackPolicy": self._get_stack_policy,
            "RollbackStack": self._rollback_stack,
            "SetStackPolicy": self._set_stack_policy,
            "SignalResource": self._signal_resource,
            "UpdateStack": self._update_stack,
            "UpdateTerminationProtection": self._update_termination_protection,
        }

    def _create_stack(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            name = checked_name(asked.get("StackName"))
            existing = stacks.find(name)
            if existing is not None:
                before = self._requests.repeated(stacks, existing, call)
                if before is not None:
                    return before
                raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists", 400)
            if sum(1 for _ in stacks.living()) >= _MOST_STACKS:
                raise AwsError("LimitExceededException", f"Limit for stack has been exceeded: {_MOST_STACKS}", 400)
            if asked.get("OnFailure") and asked.get("DisableRollback") is not None:
                raise AwsError(
                    "ValidationError", "You can specify either DisableRollback or OnFailure, but not both.", 400
                )
            self._requests.refuse_unknown(call)
            stack = self._requests.new_stack(call, name)
            self._set(call, stacks, stack, self._requests.template(call, None))
            stack.termination_protection = bool(asked.get("EnableTerminationProtection"))
            stack.timeout_minutes = asked.get("TimeoutInMinutes")
            stack.policy = self._requests.policy(call, "StackPolicyBody", "StackPolicyURL") or ""
            on_failure = asked.get("OnFailure") or ("DO_NOTHING" if asked.get("DisableRollback") else "ROLLBACK")
            stack.disable_rollback = on_failure == "DO_NOTHING"
            operation = self._requests.operation(
                call,
                "CREATE_STACK",
                on_failure=on_failure,
                retain_except_on_create=bool(asked.get("RetainExceptOnCreate")),
            )
            stacks.all[stack.id] = stack
            stack.begin(operation)
            self._engine.create(stacks, stack)
            answer = {"StackId": stack.id, "OperationId": operation.id}
            return self._requests.accepted(stacks, stack, call, answer)

    def _set(self, call: Call, stacks: Stacks, stack: Stack, template: Template) -> None:
        asked = call.parameters
        stack.template, stack.description = template, template.description
        stack.given = given_parameters(asked, {}, template)
        stack.tags, stack.notifications = tags_of(asked), notifications_of(asked)
        stack.capabilities = tuple(asked.get("Capabilities", ()))
        stack.role_arn = asked.get("RoleARN", "")
        stack.identity = self._requests.acting(call, stack.role_arn)
        check_capabilities(template, stack.capabilities)
        try:
            self._engine.work.check_types(template)
            stack.parameters, stack.resolved_from = parameter_values(
                stacks, stack, template, stack.given, self._requests.outside, stack.identity
            )
            self._engine.work.wanted(stacks, stack)
        except TemplateError as error:
            raise AwsError("ValidationError", str(error), 400) from None

    def _update_stack(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            stack = stacks.alive(asked.get("StackName", ""))
            before = self._requests.repeated(stacks, stack, call)
            if before is not None:
                return before
            self._requests.refuse_unknown(call)
            check_updatable(stack, disable_rollback=bool(asked.get("DisableRollback")))
            planned = self._planned(call, stacks, stack)
            during = self._requests.policy(call, "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL")
            policy = self._requests.policy(call, "StackPolicyBody", "StackPolicyURL")
            if not planned.changes and not differs(stack, planned):
                raise AwsError("ValidationError", "No updates are to be performed.", 400)
            operation = self._requests.operation(
                call,
                "UPDATE_STACK",
                on_failure="DO_NOTHING" if asked.get("DisableRollback") else "ROLLBACK",
                retain_except_on_create=bool(asked.get("RetainExceptOnCreate")),
                policy=stack.policy if during is None else during,
            )
            stack.remember()
            take(stack, planned)
            stack.disable_rollback = bool(asked.get("DisableRollback"))
            if policy is not None:
                stack.policy = policy
            stacks.changed_otherwise(stack)
            stack.begin(operation)
            self._engine.update(stacks, stack)
            answer = {"StackId": stack.id, "OperationId": operation.id}
            return self._requests.accepted(stacks, stack, call, answer)

    def _planned(self, call: Call, stacks: Stacks, stack: Stack) -> ChangeSet:
        """An update as a change set that nobody sees, to know whether anything changes."""
        template = self._requests.template(call, stack)
        planned = new_change_set(self._requests, call, stack, "update", "UPDATE", template)
        try:
            self._engine.work.check_types(template)
            planned.parameters, planned.resolved_from = parameter_values(
                stacks, stack, template, planned.given, self._requests.outside, planned.identity
            )
            planned.changes = list(planned_changes(stacks, stack, planned, self._schemas, self._requests.outside))
        except TemplateError as error:
            raise AwsError("ValidationError", str(error), 400) from None
        return planned

    def _delete_stack(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            stack = stacks.find(asked.get("StackName", ""))
            if stack is None or stack.status == "DELETE_COMPLETE":
                return {}
            before = self._requests.repeated(stacks, stack, call)
            if before is not None or stack.status == "DELETE_IN_PROGRESS":
                return {}
            root = stacks.all.get(stack.root_id, stack)
            if stack.termination_protection or (root.termination_protection and not call.identity.service):
                raise AwsError(
                    "ValidationError",
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled",
                    400,
                )
            retain = frozenset(asked.get("RetainResources", ()))
            force = asked.get("DeletionMode") == "FORCE_DELETE_STACK"
            _check_deletable(stack, retain, force=force)
            if asked.get("RoleARN"):
                stack.role_arn = asked["RoleARN"]
            stack.identity = self._requests.acting(call, stack.role_arn)
            stack.deletion_mode = asked.get("DeletionMode", "")
            for change_set in stacks.change_sets_of(stack):
                if not change_set.over:
                    del stacks.change_sets[change_set.id]
            stacks.executed(stack, succeeded=False)
            stack.begin(self._requests.operation(call, "DELETE_STACK", retain=retain, force=force))
            self._engine.delete(stacks, stack)
            return self._requests.accepted(stacks, stack, call, {})

    def _cancel_update_stack(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.alive(call.parameters.get("StackName", ""))
            before = self._requests.repeated(stacks, stack, call)
            if before is not None:
                return before
            if stack.status != "UPDATE_IN_PROGRESS":
                raise AwsError("ValidationError", "CancelUpdateStack cannot be called from current stack status", 400)
            stacks.executed(stack, succeeded=False)
            stack.begin(self._requests.operation(call, "ROLLBACK", retain_except_on_create=_deleting_new(stack)))
            self._engine.cancel_update(stacks, stack)
            return self._requests.accepted(stacks, stack, call, {})

    def _continue_update_rollback(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            stack = stacks.alive(asked.get("StackName", ""))
            before = self._requests.repeated(stacks, stack, call)
            if before is not None:
                return before
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise AwsError(
                    "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.", 400
                )
            skip = frozenset(asked.get("ResourcesToSkip", ()))
            inner = sorted(name for name in skip if "." in name)
            if inner:
                raise AwsError(
                    "ValidationError",
                    f"The emulator does not skip resources of nested stacks ({', '.join(inner)}) from their parent: "
                    "continue the rollback of the nested stack first, and then that of its parent",
                    400,
                )
            wrong = sorted(skip - stack.not_rolled_back)
            if wrong:
                raise AwsError(
                    "ValidationError",
                    f"Resources {wrong} cannot be skipped: only resources that are in UPDATE_FAILED because a "
                    "rollback failed can",
                    400,
                )
            self._act_as(call, stack)
            new = _deleting_new(stack)
            stack.begin(self._requests.operation(call, "CONTINUE_ROLLBACK", skip=skip, retain_except_on_create=new))
            self._engine.roll_back(stacks, stack)
            return self._requests.accepted(stacks, stack, call, {})

    def _rollback_stack(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            stack = stacks.alive(asked.get("StackName", ""))
            before = self._requests.repeated(stacks, stack, call)
            if before is not None:
                return before
            if stack.status not in PAUSED:
                raise AwsError(
                    "ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.", 400
                )
            self._requests.refuse_unknown(call)
            self._act_as(call, stack)
            operation = self._requests.operation(
                call, "ROLLBACK", retain_except_on_create=bool(asked.get("RetainExceptOnCreate"))
            )
            stack.begin(operation)
            self._engine.roll_back(stacks, stack)
            answer = {"StackId": stack.id, "OperationId": operation.id}
            return self._requests.accepted(stacks, stack, call, answer)

    def _act_as(self, call: Call, stack: Stack) -> None:
        stack.role_arn = call.parameters.get("RoleARN") or stack.role_arn
        stack.identity = self._requests.acting(call, stack.role_arn)

    def _update_termination_protection(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.alive(call.parameters["StackName"])
            if stack.parent_id:
                raise AwsError(
                    "ValidationError",
                    "Termination protection of a nested stack is that of its root stack, and can only be changed there",
                    400,
                )
            stack.termination_protection = bool(call.parameters["EnableTerminationProtection"])
            return {"StackId": stack.id}

    def _set_stack_policy(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.alive(call.parameters.get("StackName", ""))
            policy = self._requests.policy(call, "StackPolicyBody", "StackPolicyURL")
            if policy is None:
                raise AwsError("ValidationError", "Either StackPolicyURL or StackPolicyBody must be specified.", 400)
            stack.policy = policy
            return {}

    def _get_stack_policy(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.named(call.parameters.get("StackName", ""))
            return {"StackPolicyBody": stack.policy} if stack.policy else {}

    def _signal_resource(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            stack = stacks.alive(asked["StackName"])
            name, unique = asked["LogicalResourceId"], asked["UniqueId"]
            record = stack.resources.get(name)
            if record is None:
                raise AwsError("ValidationError", f"Resource {name} does not exist for stack {stack.name}", 400)
            if record.status != "CREATE_IN_PROGRESS":
                raise AwsError("ValidationError", f"Signal resource {name} is in {record.status} state", 400)
            told = stack.signals.setdefault(name, {})
            if told.get(unique, asked["Status"]) != asked["Status"]:
                raise AwsError("ValidationError", f"Signal with ID {unique} was already sent with another status", 400)
            told[unique] = asked["Status"]
            return {}


def check_updatable(stack: Stack, *, disable_rollback: bool) -> None:
    """Raises AwsError if a stack takes no update in its status."""
    if stack.status in PAUSED and not disable_rollback:
        raise AwsError(
            "ValidationError",
            f"This stack is currently in a non-terminal [{stack.status}] state. To update the stack from this state, "
            "please use the disable-rollback parameter with update-stack API. To rollback to the last known good "
            "state, use the rollback-stack API",
            400,
        )
    if stack.status not in UPDATABLE | PAUSED:
        raise AwsError("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.", 400)


def _deleting_new(stack: Stack) -> bool:
    """Whether the update that is rolled back asked for its new resources to be deleted whatever their policy."""
    return stack.operation is not None and stack.operation.retain_except_on_create


def _check_deletable(stack: Stack, retain: frozenset[str], *, force: bool) -> None:
    if stack.status in _NOT_DELETABLE:
        raise AwsError("ValidationError", f"Stack [{stack.id}] cannot be deleted while in status {stack.status}", 400)
    if (retain or force) and stack.status != "DELETE_FAILED":
        what = "RetainResources" if retain else "FORCE_DELETE_STACK"
        raise AwsError(
            "ValidationError",
            f"Invalid operation on stack [{stack.id}]. {what} is only for a stack in DELETE_FAILED state, and it is in "
            f"{stack.status}",
            400,
        )
    wrong = sorted(name for name in retain if name not in stack.resources)
    if wrong:
        raise AwsError("ValidationError", f"The stack has no resources {wrong} to retain", 400)


def new_change_set(requests: Requests, call: Call, stack: Stack, name: str, kind: str, template: Template) -> ChangeSet:
    """A change set as a request asks for it; what it does not say stays as it is. Raises AwsError."""
    asked = call.parameters
    capabilities = tuple(asked.get("Capabilities", ()))
    check_capabilities(template, capabilities)
    role_arn = asked.get("RoleARN") or stack.role_arn
    return ChangeSet(
        f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet/{name}/{requests.ids()}",
        name,
        stack.id,
        kind,
        requests.timeline.now(),
        template,
        given_parameters(asked, stack.given, template),
        {},
        {},
        tags_of(asked) if "Tags" in asked else dict(stack.tags),
        capabilities,
        notifications_of(asked) if "NotificationARNs" in asked else stack.notifications,
        role_arn,
        requests.acting(call, role_arn),
        asked.get("Description", ""),
        asked.get("ClientToken", ""),
        on_failure=asked.get("OnStackFailure", ""),
    )


def differs(stack: Stack, planned: ChangeSet) -> bool:
    """True if something changes besides resources: outputs, tags, policies, metadata. A stack whose last update failed
    has that to do again."""
    old, new = stack.template, planned.template
    if old is None or dict(stack.tags) != dict(planned.tags) or stack.status in PAUSED:
        return True
    return old.outputs != new.outputs or {
        name: (resource.deletion_policy, resource.update_replace_policy, resource.metadata)
        for name, resource in old.resources.items()
    } != {
        name: (resource.deletion_policy, resource.update_replace_policy, resource.metadata)
        for name, resource in new.resources.items()
    }


def take(stack: Stack, planned: ChangeSet) -> None:
    """The stack becomes what was planned, but for its resources."""
    stack.template, stack.description = planned.template, planned.template.description
    stack.given, stack.parameters, stack.resolved_from = planned.given, planned.parameters, planned.resolved_from
    stack.tags, stack.capabilities = planned.tags, planned.capabilities
    stack.notifications, stack.role_arn, stack.identity = planned.notifications, planned.role_arn, planned.identity

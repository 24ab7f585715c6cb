"""Change sets: planned, looked at, executed.

Source: CloudFormation API reference, CreateChangeSet, DescribeChangeSet, ExecuteChangeSet, DeleteChangeSet; User Guide,
"Update CloudFormation stacks using change sets".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloudformation.engine import Engine
from csoc.emulator.cloudformation.engine.work import internal_failure
from csoc.emulator.cloudformation.operations import answers
from csoc.emulator.cloudformation.operations.changing_stacks import check_updatable, differs, new_change_set, take
from csoc.emulator.cloudformation.operations.paging import page
from csoc.emulator.cloudformation.operations.requests import Requests, checked_name, digest
from csoc.emulator.cloudformation.planned_changes import planned_changes, without_values
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import parameter_values
from csoc.emulator.cloudformation.stack_records import ChangeSet, Stack, StackOperation, Stacks
from csoc.emulator.cloudformation.template.model import TemplateError

_PLANNING_SECONDS = 2.0
_MOST_CHANGE_SETS = 1000
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


class ChangeSetOperations:
    """CreateChangeSet to DeleteChangeSet. stacks_of: the stacks of a call's account and region."""

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
            "CreateChangeSet": self._create_change_set,
            "DeleteChangeSet": self._delete_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "ListChangeSets": self._list_change_sets,
        }

    def _create_change_set(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            kind = asked.get("ChangeSetType") or "UPDATE"
            _check_asked(call, kind)
            self._requests.refuse_unknown(call)
            name = checked_name(asked.get("ChangeSetName"), "changeSetName")
            stack = self._stack_of(call, stacks, kind)
            same = [found for found in stacks.change_sets_of(stack) if found.name == name and not found.over]
            if same:
                if same[0].token and same[0].token == asked.get("ClientToken"):
                    if same[0].digest != digest(asked):
                        raise AwsError(
                            "TokenAlreadyExistsException",
                            f"Token {same[0].token} already exists for another request",
                            400,
                        )
                    return {"Id": same[0].id, "StackId": stack.id}
                raise AwsError(
                    "AlreadyExistsException", f"ChangeSet {name} cannot be created since it already exists", 400
                )
            if len(stacks.change_sets_of(stack)) >= _MOST_CHANGE_SETS:
                raise AwsError("LimitExceededException", f"A stack has at most {_MOST_CHANGE_SETS} change sets", 400)
            template = self._requests.template(call, stack if stack.template else None)
            try:
                self._engine.work.check_types(template)
            except TemplateError as error:
                raise AwsError("ValidationError", str(error), 400) from None
            change_set = new_change_set(self._requests, call, stack, name, kind, template)
            change_set.digest = digest(asked)
            change_set.operation = StackOperation(
                self._requests.ids(), "CREATE_CHANGESET", change_set.created_at, asked.get("ClientToken", "")
            )
            if stack.id not in stacks.all:
                stacks.all[stack.id] = stack
                stack.tags, stack.description = {}, ""
                stack.identity = change_set.identity
                self._engine.note(stack, "REVIEW_IN_PROGRESS", "User Initiated")
            stacks.change_sets[change_set.id] = change_set
            self._requests.timeline.later(_PLANNING_SECONDS, lambda: self._plan(stacks, stack, change_set))
            return {"Id": change_set.id, "StackId": stack.id}

    def _stack_of(self, call: Call, stacks: Stacks, kind: str) -> Stack:
        name = call.parameters.get("StackName", "")
        existing = stacks.find(name)
        if kind == "UPDATE":
            stack = stacks.alive(name)
            # Whether a paused stack may go on is asked when the change set is executed.
            check_updatable(stack, disable_rollback=True)
            return stack
        if existing is None or existing.status == "DELETE_COMPLETE":
            return self._requests.new_stack(call, checked_name(name))
        if existing.status != "REVIEW_IN_PROGRESS":
            raise AwsError(
                "ValidationError",
                f"Stack [{existing.name}] already exists and cannot be created again with the changeSet "
                f"[{call.parameters.get('ChangeSetName')}].",
                400,
            )
        return existing

    def _plan(self, stacks: Stacks, stack: Stack, change_set: ChangeSet) -> None:
        with stacks.lock:
            if change_set.id not in stacks.change_sets or change_set.status != "CREATE_PENDING":
                return
            reason = ""
            try:
                change_set.parameters, change_set.resolved_from = parameter_values(
                    stacks, stack, change_set.template, change_set.given, self._requests.outside, change_set.identity
                )
                change_set.changes = list(
                    planned_changes(stacks, stack, change_set, self._schemas, self._requests.outside)
                )
            except TemplateError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - see internal_failure
                reason = str(internal_failure(stack, error))
            if not reason and not change_set.changes and not differs(stack, change_set):
                reason = NO_CHANGES
            operation = change_set.operation
            if operation is not None:
                operation.status = "FAILED" if reason else "SUCCEEDED"
                operation.ended_at = self._requests.timeline.now()
            if reason:
                change_set.status, change_set.reason = "FAILED", reason
            elif change_set.execution_status == "OBSOLETE":
                change_set.status = "CREATE_COMPLETE"
            else:
                change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"

    def _describe_change_set(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            found = self._named(stacks, call)
            stack = stacks.all[found.stack_id]
            told = (lambda change: change) if asked.get("IncludePropertyValues") else without_values
            changes, token = page(
                found.changes,
                asked.get("NextToken"),
                lambda change: str(change["ResourceChange"]["LogicalResourceId"]),
                told,
            )
            return {**answers.change_set(found, stack), "Changes": changes, **token}

    def _list_change_sets(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            stack = stacks.named(call.parameters["StackName"])
            found = [one for one in stacks.change_sets_of(stack) if not one.over]
            summaries, token = page(
                found,
                call.parameters.get("NextToken"),
                lambda one: str(one.id),
                lambda one: answers.change_set_summary(one, stack),
            )
            return {"Summaries": summaries, **token}

    def _delete_change_set(self, call: Call) -> Answer:
        stacks = self._stacks_of(call)
        with stacks.lock:
            try:
                found = self._named(stacks, call)
            except AwsError as error:
                if error.code == "ChangeSetNotFound" and call.parameters["ChangeSetName"].startswith("arn:"):
                    return {}
                raise
            if found.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS") or found.execution_status.endswith("PROGRESS"):
                raise AwsError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{found.id}] cannot be deleted in status {found.status}, {found.execution_status}",
                    400,
                )
            del stacks.change_sets[found.id]
            return {}

    def _execute_change_set(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            before = self._executed(stacks, call)
            if before is not None:
                return before
            found = self._named(stacks, call)
            stack = stacks.all[found.stack_id]
            before = self._requests.repeated(stacks, stack, call)
            if before is not None:
                return before
            if found.status != "CREATE_COMPLETE" or found.execution_status != "AVAILABLE":
                raise AwsError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{found.id}] cannot be executed in its current execution status of "
                    f"[{found.execution_status}]",
                    400,
                )
            if found.on_failure and asked.get("DisableRollback") is not None:
                raise AwsError(
                    "ValidationError",
                    "DisableRollback cannot be specified when OnStackFailure was specified for the change set",
                    400,
                )
            on_failure = found.on_failure or ("DO_NOTHING" if asked.get("DisableRollback") else "ROLLBACK")
            creating = stack.status == "REVIEW_IN_PROGRESS"
            if not creating:
                check_updatable(stack, disable_rollback=on_failure == "DO_NOTHING")
                stack.remember()
            take(stack, found)
            stack.identity = self._requests.acting(call, stack.role_arn)
            stack.change_set_id, stack.disable_rollback = found.id, on_failure == "DO_NOTHING"
            stack.begin(
                self._requests.operation(
                    call,
                    "CREATE_STACK" if creating else "UPDATE_STACK",
                    on_failure=on_failure,
                    retain_except_on_create=bool(asked.get("RetainExceptOnCreate")),
                    policy=stack.policy,
                )
            )
            found.execution_status = "EXECUTE_IN_PROGRESS"
            for other in stacks.change_sets_of(stack):
                if other is not found:
                    del stacks.change_sets[other.id]
            if creating:
                self._engine.create(stacks, stack)
            else:
                self._engine.update(stacks, stack)
            return self._requests.accepted(stacks, stack, call, {})

    def _executed(self, stacks: Stacks, call: Call) -> Answer | None:
        """The answer to the same request before, also after its change set is gone."""
        token = call.parameters.get("ClientRequestToken")
        wanted = (call.operation, digest(call.parameters))
        for (_, used), accepted in stacks.accepted.items():
            if token and used == token and (accepted.operation, accepted.digest) == wanted:
                return accepted.answer
        return None

    @staticmethod
    def _named(stacks: Stacks, call: Call) -> ChangeSet:
        name, stack_name = call.parameters.get("ChangeSetName", ""), call.parameters.get("StackName", "")
        return change_set_named(stacks, name, stack_name)


def change_set_named(stacks: Stacks, name: str, stack_name: str) -> ChangeSet:
    """A change set by its ARN, or by name and stack; one that can still be executed before one that was. Raises
    AwsError ChangeSetNotFound."""
    if name in stacks.change_sets:
        return stacks.change_sets[name]
    if not name.startswith("arn:"):
        if not stack_name:
            raise AwsError(
                "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.", 400
            )
        stack = stacks.named(stack_name)
        found = [one for one in stacks.change_sets_of(stack) if one.name == name]
        if found:
            return next((one for one in found if not one.over), found[-1])
    raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def _check_asked(call: Call, kind: str) -> None:
    asked = call.parameters
    if kind == "IMPORT":
        raise AwsError("ValidationError", "The emulator does not offer change sets of type IMPORT", 400)
    if kind not in ("CREATE", "UPDATE"):
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{kind}' at 'changeSetType' failed to satisfy constraint: Member must "
            "satisfy enum value set: [IMPORT, UPDATE, CREATE]",
            400,
        )
    if asked.get("IncludeNestedStacks"):
        raise AwsError("ValidationError", "The emulator does not offer IncludeNestedStacks", 400)
    if asked.get("OnStackFailure") == "DELETE" and kind != "CREATE":
        raise AwsError("ValidationError", "OnStackFailure DELETE is only valid for ChangeSetType CREATE", 400)

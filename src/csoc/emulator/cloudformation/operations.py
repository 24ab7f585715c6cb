"""The API of CloudFormation: what a request must hold, what may be asked of a stack in which status, what is answered.

Source of rules and messages: CloudFormation API reference, and the messages that AWS gives, as they are quoted in its
troubleshooting pages.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.calls import Answer, AwsError, Call, Identity, Operation
from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloudformation.changesets import planned_changes
from csoc.emulator.cloudformation.engine import Engine
from csoc.emulator.cloudformation.policies import HIDDEN, policy_problem
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import Outside, parameter_values
from csoc.emulator.cloudformation.stacks import UPDATABLE, ChangeSet, Stack, Stacks
from csoc.emulator.cloudformation.template.model import Template, TemplateError, capabilities_needed
from csoc.emulator.cloudformation.template.reading import read_template
from csoc.emulator.timeline import Timeline

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_LARGEST_BODY_BYTES = 51_200
_LARGEST_URL_BYTES = 1_048_576
_PAGE = 100


class CloudFormation:
    """Operations of CloudFormation. handlers make resources; see Engine."""

    name = "cloudformation"

    def __init__(
        self,
        engine: Engine,
        timeline: Timeline,
        inside: InsideClients,
        schemas: Schemas,
        outside: Outside,
        ids: Callable[[], str],
    ) -> None:
        self._engine = engine
        self._timeline = timeline
        self._inside = inside
        self._schemas = schemas
        self._outside = outside
        self._ids = ids
        self._stacks: dict[tuple[str, str], Stacks] = {}
        self._lock = threading.Lock()

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "CreateChangeSet": self._create_change_set,
            "CreateStack": self._create_stack,
            "DeleteChangeSet": self._delete_change_set,
            "DeleteStack": self._delete_stack,
            "DescribeChangeSet": self._describe_change_set,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResources": self._describe_stack_resources,
            "DescribeStacks": self._describe_stacks,
            "ExecuteChangeSet": self._execute_change_set,
            "GetTemplate": self._get_template,
            "ListChangeSets": self._list_change_sets,
            "ListStackResources": self._list_stack_resources,
            "ListStacks": self._list_stacks,
            "UpdateStack": self._update_stack,
            "UpdateTerminationProtection": self._update_termination_protection,
        }

    def stacks(self, account: str, region: str) -> Stacks:
        """The stacks of an account in a region."""
        with self._lock:
            return self._stacks.setdefault((account, region), Stacks(account, region))

    # Stacks

    def _create_stack(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        asked = call.parameters
        with stacks.lock:
            name = _checked_name(asked)
            existing = stacks.find(name)
            if existing is not None:
                if existing.token and existing.token == asked.get("ClientRequestToken"):
                    return {"StackId": existing.id}
                raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists", 400)
            stack = self._new_stack(call, stacks, name)
            self._set(call, stack, self._template(call, None))
            stack.termination_protection = bool(asked.get("EnableTerminationProtection"))
            stack.timeout_minutes = asked.get("TimeoutInMinutes")
            stack.disable_rollback = bool(asked.get("DisableRollback"))
            stack.policy = self._policy(call, "StackPolicyBody", "StackPolicyURL") or ""
            on_failure = asked.get("OnFailure") or ("DO_NOTHING" if stack.disable_rollback else "ROLLBACK")
            stacks.all[stack.id] = stack
            self._engine.create(stacks, stack, on_failure)
            return {"StackId": stack.id}

    def _update_stack(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            stack = stacks.named(call.parameters.get("StackName", ""))
            if stack.token and stack.busy and stack.token == call.parameters.get("ClientRequestToken"):
                return {"StackId": stack.id}
            _updatable(stack)
            template = self._template(call, stack)
            planned = self._planned(call, stacks, stack, template)
            if not planned.changes and not _differs(stack, planned):
                raise AwsError("ValidationError", "No updates are to be performed.", 400)
            stack.remember()
            self._take(stack, planned)
            stack.disable_rollback = bool(call.parameters.get("DisableRollback"))
            stack.token = call.parameters.get("ClientRequestToken", "")
            self._engine.update(stacks, stack)
            return {"StackId": stack.id}

    def _delete_stack(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        asked = call.parameters
        with stacks.lock:
            stack = stacks.find(asked.get("StackName", ""))
            if stack is None or stack.status == "DELETE_COMPLETE":
                return {}
            if stack.termination_protection:
                raise AwsError(
                    "ValidationError",
                    f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled",
                    400,
                )
            if stack.status == "DELETE_IN_PROGRESS":
                return {}
            retain = frozenset(asked.get("RetainResources", ()))
            if retain and stack.status != "DELETE_FAILED":
                raise AwsError(
                    "ValidationError",
                    f"Invalid operation on stack [{stack.id}]. RetainResources is only for a stack in DELETE_FAILED",
                    400,
                )
            if stack.busy and stack.status.startswith("UPDATE"):
                raise AwsError(
                    "ValidationError", f"Stack [{stack.id}] cannot be deleted while in status {stack.status}", 400
                )
            stack.identity = self._acting(call, stack.role_arn)
            stack.token = asked.get("ClientRequestToken", "")
            for change_set in [found for found in stacks.change_sets.values() if found.stack_id == stack.id]:
                del stacks.change_sets[change_set.id]
            self._engine.delete(stacks, stack, retain, force=asked.get("DeletionMode") == "FORCE_DELETE_STACK")
            return {}

    def _update_termination_protection(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            stack = stacks.named(call.parameters["StackName"])
            stack.termination_protection = bool(call.parameters["EnableTerminationProtection"])
            return {"StackId": stack.id}

    def _describe_stacks(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            name = call.parameters.get("StackName")
            found = [stacks.named(name)] if name else list(stacks.living())
            page, token = _page(found, call.parameters.get("NextToken"))
            return {"Stacks": [_described(stack) for stack in page], **token}

    def _list_stacks(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            wanted = set(call.parameters.get("StackStatusFilter", ()))
            found = [stack for stack in stacks.all.values() if not wanted or stack.status in wanted]
            page, token = _page(found, call.parameters.get("NextToken"))
            return {"StackSummaries": [_summary(stack) for stack in page], **token}

    def _describe_stack_events(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            stack = stacks.named(call.parameters.get("StackName", ""))
            page, token = _page(list(reversed(stack.events)), call.parameters.get("NextToken"))
            return {
                "StackEvents": [
                    {
                        "EventId": event.id,
                        "StackId": stack.id,
                        "StackName": stack.name,
                        "LogicalResourceId": event.logical_id,
                        "PhysicalResourceId": event.physical_id,
                        "ResourceType": event.type,
                        "Timestamp": event.at,
                        "ResourceStatus": event.status,
                        **({"ResourceStatusReason": event.reason} if event.reason else {}),
                        **({"ResourceProperties": event.properties} if event.properties else {}),
                        **({"ClientRequestToken": event.token} if event.token else {}),
                    }
                    for event in page
                ],
                **token,
            }

    def _list_stack_resources(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            stack = stacks.named(call.parameters["StackName"])
            page, token = _page(list(stack.resources.values()), call.parameters.get("NextToken"))
            return {
                "StackResourceSummaries": [
                    {
                        "LogicalResourceId": record.logical_id,
                        "PhysicalResourceId": record.physical_id,
                        "ResourceType": record.type,
                        "LastUpdatedTimestamp": record.updated_at,
                        "ResourceStatus": record.status,
                        **({"ResourceStatusReason": record.reason} if record.reason else {}),
                        "DriftInformation": {"StackResourceDriftStatus": record.drift_status},
                    }
                    for record in page
                ],
                **token,
            }

    def _describe_stack_resources(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            stack = stacks.named(call.parameters.get("StackName", ""))
            wanted = call.parameters.get("LogicalResourceId")
            found = [record for name, record in stack.resources.items() if wanted in (None, name)]
            return {
                "StackResources": [
                    {
                        "StackName": stack.name,
                        "StackId": stack.id,
                        "LogicalResourceId": record.logical_id,
                        "PhysicalResourceId": record.physical_id,
                        "ResourceType": record.type,
                        "Timestamp": record.updated_at,
                        "ResourceStatus": record.status,
                        **({"ResourceStatusReason": record.reason} if record.reason else {}),
                        "DriftInformation": {"StackResourceDriftStatus": record.drift_status},
                    }
                    for record in found
                ]
            }

    def _get_template(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            if call.parameters.get("ChangeSetName"):
                template: Template | None = self._named_change_set(stacks, call).template
            else:
                template = stacks.named(call.parameters.get("StackName", "")).template
            return {"TemplateBody": template.text if template else "", "StagesAvailable": ["Original", "Processed"]}

    # Change sets

    def _create_change_set(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        asked = call.parameters
        with stacks.lock:
            kind = asked.get("ChangeSetType") or "UPDATE"
            if kind not in ("CREATE", "UPDATE"):
                raise AwsError("ValidationError", f"The emulator offers no change sets of type {kind}", 400)
            name = asked.get("ChangeSetName", "")
            if not _NAME.fullmatch(name):
                raise AwsError(
                    "ValidationError", f"1 validation error detected: Value '{name}' at 'changeSetName'", 400
                )
            stack = self._stack_of_change_set(call, stacks, kind)
            same = [found for found in stacks.change_sets.values() if (found.stack_id, found.name) == (stack.id, name)]
            if same:
                if same[0].token and same[0].token == asked.get("ClientToken"):
                    return {"Id": same[0].id, "StackId": stack.id}
                raise AwsError(
                    "AlreadyExistsException", f"ChangeSet {name} cannot be created since it already exists", 400
                )
            template = self._template(call, stack if stack.template else None)
            if stack.id not in stacks.all:
                stacks.all[stack.id] = stack
                self._engine.note(stack, "REVIEW_IN_PROGRESS", "User Initiated")
            change_set = self._new_change_set(call, stack, name, kind, template)
            stacks.change_sets[change_set.id] = change_set
            self._timeline.later(2, lambda: self._plan(stacks, stack, change_set))
            return {"Id": change_set.id, "StackId": stack.id}

    def _plan(self, stacks: Stacks, stack: Stack, change_set: ChangeSet) -> None:
        with stacks.lock:
            if change_set.id not in stacks.change_sets:
                return
            try:
                change_set.parameters, change_set.resolved_from = parameter_values(
                    change_set.template, change_set.given, self._outside, change_set.identity, stacks.region
                )
                change_set.changes = list(planned_changes(stacks, stack, change_set, self._schemas, self._outside))
            except TemplateError as error:
                change_set.status, change_set.reason = "FAILED", str(error)
                return
            if not change_set.changes and change_set.type == "UPDATE" and not _differs(stack, change_set):
                change_set.status = "FAILED"
                change_set.reason = (
                    "The submitted information didn't contain changes. "
                    "Submit different information to create a change set."
                )
                return
            change_set.status, change_set.execution_status = "CREATE_COMPLETE", "AVAILABLE"

    def _describe_change_set(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            found = self._named_change_set(stacks, call)
            stack = stacks.all[found.stack_id]
            changes = found.changes
            if not call.parameters.get("IncludePropertyValues"):
                changes = [_without_values(change) for change in changes]
            page, token = _page(changes, call.parameters.get("NextToken"))
            return {
                **_change_set_summary(found, stack),
                "Parameters": _parameters(found.template, found.given, found.resolved_from),
                "Capabilities": list(found.capabilities),
                "Tags": [{"Key": key, "Value": value} for key, value in found.tags.items()],
                "NotificationARNs": list(found.notifications),
                "Changes": page,
                **token,
            }

    def _list_change_sets(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            stack = stacks.named(call.parameters["StackName"])
            found = [one for one in stacks.change_sets.values() if one.stack_id == stack.id]
            page, token = _page(found, call.parameters.get("NextToken"))
            return {"Summaries": [_change_set_summary(one, stack) for one in page], **token}

    def _delete_change_set(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        with stacks.lock:
            try:
                found = self._named_change_set(stacks, call)
            except AwsError as error:
                if error.code == "ChangeSetNotFound" and call.parameters["ChangeSetName"].startswith("arn:"):
                    return {}
                raise
            if found.status in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                raise AwsError(
                    "InvalidChangeSetStatus", f"ChangeSet [{found.id}] cannot be deleted in status {found.status}", 400
                )
            del stacks.change_sets[found.id]
            return {}

    def _execute_change_set(self, call: Call) -> Answer:
        stacks = self.stacks(call.account, call.region)
        token = call.parameters.get("ClientRequestToken", "")
        with stacks.lock:
            try:
                found = self._named_change_set(stacks, call)
            except AwsError:
                done = [stack for stack in stacks.living() if token and stack.token == token]
                if done:
                    return {}
                raise
            stack = stacks.all[found.stack_id]
            if found.execution_status != "AVAILABLE":
                if token and stack.token == token:
                    return {}
                raise AwsError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{found.id}] cannot be executed in its current execution status of "
                    f"[{found.execution_status}]",
                    400,
                )
            creating = stack.status == "REVIEW_IN_PROGRESS"
            if not creating:
                _updatable(stack)
                stack.remember()
            self._take(stack, found)
            stack.identity, stack.token = self._acting(call, stack.role_arn), token
            stack.change_set_id = found.id
            stack.disable_rollback = bool(call.parameters.get("DisableRollback"))
            found.execution_status = "EXECUTE_COMPLETE"
            for other in [one for one in stacks.change_sets.values() if one.stack_id == stack.id and one is not found]:
                del stacks.change_sets[other.id]
            if creating:
                default = "DO_NOTHING" if stack.disable_rollback else "ROLLBACK"
                self._engine.create(stacks, stack, found.on_failure or default)
            else:
                self._engine.update(stacks, stack)
            return {}

    # What they share

    def _new_stack(self, call: Call, stacks: Stacks, name: str) -> Stack:
        arn = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{self._ids()}"
        return Stack(arn, name, call.account, stacks.region, "CREATE_IN_PROGRESS", self._timeline.now())

    def _set(self, call: Call, stack: Stack, template: Template) -> None:
        asked = call.parameters
        stack.template, stack.description = template, template.description
        stack.given = _given(asked, {}, template)
        stack.tags = _tags(asked)
        stack.capabilities = tuple(asked.get("Capabilities", ()))
        stack.notifications = tuple(asked.get("NotificationARNs", ()))
        stack.role_arn = asked.get("RoleARN", "")
        stack.identity = self._acting(call, stack.role_arn)
        stack.token = asked.get("ClientRequestToken", "")
        _capable(template, stack.capabilities)
        try:
            stack.parameters, stack.resolved_from = parameter_values(
                template, stack.given, self._outside, stack.identity, stack.region
            )
        except TemplateError as error:
            raise AwsError("ValidationError", str(error), 400) from None

    def _planned(self, call: Call, stacks: Stacks, stack: Stack, template: Template) -> ChangeSet:
        """An update as a change set that nobody sees, to know whether anything changes."""
        change_set = self._new_change_set(call, stack, "update", "UPDATE", template)
        try:
            change_set.parameters, change_set.resolved_from = parameter_values(
                template, change_set.given, self._outside, change_set.identity, stacks.region
            )
            change_set.changes = list(planned_changes(stacks, stack, change_set, self._schemas, self._outside))
        except TemplateError as error:
            raise AwsError("ValidationError", str(error), 400) from None
        return change_set

    def _new_change_set(self, call: Call, stack: Stack, name: str, kind: str, template: Template) -> ChangeSet:
        asked = call.parameters
        capabilities = tuple(asked.get("Capabilities", ()))
        _capable(template, capabilities)
        role_arn = asked.get("RoleARN") or stack.role_arn
        return ChangeSet(
            f"arn:aws:cloudformation:{call.region}:{call.account}:changeSet/{name}/{self._ids()}",
            name,
            stack.id,
            kind,
            self._timeline.now(),
            template,
            _given(asked, stack.given, template),
            {},
            {},
            _tags(asked) if "Tags" in asked else dict(stack.tags),
            capabilities,
            tuple(asked.get("NotificationARNs", stack.notifications)),
            role_arn,
            self._acting(call, role_arn),
            asked.get("Description", ""),
            asked.get("ClientToken", ""),
            asked.get("OnStackFailure", ""),
        )

    def _stack_of_change_set(self, call: Call, stacks: Stacks, kind: str) -> Stack:
        name = call.parameters.get("StackName", "")
        existing = stacks.find(name)
        if kind == "UPDATE":
            stack = stacks.named(name)
            _updatable(stack)
            return stack
        if existing is None or existing.status == "DELETE_COMPLETE":
            return self._new_stack(call, stacks, _checked_name(call.parameters))
        if existing.status != "REVIEW_IN_PROGRESS":
            raise AwsError(
                "ValidationError",
                f"Stack [{existing.name}] already exists and cannot be created again with the changeSet "
                f"[{call.parameters.get('ChangeSetName')}].",
                400,
            )
        return existing

    @staticmethod
    def _take(stack: Stack, planned: ChangeSet) -> None:
        stack.template, stack.description = planned.template, planned.template.description
        stack.given, stack.parameters, stack.resolved_from = planned.given, planned.parameters, planned.resolved_from
        stack.tags, stack.capabilities = planned.tags, planned.capabilities
        stack.notifications, stack.role_arn, stack.identity = planned.notifications, planned.role_arn, planned.identity

    def _template(self, call: Call, stack: Stack | None) -> Template:
        asked = call.parameters
        if asked.get("UsePreviousTemplate"):
            if stack is None or stack.template is None:
                raise AwsError("ValidationError", "UsePreviousTemplate: there is no template yet", 400)
            return stack.template
        if ("TemplateBody" in asked) == ("TemplateURL" in asked):
            raise AwsError("ValidationError", "Either Template URL or Template Body must be specified.", 400)
        text = asked.get("TemplateBody")
        if text is None:
            text = self._fetched(call, asked["TemplateURL"])
        elif len(text.encode()) > _LARGEST_BODY_BYTES:
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_LARGEST_BODY_BYTES}",
                400,
            )
        try:
            return read_template(text)
        except TemplateError as error:
            raise AwsError("ValidationError", str(error), 400) from None

    def _fetched(self, call: Call, address: str) -> str:
        """A template in S3, read in the caller's name. Addresses of both styles, or of this endpoint."""
        match = re.search(
            r"^https?://(?:(?P<host>[a-z0-9.-]+)\.s3[.-][^/]*/|[^/]+/(?P<bucket>[a-z0-9.-]+)/)(?P<key>[^?]+)", address
        )
        if match is None:
            raise AwsError("ValidationError", f"TemplateURL must be a supported URL: {address}", 400)
        self._inside.act_as(call.identity, "cloudformation.amazonaws.com")
        client = self._inside.client("s3", call.region)
        try:
            body = client.get_object(Bucket=match["host"] or match["bucket"], Key=match["key"])["Body"].read()
        except client.exceptions.ClientError as error:
            raise AwsError(
                "ValidationError", f"S3 error: {error.response['Error'].get('Message', error)}", 400
            ) from None
        if len(body) > _LARGEST_URL_BYTES:
            raise AwsError("ValidationError", "Template may not exceed 1000000 bytes in size.", 400)
        return str(body.decode("utf-8", "replace"))

    def _policy(self, call: Call, body: str, address: str) -> str | None:
        text = call.parameters.get(body)
        if text is None and call.parameters.get(address):
            text = self._fetched(call, call.parameters[address])
        if text is not None:
            problem = policy_problem(text)
            if problem:
                raise AwsError("ValidationError", problem, 400)
        return text

    def _acting(self, call: Call, role_arn: str) -> Identity:
        """In whose name resources are made: the service role's, if there is one, else the caller's."""
        if not role_arn:
            return call.identity
        found = moto_accounts.role(call.account, role_arn)
        if found is None:
            raise AwsError("ValidationError", f"Role {role_arn} is invalid or cannot be assumed", 400)
        session = f"arn:aws:sts::{call.account}:assumed-role/{found.name}/AWSCloudFormation"
        return Identity(call.account, session, found.arn, f"{found.id}:AWSCloudFormation")

    @staticmethod
    def _named_change_set(stacks: Stacks, call: Call) -> ChangeSet:
        name, stack_name = call.parameters.get("ChangeSetName", ""), call.parameters.get("StackName", "")
        if name in stacks.change_sets:
            return stacks.change_sets[name]
        if not name.startswith("arn:"):
            if not stack_name:
                raise AwsError(
                    "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN.", 400
                )
            stack = stacks.named(stack_name)
            for found in stacks.change_sets.values():
                if (found.stack_id, found.name) == (stack.id, name):
                    return found
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def _checked_name(asked: Mapping[str, Any]) -> str:
    name = str(asked.get("StackName", ""))
    if not _NAME.fullmatch(name):
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            400,
        )
    return name


def _updatable(stack: Stack) -> None:
    if stack.status not in UPDATABLE:
        raise AwsError("ValidationError", f"Stack:{stack.id} is in {stack.status} state and can not be updated.", 400)


def _capable(template: Template, given: tuple[str, ...]) -> None:
    needed = capabilities_needed(template)
    if needed and not (set(needed) & set(given) or "CAPABILITY_NAMED_IAM" in given):
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(needed)}]", 400)


def _differs(stack: Stack, planned: ChangeSet) -> bool:
    """True if something changes besides resources: outputs, tags, policies, metadata."""
    old, new = stack.template, planned.template
    if old is None or dict(stack.tags) != dict(planned.tags):
        return True
    return old.outputs != new.outputs or {
        name: (resource.deletion_policy, resource.update_replace_policy, resource.metadata)
        for name, resource in old.resources.items()
    } != {
        name: (resource.deletion_policy, resource.update_replace_policy, resource.metadata)
        for name, resource in new.resources.items()
    }


def _given(asked: Mapping[str, Any], before: Mapping[str, str], template: Template) -> dict[str, str]:
    found = {}
    for item in asked.get("Parameters", ()):
        key = item.get("ParameterKey", "")
        if item.get("UsePreviousValue"):
            if key not in before and key not in template.parameters:
                raise AwsError(
                    "ValidationError", f"Invalid input for parameter key {key}. There is no previous value", 400
                )
            if key in before:
                found[key] = before[key]
        else:
            found[key] = item.get("ParameterValue", "")
    return found


def _tags(asked: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}


def _page(found: list[Any], token: str | None) -> tuple[list[Any], dict[str, str]]:
    start = int(token) if token and token.isdecimal() else 0
    rest = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(found) else {}
    return found[start : start + _PAGE], rest


def _parameters(
    template: Template | None, given: Mapping[str, str], resolved: Mapping[str, str]
) -> list[dict[str, str]]:
    if template is None:
        return []
    found = []
    for parameter in template.parameters.values():
        value = given.get(parameter.name, parameter.default or "")
        shown = {"ParameterKey": parameter.name, "ParameterValue": HIDDEN if parameter.no_echo else value}
        if parameter.name in resolved:
            shown["ResolvedValue"] = resolved[parameter.name]
        found.append(shown)
    return found


def _described(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": stack.created_at,
        "StackStatus": stack.status,
        "DisableRollback": stack.disable_rollback,
        "EnableTerminationProtection": stack.termination_protection,
        "Parameters": _parameters(stack.template, stack.given, stack.resolved_from),
        "Outputs": stack.outputs,
        "Capabilities": list(stack.capabilities),
        "NotificationARNs": list(stack.notifications),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "DriftInformation": {"StackDriftStatus": stack.drift_status},
        "RollbackConfiguration": {},
    }
    optional = {
        "Description": stack.description,
        "StackStatusReason": stack.reason,
        "LastUpdatedTime": stack.updated_at,
        "DeletionTime": stack.deleted_at,
        "RoleARN": stack.role_arn,
        "ChangeSetId": stack.change_set_id,
        "TimeoutInMinutes": stack.timeout_minutes,
    }
    return found | {name: value for name, value in optional.items() if value}


def _summary(stack: Stack) -> dict[str, Any]:
    kept = (
        "StackId",
        "StackName",
        "CreationTime",
        "StackStatus",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatusReason",
    )
    described = _described(stack)
    summary = {name: described[name] for name in kept if name in described}
    if stack.template is not None:
        summary["TemplateDescription"] = stack.template.description
    return summary | {"DriftInformation": described["DriftInformation"]}


def _change_set_summary(found: ChangeSet, stack: Stack) -> dict[str, Any]:
    summary = {
        "ChangeSetId": found.id,
        "ChangeSetName": found.name,
        "StackId": found.stack_id,
        "StackName": stack.name,
        "CreationTime": found.created_at,
        "Status": found.status,
        "ExecutionStatus": found.execution_status,
    }
    optional = {"StatusReason": found.reason, "Description": found.description}
    return summary | {name: value for name, value in optional.items() if value}


def _without_values(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change as it is told without IncludePropertyValues."""
    inner = {
        key: value for key, value in change["ResourceChange"].items() if key not in ("BeforeContext", "AfterContext")
    }
    inner["Details"] = [
        {
            **detail,
            "Target": {
                key: value
                for key, value in detail["Target"].items()
                if key not in ("BeforeValue", "AfterValue", "Path", "AttributeChangeType")
            },
        }
        for detail in inner["Details"]
    ]
    return json.loads(json.dumps({**change, "ResourceChange": inner})) if inner else dict(change)

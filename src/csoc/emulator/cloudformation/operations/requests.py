"""What requests have in common: the template they bring, their parameters, in whose name they act, their token.

Source of rules and messages: CloudFormation API reference, and the messages that AWS gives, as they are quoted in its
troubleshooting pages.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.calls import Answer, AwsError, Call, Identity
from csoc.emulator.cloudformation.outside import SERVICE, Acting, Outside
from csoc.emulator.cloudformation.stack_policies import policy_problem
from csoc.emulator.cloudformation.stack_records import Accepted, Stack, StackOperation, Stacks
from csoc.emulator.cloudformation.template.model import Template, TemplateError, capabilities_needed
from csoc.emulator.cloudformation.template.reading import read_template
from csoc.emulator.iam.documents import parse_policy
from csoc.emulator.iam.evaluation import Question, Rights, decide
from csoc.emulator.timeline import Timeline

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_TOKEN = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}")
_LARGEST_BODY_BYTES = 51_200
_LARGEST_URL_BYTES = 1_048_576
_MOST_TAGS, _MOST_NOTIFICATIONS = 50, 5
_LONGEST_TAG_KEY, _LONGEST_TAG_VALUE = 128, 256
_REFUSED = {
    "ResourceTypes": "restricts which types a template may have",
    "DeploymentConfig": "is a way to deploy that it does not know",
    "DeploymentMode": "is a way to plan that it does not know",
    "ImportExistingResources": "imports resources",
    "ResourcesToImport": "imports resources",
}


class Requests:
    """Reads requests. acting: clients for templates in S3."""

    def __init__(self, timeline: Timeline, acting: Acting, outside: Outside, ids: Callable[[], str]) -> None:
        self.timeline = timeline
        self.outside = outside
        self.ids = ids
        self._acting = acting

    # Repeated requests

    def repeated(self, stacks: Stacks, stack: Stack, call: Call) -> Answer | None:
        """The answer that was given to the same request before; None if it is a new one. Raises AwsError
        TokenAlreadyExistsException if its token stood for another request on the stack."""
        token = _token(call)
        before = stacks.accepted.get((stack.id, token)) if token else None
        if before is None:
            return None
        if (before.operation, before.digest) != (call.operation, digest(call.parameters)):
            raise AwsError("TokenAlreadyExistsException", f"Token {token} already exists for another request", 400)
        return before.answer

    @staticmethod
    def accepted(stacks: Stacks, stack: Stack, call: Call, answer: Answer) -> Answer:
        """Remembers a request by its token, with its answer, which it returns."""
        token = _token(call)
        if token:
            stacks.accepted[stack.id, token] = Accepted(call.operation, digest(call.parameters), dict(answer))
        return answer

    def operation(self, call: Call, kind: str, **more: Any) -> StackOperation:
        """What a request asks of a stack, as the stack keeps it."""
        return StackOperation(self.ids(), kind, self.timeline.now(), _token(call), **more)

    # What a request brings

    @staticmethod
    def refuse_unknown(call: Call) -> None:
        """Raises AwsError for members that the emulator does not act on."""
        for name, why in _REFUSED.items():
            if call.parameters.get(name):
                raise AwsError("ValidationError", f"The emulator does not offer {name}, which {why}", 400)
        triggers = call.parameters.get("RollbackConfiguration") or {}
        if triggers.get("RollbackTriggers") or triggers.get("MonitoringTimeInMinutes"):
            raise AwsError("ValidationError", "The emulator watches no alarms: leave RollbackConfiguration out", 400)

    def new_stack(self, call: Call, name: str) -> Stack:
        arn = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{self.ids()}"
        return Stack(arn, name, call.account, call.region, "CREATE_IN_PROGRESS", self.timeline.now())

    def template(self, call: Call, stack: Stack | None) -> Template:
        """The template of a request. Raises AwsError."""
        asked = call.parameters
        if asked.get("UsePreviousTemplate"):
            if asked.get("TemplateBody") or asked.get("TemplateURL"):
                raise AwsError("ValidationError", "You cannot specify both usePreviousTemplate and a template.", 400)
            if stack is None or stack.template is None:
                raise AwsError("ValidationError", "There is no previous template to use.", 400)
            return stack.template
        text = self.text(call, "TemplateBody", "TemplateURL")
        if text is None:
            raise AwsError("ValidationError", "Either Template URL or Template Body must be specified.", 400)
        try:
            return read_template(text)
        except TemplateError as error:
            raise AwsError("ValidationError", str(error), 400) from None

    def text(self, call: Call, body: str, address: str) -> str | None:
        """A text that is given in the request or by its address in S3; None if it is not given. Raises AwsError."""
        asked = call.parameters
        if asked.get(body) is not None and asked.get(address) is not None:
            raise AwsError("ValidationError", f"Specify either {body} or {address}, but not both.", 400)
        text: str | None = asked.get(body)
        if text is None:
            return self._fetched(call, asked[address]) if asked.get(address) else None
        if len(text.encode()) > _LARGEST_BODY_BYTES:
            member = body[0].lower() + body[1:]
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {_LARGEST_BODY_BYTES}",
                400,
            )
        return text

    def _fetched(self, call: Call, address: str) -> str:
        """A text in S3, read in the caller's name. Addresses of both styles, or of this endpoint."""
        match = re.search(
            r"^https?://(?:(?P<host>[a-z0-9.-]+)\.s3[.-][^/]*/|[^/]+/(?P<bucket>[a-z0-9.-]+)/)(?P<key>[^?]+)", address
        )
        if match is None:
            raise AwsError("ValidationError", "TemplateURL must be a supported URL.", 400)
        self._acting.act_as(call.identity, SERVICE)
        client = self._acting.client("s3", call.region)
        try:
            found = client.get_object(Bucket=match["host"] or match["bucket"], Key=match["key"])
        except client.exceptions.ClientError as error:
            message = error.response["Error"].get("Message", error)
            raise AwsError("ValidationError", f"S3 error: {message}", 400) from None
        body = found["Body"].read(_LARGEST_URL_BYTES + 1)
        if len(body) > _LARGEST_URL_BYTES:
            raise AwsError("ValidationError", f"Template may not exceed {_LARGEST_URL_BYTES} bytes in size.", 400)
        return str(body.decode("utf-8", "replace"))

    def policy(self, call: Call, body: str, address: str) -> str | None:
        """A stack policy of a request; None if it has none. Raises AwsError."""
        text = self.text(call, body, address)
        problem = policy_problem(text) if text is not None else ""
        if problem:
            raise AwsError("ValidationError", problem, 400)
        return text

    @staticmethod
    def acting(call: Call, role_arn: str) -> Identity:
        """In whose name resources are made: the service role's, if there is one, else the caller's. Raises AwsError
        for a role that CloudFormation cannot assume."""
        if not role_arn:
            return call.identity
        found = moto_accounts.role(call.account, role_arn)
        if found is None or not _trusts_cloudformation(call.account, found.arn, found.trust):
            raise AwsError("ValidationError", f"Role {role_arn} is invalid or cannot be assumed", 400)
        session = f"arn:aws:sts::{call.account}:assumed-role/{found.name}/AWSCloudFormation"
        return Identity(call.account, session, found.arn, f"{found.id}:AWSCloudFormation")


def _token(call: Call) -> str:
    token = str(call.parameters.get("ClientRequestToken", ""))
    if token and not _TOKEN.fullmatch(token):
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9][-a-zA-Z0-9]*",
            400,
        )
    return token


def digest(parameters: Mapping[str, Any]) -> str:
    """Names the parameters of a request, so that a repeated one is known."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode()).hexdigest()


def _trusts_cloudformation(account: str, arn: str, trust: Mapping[str, Any] | None) -> bool:
    """True if a role's trust policy lets CloudFormation of its own account assume it."""
    if trust is None:
        return False
    context = {"aws:sourceaccount": account}
    question = Question(
        "", "sts:AssumeRole", (arn,), account, {"Service": frozenset({SERVICE})}, context, frozenset(context)
    )
    return decide(question, Rights(), {arn: parse_policy(trust)}).allowed


def checked_name(name: Any, member: str = "stackName") -> str:
    """A name of a new stack or change set. Raises AwsError."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise AwsError(
            "ValidationError",
            f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
            400,
        )
    return name


def check_capabilities(template: Template, given: tuple[str, ...]) -> None:
    """Raises AwsError InsufficientCapabilitiesException if the caller did not acknowledge what the template needs."""
    needed = capabilities_needed(template)
    if needed and not (set(needed) & set(given) or "CAPABILITY_NAMED_IAM" in given):
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(needed)}]", 400)


def given_parameters(asked: Mapping[str, Any], before: Mapping[str, str], template: Template) -> dict[str, str]:
    """Parameters as the caller gave them, with previous values where they are asked for. Raises AwsError."""
    found: dict[str, str] = {}
    for item in asked.get("Parameters", ()):
        key = item.get("ParameterKey", "")
        if key in found:
            raise AwsError("ValidationError", f"Parameter {key} is given twice", 400)
        if not item.get("UsePreviousValue"):
            found[key] = item.get("ParameterValue", "")
        elif key in before:
            found[key] = before[key]
        elif key not in template.parameters or template.parameters[key].default is None:
            raise AwsError(
                "ValidationError",
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key "
                "not in the previous template",
                400,
            )
    return found


def tags_of(asked: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a request. Raises AwsError."""
    tags = asked.get("Tags", ())
    if len(tags) > _MOST_TAGS:
        raise AwsError("ValidationError", f"A stack has at most {_MOST_TAGS} tags", 400)
    found = {tag["Key"]: tag["Value"] for tag in tags}
    for key, value in found.items():
        if key.lower().startswith("aws:"):
            raise AwsError("ValidationError", "aws: prefixed tag key names are not allowed for external use.", 400)
        if len(key) > _LONGEST_TAG_KEY or len(value) > _LONGEST_TAG_VALUE:
            raise AwsError("ValidationError", f"The tag {key[:_LONGEST_TAG_KEY]} is too long", 400)
    if len(found) != len(tags):
        raise AwsError(
            "ValidationError", "Duplicate tag keys found. Please note that Tag keys are case insensitive.", 400
        )
    return found


def notifications_of(asked: Mapping[str, Any]) -> tuple[str, ...]:
    """The topics that a stack's events are published to. Raises AwsError."""
    found = tuple(asked.get("NotificationARNs", ()))
    if len(found) > _MOST_NOTIFICATIONS:
        raise AwsError("ValidationError", f"A stack has at most {_MOST_NOTIFICATIONS} notification topics", 400)
    for arn in found:
        if not re.fullmatch(r"arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]+", arn):
            raise AwsError("ValidationError", f"{arn} is not the ARN of an SNS topic", 400)
    return found

"""Who csoc is in AWS, and what a linked account is like: the port CloudAccounts, on boto3."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import botocore.exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from csoc.accounts.cloud import (
    Caller,
    CloudSession,
    Origin,
    Probe,
    ProbeResult,
    RoleFacts,
    SessionRequest,
    StackFacts,
    Trial,
    TrialResult,
)
from csoc.adapters.aws.failures import (
    cleaned,
    code_of,
    from_client,
    from_stranger,
    is_denial,
    read,
    translated,
    words_of,
)
from csoc.adapters.aws.sessions import BotoSession, own_session, taken
from csoc.clock import Clock, system_clock
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError

Sleep = Callable[[float], None]

_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.1, 3.0
_LARGEST_PAGE = 100
_CALLER = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(?P<account>[0-9]{12}):(?P<rest>root|[a-z-]+/[^/\s][^\s]*)")
# Source: `METHOD` of the providers in botocore/credentials.py.
_ORIGINS: Mapping[str, Origin] = {
    "assume-role-with-web-identity": Origin("web identity"),
    "iam-role": Origin("instance profile"),
    "container-role": Origin("container"),
    "sso": Origin("single sign-on"),
    "login": Origin("single sign-on"),
    "assume-role": Origin("role of a profile"),
    "custom-process": Origin("program"),
    "env": Origin("environment", is_renewed=False),
}


class AwsAccounts:
    """See csoc.accounts.cloud.CloudAccounts. own: csoc's session. sleep: waits between two looks at a stack."""

    def __init__(
        self, own: BotoSession | None = None, *, clock: Clock = system_clock, sleep: Sleep = time.sleep
    ) -> None:
        self._own = own or own_session()
        self._clock, self._sleep = clock, sleep

    def caller(self) -> Caller:
        return _caller(self._own.client)

    def endpoint(self) -> str:
        return self._own.endpoint

    def proven_caller(self, endpoint: str) -> Caller:
        self.origin()  # who has no credentials at all is told so
        asked = self._own.endpoint
        if asked != endpoint:
            raise DeniedError(
                f"Who you are is asked of {asked or 'AWS itself'} here, and the link of the account was verified with "
                f"{endpoint or 'AWS itself'}",
                fix=f"Set AWS_ENDPOINT_URL to {endpoint}, and no AWS_ENDPOINT_URL_STS; an emulated cloud that moved is "
                "known again by csoc account verify --all"
                if endpoint
                else "Unset AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL, and endpoint_url in the profile",
            )
        return _caller(lambda service: self._own.proving(service, endpoint))

    def origin(self) -> Origin:
        with translated("AWS credentials"):
            found = self._own.boto.get_credentials()
        if found is None:
            raise from_client(botocore.exceptions.NoCredentialsError(), "AWS credentials")
        known = _ORIGINS.get(found.method)
        is_long = not found.get_frozen_credentials().token
        if known is None:
            return Origin("shared file", is_lasting=is_long, is_renewed=False)
        return Origin(known.kind, is_long, known.is_renewed) if is_long else known

    def skew_seconds(self) -> float:
        before = self._clock()
        with translated("AWS sts"):
            answer = self._own.client("sts").get_caller_identity()
        told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        return _skew(before, self._clock(), told) if told else 0.0

    def assume(self, request: SessionRequest, region: str) -> CloudSession:
        return AwsSession(taken(self._own, request, region), self._clock, self._sleep)

    def regions(self) -> Sequence[str]:
        boto = self._own.boto
        return sorted(
            {one for name in boto.get_available_partitions() for one in boto.get_available_regions("ec2", name)}
        )

    def partition(self, region: str) -> str:
        try:
            return str(self._own.boto.get_partition_for_region(region))
        except botocore.exceptions.UnknownRegionError:
            raise RejectedError(f"{region[:40]!r} is not a region of AWS", fix="Correct --region") from None

    def delete_stack(self, stack: str, region: str, seconds: float) -> None:
        client = self._own.client("cloudformation", region)
        patience = _Patience(self._clock, self._sleep, seconds)
        try:
            with translated(stack):
                identity = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
                client.delete_stack(StackName=identity)
                while True:
                    found = client.describe_stacks(StackName=identity)["Stacks"][0]
                    if not found["StackStatus"].endswith("_IN_PROGRESS"):
                        break
                    if not patience.wait():
                        raise UnavailableError("The stack is not deleted yet", place=stack, fix="Look in a moment")
        except NotFoundError:
            return
        if found["StackStatus"] != "DELETE_COMPLETE":
            why = cleaned(str(found.get("StackStatusReason", found["StackStatus"])))
            raise ConflictError(f"The stack could not be deleted: {why}", place=stack, fix="Look at its events")

    def publish(self, bucket: str, key: str, body: str) -> str:
        place = f"s3://{bucket}/{key}"
        with translated(place):
            client = self._own.client("s3")
            region = client.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
            client = self._own.client("s3", region)
            try:
                # The key names the content: what is there is the same.
                client.put_object(
                    Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json", IfNoneMatch="*"
                )
            except ClientError as error:
                if code_of(error) not in ("PreconditionFailed", "ConditionalRequestConflict"):
                    raise
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return f"https://{bucket}.s3.{region}.{suffix}/{key}"


@dataclass(frozen=True, slots=True)
class AwsSession:
    """See csoc.accounts.cloud.CloudSession. session: makes clients for the adapters beside this one."""

    session: BotoSession
    clock: Clock = system_clock
    sleep: Sleep = time.sleep

    def caller(self) -> Caller:
        return _caller(self.session.client, ask_for_path=False)

    def probe(self, probe: Probe, region: str) -> ProbeResult:
        result = self._ask(probe, region)
        if not result.allowed or not probe.undo or result.detail:
            return result
        # It was not meant to succeed.
        tried = [(one.operation, self._ask(one, region)) for one in probe.undo]
        left = "; ".join(f"{operation}: {result.detail}" for operation, result in tried if not result.allowed)
        return ProbeResult(True, left=left)

    def _ask(self, probe: Probe, region: str) -> ProbeResult:
        try:
            with read():
                getattr(self.session.client(probe.service, region), probe.operation)(**probe.arguments)
        except ClientError as error:
            code = code_of(error)
            if is_denial(error):
                return ProbeResult(False, words_of(error))
            if code in probe.allowed_errors:
                return ProbeResult(True, code)
            return ProbeResult(None, f"{code}: {words_of(error)}")
        except BotoCoreError as error:
            return ProbeResult(None, cleaned(str(error)))
        except ResponseParserError as error:
            return ProbeResult(None, from_client(error, probe.service).cause)
        return ProbeResult(True)

    def role(self, name: str) -> RoleFacts | None:
        iam = self.session.client("iam")
        try:
            with translated(f"role {name}"):
                found = iam.get_role(RoleName=name)["Role"]
        except NotFoundError:
            return None
        with translated(f"role {name}"):
            inline = {
                one: _document(iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"])
                for page in iam.get_paginator("list_role_policies").paginate(RoleName=name)
                for one in page["PolicyNames"]
            }
            attached = [
                one["PolicyArn"]
                for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
                for one in page["AttachedPolicies"]
            ]
        return RoleFacts(
            found["Arn"],
            _document(found["AssumeRolePolicyDocument"]),
            int(found.get("MaxSessionDuration", 0)),
            str(found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")),
            inline,
            {arn: self.policy(arn) or {} for arn in attached},
        )

    def policy(self, arn: str) -> Mapping[str, Any] | None:
        iam = self.session.client("iam")
        try:
            with translated(arn):
                version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        except NotFoundError:
            return None
        return _document(found)

    def stack_of(self, physical_id: str, region: str) -> StackFacts:
        client = self.session.client("cloudformation", region)
        with translated(f"stack of {physical_id}"):
            found = client.describe_stack_resources(PhysicalResourceId=physical_id)["StackResources"]
            if not found:
                raise NotFoundError("No stack of this region has it", place=physical_id)
            name = found[0]["StackName"]
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
            body = client.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
        return StackFacts(
            name,
            stack["StackStatus"],
            text,
            {one["ParameterKey"]: str(one.get("ParameterValue", "")) for one in stack.get("Parameters", ())},
            {one["OutputKey"]: str(one.get("OutputValue", "")) for one in stack.get("Outputs", ())},
        )

    def try_stack(self, trial: Trial, region: str, seconds: float) -> TrialResult:
        client = self.session.client("cloudformation", region)
        result = TrialResult(None, "it was not begun")
        try:
            with translated(trial.stack):
                result = self._make(client, trial, seconds)
        except CsocError as error:
            made = False if error.kind.value in ("denied", "rejected") else None
            result = TrialResult(made, error.cause)
        return TrialResult(result.made, result.detail, self._delete(client, trial, seconds))

    def _make(self, client: Any, trial: Trial, seconds: float) -> TrialResult:
        name = f"verify-{uuid.uuid4()}"
        client.create_change_set(
            StackName=trial.stack,
            ChangeSetName=name,
            ChangeSetType="CREATE",
            TemplateBody=trial.template,
            RoleARN=trial.role,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in trial.tags.items()],
        )
        patience = _Patience(self.clock, self.sleep, seconds)
        asked = {"StackName": trial.stack, "ChangeSetName": name}
        while (found := client.describe_change_set(**asked))["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            if not patience.wait():
                return TrialResult(None, "CloudFormation did not make the change set in time")
        if found["Status"] != "CREATE_COMPLETE":
            return TrialResult(False, cleaned(str(found.get("StatusReason", found["Status"]))))
        client.execute_change_set(**asked)
        while (status := self._status(client, trial.stack)) in ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"):
            if not patience.wait():
                return TrialResult(None, "CloudFormation did not make the stack in time")
        while status.endswith("_IN_PROGRESS") and patience.wait():
            status = self._status(client, trial.stack)
        if status == "CREATE_COMPLETE":
            return TrialResult(True)
        return TrialResult(False, self._why(client, trial.stack) or status)

    def _delete(self, client: Any, trial: Trial, seconds: float) -> str:
        """What is left of a trial; "" if it is gone, or never was."""
        try:
            with translated(trial.stack):
                identity = str(client.describe_stacks(StackName=trial.stack)["Stacks"][0]["StackId"])
        except (NotFoundError, DeniedError):
            # Who may not make it may not look for it either.
            return ""
        except CsocError as error:
            return f"perhaps the stack {trial.stack}: {error.cause}"
        try:
            with translated(trial.stack):
                client.delete_stack(StackName=identity, RoleARN=trial.role)
                patience = _Patience(self.clock, self.sleep, seconds)
                while (status := self._status(client, identity)) != "DELETE_COMPLETE":
                    if status == "DELETE_FAILED" or not patience.wait():
                        return f"the stack {trial.stack} ({status})"
        except NotFoundError:
            return ""
        except CsocError as error:
            return f"the stack {trial.stack}: {error.cause}"
        return ""

    def _status(self, client: Any, name: str) -> str:
        return str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def _why(self, client: Any, name: str) -> str:
        events = client.describe_stack_events(StackName=name)["StackEvents"][:_LARGEST_PAGE]
        failed = [one for one in reversed(events) if one["ResourceStatus"].endswith("_FAILED")]
        return (
            cleaned(f"{failed[0]['LogicalResourceId']}: {failed[0].get('ResourceStatusReason', '')}") if failed else ""
        )


class _Patience:
    """Waits between looks, longer each time, until the time is up."""

    def __init__(self, clock: Clock, sleep: Sleep, seconds: float) -> None:
        self._clock, self._sleep = clock, sleep
        self._until = clock() + timedelta(seconds=seconds)
        self._pause = _FIRST_LOOK_SECONDS

    def wait(self) -> bool:
        """False if the time is up."""
        if self._clock() >= self._until:
            return False
        self._sleep(self._pause)
        self._pause = min(self._pause * 1.5, _LAST_LOOK_SECONDS)
        return True


def _caller(client: Callable[[str], Any], *, ask_for_path: bool = True) -> Caller:
    with translated("AWS sts"):
        found = client("sts").get_caller_identity()
    arn, account, unique_id = (str(found.get(key) or "") for key in ("Arn", "Account", "UserId"))
    parts = _CALLER.fullmatch(arn)
    if parts is None or parts["account"] != account or not unique_id:
        raise from_stranger("AWS sts")
    rest = parts["rest"]
    kind = {"root": "root", "user": "user", "federated-user": "federated"}.get(rest.split("/")[0], "role")
    if not rest.startswith("assumed-role/"):
        return Caller(account, arn, kind, unique_id=unique_id)
    name = rest.split("/")[1]
    plain = f"arn:{arn.split(':')[1]}:iam::{account}:role/{name}"
    told = _path_of(client, name) if ask_for_path else ""
    return Caller(account, arn, kind, told or plain, unique_id, is_exact=bool(told))


def _skew(before: datetime, after: datetime, told: str) -> float:
    """How far csoc's clock is ahead of the one that answered, in seconds; 0.0 if both may be right. told: the header
    Date, in whole seconds, written at some moment between the two times: a slow answer alone proves nothing."""
    try:
        second = parsedate_to_datetime(told).astimezone(UTC)
    except (ValueError, OverflowError):
        raise from_stranger("AWS sts") from None
    if after < second:
        return (after - second).total_seconds()
    return max(0.0, (before - second).total_seconds() - 1)


def _path_of(client: Callable[[str], Any], name: str) -> str:
    """A role's ARN with its path, which the ARN of a session leaves out; "" if that may not be asked."""
    place = f"role {name}"
    with translated(place):
        try:
            told = client("iam").get_role(RoleName=name).get("Role", {}).get("Arn")
        except ClientError as error:
            if is_denial(error):
                return ""
            raise
    if not told:
        raise from_stranger(place)
    return str(told)


def _document(found: Any) -> Mapping[str, Any]:
    """A policy, which boto3 gives parsed or as the text that IAM sends."""
    if isinstance(found, Mapping):
        return found
    try:
        parsed = json.loads(unquote(str(found)))
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, Mapping) else {}

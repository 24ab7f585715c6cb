"""The Security Token Service: who one is, and who one may become.

moto hands out credentials for any role to anybody; here the trust policy decides, and sessions carry what narrows them.
Source: STS API reference, AssumeRole; "Methods to assume a role", "Session tags" and "Monitor and control actions taken
with assumed roles" (source identity), AWS IAM User Guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.authorisation import decoded
from csoc.emulator.cloud.calls import Answer, AwsError, Call, Identity, Operation, Session
from csoc.emulator.cloud.credentials import Credentials, TemporaryKey
from csoc.emulator.cloud.principals import GLOBAL_KEYS, Membership, context_of, names_of, rights_of, session_of
from csoc.emulator.cloud.web_identity import IssuerKeys, checked
from csoc.emulator.iam.documents import PolicyError, parse_policy
from csoc.emulator.iam.evaluation import Question, Rights, decide

_ROLE = re.compile(r"arn:aws:iam::(?P<account>[0-9]{12}):role/(?P<path>[\w+=,.@/-]*)")
_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")
_SHORTEST, _LONGEST, _CHAINED, _LONGEST_OF_USERS = 900, 43_200, 3_600, 129_600
_LARGEST_POLICY = 2_048
_KEYS = GLOBAL_KEYS | {"sts:externalid", "sts:rolesessionname", "sts:sourceidentity", "sts:transitivetagkeys"}


class Sts:
    """Operations of STS. membership: of an account in an organisation. issuer_keys: of identity providers."""

    name = "sts"

    def __init__(
        self,
        credentials: Credentials,
        membership: Callable[[str], Membership | None],
        issuer_keys: IssuerKeys = lambda _: None,
    ) -> None:
        self._credentials = credentials
        self._membership = membership
        self._issuer_keys = issuer_keys

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "AssumeRole": self._assume_role,
            "AssumeRoleWithWebIdentity": self._assume_role_with_web_identity,
            "DecodeAuthorizationMessage": self._decode_authorization_message,
            "GetAccessKeyInfo": self._get_access_key_info,
            "GetCallerIdentity": self._get_caller_identity,
            "GetSessionToken": self._get_session_token,
        }

    def _get_caller_identity(self, call: Call) -> Answer:
        return {"Account": call.identity.account, "Arn": call.identity.arn, "UserId": call.identity.id}

    def _assume_role(self, call: Call) -> Answer:
        asked = call.parameters
        arn, name = str(asked.get("RoleArn", "")), str(asked.get("RoleSessionName", ""))
        match = _ROLE.fullmatch(arn)
        if match is None:
            raise _invalid("roleArn", arn, "a role's ARN")
        if not _NAME.fullmatch(name):
            raise _invalid("roleSessionName", name, _NAME.pattern)
        external, source = asked.get("ExternalId"), asked.get("SourceIdentity", "")
        if external is not None and not _EXTERNAL_ID.fullmatch(str(external)):
            raise _invalid("externalId", str(external), _EXTERNAL_ID.pattern)
        if source and not _NAME.fullmatch(source):
            raise _invalid("sourceIdentity", source, _NAME.pattern)
        if call.identity.is_root:
            raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
        role = moto_accounts.role(match["account"], arn)
        tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}
        inherited = call.identity.session
        if inherited is not None and inherited.source_identity:
            if source and source != inherited.source_identity:
                raise AwsError("AccessDenied", "The source identity of a session cannot be changed", 403)
            source = inherited.source_identity
        actions = [
            "sts:AssumeRole",
            *(["sts:SetSourceIdentity"] if source else []),
            *(["sts:TagSession"] if tags else []),
        ]
        for action in actions:
            self._check(call, action, arn, role, match["account"], tags, source)
        if role is None:
            raise _denied(call.identity, "sts:AssumeRole", arn, "")
        seconds = _duration(asked.get("DurationSeconds"), role.max_seconds, chained=inherited is not None)
        passed_on = inherited.transitive_tags if inherited else frozenset()
        kept = {name: value for name, value in (inherited.tags if inherited else {}).items() if name in passed_on}
        session = Session(
            role.arn,
            role.id,
            name,
            call.at + timedelta(seconds=seconds),
            self._session_policies(asked, role.account),
            source,
            {**tags, **kept},
            frozenset(asked.get("TransitiveTagKeys", ())) | passed_on,
            inherited is not None,
            call.at,
        )
        key = self._issue(role, session)
        answer: dict[str, Any] = {
            "Credentials": _shown(key),
            "AssumedRoleUser": {"AssumedRoleId": key.identity.id, "Arn": key.identity.arn},
            "PackedPolicySize": min(100, sum(len(json.dumps(policy)) for policy in session.policies) * 100 // 4096),
        }
        return answer | ({"SourceIdentity": source} if source else {})

    def _assume_role_with_web_identity(self, call: Call) -> Answer:
        """The token is the proof; nobody signs this call."""
        asked = call.parameters
        arn, name = str(asked.get("RoleArn", "")), str(asked.get("RoleSessionName", ""))
        match = _ROLE.fullmatch(arn)
        if match is None:
            raise _invalid("roleArn", arn, "a role's ARN")
        if not _NAME.fullmatch(name):
            raise _invalid("roleSessionName", name, _NAME.pattern)
        shown = checked(str(asked.get("WebIdentityToken", "")), match["account"], self._issuer_keys, call.at)
        role = moto_accounts.role(match["account"], arn)
        action = "sts:AssumeRoleWithWebIdentity"
        refused = AwsError("AccessDenied", f"Not authorized to perform {action}", 403)
        if role is None or role.trust is None:
            raise refused
        context = context_of(call) | shown.context() | {"sts:rolesessionname": name}
        known = _KEYS | frozenset(shown.context())
        question = Question(
            "", action, (arn,), match["account"], {"Federated": frozenset({shown.provider})}, context, known
        )
        decision = decide(question, Rights(), {arn: parse_policy(role.trust)})
        if not decision.allowed:
            refused.add_note(decision.because)
            raise refused
        seconds = _duration(asked.get("DurationSeconds"), role.max_seconds, chained=False)
        ends = call.at + timedelta(seconds=seconds)
        policies = self._session_policies(asked, role.account)
        key = self._issue(
            role, Session(role.arn, role.id, name, ends, policies, issued_at=call.at, federated=shown.provider)
        )
        return {
            "Credentials": _shown(key),
            "AssumedRoleUser": {"AssumedRoleId": key.identity.id, "Arn": key.identity.arn},
            "SubjectFromWebIdentityToken": shown.subject,
            "Audience": shown.audience,
            "Provider": shown.provider,
        }

    def _get_session_token(self, call: Call) -> Answer:
        """Temporary credentials of a user; they have the user's rights."""
        if call.identity.session is not None:
            raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
        if call.parameters.get("SerialNumber") or call.parameters.get("TokenCode"):
            raise AwsError("InvalidAction", "The emulator has no MFA devices", 400)
        seconds = call.parameters.get("DurationSeconds") or (_CHAINED if call.identity.is_root else _LONGEST)
        longest = _CHAINED if call.identity.is_root else _LONGEST_OF_USERS
        if not _SHORTEST <= seconds <= longest:
            raise _invalid("durationSeconds", str(seconds), f"between {_SHORTEST} and {longest}")
        return {"Credentials": _shown(self._credentials.issue(call.identity, call.at + timedelta(seconds=seconds)))}

    def _get_access_key_info(self, call: Call) -> Answer:
        name = str(call.parameters.get("AccessKeyId", ""))
        account = self._credentials.account_of(name)
        if not account:
            raise _invalid("accessKeyId", name, "an access key of an account of this emulator")
        return {"Account": account}

    def _decode_authorization_message(self, call: Call) -> Answer:
        return {"DecodedMessage": decoded(str(call.parameters.get("EncodedMessage", "")))}

    def _issue(self, role: moto_accounts.Principal, session: Session) -> TemporaryKey:
        arn = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.name}"
        identity = Identity(role.account, arn, role.arn, f"{role.id}:{session.name}", session)
        return self._credentials.issue(identity, session.expires_at)

    def _check(
        self,
        call: Call,
        action: str,
        arn: str,
        role: moto_accounts.Principal | None,
        owner: str,
        tags: Mapping[str, str],
        source: str,
    ) -> None:
        """Raises AwsError AccessDenied unless the role trusts the caller for the action, and the caller may ask."""
        membership = self._membership(call.account)
        context: dict[str, str | Sequence[str]] = context_of(call, membership)
        context["sts:rolesessionname"] = call.parameters["RoleSessionName"]
        if call.parameters.get("ExternalId") is not None:
            context["sts:externalid"] = call.parameters["ExternalId"]
        if source:
            context["sts:sourceidentity"] = source
        if tags:
            context["aws:tagkeys"] = list(tags)
            context |= {f"aws:requesttag/{name.lower()}": value for name, value in tags.items()}
        if role is not None:
            context |= {f"aws:resourcetag/{name.lower()}": value for name, value in role.tags.items()}
        question = Question(
            call.account,
            action,
            (arn,),
            owner,
            names_of(call.identity),
            context,
            _KEYS,
            call.identity.principal,
            session_of(call.identity),
            authoritative=True,
        )
        trust = {arn: parse_policy(role.trust)} if role is not None and role.trust is not None else {}
        decision = decide(question, rights_of(call.identity, membership), trust)
        if role is None or not decision.allowed:
            raise _denied(call.identity, action, arn, decision.because if role is not None else "")

    def _session_policies(self, asked: Mapping[str, Any], account: str) -> tuple[Mapping[str, Any], ...]:
        found: list[Mapping[str, Any]] = []
        text = asked.get("Policy")
        if text:
            if len(text) > _LARGEST_POLICY:
                raise _invalid("policy", f"{len(text)} characters", f"at most {_LARGEST_POLICY} characters")
            try:
                parse_policy(text)
            except PolicyError as error:
                raise AwsError("MalformedPolicyDocument", str(error), 400) from None
            found.append(json.loads(text))
        for item in asked.get("PolicyArns", ()):
            document = moto_accounts.managed_policy(account, item["arn"])
            if document is None:
                raise AwsError("MalformedPolicyDocument", f"The policy {item['arn']} does not exist", 400)
            found.append(document)
        return tuple(found)


def _shown(key: TemporaryKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.access_key,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": key.expires_at,
    }


def _duration(asked: int | None, longest: int, *, chained: bool) -> int:
    if asked is None:
        return _CHAINED
    if not _SHORTEST <= asked <= _LONGEST:
        raise _invalid("durationSeconds", str(asked), f"between {_SHORTEST} and {_LONGEST}")
    if chained and asked > _CHAINED:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            400,
        )
    if asked > longest:
        raise AwsError(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", 400
        )
    return int(asked)


def _invalid(name: str, value: str, rule: str) -> AwsError:
    message = f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {rule}"
    return AwsError("ValidationError", message, 400)


def _denied(identity: Identity, action: str, arn: str, because: str) -> AwsError:
    """STS does not say why, and not whether the role exists; the reason is kept for whoever reads the emulator's
    log."""
    error = AwsError(
        "AccessDenied", f"User: {identity.arn} is not authorized to perform: {action} on resource: {arn}", 403
    )
    error.add_note(because)
    return error

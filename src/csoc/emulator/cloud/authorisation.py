"""The guard that every call passes: may this caller do this, here, to that?

From operation and parameters to actions, resources and condition keys (`authorising`), then `iam` decides with the
caller's rights and the policies of the resources. What the emulator does not know counts against the caller, and the
refusal says so.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloud import moto_resources
from csoc.emulator.cloud.authorising.asking import Ask, Values, request_tags, tag_keys, usual
from csoc.emulator.cloud.authorising.reference import service_keys
from csoc.emulator.cloud.authorising.special import FREE, StackArn, askers
from csoc.emulator.cloud.calls import AwsError, Call
from csoc.emulator.cloud.denials import denial
from csoc.emulator.cloud.principals import GLOBAL_KEYS, Membership, context_of, names_of, rights_of, session_of
from csoc.emulator.iam.documents import Policy, PolicyError, parse_policy
from csoc.emulator.iam.evaluation import Decision, Question, Rights, decide

Tags = Callable[[str], Mapping[str, str] | None]
"""Tags of a resource by its ARN; None if nobody knows."""

_PUBLIC_OWNERS = ("", "aws")


class Authorisation:
    """Judges calls. membership: of an account in an organisation. stack_arn: of stacks by name. tags: of resources
    that own services keep."""

    def __init__(
        self,
        membership: Callable[[str], Membership | None],
        stack_arn: StackArn = lambda *_: "",
        tags: Tags = lambda _: None,
    ) -> None:
        self._membership = membership
        self._askers = askers(stack_arn)
        self._tags = tags

    def __call__(self, call: Call) -> str:
        """The account whose resources the call is about. Raises AwsError with the service's code unless the caller may
        make the call."""
        if (call.service, call.operation) in FREE:
            return call.account
        membership = self._membership(call.account)
        rights = rights_of(call.identity, membership)
        common = context_of(call, membership)
        tags = request_tags(call.parameters)
        if keys := tag_keys(call.parameters):
            common["aws:tagkeys"] = list(dict.fromkeys(keys))
            common |= {f"aws:requesttag/{name.lower()}": value for name, value in tags.items()}
        asks = self._askers.get(call.service, usual)(call)
        for ask in asks:
            self._judge(call, ask, rights, common)
        return _owner(asks[0].resources[0], call.account) if asks else call.account

    def _judge(self, call: Call, ask: Ask, rights: Rights, common: Mapping[str, Values]) -> None:
        for resource in ask.resources:
            owner = _owner(resource, call.account)
            context = {**common, **ask.context, "aws:resourceaccount": owner}
            home = self._membership(owner)
            if home is not None:
                context["aws:resourceorgid"] = home.organisation
            filled = set(ask.context)
            tags = self._tags(resource) if resource != "*" else {}
            if tags is None and resource != "*":
                tags = moto_resources.resource_tags(resource)
            known = _known(ask, filled, tags_known=tags is not None)
            prefix = ask.action.partition(":")[0]
            for name, value in (tags or {}).items():
                context[f"aws:resourcetag/{name.lower()}"] = value
                context[f"{prefix}:resourcetag/{name.lower()}"] = value
            if prefix == "ec2" and "ec2:vpc" in ask.keys:
                network = moto_resources.network_of(call.account, call.region, resource.rpartition("/")[2])
                if network:
                    context["ec2:vpc"] = f"arn:aws:ec2:{call.region}:{call.account}:vpc/{network}"
                    known |= {"ec2:vpc"}
            policy, problem = _policy_of(resource)
            question = Question(
                call.account,
                ask.action,
                (resource,),
                owner,
                names_of(call.identity),
                context,
                known,
                call.identity.principal,
                session_of(call.identity),
                authoritative=":kms:" in resource and ":key/" in resource and policy is not None,
                vague=ask.vague,
            )
            decision = Decision(False, problem) if problem else decide(question, rights, policy)
            if not decision.allowed and not _granted(call, ask, resource, decision):
                raise refusal(call, ask.action, resource, decision.because)


def _known(ask: Ask, filled: set[str], *, tags_known: bool) -> frozenset[str]:
    """Keys that an answer can rest on: filled in, or absent since the action does not have them."""
    open_keys = ask.keys - filled
    known = (service_keys() - open_keys) | filled | GLOBAL_KEYS
    prefix = ask.action.partition(":")[0]
    if tags_known:
        return known | {f"{prefix}:resourcetag/"}
    return known - {"aws:resourcetag/", f"{prefix}:resourcetag/"}


def _owner(resource: str, account: str) -> str:
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return account
    if parts[2] == "s3" and not parts[4]:
        return moto_resources.bucket_owner(parts[5].partition("/")[0]) or account
    return account if parts[4] in _PUBLIC_OWNERS or not parts[4].isdecimal() else parts[4]


def _policy_of(resource: str) -> tuple[dict[str, Policy] | None, str]:
    """The resource's policy by its ARN, and why it cannot be read, "" if it can."""
    text = moto_resources.resource_policy(resource) if resource.startswith("arn:") and "*" not in resource else None
    if text is None:
        return None, ""
    try:
        return {resource: parse_policy(text)}, ""
    except PolicyError as error:
        return None, f"because the emulator cannot read the policy of {resource}: {error}"


def _granted(call: Call, ask: Ask, resource: str, decision: Decision) -> bool:
    """True if a grant of a KMS key lets the caller in; an explicit deny still counts. Source: "Grants in AWS KMS"."""
    if ":kms:" not in resource or ":key/" not in resource or "explicit deny" in decision.because:
        return False
    _, _, _, region, account, _ = resource.split(":", 5)
    found = moto_resources.key(account, region, resource)
    principals = frozenset({call.identity.principal, call.identity.arn})
    return found is not None and ask.action.partition(":")[2] in moto_resources.granted_operations(found, principals)


def refusal(call: Call, action: str, resource: str, because: str) -> AwsError:
    """A refusal in the service's code and AWS's words. Source: "Troubleshoot access denied error messages", AWS IAM
    User Guide."""
    code, status = denial(call.service)
    shown = f'"{resource}"' if call.service == "s3" else resource
    text = f"User: {call.identity.arn} is not authorized to perform: {action} on resource: {shown} {because}"
    if call.service == "ec2":
        hidden = encoded({"allowed": False, "explicitDeny": "explicit deny" in because, "action": action,
                          "resource": resource, "principal": call.identity.arn, "because": because})  # fmt: skip
        text = (
            f"You are not authorized to perform this operation. {text} Encoded authorization failure message: {hidden}"
        )
    return AwsError(code, text, status)


def encoded(message: Mapping[str, Any]) -> str:
    """A message as DecodeAuthorizationMessage takes it. It hides nothing: who can read it knows the emulator."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(message).encode(), 9)).decode()


def decoded(text: str) -> str:
    """The JSON of an encoded message. Raises AwsError InvalidAuthorizationMessageException."""
    try:
        raw = zlib.decompressobj().decompress(base64.urlsafe_b64decode(text.encode()), 65_536)
        return json.dumps(json.loads(raw))
    except (ValueError, zlib.error):
        raise AwsError("InvalidAuthorizationMessageException", "Message is not valid", 400) from None


def membership_of(account: str) -> Membership | None:
    """Where an account stands, from moto's Organizations; None outside of an organisation."""
    place = moto_resources.place_of(account) if account else None
    if place is None:
        return None
    path = "/".join((place.organisation, *place.ancestors[:-1])) + "/"
    # moto lets units begin without a policy; at AWS each keeps FullAWSAccess until it has another.
    levels = tuple(tuple(parse_policy(text) for text in level) for level in place.policies if level)
    return Membership(place.organisation, path, levels, place.management == account)

"""KMS: a key policy that nobody could change again, or that names who does not exist, is refused.

Source: KMS API Reference, PutKeyPolicy (BypassPolicyLockoutSafetyCheck), and Developer Guide, "Default key policy".
"""

from __future__ import annotations

from typing import Any

from moto.kms import models, utils

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction
from csoc.emulator.cloud.corrections.principals import missing_principal
from csoc.emulator.iam.documents import PolicyError, Statement, parse_policy
from csoc.emulator.iam.matching import action_matches

_CHANGING = "kms:PutKeyPolicy"
_generate = utils.generate_private_key


def _private_key(key_spec: str) -> Any:
    """moto makes an RSA key for each symmetric one as well, which takes 30 ms and is never used."""
    return None if key_spec.startswith(("SYMMETRIC", "HMAC")) else _generate(key_spec)


def kms() -> Correction:
    """What is put right in KMS."""
    models.generate_private_key = _private_key  # type: ignore[attr-defined]
    return Correction("kms", {"CreateKey": _check, "PutKeyPolicy": _check})


def _check(call: Call) -> Answer | None:
    document = call.parameters.get("Policy")
    if not document:
        return None
    try:
        policy = parse_policy(document)
    except PolicyError as error:
        raise AwsError("MalformedPolicyDocumentException", str(error), 400) from None
    if missing_principal(document):
        message = "Policy contains a statement with one or more invalid principals."
        raise AwsError("MalformedPolicyDocumentException", message, 400)
    if call.parameters.get("BypassPolicyLockoutSafetyCheck"):
        return None
    if not any(_lets_in(call, statement) for statement in policy.statements):
        message = "The new key policy will not allow you to update the key policy in the future."
        raise AwsError("MalformedPolicyDocumentException", message, 400)
    return None


def _lets_in(call: Call, statement: Statement) -> bool:
    """True if whoever calls could change the policy again by this statement. Conditions may turn out either way."""
    if not statement.allow or statement.conditions or statement.principals is None:
        return False
    if not any(action_matches(pattern, _CHANGING) for pattern in statement.actions):
        return False
    owner = call.owner or call.account
    ways = {"*", owner, f"arn:aws:iam::{owner}:root", call.identity.principal}
    named = {*statement.principals.get("AWS", ()), *statement.principals.get("*", ())}
    return bool(ways & named)

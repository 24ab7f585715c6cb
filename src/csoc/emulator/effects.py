"""What planned trouble can do: for the emulator that does it, and the command line that asks for it.

One row of `EFFECTS` is one effect with all that is particular to it, so that none can be there by half. Nothing of
moto is imported: the command line reads the table when it prints its help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from csoc.emulator.cloud.denials import denial

if TYPE_CHECKING:
    from csoc.emulator.cloud.calls import Call

ACTIONS = ("create", "update", "delete", "rollback")
"""What may be done to a resource of a stack."""
_LONGEST_SECONDS = 3_600.0

# What a service answers when it is asked too often, with the status. Source: "Common errors" of each service's API
# reference, and the codes that botocore's retries know (botocore/retries/standard.py).
_THROTTLED: Mapping[str, tuple[str, str, int]] = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
    "organizations": (
        "TooManyRequestsException",
        "You have sent too many requests in too short a period of time.",
        400,
    ),
    "sqs": ("RequestThrottled", "Request is throttled.", 400),
    **dict.fromkeys(
        ("autoscaling", "cloudformation", "cloudwatch", "elbv2", "iam", "rds", "route53", "sns", "sts"),
        ("Throttling", "Rate exceeded", 400),
    ),
}
_THROTTLED_ELSEWHERE = ("ThrottlingException", "Rate exceeded", 400)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Which calls, and what becomes of them. account, region, service, operation, role (name or ARN of the user or
    role): patterns with * and ?. probability: with `seed`. calls: only the next so many that match, None for all.

    effect: one of EFFECTS. seconds: of a latency, real ones. code, message, status: of an error, or instead of the
    usual ones. done: a time-out or a reset comes after the call was carried out. stack, resource, action, reason: of a
    resource that fails; action is "*" or one of ACTIONS. image: of containers, as pods name it, which cannot be pulled.
    namespace, workload (of a pod or of what owns it), container: of pods that go wrong, reason being what is said of
    it."""

    effect: str
    account: str = "*"
    region: str = "*"
    service: str = "*"
    operation: str = "*"
    role: str = "*"
    probability: float = 1.0
    seed: int = 0
    calls: int | None = None
    seconds: float = 0.0
    code: str = ""
    message: str = ""
    status: int = 0
    done: bool = False
    stack: str = "*"
    resource: str = "*"
    action: str = "*"
    reason: str = ""
    image: str = "*"
    namespace: str = "*"
    workload: str = "*"
    container: str = "*"


@dataclass(frozen=True, slots=True)
class Delayed:
    """The answer comes so many real seconds later, whatever else becomes of the call."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is answered with an error."""

    code: str
    message: str
    status: int


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer comes: nothing is ever sent, or the connection is torn down. done: the call was carried out."""

    fate: Literal["silent", "reset"]
    done: bool


Outcome = Delayed | Refused | Lost


@dataclass(frozen=True, slots=True)
class Effect:
    """says: what it is, in a list for readers. takes: members of a rule that mean something for it, besides those that
    all others than those of pods take (`COMMON`). lacks: what is wrong with a rule, "" if nothing. does: what becomes
    of a call; None for what happens to a resource of a stack, or to pods, to which no call belongs. is_of_pods: it
    holds for pods of all clusters until it is removed."""

    says: str
    takes: tuple[str, ...]
    lacks: Callable[[FaultRule], str]
    does: Callable[[FaultRule, Call], Outcome] | None
    is_of_pods: bool = False

    @property
    def is_of_resources(self) -> bool:
        """True if it happens to resources of stacks."""
        return self.does is None and not self.is_of_pods

    def has(self, member: str) -> bool:
        """True if a member of a rule means something for it."""
        return member == "effect" or member in self.takes or (member in COMMON and not self.is_of_pods)


COMMON = ("effect", "account", "region", "probability", "seed", "calls")
_OF_CALLS = ("service", "operation", "role")
_OF_PODS = ("namespace", "workload", "container", "reason")
_OF_ANSWERS = (*_OF_CALLS, "code", "message", "status")


def _nothing(_: FaultRule) -> str:
    return ""


def _lacks_seconds(rule: FaultRule) -> str:
    within = 0 < rule.seconds <= _LONGEST_SECONDS
    return "" if within else f"a latency needs seconds, above 0 and at most {_LONGEST_SECONDS:g}"


def _lacks_code(rule: FaultRule) -> str:
    return "" if rule.code else "an error needs a code"


def _lacks_reason(rule: FaultRule) -> str:
    if not rule.reason:
        return "a resource that fails needs a reason"
    known = rule.action in ("*", *ACTIONS)
    return "" if known else f"action is {rule.action!r}, and must be * or one of {', '.join(ACTIONS)}"


def _lacks_image(rule: FaultRule) -> str:
    return "" if rule.image.strip("*") else "an image that cannot be pulled needs image, a part of its name at least"


def _lacks_workload(rule: FaultRule) -> str:
    return "" if rule.workload.strip("*") else "pods that go wrong need workload, a part of its name at least"


def _refused(rule: FaultRule, code: str, message: str, status: int) -> Refused:
    """What the rule says goes before what is usual."""
    return Refused(rule.code or code, rule.message or message, rule.status or status)


def _throttle(rule: FaultRule, call: Call) -> Refused:
    return _refused(rule, *_THROTTLED.get(call.service, _THROTTLED_ELSEWHERE))


def _delay(rule: FaultRule, _: Call) -> Delayed:
    return Delayed(rule.seconds)


def _deny(rule: FaultRule, call: Call) -> Refused:
    code, status = denial(call.service)
    said = f"User: {call.identity.arn} is not authorized to perform: {call.service}:{call.operation}"
    return _refused(rule, code, said, status)


def _err(rule: FaultRule, _: Call) -> Refused:
    return _refused(rule, rule.code, f"A planned fault of the emulator: {rule.code}", 400)


def _fall_silent(rule: FaultRule, _: Call) -> Lost:
    return Lost("silent", rule.done)


def _tear(rule: FaultRule, _: Call) -> Lost:
    return Lost("reset", rule.done)


EFFECTS: Mapping[str, Effect] = {
    "throttle": Effect("throttling", _OF_ANSWERS, _nothing, _throttle),
    "latency": Effect("latency", (*_OF_CALLS, "seconds"), _lacks_seconds, _delay),
    "deny": Effect("denials", _OF_ANSWERS, _nothing, _deny),
    "error": Effect("errors", _OF_ANSWERS, _lacks_code, _err),
    "timeout": Effect("time-outs", (*_OF_CALLS, "done"), _nothing, _fall_silent),
    "reset": Effect("torn connections", (*_OF_CALLS, "done"), _nothing, _tear),
    "resource": Effect("failing resources", ("stack", "resource", "action", "reason"), _lacks_reason, None),
    "image": Effect("missing images", ("image",), _lacks_image, None, is_of_pods=True),
    "crash": Effect("crashing containers", _OF_PODS, _lacks_workload, None, is_of_pods=True),
    "oom": Effect("containers without memory", _OF_PODS[:-1], _lacks_workload, None, is_of_pods=True),
    "unready": Effect("pods that never get ready", _OF_PODS, _lacks_workload, None, is_of_pods=True),
}
TROUBLE = ", ".join(effect.says for effect in EFFECTS.values())
"""All effects, in words."""

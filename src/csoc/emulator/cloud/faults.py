"""Planned trouble: throttling, latency, denials, errors, time-outs, torn connections, and resources that fail.

What a client does about trouble can only be tested where trouble comes when it is wanted. Rules say which calls it
hits; the same rules in the same order of calls hit the same ones, since chance comes from a seed.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

from moto.core.loaders import create_loader

from csoc.emulator.cloud.calls import UNDISTURBED, AwsError, Call, Disturbance
from csoc.emulator.cloud.services import BY_NAME
from csoc.emulator.effects import EFFECTS
from csoc.emulator.iam.matching import like

ACTIONS = ("create", "update", "delete", "rollback")
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
    "acm": ("ThrottlingException", "Rate exceeded", 400),
    **dict.fromkeys(
        ("autoscaling", "cloudformation", "cloudwatch", "elbv2", "iam", "rds", "route53", "sns", "sts"),
        ("Throttling", "Rate exceeded", 400),
    ),
}
_THROTTLED_ELSEWHERE = ("ThrottlingException", "Rate exceeded", 400)
# The codes of a refusal. Source: the services' API references, and what the emulator's authorisation answers.
_DENIED = {"ec2": "UnauthorizedOperation"} | dict.fromkeys(
    ("autoscaling", "cloudformation", "cloudwatch", "elbv2", "iam", "rds", "route53", "s3", "sts"), "AccessDenied"
)


class FaultError(ValueError):
    """A rule that makes no sense; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Which calls, and what becomes of them. account, region, service, operation, role (name or ARN of the user or
    role): patterns with * and ?. probability: with `seed`. calls: only the next so many that match, None for all.

    effect: one of EFFECTS. seconds: of a latency. code, message, status: of an error, or instead of the usual ones.
    done: a time-out or a reset comes after the call was carried out. stack, resource, action, reason: of a resource
    that fails; action is "*" or one of ACTIONS."""

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


_NOTHING = FaultRule("")
_ANSWERS = ("error", "throttle", "deny")
_CALLS = tuple(effect for effect in EFFECTS if effect != "resource")
_ONLY_FOR: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] = (
    (("latency",), ("seconds",)),
    (_ANSWERS, ("code", "message", "status")),
    (("timeout", "reset"), ("done",)),
    (("resource",), ("stack", "resource", "action", "reason")),
    (_CALLS, ("service", "operation", "role")),
)
"""Which members of a rule mean something for which effects only."""


def parse_rule(body: Any) -> FaultRule:
    """A rule from JSON. Raises FaultError."""
    if not isinstance(body, Mapping):
        raise FaultError("a rule is an object")
    types = {field.name: field.type for field in fields(FaultRule)}
    unknown = sorted(set(body) - set(types))
    if unknown:
        raise FaultError(f"there is no {unknown[0]} in a rule; there is {', '.join(types)}")
    for name, value in body.items():
        _check_type(name, value, str(types[name]))
    if body.get("effect") not in EFFECTS:
        raise FaultError(f"effect is {body.get('effect')!r}, and must be one of {', '.join(EFFECTS)}")
    rule = FaultRule(**body)
    if not 0 < rule.probability <= 1:
        raise FaultError(f"probability is {rule.probability}, and must be above 0 and at most 1")
    if rule.calls is not None and rule.calls < 1:
        raise FaultError(f"calls is {rule.calls}, and must be at least 1")
    if rule.effect == "latency" and not 0 < rule.seconds <= _LONGEST_SECONDS:
        raise FaultError(f"a latency needs seconds, above 0 and at most {_LONGEST_SECONDS:g}")
    if rule.effect == "error" and not rule.code:
        raise FaultError("an error needs a code")
    if rule.effect == "resource" and not rule.reason:
        raise FaultError("a resource that fails needs a reason")
    if rule.status and not 400 <= rule.status < 600:
        raise FaultError(f"status is {rule.status}, and must be one of an error: 400 to 599")
    if rule.action not in ("*", *ACTIONS):
        raise FaultError(f"action is {rule.action!r}, and must be * or one of {', '.join(ACTIONS)}")
    _check_belongs(rule)
    _check_hits_something(rule)
    return rule


def _check_belongs(rule: FaultRule) -> None:
    """Refuses what the effect does not look at: whoever wrote it means another effect."""
    for effects, names in _ONLY_FOR:
        if rule.effect not in effects:
            for name in names:
                if getattr(rule, name) != getattr(_NOTHING, name):
                    raise FaultError(f"{name} is for {' and '.join(effects)}, not for {rule.effect}")


def _check_hits_something(rule: FaultRule) -> None:
    """Refuses a service or an operation that there is none of: the rule would wait for ever."""
    services = [name for name in BY_NAME if like(rule.service, name)]
    if not services:
        raise FaultError(f"the emulator has no service {rule.service}; there is {', '.join(BY_NAME)}")
    if rule.operation == "*" or len(services) > 1:
        return
    operations = create_loader().load_service_model(services[0], "service-2")["operations"]
    if not any(like(rule.operation, name) for name in operations):
        near = get_close_matches(rule.operation, operations, 1)
        meant = f"; there is {near[0]}" if near else ""
        raise FaultError(f"{services[0]} has no operation {rule.operation}{meant}")


def _check_type(name: str, value: Any, wanted: str) -> None:
    kinds: tuple[type, ...] = {"str": (str,), "bool": (bool,), "float": (int, float)}.get(wanted, (int,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise FaultError(
            f"{name} must be {'a number' if kinds[0] is int else {str: 'a text', bool: 'true or false'}[kinds[0]]}"
        )


@dataclass(slots=True)
class _Planned:
    rule: FaultRule
    chance: random.Random
    left: int | None
    hits: int = 0

    def strikes(self) -> bool:
        """Whether this match is hit; counts it if so."""
        if self.left == 0 or (self.rule.probability < 1 and self.chance.random() >= self.rule.probability):
            return False
        self.left = None if self.left is None else self.left - 1
        self.hits += 1
        return True


class Faults:
    """All rules, asked in the order in which they were set; the first that hits counts, and latencies add up with it.
    Threads may share it."""

    def __init__(self) -> None:
        self._rules: dict[str, _Planned] = {}
        self._numbers = 0
        self._lock = threading.Lock()

    def add(self, rule: FaultRule) -> str:
        """Sets a rule; returns its id."""
        with self._lock:
            self._numbers += 1
            name = f"fault-{self._numbers}"
            # Not for secrets: the same seed must hit the same calls again.
            self._rules[name] = _Planned(rule, random.Random(rule.seed), rule.calls)  # noqa: S311
        return name

    def remove(self, name: str) -> bool:
        """Ends a rule. False if there is none of that id."""
        with self._lock:
            return self._rules.pop(name, None) is not None

    def clear(self) -> None:
        """Ends all rules."""
        with self._lock:
            self._rules.clear()

    def all(self) -> list[dict[str, Any]]:
        """The rules with their ids, how often each hit, and how many calls it still waits for."""
        with self._lock:
            return [
                {"id": name, **asdict(planned.rule), "hits": planned.hits, "left": planned.left}
                for name, planned in self._rules.items()
            ]

    def disturb(self, call: Call) -> Disturbance:
        """What becomes of a call."""
        if not self._rules:
            return UNDISTURBED
        delay = 0.0
        for rule in self._hitting(call):
            if rule.effect == "latency":
                delay += rule.seconds
            elif rule.effect in ("timeout", "reset"):
                return Disturbance(None, delay, "silent" if rule.effect == "timeout" else "reset", rule.done)
            else:
                return Disturbance(_error(rule, call), delay)
        return Disturbance(None, delay) if delay else UNDISTURBED

    def resource_failure(self, account: str, region: str, stack: str, resource: str, action: str) -> str:
        """The reason why a resource of a stack fails now; "" if it does not."""
        with self._lock:
            for planned in self._rules.values():
                rule = planned.rule
                matches = rule.effect == "resource" and _all_like(
                    (rule.account, account), (rule.region, region), (rule.stack, stack),
                    (rule.resource, resource), (rule.action, action),
                )  # fmt: skip
                if matches and planned.strikes():
                    return rule.reason
        return ""

    def _hitting(self, call: Call) -> Sequence[FaultRule]:
        """Rules that hit a call, up to the first that answers it."""
        found: list[FaultRule] = []
        with self._lock:
            for planned in self._rules.values():
                if planned.rule.effect != "resource" and _concerns(planned.rule, call) and planned.strikes():
                    found.append(planned.rule)
                    if planned.rule.effect != "latency":
                        break
        return found


def _concerns(rule: FaultRule, call: Call) -> bool:
    principal = call.identity.principal
    if not like(rule.role, principal) and not like(rule.role, principal.rpartition("/")[2]):
        return False
    return _all_like(
        (rule.account, call.account), (rule.region, call.region),
        (rule.service, call.service), (rule.operation, call.operation),
    )  # fmt: skip


def _all_like(*pairs: tuple[str, str]) -> bool:
    return all(like(pattern, text) for pattern, text in pairs)


def _error(rule: FaultRule, call: Call) -> AwsError:
    if rule.effect == "throttle":
        code, message, status = _THROTTLED.get(call.service, _THROTTLED_ELSEWHERE)
    elif rule.effect == "deny":
        code = _DENIED.get(call.service, "AccessDeniedException")
        message, status = (
            f"User: {call.identity.arn} is not authorized to perform: {call.service}:{call.operation}",
            403,
        )
    else:
        code, message, status = rule.code, f"A planned fault of the emulator: {rule.code}", 400
    return AwsError(rule.code or code, rule.message or message, rule.status or status)

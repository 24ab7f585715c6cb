"""Planned trouble: what becomes of calls and resources by rule.

What a client does about trouble can only be tested where trouble comes when it is wanted. Rules say which calls it
hits; the same rules in the same order of calls hit the same ones, since chance comes from a seed.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from botocore.session import Session
from moto.core.utils import get_service_model

from csoc.emulator.cloud.calls import UNDISTURBED, AwsError, Call, Disturbance
from csoc.emulator.cloud.services import BY_NAME
from csoc.emulator.effects import EFFECTS, Delayed, FaultRule, Lost, Refused
from csoc.emulator.iam.matching import like


class FaultError(ValueError):
    """A rule that makes no sense; the message says what is wrong with it."""


_NOTHING = FaultRule("")
_DIGITS = 12
_REGION = re.compile(r"[a-z0-9*?-]+")
# Source: IAM User Guide, "IAM and AWS STS quotas", "IAM ARNs": the characters of names and paths.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@*?-]+")
_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/[!-~]+")


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
    if rule.status and not 400 <= rule.status < 600:
        raise FaultError(f"status is {rule.status}, and must be one of an error: 400 to 599")
    _check_belongs(rule)
    _check_written(rule)
    lack = EFFECTS[rule.effect].lacks(rule)
    if lack:
        raise FaultError(lack)
    _check_hits_something(rule)
    return rule


def _check_belongs(rule: FaultRule) -> None:
    """Refuses what the effect does not look at: whoever wrote it means another effect."""
    for field in fields(FaultRule):
        name = field.name
        if EFFECTS[rule.effect].has(name) or getattr(rule, name) == getattr(_NOTHING, name):
            continue
        takers = [effect for effect, row in EFFECTS.items() if row.has(name)]
        raise FaultError(f"{name} is for {' and '.join(takers)}, not for {rule.effect}")


def _check_written(rule: FaultRule) -> None:
    """Refuses what no account, region, user or role can be called."""
    digits = rule.account.replace("*", "")
    fits = len(digits) <= _DIGITS if "*" in rule.account else len(digits) == _DIGITS
    if not fits or digits.strip("0123456789?"):
        raise FaultError(f"account is {rule.account!r}, and an account id has 12 digits; * and ? stand for any")
    if not _REGION.fullmatch(rule.region):
        raise FaultError(f"region is {rule.region!r}, and must be like ap-southeast-2; * and ? stand for anything")
    pattern = rule.role.startswith(("arn:", "*")) and ("*" in rule.role or "?" in rule.role)
    if not pattern and not _NAME.fullmatch(rule.role) and not _ARN.fullmatch(rule.role):
        raise FaultError(
            f"role is {rule.role!r}, and must be the name of a user or role without its path, or "
            "arn:aws:iam::ACCOUNT:role/NAME; * and ? stand for anything"
        )


def _check_hits_something(rule: FaultRule) -> None:
    """Refuses a service or an operation that there is none of: the rule would wait for ever."""
    services = [name for name in BY_NAME if like(rule.service, name)]
    if not services:
        raise FaultError(f"the emulator has no service {rule.service}; there is {', '.join(BY_NAME)}")
    if rule.operation == "*" or len(services) > 1:
        return
    operations = get_service_model(services[0]).operation_names
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


def not_there_yet(rule: FaultRule, principals: Mapping[str, Collection[str]]) -> list[str]:
    """What a rule names that there is none of: it hits nothing until there is. principals: ARNs of all users and roles,
    by account."""
    found: list[str] = []
    if EFFECTS[rule.effect].is_of_pods:
        return found
    accounts = [account for account in principals if like(rule.account, account)]
    if not accounts:
        found.append(f"there is no account {rule.account} yet")
    if not any(like(rule.region, region) for region in _regions()):
        found.append(f"AWS has no region {rule.region}")
    if accounts and not any(_is_role(rule, arn) for account in accounts for arn in principals[account]):
        found.append(f"there is no user or role {rule.role} yet in {_these(accounts)}")
    return found


def _these(accounts: list[str]) -> str:
    return f"account {accounts[0]}" if len(accounts) == 1 else f"any of the {len(accounts)} accounts that are meant"


@lru_cache(maxsize=1)
def _regions() -> tuple[str, ...]:
    session = Session()
    return tuple(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
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


def _nobody_cares() -> None:
    """There are no pods."""


class Faults:
    """All rules, asked in the order in which they were set; the first that hits counts, and latencies add up with it.
    Threads may share it. changed: called after rules of pods were set or ended, for who goes by them."""

    def __init__(self) -> None:
        self.changed: Callable[[], None] = _nobody_cares
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
        self._tell(rule)
        return name

    def remove(self, name: str) -> bool:
        """Ends a rule. False if there is none of that id."""
        with self._lock:
            gone = self._rules.pop(name, None)
        if gone is not None:
            self._tell(gone.rule)
        return gone is not None

    def clear(self) -> None:
        """Ends all rules."""
        with self._lock:
            gone = [planned.rule for planned in self._rules.values()]
            self._rules.clear()
        self._tell(*gone)

    def of_pods(self) -> list[FaultRule]:
        """The rules that hold for pods."""
        with self._lock:
            rules = [planned.rule for planned in self._rules.values()]
        return [rule for rule in rules if EFFECTS[rule.effect].is_of_pods]

    def _tell(self, *rules: FaultRule) -> None:
        if any(EFFECTS[rule.effect].is_of_pods for rule in rules):
            self.changed()

    def all(self) -> list[dict[str, Any]]:
        """The rules with their ids, how often each hit (None for those of pods, which are not counted), and how many
        calls it still waits for."""
        with self._lock:
            return [
                {
                    "id": name, **asdict(planned.rule), "left": planned.left,
                    "hits": None if EFFECTS[planned.rule.effect].is_of_pods else planned.hits,
                }
                for name, planned in self._rules.items()
            ]  # fmt: skip

    def disturb(self, call: Call) -> Disturbance:
        """What becomes of a call."""
        if not self._rules:
            return UNDISTURBED
        delay = 0.0
        with self._lock:
            for planned in self._rules.values():
                does = EFFECTS[planned.rule.effect].does
                if does is None or not _concerns(planned.rule, call) or not planned.strikes():
                    continue
                outcome = does(planned.rule, call)
                if not isinstance(outcome, Delayed):
                    return _disturbance(outcome, delay)
                delay += outcome.seconds
        return Disturbance(None, delay) if delay else UNDISTURBED

    def resource_failure(self, account: str, region: str, stack: str, resource: str, action: str) -> str:
        """The reason why a resource of a stack fails now; "" if it does not."""
        with self._lock:
            for planned in self._rules.values():
                rule = planned.rule
                matches = EFFECTS[rule.effect].is_of_resources and _all_like(
                    (rule.account, account), (rule.region, region), (rule.stack, stack),
                    (rule.resource, resource), (rule.action, action),
                )  # fmt: skip
                if matches and planned.strikes():
                    return rule.reason
        return ""


def _concerns(rule: FaultRule, call: Call) -> bool:
    return _is_role(rule, call.identity.principal) and _all_like(
        (rule.account, call.account), (rule.region, call.region),
        (rule.service, call.service), (rule.operation, call.operation),
    )  # fmt: skip


def _is_role(rule: FaultRule, principal: str) -> bool:
    return like(rule.role, principal) or like(rule.role, principal.rpartition("/")[2])


def _all_like(*pairs: tuple[str, str]) -> bool:
    return all(like(pattern, text) for pattern, text in pairs)


def _disturbance(outcome: Refused | Lost, delay_seconds: float) -> Disturbance:
    if isinstance(outcome, Refused):
        return Disturbance(AwsError(outcome.code, outcome.message, outcome.status), delay_seconds)
    return Disturbance(None, delay_seconds, outcome.fate, outcome.done)

"""Resources that are only complete once somebody says so: CreationPolicy and SignalResource.

Source: AWS CloudFormation User Guide, "CreationPolicy attribute"; API reference, SignalResource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stack_records import Stack
from csoc.emulator.cloudformation.template.model import text_of

_DURATION = re.compile(r"PT(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,9})S)?")
_LONGEST_COUNT = 9
_DEFAULT_SECONDS = 300.0
_LONGEST_SECONDS = 12 * 3600.0


def awaits(policy: Mapping[str, Any]) -> bool:
    """True if a creation policy asks for signals."""
    return isinstance(policy.get("ResourceSignal"), Mapping)


def received(stack: Stack, logical_id: str, policy: Mapping[str, Any], since: datetime, now: datetime) -> bool:
    """True if enough signals came. Raises ResourceError if they cannot be enough any more, or came too late."""
    asked = policy["ResourceSignal"]
    count, longest = _count(asked), _seconds(asked)
    statuses = list(stack.signals.get(logical_id, {}).values())
    failures = statuses.count("FAILURE")
    if failures:
        raise ResourceError(
            f"Received {failures} FAILURE signal(s) out of {count}. Unable to satisfy 100% "
            "MinSuccessfulInstancesPercent requirement",
            "NotStabilized",
        )
    if len(statuses) >= count:
        return True
    if (now - since).total_seconds() >= longest:
        raise ResourceError(
            f"Failed to receive {count - len(statuses)} resource signal(s) within the specified duration",
            "NotStabilized",
        )
    return False


def _count(asked: Mapping[str, Any]) -> int:
    text = text_of(asked.get("Count", 1))
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_COUNT:
        raise ResourceError(f"CreationPolicy: Count is {text!r}, and has to be a whole number", "InvalidRequest")
    return int(text)


def _seconds(asked: Mapping[str, Any]) -> float:
    text = text_of(asked.get("Timeout", ""))
    if not text:
        return _DEFAULT_SECONDS
    match = _DURATION.fullmatch(text)
    if match is None or text == "PT":
        raise ResourceError(f"CreationPolicy: Timeout is {text!r}, and has to be like PT15M", "InvalidRequest")
    found = sum(int(match[name] or 0) * unit for name, unit in (("hours", 3600), ("minutes", 60), ("seconds", 1)))
    return min(float(found), _LONGEST_SECONDS)

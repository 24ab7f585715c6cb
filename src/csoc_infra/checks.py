"""Checks of single settings, for `settings.setting(check=...)`: each raises ValueError with what is wanted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

Check = Callable[[Any], None]

_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def matches(pattern: str, wanted: str) -> Check:
    """Text that the whole pattern fits. wanted: what to write, for people."""
    compiled = re.compile(pattern)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(f"wanted is {wanted}")

    return check


def between(low: float, high: float) -> Check:
    """A number within both."""

    def check(value: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"wanted is {low} to {high}")

    return check


def at_most(items: int) -> Check:
    """A list or mapping of at most so many."""

    def check(value: Any) -> None:
        if len(value) > items:
            raise ValueError(f"there are {len(value)}, and at most {items} are possible")

    return check


def each(check_one: Check) -> Check:
    """Every item of a list, each once."""

    def check(value: Iterable[Any]) -> None:
        seen: set[Any] = set()
        for number, item in enumerate(value):
            try:
                check_one(item)
            except ValueError as error:
                raise ValueError(f"item {number}: {error}") from None
            if item in seen:
                raise ValueError(f"item {number} is there twice")
            seen.add(item)

    return check


def hostname(value: str) -> None:
    """A DNS name in lower case with at least two labels."""
    if not _HOST.fullmatch(value):
        raise ValueError("wanted is a host name in lower case, like portal.example.org")


def network(value: str) -> None:
    """An IPv4 network, written with the address that it begins with."""
    try:
        ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError("wanted is an IPv4 network like 203.0.113.0/24") from None
    if "/" not in value:
        raise ValueError("wanted is an IPv4 network like 203.0.113.0/24, with its length")


def named_network(value: str) -> None:
    """An IPv4 network that is somebody's, not half of the internet."""
    network(value)
    if ipaddress.IPv4Network(value).prefixlen < 8:
        raise ValueError("that is most of the internet; wanted are the networks of those who may")


def arn(service: str) -> Check:
    """An ARN of a service."""
    compiled = re.compile(rf"arn:aws[a-z-]*:{service}:[a-z0-9-]*:(\d{{12}})?:[\w+=,.@:/*-]{{1,900}}", re.ASCII)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(f"wanted is an ARN of {service}")

    return check


role_arn: Check = matches(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,500}", "the ARN of a role")
instance_type: Check = matches(r"[a-z][a-z0-9-]{1,15}\.[a-z0-9-]{2,15}", "an instance type like m6i.large")
label: Check = matches(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "lower-case letters, digits and hyphens, at most 63")

RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


def retention(value: int) -> None:
    """A number of days that CloudWatch Logs knows."""
    if value not in RETENTION_DAYS:
        raise ValueError(f"wanted is one of {', '.join(map(str, RETENTION_DAYS))}")

"""From a hostname to the load balancer that it stands for, as the internet's resolvers find it. Pure.

Source: Amazon Route 53 Developer Guide, "Choosing between alias and non-alias records".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from csoc.emulator.cloud.moto_edge import Record

_MOST_STEPS = 8
_ADDRESSES = ("A", "AAAA")

Records = Callable[[str], Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Resolved:
    """balancer: name of the load balancer, "" if there is no way to one. why: in words, if there is none. chain: the
    names on the way."""

    balancer: str
    why: str = ""
    chain: tuple[str, ...] = ()


def resolve(name: str, records: Records, is_balancer: Callable[[str], bool]) -> Resolved:
    """Follows aliases and CNAMEs from a name."""
    at, chain = name.rstrip(".").lower(), []
    for _ in range(_MOST_STEPS):
        chain.append(at)
        if is_balancer(at):
            return Resolved(at, chain=tuple(chain))
        found = list(records(at))
        onward = next((one for one in found if one.type == "CNAME" or one.is_alias), None)
        if onward is None or not onward.values:
            return Resolved("", _dead_end(at, found), tuple(chain))
        at = onward.values[0]
    return Resolved("", f"{name} leads over more than {_MOST_STEPS} names", tuple(chain))


def _dead_end(name: str, found: Sequence[Record]) -> str:
    if name.endswith(".amazonaws.com"):
        return f"there is no load balancer {name}"
    if any(one.type in _ADDRESSES for one in found):
        return f"{name} has an address that is no load balancer of the emulator"
    if found:
        return f"{name} has no record of type A, AAAA or CNAME"
    return f"no public zone of any account has a record {name}"

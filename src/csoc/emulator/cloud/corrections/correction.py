"""What a correction is, and what corrections keep that moto has no place for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.cloud.calls import Answer, Call
from csoc.emulator.timeline import Timeline

Before = Callable[[Call], Answer | None]
"""Looks at a call on its way to moto: raises AwsError to refuse it, or answers in moto's place; None: moto answers."""

After = Callable[[Call, dict[str, Any]], Answer]
"""Gets moto's answer, parsed, and gives what the caller is told."""

_EVERYWHERE = frozenset({"iam", "budgets", "s3"})
"""Services whose resources are the same in each region."""


@dataclass(frozen=True, slots=True)
class Correction:
    """Of one service, by operation."""

    service: str
    before: Mapping[str, Before] = field(default_factory=dict)
    after: Mapping[str, After] = field(default_factory=dict)


Key = tuple[str, str, str, str]


class Memory:
    """Values of resources that moto has no place for, and the resources of operations that it lacks; by account,
    region, kind and name. Threads may share it."""

    def __init__(self) -> None:
        self._kept: dict[Key, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def keep(self, call: Call, kind: str, name: str, values: Mapping[str, Any]) -> None:
        """Remembers values besides what is remembered already."""
        with self._lock:
            self._kept.setdefault(_key(call, kind, name), {}).update(values)

    def kept(self, call: Call, kind: str, name: str) -> dict[str, Any] | None:
        """A copy of what is remembered of one resource; None if nothing is."""
        with self._lock:
            found = self._kept.get(_key(call, kind, name))
            return dict(found) if found is not None else None

    def forget(self, call: Call, kind: str, name: str) -> bool:
        """True if there was something to forget."""
        with self._lock:
            return self._kept.pop(_key(call, kind, name), None) is not None

    def all_kept(self) -> dict[Key, dict[str, Any]]:
        """Everything, to be kept over a restart."""
        with self._lock:
            return {key: dict(values) for key, values in self._kept.items()}

    def restore(self, kept: dict[Key, dict[str, Any]]) -> None:
        """Takes what was kept."""
        with self._lock:
            self._kept |= kept

    def names(self, call: Call, kind: str) -> list[str]:
        """The names that are remembered of a kind, sorted."""
        wanted = _key(call, kind, "")[:3]
        with self._lock:
            return sorted(key[3] for key in self._kept if key[:3] == wanted)


@dataclass(frozen=True, slots=True)
class _Working:
    """One resource that is under way. number: unlike that of any other beginning."""

    number: int
    status: str
    seconds: float


class UnderWay:
    """What a service still works at: an instance that is `creating` for its time. Threads may share it."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._working: dict[Key, _Working] = {}
        self._number = 0
        self._lock = threading.Lock()

    def begin(self, call: Call, kind: str, name: str, status: str, seconds: float) -> None:
        """From here on a resource has a status, for so many emulated seconds."""
        self._begin(_key(call, kind, name), status, seconds)

    def _begin(self, key: Key, status: str, seconds: float) -> None:
        with self._lock:
            self._number += 1
            mine = self._working[key] = _Working(self._number, status, seconds)

        def over() -> None:
            with self._lock:
                if self._working.get(key) == mine:
                    del self._working[key]

        self._timeline.later(seconds, over)

    def all_kept(self) -> dict[Key, tuple[str, float]]:
        """Status and seconds of all that is under way, to be kept over a restart."""
        with self._lock:
            return {key: (working.status, working.seconds) for key, working in self._working.items()}

    def restore(self, kept: Mapping[Key, tuple[str, float]]) -> None:
        """Goes on with what was kept: nobody finished it meanwhile, so it takes its whole time anew."""
        for key, (status, seconds) in kept.items():
            self._begin(key, status, seconds)

    def status(self, call: Call, kind: str, name: str) -> str:
        """The status of a resource that is under way, "" for one that is not."""
        with self._lock:
            found = self._working.get(_key(call, kind, name))
        return found.status if found is not None else ""

    def stop(self, call: Call, kind: str, name: str) -> None:
        """Forgets a resource that is gone."""
        with self._lock:
            self._working.pop(_key(call, kind, name), None)


def _key(call: Call, kind: str, name: str) -> Key:
    return (
        call.owner or call.account,
        "" if call.service in _EVERYWHERE else call.region,
        f"{call.service}:{kind}",
        name,
    )


@dataclass(frozen=True, slots=True)
class Echo:
    """Members of a service's answers that moto drops and that a caller gave: they are told again.

    members: parameter by member of the answer (most are named alike). name: of the parameter that names the resource;
    told_name: of the answer's member. sets, removes: operations. shows: by operation, where the resources stand in the
    answer ("DBClusters"), a list or one; "" for the whole answer. small: names are written in small letters. within:
    the parameter that holds name and members, if they are not parameters themselves.
    """

    service: str
    kind: str
    name: str
    told_name: str
    members: Mapping[str, str]
    sets: Iterable[str]
    removes: Iterable[str]
    shows: Mapping[str, str]
    small: bool = False
    within: str = ""


def echoing(memory: Memory, echo: Echo) -> Correction:
    """The correction that an Echo describes."""

    def named(value: Any) -> str:
        return str(value).lower() if echo.small else str(value)

    def remember(call: Call, answer: dict[str, Any]) -> Answer:
        asked = call.parameters[echo.within] if echo.within else call.parameters
        given = {member: asked[name] for member, name in echo.members.items() if name in asked}
        if given:
            memory.keep(call, echo.kind, named(asked[echo.name]), given)
        return show(call, answer) if call.operation in echo.shows else answer

    def show(call: Call, answer: dict[str, Any]) -> Answer:
        where = echo.shows[call.operation]
        found = answer.get(where) if where else answer
        for resource in found if isinstance(found, list) else [found]:
            if resource:
                name = resource.get(echo.told_name, call.parameters.get(echo.name, ""))
                resource.update(memory.kept(call, echo.kind, named(name)) or {})
        return answer

    def forget(call: Call, answer: dict[str, Any]) -> Answer:
        told = show(call, answer) if call.operation in echo.shows else answer
        memory.forget(call, echo.kind, named(call.parameters[echo.name]))
        return told

    after: dict[str, After] = {
        **dict.fromkeys(echo.shows, show),
        **dict.fromkeys(echo.sets, remember),
        **dict.fromkeys(echo.removes, forget),
    }
    return Correction(echo.service, after=after)

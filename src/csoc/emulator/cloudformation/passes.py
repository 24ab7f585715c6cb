"""Goes through resources in the order of their dependencies, many at once, and stops where one fails.

Creating, changing and deleting are the same walk with other steps: what is ready begins, takes its time on the
timeline, and makes others ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.timeline import Cancel, Timeline


@dataclass(frozen=True, slots=True)
class Step:
    """One resource's part of a pass. after: names of steps that come first. begin: starts it and says how many seconds
    it takes; raises ResourceError. end: says how many seconds more, 0 when it is done; may raise ResourceError as well.
    failed: tells why. cancelled: it was under way when another failed."""

    name: str
    after: frozenset[str]
    begin: Callable[[], float]
    end: Callable[[], float]
    failed: Callable[[ResourceError], None]
    cancelled: Callable[[], None]


@dataclass(slots=True)
class Pass:
    """One walk. whole: go on after a failure with what does not depend on it (deleting), instead of stopping. past:
    go on with what depends on it as well (cleaning up). done: called once, with the names that failed; guard: wraps
    everything that the timeline calls."""

    timeline: Timeline
    steps: Mapping[str, Step]
    done: Callable[[Sequence[str]], None]
    guard: Callable[[Callable[[], None]], Callable[[], None]]
    whole: bool = False
    past: bool = False
    _waiting: set[str] = field(default_factory=set)
    _under_way: dict[str, Cancel] = field(default_factory=dict)
    _finished: set[str] = field(default_factory=set)
    _failed: list[str] = field(default_factory=list)
    _over: bool = False

    def start(self) -> None:
        """Begins what needs nothing else."""
        self._waiting = set(self.steps)
        self._go_on()

    def stop(self) -> None:
        """Ends the walk where it is: what is under way is cancelled and done is not called."""
        self._over = True
        self._cancel()

    def _go_on(self) -> None:
        # Steps that take no time end at once and make others ready, so this loops until nothing more begins.
        begun = True
        while begun and not self._over and (self.whole or not self._failed):
            begun = False
            for name in sorted(self._waiting):
                step = self.steps[name]
                if not (step.after & self.steps.keys()) <= self._finished:
                    continue
                self._waiting.discard(name)
                begun = True
                self._begin(step)
                if self._failed and not self.whole:
                    break
        if not self._over and not self._under_way:
            stuck = self._failed and not self.whole
            if stuck or not self._waiting or not self._ready():
                self._over = True
                self.done(tuple(self._failed))

    def _ready(self) -> bool:
        return any((self.steps[name].after & self.steps.keys()) <= self._finished for name in self._waiting)

    def _begin(self, step: Step) -> None:
        try:
            seconds = step.begin()
        except ResourceError as error:
            self._fail(step, error)
            return
        if seconds <= 0:
            self._end(step)
            return
        self._wait(step, seconds)

    def _wait(self, step: Step, seconds: float) -> None:
        self._under_way[step.name] = self.timeline.later(seconds, self.guard(lambda: self._later(step)))

    def _later(self, step: Step) -> None:
        if self._over or self._under_way.pop(step.name, None) is None:
            return
        self._end(step)
        self._go_on()

    def _end(self, step: Step) -> None:
        try:
            seconds = step.end()
        except ResourceError as error:
            self._fail(step, error)
            return
        if seconds > 0:
            self._wait(step, seconds)
        else:
            self._finished.add(step.name)

    def _fail(self, step: Step, error: ResourceError) -> None:
        step.failed(error)
        self._failed.append(step.name)
        if self.past:
            self._finished.add(step.name)
        if not self.whole:
            self._cancel()

    def _cancel(self) -> None:
        for name, cancel in list(self._under_way.items()):
            cancel()
            del self._under_way[name]
            self.steps[name].cancelled()
            self._failed.append(name)

"""What the renderings of one run may cost together: a repository decides how many there are, so each one's limit is not
enough.

Three things hold: the time of all renderings together is bounded; what reached a limit is not tried again with the same
chart, values and limits for a day (a day, since a busy machine reaches limits that an idle one does not); and a chart
that reached limits three times is not tried again in this run. What was not tried is checked by values only, and said.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from csoc.clock import Clock, system_clock
from csoc.config import Settings
from csoc.fleet.argocd.model import Problem
from csoc.fleet.argocd.trees import problem_at
from csoc.fleet.caching import Cache
from csoc.fleet.charts import NOT_TRIED, ChartArchive, RenderFailure
from csoc.fleet.location import Location

NOT_RENDERED = "not rendered"
"""The kind of the Problem about environments that were checked by their values only, since rendering was cut short."""
_NAMESPACE = "render-limit-1"
_STRIKES = 3
_SPENT = "rendering took the time that one run may spend on it"
_MORE_TIME = "Raise render.total_seconds in the settings, or check again: what was rendered is kept"
_MEND = "Mend the chart or its values, or raise the limits of [render] in the settings"
_KNOWN_FOR = timedelta(days=1)


class RenderBudget:
    """A `fleet.charts.RenderGate` for one run. limits: names the limits of one rendering, so that other limits are
    tried anew; now: seconds on a clock that never goes back."""

    def __init__(
        self,
        seconds: float,
        cache: Cache,
        *,
        limits: str = "",
        clock: Clock = system_clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._cache = cache
        self._limits = limits
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self.begin()

    @classmethod
    def from_settings(cls, settings: Settings, cache: Cache) -> RenderBudget:
        """With the limits of csoc's settings."""
        render = settings.render
        limits = f"{render.cpu_seconds} {render.memory_bytes} {render.output_bytes}"
        return cls(render.total_seconds, cache, limits=limits)

    def begin(self) -> None:
        """A new run: nothing is spent, and every chart may be tried."""
        with self._lock:
            self._spent = 0.0
            self._running = 0
            self._since = 0.0
            self._strikes: Counter[str] = Counter()
            self._last: dict[str, str] = {}

    def refusal(self, chart: ChartArchive, key: str) -> RenderFailure | None:
        """See the port."""
        known = self._known(key)
        if known:
            return RenderFailure("limit", known)
        with self._lock:
            if self._strikes[chart.digest] >= _STRIKES:
                said = self._last[chart.digest]
                cause = f"the chart {chart.name} reached a limit {_STRIKES} times and was not tried again: {said}"
                return RenderFailure(NOT_TRIED, cause)
            if self._spent_until_now() >= self._seconds:
                return RenderFailure(NOT_TRIED, f"{_SPENT}, {self._seconds:g} seconds (render.total_seconds)")
            if not self._running:
                self._since = self._now()
            self._running += 1
        return None

    def ended(self, chart: ChartArchive, key: str, limit: str) -> None:
        """See the port."""
        with self._lock:
            if self._running:  # a run that began meanwhile has forgotten it
                self._running -= 1
                if not self._running:
                    self._spent += self._now() - self._since
            if limit:
                self._strikes[chart.digest] += 1
                self._last[chart.digest] = limit
        if limit:
            value = json.dumps({"limit": limit, "at": self._clock().isoformat()})
            self._cache.put_many(_NAMESPACE, {self._key(key): value.encode()})

    def _spent_until_now(self) -> float:
        """Seconds in which at least one rendering ran."""
        return self._spent + (self._now() - self._since if self._running else 0.0)

    def _known(self, key: str) -> str:
        """The limit that this very rendering reached a short while ago, or ""."""
        value = self._cache.get_many(_NAMESPACE, (self._key(key),)).get(self._key(key))
        if value is None:
            return ""
        try:
            data = json.loads(value)
            at, limit = datetime.fromisoformat(data["at"]), data["limit"]
            fresh = timedelta() <= self._clock() - at < _KNOWN_FOR
        except (ValueError, KeyError, TypeError):
            return ""  # a cut or altered entry is as good as none
        return limit if fresh and isinstance(limit, str) else ""

    def _key(self, key: str) -> str:
        return f"{key} {self._limits}"


def problems(not_tried: Mapping[str, tuple[RenderFailure, Location]]) -> tuple[Problem, ...]:
    """One Problem for each reason why environments were not rendered. not_tried: why, and the Application's place, by
    environment."""
    places: dict[str, list[Location]] = {}
    for failure, place in not_tried.values():
        places.setdefault(failure.message, []).append(place)
    found = []
    for reason, where in places.items():
        count = f"{len(where)} environments were" if len(where) != 1 else "1 environment was"
        fix = _MORE_TIME if reason.startswith(_SPENT) else _MEND
        found.append(problem_at(NOT_RENDERED, f"{count} checked by values only: {reason}", where, fix))
    return tuple(found)

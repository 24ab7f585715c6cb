"""Times of a cron schedule, as CronJobs write them.

Source: github.com/robfig/cron/v3 (ParseStandard), which Kubernetes uses: five fields, names of months and days,
`@daily` and its like, `@every`; a day matches by day of month or day of week if both are given. A number
that does not fit into 64 bits is none, as there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from csoc.emulator.kubernetes import moments

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_DAYS = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = re.compile(r"(\d+)(h|m|s)")
_UNITS = {"h": 3600, "m": 60, "s": 1}
_MOST_DIGITS = 19
"""Of a number of 64 bits. Python itself reads no more than 4300."""
_LONGEST_SHOWN = 200
_YEARS = 5
"""A schedule that no day of so many years meets has no next time (30 February)."""


class ScheduleError(ValueError):
    """A schedule that is none."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule. every_seconds: of an `@every`, 0 otherwise."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = True
    any_weekday: bool = True
    every_seconds: int = 0

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment; None if there is none in five years."""
        if self.every_seconds:
            return moments.moved(moment.replace(microsecond=0), self.every_seconds)
        found = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = moment.year + _YEARS
        while found.year <= end:
            if found.month not in self.months:
                found = (found.replace(day=1, hour=0, minute=0) + timedelta(days=32)).replace(day=1)
            elif not self._on(found):
                found = found.replace(hour=0, minute=0) + timedelta(days=1)
            elif found.hour not in self.hours:
                found = found.replace(minute=0) + timedelta(hours=1)
            elif found.minute not in self.minutes:
                found += timedelta(minutes=1)
            else:
                return found
        return None

    def _on(self, moment: datetime) -> bool:
        by_day = moment.day in self.days
        by_weekday = moment.isoweekday() % 7 in self.weekdays
        return (by_day and by_weekday) if self.any_day or self.any_weekday else (by_day or by_weekday)


def parse(text: str) -> Schedule:
    """Raises ScheduleError in the words of the library."""
    written = text.strip()
    if written.startswith("@every "):
        parts = [(number.lstrip("0") or "0", unit) for number, unit in _EVERY.findall(written.removeprefix("@every "))]
        fits = all(len(number) <= _MOST_DIGITS for number, _ in parts)
        seconds = sum(int(number) * _UNITS[unit] for number, unit in parts) if fits else 0
        if not seconds:
            raise ScheduleError(f"failed to parse duration {_shown(written)}")
        return Schedule(every_seconds=seconds)
    if written.startswith("@"):
        if written not in _NAMED:
            raise ScheduleError(f"unrecognized descriptor: {written}")
        written = _NAMED[written]
    fields = written.split()
    if len(fields) != 5:
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: {fields}")
    minutes, hours, days, months, weekdays = fields
    return Schedule(
        minutes=_field(minutes, 0, 59, {}),
        hours=_field(hours, 0, 23, {}),
        days=_field(days, 1, 31, {}),
        months=_field(months, 1, 12, _MONTHS),
        weekdays=_field(weekdays, 0, 6, _DAYS),
        any_day=days[0] in "*?",
        any_weekday=weekdays[0] in "*?",
    )


def _field(text: str, least: int, most: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        if first_text in ("*", "?"):
            first, last = least, most
        else:
            first = _number(first_text, names)
            last = _number(last_text, names) if dash else (most if step_text else first)
        step = _number(step_text, {}) if step_text else 1
        if first < least:
            raise ScheduleError(f"beginning of range ({first}) below minimum ({least}): {part}")
        if last > most:
            raise ScheduleError(f"end of range ({last}) above maximum ({most}): {part}")
        if first > last:
            raise ScheduleError(f"beginning of range ({first}) beyond end of range ({last}): {part}")
        if step == 0:
            raise ScheduleError(f"step of range should be a positive number: {part}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    digits = text.lstrip("0") or "0"
    if not text.isdecimal() or len(digits) > _MOST_DIGITS:
        raise ScheduleError(f"failed to parse int from {_shown(text)}")
    return int(digits)


def _shown(text: str) -> str:
    """As an error holds it, however long it is."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."

"""Schedules of CronJobs mean what the library of Kubernetes takes them for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from csoc.emulator.kubernetes.argocd.windows import blocked
from csoc.emulator.kubernetes.controllers.cron import ScheduleError, parse
from tests.unit.emulator.kubernetes.controllers.living import Living, job

THURSDAY = datetime(2026, 1, 1, 10, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "first", "second"),
    [
        ("*/15 * * * *", "2026-01-01 10:15", "2026-01-01 10:30"),
        ("30 3 * * *", "2026-01-02 03:30", "2026-01-03 03:30"),
        ("0 0 1 */2 *", "2026-03-01 00:00", "2026-05-01 00:00"),
        ("0 9 * * mon-fri", "2026-01-02 09:00", "2026-01-05 09:00"),
        ("5 4 * * SUN", "2026-01-04 04:05", "2026-01-11 04:05"),
        ("0 12 13 * fri", "2026-01-02 12:00", "2026-01-09 12:00"),
        ("0 0 31 * *", "2026-01-31 00:00", "2026-03-31 00:00"),
        ("10-12,50 10 * * *", "2026-01-01 10:10", "2026-01-01 10:11"),
        ("20/20 * * * *", "2026-01-01 10:20", "2026-01-01 10:40"),
        ("@daily", "2026-01-02 00:00", "2026-01-03 00:00"),
        ("@hourly", "2026-01-01 11:00", "2026-01-01 12:00"),
        ("0 0 29 2 *", "2028-02-29 00:00", None),
    ],
)
def test_next_times(schedule: str, first: str, second: str | None) -> None:
    found = parse(schedule).after(THURSDAY)
    assert found is not None
    assert found.strftime("%Y-%m-%d %H:%M") == first
    after = parse(schedule).after(found)
    assert (None if second is None else after and after.strftime("%Y-%m-%d %H:%M")) == second


def test_an_interval_counts_from_the_moment() -> None:
    found = parse("@every 1h30m").after(THURSDAY)
    assert found == datetime(2026, 1, 1, 11, 37, 30, tzinfo=UTC)


def test_a_day_that_never_comes_has_no_time() -> None:
    assert parse("0 0 30 2 *").after(THURSDAY) is None


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("* * * *", "expected exactly 5 fields, found 4"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beyond end of range (3)"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("x * * * *", "failed to parse int from x"),
        ("@sometimes", "unrecognized descriptor: @sometimes"),
        (f"@every {'9' * 20}s", f"failed to parse duration @every {'9' * 20}s"),
        (f"@every 1h{'9' * 5000}m", "failed to parse duration @every 1h999"),
        (f"{'9' * 5000} * * * *", "failed to parse int from 999"),
        (f"*/{'9' * 5000} * * * *", "failed to parse int from 999"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, why: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse(schedule)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 300


def test_zeros_before_a_number_do_not_make_it_too_long() -> None:
    assert parse(f"@every {'0' * 5000}90s") == parse("@every 90s")
    assert parse(f"{'0' * 5000}5 * * * *") == parse("5 * * * *")


def test_a_cron_job_whose_interval_no_number_holds_says_so_in_an_event_and_starts_nothing() -> None:
    living = Living()
    spec = {"schedule": f"@every {'9' * 5000}s", "jobTemplate": {"spec": job("j")["spec"]}}
    metadata = {"name": "often", "namespace": "a"}
    living.add({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec})
    living.wait(3600)
    [told] = living.events("UnparseableSchedule")
    assert told.startswith('unparseable schedule: "@every 999')
    assert living.all("Job") == []


def test_a_sync_window_whose_interval_no_number_holds_blocks_and_names_the_schedule() -> None:
    window = {"kind": "allow", "schedule": f"@every {'9' * 5000}s", "duration": "1h", "applications": ["*"]}
    told = blocked({"spec": {"syncWindows": [window]}}, {"metadata": {"name": "x"}}, THURSDAY, manual=False)
    assert "cannot parse schedule" in told
    assert "failed to parse duration" in told

"""Numbers of seconds that no date can hold, wherever a client may write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from csoc.emulator.kubernetes import moments
from csoc.emulator.kubernetes.access.tokens import Signer
from csoc.emulator.kubernetes.argocd.windows import blocked
from csoc.emulator.kubernetes.controllers import cron
from csoc.emulator.kubernetes.objects.options import Options
from tests.unit.emulator.kubernetes import made
from tests.unit.emulator.kubernetes.controllers.living import Living, pod

MOST = 2**63 - 1
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_moment_that_a_date_can_hold_is_that_moment() -> None:
    assert moments.moved(START, 90.5) == START + timedelta(seconds=90.5)
    assert moments.moved(START, -90) == START - timedelta(seconds=90)


@pytest.mark.parametrize("hours", [-12, 0, 14])
@pytest.mark.parametrize("seconds", [MOST, -MOST, 1e300, -1e300, float("inf")])
def test_one_that_is_too_far_off_is_the_last_or_first_in_any_time_zone(seconds: float, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    found = moments.moved(START.astimezone(zone), seconds)
    assert found == (moments.LAST if seconds > 0 else moments.FIRST)
    assert found.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("asked", [None, MOST])
def test_a_pod_with_the_longest_grace_can_be_deleted(asked: int | None) -> None:
    simulated = made.cluster()
    pods = made.type_of(simulated, "Pod")
    spec = {"nodeName": "n", "terminationGracePeriodSeconds": MOST, "containers": [{"name": "c", "image": "i"}]}
    simulated.objects.create(pods, "default", {"metadata": {"name": "p"}, "spec": spec})
    marked, gone = simulated.objects.delete(pods, "default", "p", Options(grace_seconds=asked))
    assert not gone
    assert marked["metadata"]["deletionGracePeriodSeconds"] == MOST
    assert marked["metadata"]["deletionTimestamp"] == "9999-12-30T00:00:00Z"
    assert simulated.objects.delete(pods, "default", "p", Options(grace_seconds=0))[1]


def test_a_pod_with_the_longest_grace_ends_when_its_containers_have() -> None:
    living = Living()
    living.add(pod("web", terminationGracePeriodSeconds=MOST))
    living.wait()
    living.delete("Pod", "web")
    living.wait(60)
    assert living.find("Pod", "web") is None


def test_a_schedule_of_the_longest_interval_has_a_next_time() -> None:
    assert cron.parse(f"@every {'9' * 15}h").after(START) == moments.LAST


def test_a_token_of_the_longest_life_is_signed() -> None:
    account = {"metadata": {"name": "default", "namespace": "a", "uid": "u"}}
    assert Signer("https://issuer.example.org").token(account, [], MOST, START)[1] == moments.LAST


def test_a_window_of_more_hours_than_there_are_is_refused_by_its_duration() -> None:
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "999999h" * 30_000, "applications": ["*"]}
    application = {"metadata": {"name": "a"}, "spec": {"destination": {}}}
    assert "cannot parse duration" in blocked({"spec": {"syncWindows": [window]}}, application, START, manual=False)

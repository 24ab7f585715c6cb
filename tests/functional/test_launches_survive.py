"""Launches whose executors are killed, doubled and stopped at chosen points: always the same end, every effect once.

The emulator counts: stacks were executed once, secrets put once, commits made once. `make soak` kills launches in every
one of their steps, and at random points.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import pytest

from csoc.operations.leases import LeaseTimes
from tests.functional.csoc_process import CsocProcess, Pace, Point
from tests.functional.launch_site import CANARY, Launch, Site, finish, open_site, until

SOAK = int(os.environ.get("CSOC_SOAK") or 0)
_LEASES = Pace(times=LeaseTimes(hold_seconds=4, stop_seconds=3, renew_seconds=0.5))
_CREATE, _EXECUTE = "aws cloudformation CreateChangeSet", "aws cloudformation ExecuteChangeSet"
_POLICY, _PUT = "aws cloudformation SetStackPolicy", "aws secretsmanager PutSecretValue"
_COMMIT, _STORED, _KUBE = "git commit", "database commit", "kube *"
_ASKS = ("Describe", "Get", "List", "AssumeRole", "GET")

FEW = (
    Point(_EXECUTE, "apply network", "after"),
    Point(_CREATE, "apply cluster", "after"),
    Point(_KUBE, "bootstrap cluster", "after", nth=25),
    Point(_COMMIT, "write platform", "after"),
    Point(_POLICY, "apply database", "before"),
    Point(_COMMIT, "deploy gen3", "after"),
    Point(_EXECUTE, "publish address", "after"),
)
"""Where the launch of `make test` is killed: behind what cannot be undone, before csoc knows of it."""

WAITED_FOR = (Point(_COMMIT, moment="after"), Point(_STORED, moment="after", nth=3), Point(_EXECUTE, moment="after"))
"""Where `csoc launch --wait` of `make test` is killed: behind its documents, among its plans, behind a stack."""

PREPARING = (
    *(Point(_COMMIT, moment=moment) for moment in ("before", "after")),
    *(Point(_CREATE, moment=moment, nth=nth) for nth in (1, 2) for moment in ("before", "after")),
    *(Point(_STORED, moment=moment, nth=nth) for nth in (1, 2, 3, 4) for moment in ("before", "after")),
)
"""Where `csoc launch` itself is killed: documents, change sets of plans, then plans, approvals and runs."""


def every_point() -> list[Point]:
    """Before and after each effect of each step of a launch, in their order."""
    found = [Point(_STORED, "approval", moment) for moment in ("before", "after")]
    found += _around("apply network", _EXECUTE, _POLICY)
    for layer in ("apply cluster", "apply platform"):
        found += _around(layer, _CREATE, _EXECUTE, _POLICY)
    found += [Point(_KUBE, "bootstrap cluster", moment, nth) for nth in (10, 25, 30) for moment in ("before", "after")]
    found += _around("write platform", _COMMIT, "kube PATCH *")
    found += _around("wait for *", _STORED)
    found += _around("apply database", _CREATE, _EXECUTE, _POLICY)
    # It needs nothing of other layers, so that its change set is that of the plan, as the network's.
    found += _around("apply credentials", _EXECUTE, _POLICY)
    found += [Point(_PUT, "put secrets", moment, nth) for nth in (1, 3) for moment in ("before", "after")]
    for layer in ("apply resources", "apply edge"):
        found += _around(layer, _CREATE, _EXECUTE, _POLICY)
    found += _around("write outputs", _COMMIT)
    found += _around("deploy gen3", _COMMIT, "kube PATCH *")
    found += _around("follow gen3", _KUBE)
    found += _around("publish address", _CREATE, _EXECUTE, _POLICY)
    return found + _around("wait for https", _STORED) + _around("remember", _STORED)


def _around(step: str, *effects: str) -> list[Point]:
    return [Point(effect, step, moment) for effect in effects for moment in ("before", "after")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("launches")) as made:
        yield made


@pytest.fixture(scope="module")
def killed(site: Site) -> Launch:
    """A launch whose executors died at `FEW`, one after the other."""
    launch = site.launch("coral")
    for number, point in enumerate(FEW):
        site.killed(launch, ("worker", "resume")[number % 2], point)
    finish(site, launch, "resume")
    return launch


def test_a_launch_that_is_killed_behind_its_effects_goes_on_by_workers_and_by_being_resumed_and_doubles_none(
    site: Site, killed: Launch
) -> None:
    site.assert_once(killed)


def test_two_workers_at_once_bring_a_launch_to_the_end_to_which_killed_ones_come(site: Site, killed: Launch) -> None:
    launch = site.launch("kelp", cluster=killed.name)
    workers = [site.csoc("worker"), site.csoc("worker")]
    site.until_over(launch)
    for worker in workers:
        site.stop(worker)
    site.assert_once(launch)
    assert site.whole(launch) == site.whole(killed)


def test_a_worker_that_stood_still_for_longer_than_its_lease_does_nothing_when_it_goes_on(
    site: Site, killed: Launch
) -> None:
    """It stands between the fence and the effect, which is the worst moment: for a stack, a secret and a commit."""
    launch = site.launch("sponge", cluster=killed.name)
    late = [
        stood_still(site, launch, Point(_EXECUTE, "apply database", "before", pause=True)),
        stood_still(site, launch, Point(_PUT, "put secrets", "before", nth=3, pause=True)),
        stood_still(site, launch, Point(_COMMIT, "write outputs", "before", pause=True)),
    ]
    finish(site, launch)
    secrets = site.secrets(launch.uids[-1])
    for process in late:
        goes_on(process)
    until(lambda: all(len(one.border()) > _ended(one) for one in late), "they did not go on", seconds=60)
    for process in late:
        site.stop(process)
        effects = [line for line in process.border()[_ended(process) + 1 :] if _is_effect(line)]
        assert effects == [], "an executor that had lost the run went on with it"
    site.assert_once(launch, put_again=True)
    assert {name: one["value"] for name, one in site.secrets(launch.uids[-1]).items()} == {
        name: one["value"] for name, one in secrets.items()
    }


def stood_still(site: Site, launch: Launch, point: Point) -> CsocProcess:
    """A worker that stands still at a point; its lease is left to run out."""
    process = site.csoc("worker", point=point, pace=_LEASES)

    def stands() -> bool:
        assert not site.is_over(launch), "the launch ended before the point was met"
        return bool(process.ended_at)

    until(stands, "the point was not met")
    return process


def goes_on(process: CsocProcess) -> None:
    assert process.process.pid is not None
    os.kill(process.process.pid, signal.SIGCONT)


def _ended(process: CsocProcess) -> int:
    """The line at which it stood still."""
    return next(number for number, line in enumerate(process.border()) if line.startswith("ENDS "))


def _is_effect(line: str) -> bool:
    """True for what a step changes in the world; what it asks changes nothing."""
    step, _, what = line.partition(": ")
    moment, _, effect = what.partition(" ")
    if not step or moment != "before" or effect == _STORED:
        return False
    return effect == _COMMIT or not effect.split()[-1 if effect.startswith("aws") else 1].startswith(_ASKS)


def test_a_launch_that_is_killed_while_somebody_waits_for_it_goes_on_when_it_is_asked_for_again(
    site: Site, killed: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_SECRET", CANARY)
    answers = site.scene.folder / "anemone.yaml"
    answers.write_text(site.answers("anemone", killed.name, gives_secret=True), encoding="utf-8")
    command = ("launch", "--answers", str(answers), "--auto-approve", "--wait")
    for point in WAITED_FOR:
        code, said = site.ends(site.csoc(*command, point=point))
        assert code == -signal.SIGKILL, f"{point} was not met: {said}"
        site.release()
    launch = site.launch("anemone", killed.name, gives_secret=True)
    site.run(*command)
    site.assert_once(launch)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a soak: CSOC_SOAK says how many")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("how", ["worker", "resume"])
def test_soak_killed_before_and_after_every_effect_of_every_step(site: Site, how: str) -> None:
    launch = site.launch(f"every{how}")
    for point in every_point():
        site.killed(launch, how, point)
    finish(site, launch, how)
    site.assert_once(launch, put_again=True)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a soak: CSOC_SOAK says how many")
@pytest.mark.timeout(0)
def test_soak_killed_while_documents_plans_and_approvals_are_made(site: Site) -> None:
    answers = site.scene.folder / "prepared.yaml"
    answers.write_text(site.answers("prepared"), encoding="utf-8")
    for point in PREPARING:
        code, said = site.ends(site.csoc("launch", "--answers", str(answers), "--auto-approve", point=point))
        assert code == -signal.SIGKILL, f"{point} was not met: {said}"
    site.run("launch", "--answers", str(answers), "--auto-approve")
    launch = site.launch("prepared")
    finish(site, launch)
    site.assert_once(launch)


@pytest.mark.soak
@pytest.mark.skipif(not SOAK, reason="a soak: CSOC_SOAK says how many")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(1_000, 1_000 + SOAK // 4))
def test_soak_killed_at_random_points(site: Site, killed: Launch, seed: int) -> None:
    chance = random.Random(seed)
    launch = site.launch(f"reef{seed}", cluster=chance.choice(("new", killed.name, killed.name)))
    for _ in range(5):
        if not site.killed_if_met(launch, chance.choice(("worker", "resume")), Point(nth=chance.randrange(1, 400))):
            break
    finish(site, launch, chance.choice(("worker", "resume")))
    site.assert_once(launch, put_again=True)
    assert site.whole(launch) == site.whole(killed)

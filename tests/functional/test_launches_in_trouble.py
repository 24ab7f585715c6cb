"""Launches while AWS throttles, refuses or falls silent, and while databases are locked or full: they wait and come to
their end, or end saying what to do and go on from there. Nothing is lost, and nothing happens twice."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from csoc.emulator.effects import FaultRule
from csoc.operations.runs import Run, RunState
from tests.functional.csoc_process import Pace
from tests.functional.launch_site import Launch, Site, finish, open_site, until

ASKED = {
    "cloudformation": "*-provisioner",
    "secretsmanager": "*-secrets",
    "sts": "csoc-worker",
    "iam": "csoc-worker",
    "eks": "*-cluster",
}
"""The services of AWS that csoc itself asks during a launch, and as whom. CloudFormation asks the others."""
_BY_CLOUDFORMATION = "*-execution"
# What does not answer is waited for by five attempts of boto3 in each attempt of a step.
_HASTY = Pace(retry_seconds=0.02, aws_seconds=0.02, answer_seconds=1.5, wait_seconds=1)
_LASTING = (
    FaultRule("throttle", service="sts"),
    FaultRule("deny", service="sts", operation="AssumeRole"),
    FaultRule("throttle", service="cloudformation"),
    FaultRule("deny", service="cloudformation", operation="ExecuteChangeSet"),
    FaultRule("timeout", service="cloudformation", operation="SetStackPolicy"),
    FaultRule("throttle", service="secretsmanager", role=ASKED["secretsmanager"]),
    FaultRule("deny", service="secretsmanager", operation="PutSecretValue"),
    FaultRule("deny", service="cloudformation", operation="CreateChangeSet"),
    FaultRule("throttle", service="iam", role=_BY_CLOUDFORMATION),
)
"""In the order in which a launch meets them."""

_WORDS = {
    "throttle": ("Rate exceeded", "AWS throttled the calls"),
    "deny": ("not authorized",),
    "timeout": ("AWS does not answer",),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("launches")) as made:
        yield made


@pytest.fixture(scope="module")
def disturbed(site: Site) -> Launch:
    """A launch during which every service is throttled in bursts, answers late, and loses answers of what it did."""
    faults = site.scene.cloud.faults
    launch = site.launch("coral")
    site.scene.cloud.counts.clear()
    for seed, (service, role) in enumerate(ASKED.items()):
        # A person gives a secret with a command that makes five attempts, and two of them are torn down below.
        most = 2 if service == "secretsmanager" else 30
        faults.add(FaultRule("throttle", service=service, role=role, probability=0.3, seed=seed, calls=most))
        faults.add(FaultRule("latency", service=service, role=role, probability=0.2, seed=seed, seconds=0.1, calls=30))
    for operation in ("CreateChangeSet", "ExecuteChangeSet", "SetStackPolicy"):
        for is_done in (False, True):
            faults.add(FaultRule("timeout", service="cloudformation", operation=operation, calls=2, done=is_done))
    put = FaultRule("reset", service="secretsmanager", operation="PutSecretValue", role="*-secrets", calls=2, done=True)
    faults.add(put)
    worker = site.csoc("worker", pace=_HASTY)
    site.until_over(launch)
    site.stop(worker)
    faults.clear()
    return launch


def test_throttled_in_bursts_answered_late_and_not_at_all_a_launch_comes_to_its_end(
    site: Site, disturbed: Launch
) -> None:
    assert asked_besides(site) == [], "a service is asked that no test disturbs"
    site.assert_once(disturbed)


def test_throttled_and_denied_for_long_a_run_ends_saying_what_to_do_and_goes_on_from_there(
    site: Site, disturbed: Launch
) -> None:
    launch = site.launch("kelp", cluster=disturbed.name)
    for rule in _LASTING:
        is_said = rule.effect == "deny" or rule.role == _BY_CLOUDFORMATION
        if rule.operation == "PutSecretValue":
            site.give_secret(launch)
        with trouble(site, rule):
            run = ended(site, launch, RunState.FAILED if is_said else RunState.ERRORED)
        assert any(words in cause(run) for words in _WORDS[rule.effect]), cause(run)
        assert fix(run)
        assert is_said or f"csoc runs resume {run.id}" in fix(run)
        site.run("runs", "resume", run.id, "--queue")
    finish(site, launch)
    site.assert_once(launch)


@pytest.mark.parametrize("which", ["records", "engine"])
def test_a_database_that_is_locked_for_longer_than_anybody_waits_for_it_delays_a_launch_only(
    site: Site, disturbed: Launch, which: str
) -> None:
    launch = site.launch(f"sponge{which}", cluster=disturbed.name)
    worker = site.csoc("worker", pace=_HASTY)
    until(lambda: bool(site.stacks(launch.uids[-1])), "nothing began")
    with locked(site.records if which == "records" else site.engine):
        time.sleep(3)
        for arguments in (("runs", "list"), ("runs", "show", launch.runs[-1]), ("runs", "cancel", "none"), ("status",)):
            code, said = site.ends(site.csoc(*arguments, pace=_HASTY))
            assert code in (0, 2, 4, 6), said
            assert code != 6 or ("The database does not answer" in said and "fix: " in said)
    site.until_over(launch)
    site.stop(worker)
    site.assert_once(launch)


def test_a_disk_that_is_full_loses_nothing_of_a_launch(site: Site, disturbed: Launch) -> None:
    launch = site.launch("urchin", cluster=disturbed.name)
    full = Pace(retry_seconds=0.02, wait_seconds=1, is_full=True)
    worker = site.csoc("worker", pace=full)
    resumed = site.csoc("runs", "resume", launch.runs[-1], pace=full)
    until(lambda: all(one.border() or not one.process.is_alive() for one in (worker, resumed)), "they do nothing")
    time.sleep(3)
    for process in (worker, resumed):
        process.process.terminate()
        code, said = site.ends(process)
        assert code in (6, 143), said
    site.release()
    finish(site, launch, "resume")
    site.assert_once(launch)


@contextmanager
def trouble(site: Site, rule: FaultRule) -> Iterator[None]:
    """A rule for as long as the block lasts, which must have hit something by then."""
    faults = site.scene.cloud.faults
    name = faults.add(rule)
    try:
        yield
        hits = next(one["hits"] for one in faults.all() if one["id"] == name)
    finally:
        faults.remove(name)
    assert hits, f"{rule.service} was not asked"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A database that another process writes to."""
    locking = sqlite3.connect(path, timeout=20, isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        locking.execute("COMMIT")
        locking.close()


def ended(site: Site, launch: Launch, state: RunState) -> Run:
    """The run of a launch once a worker brought it to an end that is no success."""
    worker = site.csoc("worker", pace=_HASTY)

    def has_ended() -> bool:
        run = site.of(launch)[-1]
        return run.state.is_over or run.state is RunState.ERRORED

    until(has_ended, "it did not end")
    site.stop(worker)
    run = site.of(launch)[-1]
    assert run.state is state, f"{run.state}: {cause(run)}"
    return run


def asked_besides(site: Site) -> list[str]:
    """What csoc asked of other services than `ASKED`, and not CloudFormation in its name."""
    counted = site.scene.cloud.counts.all()
    own = [one for one in counted if "/CsocLink-" in one.caller or one.caller.endswith("/csoc-worker")]
    return [f"{one.service} {one.operation} {one.caller}" for one in own if not one.by and one.service not in ASKED]


def cause(run: Run) -> str:
    return next((step.cause for step in run.steps if step.state is not RunState.SUCCEEDED), "")


def fix(run: Run) -> str:
    return next((step.fix for step in run.steps if step.state is not RunState.SUCCEEDED), "")

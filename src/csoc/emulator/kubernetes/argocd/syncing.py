"""A sync, one step at a time: what has run is in the results, and each call does what comes next.

Source: gitops-engine pkg/sync/sync_context.go, function by function: Sync here is Sync there, getSyncTasks is
`_tasks` with `sync_plan.tasks_of`, runTasks is `_run`. Between two waves the real one waits two seconds
(controller/sync.go, delayBetweenSyncWaves); here the caller does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes.argocd import applying, health, marks
from csoc.emulator.kubernetes.argocd.configuration import Configuration
from csoc.emulator.kubernetes.argocd.differences import MANAGER
from csoc.emulator.kubernetes.argocd.state import type_of
from csoc.emulator.kubernetes.argocd.sync_plan import Plan, live_of, may_skip_dry_run, not_served, tasks_of
from csoc.emulator.kubernetes.argocd.tasks import (
    FAILED,
    RUNNING,
    SUCCEEDED,
    Task,
    in_order,
    reverse_prune_waves,
)
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.objects.options import Options
from csoc.emulator.kubernetes.objects.parts import name_of, namespace_of
from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
_STATES = {
    applying.SYNCED: RUNNING,
    applying.FAILED: FAILED,
    applying.PRUNED: SUCCEEDED,
    applying.PRUNE_SKIPPED: SUCCEEDED,
}
_PENDING = "pending"


@dataclass(slots=True)
class Result:
    """What came of one task, as operationState.syncResult.resources says it."""

    key: tuple[str, str, str, str, str]
    version: str
    status: str = ""
    state: str = ""
    message: str = ""
    is_hook: bool = False
    images: Sequence[str] = ()


@dataclass(slots=True)
class Sync:
    """One sync operation. phase and message are the operation's; results go on from where the last step left them.
    wave_ended: this step applied a wave and others follow."""

    objects: Objects
    settings: Configuration
    plan: Plan
    phase: str = RUNNING
    message: str = ""
    results: dict[tuple[str, str, str, str, str], Result] = field(default_factory=dict)
    wave_ended: bool = False

    def step(self) -> None:
        """Does what comes next."""
        tasks, valid = self._tasks()
        if not valid:
            self._set(FAILED, "one or more synchronization tasks are not valid")
            return
        if not self.results and not self._rehearse(tasks):
            return
        self._look_at_running(tasks)
        several = bool(tasks) and (tasks[0].wave != tasks[-1].wave or tasks[0].phase != tasks[-1].phase)
        running = [one for one in tasks if one.running and (several or one.is_hook)]
        if running:
            self._wait_for(running)
            return
        going = [one for one in tasks if one.status == applying.PRUNED and one.live is not None]
        going = [one for one in going if one.live is not None and one.live["metadata"].get("deletionTimestamp")]
        if going:
            self._wait_for(going, deletion=True)
            return
        for one in tasks:
            if one.is_hook and one.completed:
                self._free_hook(one)
        self._go_on(tasks)

    def terminate(self) -> None:
        """Ends the operation: hooks that run are deleted."""
        tasks, _ = self._tasks()
        for one in tasks:
            if not one.is_hook or one.live is None:
                continue
            self._free_hook(one)
            state, message = self._hook_state(one.live)
            if state == RUNNING:
                self._delete(one)
                state, message = SUCCEEDED, "Deleted"
            self._record(one, "", state, message)
        self._set(FAILED, "Operation terminated")

    # Which tasks there are

    def _tasks(self) -> tuple[list[Task], bool]:
        tasks = tasks_of(self.plan, self.objects)
        valid = True
        for one in tasks:
            type_ = type_of(self.objects, one.body)
            if type_ is None:
                if may_skip_dry_run(self.plan, one):
                    one.skip_dry_run = True
                else:
                    self._record(one, applying.FAILED, "", not_served(self.objects, one))
                    valid = False
            else:
                why = self.plan.permitted(one.body, type_)
                if why:
                    self._record(one, applying.FAILED, "", why)
                    valid = False
        reverse_prune_waves(tasks, prune_last=self.plan.prune_last)
        tasks = in_order(tasks)
        for one in tasks:
            result = self.results.get(one.key)
            if result is not None:
                one.status, one.state, one.message = result.status, result.state, result.message
        return tasks, valid

    # What happens to them

    def _rehearse(self, tasks: list[Task]) -> bool:
        """The dry run before anything is written, with the namespace made first. Gives whether to go on."""
        rehearsed = tasks
        first = next((one for one in tasks if one.live is None and self._is_own_namespace(one.target)), None)
        if first is not None and not self.plan.dry_run:
            if self._run([first], dry_run=False) == FAILED:
                self._fail([], [first], "the namespace failed to apply")
                return False
            rehearsed = [one for one in tasks if one is not first]
        if self.plan.out_of_sync_only:
            rehearsed = self._out_of_sync(rehearsed)
        if self._run(rehearsed, dry_run=True) == FAILED:
            self._set(FAILED, "one or more objects failed to apply (dry run)")
            return False
        return True

    def _is_own_namespace(self, body: Object | None) -> bool:
        return (
            body is not None
            and body["kind"] == "Namespace"
            and group_of(body) == ""
            and name_of(body) == self.plan.namespace
        )

    def _look_at_running(self, tasks: Iterable[Task]) -> None:
        for one in tasks:
            if not one.running or one.live is None:
                continue
            if one.is_hook:
                self._record(one, "", *self._hook_state(one.live))
                continue
            found = health.health_of(one.live, self.settings.health)
            if found is None:
                self._record(one, one.status, SUCCEEDED, one.message)
            elif found.status == health.HEALTHY:
                self._record(one, one.status, SUCCEEDED, found.message)
            elif found.status == health.DEGRADED:
                self._record(one, one.status, FAILED, found.message)

    def _hook_state(self, live: Object) -> tuple[str, str]:
        found = health.health_of(live, self.settings.health)
        if found is None:
            return SUCCEEDED, f"{name_of(live)} created"
        if found.status in (health.UNKNOWN, health.DEGRADED):
            return FAILED, found.message
        return (SUCCEEDED if found.status == health.HEALTHY else RUNNING), found.message

    def _go_on(self, tasks: list[Task]) -> None:
        """Nothing runs: failed, done, or the next wave."""
        done_hooks = [one for one in tasks if one.is_hook and one.live is not None and not one.running]
        on_success = [one for one in done_hooks if one.deleted_on_success]
        on_failure = [one for one in done_hooks if one.deleted_on_failure]
        fail_tasks = [one for one in tasks if one.phase == "SyncFail"]
        tasks = [one for one in tasks if one.phase != "SyncFail"]
        if any(one.completed and one.state != SUCCEEDED for one in tasks):
            self._delete_hooks(on_failure)
            failed = [one for one in tasks if one.status == applying.FAILED]
            self._fail(fail_tasks, failed, "one or more synchronization tasks completed unsuccessfully")
            return
        tasks = [one for one in tasks if one.pending]
        if self.plan.out_of_sync_only:
            tasks = self._out_of_sync(tasks)
        if not tasks:
            self._delete_hooks(on_success)
            self._set(SUCCEEDED, "successfully synced (no more tasks)")
            return
        phase, wave = tasks[0].phase, tasks[0].wave
        last = (phase, wave) == (tasks[-1].phase, tasks[-1].wave)
        remaining = [one for one in tasks if one.phase != phase or one.wave != wave or one.is_hook]
        now = [one for one in tasks if one.phase == phase and one.wave == wave]
        self._set(RUNNING, "one or more tasks are running")
        outcome = self._run(now, dry_run=False)
        self.wave_ended = outcome != FAILED and not last
        if outcome == FAILED:
            self._delete_hooks(on_failure)
            self._fail(
                fail_tasks, [one for one in now if one.status == applying.FAILED], "one or more objects failed to apply"
            )
        elif outcome == SUCCEEDED and not remaining:
            self._delete_hooks(on_success)
            self._set(SUCCEEDED, "successfully synced (all tasks run)")
        elif outcome == SUCCEEDED:
            self._wait_for(remaining)
        else:
            self._wait_for([one for one in now if one.deleted_on_success or one.deleted_on_failure], deletion=True)

    def _out_of_sync(self, tasks: Iterable[Task]) -> list[Task]:
        modified = {id(one.live): one.modified for one in self.plan.resources if one.live is not None}
        return [
            one
            for one in tasks
            if one.is_hook or one.target is None or one.live is None or modified.get(id(one.live), True)
        ]

    def _run(self, tasks: Sequence[Task], *, dry_run: bool) -> str:
        """Succeeded, Failed or pending."""
        dry = dry_run or self.plan.dry_run
        prunes, creates = [one for one in tasks if one.is_prune], [one for one in tasks if not one.is_prune]
        if not dry:
            for one in tasks:
                if one.is_hook and one.pending and one.live is not None:
                    self._free_hook(one)
        if not self.plan.prune_confirmed and self._asks_to_confirm(prunes):
            return _PENDING
        outcome = SUCCEEDED
        for one in prunes:
            outcome = self._prune(one, dry=dry, rehearsal=dry_run) or outcome
        if outcome != SUCCEEDED:
            return outcome
        for one in creates:
            if one.deleted_before_creation and not dry:
                self._delete(one)
                outcome = _PENDING
        if outcome != SUCCEEDED:
            return outcome
        for one in creates:
            if not (dry and one.skip_dry_run):
                outcome = self._create(one, dry=dry, rehearsal=dry_run) or outcome
        return outcome

    def _asks_to_confirm(self, prunes: Sequence[Task]) -> bool:
        waiting = [one for one in prunes if marks.has_option(one.live, "Prune=confirm")]
        if waiting:
            first = waiting[0]
            more = f" and {len(waiting) - 1} more resources" if len(waiting) > 1 else ""
            what = f"{first.body['apiVersion']}/{first.kind}/{name_of(first.body)}"
            self.message = f"Waiting for pruning confirmation of {what}{more}"
        return bool(waiting)

    def _prune(self, one: Task, *, dry: bool, rehearsal: bool) -> str:
        type_ = type_of(self.objects, one.body)
        assert type_ is not None and one.live is not None  # noqa: S101, PT018 - it is in the cluster
        status, message = applying.prune(
            self.objects, type_, one.live, self.plan.manner.propagation, allowed=self.plan.prune, dry_run=dry
        )
        if not rehearsal or self.plan.dry_run or status == applying.FAILED:
            self._record(one, status, _STATES[status], message)
        return FAILED if status == applying.FAILED else ""

    def _create(self, one: Task, *, dry: bool, rehearsal: bool) -> str:
        type_ = type_of(self.objects, one.body)
        assert one.target is not None  # noqa: S101 - it is no prune
        if type_ is None:
            status, message = applying.FAILED, not_served(self.objects, one)
        else:
            status, message = applying.apply(self.objects, type_, one.target, one.live, self.plan.manner, dry_run=dry)
        if not rehearsal or self.plan.dry_run or status == applying.FAILED:
            state = _STATES[status]
            if self.plan.dry_run and state == RUNNING:
                state = SUCCEEDED
            self._record(one, status, state, message)
        return FAILED if status == applying.FAILED else ""

    def _fail(self, fail_tasks: Sequence[Task], failed: Sequence[Task], message: str) -> None:
        reasons = list(dict.fromkeys(one.message for one in failed))
        text = f"{message}, reason: {','.join(reasons)}" if reasons else message
        if not fail_tasks or all(one.completed for one in fail_tasks):
            self._set(FAILED, text)
        elif self._run(fail_tasks, dry_run=False) == FAILED:
            why = ",".join(dict.fromkeys(one.message for one in fail_tasks if one.status == applying.FAILED))
            self._set(FAILED, f"{text}\none or more SyncFail hooks failed{', reason: ' + why if why else ''}")

    def _free_hook(self, one: Task) -> None:
        """Takes off the finalizer that keeps a hook until its phase is over."""
        type_ = type_of(self.objects, one.body)
        if one.live is None or type_ is None:
            return
        live = live_of(self.objects, one.live)
        finalizers = (live or {"metadata": {}})["metadata"].get("finalizers") or []
        if live is None or marks.HOOK_FINALIZER not in finalizers:
            return
        live["metadata"]["finalizers"] = [each for each in finalizers if each != marks.HOOK_FINALIZER]
        try:
            one.live = self.objects.update(type_, namespace_of(live), name_of(live), live, Options(manager=MANAGER))
        except ApiError as error:
            if error.reason != "NotFound":
                raise

    def _delete(self, one: Task) -> None:
        type_ = type_of(self.objects, one.body)
        if type_ is not None:
            propagation = self.plan.manner.propagation
            applying.delete(self.objects, type_, namespace_of(one.body), name_of(one.body), propagation)

    def _delete_hooks(self, tasks: Iterable[Task]) -> None:
        for one in tasks:
            self._delete(one)

    def _wait_for(self, tasks: Sequence[Task], *, deletion: bool = False) -> None:
        if not tasks:
            return
        first = tasks[0]
        what, more = ("completion of hook", "hooks") if first.is_hook else ("healthy state of", "resources")
        what = "deletion of" if deletion else what
        text = f"waiting for {what} {group_of(first.body)}/{first.kind}/{name_of(first.body)}"
        if len(tasks) > 1:
            text = f"{text} and {len(tasks) - 1} more {more}"
        self._set(RUNNING, text)

    def _set(self, phase: str, message: str) -> None:
        self.phase, self.message = phase, message

    def _record(self, one: Task, status: str, state: str, message: str) -> None:
        one.status, one.state = status, state
        one.message = message or one.message
        result = self.results.get(one.key)
        if result is None:
            version = str(one.body["apiVersion"]).rpartition("/")[2]
            images = marks.images_of(one.body)
            result = self.results[one.key] = Result(one.key, version, is_hook=one.is_hook, images=images)
        result.status, result.state, result.message = one.status, one.state, one.message

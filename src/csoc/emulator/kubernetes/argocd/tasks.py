"""The tasks of a sync: one for each object and phase, in the order in which they run.

Source: gitops-engine pkg/sync/sync_task.go, sync_tasks.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes.argocd import marks
from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.objects.parts import name_of, namespace_of

Object = dict[str, Any]
PHASES = ("PreSync", "Sync", "PostSync", "SyncFail")
RUNNING, SUCCEEDED, FAILED, ERROR, TERMINATING = "Running", "Succeeded", "Failed", "Error", "Terminating"
_KINDS = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
_ORDER = {kind: number - len(_KINDS) for number, kind in enumerate(_KINDS)}


@dataclass(slots=True)
class Task:
    """One object in one phase. status: Synced, SyncFailed, Pruned, PruneSkipped, "" before it ran. state: its phase of
    operation, "" while it is pending."""

    phase: str
    target: Object | None
    live: Object | None = None
    skip_dry_run: bool = False
    status: str = ""
    state: str = ""
    message: str = ""
    wave_override: int | None = None

    @property
    def body(self) -> Object:
        found = self.target if self.target is not None else self.live
        assert found is not None  # noqa: S101 - one of them is there
        return found

    @property
    def is_prune(self) -> bool:
        return self.target is None

    @property
    def is_hook(self) -> bool:
        return marks.is_hook(self.body)

    @property
    def wave(self) -> int:
        return marks.wave(self.body) if self.wave_override is None else self.wave_override

    @property
    def pending(self) -> bool:
        return self.state == ""

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def completed(self) -> bool:
        return self.state in (SUCCEEDED, FAILED, ERROR)

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What its result is kept by. The namespace is the target's, even of what belongs to the cluster."""
        return group_of(self.body), self.kind, namespace_of(self.body), name_of(self.body), self.phase

    def has_policy(self, policy: str) -> bool:
        return self.is_hook and policy in marks.delete_policies(self.body)

    @property
    def deleted_before_creation(self) -> bool:
        return self.live is not None and self.pending and self.has_policy("BeforeHookCreation")

    @property
    def deleted_on_success(self) -> bool:
        return self.live is not None and self.has_policy("HookSucceeded")

    @property
    def deleted_on_failure(self) -> bool:
        return self.live is not None and self.has_policy("HookFailed")


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """By phase, wave, kind and name; namespaces before what is in them, definitions before what they define."""
    found = sorted(
        tasks, key=lambda one: (PHASES.index(one.phase), one.wave, _ORDER.get(one.kind, 0), name_of(one.body))
    )
    _pull_up(found, _namespace_made, lambda body: namespace_of(body))
    _pull_up(found, _kind_made, lambda body: f"{group_of(body)}/{body['kind']}")
    return found


def _namespace_made(body: Object) -> str:
    return name_of(body) if body["kind"] == "Namespace" and group_of(body) == "" else ""


def _kind_made(body: Object) -> str:
    if body["kind"] != "CustomResourceDefinition":
        return ""
    spec = body.get("spec") or {}
    return f"{spec.get('group', '')}/{(spec.get('names') or {}).get('kind', '')}"


def _pull_up(tasks: list[Task], made: Callable[[Object], str], needed: Callable[[Object], str]) -> None:
    """Puts what others need before the first that needs it, into its phase and wave."""
    first: dict[str, int] = {}
    for number, task in enumerate(tasks):
        if task.target is None:
            continue
        name = made(task.target)
        if name:
            if name in first:
                place = first[name]
                task.wave_override, task.phase = tasks[place].wave, tasks[place].phase
                tasks.insert(place, tasks.pop(number))
                first = {one: at + 1 if at >= place else at for one, at in first.items()}
        elif needed(task.target):
            first.setdefault(needed(task.target), number)


def reverse_prune_waves(tasks: Iterable[Task], *, prune_last: bool) -> None:
    """What goes, goes in the reverse order of its waves; with PruneLast after everything else."""
    every = list(tasks)
    by_wave: dict[int, list[Task]] = {}
    for task in every:
        if task.is_prune:
            by_wave.setdefault(task.wave, []).append(task)
    waves = sorted(by_wave)
    for first, last in zip(waves[: len(waves) // 2], reversed(waves), strict=False):
        for task in by_wave[first]:
            task.wave_override = last
        for task in by_wave[last]:
            task.wave_override = first
    end = max([0, *(task.wave for task in every if task.phase == "Sync")]) + 1
    for task in every:
        if task.is_prune and (prune_last or marks.has_option(task.live, "PruneLast=true")):
            task.wave_override = end

"""Planned trouble of pods: the rules that were set become what the kubelets of simulated clusters go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from csoc.emulator.cloud.faults import Faults
from csoc.emulator.effects import FaultRule
from csoc.emulator.kubernetes.controllers.causes import Cause, Causes, Kind

_KINDS: Mapping[str, Kind] = {"crash": Kind.CRASH, "oom": Kind.OOM, "unready": Kind.READINESS}


class PodFaults:
    """causes, has_image: for the settings of clusters. reconsider: has all pods looked at again, once rules changed."""

    def __init__(self, faults: Faults, reconsider: Callable[[], None]) -> None:
        self.causes = Causes()
        self._faults = faults
        self._reconsider = reconsider
        faults.changed = self._follow

    def has_image(self, image: str) -> bool:
        """False if a rule says that it cannot be pulled. image: as a pod names it."""
        return not any(rule.effect == "image" and fnmatchcase(image, rule.image) for rule in self._faults.of_pods())

    def _follow(self) -> None:
        self.causes.replace([_cause(rule) for rule in self._faults.of_pods() if rule.effect in _KINDS])
        self._reconsider()


def _cause(rule: FaultRule) -> Cause:
    kind = _KINDS[rule.effect]
    told = rule.reason if kind is Kind.READINESS else ""
    log = (rule.reason,) if kind is Kind.CRASH and rule.reason else ()
    return Cause(kind, namespace=rule.namespace, name=rule.workload, container=rule.container, message=told, log=log)

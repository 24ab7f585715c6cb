"""Why workloads go wrong although the cluster would let them run: set by rule.

What follows from the cluster's own state (a missing Secret, an unknown image, no room on a node) needs no rule; the
kubelet and the scheduler find it by themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Kind(StrEnum):
    """What may go wrong by rule; `Cause` says how each looks. Each has a reader: the kubelet for pods that are evicted,
    `container_lives` for all others."""

    CRASH = "crash"
    EVICTED = "evicted"
    FAIL = "fail"
    LIVENESS = "liveness"
    OOM = "oom"
    READINESS = "readiness"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Cause:
    """One rule. cluster, namespace, name, container: shell patterns; name is matched against the pod's name and the
    names of all its owners ("fence-deployment" matches the pods of that Deployment).

    kind:
      crash      the container ends with exit_code after `after_seconds`, each time it is started
      fail       the same for what should run to completion; the other containers are left alone
      oom        it is killed for its memory after `after_seconds` (OOMKilled, 137)
      readiness  its readiness probe fails with `message`; it runs and never becomes ready
      liveness   its liveness probe fails with `message`; it is killed and started again
      slow       it becomes ready `after_seconds` later than others
      evicted    the pod is evicted from its node after `after_seconds`, with `message`
    times: how often the cause strikes a container (0: always). log: lines that the container writes before it ends.
    message: "" takes what is usual for the kind.

    Raises ValueError for a kind that there is not, and for a container in what evicts: a pod is evicted whole.
    """

    kind: Kind
    cluster: str = "*"
    namespace: str = "*"
    name: str = "*"
    container: str = "*"
    exit_code: int = 1
    after_seconds: float = 1.0
    message: str = ""
    log: tuple[str, ...] = ()
    times: int = 0

    def __post_init__(self) -> None:
        if Kind(self.kind) is Kind.EVICTED and self.container != "*":
            raise ValueError(f"a pod is evicted whole, not its container {self.container!r}; leave `container` out")

    def matches(self, cluster: str, namespace: str, names: Sequence[str], container: str) -> bool:
        """Whether it is about this container."""
        return (
            fnmatchcase(cluster, self.cluster)
            and fnmatchcase(namespace, self.namespace)
            and any(fnmatchcase(name, self.name) for name in names)
            and fnmatchcase(container, self.container)
        )


class Causes:
    """The rules that hold. Threads may add and remove them while clusters run.

    A rule counts for what happens next. Pods to which nothing would happen by itself, such as those that are ready,
    notice that rules have changed only after `kubelet.reconsider` of their cluster.
    """

    def __init__(self, rules: Sequence[Cause] = ()) -> None:
        self._rules = tuple(rules)
        self._lock = threading.Lock()

    def add(self, cause: Cause) -> None:
        """From now on the rule holds, for pods that run already after `kubelet.reconsider`."""
        with self._lock:
            self._rules = (*self._rules, cause)

    def remove(self, cause: Cause) -> None:
        """From now on the rule (and every equal one) holds no longer, for pods that run already after
        `kubelet.reconsider`."""
        with self._lock:
            self._rules = tuple(rule for rule in self._rules if rule != cause)

    def replace(self, rules: Sequence[Cause]) -> None:
        """From now on these rules hold and no others, for pods that run already after `kubelet.reconsider`."""
        with self._lock:
            self._rules = tuple(rules)

    def clear(self) -> None:
        """Nothing goes wrong by rule any more."""
        with self._lock:
            self._rules = ()

    def of(
        self, cluster: str, namespace: str, names: Sequence[str], container: str, kinds: Sequence[Kind], struck: int = 0
    ) -> Cause | None:
        """The first rule of these kinds about a container. struck: how often it was struck already."""
        for rule in self._rules:
            wanted = rule.kind in kinds and (not rule.times or struck < rule.times)
            if wanted and rule.matches(cluster, namespace, names, container):
                return rule
        return None

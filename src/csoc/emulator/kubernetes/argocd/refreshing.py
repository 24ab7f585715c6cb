"""When an Application must be compared again, how thoroughly, and whether its specification is allowed at all.

Source: Argo CD controller/appcontroller.go (needRefreshAppStatus, refreshAppConditions, projectErrorToCondition),
controller/state.go (repoErrorGracePeriod).
"""

from __future__ import annotations

from csoc.emulator.kubernetes.argocd import configuration, projects, statuses
from csoc.emulator.kubernetes.argocd.statuses import GROUP, REFRESH, RESOURCE
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.objects.parts import annotations_of, key_of, uid_of
from csoc.emulator.kubernetes.store import Object

NAME = "applications"
RECENT, LATEST, FORCE = 1, 2, 3
_SETTLE_SECONDS = 0.5
"""Changes of an Application's objects are looked at together, so that a roll-out is not compared at each pod."""

_GRACE_SECONDS = 180.0
"""A repository that fails is not complained about for so long, unless somebody asked for a refresh."""


def request(cluster: Cluster, application: Object, level: int) -> None:
    """Lets an Application be compared soon, at this level at least."""
    name = (uid_of(application), "refresh")
    cluster.memory[name] = max(level, cluster.memory.get(name, 0))
    key = key_of(GROUP, RESOURCE, application)
    cluster.later((uid_of(application), "refresh soon"), _SETTLE_SECONDS, lambda: cluster.wake(NAME, key))


def served(cluster: Cluster, application: Object) -> None:
    """The comparison that was asked for is made."""
    cluster.memory.pop((uid_of(application), "refresh"), None)


def needed(cluster: Cluster, application: Object) -> tuple[int, bool]:
    """(how thorough a comparison is needed, 0 for none; whether everything is rendered anew)."""
    spec, status = application.get("spec") or {}, application.get("status") or {}
    asked = annotations_of(application).get(REFRESH)
    if asked is not None:
        return FORCE, asked == "hard"
    before, now = (status.get("sync") or {}).get("comparedTo") or {}, statuses.compared_to(spec)
    if any(before.get(part) != now.get(part) for part in ("source", "sources")):
        return FORCE, False
    if not status.get("reconciledAt") or before != now:
        return LATEST, False
    wanted = cluster.memory.get((uid_of(application), "refresh"), 0)
    settling = cluster.waits((uid_of(application), "refresh soon"))
    return (0 if settling else wanted), False


def project_of(cluster: Cluster, application: Object) -> tuple[Object | None, list[str]]:
    """(the AppProject, why the specification is not allowed)."""
    name = str((application.get("spec") or {}).get("project") or "default")
    project = cluster.get(GROUP, "appprojects", configuration.NAMESPACE, name)
    if project is None:
        return None, [f"Application referencing project {name} which does not exist"]
    return project, projects.problems(application["spec"], project)


def in_grace(cluster: Cluster, application: Object) -> bool:
    """Whether a failing repository is new enough to say nothing of it yet."""
    uid = uid_of(application)
    if cluster.memory.pop((uid, "repository fails"), False):
        return False
    if not cluster.waits((uid, "grace")):

        def over() -> None:
            cluster.memory[uid, "repository fails"] = True
            request(cluster, application, LATEST)

        cluster.later((uid, "grace"), _GRACE_SECONDS, over)
    return True

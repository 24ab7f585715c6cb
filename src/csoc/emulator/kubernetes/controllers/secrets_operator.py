"""What all controllers of the External Secrets operator share: whether it runs, and how it tries again.

It works where its CRDs are installed and a Deployment of it is available, as in a real cluster. Its controllers are
`secret_stores`, `external_secrets` and `push_secrets`.
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Wakes
from csoc.emulator.kubernetes.objects.parts import (
    is_true,
    labels_of,
    uid_of,
)
from csoc.emulator.kubernetes.store import Key, Object

GROUP = "external-secrets.io"
COMPONENT = "external-secrets"
_FIRST_RETRY, _LAST_RETRY = 1.0, 300.0


def works(cluster: Cluster) -> bool:
    """Whether the operator runs in this cluster."""
    if cluster.settings.secrets is None:
        return False
    if cluster.settings.operator_always:
        return True
    return any(_is_operator(one) and is_true(one, "Available") for one in cluster.list("apps", "deployments"))


def _is_operator(deployment: Object) -> bool:
    return labels_of(deployment).get("app.kubernetes.io/name") == "external-secrets"


def retry(cluster: Cluster, controller: str, key: Key, body: Object) -> None:
    """Wakes a controller again for an object that it could not bring to its end, each time after twice as long."""
    name = (uid_of(body), "retries")
    tries = cluster.memory.get(name, 0)
    cluster.memory[name] = tries + 1
    cluster.wake(controller, key, seconds=min(_FIRST_RETRY * 2**tries, _LAST_RETRY))


def of_operator(resource: str) -> Wakes:
    """The operator became available: everything of that resource is looked at."""

    def wakes(cluster: Cluster, change: Change) -> Iterable[Key]:
        if not _is_operator(change.object) or is_true(change.before or {}, "Available"):
            return ()
        return [key for key, _ in cluster.store.texts(GROUP, resource)[0]] if works(cluster) else ()

    return wakes

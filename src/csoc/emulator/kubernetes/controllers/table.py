"""All controllers. Adding one touches its module, this table and its test."""

from __future__ import annotations

from csoc.emulator.kubernetes.controllers import (
    aggregation,
    autoscaling,
    cronjobs,
    daemonsets,
    definition_lives,
    deployments,
    disruption,
    external_secrets,
    garbage,
    jobs,
    kubelet,
    namespaces,
    push_secrets,
    replicasets,
    scheduling,
    secret_stores,
    services,
    statefulsets,
    volumes,
)
from csoc.emulator.kubernetes.controllers.cluster import Cluster, Controller, Hearing
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Store
from csoc.emulator.timeline import Timeline

CONTROLLERS = (
    namespaces.CONTROLLER,
    definition_lives.CONTROLLER,
    aggregation.CONTROLLER,
    garbage.CONTROLLER,
    deployments.CONTROLLER,
    replicasets.CONTROLLER,
    statefulsets.CONTROLLER,
    daemonsets.CONTROLLER,
    jobs.CONTROLLER,
    cronjobs.CONTROLLER,
    scheduling.CONTROLLER,
    kubelet.CONTROLLER,
    services.CONTROLLER,
    services.INGRESSES,
    volumes.CONTROLLER,
    autoscaling.CONTROLLER,
    disruption.CONTROLLER,
    secret_stores.CONTROLLER,
    external_secrets.CONTROLLER,
    push_secrets.CONTROLLER,
)


def attach(
    name: str,
    store: Store,
    settings: Settings,
    timeline: Timeline,
    hearing: Hearing,
    objects: Objects | None = None,
) -> Cluster:
    """Brings a cluster to life. hearing: made once by `hearing` and shared by all clusters. objects: the cluster's API
    as its clients have it; None for one that nothing was set for."""
    return Cluster(name, store, settings, timeline, hearing, objects)


def hearing(*more: Controller) -> Hearing:
    """All controllers and some more (those of Argo CD)."""
    return Hearing((*CONTROLLERS, *more))

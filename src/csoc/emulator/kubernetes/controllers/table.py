"""All controllers. Adding one touches its module, this table and its test."""

from __future__ import annotations

from csoc.emulator.kubernetes.controllers import (
    autoscaling,
    cronjobs,
    daemonsets,
    definitions,
    deployments,
    disruption,
    garbage,
    jobs,
    kubelet,
    namespaces,
    replicasets,
    scheduling,
    services,
    statefulsets,
    volumes,
)

CONTROLLERS = (
    namespaces.CONTROLLER,
    definitions.CONTROLLER,
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
)

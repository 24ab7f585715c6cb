"""Which services' database credentials Helm writes itself, and which of their databases it creates.

The chart does so in three cases (chart 0.3.90, charts/common/templates/_db_setup_job.tpl): without External Secrets,
with `createLocalK8sSecret`, and to push generated credentials to the manager. Each then needs host and port in values.
"""

from __future__ import annotations

from dataclasses import dataclass

from csoc.gen3.catalogue import Service
from csoc.gen3.gen3_values import Gen3Values, is_true

_PUSHES_NOTHING = frozenset({"embedding-management-service"})  # its chart leaves the template out
GLOBAL_PUSH = "global.externalSecrets.pushSecret"
KEPT_LOCAL = "global.externalSecrets.createLocalK8sSecret"
DEPLOY = "global.externalSecrets.deploy"


@dataclass(frozen=True, slots=True)
class Written:
    """Database credentials that Helm writes. switch: the values path that makes it do so. secret: their name."""

    service: Service
    switch: str
    secret: str


def written(values: Gen3Values) -> list[Written]:
    """The credentials that Helm writes for services that are on, in the catalogue's order."""
    deployed = is_true(values.get(DEPLOY))
    found: list[Written] = []
    for service in values.catalogue:
        if not service.database_job or not values.enabled(service):
            continue
        own_push = f"{service.name}.externalSecrets.pushSecret"
        pushes = service.name not in _PUSHES_NOTHING
        if not deployed:
            found.append(Written(service, DEPLOY, f"{service.name}-dbcreds"))
        elif is_true(values.get(KEPT_LOCAL)):
            found.append(Written(service, KEPT_LOCAL, f"{service.name}-dbcreds"))
        elif pushes and is_true(values.get(GLOBAL_PUSH)):
            found.append(Written(service, GLOBAL_PUSH, f"{service.name}-dbcreds-bootstrap"))
        elif pushes and is_true(values.get(own_push)):
            found.append(Written(service, own_push, f"{service.name}-dbcreds-bootstrap"))
    return found


def created(values: Gen3Values) -> list[Service]:
    """Services whose database a Job of the chart creates. One service cannot switch off what the global one says."""
    return [
        service
        for service in values.catalogue
        if service.database_job
        and values.enabled(service)
        and (
            is_true(values.get("global.postgres.dbCreate"))
            or is_true(values.get((service.name, "postgres", "dbCreate")))
        )
    ]

"""What can be set about the behaviour of workloads. One object may serve every cluster of the process."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.emulator.kubernetes.controllers.causes import Causes
from csoc.emulator.kubernetes.controllers.effects import GEN3, Effect


class SecretReader(Protocol):
    """Where External Secrets reads and writes: the secrets manager of the cluster's account, as the role of a service
    account."""

    def read(self, cluster: str, request: SecretRequest) -> str:
        """The value of a secret as text. Raises SecretError."""
        ...

    def check(self, cluster: str, request: SecretRequest) -> None:
        """Whether the store's role and address work at all; key is "". Raises SecretError."""
        ...

    def write(self, cluster: str, request: SecretRequest, value: str) -> None:
        """Makes the secret or gives it a new value. Raises SecretError."""
        ...


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """One secret of a store. provider: the only member of the store's `spec.provider` ("aws", ...) and its content.
    service_account: "namespace/name" whose role is assumed, "" if the store names none. role: what the service
    account's annotation `eks.amazonaws.com/role-arn` says, or the store's `role`. key, version: of the secret, as the
    remote reference says ("" for the current version)."""

    provider: str
    options: dict[str, Any]
    service_account: str
    role: str
    key: str
    version: str = ""
    namespace: str = ""
    access_key: tuple[str, str] | None = None


class SecretError(Exception):
    """Why a secret could not be had, in the words of the provider's SDK. missing: it does not exist."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.missing = missing


def every_image(image: str) -> bool:  # noqa: ARG001 - that is the setting
    """There is every image."""
    return True


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds of the emulated world."""

    scheduling: float = 0.1
    pulling: float = 2.0
    starting: float = 1.0
    ready: float = 2.0
    job: float = 5.0
    init: float = 1.0
    stopping: float = 1.0
    load_balancer: float = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """timing: how long things take. images: says whether a registry has an image. as_kwok: pods become ready as kwok's
    do, whatever secrets, images and causes say. causes: what goes wrong by rule. metrics: whether there is a metrics
    server. usage_percent: the CPU and memory that it reports, of the requests. uid: makes the uids of objects.
    secrets: None means that the cluster has no External Secrets operator, whatever is deployed. operator_always: the
    operator works though no deployment of it is there. region: in the host names of load balancers. ingress_classes:
    those that are served though there is no IngressClass, as commons have them. version: of
    Kubernetes, as charts' `.Capabilities` and nodes that have none of their own say it ("1.34"). event_seconds: from
    one sweep of events to the next; what was there at the first and was not counted since goes. effects: what jobs
    leave behind when they end well. cron_jobs: False lets no CronJob start anything, which thousands of clusters of a
    demonstration would do all the time."""

    timing: Timing = field(default_factory=Timing)
    images: Callable[[str], bool] = every_image
    as_kwok: bool = False
    causes: Causes = field(default_factory=Causes)
    metrics: bool = True
    usage_percent: int = 10
    uid: Callable[[], str] = lambda: str(uuid.uuid4())
    secrets: SecretReader | None = None
    operator_always: bool = False
    region: str = "us-east-1"
    ingress_classes: frozenset[str] = frozenset({"alb", "nginx"})
    version: str = "1.34"
    event_seconds: float = 3_600.0
    effects: tuple[Effect, ...] = GEN3
    cron_jobs: bool = True

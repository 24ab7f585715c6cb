"""One environment's values, and the account and cluster that its names live in.

A name in Secrets Manager means nothing without its account, and a flag means what a template makes of it. Everything
that reads values for facts goes through here, so that neither is decided twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from csoc.fleet.location import Location
from csoc.fleet.values import Path, as_path, look_up, walk
from csoc.gen3.aws_accounts import account_of_arn, is_account_id
from csoc.gen3.catalogue import Catalogue, Service, load
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST

_WITNESSES = (
    "global.aws.secretStoreServiceAccount.roleArn",
    "global.aws.account",
    "global.revproxyArn",
    "global.aws.awsEsProxyRoleArn",
    "global.aws.hatchery_role",
    "global.aws.wafv2.wafAclArn",
)
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


def is_true(value: object) -> bool:
    """True as a Helm template's `if` sees it, for flags: text counts when it is not empty."""
    return bool(value)


@lru_cache(maxsize=32)
def _tops(keys: frozenset[str]) -> frozenset[str]:
    """The first steps of all keys that a chart reads."""
    return frozenset(key.partition(".")[0] for key in keys)


@dataclass(frozen=True, slots=True)
class Gen3Values:
    """Effective values of a state, whose top is that of the Gen3 chart also where another chart wraps it."""

    state: EnvironmentState
    catalogue: Catalogue = field(default_factory=load)

    @property
    def merged(self) -> Mapping[str, Any]:
        return self.state.merged

    def get(self, path: str | Path, default: Any = None) -> Any:
        """The effective value; null counts as absent, as it does for templates."""
        value = look_up(self.merged, as_path(path))
        return default if value is None else value

    def text(self, path: str | Path) -> str:
        """The effective value as text; "" where it is absent, a mapping or a list."""
        value = self.get(path)
        return "" if value is None or isinstance(value, (dict, list, bool)) else str(value)

    def has(self, path: str | Path) -> bool:
        """True if the environment itself writes the path with something other than null."""
        return self.state.values.get(path) is not None

    def location(self, path: str | Path) -> Location | None:
        """Where the path is written, or what holds it; None if nothing on the way to it is written."""
        return self.state.values.origin(path)

    def enabled(self, service: Service) -> bool:
        """True if the chart would deploy the service."""
        if self.state.view.system == MANIFEST:
            return self.get((service.name, "enabled")) is True  # what a manifest does not name is not deployed
        if not self.in_chart(service):
            return False
        if not service.condition:
            return True
        value = self.get(service.condition)
        if value is None:
            return service.enabled
        # Helm leaves a dependency on whose condition is something else than a boolean.
        return value is not False

    def in_chart(self, service: Service) -> bool:
        """False if the chart at hand, an older or another one, certainly has no such service."""
        keys = self.state.chart_keys
        if keys is None or service.name in self.merged:
            return True
        tops = _tops(keys)
        return "*" in tops or service.name in tops

    def on(self, name: str) -> bool:
        """True if the chart would deploy the service of that name."""
        service = self.catalogue.get(name)
        return service is not None and self.enabled(service)

    @property
    def cluster(self) -> str:
        """What makes names of this cluster unique; never equal for two clusters of which one is unknown."""
        fact = self.state.view.cluster
        return fact.value if fact.known else f"unknown cluster of {self.state.view.name}"

    @property
    def account(self) -> str:
        """The account id as far as values give it away, or ""; the secret store's own role is the best witness."""
        if self.get("global.gcp.enabled") is True:
            return self.text("global.gcp.projectID")
        for path in _WITNESSES:
            value = self.text(path)
            found = account_of_arn(value)
            if found:
                return found
            if path.endswith("account") and is_account_id(value):
                return value
        if self.get("global.crossplane.enabled") is True:
            return self.text("global.crossplane.accountId")
        return next((found for arn, _ in self.role_annotations() if (found := account_of_arn(arn))), "")

    @property
    def secret_scope(self) -> str:
        """ "account/region" of Secrets Manager, or the cluster where the account is not known."""
        account = self.account
        return f"{account}/{self.text('global.aws.region') or 'us-east-1'}" if account else self.cluster

    def role_annotations(self) -> Iterator[tuple[str, Path]]:
        """Role ARNs on service accounts of services that are on, with their paths."""
        for service in self.catalogue:
            if not self.enabled(service):
                continue
            for path, value in walk(self.merged.get(service.name) or {}, (service.name,)):
                if path[-1] == ROLE_ANNOTATION and isinstance(value, str) and value.startswith("arn:"):
                    yield value, path

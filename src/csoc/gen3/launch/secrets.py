"""Which secrets a commons needs: what each is called, its shape, who reads it, and whether somebody must be asked.

**Databases under Argo CD with External Secrets** (misconfiguration M1). The chart's services wait for the key
`dbcreated` of `<service>-dbcreds`, and its job `<service>-dbcreate` patches that key into the Secret when the database
is there. External Secrets owns the Secret and writes it anew from Secrets Manager every five minutes, so a patched key
vanishes, and the next pod stays in CreateContainerConfigError. Helm cannot make the Secret either: without `lookup`,
which Argo CD does not have, it would make another password at each synchronisation. What works, and what is done here:
the value in Secrets Manager has `dbcreated: "true"` from the start, beside a password of csoc's, and
`global.postgres.dbCreate` stays true, so that the job makes database and user with the master login that
`global.postgres.externalSecret` names. Services that start before their job is done fail to connect and are started
again by Kubernetes. Each database and user carries the environment's uid, so that two commons on one server share none,
and no name is a whole word of another (M6, M30: the job looks names up with `grep -w`).

**Groups.** csoc writes secrets and never reads them, so values that must agree are made together and put together: if
one secret of a group has no version yet, all of the group are put anew. The group `index` is planned whole wherever
indexd runs, since indexd learns the passwords of its users once: a service that is switched on later finds its own
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from csoc.gen3.catalogue import Catalogue, Secret, load
from csoc.gen3.launch.bundles import needs_database

INDEX = "index"


@dataclass(frozen=True, slots=True)
class AskedField:
    """Something that only a person has. name: as the command that puts it calls it."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class PlannedSecret:
    """A secret in Secrets Manager.

    name: below the environment's prefix. secret: the Kubernetes Secret that it becomes. shape: "whole", "properties" or
    "object", as in the catalogue. keys: of the Kubernetes Secret. override: the values path that names it. asked: what
    a person must give; everything else is generated. mounted_by: services whose pods read it; () for one that is there
    for a service that may be switched on later. group: secrets whose values agree. lost: what cannot be read any more
    if the secret is made anew, "" for nothing that matters.
    """

    name: str
    secret: str
    shape: str
    keys: tuple[str, ...]
    override: str
    group: str
    asked: tuple[AskedField, ...] = ()
    mounted_by: tuple[str, ...] = ()
    lost: str = ""


@dataclass(frozen=True, slots=True)
class SecretPlan:
    """All secrets of an environment, in order of name."""

    secrets: tuple[PlannedSecret, ...]

    def get(self, name: str) -> PlannedSecret:
        """Raises KeyError."""
        found = next((secret for secret in self.secrets if secret.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """What the layer `credentials` makes, empty."""
        return tuple(secret.name for secret in self.secrets)

    @property
    def asked(self) -> tuple[tuple[PlannedSecret, AskedField], ...]:
        """What a person must give, and for which secret."""
        return tuple((secret, field) for secret in self.secrets for field in secret.asked)

    def with_master_login(self) -> SecretPlan:
        """The plan where the database is there already and no secret with its master login is one that the chart can
        use."""
        return SecretPlan((*self.secrets, _MASTER))

    def to_put(self, without_version: Iterable[str]) -> tuple[str, ...]:
        """Secrets to put, given those that have no version yet: whole groups."""
        lacking = set(without_version)
        groups = {secret.group for secret in self.secrets if secret.name in lacking}
        return tuple(secret.name for secret in self.secrets if secret.group in groups)


KEPT_BY_HELM: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {
        "audit": {"audit.externalSecrets.createK8sAuditSecret": True},
        "fence": {"fence.externalSecrets.createK8sGoogleAppSecrets": True},
        "hatchery": {"hatchery.externalSecrets.createK8sStataSecret": True},
        "manifestservice": {"manifestservice.externalSecrets.createK8sManifestServiceSecret": True},
        "wts": {"wts.externalSecrets.createWtsOidcClientSecret": True},
    }
)
"""Secrets that Helm makes from values, by service: nothing secret is in them (names of buckets and queues, empty files
for those without Google), or a job of the chart fills them (the client that wts registers with fence)."""

_CLIENT = (
    AskedField("client-id", "the client's id at the identity provider"),
    AskedField("client-secret", "the client's secret at the identity provider"),
)
MASTER_LOGIN = "master-login"
_MASTER = PlannedSecret(
    name=MASTER_LOGIN,
    secret=MASTER_LOGIN,
    shape="object",
    keys=("host", "port", "username", "password"),
    override="global.postgres.externalSecret",
    group=MASTER_LOGIN,
    asked=(
        AskedField("username", "the database user who may make databases and users"),
        AskedField("password", "the password of that user"),
    ),
)
"""What the chart's jobs make databases with, where no layer of csoc made the database."""
_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "indexd-service-creds": INDEX,
        "metadata-g3auto": INDEX,
        "ssjdispatcher-creds": INDEX,
        "sower-jobs-g3auto": INDEX,
    }
)
_LOST: Mapping[str, str] = MappingProxyType(
    {
        "fence-config": "what Fence encrypted in its database (tokens of identity providers, keys of Google)",
        "wts-g3auto": "the tokens that the workspace token service keeps for its users",
    }
)
_ASKED: Mapping[str, tuple[AskedField, ...]] = MappingProxyType({"fence-config": _CLIENT})
DATABASE_KEYS = ("host", "port", "username", "password", "database", "dbcreated")


def database_secret(service: str) -> str:
    """The Kubernetes Secret with a service's login."""
    return f"{service}-dbcreds"


def plan_secrets(on: Iterable[str], catalogue: Catalogue | None = None, *, client_id_known: bool = False) -> SecretPlan:
    """The secrets of services that are on. client_id_known: the answers say the client's id, which is no secret."""
    known = catalogue or load()
    running = tuple(on)
    found: dict[str, PlannedSecret] = {}
    for service in needs_database(running, known):
        name = database_secret(service)
        override = f"{service}.externalSecrets.dbcreds"
        readers = tuple(one for one in running if _reads(known, one, name))
        found[name] = PlannedSecret(name, name, "object", DATABASE_KEYS, override, name, (), readers)
    ahead = {secret for secret, group in _GROUPS.items() if group == INDEX} if "indexd" in running else set()
    for entry in known:
        for secret in entry.secrets:
            if secret.name in found or not _from_outside(entry.name, secret, running, ahead):
                continue
            asked = _ASKED.get(secret.name, ())
            if client_id_known:
                asked = tuple(field for field in asked if field.name != "client-id")
            readers = tuple(one for one in running if _reads(known, one, secret.name))
            found[secret.name] = PlannedSecret(
                secret.name,
                secret.name,
                secret.shape,
                secret.keys,
                secret.override,
                _GROUPS.get(secret.name, secret.name),
                asked,
                readers,
                _LOST.get(secret.name, ""),
            )
    return SecretPlan(tuple(found[name] for name in sorted(found)))


def _from_outside(service: str, secret: Secret, running: tuple[str, ...], ahead: set[str]) -> bool:
    if not secret.external or secret.owner or secret.only_with:
        return False
    if secret.name in ahead:
        return True
    if service not in running or secret.name.endswith("-aws-config"):
        return False
    kept = KEPT_BY_HELM.get(service, {})
    return not (secret.keep_local and kept.get(secret.keep_local, False))


def _reads(catalogue: Catalogue, service: str, name: str) -> bool:
    return any(secret.name == name for secret in catalogue.services[service].secrets)

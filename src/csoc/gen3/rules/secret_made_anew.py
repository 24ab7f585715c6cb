"""Argo CD renders without a cluster, so a secret that the chart makes up is made up again at every rendering.

With `helm upgrade` the chart looks for the secret in the cluster and keeps it; Argo CD cannot. Two renderings of one
state are not at hand here, so which secrets have made-up content, and which value gives it, is taken from the templates
(chart 0.3.90): a finding needs the manifest to be rendered, and the value that would fill it to be empty. fence-creds
is left out: it always differs, and fence reads its database elsewhere. An Application that ignores the differences of
the Secret's data and respects that when it synchronises keeps what was made first, and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from csoc.fleet.shapes import mapping, mappings
from csoc.fleet.values import Path
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.argo import keeps_live
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.rules.support.workloads import at_source, name_of, service_of
from csoc.gen3.state import EnvironmentState

_CREDENTIALS = "-dbcreds"
_ADMIN = "ADMIN_LOGINS of {name} changes, and requests that carry the old password fail."
_KEEP = "Set {paths}, or keep the secret in Secrets Manager."


@dataclass(frozen=True, slots=True)
class _Made:
    """A secret with made-up content. seeds: values that fill it instead; all must be set. flag: keeps it local."""

    seeds: tuple[Path, ...]
    flag: str
    consequence: str
    severity: Severity | None = None


_SECRETS: Mapping[str, _Made] = {
    "fence-jwt-keys": _Made(
        (("fence", "jwtKeys", "jwt_private_key.pem"),),
        "fence.externalSecrets.createK8sJwtKeysSecret",
        "All tokens become invalid: users are logged out, and running workspaces and jobs lose access.",
        Severity.CRITICAL,
    ),
    "indexd-service-creds": _Made(
        tuple(("indexd", "secrets", "userdb", user) for user in ("fence", "sheepdog", "ssj", "gateway")),
        "indexd.externalSecrets.createK8sServiceCredsSecret",
        "Fence and sheepdog send new passwords to indexd, whose database holds the first ones: data access fails.",
    ),
    "wts-g3auto": _Made(
        (("wts", "encpryption_key"), ("wts", "secret_key")),
        "wts.externalSecrets.createK8sWtsSecret",
        "The refresh tokens that workspaces keep can no longer be decrypted: users must log in there again.",
    ),
    "metadata-g3auto": _Made(
        (), "metadata.externalSecrets.createK8sMetadataSecret", _ADMIN.format(name="metadata"), Severity.MEDIUM
    ),
    "access-backend-g3auto": _Made(
        (), "access-backend.externalSecrets.createK8sAccessBackendSecret", _ADMIN.format(name="it"), Severity.LOW
    ),
    "gen3embeddings-g3auto": _Made(
        (),
        "gen3-embeddings.externalSecrets.createK8sGen3EmbeddingsSecret",
        _ADMIN.format(name="gen3-embeddings"),
        Severity.MEDIUM,
    ),
    "gen3userdatalibrary-g3auto": _Made(
        (),
        "gen3-user-data-library.externalSecrets.createK8sGen3UserDataLibrarySecret",
        _ADMIN.format(name="gen3-user-data-library"),
        Severity.MEDIUM,
    ),
}


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a kind of secret; database credentials of all services are one kind, certificates another."""
    if not values_complete(state):
        return
    credentials: list[str] = []
    for item in state.objects("Secret"):
        name = name_of(item.body)
        if keeps_live(state.view.application, "", "Secret", name):
            continue
        made = _known(state, name)
        if made is not None and not (made.seeds and all(state.get(seed) for seed in made.seeds)):
            yield _hit(state, name, made)
        elif name.endswith(_CREDENTIALS):
            service = service_of(item.template)
            if service and not state.get((service, "postgres", "password")):
                credentials.append(service)
        elif name == "gen3-certs" and not state.get("global.tls.cert") and _serves(state, name):
            yield Hit(
                cause="The certificate gen3-certs is made anew at each rendering, signed by nobody",
                key=name,
                evidence=(at_source(state, f"Secret {name}"),),
                severity=Severity.LOW,
                consequence="Browsers and clients see another unknown certificate after each change.",
                fix="Set global.tls.cert and global.tls.key, or let cert-manager make the certificate.",
            )
    if credentials:
        yield _credentials(state, credentials)


def _known(state: EnvironmentState, name: str) -> _Made | None:
    """What is known of the secret; of the values that would fill it, those that this version of the chart reads."""
    made = _SECRETS.get(name)
    return replace(made, seeds=tuple(seed for seed in made.seeds if may_read(state, seed))) if made else None


def _hit(state: EnvironmentState, name: str, made: _Made) -> Hit:
    lacking = [seed for seed in made.seeds if not state.get(seed)]
    paths = ", ".join(".".join(map(str, seed)) for seed in lacking)
    flag = made.flag if state.written(made.flag) else "global.externalSecrets.deploy"
    return Hit(
        cause=f"The content of the secret {name} is made anew at each rendering",
        key=name,
        evidence=(state.at(flag) if state.written(flag) else at_source(state, f"Secret {name}"),),
        severity=made.severity,
        consequence=made.consequence,
        fix=_KEEP.format(paths=paths)
        if paths
        else "Keep the secret in Secrets Manager: the chart takes no value for it.",
    )


def _credentials(state: EnvironmentState, services: list[str]) -> Hit:
    paths = [f"{service}.postgres.password" for service in services]
    path = "global.externalSecrets.createLocalK8sSecret"
    return Hit(
        cause="Database passwords are made anew at each rendering",
        key="dbcreds",
        evidence=(state.at(path) if state.written(path) else at_source(state, f"{services[0]}{_CREDENTIALS}"),),
        severity=Severity.CRITICAL,
        consequence=f"The database keeps the first password, so {', '.join(services)} can no longer log in.",
        fix=_KEEP.format(paths=", ".join(paths)),
    )


def _serves(state: EnvironmentState, name: str) -> bool:
    """True if an Ingress shows this certificate."""
    blocks = [tls for item in state.objects("Ingress") for tls in mappings(mapping(item.body.get("spec")).get("tls"))]
    return any(block.get("secretName") == name for block in blocks)


RULE = Rule(
    id="secret-made-anew",
    title="A secret that changes by itself",
    severity=Severity.HIGH,
    consequence="Whatever was made with the old content no longer fits.",
    fix="Give the content in values, or keep the secret in Secrets Manager.",
    covers=("M15",),
    environment=check,
    rendered=True,
)

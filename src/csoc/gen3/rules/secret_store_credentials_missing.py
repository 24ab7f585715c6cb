"""A store that signs in as a service account without a role, or with a Secret that nothing makes, reads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from csoc.fleet.shapes import mapping, text
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import ROLE_ANNOTATION, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs, stores
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.stores import Store
from csoc.gen3.rules.support.workloads import annotations_of, name_of
from csoc.gen3.state import EnvironmentState

_ACCOUNT = "global.aws.secretStoreServiceAccount"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each store that cannot sign in."""
    if not rendered(state):
        yield from _by_values(state)
        return
    for store in stores.used(state):
        auth = mapping((store.aws or {}).get("auth"))
        account = text(mapping(mapping(auth.get("jwt")).get("serviceAccountRef")).get("name"))
        secret = text(mapping(mapping(auth.get("secretRef")).get("accessKeyIDSecretRef")).get("name"))
        if account:
            yield from _service_account(state, store, account)
        elif secret:
            yield from _secret(state, store, secret)


def _service_account(state: EnvironmentState, store: Store, account: str) -> Iterator[Hit]:
    rendered_accounts = (item.body for item in state.objects("ServiceAccount"))
    body = next((body for body in rendered_accounts if name_of(body) == account), None)
    if body is not None and not annotations_of(body).get(ROLE_ANNOTATION):
        yield _no_role(state, store.name, account)


def _no_role(state: EnvironmentState, store: str, account: str) -> Hit:
    return Hit(
        cause=f"The SecretStore {store} signs in as the ServiceAccount {account}, which has no role",
        key=f"{store} role",
        evidence=(state.at(f"{_ACCOUNT}.roleArn"),),
        fix=f"Set {_ACCOUNT}.roleArn to the ARN of a role that may read these secrets.",
    )


def _secret(state: EnvironmentState, store: Store, secret: str) -> Iterator[Hit]:
    given = needs.supply(state)
    own = [
        item.body
        for item in state.objects("ExternalSecret")
        if _target(item.body) == secret and name_of(item.body) in store.users
    ]
    if own and (needs.SECRET, secret) not in given.keys:
        yield Hit(
            cause=f"The SecretStore {store.name} signs in with the Secret {secret}, which it has to fetch first",
            key=f"{store.name} circle",
            evidence=(state.at("global.aws.externalSecrets.enabled"),),
        )
    elif not given.holds(needs.SECRET, secret):
        yield _no_keys(state, store.name, secret)


def _no_keys(state: EnvironmentState, store: str, secret: str) -> Hit:
    return Hit(
        cause=f"The SecretStore {store} signs in with the Secret {secret}, which nothing in these manifests makes",
        key=f"{store} keys",
        evidence=(state.at(f"{_ACCOUNT}.enabled"),),
    )


def _target(body: Any) -> str:
    return text(mapping(mapping(body.get("spec")).get("target")).get("name")) or name_of(body)


def _by_values(state: EnvironmentState) -> Iterator[Hit]:
    """The same from values alone, for the store that the umbrella chart makes."""
    elsewhere = ("global.gcp.enabled", "global.crossplane.enabled", "global.aws.useLocalSecret.enabled")
    if not values_complete(state) or not is_true(state.get("global.externalSecrets.deploy")):
        return
    if any(is_true(state.get(path)) for path in elsewhere):
        return
    if is_true(state.get(f"{_ACCOUNT}.enabled")):
        if not state.get(f"{_ACCOUNT}.roleArn"):
            yield _no_role(state, "gen3-secret-store", text(state.get(f"{_ACCOUNT}.name")) or "secret-store-sa")
    elif not any(is_true(state.get(path)) for path in ("secrets.awsSecretAccessKey", "global.aws.awsSecretAccessKey")):
        yield _no_keys(state, "gen3-secret-store", "gen3-aws-config")


RULE = Rule(
    id="secret-store-credentials-missing",
    title="A secret store that cannot sign in",
    severity=Severity.CRITICAL,
    consequence="No ExternalSecret becomes ready, and the pods that mount their secrets wait.",
    fix=f"Set {_ACCOUNT}.enabled to true and {_ACCOUNT}.roleArn to a role that may read these secrets.",
    covers=("M3",),
    environment=check,
    rendered=True,
)

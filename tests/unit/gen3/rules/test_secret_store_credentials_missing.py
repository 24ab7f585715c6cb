"""Stores that cannot sign in to Secrets Manager."""

from typing import Any

import pytest

from csoc.gen3.rules.secret_store_credentials_missing import check
from csoc.testing.states import environment_state

ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/reader"}
BY_ACCOUNT = {"jwt": {"serviceAccountRef": {"name": "secret-store-sa"}}}
BY_KEYS = {"secretRef": {"accessKeyIDSecretRef": {"name": "gen3-aws-config", "key": "access-key"}}}
ASKED = {"kind": "ExternalSecret", "metadata": {"name": "fence"}, "spec": {"secretStoreRef": {"name": "store"}}}


def store(auth: object) -> dict[str, Any]:
    provider = {"aws": {"auth": auth}}
    return {"kind": "SecretStore", "metadata": {"name": "store"}, "spec": {"provider": provider}}


def account(annotations: object) -> dict[str, Any]:
    return {"kind": "ServiceAccount", "metadata": {"name": "secret-store-sa", "annotations": annotations}}


def keys(*objects: dict[str, Any], values: str = "") -> list[str]:
    return [hit.key for hit in check(environment_state(values, objects=objects))]


def test_a_service_account_without_a_role_is_found_at_the_values_that_lack_it() -> None:
    values = "global:\n  aws:\n    secretStoreServiceAccount:\n      enabled: true\n"
    state = environment_state(values, objects=[ASKED, store(BY_ACCOUNT), account({next(iter(ROLE)): None})])
    (hit,) = check(state)
    assert hit.key == "store role"
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 3
    assert "global.aws.secretStoreServiceAccount.roleArn" in hit.fix


def test_keys_that_nothing_makes_are_found() -> None:
    assert keys(ASKED, store(BY_KEYS)) == ["store keys"]


def test_keys_that_the_store_would_have_to_fetch_itself_are_a_circle() -> None:
    own = {"kind": "ExternalSecret", "metadata": {"name": "gen3-aws-config"}, "spec": ASKED["spec"]}
    assert keys(ASKED, store(BY_KEYS), own) == ["store circle"]


def test_values_alone_tell_both() -> None:
    on = "global: {externalSecrets: {deploy: true}}\n"
    assert [hit.key for hit in check(environment_state(on))] == ["gen3-secret-store keys"]
    role = "global: {externalSecrets: {deploy: true}, aws: {secretStoreServiceAccount: {enabled: true}}}\n"
    assert [hit.key for hit in check(environment_state(role))] == ["gen3-secret-store role"]


@pytest.mark.parametrize(
    "objects",
    [
        [ASKED, store(BY_ACCOUNT), account(ROLE)],
        [ASKED, store(BY_ACCOUNT)],
        [ASKED, store(BY_KEYS), {"kind": "Secret", "metadata": {"name": "gen3-aws-config"}}],
        [store(BY_KEYS)],
        [ASKED, store(None)],
    ],
    ids=["a role", "an account made elsewhere", "keys that Helm makes", "a store that nobody asks", "no auth"],
)
def test_quiet_where_the_store_can_sign_in_or_nobody_needs_it(objects: list[dict[str, Any]]) -> None:
    assert not keys(*objects)


@pytest.mark.parametrize(
    "block",
    ["crossplane: {enabled: true}", "gcp: {enabled: true}", "aws: {awsSecretAccessKey: x, awsAccessKeyId: y}"],
)
def test_quiet_by_values_where_credentials_come_another_way(block: str) -> None:
    assert not list(check(environment_state(f"global:\n  externalSecrets: {{deploy: true}}\n  {block}\n")))


@pytest.mark.parametrize("auth", ["text", [1], {"jwt": 3}, {"secretRef": {"accessKeyIDSecretRef": "x"}}])
def test_survives_shapes_that_nobody_foresaw(auth: object) -> None:
    assert not keys(ASKED, store(auth), account("text"))
    assert not list(check(environment_state("global: {externalSecrets: [1], aws: text}\n")))

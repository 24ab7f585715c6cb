"""Helm cannot encode a database host that nobody gave; the rule names the services and the key."""

import pytest

from csoc.gen3.findings import Severity
from csoc.gen3.rules.database_host_missing import RULE, check
from csoc.testing.states import environment_state

PUSHED = "global:\n  dev: false\n  externalSecrets:\n    deploy: true\n    pushSecret: true\nfence: {enabled: true}\n"
DEFAULTS = {name: {"enabled": False} for name in ("arborist", "audit", "indexd", "metadata", "peregrine", "wts")}


def keys(values: str) -> list[str]:
    return [hit.key for hit in check(environment_state(values, defaults=DEFAULTS))]


def test_pushing_generated_credentials_without_a_host_names_services_switch_and_line() -> None:
    (hit,) = check(environment_state(PUSHED + "sheepdog: {enabled: false}\n", defaults=DEFAULTS))
    assert "fence" in hit.cause
    assert "global.externalSecrets.pushSecret" in hit.cause
    assert "global.postgres.master.host" in hit.fix
    assert hit.evidence[0].location
    assert hit.evidence[0].location.line == 5
    assert RULE.severity is Severity.CRITICAL


def test_one_service_that_pushes_alone_is_named_with_its_own_keys() -> None:
    values = "global: {dev: false, externalSecrets: {deploy: true}}\ngen3-embeddings:\n  enabled: true\n"
    (hit,) = check(environment_state(values + "  externalSecrets: {pushSecret: true}\n"))
    assert hit.cause.startswith("Helm writes database credentials for gen3-embeddings ")
    assert "gen3-embeddings.postgres.host" in hit.fix


def test_local_credentials_count_with_and_without_external_secrets() -> None:
    assert len(keys("global: {dev: false}\nfence: {enabled: true}\n")) == 1
    assert len(keys("global: {dev: false, externalSecrets: {deploy: true, createLocalK8sSecret: true}}\n")) == 1


def test_quiet_where_the_credentials_come_from_secrets_manager() -> None:
    assert not keys("global: {dev: false, externalSecrets: {deploy: true}}\nfence: {enabled: true}\n")


def test_quiet_with_a_host_for_all_or_for_the_service() -> None:
    hosted = PUSHED.replace("  dev: false\n", "  dev: false\n  postgres: {master: {host: db.example.org}}\n")
    assert not keys(hosted)
    assert not keys("global: {dev: false}\nfence: {enabled: true, postgres: {host: db}}\nsheepdog: {enabled: false}\n")


def test_quiet_in_development_since_the_chart_brings_its_own_server() -> None:
    assert not keys("global: {dev: true}\nfence: {enabled: true}\n")


def test_quiet_where_the_chart_at_hand_renders_without_a_host() -> None:
    assert not list(check(environment_state(PUSHED, objects=[])))


@pytest.mark.parametrize("values", ["global: text\n", "global: {dev: false, postgres: [1]}\nfence: 7\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    list(check(environment_state(values)))

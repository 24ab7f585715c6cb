"""Rules about a habit of the chart are silent where the chart at hand certainly does not have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules import (
    aws_key_incomplete,
    boolean_written_as_text,
    dicom_secret_not_made,
    google_secrets_expected,
    label_value_not_text,
    maintenance_mode_not_text,
    network_policy_without_database,
    robots_file_resets_proxy,
    secret_made_anew,
    upload_cron_credentials,
    workflow_jobs_namespace,
    workspace_proxy_namespace,
)
from csoc.gen3.rules.model import Hit
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST
from csoc.testing.states import environment_state, environment_view
from tests.unit.gen3.rules.cases import made

Check = Callable[[EnvironmentState], Iterable[Hit]]
EXTERNAL = "global: {externalSecrets: {deploy: true}}\n"

# Check, values that it finds something in, and the key that a chart must read for it to matter.
GATED: list[tuple[Check, str, str]] = [
    (boolean_written_as_text.check, "fence: {usersync: {usersync: 'false'}}", "fence.usersync.usersync"),
    (
        dicom_secret_not_made.check,
        "orthanc: {enabled: true}",
        "orthanc.externalSecrets.createK8sOrthancS3G3auto",
    ),
    (label_value_not_text.check, "fence: {criticalService: true}", "fence.criticalService"),
    (maintenance_mode_not_text.check, "global: {maintenanceMode: on}", "global.maintenanceMode"),
    (
        network_policy_without_database.check,
        "global: {dev: false, netPolicy: {enabled: true}}",
        "global.netPolicy.dbSubnets",
    ),
    (
        robots_file_resets_proxy.check,
        "revproxy: {enableRobotsTxt: true, nginx: {resolver: dns}}",
        "revproxy.enableRobotsTxt",
    ),
    (
        upload_cron_credentials.check,
        "data-upload-cron: {enabled: true}",
        "data-upload-cron.awsCredsSecret.secretName",
    ),
    (
        workflow_jobs_namespace.check,
        "gen3-workflow: {enabled: true}\nfunnel: {enabled: true}",
        "funnel.Kubernetes.JobsNamespace",
    ),
    (workspace_proxy_namespace.check, "jeg: {enabled: true}", "jeg.workspaceNamespace"),
]


@pytest.mark.parametrize(("check", "values", "key"), GATED, ids=[key for _, _, key in GATED])
def test_found_where_the_chart_reads_the_key_or_is_not_known_and_nowhere_else(
    check: Check, values: str, key: str
) -> None:
    service = key.partition(".")[0]
    others = frozenset({f"{service}.enabled", "gen3-workflow.enabled", "hatchery.enabled", "fence.postgres.host"})
    assert list(check(environment_state(values)))
    assert list(check(environment_state(values, chart_keys=others | {key})))
    assert not list(check(environment_state(values, chart_keys=others)))


@pytest.mark.parametrize(
    ("check", "values"),
    [
        (aws_key_incomplete.check, "global: {aws: {awsSecretAccessKey: x}}"),
        (aws_key_incomplete.check, "fence: {secrets: {awsSecretAccessKey: x}}"),
        (boolean_written_as_text.check, "global: {dev: 'true'}"),
    ],
)
def test_what_would_stop_the_rendering_is_not_found_where_it_did_not(check: Check, values: str) -> None:
    assert list(check(environment_state(values)))
    assert not list(check(environment_state(values, objects=[])))


def test_a_switch_that_is_compared_still_counts_as_true_where_the_chart_only_asks_if() -> None:
    (hit,) = boolean_written_as_text.check(environment_state("global: {dev: 'false'}", objects=[]))
    assert "counts as true" in hit.cause


def test_google_credentials_are_expected_where_the_manifests_ask_for_them() -> None:
    asked = [
        made("ExternalSecret", name) for name in ("fence-google-app-creds-secret", "fence-google-storage-creds-secret")
    ]
    (hit,) = google_secrets_expected.check(environment_state(EXTERNAL, objects=asked))
    assert hit.cause.count(" and ") == 1
    assert not list(google_secrets_expected.check(environment_state(EXTERNAL, objects=[])))


def test_a_value_that_this_chart_does_not_read_does_not_keep_a_secret_as_it_is() -> None:
    values = "fence: {jwtKeys: {jwt_private_key.pem: x}}"
    secret = made("Secret", "fence-jwt-keys")
    reads = frozenset({"fence.jwtKeys.*", "fence.enabled"})
    assert not list(secret_made_anew.check(environment_state(values, objects=[secret], chart_keys=reads)))
    (hit,) = secret_made_anew.check(
        environment_state(values, objects=[secret], chart_keys=frozenset({"fence.enabled"}))
    )
    assert "jwtKeys" not in hit.fix


def test_a_service_that_an_older_manifest_does_not_name_is_off() -> None:
    view = replace(environment_view(), system=MANIFEST)
    values = Gen3Values(environment_state("fence: {enabled: true}", view=view))
    assert values.on("fence")
    assert not values.on("indexd")

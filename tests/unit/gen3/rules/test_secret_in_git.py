"""Secrets in value files: found in every file, never shown, and not found in names and references."""

from dataclasses import replace

import pytest

from csoc.fleet.values import EffectiveValues
from csoc.gen3.findings import Severity
from csoc.gen3.rules.secret_in_git import RULE, check
from csoc.testing.states import environment_state, layer

PASSWORD = "Tr0ub4dor-and-3-horses"
KEY = "AKIA" + "QWERTYUIOPASDFGH"


def test_a_password_is_found_with_its_line_and_its_value_is_shown_nowhere() -> None:
    (hit,) = check(environment_state(f"global:\n  postgres:\n    master:\n      password: {PASSWORD}\n"))
    assert hit.key == "values.yaml global.postgres.master.password"
    assert hit.severity is Severity.HIGH
    assert [item.location.line for item in hit.evidence if item.location] == [4]
    assert PASSWORD not in repr(hit)


def test_keys_of_machines_and_clouds_are_critical() -> None:
    (hit,) = check(environment_state(f"fence:\n  note: {KEY}\n"))
    assert hit.severity is Severity.CRITICAL
    (hit,) = check(environment_state("fence:\n  tls: |\n    -----BEGIN PRIVATE KEY-----\n    abc\n"))
    assert hit.severity is Severity.CRITICAL
    (hit,) = check(environment_state("secrets:\n  awsSecretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYzz3Kq1'\n"))
    assert hit.severity is Severity.CRITICAL


def test_a_secret_that_a_later_file_replaces_is_still_in_git() -> None:
    below = layer(f"fence:\n  dbPassword: {PASSWORD}\n", "base.yaml")
    above = layer("fence:\n  dbPassword: ''\n", "prod.yaml")
    state = replace(environment_state(""), values=EffectiveValues.merge([below, above]))
    assert [hit.key for hit in check(state)] == ["base.yaml fence.dbPassword"]


def test_the_value_of_an_environment_variable_is_judged_by_its_name() -> None:
    values = (
        f"guppy:\n  env:\n    - name: DB_PASSWORD\n      value: {PASSWORD}\n    - name: LOG\n      value: {PASSWORD}\n"
    )
    assert [hit.key for hit in check(environment_state(values))] == ["values.yaml guppy.env.0.value"]


@pytest.mark.parametrize(
    "values",
    [
        "fence:\n  externalSecrets:\n    dbcreds: alpha-fence-creds\n",
        "global:\n  postgres:\n    master:\n      password: ''\n",
        "fence:\n  FENCE_CONFIG:\n    ENCRYPTION_KEY: REPLACEME\n",
        "fence:\n  clientSecret: ${CLIENT_SECRET}\n",
        "global:\n  aws:\n    secretStoreServiceAccount:\n      roleArn: arn:aws:iam::123456789012:role/a\n",
        'sower:\n  sowerjobsG3auto: \'{"indexd_password": "$indexdPassword"}\'\n',
        "hatchery:\n  requireAuthToken: true\n",
    ],
)
def test_quiet_for_names_placeholders_references_and_switches(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", ["fence: text\n", "fence: [1, {a: null}]\n", "env: [{name: [], value: {}}]\n", "{}"])
def test_survives_other_shapes(values: str) -> None:
    assert not list(check(environment_state(values)))


def test_the_fix_says_to_rotate_first() -> None:
    assert RULE.fix.startswith("Rotate the secret first")

"""fence waits for Google credentials that a commons without Google does not have."""

import pytest

from csoc.gen3.rules.google_secrets_expected import check
from csoc.testing.states import environment_state

ON = "global:\n  externalSecrets: {deploy: true}\nfence:\n  enabled: true\n"


def test_default_names_in_secrets_manager_are_a_hint() -> None:
    (hit,) = check(environment_state(ON))
    assert "fence-google-app-creds-secret" in hit.cause


@pytest.mark.parametrize(
    "values",
    [
        ON + "  externalSecrets: {createK8sGoogleAppSecrets: true}\n",
        ON + "  externalSecrets: {fenceGoogleAppCredsSecret: alpha-google-app}\n",
        ON.replace("deploy: true", "deploy: false"),
        ON.replace("enabled: true", "enabled: false"),
    ],
    ids=["told that there is none", "a name of its own", "no External Secrets", "no fence"],
)
def test_quiet_where_somebody_decided_or_nobody_asks(values: str) -> None:
    assert not list(check(environment_state(values)))


@pytest.mark.parametrize("values", ["fence: text\n", "global: {externalSecrets: [1]}\nfence: {externalSecrets: 3}\n"])
def test_survives_shapes_that_nobody_foresaw(values: str) -> None:
    assert not list(check(environment_state(values)))

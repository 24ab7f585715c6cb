"""Secrets in the values that configure a cluster."""

import pytest

from csoc.gen3.rules.secret_in_cluster_values import check
from csoc.gen3.views import ClusterView, unknown
from csoc.testing.states import fleet_state, layer

WEBHOOK = "https://hooks.slack.com/services/" + "T0000000/B0000000/abcdefgh12345678"


def cluster(text: str) -> ClusterView:
    return ClusterView(
        "one", "test", unknown("test"), unknown("test"), layers=(layer(text, "one/cluster-values.yaml"),)
    )


def test_a_webhook_is_found_with_its_line_and_not_shown() -> None:
    (hit,) = check(fleet_state([], clusters=[cluster(f"cluster: one\nalerts:\n  slack: {WEBHOOK}\n")]))
    assert hit.key == "one/cluster-values.yaml alerts.slack"
    assert [item.location.line for item in hit.evidence if item.location] == [3]
    assert "abcdefgh12345678" not in repr(hit)


@pytest.mark.parametrize(
    "values",
    [
        "external-secrets:\n  enabled: true\n",
        "grafana:\n  existingSecret: grafana-admin\n",
        "karpenter: text\nalerts: [1, null]\n",
        "{}",
    ],
)
def test_quiet_for_names_of_secrets_switches_and_other_shapes(values: str) -> None:
    assert not list(check(fleet_state([], clusters=[cluster(values)])))

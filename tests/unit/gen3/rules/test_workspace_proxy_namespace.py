"""The namespaces of the workspace proxy and its gateway."""

from csoc.gen3.rules.workspace_proxy_namespace import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, incomplete, line

CASE = """workspace-proxy:
  enabled: true
  deploymentNamespace: alpha
  workspaceNamespace: jupyter-pods-alpha
jeg:
  enabled: true
  workspaceNamespace: jupyter-pods-alpha
"""


def found(text: str) -> list[str]:
    return [hit.key for hit in check(environment_state(text))]


def test_each_namespace_that_does_not_fit_is_a_hit() -> None:
    (hit,) = check(environment_state(CASE.replace("deploymentNamespace: alpha", "deploymentNamespace: beta")))
    assert (hit.key, line(hit)) == ("workspace-proxy.deploymentNamespace alpha", 3)
    assert found(CASE.replace("  workspaceNamespace: jupyter-pods-alpha", "  workspaceNamespace: jupyter-pods")) == [
        "workspace-proxy.workspaceNamespace jupyter-pods-alpha",
        "jeg.workspaceNamespace jupyter-pods-alpha",
    ]


def test_the_namespace_that_hatchery_was_told_counts() -> None:
    assert len(found(CASE + "hatchery: {jupyterNamespace: jupyter-pods}\n")) == 2


def test_quiet_where_all_agree_and_where_both_are_off() -> None:
    assert not found(CASE)
    assert not found(CASE.replace("enabled: true", "enabled: false").replace("alpha", "beta"))


def test_quiet_where_hatchery_is_off_or_a_value_file_is_missing() -> None:
    assert not found(CASE.replace("jupyter-pods-alpha", "mine") + "hatchery: {enabled: false}\n")
    assert not list(check(incomplete(environment_state(CASE.replace("alpha", "beta")))))


def test_what_is_empty_is_said_to_be_so_at_the_switch() -> None:
    (hit,) = check(environment_state(CASE.replace("  deploymentNamespace: alpha\n", "")))
    assert "is empty" in hit.cause
    assert line(hit) == 2
    (hit,) = check(environment_state(CASE.replace("Namespace: alpha", "Namespace: beta")))
    assert "is beta" in hit.cause


def test_survives_wrong_types() -> None:
    for text in hostile(
        CASE, "workspace-proxy.deploymentNamespace", "jeg.workspaceNamespace", "hatchery.jupyterNamespace"
    ):
        found(text)

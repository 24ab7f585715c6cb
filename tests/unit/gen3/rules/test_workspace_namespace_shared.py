"""Two environments that launch workspaces in one namespace."""

from csoc.gen3.facts import Access, Claim, EnvironmentFacts, Kind
from csoc.gen3.rules.model import Hit
from csoc.gen3.rules.workspace_namespace_shared import RULE
from csoc.gen3.views import EnvironmentView
from csoc.testing.states import environment_view, fleet_state


def hits(*environments: tuple[EnvironmentView, str, str]) -> list[Hit]:
    facts = {
        view.name: EnvironmentFacts(
            view.name,
            claims=(Claim(Kind.WORKSPACE_NAMESPACE, name, cluster, Access.OWN, "hatchery.jupyterNamespace"),),
        )
        for view, name, cluster in environments
    }
    assert RULE.fleet
    return list(RULE.fleet(fleet_state([view for view, _, _ in environments], facts)))


def test_one_namespace_of_one_cluster_is_one_hit() -> None:
    a, b = environment_view("a"), environment_view("b", stage="staging")
    (hit,) = hits((a, "jupyter-pods", "one"), (b, "jupyter-pods", "one"))
    assert hit.environments == ("a", "b")


def test_quiet_for_one_name_on_two_clusters() -> None:
    a, b = environment_view("a"), environment_view("b")
    assert not hits((a, "jupyter-pods", "one"), (b, "jupyter-pods", "two"))


def test_quiet_for_blue_and_green_which_take_turns() -> None:
    a, b = environment_view("a", slot="blue"), environment_view("b", slot="green")
    assert not hits((a, "jupyter-pods", "one"), (b, "jupyter-pods", "one"))

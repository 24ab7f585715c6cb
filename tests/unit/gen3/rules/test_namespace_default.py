"""Gen3 in the namespace default."""

import pytest

from csoc.gen3.rules.namespace_default import check
from csoc.testing.states import environment_state, location
from tests.unit.gen3.rules.making import application_view


def test_gen3_in_the_namespace_default_is_found_where_it_is_written() -> None:
    place = location("alpha-prod/app.yaml", 27)
    found = application_view(namespace="default", namespace_location=place)
    (hit,) = check(environment_state("", view=found))
    assert hit.evidence[0].location == place


@pytest.mark.parametrize("namespace", ["alpha", "default-alpha", ""])
def test_quiet_for_other_namespaces(namespace: str) -> None:
    assert not list(check(environment_state("", view=application_view(namespace=namespace))))

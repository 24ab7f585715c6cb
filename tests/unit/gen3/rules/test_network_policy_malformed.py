"""Network policies of a shape that Kubernetes refuses."""

from csoc.gen3.rules.network_policy_malformed import check
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, made, rendered_by

BROKEN = made("NetworkPolicy", "funnel-worker", spec={"egress": {"ports": [{"port": 443}]}})
WELL = made("NetworkPolicy", "well", spec={"egress": [{"ports": [{"port": 443}]}], "ingress": []})


def test_a_mapping_where_a_list_belongs_is_found_with_the_value_that_mends_it() -> None:
    (hit,) = check(rendered_by({"funnel": [BROKEN]}))
    assert hit.key == "funnel-worker"
    assert "kubeapi_endpoints" in hit.fix


def test_quiet_for_lists_and_for_what_is_not_there() -> None:
    assert not list(check(rendered_by({"funnel": [WELL, made("NetworkPolicy", "none", spec={})]})))


def test_quiet_for_other_kinds_and_where_a_value_file_is_missing() -> None:
    assert not list(check(rendered_by({"funnel": [{**BROKEN, "kind": "ConfigMap"}]})))
    assert not list(check(incomplete(rendered_by({"funnel": [BROKEN]}))))


def test_the_value_is_named_for_funnel_only() -> None:
    (hit,) = check(rendered_by({"fence": [BROKEN]}))
    assert not hit.fix


def test_survives_wrong_types() -> None:
    for body in hostile_objects(WELL):
        list(check(rendered_by({"funnel": [body]})))

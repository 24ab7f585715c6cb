"""Workspaces that may talk to a namespace in which Gen3 is not."""

from typing import Any

from csoc.gen3.rules.network_policy_workspaces import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile_objects, incomplete, line

VALUES = "global:\n  netPolicy:\n    enabled: true\n"


def policy(name: str, namespace: str, **rule: Any) -> dict[str, Any]:
    if namespace:
        rule["to"] = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]
    metadata = {"name": name, "namespace": "jupyter-pods"}
    return {"apiVersion": "v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": {"egress": [rule]}}


def test_a_namespace_that_nobody_makes_is_found() -> None:
    (hit,) = check(environment_state(VALUES, objects=[policy("netpolicy-usercode", "alpha-hatchery")]))
    assert "alpha-hatchery" in hit.cause
    assert line(hit) == 3


def test_quiet_where_the_namespace_is_the_releases_own_or_is_made_here() -> None:
    assert not list(check(environment_state(VALUES, objects=[policy("netpolicy-usercode", "alpha")])))
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "alpha-hatchery"}}
    assert not list(check(environment_state(VALUES, objects=[space, policy("netpolicy-usercode", "alpha-hatchery")])))


def test_quiet_where_another_policy_lets_workspaces_out() -> None:
    stuck = policy("netpolicy-usercode", "alpha-hatchery")
    for other in (policy("mine", "alpha"), policy("mine", "", to=[{"ipBlock": {"cidr": "0.0.0.0/0"}}])):
        assert not list(check(environment_state(VALUES, objects=[stuck, other])))


def test_name_resolution_alone_is_no_way_out() -> None:
    dns = policy("allow-dns", "", ports=[{"port": 53}], to=[{"namespaceSelector": {}}])
    assert list(check(environment_state(VALUES, objects=[policy("netpolicy-usercode", "alpha-hatchery"), dns])))


def test_quiet_where_another_policy_names_all_namespaces_or_no_target_at_all() -> None:
    stuck = policy("netpolicy-usercode", "alpha-hatchery")
    for other in (policy("mine", "", to=[{"namespaceSelector": {}}]), policy("mine", "")):
        assert not list(check(environment_state(VALUES, objects=[stuck, other])))


def test_a_policy_of_another_namespace_is_no_way_out() -> None:
    other = policy("mine", "alpha")
    other["metadata"]["namespace"] = "elsewhere"
    assert list(check(environment_state(VALUES, objects=[policy("netpolicy-usercode", "alpha-hatchery"), other])))


def test_quiet_for_policies_of_other_names_and_with_a_missing_value_file() -> None:
    assert not list(check(environment_state(VALUES, objects=[policy("mine", "alpha-hatchery")])))
    stuck = environment_state(VALUES, objects=[policy("netpolicy-usercode", "alpha-hatchery")])
    assert not list(check(incomplete(stuck)))


def test_a_way_to_somewhere_else_is_none_to_gen3() -> None:
    objects = [policy("netpolicy-usercode", "alpha-hatchery"), policy("mine", "monitoring")]
    assert list(check(environment_state(VALUES, objects=objects)))


def test_survives_wrong_types() -> None:
    for body in hostile_objects(policy("netpolicy-usercode", "alpha-hatchery")):
        list(check(environment_state(VALUES, objects=[body, policy("b", "c")])))

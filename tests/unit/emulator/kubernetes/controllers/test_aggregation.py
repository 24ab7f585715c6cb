"""Cluster roles that are made of others."""

from __future__ import annotations

from typing import Any

from tests.unit.emulator.kubernetes.controllers.living import Living

RULES = [{"apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["get"]}]
MORE = [{"apiGroups": ["example.org"], "resources": ["gadgets"], "verbs": ["list"]}]


def role(name: str, rules: list[dict[str, Any]] | None = None, of: str = "", **labels: str) -> dict[str, Any]:
    """of: the label of the roles that it is made of."""
    body: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": rules or []}
    body["metadata"] = {"name": name, "labels": labels}
    if of:
        body["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {of: "true"}}]}
    return body


def rules(living: Living, name: str) -> list[dict[str, Any]]:
    return list(living.get("ClusterRole", name).get("rules") or [])


def test_a_role_has_the_rules_of_those_that_its_selectors_find_as_they_come_change_and_go() -> None:
    living = Living()
    living.add(role("whole", of="part"), role("a", RULES, part="true"), role("other", MORE))
    living.wait(1)
    assert rules(living, "whole") == RULES
    living.add(role("b", MORE + RULES, part="true"))
    living.wait(1)
    assert rules(living, "whole") == RULES + MORE
    living.delete("ClusterRole", "a")
    living.wait(1)
    assert rules(living, "whole") == MORE + RULES


def test_what_is_written_into_such_a_role_by_hand_does_not_stay() -> None:
    living = Living()
    living.add(role("a", RULES, part="true"), role("whole", MORE, of="part"))
    living.wait(1)
    assert rules(living, "whole") == RULES
    assert rules(living, "a") == RULES


def test_a_role_may_be_made_of_one_that_is_made_of_others() -> None:
    living = Living()
    living.add(role("top", of="middle"), role("middle", of="part", middle="true"), role("a", RULES, part="true"))
    living.wait(1)
    assert rules(living, "top") == rules(living, "middle") == RULES
    before = living.versions()
    living.wait(10)
    assert living.versions() == before

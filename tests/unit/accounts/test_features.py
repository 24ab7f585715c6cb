"""A role in an account compared with the template: less is a feature that does not work, more is a finding."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from csoc.accounts.cloud import RoleFacts
from csoc.accounts.features import FEATURES, missing, same_trust, surplus, surplus_of_policy
from csoc.accounts.links import Role
from csoc.accounts.roles import RoleDocuments, boundary_document, roles
from csoc.accounts.terms import Terms
from csoc.provisioning.layers import LAYERS

WORKER = "arn:aws:iam::111111111111:role/csoc-worker"
TERMS = Terms("f1b2c3d4e5", WORKER, WORKER).of(
    account_id="222222222222", partition="aws", external_id="csoc-aaaaaaaaaa-" + "a" * 30
)
ROLES = {made.role: made for made in roles(TERMS)}


def facts(made: RoleDocuments, inline: Mapping[str, Any] | None = None, **attached: Any) -> RoleFacts:
    documents = copy.deepcopy(dict(made.inline if inline is None else inline))
    managed = {f"arn:{name}": copy.deepcopy(one) for name, one in made.managed.items()}
    return RoleFacts("arn", made.trust, 3600, "", documents, {**managed, **attached})


@pytest.mark.parametrize("role", list(Role))
def test_a_role_as_the_template_makes_it_lacks_nothing_and_has_nothing_more(role: Role) -> None:
    made = ROLES[role]
    assert missing(made, facts(made)) == ()
    assert surplus(made, facts(made)) == ()


def test_the_order_and_the_forms_that_iam_gives_back_make_no_difference() -> None:
    made = ROLES[Role.SECRETS]
    told = facts(made)
    for statement in told.inline["secrets"]["Statement"]:
        for part in ("Action", "Resource"):
            statement[part] = statement[part][::-1] if len(statement[part]) > 1 else statement[part][0]
    assert (missing(made, told), surplus(made, told)) == ((), ())


def test_what_is_missing_is_named_with_the_statement_to_paste() -> None:
    made = ROLES[Role.SECRETS]
    told = facts(made)
    told.inline["secrets"]["Statement"][0]["Action"].remove("secretsmanager:PutSecretValue")
    (one,) = missing(made, told)
    assert (one.feature.name, one.actions) == ("secrets", ("secretsmanager:PutSecretValue",))
    pasted = json.loads(one.paste)
    told.inline["secrets"]["Statement"].append(pasted)
    assert (missing(made, told), surplus(made, told)) == ((), ())


ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_an_administrators_policy_beside_ours_is_more() -> None:
    made = ROLES[Role.EXECUTION]
    assert surplus(made, facts(made, admin=ADMINISTRATOR)) == ("it may * on *",)


def test_a_statement_that_allows_all_but_some_is_more() -> None:
    made = ROLES[Role.EXECUTION]
    statement = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    told = surplus(made, facts(made, more={"Version": "2012-10-17", "Statement": statement}))
    assert told == ("it may do everything but iam:* on *",)


def test_a_statement_about_all_things_but_some_is_told_so() -> None:
    statement = {"Effect": "Allow", "NotAction": "s3:Foo", "NotResource": ["a", "b"]}
    told = surplus_of_policy({"Statement": []}, {"Statement": statement})
    assert told == ("it may do everything but s3:Foo on everything but a, b",)


@pytest.mark.parametrize("role", list(Role))
def test_a_condition_that_is_gone_is_more(role: Role) -> None:
    made = ROLES[role]
    told = facts(made)
    statements = [one for document in (*told.inline.values(), *told.attached.values()) for one in document["Statement"]]
    for statement in statements:
        if statement["Effect"] == "Allow" and "Condition" in statement:
            kept = statement.pop("Condition")
            assert surplus(made, told), statement["Sid"]
            statement["Condition"] = kept


@pytest.mark.parametrize("role", list(Role))
def test_a_denial_that_is_gone_or_narrower_is_more(role: Role) -> None:
    made = ROLES[role]
    for name in (*made.inline, *made.managed):
        told = facts(made)
        document = told.inline.get(name) or told.attached[f"arn:{name}"]
        for number, statement in enumerate(document["Statement"]):
            if statement["Effect"] != "Deny":
                continue
            removed = statement["Action"].pop()
            assert surplus(made, told), (name, number, removed)
            statement["Action"].append(removed)


def test_a_boundary_that_was_widened_is_more() -> None:
    wider = copy.deepcopy(dict(boundary_document(TERMS)))
    assert surplus_of_policy(boundary_document(TERMS), wider) == ()
    wider["Statement"][0]["Action"] = [*wider["Statement"][0]["Action"], "iam:*"]
    assert surplus_of_policy(boundary_document(TERMS), wider)


def test_a_trust_policy_with_anybody_besides_is_not_ours() -> None:
    trust = ROLES[Role.OBSERVER].trust
    other = copy.deepcopy(dict(trust))
    other["Statement"] = [*trust["Statement"], {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]
    assert same_trust(trust, copy.deepcopy(dict(trust)))
    assert not same_trust(trust, other)


@pytest.mark.parametrize("junk", [{}, {"Statement": None}, {"Statement": ["x", 3]}, {"Statement": [{"Action": {}}]}])
def test_documents_that_make_no_sense_are_no_reason_to_fall_over(junk: dict[str, Any]) -> None:
    made = ROLES[Role.OBSERVER]
    assert missing(made, RoleFacts("arn", junk, 0, "", {"junk": junk}))
    assert surplus(made, RoleFacts("arn", junk, 0, "", {"junk": junk}))
    assert not same_trust(made.trust, junk)


def test_each_layer_with_a_stack_has_a_feature_for_what_cloudformation_makes_of_it() -> None:
    named = [layer for feature in FEATURES for layer in feature.layers]
    assert sorted(named) == sorted(layer.name for layer in LAYERS.values() if layer.has_stack)
    assert {feature.role for feature in FEATURES if feature.layers} == {Role.EXECUTION}

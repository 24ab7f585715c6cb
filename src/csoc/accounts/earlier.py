"""What an earlier version of csoc's template gives, read from the stack that was made with it.

A later csoc gives other rights, and a link whose stack is exactly as it was agreed must not look as if somebody had
changed it. The text comes from the account, so it is read only after its digest showed that csoc made it; and what
cannot be understood gives nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.accounts import names
from csoc.accounts.links import Role
from csoc.accounts.roles import RoleDocuments
from csoc.accounts.terms import Document, Terms
from csoc.errors import RejectedError

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class EarlierRole:
    """A role as an earlier template makes it."""

    documents: RoleDocuments
    longest_session_seconds: int


@dataclass(frozen=True, slots=True)
class EarlierTemplate:
    """What a stack was agreed to give. boundary: None if that template has none."""

    roles: Mapping[Role, EarlierRole]
    boundary: Document | None


def read_template(body: str, terms: Terms) -> EarlierTemplate:
    """What a template of csoc's makes in one account. terms: of that account, with what its stack was given to read.

    Raises RejectedError for a template that says something which this csoc does not understand.
    """
    try:
        return _Reader(json.loads(body)["Resources"], terms).read()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise RejectedError(f"This csoc does not understand the template: {error!r}") from error


class _Reader:
    """Works out what CloudFormation would, of the few functions that templates of links have."""

    def __init__(self, resources: Mapping[str, Any], terms: Terms) -> None:
        self._terms = terms
        self._references: Mapping[str, Any] = {
            "AWS::AccountId": terms.account,
            "AWS::Partition": terms.partition,
            "ExternalId": terms.external_id,
            "ExistingParameters": list(terms.reads.parameters),
            "ExistingStacks": list(terms.reads.stacks),
        }
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._references.__getitem__,
            "Fn::Sub": self._substituted,
            "Fn::Select": lambda given: self._worked_out(given[1])[int(given[0])],
            "Fn::Split": lambda given: self._worked_out(given[1]).split(given[0]),
        }
        self._policies = self._of_type(resources, "AWS::IAM::ManagedPolicy")
        self._roles = self._of_type(resources, "AWS::IAM::Role")

    def read(self) -> EarlierTemplate:
        boundary = names.link_role(self._terms.installation, "boundary")
        found = [one for one in self._policies.values() if one["ManagedPolicyName"] == boundary]
        made = {role: self._role(role) for role in Role}
        return EarlierTemplate(
            {role: one for role, one in made.items() if one is not None},
            self._worked_out(found[0]["PolicyDocument"]) if found else None,
        )

    @staticmethod
    def _of_type(resources: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
        return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}

    def _role(self, role: Role) -> EarlierRole | None:
        name = names.link_role(self._terms.installation, role)
        for logical_id, one in self._roles.items():
            if one["RoleName"] != name:
                continue
            attached = [reference["Ref"] for reference in one.get("ManagedPolicyArns", ())]
            attached += [
                policy for policy, made in self._policies.items() if {"Ref": logical_id} in made.get("Roles", ())
            ]
            documents = RoleDocuments(
                role,
                self._worked_out(one["AssumeRolePolicyDocument"]),
                {
                    policy["PolicyName"]: self._worked_out(policy["PolicyDocument"])
                    for policy in one.get("Policies", ())
                },
                {policy: self._worked_out(self._policies[policy]["PolicyDocument"]) for policy in attached},
            )
            return EarlierRole(documents, int(one["MaxSessionDuration"]))
        return None

    def _worked_out(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._worked_out(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        (first, *others) = value or ("",)
        if not others and (first == "Ref" or first.startswith("Fn::")):
            return self._functions[first](value[first])
        return {key: self._worked_out(one) for key, one in value.items()}

    def _substituted(self, given: Any) -> str:
        text, own = (given, {}) if isinstance(given, str) else given
        known = {**self._references, **{name: self._worked_out(one) for name, one in own.items()}}

        def told(found: re.Match[str]) -> str:
            value = known[found[1]]
            if not isinstance(value, str):
                raise TypeError(f"{found[0]} is a list")
            return value

        return _REFERENCE.sub(told, text)

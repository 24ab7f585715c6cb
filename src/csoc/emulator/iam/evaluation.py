"""The decision: explicit denies first, then what bounds the caller, then what allows.

Source: "Policy evaluation logic" and "How AWS enforcement code logic evaluates requests to allow or deny access", AWS
IAM User Guide: organisation's policies, resource policies, identity policies, boundaries and session policies, for one
account and across accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.emulator.iam.conditions import Context, UnknownConditionError, holds, replaced
from csoc.emulator.iam.documents import Policy, Statement
from csoc.emulator.iam.matching import action_matches, principal_matches, resource_matches


@dataclass(frozen=True, slots=True)
class Question:
    """May the caller do this? resources: ARNs that the call touches, each must be allowed ("*" if the action has none).
    owner: account that owns them. names: of the caller by kind, for Principal elements. known: condition keys that are
    filled in for this call."""

    account: str
    action: str
    resources: tuple[str, ...]
    owner: str
    names: Mapping[str, frozenset[str]]
    context: Context
    known: frozenset[str]
    principal: str = ""


@dataclass(frozen=True, slots=True)
class Rights:
    """Everything that speaks about a caller. boundary: None without one. session: session policies, None if the session
    has none. organisation: service control policies by level of the tree, each level must allow; empty outside of an
    organisation. is_root: the account's root user, whom only the organisation bounds."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    organisation: tuple[tuple[Policy, ...], ...] = ()
    is_root: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """because: AWS's words of why it is denied ("with an explicit deny in an identity-based policy", "because no
    permissions boundary allows the iam:CreateRole action"); with what was not understood, if that decided."""

    allowed: bool
    because: str = ""


def decide(question: Question, rights: Rights, resource_policies: Mapping[str, Policy] | None = None) -> Decision:
    """resource_policies: by resource ARN, for those resources that have one."""
    own = resource_policies or {}
    for resource in question.resources:
        decision = _decide(question, rights, resource, own.get(resource))
        if not decision.allowed:
            return decision
    return Decision(True)


def _decide(question: Question, rights: Rights, resource: str, own: Policy | None) -> Decision:
    doubts: list[str] = []
    denied = _explicit_deny(question, rights, resource, own, doubts)
    if denied:
        return Decision(False, denied)
    for level in rights.organisation:
        if not any(_matching(policy, True, question, resource, doubts, False) for policy in level):
            return Decision(False, _because("service control policy", question, doubts))
    if rights.is_root:
        return Decision(True)
    by_resource = own is not None and _matching(own, True, question, resource, doubts, True)
    if by_resource and question.account == question.owner and _names_directly(own, question, resource):
        # A resource policy that names the caller itself is enough within an account, whatever else bounds it.
        return Decision(True)
    if not by_resource or question.account != question.owner:
        if question.account != question.owner and not by_resource:
            return Decision(False, _because("resource-based policy", question, doubts))
        if not _allowed(rights.identity, question, resource, doubts):
            return Decision(False, _because("identity-based policy", question, doubts))
    if rights.boundary is not None and not _allowed((rights.boundary,), question, resource, doubts):
        return Decision(False, _because("permissions boundary", question, doubts))
    if rights.session is not None and not _allowed(rights.session, question, resource, doubts):
        return Decision(False, _because("session policy", question, doubts))
    return Decision(True)


def _explicit_deny(question: Question, rights: Rights, resource: str, own: Policy | None, doubts: list[str]) -> str:
    """Which kind of policy denies, in AWS's words; "" if none does."""
    kinds: list[tuple[str, Sequence[Policy]]] = [
        ("a service control policy", [policy for level in rights.organisation for policy in level]),
        ("a resource-based policy", [own] if own else []),
        ("an identity-based policy", rights.identity),
        ("a permissions boundary", [rights.boundary] if rights.boundary else []),
        ("a session policy", rights.session or ()),
    ]
    for kind, policies in kinds:
        for policy in policies:
            if _matching(policy, False, question, resource, doubts, own is policy):
                return f"with an explicit deny in {kind}{_doubt(doubts)}"
    return ""


def _allowed(policies: Sequence[Policy], question: Question, resource: str, doubts: list[str]) -> bool:
    return any(_matching(policy, True, question, resource, doubts, False) for policy in policies)


def _names_directly(policy: Policy | None, question: Question, resource: str) -> bool:
    """True if a statement names the caller's own ARN, not its account or everybody."""
    if policy is None:
        return False
    for statement in policy.statements:
        if not statement.allow or statement.principals is None:
            continue
        named = set(statement.principals.get("AWS", ())) | set(statement.principals.get("Service", ()))
        direct = {name for names in question.names.values() for name in names if not name.endswith(":root")}
        direct = {name for name in direct if ":" in name or "." in name}
        if named & direct and _applies(statement, policy, question, resource, [], with_principal=True):
            return True
    return False


def _matching(
    policy: Policy, allow: bool, question: Question, resource: str, doubts: list[str], with_principal: bool
) -> bool:
    return any(
        _applies(statement, policy, question, resource, doubts, with_principal=with_principal)
        for statement in policy.statements
        if statement.allow == allow
    )


def _applies(
    statement: Statement, policy: Policy, question: Question, resource: str, doubts: list[str], *, with_principal: bool
) -> bool:
    if with_principal and not _concerns(statement, question):
        return False
    if statement.actions and not any(action_matches(one, question.action) for one in statement.actions):
        return False
    if statement.not_actions and any(action_matches(one, question.action) for one in statement.not_actions):
        return False
    variables = policy.version == "2012-10-17"
    wanted = [replaced(one, question.context) if variables else one for one in statement.resources]
    if wanted and not any(resource_matches(one, resource) for one in wanted):
        return False
    unwanted = [replaced(one, question.context) if variables else one for one in statement.not_resources]
    if unwanted and any(resource_matches(one, resource) for one in unwanted):
        return False
    for operator, key, values in statement.conditions:
        try:
            if not holds(operator, key, values, question.context, question.known, variables=variables):
                return False
        except UnknownConditionError as error:
            # Against the caller: what might deny does, what might allow does not.
            doubts.append(str(error))
            if statement.allow:
                return False
    return True


def _concerns(statement: Statement, question: Question) -> bool:
    if statement.principals is not None:
        return principal_matches(statement.principals, question.names)
    if statement.not_principals is not None:
        return not principal_matches(statement.not_principals, question.names)
    return False


def _because(kind: str, question: Question, doubts: Sequence[str]) -> str:
    return f"because no {kind} allows the {question.action} action{_doubt(doubts)}"


def _doubt(doubts: Sequence[str]) -> str:
    return f" (the emulator does not know {', '.join(dict.fromkeys(doubts))})" if doubts else ""

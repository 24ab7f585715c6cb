"""The decision: explicit denies first, then what bounds the caller, then what allows.

Source: "Policy evaluation logic" and "How AWS enforcement code logic evaluates requests to allow or deny access", AWS
IAM User Guide: organisation's policies, resource policies, identity policies, boundaries and session policies, for one
account and across accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from csoc.emulator.iam.conditions import Context, UnknownConditionError, holds, replaced
from csoc.emulator.iam.documents import Policy, Statement
from csoc.emulator.iam.matching import action_matches, names_all, principal_matches, resource_matches


@dataclass(frozen=True, slots=True)
class Question:
    """May the caller do this? resources: ARNs that the call touches, each must be allowed ("*" if the action has none).
    owner: account that owns them. names: of the caller by kind, for Principal elements. known: condition keys that are
    filled in for this call, or do not exist for its action. principal: ARN of the user or role that calls, "" for a
    service. session: ARN of the session, "" for a user. authoritative: nobody gets in whom the resource policy does not
    let in (KMS keys, roles). vague: nobody knows which resources the action touches; an Allow must then be for all
    resources, and a Deny counts for whichever it names."""

    account: str
    action: str
    resources: tuple[str, ...]
    owner: str
    names: Mapping[str, frozenset[str]]
    context: Context
    known: frozenset[str]
    principal: str = ""
    session: str = ""
    authoritative: bool = False
    vague: bool = False


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
    given = _given_by_resource(own, question, resource, doubts)
    if not question.account:
        # A service has no identity policies; what the resource says decides.
        return Decision(True) if given else Decision(False, _because("resource-based policy", question, doubts))
    abroad = question.account != question.owner
    if not given and (abroad or question.authoritative):
        return Decision(False, _because("resource-based policy", question, doubts))
    if rights.is_root:
        return Decision(True)
    if not abroad and given is _Given.SESSION:
        return Decision(True)
    by_role = not abroad and given is _Given.ROLE
    if not by_role and not _allowed(rights.identity, question, resource, doubts):
        return Decision(False, _because("identity-based policy", question, doubts))
    if rights.boundary is not None and not _allowed((rights.boundary,), question, resource, doubts):
        return Decision(False, _because("permissions boundary", question, doubts))
    if rights.session is not None and not _allowed(rights.session, question, resource, doubts):
        return Decision(False, _because("session policy", question, doubts))
    return Decision(True)


class _Given(Enum):
    """To whom a resource policy gives: the account, which passes it on by identity policies; the role, so that its
    boundary and session policies still count; the session or user itself, which nothing else then limits. Source:
    "Resource-based policies" in "Policy evaluation for requests within a single account"."""

    NOTHING = 0
    ACCOUNT = 1
    ROLE = 2
    SESSION = 3

    def __bool__(self) -> bool:
        return self is not _Given.NOTHING


def _given_by_resource(own: Policy | None, question: Question, resource: str, doubts: list[str]) -> _Given:
    """The most that a statement of the resource's policy gives the caller."""
    best = _Given.NOTHING
    for statement in own.statements if own is not None else ():
        if not statement.allow or statement.principals is None:
            continue
        if _applies(statement, own, question, resource, doubts, with_principal=True):  # type: ignore[arg-type]
            found = _reach(statement.principals, question)
            best = max(best, found, key=lambda given: given.value)
    return best


def _reach(principals: Mapping[str, tuple[str, ...]], question: Question) -> _Given:
    named = set(principals.get("AWS", ()))
    itself = question.session or question.principal
    if itself in named or (question.names.keys() - {"AWS"}) & principals.keys():
        return _Given.SESSION
    if "*" in principals or "*" in named:
        # Everybody: the user itself, and of a session the role behind it.
        return _Given.ROLE if question.session else _Given.SESSION
    if question.principal in named or named & {name for name in question.names.get("AWS", ()) if ":" not in name}:
        return _Given.ROLE if question.session else _Given.SESSION
    return _Given.ACCOUNT


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
            if _matching(policy, False, question, resource, doubts, own is policy, rights.boundary is not None):
                return f"with an explicit deny in {kind}{_doubt(doubts)}"
    return ""


def _allowed(policies: Sequence[Policy], question: Question, resource: str, doubts: list[str]) -> bool:
    return any(_matching(policy, True, question, resource, doubts, False) for policy in policies)


def _matching(
    policy: Policy,
    allow: bool,
    question: Question,
    resource: str,
    doubts: list[str],
    with_principal: bool,
    bounded: bool = False,
) -> bool:
    return any(
        _applies(statement, policy, question, resource, doubts, with_principal=with_principal, bounded=bounded)
        for statement in policy.statements
        if statement.allow == allow
    )


def _applies(
    statement: Statement,
    policy: Policy,
    question: Question,
    resource: str,
    doubts: list[str],
    *,
    with_principal: bool,
    bounded: bool = False,
) -> bool:
    if with_principal and not _concerns(statement, question, bounded=bounded):
        return False
    if statement.actions and not any(action_matches(one, question.action) for one in statement.actions):
        return False
    if statement.not_actions and any(action_matches(one, question.action) for one in statement.not_actions):
        return False
    variables = policy.version == "2012-10-17"
    if not _about(statement, question, resource, doubts, variables=variables):
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


def _about(statement: Statement, question: Question, resource: str, doubts: list[str], *, variables: bool) -> bool:
    """Whether the Resource or NotResource element of a statement takes in the resource."""

    def hit(patterns: Sequence[str]) -> bool:
        return any(
            resource_matches(replaced(one, question.context) if variables else one, resource) for one in patterns
        )

    if question.vague and (statement.not_resources or not hit(statement.resources or ("*",))):
        doubts.append(f"the resources of {question.action}")
        return not statement.allow
    if statement.not_resources:
        return not hit(statement.not_resources)
    return not statement.resources or hit(statement.resources)


def _concerns(statement: Statement, question: Question, *, bounded: bool) -> bool:
    """Whether a statement of a resource policy speaks of the caller. NotPrincipal does of all who have a boundary,
    whomever it names. Source: "IAM JSON policy elements: NotPrincipal"."""
    if statement.principals is not None:
        return principal_matches(statement.principals, question.names)
    if statement.not_principals is None:
        return False
    if statement.allow:
        return not principal_matches(statement.not_principals, question.names)
    whole = {question.principal, question.session, f"arn:aws:iam::{question.account}:root"} - {""}
    return bounded or not names_all(
        statement.not_principals, question.names, frozenset(whole if question.account else ())
    )


def _because(kind: str, question: Question, doubts: Sequence[str]) -> str:
    return f"because no {kind} allows the {question.action} action{_doubt(doubts)}"


def _doubt(doubts: Sequence[str]) -> str:
    return f" (the emulator does not know {', '.join(dict.fromkeys(doubts))})" if doubts else ""

"""A caller as policies see it: its names, its rights, and the condition keys that follow from it.

Source of the keys: "AWS global condition context keys", AWS IAM User Guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.calls import Call, Identity
from csoc.emulator.iam.documents import Policy, parse_policy
from csoc.emulator.iam.evaluation import Rights

GLOBAL_KEYS = frozenset(
    {
        "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:currenttime", "aws:epochtime",
        "aws:federatedprovider", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice", "aws:principalorgid", "aws:principalorgpaths", "aws:principalservicename",
        "aws:principaltag/", "aws:principaltype", "aws:referer", "aws:requestedregion", "aws:requesttag/",
        "aws:resourceaccount", "aws:resourceorgid", "aws:resourcetag/", "aws:securetransport", "aws:sourceaccount",
        "aws:sourcearn", "aws:sourceidentity", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:tagkeys",
        "aws:tokenissuetime", "aws:useragent", "aws:userid", "aws:username", "aws:viaawsservice",
    }
)  # fmt: skip
"""Keys that are filled in for every call where they apply, lower case; those with a name behind end in a slash."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Where an account stands in an organisation. policies: service control policies by level, root first."""

    organisation: str
    path: str
    policies: tuple[tuple[Policy, ...], ...] = ()
    is_management: bool = False


def names_of(identity: Identity) -> dict[str, frozenset[str]]:
    """What a Principal element may call the caller. A session answers to its own ARN and to its role's; everybody in an
    account answers to the account."""
    if identity.account == "":
        return {"Service": frozenset({identity.service})} if identity.service else {}
    names = {identity.arn, identity.principal, identity.id.partition(":")[0], f"arn:aws:iam::{identity.account}:root"}
    return {"AWS": frozenset(names)}


def rights_of(identity: Identity, membership: Membership | None = None) -> Rights:
    """Everything that speaks about the caller. Somebody who is gone has no rights."""
    levels: tuple[tuple[Policy, ...], ...] = ()
    if membership is not None and not membership.is_management:
        levels = membership.policies
    if identity.is_root:
        return Rights(organisation=levels, is_root=True)
    session = identity.session
    find = moto_accounts.role if ":role/" in identity.principal else moto_accounts.user
    found = find(identity.account, identity.principal)
    if found is None:
        return Rights(organisation=levels)
    # A role that was deleted and made again has another id: sessions of the old one hold nothing.
    if session is not None and session.role_id != found.id:
        return Rights(organisation=levels)
    return Rights(
        tuple(parse_policy(document) for document in found.policies),
        None if found.boundary is None else parse_policy(found.boundary),
        tuple(parse_policy(document) for document in session.policies) if session and session.policies else None,
        levels,
    )


def context_of(call: Call, membership: Membership | None = None) -> dict[str, str | Sequence[str]]:
    """The global condition keys of a call, by lower-case name."""
    identity = call.identity
    context: dict[str, str | Sequence[str]] = {
        "aws:currenttime": call.at.isoformat(),
        "aws:epochtime": str(int(call.at.timestamp())),
        "aws:requestedregion": call.region,
        # The emulator speaks plain HTTP on the loopback in place of HTTPS, which the endpoints of AWS speak.
        "aws:securetransport": "true",
        "aws:viaawsservice": "true" if identity.service and not is_service_role(identity) else "false",
        "aws:principalisawsservice": "false",
    }
    if identity.service:
        if not is_service_role(identity):
            context["aws:calledvia"] = [identity.service]
            context["aws:calledviafirst"] = context["aws:calledvialast"] = identity.service
    else:
        context["aws:sourceip"] = call.source_ip
        context["aws:useragent"] = call.user_agent
    if identity.account:
        context["aws:principalarn"] = identity.principal
        context["aws:principalaccount"] = identity.account
        context["aws:userid"] = identity.id
        context["aws:principaltype"] = _type(identity)
        if ":user/" in identity.principal:
            context["aws:username"] = identity.principal.rsplit("/", 1)[-1]
        for name, value in _tags(identity).items():
            context[f"aws:principaltag/{name.lower()}"] = value
    if membership is not None:
        context["aws:principalorgid"] = membership.organisation
        context["aws:principalorgpaths"] = [membership.path]
    if identity.session is not None and identity.session.source_identity:
        context["aws:sourceidentity"] = identity.session.source_identity
    if identity.session is not None:
        context["aws:multifactorauthpresent"] = "false"
        if identity.session.federated:
            context["aws:federatedprovider"] = identity.session.federated
        if identity.session.issued_at is not None:
            context["aws:tokenissuetime"] = identity.session.issued_at.isoformat()
    return context


def is_service_role(identity: Identity) -> bool:
    """True for an AWS service that acts with a role of its own: nobody's session is behind it."""
    return identity.session is None and ":role/" in identity.principal


def session_of(identity: Identity) -> str:
    """The ARN of the session that calls; "" for a user or a root user."""
    return identity.arn if identity.arn != identity.principal else ""


def _type(identity: Identity) -> str:
    if identity.is_root:
        return "Account"
    return "AssumedRole" if identity.session is not None or ":role/" in identity.principal else "User"


def _tags(identity: Identity) -> dict[str, str]:
    find = moto_accounts.role if ":role/" in identity.principal else moto_accounts.user
    found = find(identity.account, identity.principal)
    own = dict(found.tags) if found else {}
    return own | (dict(identity.session.tags) if identity.session else {})

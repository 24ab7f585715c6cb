"""What the internet sees of accounts: records of public zones, certificates, web ACLs. Like the other moto_* modules it
touches moto's objects, so that nothing else does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.acm.models import acm_backends
from moto.route53.models import route53_backends
from moto.wafv2.models import wafv2_backends

from csoc.emulator.cloud.corrections.acm import is_issued


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a public zone. values: what it points to; of an alias the name that it is one for."""

    type: str
    values: tuple[str, ...]
    is_alias: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """One that ACM issued or was given. chain, key: PEM."""

    names: tuple[str, ...]
    chain: str
    key: str


@dataclass(frozen=True, slots=True)
class AclRule:
    """A rule of a web ACL that looks at addresses. networks: those that it means. action: "allow", "block" or what
    lets the next rule decide."""

    networks: tuple[str, ...]
    action: str


@dataclass(frozen=True, slots=True)
class WebAcl:
    """Rules in the order in which they count, and what is done with whom none of them decides about."""

    rules: tuple[AclRule, ...]
    default: str


def public_records(name: str) -> Sequence[Record]:
    """The records of a name in the public zone that is nearest to it, whichever account has it. Of zones of one name
    the one counts that was made last: a parent delegates to one of them, and whoever makes another moves there. Names
    end without a dot."""
    zones: dict[str, Any] = {}
    for backends in list(route53_backends.values()):
        for zone in list(backends["aws"].zones.values()) if "aws" in backends else ():
            top = zone.name.rstrip(".").lower()
            if zone.private_zone not in (True, "true") and (name == top or name.endswith(f".{top}")):
                zones[top] = zone
    for top in sorted(zones, key=len, reverse=True):
        found = [_record(one) for one in zones[top].rrsets if one.name.rstrip(".").lower() == name]
        if found:
            return found
    return ()


def issued_certificate(arn: str) -> Certificate | None:
    """A certificate that a load balancer can serve; None if there is none, or it is not issued yet."""
    _, _, service, region, account, *_ = [*arn.split(":", 5), "", "", "", "", ""]
    if service != "acm" or account not in acm_backends:
        return None
    bundle = acm_backends[account][region]._certificates.get(arn) if region in acm_backends[account] else None
    if bundle is None or not is_issued(account, bundle):
        return None
    chain = bundle.cert.decode() + "\n" + bundle.chain.decode()
    return Certificate(tuple(bundle.sans) or (str(bundle.common_name),), chain, bundle.key.decode())


def web_acl(arn: str) -> WebAcl | None:
    """A web ACL; None if there is none. Rules that look at anything but addresses let everybody on: nothing here is
    attacked."""
    _, _, service, region, account, *_ = [*arn.split(":", 5), "", "", "", "", ""]
    if service != "wafv2" or account not in wafv2_backends or region not in wafv2_backends[account]:
        return None
    backend = wafv2_backends[account][region]
    found = next((one for one in backend.wacls.values() if one.arn == arn), None)
    if found is None:
        return None
    sets = {one.arn: tuple(one.addresses) for one in backend.ip_sets.values()}
    rules = []
    for rule in sorted(found.rules, key=lambda one: int(one.priority)):
        named = _get(rule.statement, "IPSetReferenceStatement")
        if named:
            rules.append(AclRule(sets.get(str(_get(named, "ARN")), ()), _action(rule.action)))
    return WebAcl(tuple(rules), _action(found.default_action))


def _record(one: Any) -> Record:
    if one.alias_target:
        return Record(str(one.type), (str(one.alias_target["DNSName"]).rstrip(".").lower(),), is_alias=True)
    values = [value["Value"] if isinstance(value, Mapping) else value for value in one.records or ()]
    return Record(str(one.type), tuple(str(value).rstrip(".").lower() for value in values), is_alias=False)


def _action(action: Mapping[str, Any] | None) -> str:
    return next((name.lower() for name in action or ()), "count")


def _get(body: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in body.items() if key.lower() == name.lower()), None)

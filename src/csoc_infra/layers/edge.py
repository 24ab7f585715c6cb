"""How an environment is reached: its certificate, who may come, and the record of its name.

The load balancer comes into being with Gen3's Ingress, after this stack. So the record has a parameter of its own,
LoadBalancerDnsName: without it there is no record; when csoc knows the load balancer, the same template is applied
again with it. Where the name belongs to somebody else there is no hosted zone, and no record either: csoc says which
one they have to make.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from csoc_infra import checks
from csoc_infra.context import NOTHING, Given
from csoc_infra.mistakes import MistakeError, shown
from csoc_infra.parts import web_acl
from csoc_infra.settings import setting

NAME = "edge"
INPUTS = ("NetworkWebAclArn",)
OPTIONAL_INPUTS: tuple[str, ...] = ()
OUTPUTS = ("CertificateArn", "WebAclArn", "HostnameRecord")

LOAD_BALANCER = "LoadBalancerDnsName"
"""The template's parameter with the name of the load balancer; empty until there is one."""

LOAD_BALANCER_ZONES: Mapping[str, str] = MappingProxyType(
    {
        "af-south-1": "Z268VQBMOI5EKX",
        "ap-east-1": "Z3DQVH9N71FHZ0",
        "ap-northeast-1": "Z14GRHDCWA56QT",
        "ap-northeast-2": "ZWKZPGTI48KDX",
        "ap-northeast-3": "Z5LXEXXYW11ES",
        "ap-south-1": "ZP97RAFLXTNZK",
        "ap-south-2": "Z0173938T07WNTVAEPZN",
        "ap-southeast-1": "Z1LMS91P8CMLE5",
        "ap-southeast-2": "Z1GM3OXH4ZPM65",
        "ap-southeast-3": "Z08888821HLRG5A9ZRTER",
        "ap-southeast-4": "Z09517862IB2WZLPXG76F",
        "ca-central-1": "ZQSVJUPU6J1EY",
        "ca-west-1": "Z06473681YS74MMRMAMGT",
        "eu-central-1": "Z215JYRZR1TBD5",
        "eu-central-2": "Z06391101F2ZOEP8P5EB3",
        "eu-north-1": "Z23TAZ6LKFMNIO",
        "eu-south-2": "Z0956581394HF5D5LXGAP",
        "eu-west-1": "Z32O12XQLNTSW2",
        "eu-west-2": "ZHURV8PSTC4K8",
        "eu-west-3": "Z3Q77PNBQS71R4",
        "il-central-1": "Z09170902867EHPV2DABU",
        "me-central-1": "Z08230872XQRWHG2XF6I",
        "me-south-1": "ZS929ML54UICD",
        "sa-east-1": "Z2P70J7HTTTPLU",
        "us-east-1": "Z35SXDOTRQ7X7K",
        "us-east-2": "Z3AADJGX6KTTL2",
        "us-gov-east-1": "Z166TLBEWOO7G0",
        "us-gov-west-1": "Z33AYJ8TM3BH4J",
        "us-west-1": "Z368ELLRRE2KJ0",
        "us-west-2": "Z1H1FL5HABSF5",
    }
)
"""The hosted zones in which Application Load Balancers have their names.

Source: AWS General Reference, "Elastic Load Balancing endpoints and quotas". Regions whose zone is not certain are left
out, and the setting load_balancer_zone_id says it.
"""

_NARROWEST = {4: 8, 6: 16}
_WEB_ACL = web_acl.Settings()


def _allowed(value: str) -> None:
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("wanted is a network like 203.0.113.0/24, or 203.0.113.7/32 for one address") from None
    if "/" not in value:
        raise ValueError("wanted is a network with its length, like 203.0.113.7/32 for one address")
    if network.prefixlen < _NARROWEST[network.version]:
        raise ValueError("that is most of the internet; leave the list out if everybody may come")


_zone = checks.matches(r"(Z[A-Z0-9]{5,31})?", "the id of a hosted zone like Z0123456789ABCDEFGHIJ")


def _certificate(value: str) -> None:
    if value:
        checks.arn("acm")(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """certificate_arn: of one that is there. request_certificate: one is requested for the hostname; with a hosted zone
    it is validated at once, without one the stack waits until somebody has made the record that its events name.
    hosted_zone_id: where the hostname's records are kept; "" if that is not in this account. allowed: networks that may
    come; without any, everybody may, and the network's own web ACL stands before the load balancer.
    """

    hostname: str = setting(check=checks.hostname)
    certificate_arn: str = setting(default="", check=_certificate)
    request_certificate: bool = False
    hosted_zone_id: str = setting(default="", check=_zone)
    load_balancer_zone_id: str = setting(default="", check=_zone)
    allowed: tuple[str, ...] = setting(default=(), check=checks.each(_allowed))
    web_acl: web_acl.Settings = _WEB_ACL

    def __post_init__(self) -> None:
        if self.certificate_arn and self.request_certificate:
            raise MistakeError(
                "request_certificate", "certificate_arn names one that is there", "Leave one of the two out"
            )


def build(stack: cdk.Stack, settings: Settings, given: Given) -> Mapping[str, str]:
    """Puts the layer's resources into its stack."""
    _same_place(settings, given)
    acl = (
        web_acl.build(stack, settings.web_acl, given, settings.allowed)
        if settings.allowed
        else given["NetworkWebAclArn"]
    )
    return {
        "CertificateArn": _requested(stack, settings) if settings.request_certificate else settings.certificate_arn,
        "WebAclArn": acl,
        "HostnameRecord": _record(stack, settings, given) if settings.hosted_zone_id else "",
    }


def _same_place(settings: Settings, given: Given) -> None:
    """A load balancer takes certificates of its own region only."""
    if not settings.certificate_arn:
        return
    _, partition, _, region, account = settings.certificate_arn.split(":")[:5]
    if (partition, region, account) != (given.partition, given.region, given.account):
        raise MistakeError(
            "settings.certificate_arn",
            f"this certificate is in {shown(region)} of account {shown(account)}",
            f"Name one of {given.region} in {given.account}, where the load balancer is",
        )


def _requested(stack: cdk.Stack, settings: Settings) -> str:
    zone = [{"domainName": settings.hostname, "hostedZoneId": settings.hosted_zone_id}]
    return acm.CfnCertificate(
        stack,
        "Certificate",
        domain_name=settings.hostname,
        validation_method="DNS",
        domain_validation_options=zone if settings.hosted_zone_id else None,
    ).ref


def _record(stack: cdk.Stack, settings: Settings, given: Given) -> str:
    zone = settings.load_balancer_zone_id or LOAD_BALANCER_ZONES.get(given.region, "")
    if not zone:
        raise MistakeError(
            "settings.load_balancer_zone_id",
            f"it is not known in which hosted zone load balancers of {given.region} have their names",
            "Say it; the page on endpoints of Elastic Load Balancing in the AWS General Reference lists it",
        )
    name = cdk.CfnParameter(
        stack,
        LOAD_BALANCER,
        type="String",
        default="",
        description="Name of the load balancer of Gen3's Ingress; empty until there is one",
        allowed_pattern=r"^([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){2,8})?$",
        constraint_description="the DNS name of a load balancer, or nothing",
    )
    there = cdk.CfnCondition(
        stack, "HasLoadBalancer", expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(name.value_as_string, ""))
    )
    record = route53.CfnRecordSet(
        stack,
        "HostnameAddress",
        hosted_zone_id=settings.hosted_zone_id,
        name=settings.hostname,
        type="A",
        alias_target=route53.CfnRecordSet.AliasTargetProperty(dns_name=name.value_as_string, hosted_zone_id=zone),
    )
    record.cfn_options.condition = there
    return cdk.Fn.condition_if(there.logical_id, settings.hostname, NOTHING).to_string()

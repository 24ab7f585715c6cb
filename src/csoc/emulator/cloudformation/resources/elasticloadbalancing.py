"""Load balancers, their listeners and rules, and target groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Change, Declared, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Made, Properties
from csoc.emulator.cloudformation.resources.translation import as_list, at_path, call, own_tags, short_name, unless_gone

_LONGEST_NAME = 32


class _Balancing(Declared):
    """What a resource of Elastic Load Balancing is: it has an ARN, and tags by it."""

    service = "elbv2"

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        if gone:
            client.remove_tags(ResourceArns=[physical_id], TagKeys=gone)
        if wanted:
            client.add_tags(ResourceArns=[physical_id], Tags=as_list(wanted))

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        told = client.describe_tags(ResourceArns=[physical_id])["TagDescriptions"]
        return own_tags(told[0]) if told else {}


def _attributes(method: str, member: str, name: str) -> Change:
    """Attributes as key and value, after creation."""
    return Change(
        (name,), method, lambda arn, wanted: {member: arn, "Attributes": wanted.get(name) or []}, at_creation=True
    )


class LoadBalancer(_Balancing):
    """AWS::ElasticLoadBalancingV2::LoadBalancer. There when it is active."""

    type_name = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    create_call, id_path = "create_load_balancer", "LoadBalancers.0.LoadBalancerArn"
    takes = ("IpAddressType", "Name", "Scheme", "SecurityGroups", "SubnetMappings", "Subnets", "Type")
    changes = (
        _attributes("modify_load_balancer_attributes", "LoadBalancerArn", "LoadBalancerAttributes"),
        Change(
            ("SecurityGroups",),
            "set_security_groups",
            lambda arn, wanted: {"LoadBalancerArn": arn, "SecurityGroups": wanted.get("SecurityGroups") or []},
        ),
        Change(
            ("Subnets", "SubnetMappings"),
            "set_subnets",
            lambda arn, wanted: {
                "LoadBalancerArn": arn,
                **{name: wanted[name] for name in ("Subnets", "SubnetMappings") if name in wanted},
            },
        ),
        Change(
            ("IpAddressType",),
            "set_ip_address_type",
            lambda arn, wanted: {"LoadBalancerArn": arn, "IpAddressType": wanted["IpAddressType"]},
        ),
    )
    defaults = {"IpAddressType": "ipv4"}
    attributes = {
        "LoadBalancerArn": "",
        "CanonicalHostedZoneID": "CanonicalHostedZoneId",
        "DNSName": "DNSName",
        "LoadBalancerFullName": "",
        "LoadBalancerName": "LoadBalancerName",
        "SecurityGroups": "SecurityGroups",
    }
    described = Describe("describe_load_balancers", "LoadBalancerArns", "LoadBalancers.0")
    read_as = {"Name": "LoadBalancerName"}
    delete_call, delete_member = "delete_load_balancer", "LoadBalancerArn"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {"Name": short_name(context, _LONGEST_NAME), **super().parameters(context, properties)}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        zones = found.get("AvailabilityZones", [])
        given = client.describe_load_balancer_attributes(LoadBalancerArn=physical_id)["Attributes"]
        return {
            "LoadBalancerAttributes": given,
            "Subnets": [zone["SubnetId"] for zone in zones],
            "SubnetMappings": [{"SubnetId": zone["SubnetId"]} for zone in zones],
        }

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"LoadBalancerFullName": physical_id.partition(":loadbalancer/")[2]}

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once it is active."""
        found = self.describe(context.clients(self.service), physical_id)
        return at_path(found, "State.Code") in ("active", None)


_HEALTH = (
    "HealthCheckEnabled", "HealthCheckIntervalSeconds", "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol",
    "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "Matcher", "UnhealthyThresholdCount",
)  # fmt: skip


class TargetGroup(_Balancing):
    """AWS::ElasticLoadBalancingV2::TargetGroup."""

    type_name = "AWS::ElasticLoadBalancingV2::TargetGroup"
    create_call, id_path = "create_target_group", "TargetGroups.0.TargetGroupArn"
    takes = ("IpAddressType", "Name", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId", *_HEALTH)
    afterwards = ("Targets",)
    changes = (
        _attributes("modify_target_group_attributes", "TargetGroupArn", "TargetGroupAttributes"),
        Change(
            _HEALTH,
            "modify_target_group",
            lambda arn, wanted: {"TargetGroupArn": arn, **{name: wanted[name] for name in _HEALTH if name in wanted}},
        ),
    )
    attributes = {
        "TargetGroupArn": "",
        "LoadBalancerArns": "LoadBalancerArns",
        "TargetGroupFullName": "",
        "TargetGroupName": "TargetGroupName",
    }
    described = Describe("describe_target_groups", "TargetGroupArns", "TargetGroups.0")
    read_as = {"Name": "TargetGroupName"}
    delete_call, delete_member = "delete_target_group", "TargetGroupArn"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {"Name": short_name(context, _LONGEST_NAME), **super().parameters(context, properties)}

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        old, new = before.get("Targets") or [], after.get("Targets") or []
        for method, targets in (
            ("deregister_targets", [one for one in old if one not in new]),
            ("register_targets", [one for one in new if one not in old]),
        ):
            if targets:
                call(client, method, {"TargetGroupArn": physical_id, "Targets": targets})

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        health = client.describe_target_health(TargetGroupArn=physical_id)["TargetHealthDescriptions"]
        given = client.describe_target_group_attributes(TargetGroupArn=physical_id)["Attributes"]
        return {"Targets": [one["Target"] for one in health], "TargetGroupAttributes": given}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "LoadBalancerArns": found.get("LoadBalancerArns", []),
            "TargetGroupFullName": physical_id.rpartition(":")[2],
        }


_LISTENER = ("AlpnPolicy", "Certificates", "DefaultActions", "Port", "Protocol", "SslPolicy")


class Listener(_Balancing):
    """AWS::ElasticLoadBalancingV2::Listener."""

    type_name = "AWS::ElasticLoadBalancingV2::Listener"
    create_call, id_path = "create_listener", "Listeners.0.ListenerArn"
    takes = ("LoadBalancerArn", *_LISTENER)
    changes = (
        Change(
            _LISTENER,
            "modify_listener",
            lambda arn, wanted: {"ListenerArn": arn, **{name: wanted[name] for name in _LISTENER if name in wanted}},
        ),
        _attributes("modify_listener_attributes", "ListenerArn", "ListenerAttributes"),
    )
    attributes = {"ListenerArn": ""}
    described = Describe("describe_listeners", "ListenerArns", "Listeners.0")
    delete_call, delete_member = "delete_listener", "ListenerArn"

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = unless_gone(lambda: client.describe_listener_attributes(ListenerArn=physical_id)) or {}
        return {"ListenerAttributes": answer.get("Attributes", [])}


class ListenerRule(_Balancing):
    """AWS::ElasticLoadBalancingV2::ListenerRule."""

    type_name = "AWS::ElasticLoadBalancingV2::ListenerRule"
    create_call, id_path = "create_rule", "Rules.0.RuleArn"
    takes = ("Actions", "Conditions", "ListenerArn", "Priority")
    unread = ("ListenerArn",)
    changes = (
        Change(
            ("Actions", "Conditions"),
            "modify_rule",
            lambda arn, wanted: {"RuleArn": arn, "Actions": wanted["Actions"], "Conditions": wanted["Conditions"]},
        ),
        Change(
            ("Priority",),
            "set_rule_priorities",
            lambda arn, wanted: {"RulePriorities": [{"RuleArn": arn, "Priority": wanted["Priority"]}]},
        ),
    )
    attributes = {"RuleArn": "", "IsDefault": "IsDefault"}
    described = Describe("describe_rules", "RuleArns", "Rules.0")
    delete_call, delete_member = "delete_rule", "RuleArn"


class ListenerCertificate(_Balancing):
    """AWS::ElasticLoadBalancingV2::ListenerCertificate. Its id is the listener's ARN with those of the certificates."""

    type_name = "AWS::ElasticLoadBalancingV2::ListenerCertificate"
    also = ("Certificates", "ListenerArn")
    tags = ""
    attributes: ClassVar[Mapping[str, str]] = {"Id": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        listener, certificates = properties["ListenerArn"], properties["Certificates"]
        call(client, "add_listener_certificates", {"ListenerArn": listener, "Certificates": certificates})
        return "|".join([listener, *(one["CertificateArn"] for one in certificates)])

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        client = context.clients(self.service)
        old, new = ({one["CertificateArn"] for one in given["Certificates"]} for given in (before, after))
        listener = after["ListenerArn"]
        for method, arns in (("remove_listener_certificates", old - new), ("add_listener_certificates", new - old)):
            if arns:
                given = [{"CertificateArn": arn} for arn in sorted(arns)]
                call(client, method, {"ListenerArn": listener, "Certificates": given})
        return self.made(context, "|".join([listener, *(one["CertificateArn"] for one in after["Certificates"])]))

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        listener, *arns = physical_id.split("|")
        answer = unless_gone(lambda: client.describe_listener_certificates(ListenerArn=listener)) or {}
        there = {one["CertificateArn"] for one in answer.get("Certificates", ()) if not one.get("IsDefault")}
        found = [{"CertificateArn": arn} for arn in arns if arn in there]
        return {"ListenerArn": listener, "Certificates": found} if found else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id)
        if found is not None:
            unless_gone(lambda: client.remove_listener_certificates(**found))


HANDLERS: tuple[Handler, ...] = (LoadBalancer(), TargetGroup(), Listener(), ListenerRule(), ListenerCertificate())

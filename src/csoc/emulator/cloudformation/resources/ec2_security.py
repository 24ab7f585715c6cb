"""Who may talk to whom: security groups with their rules, network ACLs, prefix lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Describe
from csoc.emulator.cloudformation.resources.ec2_type import Ec2
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import at_path, call, is_true, unless_gone

_EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_INGRESS, _EGRESS = "SecurityGroupIngress", "SecurityGroupEgress"


def permission(rule: Properties, egress: bool) -> dict[str, Any]:
    """A rule of a template as the EC2 API takes it. Raises ResourceError if it names not exactly one peer."""
    side = "Destination" if egress else "Source"
    found: dict[str, Any] = {"IpProtocol": str(rule.get("IpProtocol", ""))}
    found |= {name: int(rule[name]) for name in ("FromPort", "ToPort") if name in rule}
    note = {"Description": rule["Description"]} if rule.get("Description") else {}
    peers = []
    if "CidrIp" in rule:
        peers.append(("IpRanges", {"CidrIp": rule["CidrIp"], **note}))
    if "CidrIpv6" in rule:
        peers.append(("Ipv6Ranges", {"CidrIpv6": rule["CidrIpv6"], **note}))
    if f"{side}PrefixListId" in rule:
        peers.append(("PrefixListIds", {"PrefixListId": rule[f"{side}PrefixListId"], **note}))
    if f"{side}SecurityGroupId" in rule:
        owner = {"UserId": str(rule["SourceSecurityGroupOwnerId"])} if "SourceSecurityGroupOwnerId" in rule else {}
        peers.append(("UserIdGroupPairs", {"GroupId": rule[f"{side}SecurityGroupId"], **owner, **note}))
    if len(peers) != 1:
        raise ResourceError(
            f"A rule of a security group needs exactly one of CidrIp, CidrIpv6, {side}PrefixListId and "
            f"{side}SecurityGroupId",
            "InvalidRequest",
        )
    return {**found, peers[0][0]: [peers[0][1]]}


def rule_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """A described rule in the form of a template."""
    side = "Destination" if described.get("IsEgress") else "Source"
    ports = ("FromPort", "ToPort") if described.get("IpProtocol") != "-1" else ()
    told = {
        "IpProtocol": described.get("IpProtocol"),
        **{name: described.get(name) for name in ports},
        "CidrIp": described.get("CidrIpv4"),
        "CidrIpv6": described.get("CidrIpv6"),
        f"{side}PrefixListId": described.get("PrefixListId"),
        f"{side}SecurityGroupId": at_path(described, "ReferencedGroupInfo.GroupId"),
        "Description": described.get("Description"),
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def revoke(client: Any, group: str, verb: str, rules: list[str]) -> None:
    """Takes rules away by their ids; those that are gone already are no error."""
    if rules:
        method = getattr(client, f"revoke_security_group_{verb}")
        unless_gone(lambda: method(GroupId=group, SecurityGroupRuleIds=rules))


class SecurityGroup(Ec2):
    """AWS::EC2::SecurityGroup, in a VPC. With egress rules of its own it loses the one that allows everything."""

    type_name = "AWS::EC2::SecurityGroup"
    kind = "security-group"
    create_call, id_path = "create_security_group", "GroupId"
    takes = ("GroupName", "VpcId")
    renamed = {"GroupDescription": "Description"}
    afterwards = (_INGRESS, _EGRESS)
    attributes = {"Id": "", "GroupId": "", "GroupName": "GroupName", "VpcId": "VpcId"}
    described = Describe("describe_security_groups", "GroupIds", "SecurityGroups.0")
    read_as = {"GroupDescription": "Description"}
    delete_call, delete_member = "delete_security_group", "GroupId"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {"GroupName": context.name, **super().parameters(context, properties)}

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if not before.get(_EGRESS) and after.get(_EGRESS):
            unless_gone(lambda: client.revoke_security_group_egress(GroupId=physical_id, IpPermissions=[_EVERYTHING]))
        self._set_rules(client, physical_id, before, after)
        if before.get(_EGRESS) and not after.get(_EGRESS):
            client.authorize_security_group_egress(GroupId=physical_id, IpPermissions=[_EVERYTHING])

    @staticmethod
    def _set_rules(client: Any, group: str, before: Properties, after: Properties) -> None:
        for name, verb in ((_INGRESS, "ingress"), (_EGRESS, "egress")):
            old, new = list(before.get(name) or ()), list(after.get(name) or ())
            gone = [permission(rule, verb == "egress") for rule in old if rule not in new]
            if gone:
                asked = [{"Name": "group-id", "Values": [group]}]
                live = client.describe_security_group_rules(Filters=asked)["SecurityGroupRules"]
                egress = verb == "egress"
                mine = [one for one in live if one["IsEgress"] == egress and permission(rule_of(one), egress) in gone]
                revoke(client, group, verb, [one["SecurityGroupRuleId"] for one in mine])
            added = [permission(rule, verb == "egress") for rule in new if rule not in old]
            if added:
                getattr(client, f"authorize_security_group_{verb}")(GroupId=group, IpPermissions=added)

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = [{"Name": "group-id", "Values": [physical_id]}]
        rules = client.describe_security_group_rules(Filters=asked)["SecurityGroupRules"]
        return {
            _INGRESS: [rule_of(rule) for rule in rules if not rule["IsEgress"]],
            _EGRESS: [rule_of(rule) for rule in rules if rule["IsEgress"]],
        }


class _Rule(Ec2):
    """A rule of a security group as a resource of its own."""

    also: ClassVar[tuple[str, ...]] = (
        "CidrIp",
        "CidrIpv6",
        "Description",
        "FromPort",
        "GroupId",
        "IpProtocol",
        "ToPort",
    )
    tags = ""
    attributes = {"Id": ""}
    egress: ClassVar[bool]

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        answer = getattr(client, f"authorize_security_group_{self._verb}")(
            GroupId=properties["GroupId"], IpPermissions=[permission(properties, self.egress)]
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    @property
    def _verb(self) -> str:
        return "egress" if self.egress else "ingress"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        method = getattr(client, f"update_security_group_rule_descriptions_{self._verb}")
        wanted = permission({**after, "Description": after.get("Description", "")}, self.egress)
        method(GroupId=after["GroupId"], IpPermissions=[wanted])
        return {"Description"}

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        answer = unless_gone(lambda: client.describe_security_group_rules(SecurityGroupRuleIds=[physical_id]))
        found: Mapping[str, Any] | None = at_path(answer, "SecurityGroupRules.0")
        return None if found is None else {**rule_of(found), "GroupId": found["GroupId"]}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id)
        if found is not None:
            revoke(client, found["GroupId"], self._verb, [physical_id])


class SecurityGroupIngress(_Rule):
    """AWS::EC2::SecurityGroupIngress."""

    type_name = "AWS::EC2::SecurityGroupIngress"
    also = (*_Rule.also, "SourcePrefixListId", "SourceSecurityGroupId", "SourceSecurityGroupOwnerId")
    unread = ("SourceSecurityGroupOwnerId",)
    egress = False


class SecurityGroupEgress(_Rule):
    """AWS::EC2::SecurityGroupEgress."""

    type_name = "AWS::EC2::SecurityGroupEgress"
    also = (*_Rule.also, "DestinationPrefixListId", "DestinationSecurityGroupId")
    egress = True


class NetworkAcl(Ec2):
    """AWS::EC2::NetworkAcl."""

    type_name = "AWS::EC2::NetworkAcl"
    kind = "network-acl"
    create_call, id_path = "create_network_acl", "NetworkAcl.NetworkAclId"
    takes = ("VpcId",)
    attributes = {"Id": ""}
    described = Describe("describe_network_acls", "NetworkAclIds", "NetworkAcls.0")
    delete_call, delete_member = "delete_network_acl", "NetworkAclId"


class NetworkAclEntry(Ec2):
    """AWS::EC2::NetworkAclEntry."""

    type_name = "AWS::EC2::NetworkAclEntry"
    takes = ("CidrBlock", "Ipv6CidrBlock", "NetworkAclId", "PortRange", "Protocol", "RuleAction", "RuleNumber")
    renamed = {"Icmp": "IcmpTypeCode"}
    also = ("Egress",)
    read_as = {"Icmp": "IcmpTypeCode"}
    tags = ""
    attributes = {"Id": ""}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {**super().parameters(context, properties), "Egress": properties.get("Egress", False)}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = self.parameters(context, properties)
        call(client, "create_network_acl_entry", given)
        way = "egress" if is_true(given["Egress"]) else "ingress"
        return f"{properties['NetworkAclId']}|{properties['RuleNumber']}|{way}"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        call(client, "replace_network_acl_entry", self.parameters(context, after))
        return set(left)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        table, number, way = physical_id.split("|")
        answer = unless_gone(lambda: client.describe_network_acls(NetworkAclIds=[table]))
        for entry in at_path(answer, "NetworkAcls.0.Entries") or ():
            if entry["RuleNumber"] == int(number) and entry["Egress"] == (way == "egress"):
                return {**entry, "NetworkAclId": table}
        return None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Protocol": int(found["Protocol"])}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        table, number, way = physical_id.split("|")
        unless_gone(
            lambda: client.delete_network_acl_entry(NetworkAclId=table, RuleNumber=int(number), Egress=way == "egress")
        )


class SubnetNetworkAclAssociation(Ec2):
    """AWS::EC2::SubnetNetworkAclAssociation. A subnet always has a network ACL: removing this one gives it the VPC's
    default again."""

    type_name = "AWS::EC2::SubnetNetworkAclAssociation"
    also = ("NetworkAclId", "SubnetId")
    tags = ""
    attributes = {"AssociationId": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        return self._move(client, properties["SubnetId"], properties["NetworkAclId"])

    @staticmethod
    def _move(client: Any, subnet: str, to: str) -> str:
        asked = [{"Name": "association.subnet-id", "Values": [subnet]}]
        for table in client.describe_network_acls(Filters=asked)["NetworkAcls"]:
            for association in table["Associations"]:
                if association["SubnetId"] == subnet:
                    answer = client.replace_network_acl_association(
                        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=to
                    )
                    return str(answer["NewAssociationId"])
        raise ResourceError(f"Subnet {subnet} does not exist", "NotFound")

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        asked = [{"Name": "association.association-id", "Values": [physical_id]}]
        for table in client.describe_network_acls(Filters=asked)["NetworkAcls"]:
            for association in table["Associations"]:
                if association["NetworkAclAssociationId"] == physical_id:
                    return {**association, "VpcId": table["VpcId"]}
        return None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id)
        if found is None:
            return
        of_vpc = [{"Name": "vpc-id", "Values": [found["VpcId"]]}, {"Name": "default", "Values": ["true"]}]
        default = client.describe_network_acls(Filters=of_vpc)["NetworkAcls"][0]["NetworkAclId"]
        self._move(client, found["SubnetId"], default)


class PrefixList(Ec2):
    """AWS::EC2::PrefixList."""

    type_name = "AWS::EC2::PrefixList"
    kind = "prefix-list"
    create_call, id_path = "create_managed_prefix_list", "PrefixList.PrefixListId"
    takes = ("AddressFamily", "Entries", "MaxEntries", "PrefixListName")
    attributes = {"PrefixListId": "", "Arn": "PrefixListArn", "OwnerId": "OwnerId", "Version": "Version"}
    described = Describe("describe_managed_prefix_lists", "PrefixListIds", "PrefixLists.0")
    delete_call, delete_member = "delete_managed_prefix_list", "PrefixListId"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found = super().parameters(context, properties)
        return {"MaxEntries": len(properties.get("Entries") or ()) or 1, **found}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        found = self.describe(client, physical_id) or {}
        old = {entry["Cidr"]: entry for entry in before.get("Entries") or ()}
        new = {entry["Cidr"]: entry for entry in after.get("Entries") or ()}
        given = {
            "PrefixListId": physical_id,
            "CurrentVersion": found.get("Version"),
            "PrefixListName": after["PrefixListName"],
            "AddEntries": [entry for cidr, entry in new.items() if old.get(cidr) != entry],
            "RemoveEntries": [{"Cidr": cidr} for cidr in old if old[cidr] != new.get(cidr)],
        }
        if left & {"Entries", "PrefixListName"}:
            call(client, "modify_managed_prefix_list", {name: value for name, value in given.items() if value})
        return {"Entries", "PrefixListName"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Entries": client.get_managed_prefix_list_entries(PrefixListId=physical_id)["Entries"]}

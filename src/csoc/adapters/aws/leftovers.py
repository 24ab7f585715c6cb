"""What an account names by its tags: the Resource Groups Tagging API, EC2 of what is in a network and Route 53 of
records, in the link's observer role."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from csoc.adapters.aws.failures import translated
from csoc.provisioning import names
from csoc.provisioning.leftovers import Left, type_of

_VALIDATIONS = ".acm-validations.aws"
"""What the records with which Certificate Manager validates a domain point to. Source: ACM User Guide, "DNS
validation"."""


class AccountLeftovers:
    """See csoc.provisioning.leftovers.Leftovers. client: gives a client by service name. The tagging API answers for
    one region; what belongs to no region (roles, hosted zones) it names in us-east-1 alone, and stacks take that
    along."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def of_owner(self, uid: str) -> Sequence[Left]:
        found: dict[str, Left] = {}
        wanted = [{"Key": names.OWNER_TAG, "Values": [uid]}]
        with translated(f"what is tagged {names.OWNER_TAG}={uid}"):
            for page in (
                self._client("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=wanted)
            ):
                for one in page["ResourceTagMappingList"]:
                    arn = str(one["ResourceARN"])
                    tags = {str(tag["Key"]): str(tag["Value"]) for tag in one.get("Tags", [])}
                    found[arn] = Left(arn, *type_of(arn), tags.get(names.LAYER_TAG, ""))
        return sorted(found.values(), key=lambda left: (left.name, left.arn))

    def doors_in(self, vpc: str) -> Sequence[Left]:
        wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "tag-key", "Values": [names.OWNER_TAG]}]
        found = []
        with translated(f"security groups in {vpc}"):
            for page in self._client("ec2").get_paginator("describe_security_groups").paginate(Filters=wanted):
                for one in page["SecurityGroups"]:
                    tags = {str(tag["Key"]): str(tag["Value"]) for tag in one.get("Tags", [])}
                    layer, owner = tags.get(names.LAYER_TAG, ""), tags.get(names.OWNER_TAG, "")
                    kind, name = "ec2 security-group", str(one["GroupName"])
                    found.append(Left(f"security-group/{one['GroupId']}", kind, name, layer, owner=owner))
        return sorted(found, key=lambda left: (left.name, left.arn))

    def validation_records_in(self, zone: str, domain: str) -> Sequence[str]:
        # Route 53 orders names by their labels from the last one on, so those below the domain follow it.
        asked = {"HostedZoneId": zone, "StartRecordName": domain}
        found: list[str] = []
        with translated(f"records in {zone}"):
            for page in self._client("route53").get_paginator("list_resource_record_sets").paginate(**asked):
                for one in page["ResourceRecordSets"]:
                    name = str(one["Name"]).rstrip(".")
                    if name != domain and not name.endswith(f".{domain}"):
                        return sorted(found)
                    values = [str(value["Value"]).rstrip(".") for value in one.get("ResourceRecords", [])]
                    is_validation = any(value.endswith(_VALIDATIONS) for value in values)
                    if one["Type"] == "CNAME" and is_validation and name.partition(".")[2] == domain:
                        found.append(name)
        return sorted(found)

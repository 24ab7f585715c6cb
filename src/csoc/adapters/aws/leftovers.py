"""What an account names by its tags: the Resource Groups Tagging API, in the link's observer role."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from csoc.adapters.aws.failures import translated
from csoc.provisioning import names
from csoc.provisioning.leftovers import Left, type_of


class AccountLeftovers:
    """See csoc.provisioning.leftovers.Leftovers. client: gives a client of the tagging API. It answers for one region;
    what belongs to no region (roles, hosted zones) it names in us-east-1 alone, and stacks take that along."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def of_owner(self, uid: str) -> Sequence[Left]:
        found: dict[str, Left] = {}
        wanted = [{"Key": names.OWNER_TAG, "Values": [uid]}]
        with translated(f"what is tagged {names.OWNER_TAG}={uid}"):
            for page in self._client().get_paginator("get_resources").paginate(TagFilters=wanted):
                for one in page["ResourceTagMappingList"]:
                    arn = str(one["ResourceARN"])
                    tags = {str(tag["Key"]): str(tag["Value"]) for tag in one.get("Tags", [])}
                    found[arn] = Left(arn, *type_of(arn), tags.get(names.LAYER_TAG, ""))
        return sorted(found.values(), key=lambda left: (left.name, left.arn))

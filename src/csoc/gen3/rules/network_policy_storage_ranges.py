"""Pods labelled s3 may reach a list of addresses that the chart brings along, which are those of S3 in us-east-1.

Which addresses another region has is Amazon's to say and changes; that the list is still the chart's in another region
is enough (chart 0.3.90, gen3-network-policies/values.yaml). Sheepdog, fence and others carry netnolimit and are not
bound.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.workloads import workloads
from csoc.gen3.state import EnvironmentState

_REGION = "global.aws.region"
_RANGES = "gen3-network-policies.s3CidrRanges"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if policies are on in another region, the list is the chart's, and some pod gets to S3 by it only."""
    region = state.get(_REGION)
    if state.get("global.netPolicy.enabled") is not True or not isinstance(region, str) or region == "us-east-1":
        return
    if (
        not region
        or state.get("global.aws.enabled") is not True
        or state.written(_RANGES)
        or not values_complete(state)
    ):
        return
    bound = sorted(
        {
            item.name
            for item in workloads(state)
            if item.labels.get("s3") == "yes" and not {"netnolimit", "internet"} & _labelled_yes(item.labels)
        }
    )
    if bound:
        yield Hit(
            cause=f"{', '.join(bound)} may reach S3 of us-east-1 only, and this environment is in {region}",
            key=f"{region} {' '.join(bound)}",
            evidence=(state.at(_REGION),),
        )


def _labelled_yes(labels: object) -> set[str]:
    return {str(key) for key, value in labels.items() if value == "yes"} if isinstance(labels, dict) else set()


RULE = Rule(
    id="network-policy-storage-ranges",
    title="Network policies that allow S3 of another region",
    severity=Severity.HIGH,
    consequence="Manifests, dictionaries and files in S3 cannot be read; requests time out.",
    fix="Set gen3-network-policies.s3CidrRanges to the region's ranges from Amazon's ip-ranges.json (service S3).",
    covers=("M12",),
    environment=check,
    rendered=True,
)

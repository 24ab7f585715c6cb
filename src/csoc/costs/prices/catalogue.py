"""Which prices csoc knows by name, what each is for, and where AWS's price list has it.

A name stands for the same thing in every region's file; `scripts/renew_prices.py` finds its amount in AWS's public
price list by the offer and the attributes written here. Offers and usage types: the documents below
https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json, as
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html describes them. They were compared with
those that infracost/infracost asks for (internal/resources/aws) on 2026-11-23; it knows none of public IPv4 addresses,
of the extended support of EKS and of Bot Control.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Item:
    """A price by name.

    unit: what one amount is for. usage: its usage type in the price list, after the region's prefix; "" where the rest
    says enough. attributes: what its product has besides. per: how many of the list's units are one of ours.
    everywhere: the offer has one price for all regions, and no document of its own for each.
    """

    name: str
    what: str
    unit: str
    offer: str
    usage: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    per: int = 1
    everywhere: bool = False


PAGES: Mapping[str, str] = MappingProxyType(
    {
        "AmazonEC2": "https://aws.amazon.com/ec2/pricing/on-demand/",
        "AmazonVPC": "https://aws.amazon.com/vpc/pricing/",
        "AWSELB": "https://aws.amazon.com/elasticloadbalancing/pricing/",
        "AWSDataTransfer": "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer",
        "AmazonEKS": "https://aws.amazon.com/eks/pricing/",
        "AmazonRDS": "https://aws.amazon.com/rds/aurora/pricing/",
        "AmazonES": "https://aws.amazon.com/opensearch-service/pricing/",
        "AmazonS3": "https://aws.amazon.com/s3/pricing/",
        "awskms": "https://aws.amazon.com/kms/pricing/",
        "AWSSecretsManager": "https://aws.amazon.com/secrets-manager/pricing/",
        "AmazonCloudWatch": "https://aws.amazon.com/cloudwatch/pricing/",
        "awswaf": "https://aws.amazon.com/waf/pricing/",
        "AmazonRoute53": "https://aws.amazon.com/route53/pricing/",
        "AWSQueueService": "https://aws.amazon.com/sqs/pricing/",
        "AmazonSNS": "https://aws.amazon.com/sns/pricing/",
        "AWSSystemsManager": "https://aws.amazon.com/systems-manager/pricing/",
    }
)
"""Where people read the prices of an offer."""

_SIZES_OF_MACHINES = ("large", "xlarge", "2xlarge", "4xlarge")
_SMALL_MACHINES = ("small", "medium", "large", "xlarge", "2xlarge")
_FAMILIES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("t3", "t3a", "t4g"), _SMALL_MACHINES),
    **dict.fromkeys(("m5", "m6i", "m6a", "m7i", "m6g", "m7g"), _SIZES_OF_MACHINES),
    **dict.fromkeys(("c5", "c6i", "c6a", "c7i", "c6g", "c7g"), _SIZES_OF_MACHINES),
    **dict.fromkeys(("r5", "r6i", "r6a", "r7i", "r6g"), _SIZES_OF_MACHINES),
}
_MACHINES = tuple(f"{family}.{size}" for family, sizes in _FAMILIES.items() for size in sizes)
_SEARCH_MACHINES = (
    "t3.small.search",
    "t3.medium.search",
    "m6g.large.search",
    "m6g.xlarge.search",
    "r6g.large.search",
    "r6g.xlarge.search",
)
_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "licenseModel": "No License required",
}
_AURORA = {"databaseEngine": "Aurora PostgreSQL"}
_MILLION = 1_000_000
_HOURS_A_MONTH = 730


def _items() -> Iterator[Item]:
    for kind in _MACHINES:
        yield Item(
            f"ec2.{kind}", f"{kind}, Linux, on demand", "hour", "AmazonEC2", "", {"instanceType": kind, **_LINUX}
        )
    for family in ("t3", "t3a", "t4g"):
        what = f"CPU of {family} above its baseline"
        yield Item(f"credits.{family}", what, "vCPU-hour", "AmazonEC2", f"CPUCredits:{family}")
    yield Item("ebs.gp3", "gp3 volumes", "GB-month", "AmazonEC2", "EBS:VolumeUsage.gp3")
    yield Item("nat.hour", "NAT gateway", "hour", "AmazonEC2", "NatGateway-Hours")
    yield Item("nat.gb", "data through a NAT gateway", "GB", "AmazonEC2", "NatGateway-Bytes")
    yield Item("ipv4.hour", "public IPv4 address in use", "hour", "AmazonVPC", "PublicIPv4:InUseAddress")
    yield Item("endpoint.hour", "interface endpoint in a zone", "hour", "AmazonVPC", "VpcEndpoint-Hours")
    yield Item("endpoint.gb", "data through interface endpoints", "GB", "AmazonVPC", "VpcEndpoint-Bytes")
    application = {"productFamily": "Load Balancer-Application"}
    yield Item("alb.hour", "Application Load Balancer", "hour", "AWSELB", "LoadBalancerUsage", application)
    yield Item("alb.lcu", "its capacity units", "LCU-hour", "AWSELB", "LCUUsage", application)
    outbound, inside = ({"transferType": kind} for kind in ("AWS Outbound", "IntraRegion"))
    yield Item(
        "transfer.internet", "data out to the internet", "GB", "AWSDataTransfer", "DataTransfer-Out-Bytes", outbound
    )
    yield Item("transfer.zones", "data to another zone", "GB", "AWSDataTransfer", "DataTransfer-Regional-Bytes", inside)
    yield Item("eks.hour", "EKS control plane", "hour", "AmazonEKS", "AmazonEKS-Hours:perCluster")
    yield Item(
        "eks.extended",
        "what EKS asks besides in extended support",
        "hour",
        "AmazonEKS",
        "AmazonEKS-Hours:extendedSupport",
    )
    yield Item("aurora.acu", "Aurora Serverless v2", "ACU-hour", "AmazonRDS", "Aurora:ServerlessV2Usage", _AURORA)
    yield Item("aurora.storage", "Aurora's storage", "GB-month", "AmazonRDS", "Aurora:StorageUsage")
    yield Item(
        "aurora.io",
        "Aurora's reads and writes of storage",
        "million",
        "AmazonRDS",
        "Aurora:StorageIOUsage",
        per=_MILLION,
    )
    yield Item("aurora.backup", "Aurora's backups", "GB-month", "AmazonRDS", "Aurora:BackupUsage")
    for kind in _SEARCH_MACHINES:
        yield Item(f"search.{kind.removesuffix('.search')}", kind, "hour", "AmazonES", "", {"instanceType": kind})
    yield Item("search.gp3", "gp3 volumes of OpenSearch", "GB-month", "AmazonES", "ES:GP3-Storage")
    yield Item("s3.storage", "S3 Standard", "GB-month", "AmazonS3", "TimedStorage-ByteHrs")
    yield Item("s3.put", "PUT, COPY, POST and LIST", "thousand", "AmazonS3", "Requests-Tier1", per=1000)
    yield Item("s3.get", "GET and everything else", "thousand", "AmazonS3", "Requests-Tier2", per=1000)
    yield Item("kms.key", "key", "month", "awskms", "KMS-Keys")
    yield Item("kms.requests", "requests with symmetric keys", "10,000", "awskms", "KMS-Requests", per=10_000)
    yield Item("secrets.secret", "secret", "month", "AWSSecretsManager", "AWSSecretsManager-Secrets")
    yield Item("secrets.requests", "requests", "10,000", "AWSSecretsManager", "AWSSecretsManagerAPIRequest", per=10_000)
    yield Item("logs.taken", "logs taken in", "GB", "AmazonCloudWatch", "DataProcessing-Bytes")
    yield Item("logs.vended", "logs of AWS's own services taken in", "GB", "AmazonCloudWatch", "VendedLog-Bytes")
    yield Item("logs.kept", "logs kept, compressed", "GB-month", "AmazonCloudWatch", "TimedStorage-ByteHrs")
    yield Item("watch.metric", "metric", "month", "AmazonCloudWatch", "CW:MetricMonitorUsage")
    yield Item("watch.alarm", "alarm", "month", "AmazonCloudWatch", "CW:AlarmMonitorUsage")
    yield Item("waf.acl", "web ACL", "month", "awswaf", "WebACLV2")
    yield Item("waf.rule", "rule or group of rules", "month", "awswaf", "RuleV2")
    yield Item("waf.requests", "requests looked at", "million", "awswaf", "RequestV2-Tier1", per=_MILLION)
    yield Item("waf.bots", "Bot Control", "month", "awswaf", "AMR-BotControl-Entity")
    yield Item(
        "waf.bot-requests", "requests looked at by Bot Control", "million", "awswaf", "AMR-BotControl-Request",
        per=_MILLION,
    )  # fmt: skip
    yield Item("dns.zone", "hosted zone", "month", "AmazonRoute53", "HostedZone", everywhere=True)
    yield Item("dns.queries", "queries", "million", "AmazonRoute53", "DNS-Queries", per=_MILLION, everywhere=True)
    yield Item("sqs.requests", "requests of queues", "million", "AWSQueueService", "Requests-Tier1", per=_MILLION)
    yield Item("sns.requests", "messages to topics", "million", "AmazonSNS", "Requests-Tier1", per=_MILLION)
    # The list has it by the hour.
    yield Item(
        "ssm.advanced", "advanced parameter", "month", "AWSSystemsManager", "PS-Advanced-Param-Tier1",
        per=_HOURS_A_MONTH,
    )  # fmt: skip


CATALOGUE: Mapping[str, Item] = MappingProxyType({item.name: item for item in _items()})
"""Every price by name. A region's file may lack some: then what needs them is named as unpriced."""

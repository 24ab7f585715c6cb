"""What keeps data: Aurora, OpenSearch and buckets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from csoc.costs.lines import Line, Range, fixed
from csoc.costs.pricers.model import Seen
from csoc.costs.template import Resource

_FREE_INSIGHTS_DAYS = 7


def database_cluster(seen: Seen) -> Iterator[Line]:
    """Aurora's storage; what computes are its instances."""
    if not seen.text("Engine").startswith("aurora"):
        yield seen.unpriced("database cluster", "only Aurora's prices are known")
        return
    if seen.text("StorageType") == "aurora-iopt1":
        yield seen.unpriced("storage of the kind I/O-Optimized", "only the prices of the standard kind are known")
        return
    yield seen.charge("storage", "aurora.storage", (_from_nothing(seen, "database_gb"), "GB"))
    yield seen.charge("reads and writes", "aurora.io", (_from_nothing(seen, "database_io"), "million"))
    kept = seen.number("BackupRetentionPeriod")
    if kept is None or kept > 1:
        yield seen.charge("backups", "aurora.backup", (_from_nothing(seen, "backup_gb"), "GB"))
    else:
        yield seen.free("backups", "AWS asks nothing for the first day of Aurora's backups")


def database_instance(seen: Seen) -> Iterator[Line]:
    """A writer or a reader: with Serverless v2 it has the capacity of its cluster."""
    kind = seen.text("DBInstanceClass")
    if kind != "db.serverless":
        yield seen.unpriced("database instance", "only the price of db.serverless is known")
        return
    whole = seen.template.named(seen.resource.properties, "DBClusterIdentifier") or _by_name(seen)
    place = "ServerlessV2ScalingConfiguration"
    low = seen.template.number(whole.properties, place, "MinCapacity") if whole else None
    high = seen.template.number(whole.properties, place, "MaxCapacity") if whole else None
    if low is None or high is None:
        yield seen.unpriced("database instance", "the capacity of its cluster is not known before it exists")
        return
    yield seen.charge("Serverless v2", "aurora.acu", (seen.between(low, high), "ACUs"), seen.hours)
    days = seen.number("PerformanceInsightsRetentionPeriod")
    if days is not None and days > _FREE_INSIGHTS_DAYS:
        yield seen.unpriced("Performance Insights", f"only its first {_FREE_INSIGHTS_DAYS} days are free")


def _by_name(seen: Seen) -> Resource | None:
    name = seen.text("DBClusterIdentifier")
    for one in seen.template.of_type("AWS::RDS::DBCluster"):
        if name and seen.template.text(one.properties, "DBClusterIdentifier") == name:
            return one
    return None


def search_domain(seen: Seen) -> Iterator[Line]:
    """An OpenSearch domain: its nodes, those that only lead, and its disks."""
    config = "ClusterConfig"
    kind, count = seen.text(config, "InstanceType"), seen.number(config, "InstanceCount")
    if seen.value(config, "InstanceCount") is None:
        count = Decimal(1)
    if not kind or count is None:
        yield seen.unpriced("search nodes", "how many there are of which type is not known before they exist")
        return
    nodes = (fixed(count), "nodes")
    yield seen.charge(f"nodes: {kind}", _search_price(kind), nodes, seen.hours)
    if seen.value(config, "DedicatedMasterEnabled") in (True, "true"):
        main, mains = seen.text(config, "DedicatedMasterType"), seen.number(config, "DedicatedMasterCount")
        if not main or mains is None:
            yield seen.unpriced("leading nodes", "how many there are of which type is not known before they exist")
        else:
            yield seen.charge(f"leading nodes: {main}", _search_price(main), (fixed(mains), "nodes"), seen.hours)
    if seen.value(config, "WarmEnabled") in (True, "true"):
        yield seen.unpriced("UltraWarm nodes", "their prices are not known")
    if seen.value("EBSOptions", "EBSEnabled") in (True, "true"):
        size, disk = seen.number("EBSOptions", "VolumeSize"), seen.text("EBSOptions", "VolumeType") or "gp2"
        if size is None:
            yield seen.unpriced("disks", "their size is not known before they exist")
        else:
            yield seen.charge(f"disks: {disk}", f"search.{disk}", nodes, (fixed(size), "GB"))


def _search_price(kind: str) -> str:
    return f"search.{kind.removesuffix('.search')}"


def bucket(seen: Seen) -> Iterator[Line]:
    """A bucket: nothing until something is in it."""
    if seen.resource.id in _log_targets(seen):
        yield seen.charge("access logs", "s3.storage", (_from_nothing(seen, "access_log_gb"), "GB"))
        return
    yield seen.charge("storage", "s3.storage", (_from_nothing(seen, "bucket_gb"), "GB"))
    yield seen.charge("writing requests", "s3.put", (_from_nothing(seen, "bucket_puts"), "thousand"))
    yield seen.charge("reading requests", "s3.get", (_from_nothing(seen, "bucket_gets"), "thousand"))


def _log_targets(seen: Seen) -> set[str]:
    targets = (
        seen.template.named(one.properties, "LoggingConfiguration", "DestinationBucketName")
        for one in seen.template.of_type("AWS::S3::Bucket")
    )
    return {one.id for one in targets if one is not None}


def _from_nothing(seen: Seen, assumption: str) -> Range:
    """What is assumed, for something that is empty at first."""
    most = seen.assumptions[assumption]
    return Range(Decimal(0), most, most)

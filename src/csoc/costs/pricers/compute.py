"""Machines: groups of nodes and of proxies with their disks, and the control plane of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from csoc.costs.lines import Line, Range, fixed
from csoc.costs.pricers.model import Seen
from csoc.costs.prices.catalogue import CATALOGUE
from csoc.costs.template import Resource
from csoc.gen3.rules.kubernetes_end_of_support import SUPPORT

_DETAILED_METRICS = fixed(7)  # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html
_DEFAULT_TYPE = "t3.medium"  # of managed node groups, as the default disk
_DEFAULT_DISK = Decimal(20)
# CPUs of burstable machines, and the percentage of each that is paid with the machine. More is taken and charged unless
# the machine is told not to: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html
_BURSTING = {"small": (2, 20), "medium": (2, 20), "large": (2, 30), "xlarge": (4, 40), "2xlarge": (8, 40)}
_MOST_TYPES = 20  # of a managed node group
_MOST_DISKS = 40


def cluster(seen: Seen) -> Iterator[Line]:
    """A control plane, which costs six times as much once its version has left standard support."""
    version = seen.text("Version")
    extended = seen.text("UpgradePolicy", "SupportType") != "STANDARD"  # AWS's default is EXTENDED
    ends = SUPPORT.get(version)
    yield seen.charge("control plane", "eks.hour", seen.hours)
    if extended and ends is None:
        yield seen.unpriced("extended support", "when this version's standard support ends is not known here")
    elif extended and ends is not None and seen.today > ends[0]:
        what = f"extended support of {version} since {ends[0].isoformat()}"
        yield seen.charge(what, "eks.extended", seen.hours)
    elif extended and ends is not None:
        yield seen.free("extended support", f"standard support of {version} lasts until {ends[0].isoformat()}")
    if seen.value("ComputeConfig", "Enabled") not in (None, False, "false"):
        yield seen.unpriced("EKS Auto Mode", "its surcharge depends on machines that no template names")


def node_group(seen: Seen) -> Iterator[Line]:
    """A managed group of nodes."""
    nodes = _sizes(seen, ("ScalingConfig", "MinSize"), ("ScalingConfig", "MaxSize"))
    template = seen.template.named(seen.resource.properties, "LaunchTemplate", "Id") or seen.template.named(
        seen.resource.properties, "LaunchTemplate", "Name"
    )
    listed = seen.template.items(seen.resource.properties, "InstanceTypes")
    types = [one for one in listed or () if isinstance(one, str)]
    if listed is None:
        types = [_type_of(seen, template) or _DEFAULT_TYPE]
    if nodes is None or not types or len(types) != len(listed or types) or len(types) > _MOST_TYPES:
        yield seen.unpriced("nodes", "how many there are of which type is not known before they exist")
        return
    spot = seen.text("CapacityType") == "SPOT"
    yield from _machines(seen, "nodes", nodes, types, spot)
    yield from _bursts(seen, "nodes", nodes, types, template)
    if template is None:
        disk = seen.number("DiskSize")
        if seen.value("DiskSize") is None:
            disk = _DEFAULT_DISK
        yield _disk(seen, nodes, disk, "gp3")
    else:
        yield from _by_template(seen, "nodes", nodes, template)


def scaling_group(seen: Seen) -> Iterator[Line]:
    """An Auto Scaling group."""
    machines = _sizes(seen, ("MinSize",), ("MaxSize",))
    template = seen.template.named(seen.resource.properties, "LaunchTemplate", "LaunchTemplateId")
    if template is None:
        mixed = ("MixedInstancesPolicy", "LaunchTemplate", "LaunchTemplateSpecification", "LaunchTemplateId")
        template = seen.template.named(seen.resource.properties, *mixed)
    kind = _type_of(seen, template)
    if machines is None or template is None or not kind:
        yield seen.unpriced("machines", "how many there are of which type is not known before they exist")
        return
    yield from _machines(seen, "machines", machines, [kind], spot=False)
    yield from _bursts(seen, "machines", machines, [kind], template)
    yield from _by_template(seen, "machines", machines, template)


def _sizes(seen: Seen, smallest: Sequence[str], largest: Sequence[str]) -> Range | None:
    low, high = seen.number(*smallest), seen.number(*largest)
    return None if low is None or high is None else seen.between(low, high)


def _type_of(seen: Seen, template: Resource | None) -> str:
    return seen.template.text(template.properties, "LaunchTemplateData", "InstanceType") if template else ""


def _machines(seen: Seen, name: str, count: Range, types: Sequence[str], spot: bool) -> Iterator[Line]:
    prices = [f"ec2.{kind}" for kind in types]
    what = " or ".join(types)
    if not spot:
        yield seen.charge_any(f"{name}: {what}, on demand", prices, (count, name), seen.hours)
        return
    # AWS sets the price by the hour and never asks more than on demand.
    share = seen.assumptions["spot_percent"] / 100
    yield seen.charge_any(
        f"{name}: {what}, spot", prices, (count, name), seen.hours, share=Range(share, share, Decimal(1))
    )


def _bursts(seen: Seen, name: str, count: Range, types: Sequence[str], template: Resource | None) -> Iterator[Line]:
    """What burstable machines may take above their baseline: nothing usually, at most all of it all the time."""
    told = ("LaunchTemplateData", "CreditSpecification", "CpuCredits")
    if template is not None and seen.template.value(template.properties, *told) == "standard":
        return
    for kind in types:
        family, _, size = kind.partition(".")
        if f"credits.{family}" not in CATALOGUE or size not in _BURSTING:
            continue
        cpus, baseline = _BURSTING[size]
        above = fixed(Decimal(cpus * (100 - baseline)) / 100)
        most = Range(Decimal(0), Decimal(0), count.high)
        yield seen.charge(
            f"{name}: CPU of {kind} above its baseline", f"credits.{family}", (most, name), (above, "CPUs"), seen.hours
        )
        return  # Machines of the other types would stand in for these, not beside them.


def _by_template(seen: Seen, name: str, count: Range, template: Resource) -> Iterator[Line]:
    """What a launch template adds to each machine."""
    data = template.properties
    disks = seen.template.items(data, "LaunchTemplateData", "BlockDeviceMappings")
    if disks is None or len(disks) > _MOST_DISKS:
        disks = []
        yield seen.unpriced(f"disks of {name}", "the machine's image decides about them")
    for disk in disks:
        size = seen.template.number(disk, "Ebs", "VolumeSize")
        yield _disk(seen, count, size, seen.template.text(disk, "Ebs", "VolumeType") or "gp2", name)
    if seen.template.value(data, "LaunchTemplateData", "Monitoring", "Enabled") in (True, "true"):
        yield seen.charge(f"detailed metrics of {name}", "watch.metric", (count, name), (_DETAILED_METRICS, "metrics"))
    interfaces = seen.template.items(data, "LaunchTemplateData", "NetworkInterfaces") or ()
    public = [seen.template.value(one, "AssociatePublicIpAddress") for one in interfaces]
    if any(one in (True, "true") for one in public):
        yield seen.charge(f"public addresses of {name}", "ipv4.hour", (count, name), seen.hours)


def _disk(seen: Seen, count: Range, size: Decimal | None, kind: str, name: str = "nodes") -> Line:
    if size is None:
        return seen.unpriced(f"disks of {name}", "their size is not known before they exist")
    return seen.charge(f"disks of {name}: {kind}", f"ebs.{kind}", (count, name), (fixed(size), "GB"))

"""What nodes of a cluster take from EC2: the size of an instance type, the range of a subnet, what a launch template
asks for. Like the other moto_* modules it touches moto's objects, so that nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance type. pods: how many have an address of their own with the VPC's network plugin. arm: whether its
    processor is of that kind."""

    name: str
    cores: int
    memory_mib: int
    pods: int
    arm: bool


def machine(name: str) -> Machine | None:
    """An instance type by its name; None if there is none such.

    Source of the number of pods: "Choose an optimal Amazon EC2 node instance type", Amazon EKS User Guide.
    """
    found = INSTANCE_TYPES.get(name)
    if found is None:
        return None
    network, cores = found["NetworkInfo"], int(found["VCpuInfo"]["DefaultVCpus"])
    addresses = network["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    arm = "arm64" in found["ProcessorInfo"]["SupportedArchitectures"]
    return Machine(name, cores, int(found["MemoryInfo"]["SizeInMiB"]), min(addresses, 110 if cores < 30 else 250), arm)


def subnet_of(account: str, region: str, name: str) -> tuple[str, str]:
    """The availability zone and the range of a subnet; twice "" if there is none."""
    for zone in ec2_backends[account][region].subnets.values():
        if name in zone:
            return str(zone[name].availability_zone), str(zone[name].cidr_block)
    return "", ""


def launched_type(account: str, region: str, template: Mapping[str, Any]) -> str:
    """The instance type that a version of a launch template names; "" if it names none or is gone."""
    backend = ec2_backends[account][region]
    try:
        found = (
            backend.get_launch_template(str(template["id"]))
            if template.get("id")
            else backend.get_launch_template_by_name(str(template.get("name", "")))
        )
        version = found.get_version(template.get("version") or "$Default")
    except (ServiceException, JsonRESTError, LookupError, ValueError):
        return ""
    return str(version.data.get("InstanceType") or "")

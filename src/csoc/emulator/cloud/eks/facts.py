"""What EKS offers: Kubernetes versions with their dates, addons with their versions, access policies, durations.

Source: "Understand the Kubernetes version lifecycle on EKS" (calendar), the "Amazon EKS add-ons" pages and "Review
access policy permissions" of the Amazon EKS User Guide. Addon versions are real ones of each Kubernetes version, but
not all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, slots=True)
class KubernetesVersion:
    """A minor version with the days on which it came to EKS and leaves standard and extended support."""

    name: str
    patch: str
    released: date
    standard_until: date
    extended_until: date

    def status(self, now: datetime) -> str:
        """STANDARD_SUPPORT, EXTENDED_SUPPORT or UNSUPPORTED."""
        day = now.astimezone(UTC).date()
        if day < self.standard_until:
            return "STANDARD_SUPPORT"
        return "EXTENDED_SUPPORT" if day < self.extended_until else "UNSUPPORTED"


VERSIONS: Mapping[str, KubernetesVersion] = {
    one.name: one
    for one in (
        KubernetesVersion("1.30", "1.30.14", date(2024, 5, 23), date(2025, 7, 23), date(2026, 7, 23)),
        KubernetesVersion("1.31", "1.31.13", date(2024, 9, 26), date(2025, 11, 26), date(2026, 11, 26)),
        KubernetesVersion("1.32", "1.32.9", date(2025, 1, 23), date(2026, 3, 23), date(2027, 3, 23)),
        KubernetesVersion("1.33", "1.33.5", date(2025, 5, 29), date(2026, 7, 29), date(2027, 7, 29)),
        KubernetesVersion("1.34", "1.34.1", date(2025, 10, 2), date(2026, 12, 2), date(2027, 12, 2)),
        KubernetesVersion("1.35", "1.35.0", date(2026, 1, 28), date(2027, 3, 27), date(2028, 3, 27)),
    )
}
DEFAULT_VERSION = "1.34"


@dataclass(frozen=True, slots=True)
class Addon:
    """versions: for each Kubernetes version, newest first; "*" for all others. The first is the default."""

    name: str
    kind: str
    namespace: str
    versions: Mapping[str, tuple[str, ...]]
    needs_role: bool = False

    def for_cluster(self, version: str) -> tuple[str, ...]:
        """Versions that a cluster of a Kubernetes version may have."""
        return self.versions.get(version, self.versions.get("*", ()))


_CORE = "v1.11.4-eksbuild.2", "v1.11.3-eksbuild.1"
ADDONS: Mapping[str, Addon] = {
    one.name: one
    for one in (
        Addon("vpc-cni", "networking", "kube-system", {"*": ("v1.20.4-eksbuild.2", "v1.20.1-eksbuild.1")}, True),
        Addon(
            "coredns",
            "networking",
            "kube-system",
            {"1.30": _CORE, "1.31": _CORE, "1.32": _CORE, "*": ("v1.12.4-eksbuild.1", "v1.12.1-eksbuild.2")},
        ),
        Addon(
            "kube-proxy",
            "networking",
            "kube-system",
            {
                "1.30": ("v1.30.14-eksbuild.8", "v1.30.9-eksbuild.3"),
                "1.31": ("v1.31.13-eksbuild.2", "v1.31.10-eksbuild.2"),
                "1.32": ("v1.32.9-eksbuild.2", "v1.32.6-eksbuild.2"),
                "1.33": ("v1.33.5-eksbuild.2", "v1.33.3-eksbuild.4"),
                "1.34": ("v1.34.1-eksbuild.2", "v1.34.0-eksbuild.2"),
                "1.35": ("v1.35.0-eksbuild.2",),
            },
        ),
        Addon("eks-pod-identity-agent", "security", "kube-system", {"*": ("v1.3.9-eksbuild.3", "v1.3.8-eksbuild.2")}),
        Addon("aws-ebs-csi-driver", "storage", "kube-system", {"*": ("v1.51.1-eksbuild.1",)}, True),
        Addon("aws-efs-csi-driver", "storage", "kube-system", {"*": ("v2.1.13-eksbuild.1",)}, True),
        Addon("metrics-server", "observability", "kube-system", {"*": ("v0.8.0-eksbuild.3", "v0.7.2-eksbuild.4")}),
        Addon("snapshot-controller", "storage", "kube-system", {"*": ("v8.3.0-eksbuild.1", "v8.2.0-eksbuild.1")}),
    )
}  # fmt: skip

ACCESS_POLICIES = (
    "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
)  # fmt: skip
ACCESS_ENTRY_TYPES = ("STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2")


def access_policy_arn(name: str) -> str:
    """The ARN of one of EKS's access policies."""
    return f"arn:aws:eks::aws:cluster-access-policy/{name}"


# Emulated seconds, from the field: what an operator waits for.
SECONDS = {
    ("cluster", "CREATING"): 540.0, ("cluster", "UPDATING"): 300.0, ("cluster", "DELETING"): 180.0,
    ("version", "UPDATING"): 720.0,
    ("nodegroup", "CREATING"): 150.0, ("nodegroup", "UPDATING"): 240.0, ("nodegroup", "DELETING"): 180.0,
    ("addon", "CREATING"): 40.0, ("addon", "UPDATING"): 40.0, ("addon", "DELETING"): 15.0,
}  # fmt: skip

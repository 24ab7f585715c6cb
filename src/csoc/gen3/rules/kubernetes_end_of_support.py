"""EKS ends standard support of a Kubernetes minor about fourteen months after it appears, and then bills sixfold.

After standard support comes a year of extended support at 0.60 instead of 0.10 USD an hour and cluster; after that
AWS upgrades the control plane by itself. Dates: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
and https://endoflife.date/amazon-eks, as of November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState

# Minor version: end of standard support, end of extended support.
SUPPORT: dict[str, tuple[date, date]] = {
    "1.27": (date(2024, 7, 24), date(2025, 7, 24)),
    "1.28": (date(2024, 11, 26), date(2025, 11, 26)),
    "1.29": (date(2025, 3, 23), date(2026, 3, 23)),
    "1.30": (date(2025, 7, 23), date(2026, 7, 23)),
    "1.31": (date(2025, 11, 26), date(2026, 11, 26)),
    "1.32": (date(2026, 3, 23), date(2027, 3, 23)),
    "1.33": (date(2026, 7, 29), date(2027, 7, 29)),
    "1.34": (date(2026, 12, 2), date(2027, 12, 2)),
    "1.35": (date(2027, 3, 27), date(2028, 3, 27)),
    "1.36": (date(2027, 8, 2), date(2028, 8, 2)),
}
_OLDEST = 27
_SOON = timedelta(days=60)


def check(state: FleetState) -> Iterator[Hit]:
    """One hit a version that is out of standard support, or will be within 60 days; newer ones are not judged."""
    today = state.context["now"].date()
    for cluster in state.view.clusters:
        version = cluster.kubernetes_version
        if not version.known:
            continue
        standard, extended = SUPPORT.get(version.value, (None, None))
        if standard is None or extended is None:
            if not _older(version.value):
                continue
            ended, severity = "has no support any more", Severity.HIGH
        elif today > extended:
            ended, severity = f"has had no support since {extended.isoformat()}", Severity.HIGH
        elif today > standard:
            ended = f"has been in extended support since {standard.isoformat()}, which ends on {extended.isoformat()}"
            severity = Severity.MEDIUM
        elif standard - today <= _SOON:
            ended, severity = f"leaves standard support on {standard.isoformat()}", Severity.LOW
        else:
            continue
        who = "Kubernetes" if version.stated else "The nodes' Kubernetes"
        environments = tuple(
            view.name for view in state.view.environments if view.cluster.value == cluster.name and view.cluster.known
        )
        yield Hit(
            cause=f"{who} {version.value} {ended}",
            key=f"{version.value} {'stated' if version.stated else 'nodes'}",
            environments=environments,
            evidence=(Evidence(f"cluster {cluster.name}: {version.reason}", version.location),),
            severity=severity,
        )


def _older(version: str) -> bool:
    major, _, minor = version.partition(".")
    return major == "1" and minor.isdigit() and int(minor) < _OLDEST


RULE = Rule(
    id="kubernetes-end-of-support",
    title="Kubernetes near or past its end of support",
    severity=Severity.MEDIUM,
    consequence=(
        "A control plane in extended support costs six times as much an hour, and after it AWS upgrades it on its own; "
        "nodes get no fixes, and hold the control plane back at three versions above theirs."
    ),
    fix="Plan the upgrade, one minor version at a time: control plane first, then add-ons and nodes.",
    covers=("fleet",),
    fleet=check,
)

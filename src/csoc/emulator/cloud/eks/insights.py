"""What EKS says about versions: which there are, how long each is supported, and what stands in the way of the next.

Source: Amazon EKS API reference, DescribeClusterVersions, ListInsights and DescribeInsight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloud.eks.common import page
from csoc.emulator.cloud.eks.facts import DEFAULT_VERSION, VERSIONS
from csoc.emulator.cloud.eks.records import Body, ClusterRecord
from csoc.emulator.timeline import Timeline


class EksInsights:
    """Operations on versions and insights. named: a cluster by a call's parameter."""

    def __init__(self, timeline: Timeline, named: Callable[[Call, str], ClusterRecord]) -> None:
        self._timeline = timeline
        self._named = named

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "DescribeClusterVersions": self._describe_cluster_versions,
            "DescribeInsight": self._describe_insight,
            "ListInsights": self._list_insights,
        }

    def _describe_cluster_versions(self, call: Call) -> Answer:
        asked, now = call.parameters, self._timeline.now()
        wanted, status = asked.get("clusterVersions"), asked.get("versionStatus") or asked.get("status")
        found = []
        for one in sorted(VERSIONS.values(), key=lambda version: version.released, reverse=True):
            state = one.status(now)
            if (wanted and one.name not in wanted) or (status and state != str(status).upper().replace("-", "_")):
                continue
            if (asked.get("defaultOnly") and one.name != DEFAULT_VERSION) or (
                state == "UNSUPPORTED" and not (asked.get("includeAll") or wanted)
            ):
                continue
            found.append(
                {
                    "clusterVersion": one.name, "clusterType": "eks", "defaultPlatformVersion": "eks.1",
                    "defaultVersion": one.name == DEFAULT_VERSION, "releaseDate": _midnight(one.released),
                    "endOfStandardSupportDate": _midnight(one.standard_until),
                    "endOfExtendedSupportDate": _midnight(one.extended_until),
                    "status": state.lower().replace("_", "-"), "versionStatus": state,
                    "kubernetesPatchVersion": one.patch,
                }
            )  # fmt: skip
        return page("clusterVersions", found, call)

    def _of(self, record: ClusterRecord) -> list[Body]:
        """One insight of those that EKS has: whether nodes are too old for the next version."""
        version = record.body["version"]
        following = f"1.{int(version.split('.')[1]) + 1}"
        old = [body for body in record.nodegroups.values() if body["version"] != version]
        status = {"status": "WARNING" if old else "PASSING", "reason": f"{len(old)} nodegroups are behind the cluster"}
        return [
            {
                "id": f"kubelet-skew-{record.id[-12:]}",
                "name": "Kubelet version skew",
                "category": "UPGRADE_READINESS",
                "kubernetesVersion": following,
                "lastRefreshTime": self._timeline.now(),
                "lastTransitionTime": record.body["createdAt"],
                "description": "Checks for kubelet versions that are behind the cluster's.",
                "insightStatus": status,
                "recommendation": "Upgrade nodegroups to the cluster's version before the cluster.",
                "resources": [{"arn": body["nodegroupArn"], "insightStatus": status} for body in old],
            }
        ]

    def _list_insights(self, call: Call) -> Answer:
        kept = ("recommendation", "resources")
        found = [
            {name: value for name, value in one.items() if name not in kept}
            for one in self._of(self._named(call, "clusterName"))
        ]
        return page("insights", found, call)

    def _describe_insight(self, call: Call) -> Answer:
        for one in self._of(self._named(call, "clusterName")):
            if one["id"] == call.parameters.get("id"):
                return {"insight": one}
        raise AwsError("ResourceNotFoundException", f"No insight found for ID: {call.parameters.get('id')}", 404)


def _midnight(day: Any) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")

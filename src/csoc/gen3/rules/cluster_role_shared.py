"""wts names a ClusterRole after the release alone, so releases of one name in two namespaces write the same object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.facts import Claim, Kind
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.sharing import claim_evidence
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM, EnvironmentView


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each ClusterRole that environments in several namespaces of a cluster make. Two releases in one
    namespace are `release-namespace-shared`, which is far worse."""
    groups: dict[tuple[str, str], list[tuple[EnvironmentView, Claim]]] = defaultdict(list)
    for view in state.view.environments:
        for claim in state.facts[view.name].claims:
            if claim.kind is Kind.CLUSTER_ROLE and view.system == HELM and view.cluster.known:
                groups[claim.scope, claim.identity].append((view, claim))
    for (cluster, name), found in groups.items():
        if len({view.namespace for view, _ in found}) < 2:
            continue
        yield Hit(
            cause=f"{len(found)} environments on the cluster {cluster} make the ClusterRole {name}",
            key=f"{cluster}/{name}",
            environments=tuple(view.name for view, _ in found),
            evidence=tuple(claim_evidence(view, claim, view.release) for view, claim in found),
        )


RULE = Rule(
    id="cluster-role-shared",
    title="Two environments make one ClusterRole",
    severity=Severity.MEDIUM,
    consequence="Their Applications take it from each other at each sync, and deleting one takes it from the other.",
    fix="Give each release on a cluster a name of its own (releaseName), best that of its namespace.",
    covers=("M6", "fleet"),
    fleet=check,
)

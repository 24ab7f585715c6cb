"""A cluster's add-ons read their values from the repository and branch that `configuration` names, not from here.

The chart cluster-level-resources does so for each add-on whose own `configuration.enabled` is true. Where that is
another branch than the Applications of the cluster follow, the files that lie here are not those that run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from csoc.errors import CsocError
from csoc.fleet.addresses import canonical_name
from csoc.fleet.shapes import mapping, text
from csoc.fleet.values import Layer
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import FleetState
from csoc.gen3.views import ClusterView


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each cluster whose add-ons read from another branch than its environments' values."""
    for cluster in state.view.clusters:
        followed = _followed(cluster)
        for layer in cluster.layers:
            revision = text(mapping(layer.data.get("configuration")).get("configurationRevision"))
            add_ons = list(_configured(layer))
            if not revision or not followed or revision in followed:
                continue
            yield _hit(state, cluster, layer, revision, sorted(followed), add_ons)


def _hit(
    state: FleetState,
    cluster: ClusterView,
    layer: Layer,
    revision: str,
    followed: Sequence[str],
    add_ons: Sequence[str],
) -> Hit:
    names = listed(add_ons) if add_ons else "no add-on yet"
    return Hit(
        cause=f"On the cluster {cluster.name} the configuration of add-ons comes from the branch {revision}, "
        f"and everything else from {listed(followed)}: {names}",
        key=f"{cluster.name} {revision}",
        environments=tuple(
            view.name for view in state.view.environments if view.cluster.known and view.cluster.value == cluster.name
        ),
        evidence=(
            Evidence(
                f"configuration.configurationRevision: {revision}",
                layer.locate(("configuration", "configurationRevision")),
            ),
        ),
        severity=Severity.MEDIUM if add_ons else Severity.LOW,
    )


def _followed(cluster: ClusterView) -> set[str]:
    """Revisions at which the cluster's Applications read the fleet's own repository."""
    counted: Counter[tuple[str, str]] = Counter()
    for application in cluster.applications:
        for source in application.sources:
            if source.ref or (source.path and not source.chart):
                counted[_name(source.repo_url), source.target_revision or "HEAD"] += 1
    home = {name for name in (_name(address) for address in _own(cluster)) if name}
    return {revision for (name, revision), _ in counted.items() if name in home}


def _own(cluster: ClusterView) -> Iterator[str]:
    """Addresses from which the cluster's Applications take their values."""
    for application in cluster.applications:
        for source in application.sources:
            if source.ref:
                yield source.repo_url


def _configured(layer: Layer) -> Iterator[str]:
    """Add-ons that are on and read values of their own from Git."""
    for name, block in layer.data.items():
        if not isinstance(block, Mapping) or block.get("enabled") is not True:
            continue
        if mapping(block.get("configuration")).get("enabled") is True:
            yield str(name)


def _name(address: str) -> str:
    try:
        return canonical_name(address)
    except CsocError:
        return ""


RULE = Rule(
    id="cluster-configuration-elsewhere",
    title="A cluster's add-ons read another branch",
    severity=Severity.MEDIUM,
    consequence=(
        "The add-ons' value files on the main branch are not those that run: a change here does nothing, "
        "and when the other branch is deleted the add-ons can no longer be synced."
    ),
    fix="Merge the branch, and set configuration.configurationRevision to the one that the Applications follow.",
    covers=("fleet",),
    fleet=check,
)

"""The External Secrets operator serves one or two versions of its API, and manifests must use one of them.

v1beta1 alone before 0.16, v1beta1 and v1 in 0.16, v1 alone from 0.17 on (release notes of external-secrets 0.16.0 and
0.17.0). Most charts take the version from `global.externalSecrets.apiVersion`; some have v1beta1 fixed in a template.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.facts import Kind
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import FleetState
from csoc.gen3.views import ClusterView

GROUP = "external-secrets.io"
_KEY = "global.externalSecrets.apiVersion"


def served(version: str) -> frozenset[str] | None:
    """The versions of the API that an operator serves; None for a version that is not understood or too old to say."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.\d+)?(?:$|[-+])", version)
    if not found:
        return None
    number = (int(found.group(1)), int(found.group(2)))
    if number < (0, 5):
        return None
    if number < (0, 16):
        return frozenset({"v1beta1"})
    return frozenset({"v1", "v1beta1"}) if number == (0, 16) else frozenset({"v1"})


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for each cluster and version that its operator does not serve, or that its next one will not."""
    for cluster in state.view.clusters:
        operator = cluster.external_secrets
        known = served(operator.value) if operator.known else None
        if known is None:
            continue
        for version, evidence in sorted(_used(state, cluster).items()):
            if version not in known:
                yield _unserved(cluster, version, evidence)
            elif version == "v1beta1" and "v1" in known:
                yield _last(cluster, version, evidence)


def _used(state: FleetState, cluster: ClusterView) -> dict[str, list[Evidence]]:
    """Version to where environments of the cluster use it."""
    found: dict[str, list[Evidence]] = defaultdict(list)
    for view in state.view.environments:
        if not view.cluster.known or view.cluster.value != cluster.name:
            continue
        for claim in state.facts[view.name].claims:
            group, _, version = claim.identity.partition("/")
            if claim.kind is Kind.API_VERSION and group == GROUP:
                place = claim.location or view.application.location
                found[version].append(Evidence(f"{claim.key}: {claim.identity}", place, view.name))
    return found


def _unserved(cluster: ClusterView, version: str, evidence: list[Evidence]) -> Hit:
    operator = cluster.external_secrets
    default = operator.reason.startswith("default")
    which = " (the default, since the cluster's values name none)" if default else ""
    return Hit(
        cause=f"External Secrets {operator.value}{which} does not serve {GROUP}/{version}, which manifests use",
        key=f"{operator.value} {version}{' default' if default else ''}",
        environments=tuple(dict.fromkeys(item.environment for item in evidence)),
        evidence=(Evidence(f"cluster {cluster.name}: {operator.reason}", operator.location), *evidence),
        severity=Severity.MEDIUM if default else Severity.CRITICAL,
        consequence="If the cluster really runs this default, none of these ExternalSecrets can be applied."
        if default
        else "",
        fix=(
            "Set external-secrets.targetRevision in the cluster's values to the version that it runs (0.16.2 serves "
            f"v1beta1 and v1), or set {_KEY} to what the operator serves."
        ),
    )


def _last(cluster: ClusterView, version: str, evidence: list[Evidence]) -> Hit:
    operator = cluster.external_secrets
    return Hit(
        cause=f"External Secrets {operator.value} is the last that serves {GROUP}/{version}, which manifests still use",
        key=f"{operator.value} {version} last",
        environments=tuple(dict.fromkeys(item.environment for item in evidence)),
        evidence=(Evidence(f"cluster {cluster.name}: {operator.reason}", operator.location), *evidence),
        severity=Severity.LOW,
        consequence="After the next upgrade of the operator these ExternalSecrets can no longer be applied.",
        fix=(
            f"Before upgrading the operator, set {_KEY} to {GROUP}/v1, and take a chart whose templates follow it "
            "(some have v1beta1 fixed)."
        ),
    )


RULE = Rule(
    id="external-secrets-version",
    title="An API version that the External Secrets operator does not serve",
    severity=Severity.CRITICAL,
    consequence="Argo CD cannot apply these ExternalSecrets: their secrets never appear, and pods wait.",
    fix=f"Set {_KEY} to what the operator serves.",
    covers=("M3",),
    fleet=check,
)

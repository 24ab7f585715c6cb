"""Where Applications are applied by other Applications, a file that none of them reads is easily taken for deployed.

Where nothing in Git applies any, that is how the team works (by hand, by Terraform), and there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import FleetState
from csoc.gen3.views import HELM


def check(state: FleetState) -> Iterator[Hit]:
    """One hit for the fleet, with every Application of an environment that nothing in Git applies while others are."""
    placed = [(view.application, view.name) for view in state.view.environments if view.system == HELM]
    applied = [name for application, name in placed if application.applied_by or application.generated_by]
    left = [(application, name) for application, name in placed if name not in set(applied)]
    if not applied or not left:
        return
    yield Hit(
        cause=f"No Application in Git applies those of {listed(name for _, name in left)}, as it does the others",
        key="environments that nothing applies",
        environments=tuple(name for _, name in left),
        evidence=tuple(
            Evidence(f"Application {application.name}", application.location, name) for application, name in left
        ),
    )


RULE = Rule(
    id="application-not-applied",
    title="An Application that nothing in Git applies",
    severity=Severity.INFO,
    consequence="A change to its file may not reach the cluster, or it may not be deployed at all.",
    fix="Put the file where the cluster's app of apps reads it, or remove it if the environment is gone.",
    covers=("fleet",),
    fleet=check,
)

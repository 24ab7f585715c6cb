"""An Application with Argo CD's finalizer takes everything that it deployed with it when it is deleted.

That is right for what can be made again. A production environment also loses its PersistentVolumeClaims and the Secrets
that Helm made, and Applications are deleted by slips: a file moved out of the folder that a pruning root reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.argocd.model import RESOURCES_FINALIZER
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for production environments whose Application has the finalizer."""
    application = state.view.application
    found = next((name for name in application.finalizers if name.startswith(RESOURCES_FINALIZER)), "")
    if found and state.view.stage.value == "prod":
        yield Hit(
            cause="Deleting the Application of a production environment deletes everything that it deployed",
            key="finalizer",
            evidence=(
                Evidence(
                    f"finalizers: {found}", application.finalizers_location or application.location, state.view.name
                ),
            ),
        )


RULE = Rule(
    id="deleting-deletes-everything",
    title="Deleting the Application deletes production",
    severity=Severity.INFO,
    consequence="One `kubectl delete application`, or a root that prunes, takes down the site and its volumes.",
    fix=f"Remove {RESOURCES_FINALIZER} from metadata.finalizers, and add it when the environment is to go.",
    covers=("fleet",),
    environment=check,
)

"""Replace=true makes Argo CD replace whole objects, and recreate those that cannot be replaced, instead of merging.

Argo CD's documentation warns that it is potentially destructive: what controllers wrote into an object since (a replica
count, a key that a job added to a Secret) is gone after a sync. For a single object an annotation does the same.
https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#replace-resource-instead-of-applying-changes
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the whole Application is synced that way."""
    application = state.view.application
    options = {option.replace(" ", "").lower() for option in application.sync_options}
    if "replace=true" not in options:
        return
    forced = "force=true" in options
    words = "Force=true, so immutable objects are deleted first" if forced else "Replace=true"
    yield Hit(
        cause=f"Argo CD replaces every object of the Application at each sync ({words})",
        key="force" if forced else "replace",
        evidence=(
            Evidence(
                "syncOptions: Replace=true",
                application.sync_options_location or application.location,
                state.view.name,
            ),
        ),
        severity=Severity.MEDIUM if forced else Severity.LOW,
    )


RULE = Rule(
    id="replace-on-sync",
    title="Objects are replaced instead of merged",
    severity=Severity.LOW,
    consequence=(
        "What jobs and controllers wrote into objects is lost at each sync: replica counts of autoscalers, and the key "
        "dbcreated that the database job adds to a Secret, without which services do not start."
    ),
    fix=(
        "Take Replace=true out of syncOptions, and annotate the one object that needs it "
        "(argocd.argoproj.io/sync-options: Replace=true); for large objects use ServerSideApply=true."
    ),
    covers=("fleet",),
    environment=check,
)

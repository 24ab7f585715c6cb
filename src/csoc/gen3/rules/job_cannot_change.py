"""Kubernetes never lets the pods of a Job change, and the chart's plain Jobs stay when they are done.

So the next change of what stands in one (often an image's tag, which is raised at every upgrade) is refused until
somebody deletes the Job. Hooks, Jobs that remove themselves, and Jobs that Argo CD is told to replace or to leave alone
are no trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.argo import keeps_live
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.workloads import annotations_of, at_source, workloads
from csoc.gen3.state import EnvironmentState

_DATABASE_JOB = "-dbcreate"
_REPLACED = ("Force=true", "Replace=true")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a Job; those that make databases are one."""
    if not values_complete(state):
        return
    application = state.view.application
    names: dict[str, list[str]] = {}
    for item in workloads(state):
        if item.kind != "Job" or _goes_away(item.body, application.sync_options):
            continue
        if not keeps_live(application, "batch", "Job", item.name):
            key = _DATABASE_JOB.lstrip("-") if item.name.endswith(_DATABASE_JOB) else item.name
            names.setdefault(key, []).append(item.name)
    for key, jobs in names.items():
        what = f"The Job {jobs[0]}" if len(jobs) == 1 and key == jobs[0] else "The Jobs that make databases"
        yield Hit(
            cause=f"{what} cannot be changed once deployed",
            key=key,
            evidence=(at_source(state, f"Job {', '.join(jobs)}"),),
            severity=Severity.LOW if key == "dbcreate" else None,
            fix=f"Before such a change delete it (kubectl delete job {' '.join(jobs)}), or have the Application ignore"
            " its differences (ignoreDifferences with group batch, kind Job, jsonPointers /spec, and the option"
            " RespectIgnoreDifferences=true).",
        )


def _goes_away(body: Mapping[str, Any], options: tuple[str, ...]) -> bool:
    if mapping(body.get("spec")).get("ttlSecondsAfterFinished") is not None:
        return True
    own = str(annotations_of(body).get("argocd.argoproj.io/sync-options") or "")
    stated = {option.strip() for option in (*options, *own.split(","))}
    return all(option in stated for option in _REPLACED)


RULE = Rule(
    id="job-cannot-change",
    title="A Job that stops the next upgrade",
    severity=Severity.MEDIUM,
    consequence="A new image tag or setting in it makes the synchronisation fail with 'field is immutable'.",
    fix="Delete the Job before the change, or let Argo CD ignore its differences.",
    covers=("M15",),
    environment=check,
    rendered=True,
)

"""The whole fleet on one page: each environment with what one asks first, and what was not understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.argocd.model import Problem
from csoc.gen3.findings import Severity, location_to_json
from csoc.gen3.views import EnvironmentView, Fact
from csoc.usecases.checking.checker import CheckOutcome
from csoc.usecases.load import LoadedFleet


@dataclass(frozen=True, slots=True)
class Row:
    """One environment. worst: the highest severity among its findings, None if nothing was found or checked;
    findings: how many."""

    view: EnvironmentView
    worst: Severity | None
    findings: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The fleet in rows. checked: False if the rules did not run."""

    fleet: LoadedFleet
    rows: tuple[Row, ...]
    checked: bool

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read or understood, documents of csoc included."""
        faults = (fault.problem() for fault in self.fleet.documents.faults)
        return (*self.fleet.view.problems, *faults)


def overview(fleet: LoadedFleet, outcome: CheckOutcome | None = None) -> Overview:
    """Rows in the fleet's order. outcome: what a check found, if it ran."""
    rows = []
    for view in fleet.view.environments:
        found = [item for item in outcome.report.findings if view.name in item.environments] if outcome else []
        rows.append(Row(view, max((item.severity for item in found), default=None), len(found)))
    return Overview(fleet, tuple(rows), outcome is not None)


def fact_json(fact: Fact) -> dict[str, Any]:
    """A fact with its reason, for programs."""
    return {
        "value": fact.value,
        "reason": fact.reason,
        "stated": fact.stated,
        "location": location_to_json(fact.location),
    }


def environment_json(view: EnvironmentView) -> dict[str, Any]:
    """An environment, for programs."""
    return {
        "name": view.name,
        **{key: fact_json(getattr(view, key)) for key in ("commons", "cluster", "stage", "slot", "hostname")},
        "namespace": view.namespace,
        "release": view.release,
        "system": view.system,
        "chart": {
            "repoURL": view.chart.repo_url,
            "chart": view.chart.chart,
            "path": view.chart.path,
            "revision": view.chart.revision,
        },
        "gated": view.gated,
        "application": {
            "name": view.application.name,
            "location": location_to_json(view.application.location),
            "appliedBy": list(view.application.applied_by),
        },
        "document": location_to_json(view.document),
        "disputes": [
            {"cause": item.cause, "fix": item.fix, "places": [location_to_json(place) for place in item.places]}
            for item in view.disputes
        ],
    }


def overview_json(made: Overview) -> dict[str, Any]:
    """The whole page, for programs."""
    view = made.fleet.view
    return {
        "read": [{"repository": name, "revision": revision, "commit": commit} for name, revision, commit in view.read],
        "stages": list(view.stages),
        "environments": [
            {
                **environment_json(row.view),
                "worst": row.worst.name.lower() if row.worst else None,
                "findings": row.findings if made.checked else None,
            }
            for row in made.rows
        ],
        "clusters": [
            {
                "name": cluster.name,
                "reason": cluster.reason,
                "account": fact_json(cluster.account),
                "kubernetesVersion": fact_json(cluster.kubernetes_version),
                "folder": cluster.folder,
                "applications": [item.name for item in cluster.applications],
            }
            for cluster in view.clusters
        ],
        "commons": [
            {"name": item.name, "reason": item.reason, "environments": list(item.environments)} for item in view.commons
        ],
        "others": [
            {
                "name": other.application.name,
                "cluster": fact_json(other.cluster),
                "role": other.role,
                "reason": other.reason,
                "location": location_to_json(other.application.location),
            }
            for other in view.others
        ],
        "problems": [problem_json(problem) for problem in made.problems],
        "notes": list(view.notes),
    }


def problem_json(problem: Problem) -> Mapping[str, Any]:
    """A problem, for programs."""
    return {
        "kind": problem.kind,
        "cause": problem.cause,
        "fix": problem.fix,
        "location": location_to_json(problem.location),
        "places": [location_to_json(place) for place in problem.places],
    }

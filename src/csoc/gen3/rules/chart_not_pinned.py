"""A chart that follows a branch changes under an environment without a commit of its own.

Whatever is pushed to the branch is deployed at Argo CD's next look, to every environment that follows it at once:
nobody reviewed it for this environment, and going back means changing the chart's repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.errors import CsocError
from csoc.fleet.addresses import canonical_name
from csoc.fleet.versions import is_exact
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
# A tag that ends in a version ("gen3-0.3.90", "v1.2.3"). With a slash in it, it is a branch ("release/1.2").
_VERSION_TAG = re.compile(r"(?:refs/tags/)?(?:[A-Za-z][\w-]*[-_])?v?\d+\.\d+(?:\.\d+)*(?:[-+][\w.]+)?")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the chart's revision is a branch, a range, or not named at all."""
    chart = state.view.chart
    revision = chart.revision
    if is_exact(revision) or (not chart.chart and is_fixed(revision)):
        return
    if state.view.wrapper or _same_repository(chart.repo_url, state.view.application.location.repository):
        return  # the chart is reviewed with the values
    follows = f"follows {revision}" if revision not in ("", "HEAD") else "names no revision"
    production = state.view.stage.value == "prod"
    location = state.view.source.revision_location or state.view.source.location or state.view.application.location
    yield Hit(
        cause=f"The chart {chart.chart or chart.path} of {chart.repo_url} {follows}",
        key=f"{chart.repo_url} {chart.chart or chart.path} {revision}",
        evidence=(Evidence(f"targetRevision: {revision or 'not set'}", location, state.view.name),),
        severity=Severity.MEDIUM if production or not state.view.stage.known else Severity.LOW,
    )


def is_fixed(revision: str) -> bool:
    """True for a commit, and for what is named like a tag of a version."""
    return bool(_COMMIT.fullmatch(revision) or _VERSION_TAG.fullmatch(revision))


def _same_repository(url: str, repository: str) -> bool:
    try:
        return canonical_name(url) == repository
    except CsocError:
        return False


RULE = Rule(
    id="chart-not-pinned",
    title="The chart is not pinned",
    severity=Severity.MEDIUM,
    consequence="A push to the chart's branch changes this environment at once, without a commit or a review here.",
    fix="Set targetRevision to a release (for Git a tag such as gen3-0.3.90 or a commit) and move it on purpose.",
    covers=("fleet",),
    environment=check,
    without_values=True,
)

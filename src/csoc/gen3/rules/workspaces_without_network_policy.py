"""In the older system network policies keep workspaces apart from Gen3's services, and they are off unless it is said.

That hatchery needs global.netpolicy to be on comes from the maintainers' own check of manifests (gen3utils,
gen3utils/manifest/manifest_validator.py, misc_validations, as of April 2026), which leaves out trial hosts and two of
their own. The chart's policies are others, and shut workspaces off; they are other rules' matter.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import is_trial, on
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST

_PATH = "global.netPolicy.enabled"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the manifest names hatchery and its network policies are not on, outside of trials."""
    if on(state, "hatchery") and state.get(_PATH) is not True and not is_trial(state):
        yield Hit(
            cause="The manifest names hatchery, and its network policies are off",
            key="netpolicy",
            evidence=(
                state.at("hatchery.image.repository", "versions.hatchery"),
                *((state.at(_PATH, "global.netpolicy"),) if state.written(_PATH) else ()),
            ),
        )


RULE = Rule(
    id="workspaces-without-network-policy",
    title="Workspaces that may talk to everything",
    severity=Severity.MEDIUM,
    consequence="What a user runs in a workspace reaches Gen3's own services and databases in the cluster.",
    fix='Set "netpolicy": "on" in the manifest\'s global block.',
    covers=("versions",),
    environment=check,
    systems=(MANIFEST,),
)

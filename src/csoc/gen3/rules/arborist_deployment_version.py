"""In the older system arborist 2 and later needs to be told that its second kind of deployment is meant.

Without arborist.deployment_version the older system rolls out the deployment of arborist 1, which knows no database.
The fact comes from the maintainers' own check of manifests (gen3utils, gen3utils/manifest/validation_config.yaml,
"block", as of April 2026), which judges versions only; monthly releases are all later than 2.0.0.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.versions import Version
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState
from csoc.gen3.versions_needed import comparable
from csoc.gen3.views import MANIFEST

_TAG = "arborist.image.tag"
_SECOND = Version(2, 0, 0)


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if arborist is of such a version and the manifest does not say how to deploy it. A branch is not judged."""
    tag = state.values.get(_TAG)
    version = comparable(tag) if isinstance(tag, str) else None
    if version is not None and version >= _SECOND and not state.written("arborist.deployment_version"):
        yield Hit(
            cause=f"arborist is {tag}, and the manifest has no arborist.deployment_version",
            key="deployment_version",
            evidence=(state.at(_TAG, f"versions.arborist: {tag}"),),
        )


RULE = Rule(
    id="arborist-deployment-version",
    title="An arborist that is deployed as its first version",
    severity=Severity.HIGH,
    consequence="Arborist does not find its policies, and every decision on access fails.",
    fix='Add "arborist": {"deployment_version": "2"} to manifest.json.',
    covers=("versions",),
    environment=check,
    systems=(MANIFEST,),
)

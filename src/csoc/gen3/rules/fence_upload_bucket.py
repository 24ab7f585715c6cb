"""The bucket for uploads must be one that fence knows, and the one that the portal lets browsers talk to.

fence.FENCE_CONFIG.DATA_UPLOAD_BUCKET has a placeholder as the chart's default, so only what somebody wrote is judged.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on, values_complete
from csoc.gen3.rules.support.fence_settings import fence_settings
from csoc.gen3.state import EnvironmentState

_KEY = "DATA_UPLOAD_BUCKET"
_PORTAL = "global.dataUploadBucket"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if fence does not know the bucket, and one if the portal allows another."""
    settings = fence_settings(state)
    if settings is None or not settings.written(_KEY):
        return
    bucket = settings.get(_KEY)
    if not isinstance(bucket, str) or not bucket:
        return
    known = mapping(settings.get("S3_BUCKETS"))
    if settings.whole and values_complete(state) and not any(fnmatch.fnmatchcase(bucket, str(k)) for k in known):
        yield Hit(
            cause=f"Uploads go to the bucket {bucket}, which is not among S3_BUCKETS",
            key=f"unknown {bucket}",
            evidence=(state.at(settings.path(_KEY)),),
        )
    allowed = state.get(_PORTAL)
    if isinstance(allowed, str) and allowed and allowed != bucket and on(state, "portal"):
        yield Hit(
            cause=f"Fence uploads to {bucket}, and the portal allows browsers to send to {allowed}",
            key=f"portal {bucket}",
            evidence=(state.at(settings.path(_KEY)), state.at(_PORTAL)),
            severity=Severity.MEDIUM,
            consequence="The browser refuses uploads from the portal, by its content security policy.",
            fix=f"Set global.dataUploadBucket: {bucket}.",
        )


RULE = Rule(
    id="fence-upload-bucket",
    title="An upload bucket that fence does not know",
    severity=Severity.HIGH,
    consequence="Fence signs no address for an upload: every upload fails.",
    fix="Add the bucket below fence.FENCE_CONFIG.S3_BUCKETS with its cred and region.",
    covers=("M14",),
    environment=check,
)

"""Each bucket in S3_BUCKETS names credentials of AWS_CREDENTIALS, or "*" for the pod's own or none.

Only where Helm makes fence's configuration are the credentials' names known.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.fence_settings import fence_settings
from csoc.gen3.state import EnvironmentState

_EVERYBODY = "*"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a name of credentials that does not exist, with all buckets that name it."""
    settings = fence_settings(state)
    if settings is None or not settings.whole or not values_complete(state):
        return
    known = mapping(settings.get("AWS_CREDENTIALS"))
    lacking: dict[str, list[str]] = {}
    for bucket, entry in mapping(settings.get("S3_BUCKETS")).items():
        credential = mapping(entry).get("cred")
        named = isinstance(credential, str) and credential not in ("", _EVERYBODY)
        if named and credential not in known and not mapping(entry).get("role-arn"):
            lacking.setdefault(str(credential), []).append(str(bucket))
    for credential, buckets in lacking.items():
        evidence = []
        for bucket in buckets:
            path = settings.path("S3_BUCKETS", bucket)
            text = f"S3_BUCKETS.{bucket}.cred: {credential}"
            evidence.append(Evidence(text, state.at(path).location, state.view.name))
        more = f" and {len(buckets) - 1} more" if len(buckets) > 1 else ""
        yield Hit(
            cause=f"The bucket {buckets[0]}{more} wants credentials that AWS_CREDENTIALS does not have: {credential}",
            key=credential,
            evidence=tuple(evidence),
        )


RULE = Rule(
    id="fence-bucket-credential",
    title="A bucket without its credentials",
    severity=Severity.HIGH,
    consequence="Fence signs no address for files in these buckets: downloads and uploads fail.",
    fix='Add the credentials to fence.FENCE_CONFIG.AWS_CREDENTIALS, or set cred: "*" to use the role of the pod.',
    covers=("M14",),
    environment=check,
)

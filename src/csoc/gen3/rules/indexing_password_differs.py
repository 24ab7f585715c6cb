"""Upload jobs log in to the file index as `ssj`: ssjdispatcher's password must be the one that indexd gives that user.

Both stand in values only where Helm makes both secrets; where indexd's is kept elsewhere, the chart's placeholder is
still known to be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import made_by_helm, on, values_complete
from csoc.gen3.state import EnvironmentState

_JOB = "ssjdispatcher.ssjcreds.jobPassword"
_INDEX = "indexd.secrets.userdb.ssj"
_LOCAL = "ssjdispatcher.externalSecrets.createK8sSsjdispatcherSecret"
_PLACEHOLDER = "replace_with_password"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if ssjdispatcher's password cannot be indexd's."""
    if not on(state, "ssjdispatcher") or not made_by_helm(state, "ssjdispatcher", "ssjdispatcher-creds"):
        return
    if state.get("ssjdispatcher.ssjcreds.jobUser", "ssj") != "ssj" or not values_complete(state):
        return
    job, index = state.get(_JOB), state.get(_INDEX)
    if job == index and job:
        return
    if job == _PLACEHOLDER:
        yield Hit(
            cause=f"{_JOB} is still the chart's placeholder",
            key="placeholder",
            evidence=(
                state.at(next((path for path in (_JOB, _LOCAL) if state.written(path)), "ssjdispatcher.enabled")),
            ),
        )
    elif on(state, "indexd") and made_by_helm(state, "indexd", "indexd-service-creds") and isinstance(job, str) and job:
        what = "another password" if index else "none, so that a random one is made"
        yield Hit(
            cause=f"{_JOB} is set, and {_INDEX} has {what}",
            key="differs",
            evidence=(state.at(_JOB), state.at(_INDEX)),
        )


RULE = Rule(
    id="indexing-password-differs",
    title="Upload jobs cannot log in to the file index",
    severity=Severity.HIGH,
    consequence="Files that users upload get neither size nor checksum, and cannot be downloaded.",
    fix="Give ssjdispatcher.ssjcreds.jobPassword and indexd.secrets.userdb.ssj one value, or keep both in Secrets"
    " Manager.",
    covers=("M14",),
    environment=check,
)

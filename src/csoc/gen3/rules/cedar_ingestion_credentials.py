"""Cedar's ingestion reads credentials that the job which registers it never writes.

The job adds client_id and client_secret to the secret cedar-g3auto; the ingestion wants cedar_client_credentials.json
of it, which only Secrets Manager can bring (chart 0.3.90, cedar/templates). Whether the version at hand wants it, its
workloads say.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support import needs
from csoc.gen3.rules.support.certainty import made_by_helm, on
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_LOCAL = "cedar.externalSecrets.createCedarClientSecret"
_SECRET = "cedar-g3auto"  # noqa: S105 - a name
_KEY = "cedar_client_credentials.json"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if cedar ingests and the chart makes its secret."""
    if not rendered(state) or not on(state, "cedar") or not _wanted(state):
        return
    if made_by_helm(state, "cedar", _SECRET):
        yield Hit(
            cause="Cedar's ingestion wants cedar_client_credentials.json, and the chart's own secret does not have it",
            key=_SECRET,
            evidence=(state.at(_LOCAL) if state.written(_LOCAL) else state.at("cedar.enabled"),),
        )


def _wanted(state: EnvironmentState) -> bool:
    """True if some pod of this version takes that key from the secret."""
    return any(_KEY in need.keys for need in needs.needs(state) if need.name == _SECRET)


RULE = Rule(
    id="cedar-ingestion-credentials",
    title="Cedar's ingestion without credentials",
    severity=Severity.MEDIUM,
    consequence="The ingestion's pods stay in CreateContainerConfigError, and nothing is taken over from CEDAR.",
    fix="Set cedar.externalSecrets.createCedarClientSecret: false, and put cedar-g3auto (client_id and client_secret as"
    " JSON), cedar-api-key and cedar-directory-id into Secrets Manager.",
    covers=("M29",),
    environment=check,
    rendered=True,
)

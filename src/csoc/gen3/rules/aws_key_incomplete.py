"""The chart writes AWS keys into a secret as soon as the secret half is there, and needs the other half too.

Without the id the template encodes nothing, which stops the rendering (chart 0.3.90, common/templates/_aws_config.tpl);
an id alone is simply not used.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.values import Path
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_ID, _SECRET = "awsAccessKeyId", "awsSecretAccessKey"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for the global keys, and one a service whose own are incomplete."""
    if state.get("global.aws.externalSecrets.enabled"):
        return
    values = Gen3Values(state)
    everybody: Path = ("global", "aws")
    global_id, global_secret = bool(state.get((*everybody, _ID))), bool(state.get((*everybody, _SECRET)))
    works = rendered(state)  # this version does without the id
    if global_id != global_secret and not (works and global_secret):
        yield _hit(state, everybody, global_secret)
    for service in values.catalogue:
        own: Path = (service.name, "secrets")
        has_id, has_secret = bool(state.get((*own, _ID))), bool(state.get((*own, _SECRET)))
        if not values.enabled(service) or has_id == has_secret or (works and has_secret):
            continue
        if (has_secret and not global_id) or (has_id and not global_secret):
            yield _hit(state, own, has_secret)


def _hit(state: EnvironmentState, path: Path, has_secret: bool) -> Hit:
    name = ".".join(map(str, path))
    there, lacking = (_SECRET, _ID) if has_secret else (_ID, _SECRET)
    return Hit(
        cause=f"{name}.{there} is set without {lacking}",
        key=f"{name} {there}",
        evidence=(Evidence(f"{name}.{there} is set", state.at((*path, there)).location, state.view.name),),
        severity=None if has_secret else Severity.LOW,
        consequence="" if has_secret else "The id is not used: services use the role of their pod or node, or nothing.",
    )


RULE = Rule(
    id="aws-key-incomplete",
    title="Half of an AWS key",
    severity=Severity.CRITICAL,
    consequence="Rendering stops, since the chart encodes an id that is not there: nothing can be deployed.",
    fix="Set both halves, or better none and give each service account a role.",
    covers=("M25",),
    environment=check,
)

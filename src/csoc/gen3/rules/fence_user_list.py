"""Who may do what comes from a user list, and the chart's own defaults for it are somebody else's.

The default address is a file of the chart's makers that others cannot read; the default list inside the values makes
username1@gmail.com an administrator of the file index, an address that anybody may own.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import is_trial, on, values_complete
from csoc.gen3.state import EnvironmentState

_SYNC = "fence.usersync.usersync"
_PATH = "fence.usersync.userYamlS3Path"
_LIST = "fence.USER_YAML"
_EXAMPLE = "s3://cdis-gen3-users/helm-test/user.yaml"
_EXAMPLE_USER = "username1@gmail.com"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the user list that is in effect is one of the chart's examples."""
    if not on(state, "fence") or not values_complete(state):
        return
    syncing = bool(state.get(_SYNC))
    path = state.get(_PATH)
    if syncing and path == _EXAMPLE:
        yield Hit(
            cause="The user list is read from the chart's example address",
            key="address",
            evidence=(state.at(_PATH) if state.written(_PATH) else state.at(_SYNC),),
            severity=Severity.MEDIUM if state.written(_PATH) else None,
        )
    users = state.get(_LIST)
    in_use = not syncing or path == "none"
    if in_use and not is_trial(state) and isinstance(users, str) and _EXAMPLE_USER in users:
        yield Hit(
            cause=f"The user list is the chart's example, which gives {_EXAMPLE_USER} rights",
            key="example",
            evidence=(state.at(_LIST, f"{_LIST} names {_EXAMPLE_USER}"),),
            consequence="Whoever owns that address administers the file index and submits data; nobody else may.",
            fix="Set fence.usersync.usersync: true and userYamlS3Path to your own user.yaml, or write fence.USER_YAML.",
        )


RULE = Rule(
    id="fence-user-list",
    title="A user list that is the chart's example",
    severity=Severity.HIGH,
    consequence="Only the chart's makers can read that file: the synchronisation fails, and users get no rights.",
    fix="Set fence.usersync.userYamlS3Path to your own file, as in s3://my-users/my-commons/user.yaml.",
    covers=("M14",),
    environment=check,
)

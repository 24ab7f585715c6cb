"""Peregrine reads the data dictionary at its start, and network policies let it reach S3 and nothing else outside."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import workloads
from csoc.gen3.state import EnvironmentState

_PATH = "global.dictionaryUrl"
_READERS = ("peregrine-deployment", "sheepdog-deployment")
_OPEN = ("netnolimit", "internet")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if policies are on, the dictionary is not in S3, and one of its readers may reach S3 only."""
    if not rendered(state):
        return
    address = state.get(_PATH)
    if state.get("global.netPolicy.enabled") is not True or not isinstance(address, str):
        return
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return
    if "." not in host or host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".svc.cluster.local")):
        return
    for item in workloads(state):
        if item.name in _READERS and not any(item.labels.get(label) == "yes" for label in _OPEN):
            yield Hit(
                cause=f"{item.name} may reach S3 only, and the dictionary is at {host}",
                key=f"{item.name} {host}",
                evidence=(state.at(_PATH),),
            )


RULE = Rule(
    id="network-policy-dictionary",
    title="Network policies that shut out the dictionary",
    severity=Severity.HIGH,
    consequence="The service cannot read the dictionary and does not start.",
    fix="Put the dictionary into S3, or allow its address to this pod by a NetworkPolicy of your own.",
    covers=("M12",),
    environment=check,
    rendered=True,
)

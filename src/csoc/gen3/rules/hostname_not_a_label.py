"""The chart labels pods with global.hostname, so it must be what Kubernetes takes as a label's value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState

_PATH = "global.hostname"
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the hostname is no label value; an empty one is a valid label."""
    value = state.values.get(_PATH)
    if not isinstance(value, str) or not value or _LABEL.fullmatch(value):
        return
    if "://" in value:
        reason = "it holds a scheme"
    elif len(value) > 63:
        reason = f"it has {len(value)} characters, and 63 are allowed"
    else:
        reason = "only letters, digits, dots and dashes are allowed, with a letter or digit at both ends"
    yield Hit(
        cause=f"global.hostname cannot be a label of pods: {reason}",
        key="hostname",
        evidence=(state.at(_PATH),),
    )


RULE = Rule(
    id="hostname-not-a-label",
    title="A hostname that no pod can carry",
    severity=Severity.CRITICAL,
    consequence="Kubernetes refuses every Deployment, and addresses that are built from it do not work.",
    fix="Set global.hostname to the bare name, such as commons.example.org, without scheme, port or path.",
    covers=("M10",),
    environment=check,
)

"""Templates ask `if`, and every text that is not empty counts as true: "false" in quotes switches on what it names.

Helm itself is no better: a condition that is no boolean leaves the subchart on. And the two values that templates
compare with a boolean (global.dev and global.aws.enabled) stop the rendering if they are text (chart 0.3.90,
sheepdog/templates/deployment.yaml and revproxy/templates/ingress_dev.yaml). Only keys that are switches in the chart
are looked at; elsewhere text is often wanted, as in labels and environment variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.values import Path
from csoc.gen3 import catalogue
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.state import EnvironmentState

_SWITCHES = frozenset(
    {
        "enabled",
        "deploy",
        "dbCreate",
        "createLocalK8sSecret",
        "pushSecret",
        "separateSecretStore",
        "pdb",
        "dev",
        "usersync",
        "createSlackWebhookSecret",
        "createWtsOidcClientSecret",
        "createCedarClientSecret",
        "createFunnelOidcClientSecret",
        "enableRobotsTxt",
    }
)
_COMPARED: tuple[Path, ...] = (("global", "dev"), ("global", "aws", "enabled"))
_FREE = frozenset({"FENCE_CONFIG", "FENCE_CONFIG_PUBLIC", "manifestGlobalExtraValues", "podAnnotations", "labels"})
_MEANS = {"false": False, "no": False, "off": False, "true": True, "yes": True, "on": True}


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a switch whose value is text and does not do what it says."""
    for path, value in state.values.walk():
        meant = _MEANS.get(value.strip().lower()) if isinstance(value, str) else None
        if meant is None or not _is_switch(path) or not may_read(state, path):
            continue
        name = ".".join(map(str, path))
        if path in _COMPARED and not rendered(state):
            yield Hit(
                cause=f"{name} is text, and the chart compares it with true and false",
                key=name,
                evidence=(state.at(path),),
                severity=Severity.CRITICAL,
                consequence="Rendering stops with 'incompatible types for comparison': nothing can be deployed.",
                patches=set_value(state, path, meant),
            )
        elif not meant:
            yield Hit(cause=f"{name} is text, so it counts as true", key=name, evidence=(state.at(path),))


def _is_switch(path: Path) -> bool:
    if not all(isinstance(step, str) for step in path) or _FREE & set(path):
        return False
    last = str(path[-1])
    known = path[0] == "global" or path[0] in catalogue.load().services
    return known and (last in _SWITCHES or last.startswith("createK8s"))


RULE = Rule(
    id="boolean-written-as-text",
    title="A switch in quotes",
    severity=Severity.HIGH,
    consequence="What the author switched off is on, since any text that is not empty counts as true.",
    fix="Write the value without quotes: false.",
    covers=("M10",),
    environment=check,
)

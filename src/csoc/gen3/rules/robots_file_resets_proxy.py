"""With enableRobotsTxt the reverse proxy takes another nginx.conf, in which four settings are fixed.

That file is not a template (chart 0.3.90, revproxy/nginxPrivate/nginx.conf). Where the DNS service of the cluster is
not kube-dns, revproxy.nginx.resolver has to be changed as well; what the cluster's is called cannot be seen in Git.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import on
from csoc.gen3.rules.support.chart import may_read
from csoc.gen3.state import EnvironmentState

_SWITCH = "revproxy.enableRobotsTxt"
_FIXED = {
    "revproxy.service.targetPort": "80",
    "revproxy.nginx.resolver": "kube-dns.kube-system.svc.cluster.local",
    "revproxy.nginx.user": "nginx",
    "revproxy.nginx.pidFile": "/var/run/nginx.pid",
}


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for all settings that are written and lost."""
    if not on(state, "revproxy") or not state.get(_SWITCH) or not may_read(state, _SWITCH):
        return
    lost = [path for path, fixed in _FIXED.items() if state.written(path) and str(state.get(path)) != fixed]
    if lost:
        yield Hit(
            cause=f"revproxy.enableRobotsTxt is on, and then {', '.join(lost)} has no effect",
            key=" ".join(lost),
            evidence=(state.at(_SWITCH), *(state.at(path) for path in lost)),
        )


RULE = Rule(
    id="robots-file-resets-proxy",
    title="A robots.txt that undoes settings of the proxy",
    severity=Severity.HIGH,
    consequence="The reverse proxy listens on port 80 as user nginx and asks kube-dns: what was set does not hold.",
    fix="Set revproxy.enableRobotsTxt: false and serve robots.txt from revproxy.additionalConfigs.",
    covers=("M27",),
    environment=check,
)

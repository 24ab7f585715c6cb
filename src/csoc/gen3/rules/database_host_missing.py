"""Wherever Helm writes database credentials, the chart encodes the host, and a host that is not there stops it.

That also happens where an external secret holds the master credentials: the templates of the services' own secrets
never look there (chart 0.3.90, charts/common/templates/_db_setup_job.tpl).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from csoc.gen3.claims.database_secrets import DEPLOY, written
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import listed, rendered
from csoc.gen3.state import EnvironmentState

_MASTER = "global.postgres.master.host"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each switch that makes Helm write credentials of services without a host."""
    if not values_complete(state) or is_true(state.get("global.dev")):
        return
    values = Gen3Values(state)
    if values.text(_MASTER) or (rendered(state) and state.get(_MASTER) is None):
        return  # the chart that was rendered does without
    without: dict[str, list[str]] = defaultdict(list)
    for item in written(values):
        if not values.text((item.service.name, "postgres", "host")):
            without[item.switch].append(item.service.name)
    for switch, services in without.items():
        reason = "External Secrets are off" if switch == DEPLOY else f"{switch} is on"
        one = len(services) == 1
        own = f"{services[0]}.postgres.host" if one else "<service>.postgres.host"
        yield Hit(
            cause=(
                f"Helm writes database credentials for {listed(services, 20)} ({reason}), "
                f"but neither {_MASTER} nor {own} is set"
            ),
            key=f"{switch} {' '.join(services)}",
            evidence=(state.at(switch), state.at(_MASTER, f"{_MASTER} is not set")),
            fix=(
                f"Set {_MASTER} to the database server's address (for example db.example.org)"
                + (f", or {own}" if one else "")
                + (", or switch off what writes the credentials." if switch != DEPLOY else ".")
            ),
        )


RULE = Rule(
    id="database-host-missing",
    title="No database host where Helm writes the credentials",
    severity=Severity.CRITICAL,
    consequence="The chart does not render (b64enc of nothing), so nothing of this environment can be deployed.",
    fix=f"Set {_MASTER} to the database server's address.",
    covers=("M2",),
    environment=check,
)

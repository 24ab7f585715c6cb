"""The Jobs that create the databases sign in as the master user, with what values or one external secret say."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.claims.database_secrets import created, written
from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.reading import listed
from csoc.gen3.state import EnvironmentState


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if databases are to be created and the master user's host or password is nowhere."""
    values = Gen3Values(state)
    if not values_complete(state) or is_true(state.get("global.dev")) or values.text("global.postgres.externalSecret"):
        return
    services = [service.name for service in created(values)]
    paths = [f"global.postgres.master.{key}" for key in ("host", "password")]
    missing = [path for path in paths if not values.text(path)]
    if not services or not missing:
        return
    verb = "are" if len(missing) > 1 else "is"
    # Credentials from elsewhere may hold `dbcreated` already; then only the Jobs fail, and the services start.
    local = {item.service.name for item in written(values)} & set(services)
    yield Hit(
        cause=f"Databases are to be created (dbCreate), but {' and '.join(missing)} {verb} not set",
        key=" ".join(missing),
        evidence=(
            state.at("global.postgres.dbCreate", f"databases to create: {listed(services)}"),
            *(state.at(path, f"{path} is not set") for path in missing),
        ),
        severity=Severity.HIGH if local else Severity.MEDIUM,
    )


RULE = Rule(
    id="database-login-missing",
    title="Databases are to be created without a login",
    severity=Severity.HIGH,
    consequence="The Jobs <service>-dbcreate cannot sign in: no database is made, and services wait for it.",
    fix=(
        "Name a secret with host, port, username and password in global.postgres.externalSecret, set "
        "global.postgres.master, or set global.postgres.dbCreate to false if all databases exist."
    ),
    covers=("M2",),
    environment=check,
)

"""What csoc keeps in its database, opened for commands that only read it.

Apart from the rest of the composition root, whose adapters of Git, charts and clouds take longer to load than a list of
runs takes to be read. What such a command needs of them in the end (who somebody is, what executes) is loaded then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from csoc.adapters.db.database import Database, open_database
from csoc.clock import random_ids, system_clock
from csoc.config import Settings
from csoc.config.loading import load
from csoc.usecases.run_ports import RunPorts

if TYPE_CHECKING:
    from csoc.access.people import Person
    from csoc.accounts.links import Links
    from csoc.operations.engine import Engine, Workflow
    from csoc.provisioning.plans import Plans


@contextmanager
def runs() -> Iterator[RunPorts]:
    """The ports of commands that look at runs. Raises RejectedError if the settings are wrong, UnavailableError if the
    database does not answer."""
    from csoc.adapters.db.runs import DatabaseRuns

    settings = load()

    def engine(workflow: Workflow, executor_id: str) -> Engine:
        from csoc import bootstrap

        return bootstrap.engines(settings)(workflow, executor_id)

    def person() -> Person:
        from csoc import bootstrap

        return bootstrap.anybody(settings)

    with _database(settings) as database:
        yield RunPorts(DatabaseRuns(database), engine, system_clock, random_ids, person)


@contextmanager
def links() -> Iterator[Links]:
    """The links to accounts. Raises as `runs` does."""
    from csoc.adapters.db.links import DatabaseLinks

    with _database(load()) as database:
        yield DatabaseLinks(database)


@contextmanager
def plans() -> Iterator[Plans]:
    """Plans, their templates and approvals. Raises as `runs` does."""
    from csoc.adapters.db.plans import DatabasePlans

    with _database(load()) as database:
        yield DatabasePlans(database)


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database)
    try:
        yield database
    finally:
        database.close()

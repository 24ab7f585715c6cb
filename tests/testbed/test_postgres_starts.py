"""The testbed's PostgreSQL gives every test a database of its own: what fails here is the testbed, not csoc."""

from __future__ import annotations

from dataclasses import replace

import pytest

from testbed.servers.postgres import Database, Postgres
from testbed.servers.process import ServerError

pytestmark = pytest.mark.postgres


def test_a_database_is_empty_and_its_owner_may_write(database: Database) -> None:
    assert database.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [["0"]]
    database.query("CREATE TABLE runs (id int PRIMARY KEY, name text)")
    database.query("INSERT INTO runs VALUES (1, 'first'), (2, 'second')")
    assert database.query("SELECT * FROM runs ORDER BY id") == [["1", "first"], ["2", "second"]]


def test_two_tests_cannot_see_each_others_database(postgres: Postgres, database: Database) -> None:
    database.query("CREATE TABLE runs (id int)")
    with postgres.database() as other:
        with pytest.raises(ServerError, match="permission denied for database"):
            replace(other, name=database.name).query("SELECT * FROM runs")
        with pytest.raises(ServerError, match='relation "runs" does not exist'):
            other.query("SELECT * FROM runs")


def test_an_owner_is_no_superuser_and_needs_the_password(database: Database) -> None:
    with pytest.raises(ServerError, match="permission denied"):
        database.query("CREATE ROLE more LOGIN")
    with pytest.raises(ServerError, match="password authentication failed"):
        replace(database, password="wrong").query("SELECT 1")


def test_a_database_is_gone_after_its_test(postgres: Postgres) -> None:
    with postgres.database() as other:
        other.query("SELECT 1")
    with pytest.raises(ServerError, match="password authentication failed"):
        other.query("SELECT 1")

"""What the optional parts of the testbed say is missing, in the order in which one would get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import binaries, cache, catalogue, debian, distributions
from tests.plugins import parts
from tests.plugins.optional_parts import Found, Missing

FIND = {part.name: part.find for part in parts.PARTS}


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Go and nothing else; its folder of commands."""
    commands = tmp_path / "bin"
    commands.mkdir()
    monkeypatch.setenv("PATH", str(commands))
    monkeypatch.setenv("CSOC_TESTBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "ROOT", tmp_path)
    monkeypatch.setattr(binaries, "why_not", lambda program: None)
    return commands


def have(folder: Path, *names: str) -> None:
    for name in names:
        version = """echo 'openjdk version "17.0.1"' >&2\n""" if name == "java" else ""
        (folder / name).write_text(f"#!/bin/sh\n{version}", encoding="utf-8")
        (folder / name).chmod(0o755)


def built(name: str) -> None:
    program = binaries.PROGRAMS[name]
    folder = cache.cache_folder() / f"{name}-{binaries.digest(program)}-go1.26.8"
    folder.mkdir(parents=True)
    (folder / name).touch(mode=0o755)


def test_a_cluster_asks_for_debians_servers_first(bare: Path) -> None:
    have(bare, "git", "openssl")
    assert FIND["kubernetes"]() == Missing("etcd and redis-server missing", "apt-get install etcd-server redis-server")


def test_a_cluster_needs_each_of_its_programs(bare: Path) -> None:
    have(bare, "git", "openssl", "etcd", "redis-server")
    assert FIND["kubernetes"]() == Missing("it has not been built", "make testbed")
    built("kubernetes")
    built("helm")
    assert FIND["kubernetes"]() == Missing("kwok: it has not been built", "make testbed")
    built("kwok")
    assert FIND["kubernetes"]() == Found(catalogue.ALL["kubernetes"].find() or Path())


def test_a_provider_that_is_fetched_needs_its_java_and_no_maven(bare: Path) -> None:
    assert FIND["keycloak"]() == Missing("Java >= 17 and mvn missing", "apt-get install default-jre-headless maven")
    digest = distributions.digest(distributions.DISTRIBUTIONS["keycloak"])
    (cache.cache_folder() / f"keycloak-{digest}" / "keycloak").mkdir(parents=True)
    assert FIND["keycloak"]() == Missing("Java >= 17 missing", "apt-get install default-jre-headless")
    have(bare, "java")
    assert isinstance(FIND["keycloak"](), Found)


def test_a_database_needs_only_what_debian_packages(bare: Path) -> None:
    assert FIND["postgres"]() == Missing(
        "postgres and initdb and psql missing", "apt-get install postgresql postgresql-client"
    )
    have(bare, "postgres", "initdb", "psql")
    assert isinstance(FIND["postgres"](), Found)

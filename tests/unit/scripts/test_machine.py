"""What the machine lacks is installed by root on Debian, and said to everybody else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scripts import machine
from testbed import binaries, cache, debian, distributions

PROGRAMS = list(binaries.PROGRAMS.values())


class Host:
    """A machine without anything, whose apt-get is a stand-in that notes its calls and knows one version of Go."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.said: list[str] = []
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setenv("CSOC_TESTBED_CACHE", str(folder / "cache"))
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setattr(debian, "ROOT", folder)
        monkeypatch.setattr(binaries, "go_command", lambda: shutil.which("go"))
        self.user(0)

    def user(self, number: int) -> None:
        self._monkeypatch.setattr("os.geteuid", lambda: number)

    def add(self, name: str, script: str = "exit 0") -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (self.folder / name).chmod(0o755)

    def add_debian(self, *, go: str | None, update: str = "exit 0") -> None:
        self.add("apt-get", f'echo "$*" >>"{self.folder}/calls"; case "$*" in *update*) {update} ;; esac')
        candidate = f'[ "$2" = golang-go ] && echo "  Candidate: 2:{go}~1"; exit 0' if go else "exit 0"
        self.add("apt-cache", candidate)

    def add_servers(self) -> None:
        """What Debian packages for the testbed, git left out."""
        for command in debian.COMMANDS:
            if command.name != "git":
                self.add(
                    command.name, """echo 'openjdk version "17.0.1"' >&2""" if command.name == "java" else "exit 0"
                )

    def prepare(self) -> str:
        machine.prepare(PROGRAMS, self.said.append)
        return "\n".join(self.said)

    def apt_calls(self) -> list[str]:
        calls = self.folder / "calls"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_root_on_debian_installs_exactly_what_is_missing_and_says_so(host: Host) -> None:
    host.add("gcc")
    host.add_servers()
    host.add_debian(go="1.26")
    said = host.prepare()
    assert host.apt_calls() == ["-q update", "-q install --yes --no-install-recommends git golang-go"]
    assert "apt-get install git golang-go" in said
    assert "git is missing; these suites need it: gitea, kubernetes" in said


def test_root_on_debian_installs_the_servers_that_debian_packages(host: Host) -> None:
    host.add("gcc")
    host.add("git")
    host.add("go", "echo go1.26.8")
    host.add_debian(go="1.26")
    said = host.prepare()
    (install,) = host.apt_calls()[1:]
    assert install.split()[4:] == [
        "etcd-server",
        "redis-server",
        "openssl",
        "default-jre-headless",
        "maven",
        "postgresql",
        "postgresql-client",
        "squid-openssl",
        "nftables",
        "iproute2",
    ]
    assert "etcd is missing; these suites need it: kubernetes" in said


def test_a_java_that_is_too_old_counts_as_missing(host: Host) -> None:
    host.add("gcc")
    host.add("git")
    host.add("go", "echo go1.26.8")
    host.add_servers()
    host.add("java", """echo 'openjdk version "11.0.2"' >&2""")
    host.add_debian(go="1.26")
    host.prepare()
    assert host.apt_calls()[1].endswith("--no-install-recommends default-jre-headless")


def test_what_debian_keeps_outside_of_the_path_is_found_the_newest_first(host: Host) -> None:
    for version in ("9.6", "15", "17"):
        folder = host.folder / "usr" / "lib" / "postgresql" / version / "bin"
        folder.mkdir(parents=True)
        (folder / "postgres").touch(mode=0o755)
    assert debian.path_of("postgres").parts[-3] == "17"


def test_packages_of_servers_are_kept_from_starting_them(host: Host) -> None:
    host.add_debian(go="1.26", update=f'echo "$RUNLEVEL" >"{host.folder}/level"')
    host.prepare()
    assert (host.folder / "level").read_text(encoding="utf-8") == "1\n"


def test_a_go_that_can_fetch_a_newer_one_is_good_enough(host: Host) -> None:
    host.add("gcc")
    host.add_servers()
    host.add("git")
    host.add_debian(go="1.24")
    host.prepare()
    assert host.apt_calls()[-1].endswith("golang-go")


def test_a_go_of_debian_that_is_too_old_is_not_installed_but_named(host: Host) -> None:
    host.add("gcc")
    host.add_servers()
    host.add("git")
    host.add_debian(go="1.19")
    said = host.prepare()
    assert host.apt_calls() == ["-q update"]
    assert "Go >= 1.25.3 is missing and Debian's newest is 1.19: https://go.dev/dl/" in said


def test_others_than_root_are_told_the_command_and_the_suites(host: Host) -> None:
    host.user(1000)
    host.add_debian(go="1.26")
    said = host.prepare()
    assert host.apt_calls() == []
    assert "an administrator would run: apt-get update && apt-get install -y git etcd-server" in said
    assert said.splitlines()[-1].endswith(" gcc libc6-dev golang-go")
    assert "a C compiler is missing; these suites need it: gitea" in said
    assert "Go >= 1.25.3 is missing; these suites need it: helm, gitea, kubernetes, kwok" in said


def test_without_debian_it_is_only_said(host: Host) -> None:
    assert "this is no Debian" in host.prepare()


def test_without_a_network_the_run_goes_on(host: Host) -> None:
    host.add_debian(go="1.26", update="echo 'Could not resolve deb.debian.org' >&2; exit 100")
    said = host.prepare()
    assert "Could not resolve deb.debian.org" in said
    assert host.apt_calls() == ["-q update"]


def test_nothing_is_asked_for_where_everything_is_built(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.add("git")
    host.add_servers()
    (host.folder / "mvn").unlink()
    host.add_debian(go="1.26")
    for distribution in distributions.DISTRIBUTIONS.values():
        folder = cache.cache_folder() / f"{distribution.name}-{distributions.digest(distribution)}"
        (folder / distribution.name).mkdir(parents=True)
    for program in PROGRAMS:
        folder = cache.cache_folder() / f"{program.name}-{binaries.digest(program)}-go1.26.8"
        folder.mkdir(parents=True)
        (folder / program.name).touch(mode=0o755)
    assert host.prepare() == ""
    assert host.apt_calls() == []

"""Fetching a program from npm's registry: with the npm that is here, checked, and whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import os
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import npm_packages
from testbed.cache import BuildError
from testbed.npm_packages import Package
from tests.plugins import parts
from tests.plugins.optional_parts import Found, Missing

NPM = """#!/bin/sh
echo "$*" >>"$CALLS"
while [ "$1" != --pack-destination ]; do shift; done
cp "$ARCHIVE" "$2/small-1.0.tgz"
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package with one program on a machine without csoc's environment, and an npm that brings it."""
    program = tmp_path / "package" / "bin" / "small"
    program.parent.mkdir(parents=True)
    program.write_text("#!/usr/bin/env node\n", encoding="utf-8")
    archive = tmp_path / "archive.tgz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(tmp_path / "package", "package")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "npm").write_text(NPM, encoding="utf-8")
    (folder / "npm").chmod(0o755)
    monkeypatch.setattr(npm_packages, "WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("ARCHIVE", str(archive))
    monkeypatch.setenv("CSOC_TESTBED_CACHE", str(tmp_path / "cache"))
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    return Package("cdk", "small", "1.0", integrity, "bin/small", 1000)


def test_it_is_fetched_once_and_no_script_of_it_runs(small: Package, tmp_path: Path) -> None:
    folder = npm_packages.ensure(small, print)
    assert npm_packages.ensure(small, print) == folder
    (call,) = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert call.startswith("pack small@1.0 ")
    assert "--ignore-scripts" in call
    assert (folder / "cdk" / small.program).is_file()
    assert [path.name for path in folder.iterdir()] == ["cdk"]


def test_another_content_than_the_pinned_is_refused_and_nothing_is_left(small: Package, tmp_path: Path) -> None:
    wrong = replace(small, integrity="sha512-AAAA")
    with pytest.raises(BuildError, match=r"small@1.0 has the digest sha512-.*, not sha512-AAAA"):
        npm_packages.ensure(wrong, print)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["cdk.lock"]


def test_a_machine_without_npm_is_told_how_to_get_one(small: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "npm is missing (make setup brings it" in (npm_packages.why_not(small) or "")
    assert npm_packages.node() is None


def test_too_little_room_is_told_before_anything_is_fetched(small: Package) -> None:
    assert "GB are needed" in (npm_packages.why_not(replace(small, disk_bytes=10**18)) or "")


def test_csocs_own_environment_brings_npm_and_node_js() -> None:
    node = npm_packages.node()
    assert node is not None
    assert npm_packages.WHEEL in node.parts
    assert all(Path(word).is_file() for word in npm_packages.npm() or ["/nowhere"])


def test_the_part_is_there_once_its_pinned_version_is(small: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(npm_packages.PACKAGES, "cdk", small)
    find = next(part.find for part in parts.PARTS if part.name == "cdk")
    assert isinstance(find(), Missing)
    monkeypatch.setattr(npm_packages, "find", lambda package: Path("/there"))
    assert find() == Found(Path("/there"))

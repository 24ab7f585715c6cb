"""Building the testbed's programs: once, whole or not at all, and with a clear word where it cannot be."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import binaries, cache, catalogue
from testbed.binaries import PROGRAMS, Program
from testbed.cache import BuildError

HELM = PROGRAMS["helm"]
GITEA = PROGRAMS["gitea"]
GO = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  "env GOVERSION")
    if [ "$GOTOOLCHAIN" = local ]; then echo "$LOCAL_GO"; else echo "$FETCHED_GO"; test -n "$FETCHED_GO"; fi ;;
  "env GOTOOLCHAIN") echo "${SETTING-auto}" ;;
  list*) echo "$MODULE" ;;
  build*)
    if [ -n "$FAIL" ]; then echo "go: downloading a/b v1" >&2; echo "main.go:1: syntax error" >&2; exit 1; fi
    if [ -n "$GATE" ]; then cat "$GATE" >/dev/null; fi
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\n' >"$2" && chmod +x "$2" ;;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose Go is a stand-in of version 1.26.8 that notes its calls in this file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "go").write_text(GO, encoding="utf-8")
    (folder / "go").chmod(0o755)
    module = tmp_path / "module"
    for name in GITEA.data:
        (module / name).mkdir(parents=True)
        (module / name / "file").write_text(name, encoding="utf-8")
        (module / name).chmod(0o555)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("LOCAL_GO", "go1.26.8")
    monkeypatch.setenv("FETCHED_GO", "")
    monkeypatch.setenv("MODULE", str(module))
    for name in ("FAIL", "GATE", "GOTOOLCHAIN", "CSOC_TESTBED_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "calls"


@pytest.fixture
def said() -> list[str]:
    return []


def builds(calls: Path) -> int:
    return sum(line.startswith("build") for line in calls.read_text(encoding="utf-8").splitlines())


def test_a_program_is_built_once_and_found_afterwards(calls: Path, tmp_path: Path, said: list[str]) -> None:
    cache = tmp_path / "cache"
    assert binaries.find(HELM, cache) is None
    first = binaries.ensure(HELM, said.append, cache)
    assert binaries.ensure(HELM, said.append, cache) == first == binaries.find(HELM, cache)
    assert first.name == f"helm-{binaries.digest(HELM)}-go1.26.8"
    assert os.access(first / "helm", os.X_OK)
    assert builds(calls) == 1
    assert any("building helm" in line for line in said)


def test_what_the_program_reads_is_copied_beside_it_and_can_be_removed(
    calls: Path, tmp_path: Path, said: list[str]
) -> None:
    folder = binaries.ensure(GITEA, said.append, tmp_path / "cache")
    for name in GITEA.data:
        assert (folder / name / "file").read_text(encoding="utf-8") == name
        assert (folder / name).stat().st_mode & 0o200
    assert f"-X main.Version={binaries.pinned_version(GITEA)}" in calls.read_text(encoding="utf-8")


def test_a_failed_build_says_what_the_compiler_said_and_leaves_nothing(
    calls: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "yes")
    cache = tmp_path / "cache"
    with pytest.raises(BuildError, match="syntax error") as caught:
        binaries.ensure(HELM, said.append, cache)
    assert "downloading" not in str(caught.value)
    assert [path.name for path in cache.iterdir()] == ["helm.lock"]
    assert binaries.find(HELM, cache) is None


def test_a_second_run_waits_for_the_first_and_takes_what_it_built(
    calls: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    monkeypatch.setenv("GATE", str(gate))
    cache = tmp_path / "cache"
    found: list[Path] = []
    waiting = threading.Event()

    def second(text: str) -> None:
        if "waiting for it" in text:
            waiting.set()

    threads = [threading.Thread(target=lambda: found.append(binaries.ensure(HELM, said.append, cache)), daemon=True)]
    threads[0].start()
    with gate.open("w") as opened:  # opens once the first build reads it, so that one is under way
        threads.append(threading.Thread(target=lambda: found.append(binaries.ensure(HELM, second, cache)), daemon=True))
        threads[1].start()
        assert waiting.wait(20)
        opened.write("go on\n")
    for thread in threads:
        thread.join(20)
    assert found == [binaries.find(HELM, cache)] * 2
    assert builds(calls) == 1


def test_what_an_interrupted_build_left_is_removed_by_the_next(calls: Path, tmp_path: Path, said: list[str]) -> None:
    left = tmp_path / "cache" / ".helm-abc"
    left.mkdir(parents=True)
    binaries.ensure(HELM, said.append, left.parent)
    assert not left.exists()


def test_a_program_without_its_file_counts_as_missing(calls: Path, tmp_path: Path) -> None:
    (tmp_path / "cache" / f"helm-{binaries.digest(HELM)}-go1.26.8").mkdir(parents=True)
    assert binaries.find(HELM, tmp_path / "cache") is None


def test_programs_built_before_serve_where_go_is_gone(
    calls: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = binaries.ensure(HELM, said.append, tmp_path / "cache")
    monkeypatch.setattr(binaries, "go_command", lambda: None)
    assert binaries.ensure(HELM, said.append, tmp_path / "cache") == built


def test_the_digest_changes_with_the_module_and_with_how_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = binaries.digest(HELM)
    assert binaries.digest(replace(HELM, tags=("other",))) != original
    shutil.copytree(binaries.HERE / "helm", tmp_path / "helm")
    monkeypatch.setattr(binaries, "HERE", tmp_path)
    assert binaries.digest(HELM) == original
    with (tmp_path / "helm" / "go.sum").open("a", encoding="utf-8") as handle:
        handle.write("more\n")
    assert binaries.digest(HELM) != original


def test_a_missing_go_is_named_with_the_version_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "go_command", lambda: None)
    assert "Go >= 1.25.3 is missing" in (binaries.why_not(GITEA) or "")


@pytest.mark.parametrize(("local", "setting"), [("go1.25.2", "local"), ("go1.19.8", "auto")])
def test_a_go_that_is_too_old_and_cannot_fetch_another_is_named(
    calls: Path, monkeypatch: pytest.MonkeyPatch, local: str, setting: str
) -> None:
    monkeypatch.setenv("LOCAL_GO", local)
    monkeypatch.setenv("SETTING", setting)
    assert f"Go {local[2:]} is older than the 1.25.3 that gitea needs" in (binaries.why_not(GITEA) or "")


def test_an_older_go_fetches_a_newer_one_where_its_settings_allow(
    calls: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_GO", "go1.24.4")
    monkeypatch.setenv("FETCHED_GO", "go1.25.3")
    assert binaries.ensure(GITEA, said.append, tmp_path / "cache").name.endswith("-go1.25.3")


def test_an_older_go_that_cannot_fetch_a_newer_one_is_named_once_it_tried(
    calls: Path, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_GO", "go1.24.4")
    assert binaries.why_not(GITEA) is None
    with pytest.raises(BuildError, match=r"Go 1\.24\.4 is too old, and could not fetch a newer one"):
        binaries.ensure(GITEA, said.append, tmp_path / "cache")


def test_a_missing_c_compiler_is_named_for_the_program_that_needs_it(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "gcc libc6-dev" in (binaries.why_not(GITEA) or "")
    assert binaries.why_not(HELM) is None


def test_a_compiler_without_the_headers_of_c_does_not_count(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = calls.parent / "bin" / "gcc"
    compiler.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    compiler.chmod(0o755)
    monkeypatch.delenv("CC", raising=False)
    assert not binaries.has_c_compiler()


def test_a_cache_that_cannot_be_made_is_named(calls: Path, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BuildError, match="CSOC_TESTBED_CACHE may name another place"):
        binaries.ensure(HELM, said.append, tmp_path / "file" / "cache")


def test_the_cache_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CSOC_TESTBED_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "csoc" / "testbed"
    monkeypatch.setenv("CSOC_TESTBED_CACHE", str(tmp_path / "named"))
    assert cache.cache_folder() == tmp_path / "named"


def test_an_unknown_program_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        catalogue.main(["hlem"])
    assert caught.value.code == 2
    assert "no such program: hlem; there are helm, gitea, kubernetes" in capsys.readouterr().err


def test_every_module_pins_the_version_of_its_program() -> None:
    for program in PROGRAMS.values():
        assert isinstance(program, Program)
        assert binaries.pinned_version(program)[0].isdigit()
        (source,) = {"tools.go", "main.go"} & set(program.module_files)
        package = program.module if program.package == "." else program.package
        assert package in (program.folder / source).read_text(encoding="utf-8")

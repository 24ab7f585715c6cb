"""Builds the testbed's programs from Go modules, once a machine, and says where they are.

The suites compare csoc with real programs: helm renders charts, Gitea is a Git host with pull requests. Both come from
the Go module registry, which every machine with Go can reach, and take minutes to build. So the result is kept outside
the work tree, in a folder whose name holds a digest of the module files and of how they are built, and Go's version:
a fresh clone finds what another one built, and a changed module never meets an old program. A folder appears complete
or not at all, because the build goes to a folder beside it that is renamed at the end; a lock lets a second run wait
for the first instead of building the same again.

Only the standard library is used: this runs before, or without, the project's own environment.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRESS_SECONDS = 15
BUILD_TIMEOUT_SECONDS = 1500
SWITCH_TIMEOUT_SECONDS = 300
FIRST_SWITCHING_GO = (1, 21)
SUPERSEDED_AFTER_SECONDS = 30 * 24 * 3600

Say = Callable[[str], None]


class BuildError(Exception):
    """The program cannot be had on this machine; the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the testbed: its folder here pins a version of the module, which holds the package to build.

    data: folders of the package's module that the program reads when it runs, copied beside it.
    version_setting: the variable that a release build sets, and its value, %s being the version.
    cold_seconds: what a first build takes on two cores, to say so before it starts.
    """

    name: str
    module: str
    package: str
    cold_seconds: int
    tags: tuple[str, ...] = ()
    cgo: bool = False
    data: tuple[str, ...] = ()
    version_setting: str = ""
    module_files: tuple[str, ...] = field(default=("go.mod", "go.sum", "tools.go"))

    @property
    def folder(self) -> Path:
        """The Go module that pins the program's version."""
        return HERE / self.name


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "helm",
            "helm.sh/helm/v3",
            "helm.sh/helm/v3/cmd/helm",
            cold_seconds=80,
            version_setting="helm.sh/helm/v3/internal/version.version=v%s",
        ),
        Program(
            "gitea",
            "code.gitea.io/gitea",
            "code.gitea.io/gitea",
            cold_seconds=150,
            tags=("sqlite", "sqlite_unlock_notify"),
            cgo=True,
            data=("options", "templates", "public"),
            version_setting="main.Version=%s",
        ),
    )
}


def cache_folder() -> Path:
    """Where built programs are kept: CSOC_TESTBED_CACHE, or csoc/testbed in the user's cache folder."""
    named = os.environ.get("CSOC_TESTBED_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "csoc" / "testbed"


def digest(program: Program) -> str:
    """12 hex digits that change with the module files and with how the program is built."""
    total = hashlib.sha256(
        json.dumps([program.package, program.tags, program.cgo, program.data, program.version_setting]).encode()
    )
    for name in program.module_files:
        content = (program.folder / name).read_bytes()
        total.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:12]


def wanted_go(program: Program) -> tuple[int, ...]:
    """The oldest Go that the program's module accepts, from its go.mod."""
    return _numbers(_from_go_mod(program, r"^go (\S+)"))


def pinned_version(program: Program) -> str:
    """The program's version ("1.25.1"), from its go.mod."""
    return _from_go_mod(program, rf"^(?:require )?\s*{re.escape(program.module)} v(\S+)")


def go_command() -> str | None:
    """The go command: from PATH, or from where its installers put it without telling PATH."""
    found = shutil.which("go")
    if found:
        return found
    packaged = sorted(Path("/usr/lib").glob("go-*/bin/go"), key=lambda path: _numbers(path.parts[3]), reverse=True)
    return next((str(path) for path in (Path("/usr/local/go/bin/go"), *packaged) if os.access(path, os.X_OK)), None)


def installed_go() -> str | None:
    """The version of the Go on this machine ("1.26.8"), or None. Looks nothing up elsewhere."""
    return _go_version(HERE, {"GOTOOLCHAIN": "local"}, timeout_seconds=60)


def find(program: Program, cache: Path | None = None) -> Path | None:
    """The folder with the built program, or None. Built by another Go it serves as well, so the newest is taken."""
    cache = cache or cache_folder()
    folders = cache.glob(f"{program.name}-{digest(program)}-go*") if cache.is_dir() else ()
    built = [folder for folder in folders if os.access(folder / program.name, os.X_OK)]
    return max(built, key=lambda folder: _numbers(folder.name.rpartition("-go")[2]), default=None)


def why_not(program: Program) -> str | None:
    """Why the program cannot be built here, or None if it can be tried."""
    wanted = wanted_go(program)
    version = installed_go()
    if version is None:
        return f"Go >= {_text(wanted)} is missing (https://go.dev/dl/ has it; its bin folder belongs on PATH)"
    if _numbers(version) < wanted and not _may_switch(version):
        return f"Go {version} is older than the {_text(wanted)} that {program.name} needs (https://go.dev/dl/ has it)"
    if program.cgo and not has_c_compiler():
        return "a C compiler is missing (Debian: gcc libc6-dev)"
    return None


def has_c_compiler() -> bool:
    """Whether C can be compiled here, which takes the compiler and the C library's headers."""
    compiler = shutil.which(os.environ.get("CC", "gcc"))
    if compiler is None:
        return False
    done = subprocess.run([compiler, "-E", "-"], input=b"#include <stdlib.h>\n", capture_output=True, check=False)
    return done.returncode == 0


def ensure(program: Program, say: Say, cache: Path | None = None) -> Path:
    """The folder with the program, built if need be.

    Raises BuildError if it cannot be built here, or if the build fails.
    """
    cache = cache or cache_folder()
    found = find(program, cache)
    if found is not None:
        return found
    reason = why_not(program)
    if reason is not None:
        raise BuildError(reason)
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(
            f"cannot make {cache} ({error.strerror}); CSOC_TESTBED_CACHE may name another place"
        ) from error
    with _lock(cache / f"{program.name}.lock", program, say):
        found = find(program, cache)  # another run may have built it while this one waited
        return found or _build(program, cache, say)


def _choose_go(program: Program, say: Say) -> tuple[str, dict[str, str]]:
    """The version of Go to build with, and the setting that selects it.

    A Go that is too old can fetch a newer one from the module proxy if the user's settings and the network allow it.
    """
    local = {"GOTOOLCHAIN": "local"}
    version = installed_go() or ""
    if _numbers(version) >= wanted_go(program):
        return version, local
    say(f"{program.name} needs Go {_text(wanted_go(program))}; asking Go {version} to fetch it")
    newer = _go_version(program.folder, {}, timeout_seconds=SWITCH_TIMEOUT_SECONDS)
    if newer is None or _numbers(newer) < wanted_go(program):
        raise BuildError(f"Go {version} is too old, and could not fetch a newer one (https://go.dev/dl/ has it)")
    return newer, {}


def _build(program: Program, cache: Path, say: Say) -> Path:
    version, settings = _choose_go(program, say)
    target = cache / f"{program.name}-{digest(program)}-go{version}"
    minutes = program.cold_seconds / 60
    say(f"building {program.name} from Go modules (once; about {minutes:.1f} min on 2 cores with empty caches)")
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix=f".{program.name}-", dir=cache))
    try:
        linker = "-s -w"
        if program.version_setting:
            linker += f" -X {program.version_setting % pinned_version(program)}"
        command = ["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", linker]
        if program.tags:
            command += ["-tags", " ".join(program.tags)]
        _run([*command, "-o", str(scratch / program.name), program.package], program, settings, say)
        if program.data:
            listing = ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", program.module]
            module = Path(_run(listing, program, settings, say))
            for name in program.data:
                shutil.copytree(module / name, scratch / name, copy_function=shutil.copyfile)
        for folder in (scratch, *(path for path in scratch.rglob("*") if path.is_dir())):
            folder.chmod(0o755)  # the module cache is read-only, and copies of it could not be removed
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _forget_superseded(program, target)
    say(f"built {program.name} in {time.monotonic() - started:.0f} s")
    return target


def _run(arguments: Sequence[str], program: Program, settings: dict[str, str], say: Say) -> str:
    """Runs Go in the program's module, with a sign of life now and then. Returns its output, stripped."""
    command = [go_command() or "go", *arguments]
    environment = os.environ | settings | {"CGO_ENABLED": "1" if program.cgo else "0", "GOWORK": "off"}
    with subprocess.Popen(
        command,
        cwd=program.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        done = threading.Event()
        watcher = threading.Thread(target=_signs_of_life, args=(program.name, done, say), daemon=True)
        watcher.start()
        try:
            out, err = process.communicate(timeout=BUILD_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise BuildError(f"building took more than {BUILD_TIMEOUT_SECONDS} s") from error
        finally:
            done.set()
            watcher.join()
    if process.returncode != 0:
        told = [line for line in err.splitlines() if line.strip() and not line.startswith("go: downloading")]
        raise BuildError("the build failed:\n  " + "\n  ".join(told[-15:] or [f"exit code {process.returncode}"]))
    return out.strip()


def _signs_of_life(name: str, done: threading.Event, say: Say) -> None:
    started = time.monotonic()
    while not done.wait(PROGRESS_SECONDS):
        say(f"  still building {name}, {time.monotonic() - started:.0f} s")


@contextlib.contextmanager
def _lock(path: Path, program: Program, say: Say) -> Iterator[None]:
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is building {program.name}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _forget_superseded(program: Program, kept: Path) -> None:
    """Removes what an interrupted build left, and programs of older modules that nobody built for a month."""
    for folder in kept.parent.glob(f"{program.name}-*"):
        if folder != kept and time.time() - folder.stat().st_mtime > SUPERSEDED_AFTER_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in kept.parent.glob(f".{program.name}-*"):
        shutil.rmtree(folder, ignore_errors=True)  # the lock is held: no other build is under way


def _go_version(folder: Path, settings: dict[str, str], *, timeout_seconds: float) -> str | None:
    command = go_command()
    if command is None:
        return None
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        answer = subprocess.run(
            [command, "env", "GOVERSION"],
            cwd=folder,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_seconds,
        )
        if answer.returncode == 0:
            return answer.stdout.strip().removeprefix("go").split(" ")[0]
    return None


def _may_switch(version: str) -> bool:
    """Whether this Go fetches a newer one by itself: able since 1.21, and settings may forbid it."""
    command = go_command()
    if command is None or _numbers(version) < FIRST_SWITCHING_GO:
        return False
    answer = subprocess.run([command, "env", "GOTOOLCHAIN"], cwd=HERE, capture_output=True, text=True, check=False)
    return not answer.stdout.strip().startswith("local")


def _from_go_mod(program: Program, pattern: str) -> str:
    found = re.search(pattern, (program.folder / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise BuildError(f"{program.folder / 'go.mod'} has no line like {pattern}")
    return found[1]


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("-")[0].split("rc")[0])[:3])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command behind `testbed/build`. Exit codes: 0 done, 1 one or more programs cannot be had."""
    parser = argparse.ArgumentParser(prog="testbed/build", description="Build the testbed's programs, once a machine.")
    parser.add_argument(
        "programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(PROGRAMS)}; all if none is named"
    )
    parser.add_argument("--where", action="store_true", help="build nothing; print the folders of what is built")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.programs) - set(PROGRAMS))
    if unknown:
        parser.error(f"no such program: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    missing = 0
    for name in options.programs or PROGRAMS:
        program = PROGRAMS[name]
        try:
            folder = find(program) if options.where else ensure(program, _say)
        except BuildError as error:
            _say(f"no {name}: {error}")
            folder = None
        if folder is not None:
            print(folder if options.where else f"testbed: {name} is in {folder}", flush=True)
        missing += folder is None
    return 1 if missing else 0


def _say(text: str) -> None:
    print(f"testbed: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

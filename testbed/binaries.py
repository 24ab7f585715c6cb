"""Builds the testbed's programs from Go modules, once a machine, and says where they are.

The suites compare csoc with real programs: helm renders charts, Gitea is a Git host with pull requests, a Kubernetes
control plane with Argo CD syncs what csoc writes. All come from the Go module registry, which every machine with Go can
reach, and take minutes to build. They are kept in the testbed's cache (`testbed.cache`), in a folder whose name holds a
digest of the module files and of how they are built, and Go's version: a changed module never meets an old program.

Only the standard library is used: this runs before, or without, the project's own environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from testbed import cache as caches
from testbed.cache import BuildError, Say

HERE = Path(__file__).resolve().parent
SWITCH_TIMEOUT_SECONDS = 300
FIRST_SWITCHING_GO = (1, 21)
MANIFESTS = "manifests"


@dataclass(frozen=True, slots=True)
class Manifests:
    """Files of a module that is not built: they go to manifests/<name> beside the program.

    digest: the module's, as go.sum would have it; for a module that go.mod does not name, because it could not be
    built, it pins the files. Empty: go.mod and go.sum name the module, and version is not used.
    """

    name: str
    module: str
    path: str
    version: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the testbed: its folder here pins a version of the module, which holds the package to build.

    data: folders of the package's module that the program reads when it runs, copied beside it.
    manifests: files of other modules beside it. links: other names that it is called by.
    version_setting: the variable that a release build sets, and its value, %s being the version.
    cold_seconds: what a first build takes on two cores, to say so before it starts. disk_bytes: what it takes with what
    Go keeps of it.
    """

    name: str
    module: str
    package: str
    cold_seconds: int
    tags: tuple[str, ...] = ()
    cgo: bool = False
    data: tuple[str, ...] = ()
    manifests: tuple[Manifests, ...] = ()
    links: tuple[str, ...] = ()
    version_setting: str = ""
    disk_bytes: int = 1_000_000_000
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
            disk_bytes=3_000_000_000,
        ),
        Program(
            "kubernetes",
            "k8s.io/kubernetes",
            ".",
            cold_seconds=420,
            manifests=(
                Manifests("argocd-crds", "github.com/argoproj/argo-cd/v3", "manifests/crds"),
                Manifests("argocd-cm.yaml", "github.com/argoproj/argo-cd/v3", "manifests/base/config/argocd-cm.yaml"),
                Manifests(
                    "external-secrets",
                    "github.com/external-secrets/external-secrets",
                    "deploy/crds",
                    "v1.3.2",
                    "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
                ),
                Manifests(
                    "cluster-api",
                    "sigs.k8s.io/cluster-api",
                    "config/crd/bases",
                    "v1.11.3",
                    "h1:apxfugbP1X8AG7THCM74CTarCOW4H2oOc6hlbm1hY80=",
                ),
                Manifests(
                    "cluster-api-aws",
                    "sigs.k8s.io/cluster-api-provider-aws/v2",
                    "config/crd/bases",
                    "v2.10.0",
                    "h1:E28NopVRAtnenHsfh54VwS2uEpGAkW0bv6Y19bqAwCg=",
                ),
            ),
            links=(
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubectl",
                "argocd",
                "argocd-application-controller",
                "argocd-repo-server",
            ),
            version_setting="k8s.io/component-base/version.gitVersion=v%s",
            disk_bytes=4_000_000_000,
            module_files=("go.mod", "go.sum", "main.go"),
        ),
        Program(
            "kwok",
            "sigs.k8s.io/kwok",
            ".",
            cold_seconds=90,
            module_files=("go.mod", "go.sum", "main.go"),
        ),
    )
}


def digest(program: Program) -> str:
    """12 hex digits that change with the module files and with how the program is built."""
    made_from: list[object] = [program.package, program.tags, program.cgo, program.data, program.version_setting]
    if program.links or program.manifests:
        made_from += [program.links, [asdict(part) for part in program.manifests]]
    total = hashlib.sha256(json.dumps(made_from).encode())
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
    cache = cache or caches.cache_folder()
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
    return caches.too_little_space([caches.cache_folder(), *_go_folders()], program.disk_bytes)


def _go_folders() -> list[Path]:
    """Where Go keeps what it downloads and compiles."""
    command = go_command()
    if command is None:
        return []
    told = subprocess.run(
        [command, "env", "GOMODCACHE", "GOCACHE"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return [Path(line) for line in told.stdout.splitlines() if line.startswith("/")]


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
    return caches.ensured(
        program.name,
        cache,
        lambda there: find(program, there),
        lambda: why_not(program),
        lambda there: _build(program, there, say),
        say,
    )


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
    with caches.filling(program.name, target) as scratch:
        linker = "-s -w"
        if program.version_setting:
            linker += f" -X {program.version_setting % pinned_version(program)}"
        command = ["build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", linker]
        if program.tags:
            command += ["-tags", " ".join(program.tags)]
        _run([*command, "-o", str(scratch / program.name), program.package], program, settings, say)
        for name in program.links:
            (scratch / name).symlink_to(program.name)
        for name in program.data:
            _copy(_module_folder(program.module, program, settings, say) / name, scratch / name)
        for part in program.manifests:
            _copy(_manifests_folder(part, program, settings, say) / part.path, scratch / MANIFESTS / part.name)
    say(f"built {program.name} in {time.monotonic() - started:.0f} s")
    return target


def _module_folder(module: str, program: Program, settings: dict[str, str], say: Say) -> Path:
    return Path(_run(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module], program, settings, say))


def _manifests_folder(part: Manifests, program: Program, settings: dict[str, str], say: Say) -> Path:
    """The folder of a module that may be outside of go.mod; then its digest is compared here, as Go does with go.sum.

    Raises BuildError if the digest is another one.
    """
    if not part.digest:
        return _module_folder(part.module, program, settings, say)
    told = json.loads(_run(["mod", "download", "-json", f"{part.module}@{part.version}"], program, settings, say))
    if told["Sum"] != part.digest:
        raise BuildError(f"{part.module}@{part.version} has the digest {told['Sum']}, not {part.digest}")
    return Path(told["Dir"])


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(source, target)


def _run(arguments: Sequence[str], program: Program, settings: dict[str, str], say: Say) -> str:
    """Runs Go in the program's module. Returns its output, stripped."""
    environment = os.environ | settings | {"CGO_ENABLED": "1" if program.cgo else "0", "GOWORK": "off"}
    command = [go_command() or "go", *arguments]
    return caches.run(command, name=program.name, folder=program.folder, environment=environment, say=say)


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

"""scripts/setup on machines that lack something, played by small stand-ins for Python, uv, apt-get and id."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# What the script itself calls; everything else must come from the machine that a test describes.
COREUTILS = ("cat", "cut", "dirname", "flock", "ln", "mkdir", "rm", "sed", "sh", "sha256sum", "tail")


@dataclass
class Machine:
    """A checkout in a folder with a space in its path, and a PATH that holds only what the test puts there."""

    checkout: Path
    commands: Path
    calls: Path

    def add(self, name: str, script: str) -> None:
        """A command of this machine, as a shell script; each call is noted."""
        path = self.commands / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    def setup(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.checkout / "scripts" / "setup"), *arguments],
            env={"PATH": str(self.commands), "HOME": str(self.checkout), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def called(self, start: str) -> list[str]:
        """The calls so far that start with these words."""
        lines = self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []
        return [line for line in lines if line.startswith(start)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    checkout = tmp_path / "a checkout"
    commands = tmp_path / "bin"
    (checkout / "scripts").mkdir(parents=True)
    commands.mkdir()
    for name in ("scripts/setup", "scripts/uv.txt", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, checkout / name)
    for name in COREUTILS:
        (commands / name).symlink_to(shutil.which(name) or pytest.fail(f"{name} is missing here"))
    made = Machine(checkout, commands, tmp_path / "calls")
    made.add("id", "echo 1000")
    return made


def add_python(machine: Machine, name: str = "python3", *, venv_works_if: str = "true") -> None:
    """A Python that makes build/tools if a shell condition holds, with a pip and a uv that only note their calls."""
    pinned = next(line.split()[0] for line in (ROOT / "scripts/uv.txt").read_text().splitlines() if "uv==" in line[:4])
    uv = machine.commands.parent / "uv-stand-in"
    uv.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = --version ]; then echo uv {pinned.removeprefix("uv==")}; exit; fi\n'
        f'echo "uv $*" >>"{machine.calls}"\n'
        f"mkdir -p .venv/bin; for name in csoc python; do ln -sf '{sys.executable}' .venv/bin/$name; done\n"
    )
    uv.chmod(0o755)
    machine.add(
        name,
        f"""case "$1 $2" in
          "-m venv")
            if ! {venv_works_if}; then echo "ensurepip is not available"; mkdir -p "$3"; exit 1; fi
            mkdir -p "$3/bin"; ln -sf "$0" "$3/bin/python" ;;
          "-m pip") ln -sf '{uv}' build/tools/bin/uv ;;
          *) exec '{sys.executable}' "$@" ;;
        esac""",
    )


def test_csoc_is_installed_from_the_lock_file_without_the_tools(machine: Machine) -> None:
    add_python(machine)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert (machine.checkout / ".venv/bin/csoc").exists()
    (call,) = machine.called("uv ")
    assert "--locked" in call
    assert "--no-dev" in call
    assert "--require-hashes" in machine.called("python3 -m pip")[0]


def test_nothing_is_done_again_while_nothing_changed(machine: Machine) -> None:
    add_python(machine)
    machine.setup()
    done = machine.setup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(machine.called("uv ")) == 1


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_file_installs_again(machine: Machine, name: str) -> None:
    add_python(machine)
    machine.setup()
    with (machine.checkout / name).open("a", encoding="utf-8") as handle:
        handle.write("\n# changed\n")
    assert machine.setup().returncode == 0
    assert len(machine.called("uv ")) == 2


def test_a_moved_checkout_installs_again(machine: Machine) -> None:
    add_python(machine)
    machine.setup()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("elsewhere"))
    assert machine.setup().returncode == 0
    assert len(machine.called("uv ")) == 2


def test_tools_come_on_top_and_a_later_plain_setup_leaves_them(machine: Machine) -> None:
    add_python(machine)
    machine.setup()
    machine.setup("--tools")
    machine.setup()
    plain, tools = machine.called("uv ")
    assert "--no-dev" in plain
    assert "--all-groups" in tools
    assert "--inexact" in plain


def test_a_failed_installation_is_tried_again(machine: Machine) -> None:
    add_python(machine)
    machine.setup()
    (machine.checkout / ".venv/bin/csoc").unlink()
    assert machine.setup().returncode == 0
    assert len(machine.called("uv ")) == 2


def test_an_old_python_alone_is_named_with_what_is_needed(machine: Machine) -> None:
    machine.add("python3", 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    done = machine.setup()
    assert done.returncode == 1
    assert "Python >= 3.11 is missing (found: Python 3.9.2)" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (machine.checkout / ".venv").exists()


def test_no_python_at_all_is_said(machine: Machine) -> None:
    done = machine.setup()
    assert done.returncode == 1
    assert "found: no python3" in done.stderr


def test_a_newer_python_beside_an_old_one_is_taken(machine: Machine) -> None:
    machine.add("python3", "exit 1")
    add_python(machine, "python3.12")
    assert machine.setup().returncode == 0
    assert machine.called("python3.12 -m venv")


def test_a_command_that_only_looks_like_python_is_passed_over(machine: Machine) -> None:
    machine.add("python3", "exit 1")
    machine.add("python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    add_python(machine, "python3.11")
    assert machine.setup().returncode == 0


def test_a_named_python_that_does_not_serve_is_refused_rather_than_replaced(machine: Machine) -> None:
    add_python(machine)
    done = machine.setup(PYTHON="no-such-python")
    assert done.returncode == 1
    assert "PYTHON names no-such-python" in done.stderr


def test_without_the_venv_module_others_than_root_get_the_command_for_an_administrator(machine: Machine) -> None:
    add_python(machine, venv_works_if="false")
    machine.add("apt-get", "exit 99")
    done = machine.setup()
    assert done.returncode == 1
    assert "apt-get update && apt-get install -y --no-install-recommends python3-venv" in done.stderr
    assert not machine.called("apt-get")
    assert not (machine.checkout / "build/tools").exists()


def test_root_on_debian_gets_the_venv_module_installed_and_told(machine: Machine) -> None:
    installed = machine.commands.parent / "installed"
    add_python(machine, venv_works_if=f"test -e '{installed}'")
    machine.add("id", "echo 0")
    machine.add("apt-get", f"case $1 in install) : >'{installed}' ;; esac")
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert "installing the Debian package python3-venv" in done.stdout
    assert machine.called("apt-get ") == ["apt-get update", "apt-get install -y --no-install-recommends python3-venv"]


def test_what_apt_get_says_is_shown_if_it_fails(machine: Machine) -> None:
    add_python(machine, venv_works_if="false")
    machine.add("id", "echo 0")
    machine.add("apt-get", "echo 'no network today' >&2; exit 100")
    done = machine.setup()
    assert done.returncode == 1
    assert "no network today" in done.stderr

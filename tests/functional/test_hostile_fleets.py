"""Repositories that mean harm, through the commands: each is refused in bounded time and memory, the rest is shown.

Every command runs in a process of its own with limits on memory and time that an ordinary run stays far below, so that
what is not bounded fails here and not on somebody's machine.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from csoc.testing.fleets import HOME, application, environment
from tests.functional.command import Command

MEMORY_BYTES = 1_500_000_000
SECONDS = 60
ALPHA = "east/alpha.example.org"
CANARY = "canary-of-a-file-outside"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str
    seconds: float

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class Hostile:
    """A folder with one harmless environment (beta) and whatever a test adds."""

    folder: Path
    command: Command

    def add(self, files: Mapping[str, str | bytes], links: Mapping[str, str] | None = None) -> None:
        for path, content in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        for path, to in (links or {}).items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(to)

    def run(self, *arguments: str, memory_bytes: int = MEMORY_BYTES) -> Ran:
        """One command, limited. It must end by itself, without a traceback, and show nothing from outside."""
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", "from csoc.cli.main import main; main()", *arguments],
            env={**self.command.environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes)),
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "csoc made a mistake" not in done.stderr, done.stderr
        assert CANARY not in done.stdout + done.stderr
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - start)

    def show(self) -> Any:
        """What `csoc fleet show --json` says; the harmless environment is always there."""
        done = self.run("fleet", "show", "--no-check", "--json", "--own-url", HOME)
        assert done.code == 0, done.err
        assert "beta" in {item["name"] for item in done.data["environments"]}
        return done.data


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    made = Hostile(tmp_path / "fleet", Command(tmp_path / "home", tmp_path))
    (tmp_path / "secret").write_text(f"password: {CANARY}\n", encoding="utf-8")
    made.add(environment("west", "beta.example.org", "fence: {image: {tag: '2026.04'}}\n"))
    return made


def causes(shown: Any, path: str = "") -> str:
    return "\n".join(item["cause"] for item in shown["problems"] if str(item["location"]["path"]).startswith(path))


# Files


def test_a_values_file_of_100_megabytes_costs_that_file(hostile: Hostile) -> None:
    hostile.add({**environment("east", "alpha.example.org"), f"{ALPHA}/values.yaml": b"a: " + b"y" * 100_000_000})
    shown = hostile.show()
    assert "100000003 bytes" in causes(shown, ALPHA)
    assert {item["name"] for item in shown["environments"]} >= {"alpha", "beta"}
    done = hostile.run("fleet", "set", "alpha", "fence.image.tag=1", "--own-url", HOME)
    assert done.code == 1
    assert "alpha: not possible" in done.out


def test_a_bomb_of_aliases_costs_that_file(hostile: Hostile) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    hostile.add({**environment("east", "alpha.example.org"), f"{ALPHA}/values.yaml": bomb})
    assert "aliases" in causes(hostile.show(), ALPHA)


@pytest.mark.parametrize("deep", ["a: " + "[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_nesting_without_end_costs_that_file(hostile: Hostile, deep: str) -> None:
    hostile.add({**environment("east", "alpha.example.org"), f"{ALPHA}/values.yaml": deep, "app.yaml": f"kind: {deep}"})
    shown = hostile.show()
    assert causes(shown, ALPHA)
    assert causes(shown, "app.yaml")


def test_a_link_to_a_file_outside_is_never_followed(hostile: Hostile) -> None:
    secret = str(hostile.folder.parent / "secret")
    hostile.add({f"{ALPHA}/app.yaml": application("alpha", values=[f"{ALPHA}/values.yaml"])})
    hostile.add({}, {f"{ALPHA}/values.yaml": secret, "app.yaml": secret, "CODEOWNERS": secret, "east/x": "/etc"})
    assert "does not follow" in causes(hostile.show(), ALPHA)
    for arguments in (("fleet", "where", "password"), ("fleet", "history", "alpha", "password"), ("check", "alpha")):
        hostile.run(*arguments, "--own-url", HOME) if arguments[0] != "check" else hostile.run(*arguments)
    done = hostile.run("fleet", "set", "alpha", "fence.image.tag=1", "--own-url", HOME)
    assert done.code == 1
    assert (hostile.folder.parent / "secret").read_text(encoding="utf-8") == f"password: {CANARY}\n"


def own_chart(name: str, folder: str) -> str:
    """An Application whose chart stands in the fleet's own repository."""
    text = application(name, values=["west/beta.example.org/values.yaml"])
    chart = "repoURL: https://git.example.org/ops/gen3-helm\n      path: helm/gen3\n      targetRevision: gen3-1.0.0"
    assert chart in text
    return text.replace(chart, f"repoURL: {HOME}\n      path: {folder}\n      targetRevision: main")


def test_a_link_in_a_chart_is_never_followed(hostile: Hostile) -> None:
    secret = str(hostile.folder.parent / "secret")
    hostile.add({"gamma.yaml": own_chart("gamma", "chart"), "chart/Chart.yaml": "name: gen3\nversion: 1.0.0\n"})
    hostile.add({"chart/values.yaml": "a: 1\n"}, {"chart/templates/x.yaml": secret, "chart/files": "/etc"})
    done = hostile.run("fleet", "compare", "gamma", "beta-west", "--manifests", "--own-url", HOME)
    assert done.code == 0
    assert "Manifests were not compared" in done.out


ENDLESS = {
    "loop": "{{ range $i := until 100000000 }}{{ range $j := until 100000000 }}x{{ end }}{{ end }}",
    "recursion": '{{- define "again" }}{{ include "again" . }}{{ end }}{{ include "again" . }}',
    "memory": '{{ $x := "xxxxxxxxxx" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}{{ $x }}',
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_template_that_never_ends_is_stopped_and_the_rest_is_checked(hostile: Hostile, kind: str) -> None:
    hostile.add({"gamma.yaml": own_chart("gamma", "chart"), "chart/Chart.yaml": "name: gen3\nversion: 1.0.0\n"})
    hostile.add({"chart/templates/x.yaml": ENDLESS[kind], "chart/values.yaml": "fence: {enabled: true}\n"})
    hostile.command.variables["CSOC_RENDER_CPU_SECONDS"] = "2"
    # The engine reserves more than it uses, and limits what it uses itself.
    done = hostile.run("fleet", "show", "--json", "--own-url", HOME, memory_bytes=6_000_000_000)
    assert done.code == 0, done.err
    assert done.seconds < 30
    by_name = {item["application"]["name"]: item for item in done.data["environments"]}
    assert by_name["gamma"]["findings"] > 0
    assert by_name["beta"]["findings"] is not None


# Addresses and names


ADDRESSES = [
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/a/b",
    "http://127.0.0.1:8080/a/b",
    "https://localhost/a/b",
    "https://[::1]/a/b",
    "https://2130706433/a/b",
    "https://github.com@127.0.0.1/a/b",
    "git@127.0.0.1:a/b",
    "file:///etc",
    "/etc",
    "../../etc",
    "ext::sh -c touch% pwned",
    "--upload-pack=touch pwned",
]


def _also(problem: Any) -> list[str]:
    """Files of a problem's further places."""
    return [place["path"] for place in problem["places"]]


def test_no_address_in_a_repository_leads_inside(hostile: Hostile) -> None:
    for number, address in enumerate(ADDRESSES):
        hostile.add({f"n{number}/app.yaml": application(f"n{number}", values=["v.yaml"], fleet=f"'{address}'")})
    shown = hostile.show()
    for number, address in enumerate(ADDRESSES):
        place = f"n{number}/app.yaml"
        found = [item["cause"] for item in shown["problems"] if place in (item["location"]["path"], *_also(item))]
        assert any("could not be read" in cause for cause in found), address
    assert {read["repository"] for read in shown["read"]} == {str(hostile.folder)}
    assert not list(hostile.folder.rglob("*pwned*"))


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch pwned", "-c", "--", "-o ProxyCommand=touch pwned", "a\nb", "..", "@{-1}"]
)
def test_a_revision_named_like_an_option_is_no_option(hostile: Hostile, name: str) -> None:
    written = json.dumps(name)
    own = application("own", values=["v.yaml"]).replace("targetRevision: main", f"targetRevision: {written}")
    hostile.add({"own.yaml": own, "chart.yaml": application("chart", values=["v.yaml"], revision=written)})
    hostile.show()
    for arguments in (
        ("fleet", "show", "--no-check", f"--revision={name}"),
        ("fleet", "set", "beta", "fence.image.tag=1", "--commit", f"--branch={name}"),
    ):
        done = hostile.run(*arguments)
        assert done.code in (1, 2, 4), done.err
        assert done.err.startswith("csoc")
    assert not list(hostile.folder.rglob("*pwned*"))


@pytest.mark.parametrize("name", ["-x", "../../x", "--upload-pack=touch pwned", "a\nb", "main; touch pwned", "@{-1}"])
def test_a_chart_revision_that_is_none_is_refused_with_the_name_of_the_option(hostile: Hostile, name: str) -> None:
    before = {path: path.read_bytes() for path in hostile.folder.rglob("*") if path.is_file()}
    done = hostile.run("fleet", "set", "beta", f"--chart-revision={name}", "--commit")
    assert done.code == 2
    assert "--chart-revision" in done.err
    assert {path: path.read_bytes() for path in hostile.folder.rglob("*") if path.is_file()} == before


def test_two_application_sets_of_thousands_are_cut_and_said(hostile: Hostile) -> None:
    for name in ("one", "two"):
        elements = ", ".join(f"{{env: '{name}-{number}'}}" for number in range(3_000))
        hostile.add(
            {
                f"{name}.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\n"
                f"metadata: {{name: {name}}}\nspec:\n  generators:\n  - list: {{elements: [{elements}]}}\n"
                "  template:\n    metadata: {name: '{{env}}'}\n    spec:\n      project: default\n"
                "      source: {repoURL: 'https://git.example.org/ops/gen3', path: gen3, targetRevision: main}\n"
                "      destination: {name: in-cluster, namespace: '{{env}}'}\n"
            }
        )
    said = causes(hostile.show(), "one.yaml") + causes(hostile.show(), "two.yaml")
    for name in ("one", "two"):
        assert f'ApplicationSet "{name}": spec makes 3000 Applications' in said
    assert "2500 were left out" in said


def test_a_cache_folder_that_cannot_be_used_is_said_with_place_cause_and_fix(hostile: Hostile) -> None:
    file = hostile.folder.parent / "file"
    file.write_text("x", encoding="utf-8")
    hostile.command.variables["CSOC_CACHE_DIR"] = str(file)
    for arguments in (("fleet", "show", "--no-check"), ("check",), ("fleet", "adopt", ".")):
        done = hostile.run(*arguments)
        assert done.code not in (0, 1)
        assert str(file) in done.err
        assert "cannot be used" in done.err
        assert "CSOC_CACHE_DIR" in done.err


def test_ten_thousand_sources_are_read_in_time(hostile: Hostile) -> None:
    sources = "".join(
        f"  - {{repoURL: 'https://github.invalid/a/b{n}', path: helm/gen3, targetRevision: main}}\n"
        for n in range(10_000)
    )
    hostile.add(
        {
            "many.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: many}\nspec:\n"
            f"  sources:\n{sources}  destination: {{name: x, namespace: y}}\n"
        }
    )
    hostile.command.variables["CSOC_EXTRA_ALLOWED_HOSTS"] = "github.invalid"
    assert "not read: no more than 200 are" in causes(hostile.show(), "many.yaml")


def test_ten_thousand_value_files_and_parameters_are_read_in_time(hostile: Hostile) -> None:
    files = "\n".join(f"  - $values/v{n}.yaml" for n in range(10_000))
    parameters = "\n".join(f"  - {{name: 'a[{n}]', value: x}}" for n in range(10_000))
    text = application("alpha", helm=f"valueFiles:\n{files}\nparameters:\n{parameters}")
    hostile.add({"alpha.yaml": text})
    assert "more than 2000" in causes(hostile.show())


ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b[2J\x9b2J"


def test_names_cannot_reach_the_terminal_as_commands(hostile: Hostile) -> None:
    name = json.dumps(f"ze{ESCAPES}ta")
    text = application("zeta", values=[f"{ALPHA}/values.yaml"])
    text = text.replace("name: zeta", f"name: {name}").replace("namespace: zeta", f"namespace: {name}")
    values = json.dumps(
        {
            "global": {"hostname": "alpha.example.org"},
            "fence": {"enabled": True, "image": {"tag": f"{ESCAPES}\r\nx"}},
            f"k{ESCAPES}": ESCAPES,
        }
    )
    hostile.add({"zeta.yaml": text, f"{ALPHA}/values.yaml": values, f"bad{ESCAPES}.yaml": "a: b: c"})
    for arguments in (
        ("fleet", "show", "--no-check"),
        ("fleet", "adopt", "."),
        ("fleet", "matrix"),
        ("fleet", "where", "red"),
        ("fleet", "compare", "alpha", "beta", "--all"),
        ("fleet", "history", "alpha", "fence.image.tag"),
        ("fleet", "set", "alpha", f"fence.note={ESCAPES}", "--text"),
        ("fleet", "show", "--no-check", "--json"),
    ):
        own = () if arguments[1] == "history" else ("--own-url", HOME)
        done = hostile.run(*arguments, *own)
        assert done.code in (0, 1), (arguments, done.err)
        for text in (done.out, done.err):
            assert not [char for char in text if not char.isprintable() and char != "\n"], arguments


def test_secrets_in_what_is_changed_are_not_shown(hostile: Hostile) -> None:
    hostile.add(environment("east", "alpha.example.org", "db: {user: x}\nmore: {password: correct-horse-battery}\n"))
    done = hostile.run("fleet", "set", "alpha", "db.user=y", "db.password=staple-and-some-more", "--own-url", HOME)
    assert done.code == 0, done.err
    assert "correct-horse" not in done.out
    assert "staple" not in done.out

"""A small fleet in a Git repository that a test makes: two environments, a chart of its own, and no network.

Its Applications name the repository itself by a URL that csoc recognises, since the paths exist; so charts and values
are those at hand, and a change of three lines is a change of what is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest

from csoc.cli.main import run

URL = "https://git.example.org/team/fleet"
SOON = (datetime.now(UTC).date() + timedelta(days=90)).isoformat()
"""A day on which a waiver that is written today may end."""
_WHO = pygit2.Signature("Ada", "ada@example.org", 1_790_000_000, 0)

CHART = {
    "charts/gen3/Chart.yaml": "apiVersion: v2\nname: gen3\nversion: 0.1.0\n",
    "charts/gen3/values.yaml": 'global:\n  hostname: ""\n  maintenanceMode: "off"\nfence:\n  enabled: false\n',
    "charts/gen3/templates/config.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  hostname: {{ .Values.global.hostname | quote }}
  broken: {{ if .Values.global.broken }}{{ fail "it is broken" }}{{ end }}
  maintenance: {{ .Values.global.maintenanceMode | quote }}
  fence: {{ .Values.fence.enabled | quote }}
""",
}


def application(
    name: str, values: str, *, revision: str = "gen3-0.1.0", chart: str = "charts/gen3", url: str = URL
) -> str:
    """An Application of the chart in this repository with one value file."""
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
spec:
  project: {name}
  sources:
    - repoURL: {url}
      targetRevision: {revision}
      path: {chart}
      helm:
        releaseName: {name}
        valueFiles:
          - $values/{values}
    - repoURL: {url}
      targetRevision: {revision}
      ref: values
  destination:
    server: https://kubernetes.default.svc
    namespace: {name}
  syncPolicy:
    automated:
      selfHeal: true
"""


def values(hostname: str, more: str = "") -> str:
    """A value file; more is added below `global`, indented by two."""
    return f"global:\n  hostname: {hostname}\n{more}"


FILES = {
    **CHART,
    "one/alpha.example.org/app.yaml": application("alpha", "one/alpha.example.org/values.yaml"),
    "one/alpha.example.org/values.yaml": values("alpha.example.org"),
    "two/beta.example.org/app.yaml": application("beta", "two/beta.example.org/values.yaml"),
    "two/beta.example.org/values.yaml": values("beta.example.org"),
}


class Repository:
    """A Git repository with a work tree."""

    def __init__(self, path: Path, files: Mapping[str, str] = FILES) -> None:
        self.path = path
        self.git = pygit2.init_repository(str(path), initial_head="main")
        self.write(files)
        self.commit("A fleet")

    def write(self, files: Mapping[str, str | None]) -> None:
        """Changes the work tree; None removes a file."""
        for name, content in files.items():
            target = self.path / name
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")

    def commit(self, message: str = "Change") -> str:
        """Everything in the work tree as a commit on the branch that is checked out."""
        index = self.git.index
        index.read()
        index.add_all()
        index.write()
        parents = [] if self.git.head_is_unborn else [self.git.head.target]
        return str(self.git.create_commit("HEAD", _WHO, _WHO, message, index.write_tree(), parents))

    def remember(self, name: str) -> None:
        """A remote branch at the present commit, as a fetch would have left it."""
        self.git.references.create(f"refs/remotes/{name}", self.git.head.target, force=True)


class Csoc:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        code = run(arguments)
        self.out, self.err = self._capsys.readouterr()
        return code


def at_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """An environment in which csoc reads no setting of the machine, asks no network, and keeps its cache in folder."""
    for name in ("CSOC_CONFIG", "CSOC_FLEET", "CSOC_SERVER", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("CSOC_CACHE_DIR", str(folder / "cache"))
    monkeypatch.setenv("CSOC_ALLOWED_HOSTS", "127.0.0.1")

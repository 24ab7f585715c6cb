"""What was rendered is rendered anew only for another commit, other values, or when somebody insists."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

from csoc.emulator.kubernetes.argocd.ports import Wanted
from csoc.emulator.kubernetes.argocd.rendered import Rendered
from csoc.emulator.kubernetes.argocd.repository_server import Opened, RepositoryServer
from csoc.testing.repositories import MemoryRepositories
from tests.unit.fleet.argocd.making import FolderCharts, ScriptedRenderer

URL, OTHER = "https://git.example.org/team/charts", "https://git.example.org/team/values"
SOURCES: list[dict[str, Any]] = [
    {"repoURL": URL, "path": "web", "targetRevision": "main", "helm": {"valueFiles": ["$values/web.yaml"]}},
    {"repoURL": OTHER, "targetRevision": "main", "ref": "values"},
]
WANTED = Wanted("east", "web", "web", "default", SOURCES, ["main", "main"], True, {}, "1.34", ["v1"])


class Served:
    """A repo server with a chart that makes up a password whenever it is rendered."""

    def __init__(self) -> None:
        repositories = MemoryRepositories()
        self.charts, self.values = repositories.add(URL), repositories.add(OTHER)
        chart = b"apiVersion: v2\nname: web\nversion: 0.1.0\n"
        self.charts.write("main", {"web/Chart.yaml": chart, "web/values.yaml": b"a: 1\n"})
        self.values.write("main", {"web.yaml": b"a: 2\n"})
        numbers = count()

        def make(_: Any) -> list[tuple[str, dict[str, Any]]]:
            about = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds"}}
            return [("web/templates/creds.yaml", about | {"stringData": {"password": f"drawn-{next(numbers)}"}})]

        ports = Opened(repositories, FolderCharts(), lambda: None)
        self.server = RepositoryServer(lambda _: ports, ScriptedRenderer(make))

    def password(self, wanted: Wanted = WANTED) -> str:
        [found] = self.server.render(wanted).objects
        return str(found["stringData"]["password"])


def test_a_password_that_a_chart_makes_up_stays_while_nothing_changes() -> None:
    served = Served()
    first = served.password()
    assert served.password() == first
    assert served.password(replace(WANTED, force=True)) == first
    commits = [served.charts.branches["main"], served.values.branches["main"]]
    assert served.password(replace(WANTED, revisions=commits)) == first


def test_a_hard_refresh_makes_up_another_that_stays() -> None:
    served = Served()
    first = served.password()
    second = served.password(replace(WANTED, hard=True))
    assert second != first
    assert served.password() == second


def test_a_new_commit_of_the_chart_or_of_its_values_renders_anew() -> None:
    served = Served()
    found = [served.password()]
    served.charts.write("main", {"README.md": b"Hello"})
    found.append(served.password())
    served.values.write("main", {"README.md": b"Hello"})
    found.append(served.password())
    assert len(set(found)) == 3


def test_clusters_applications_and_what_a_cluster_serves_have_passwords_of_their_own() -> None:
    served = Served()
    others = [
        WANTED,
        replace(WANTED, cluster="west"),
        replace(WANTED, application="web-2"),
        replace(WANTED, namespace="web-2"),
        replace(WANTED, kube_version="1.35"),
        replace(WANTED, api_versions=["v1", "external-secrets.io/v1"]),
    ]
    assert len({served.password(one) for one in others}) == len(others)


def test_what_nobody_asked_for_longest_is_forgotten_when_there_is_too_much() -> None:
    kept = Rendered(most_bytes=100)
    body = {"kind": "ConfigMap", "metadata": {"name": "abcdefghijklmno"}}
    kept.keep("a", [body])
    assert kept.get("a") == [body]
    kept.keep("b", [body])
    assert kept.get("b") == [body]
    assert kept.get("a") is None

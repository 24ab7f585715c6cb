"""Small trees and Applications for the tests of fleet.argocd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.errors import CsocError, NotFoundError
from csoc.fleet.argocd import parse
from csoc.fleet.argocd.model import Application, Problem
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.reading import Manifest, manifests
from csoc.fleet.argocd.same_repository import Identity, repository_key
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.charts import (
    ChartArchive,
    ChartRef,
    RenderedObject,
    Rendering,
    RenderRequest,
    pack,
)
from csoc.fleet.repositories import Tree
from csoc.fleet.yaml import yamltext
from csoc.testing.repositories import Content, MemoryRepositories, MemoryTree

HOME = "https://git.example.org/ops/fleet.git"
CHARTS = "https://git.example.org/ops/charts.git"


def tree(
    files: Mapping[str, str | Content], url: str = HOME, revision: str = "main", aliases: tuple[str, ...] = ()
) -> MemoryTree:
    """A tree with these files."""
    repository = MemoryRepositories().add(url, aliases=aliases)
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return MemoryTree(repository, repository.write("main", contents), revision)


def trees(home: Tree, others: Mapping[tuple[str, str], Tree] | None = None, revision: str = "main") -> Trees:
    """The home tree, found by its own name, and other ones by (URL, revision)."""
    keys = frozenset({repository_key(home.repository)})
    identity = Identity(keys, frozenset({"", "HEAD", revision}), "its own name and remotes")
    return Trees(home, identity, opener(others or {}))


class Opener:
    """Opens the trees that it was given, and counts."""

    def __init__(self, others: Mapping[tuple[str, str], Tree | CsocError]) -> None:
        self.others = others
        self.asked: list[tuple[str, str]] = []

    def __call__(self, url: str, revision: str) -> Tree:
        self.asked.append((url, revision))
        found = self.others.get((url, revision), NotFoundError("There is no such repository", place=url))
        if isinstance(found, CsocError):
            raise found
        return found


def opener(others: Mapping[tuple[str, str], Tree | CsocError]) -> Opener:
    return Opener(others)


def manifest(text: str, path: str = "app.yaml") -> Manifest:
    """The first object of a text."""
    content = text.encode()
    found = manifests("git.example.org/ops/fleet", "c" * 40, path, yamltext.parse(content), lambda: content)
    return next(iter(found))


def application(text: str) -> Application:
    """The Application of a text, which must parse without a Problem."""
    problems: list[Problem] = []
    found = parse.application(manifest(text), problems)
    assert found is not None
    assert problems == []
    return found


def app_yaml(name: str = "portal", *, spec: str = "", destination: str = "prod") -> str:
    """An Application document with a spec (indented by two) and a namespace."""
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
spec:
  destination:
    server: https://kubernetes.default.svc
    namespace: {destination}
{spec}"""


class FolderCharts:
    """`ChartSources` that packs folders of trees that are open."""

    def __init__(self) -> None:
        self.fetched: list[ChartRef] = []

    def fetch(self, ref: ChartRef, *, local: Mapping[str, Tree] | None = None) -> ChartArchive:
        self.fetched.append(ref)
        found = (local or {}).get(repository_key(ref.repo_url))
        if found is None:
            raise NotFoundError(f"There is no chart {ref}")
        paths = Library().below(found, ref.path)
        return pack("chart", "0.1.0", {path.removeprefix(f"{ref.path}/"): found.read(path) for path in paths})

    def load(self, path: str) -> ChartArchive:
        raise NotFoundError("not asked for")


class ScriptedRenderer:
    """`ChartRenderer` whose objects are made by a function of the request."""

    version = "scripted"

    def __init__(self, make: Any) -> None:
        self.make = make
        self.requests: list[RenderRequest] = []

    def render(self, request: RenderRequest) -> Rendering:
        self.requests.append(request)
        made = self.make(request)
        if isinstance(made, Rendering):
            return made
        return Rendering(objects=tuple(RenderedObject(template, body) for template, body in made))

    def render_many(self, requests: Any) -> Any:
        return map(self.render, requests)

    def defaults(self, chart: ChartArchive) -> Mapping[str, Any]:
        return {}


def argo_application(name: str, **spec: Any) -> dict[str, Any]:
    """A rendered Application object."""
    spec = {"destination": {"server": "https://kubernetes.default.svc", "namespace": "argocd"}, **spec}
    spec.setdefault("source", {"repoURL": "https://charts.example.org", "chart": name, "targetRevision": "1.0.0"})
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name}, "spec": spec}

"""ApplicationSets for the tests: a repository that generators read, clusters, and documents made of a few parts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from csoc.fleet.argocd.applicationsets.expansion import Expansion, expand
from csoc.fleet.argocd.model import KnownCluster
from csoc.fleet.repositories import Tree
from tests.unit.fleet.argocd import making

HOME = making.tree(
    {
        "apps/dev/portal/config.yaml": "cluster: {name: dev, size: 2}\ntag: '2025.01'\n",
        "apps/prod/portal/config.yaml": "cluster: {name: prod, size: 3}\ntag: '2025.02'\n",
        "apps/prod/Guppy_X/values.yaml": "a: 1\n",
        "apps/prod/excluded/values.yaml": "a: 1\n",
        "apps/.hidden/x/values.yaml": "a: 1\n",
        "lists/many.json": '[{"name": "one"}, {"name": "two"}]',
        "lists/bad.yaml": "a: [1\n",
        "lists/text.yaml": "just text\n",
        "lists/empty.yaml": "",
    }
)
DEV = KnownCluster("dev", "https://dev.example.org", labels={"stage": "dev", "a.b/c": "x"}, project="p")
PROD = KnownCluster("Prod_1", "https://prod.example.org", labels={"stage": "prod"}, annotations={"n": "v"})

TEMPLATE = """\
  template:
    metadata:
      name: '%s'
    spec:
      project: gen3
      source: {repoURL: https://charts.example.org, chart: gen3, targetRevision: '%s'}
      destination: {server: https://kubernetes.default.svc, namespace: '%s'}
"""


def appset(generators: str, name: str, revision: str = "v1", namespace: str = "ns", *, head: str = "") -> str:
    """An ApplicationSet document. generators: YAML of the list, not indented. head: further lines of the spec."""
    lines = "".join(f"    {line}\n" for line in generators.strip("\n").split("\n"))
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: set, namespace: argocd}\nspec:\n"
        f"{head}  generators:\n{lines}{TEMPLATE % (name, revision, namespace)}"
    )


def expanded(text: str, home: Tree = HOME, *, clusters: Collection[KnownCluster] = (), **options: Any) -> Expansion:
    return expand(making.manifest(text, "set.yaml"), making.trees(home), clusters=clusters, **options)


def names(expansion: Expansion) -> list[str]:
    assert expansion.problems == ()
    return [application.name for application in expansion.applications]


GIT = f"repoURL: {making.HOME}, revision: main"
GO = "  goTemplate: true\n"

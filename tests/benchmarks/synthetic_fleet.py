"""A made-up fleet of any size in a bare repository, the same bytes each time: csoc's layout, Gen3's kind of values."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygit2

_SIGNATURE = pygit2.Signature("Benchmark", "benchmark@example.org", 1_790_000_000, 0)
_STAGES = ("dev", "qa", "staging", "prod", "demo", "uat", "test")
_SERVICES = ("arborist", "audit", "fence", "guppy", "indexd", "metadata", "peregrine", "portal", "revproxy", "sheepdog")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

FILES_PER_ENVIRONMENT = 4


def uid(number: int) -> str:
    """A different one for each number."""
    text = ""
    for _ in range(9):
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return f"u{text}"


def files(environments: int) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file: 7 environments a commons, 90 a cluster."""
    stages = ", ".join(_STAGES)
    yield "fleet.yaml", _document("Fleet", "synthetic", 0, f"  stages: [{stages}]\n")
    for cluster in range((environments + 89) // 90):
        spec = f'  region: us-east-1\n  kubernetesVersion: "1.33"\n  folder: clusters/cluster-{cluster:03}\n'
        path = f"clusters/cluster-{cluster:03}/cluster.yaml"
        yield path, _document("Cluster", f"cluster-{cluster:03}", 1_000_000 + cluster, spec)
    for commons in range((environments + 6) // 7):
        name = f"commons-{commons:04}"
        yield f"commons/{name}/commons.yaml", _document("Commons", name, 2_000_000 + commons, "  {}\n")
    for number in range(environments):
        yield from _environment(number)


def _environment(number: int) -> Iterator[tuple[str, bytes]]:
    commons, stage = f"commons-{number // 7:04}", _STAGES[number % 7]
    cluster, name = f"cluster-{number // 90:03}", f"{commons}-{stage}"
    folder, application = f"commons/{commons}/{name}", f"clusters/{cluster}/applications/{name}.yaml"
    hostname = f"{stage}.{commons}.example.org"
    yield f"{folder}/environment.yaml", environment_document(number)
    yield application, _application(name, folder, hostname).encode()
    yield f"{folder}/values/10-common.yaml", _values(hostname, number).encode()
    yield f"{folder}/values/20-portal.yaml", _portal(hostname, number).encode()


def environment_document(number: int, stage: str = "") -> bytes:
    """environment.yaml of one environment, about 1.6 kB; stage "" is its own."""
    commons, own_stage = f"commons-{number // 7:04}", _STAGES[number % 7]
    cluster, name = f"cluster-{number // 90:03}", f"{commons}-{own_stage}"
    spec = f"""\
  commons: {commons}  # the label that the hostnames of {commons}.example.org have in common
  cluster: {cluster}  # its Application stands in clusters/{cluster}/applications
  stage: {stage or own_stage}  # the hostname {own_stage}.{commons}.example.org says {own_stage}
  hostname: {own_stage}.{commons}.example.org  # global.hostname
  namespace: {name}
  release: {name}
  # The Application that deploys it; csoc found it there, and nobody has corrected it since.
  application:
    path: clusters/{cluster}/applications/{name}.yaml
    name: {name}
  values:
    - commons/{commons}/{name}/values/10-common.yaml
    - commons/{commons}/{name}/values/20-portal.yaml
    # Shared by all environments of the commons; the Application names it by $ref, at a commit of its own.
    - repository: https://git.example.org/team/shared-values
      revision: 0123456789abcdef0123456789abcdef01234567
      path: gen3/{commons}/defaults.yaml
  # As the Application names it. Rendered with this version, it has no finding that is worse than medium.
  chart:
    repoURL: https://helm.gen3.org
    chart: gen3
    revision: "0.3.90"
  gated: true  # values and chart are pinned to a commit and a version
  layers:
    - name: database
      provider: existing
    - name: credentials
      provider: existing
    - name: resources
      provider: existing
    - name: edge
      provider: existing
    - name: gen3
      provider: existing
"""
    return _document("Environment", name, 10_000_000 + number, spec)


def _document(kind: str, name: str, number: int, spec: str) -> bytes:
    head = f"apiVersion: csoc.gen3.org/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n  uid: {uid(number)}\n"
    return f"{head}spec:\n{spec}".replace("spec:\n  {}", "spec: {}").encode()


def _application(name: str, folder: str, hostname: str) -> str:
    return f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
  annotations:
    link.argocd.argoproj.io/external-link: https://{hostname}
spec:
  project: {name}
  destination:
    namespace: {name}
    server: https://kubernetes.default.svc
  sources:
    - repoURL: https://helm.gen3.org
      chart: gen3
      targetRevision: 0.3.90
      helm:
        releaseName: {name}
        valueFiles:
          - $values/{folder}/values/10-common.yaml
          - $values/{folder}/values/20-portal.yaml
    - repoURL: https://git.example.org/team/fleet
      targetRevision: main
      ref: values
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
    syncOptions:
      - CreateNamespace=true
"""


def _values(hostname: str, number: int) -> str:
    image = '  image:\n    repository: quay.io/cdis/{}\n    tag: "2025.{:02}"\n'
    services = "".join(
        f"{service}:\n  enabled: true\n{image.format(service, number % 12 + 1)}" for service in _SERVICES
    )
    return f"global:\n  environment: {hostname.split('.')[1]}\n  hostname: {hostname}\n  dev: false\n{services}"


def _portal(hostname: str, number: int) -> str:
    fields = "".join(f"        - field_{count}\n" for count in range(number % 5 + 20))
    return f"portal:\n  gitops:\n    url: https://{hostname}\n    explorer:\n      fields:\n{fields}"


def write(path: Path, environments: int) -> pygit2.Repository:
    """The fleet as the only commit of `main` in a new bare repository."""
    repository = pygit2.init_repository(path, bare=True, initial_head="main")
    top: dict[str, Any] = {}
    for name, content in files(environments):
        *folders, leaf = name.split("/")
        place = top
        for folder in folders:
            place = place.setdefault(folder, {})
        place[leaf] = repository.create_blob(content)
    tree = _write_tree(repository, top)
    repository.create_commit("refs/heads/main", _SIGNATURE, _SIGNATURE, "A fleet", tree, [])
    # As a fetch would leave it: one pack, not thousands of files.
    repository.pack()
    for loose in (path / "objects").glob("[0-9a-f][0-9a-f]"):
        shutil.rmtree(loose)
    return pygit2.Repository(str(path))


def _write_tree(repository: pygit2.Repository, folder: dict[str, Any]) -> pygit2.Oid:
    builder = repository.TreeBuilder()
    for name, item in folder.items():
        if isinstance(item, dict):
            builder.insert(name, _write_tree(repository, item), pygit2.enums.FileMode.TREE)
        else:
            builder.insert(name, item, pygit2.enums.FileMode.BLOB)
    return builder.write()


def change(repository: pygit2.Repository, contents: dict[str, bytes]) -> None:
    """One more commit on `main` with these files."""
    head = repository.references["refs/heads/main"].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(head.tree)
    for path, content in contents.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(content), pygit2.enums.FileMode.BLOB))
    tree = index.write_tree(repository)
    repository.create_commit("refs/heads/main", _SIGNATURE, _SIGNATURE, "A change", tree, [head.id])

"""Whether a secret that a finding is about is another one than before: two leaked passwords are two leaks.

The values of both sides are at hand, so they are compared themselves. Nothing of them is kept, no digest either:
whoever reads the repository, a baseline or a report could try guesses on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from csoc.fleet.snapshot import difference
from csoc.fleet.values import Layer, look_up
from csoc.gen3.findings import Finding
from csoc.gen3.plain_secrets import find, secrets_in
from csoc.gen3.rules import secret_in_cluster_values, secret_in_file, secret_in_git, secret_manifest_in_git
from csoc.usecases.checking.file_scan import texts_in
from csoc.usecases.load import LoadedFleet
from csoc.usecases.states import below

_Secrets = Mapping[str, frozenset[tuple[str, str]]]
"""By the key of the finding: places and values."""


def changed_secrets(before: LoadedFleet, now: LoadedFleet, found: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
    """By fingerprint, of findings about secrets: the places whose value is not what it was, in words."""
    told: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        if finding.rule in _READERS:
            told[finding.rule].append(finding)
    paths = frozenset(difference(before.tree, now.tree).paths) if told else frozenset()
    changed: dict[str, tuple[str, ...]] = {}
    for rule, findings in told.items():
        then, present = _READERS[rule](before, paths), _READERS[rule](now, paths)
        for finding in findings:
            other = present.get(finding.key, frozenset()) - then.get(finding.key, frozenset())
            if other and finding.key in then:
                names = sorted({place for place, _ in other})
                changed[finding.fingerprint] = tuple(f"{name} (another value)" for name in names)
    return changed


def _in_values(fleet: LoadedFleet, paths: Collection[str]) -> _Secrets:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for view in fleet.view.environments:
        for layer in below(fleet.resolved[view.name].values, view.wrapper).layers:
            place = layer.locate(()) or view.application.location
            if place.path in paths and place.repository == fleet.tree.repository:
                for dotted, value in _of_layer(layer):
                    found[f"{place.path} {dotted}"].add((dotted, value))
    return _frozen(found)


def _in_clusters(fleet: LoadedFleet, paths: Collection[str]) -> _Secrets:
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for cluster in fleet.view.clusters:
        for layer in cluster.layers:
            if layer.label in paths:
                for dotted, value in _of_layer(layer):
                    found[f"{layer.label} {dotted}"].add((dotted, value))
    return _frozen(found)


def _of_layer(layer: Layer) -> Iterator[tuple[str, str]]:
    for path, _, _ in secrets_in(layer.data):
        yield ".".join(map(str, path)), str(look_up(layer.data, path))


def _in_manifests(fleet: LoadedFleet, paths: Collection[str]) -> _Secrets:
    files = fleet.discovery.library.files(fleet.tree)
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for secret in fleet.view.secrets:
        path = secret.location.path
        if path not in paths or path not in files:
            continue
        name = f"{secret.namespace}/{secret.name}" if secret.namespace else secret.name
        for document in files[path].documents:
            one = replace(files[path], documents=(document,))
            if [(item.namespace, item.name) for item in find({path: one})] == [(secret.namespace, secret.name)]:
                found[f"{path} {name}"] |= set(_entries(document.data))
    return _frozen(found)


def _in_files(fleet: LoadedFleet, paths: Collection[str]) -> _Secrets:
    entries = fleet.tree.entries()
    return {path: texts_in(fleet, path) for path in paths if path in entries}


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for block in ("data", "stringData"):
        entries = data.get(block)
        for key, value in entries.items() if isinstance(entries, Mapping) else ():
            yield str(key), str(value)


def _frozen(found: Mapping[str, set[tuple[str, str]]]) -> _Secrets:
    return {key: frozenset(values) for key, values in found.items()}


_READERS: dict[str, Callable[[LoadedFleet, Collection[str]], _Secrets]] = {
    secret_in_git.RULE.id: _in_values,
    secret_in_cluster_values.RULE.id: _in_clusters,
    secret_in_file.RULE.id: _in_files,
    secret_manifest_in_git.RULE.id: _in_manifests,
}

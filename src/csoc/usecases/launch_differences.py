"""Whether answers say what the documents and values of a launch say that was begun before.

Answers that were given again go on with it; others would be passed over in silence, and somebody would believe that
what they changed in their file is what is made. Each answer that is given is compared with the place that holds it;
what is left out of the answers is nobody's word. No value of a list of users is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.errors import ConflictError, CsocError
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.infrastructure import ClusterNetwork, DnsZone, Edge
from csoc.fleet.documents.model import Environment
from csoc.fleet.repositories import Tree
from csoc.fleet.shapes import mapping, text
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch import bundles, portal, users
from csoc.gen3.launch.answers import NEW, Answers
from csoc.gen3.launch.documents import sign_in_of

_LONGEST_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer. answer: its key. there, said: as they are shown; "" for what is not. place: of what is there.
    change: how it is changed there."""

    answer: str
    there: str
    said: str
    place: str
    change: str

    def __str__(self) -> str:
        if not (self.there or self.said):
            return f"{self.answer} is not what {self.place} says"
        return f"{self.answer} is {self.there} in {self.place}, and {self.said} in the answers"


def check_same(
    there: Placed[Environment], documents: Documents, tree: Tree, answers: Answers, user_yaml: str = ""
) -> None:
    """Raises ConflictError: the environment is there, and is not what the answers say; each answer that differs is
    named. user_yaml: content of the list of users that the answers name."""
    spec = there.document.spec
    if spec.commons != answers.commons or spec.hostname != answers.hostname_name:
        raise ConflictError(
            f"There is an environment {there.name} already: of the commons {spec.commons}, at {spec.hostname}",
            place=str(there.locate()),
            fix="Give this one another name (environment), or, to go on with that one, launch it with its own answers",
        )
    found = [*_in_documents(there, documents, answers), *_in_values(there, tree, answers, user_yaml)]
    if not found:
        return
    keys = list(dict.fromkeys(one.answer for one in found))
    changes = list(dict.fromkeys(one.change for one in found))
    raise ConflictError(
        f"The environment {there.name} is there already, and a launch changes nothing that is there. "
        f"{_count(len(found))} otherwise: {'; '.join(map(str, found))}",
        place=str(there.locate()),
        fix=f"To go on with what is there, take {_and(keys)} out of the answers, or answer as it is there. To change "
        f"it: {'; '.join(changes)}; then csoc plan {there.name}",
    )


def _in_documents(there: Placed[Environment], documents: Documents, answers: Answers) -> Iterator[Difference]:
    spec, given = there.document.spec, answers.model_fields_set
    edge, chart = spec.edge or Edge(), spec.chart
    pairs: dict[str, tuple[str, object, object]] = {
        "stage": ("stage", spec.stage, answers.stage),
        "slot": ("slot", spec.slot, answers.slot),
        "size": ("size", spec.size, answers.size),
        "namespace": ("namespace", spec.namespace or there.name, answers.namespace_name),
        "services": ("services", sorted(spec.services), sorted(answers.services or bundles.DEFAULT)),
        "allow": ("edge.allow", sorted(edge.allow), sorted(answers.allow)),
        "internal": ("edge.scheme", edge.scheme == "internal", answers.internal),
        "certificate": ("edge.certificate", edge.certificate, answers.certificate),
        "zone": ("edge.zone", edge.zone, answers.zone),
        "cluster": ("cluster", spec.cluster, answers.cluster_document),
        "cluster_name": ("cluster", spec.cluster, answers.cluster_document),
    }
    for name, (field, is_there, said) in pairs.items():
        if name in given:
            yield from _compared(there, _key(answers, name), field, is_there, said)
    if "chart" in given:
        asked = {
            "repo_url": ("repoURL", chart.repo_url if chart else None, answers.chart.repo_url),
            "chart": ("chart", chart.chart if chart else None, answers.chart.chart),
            "path": ("path", chart.path if chart else None, answers.chart.path),
            "version": ("revision", chart.revision if chart else None, answers.chart.version),
        }
        for name, (field, is_there, said) in asked.items():
            if name in answers.chart.model_fields_set:
                answer = f"chart.{_key(answers.chart, name)}"
                yield from _compared(there, answer, f"chart.{field}", is_there or "", said)
    if "sign_in" in given:
        wanted = sign_in_of(answers)
        for name in sorted(answers.sign_in.model_fields_set - {"client_secret"}):
            key = f"signIn.{_key(answers.sign_in, name)}"
            yield from _compared(there, key, key, getattr(spec.sign_in, name, None), getattr(wanted, name))
    yield from _of_cluster(there, documents, answers)
    commons = documents.commons.get(answers.commons)
    if "members" in given and commons is not None:
        yield from _compared(
            commons, "members", "members", sorted(commons.document.spec.members), sorted(answers.members)
        )


def _of_cluster(there: Placed[Environment], documents: Documents, answers: Answers) -> Iterator[Difference]:
    placed, given = documents.clusters.get(there.document.spec.cluster), answers.model_fields_set
    if placed is None:
        return
    spec = placed.document.spec
    pairs: dict[str, tuple[str, object, object]] = {
        "account": ("account", spec.account, answers.account),
        "region": ("region", spec.region, answers.region),
    }
    if answers.cluster == NEW:
        pairs |= {
            "size": ("size", spec.size, answers.size),
            "kubernetes": ("kubernetesVersion", spec.kubernetes_version, answers.kubernetes),
            "api_access": ("apiAccess", sorted(spec.api_access), sorted(answers.api_access)),
        }
    for name, (field, is_there, said) in pairs.items():
        if name in given:
            yield from _compared(placed, _key(answers, name), field, is_there, said)
    if answers.cluster == NEW and "network" in given:
        network = spec.network or ClusterNetwork()
        for name in sorted(answers.network.model_fields_set):
            key = f"network.{_key(answers.network, name)}"
            yield from _compared(placed, key, key, getattr(network, name), getattr(answers.network, name))


def _in_values(there: Placed[Environment], tree: Tree, answers: Answers, user_yaml: str) -> Iterator[Difference]:
    """What only values hold: the last file that has it counts."""
    given, name = answers.model_fields_set, there.name
    files = [(one.path, _read(tree, one.path)) for one in there.document.spec.values]
    if "dictionary" in given:
        path, found = _last(files, ("global", "dictionaryUrl"))
        if found != answers.dictionary:
            change = f"csoc fleet set {name} global.dictionaryUrl={answers.dictionary} --commit"
            yield Difference("dictionary", _shown(found), _shown(answers.dictionary), path, change)
    on = bundles.select(there.document.spec.services).on
    if "title" in given and "portal" in on:
        path, found = _last(files, ("portal", "gitops", "json"))
        is_there, wanted = _heading(found), _heading(portal.configuration(answers.title_text, on))
        if is_there != wanted:
            yield Difference("title", _shown(is_there), _shown(wanted), path, f"edit portal.gitops.json in {path}")
    listed = "users" if answers.users is not None else "administrators"
    if given & {"users", "administrators"}:
        path, found = _last(files, ("fence", "USER_YAML"))
        wanted = users.values(answers.administrators, user_yaml)["fence"]["USER_YAML"]
        if text(found).strip() != wanted.strip():
            yield Difference(listed, "", "", path, f"edit fence.USER_YAML in {path}")


def _compared(placed: Placed[Any], answer: str, field: str, is_there: object, said: object) -> Iterator[Difference]:
    if is_there != said:
        path = placed.file.path
        yield Difference(answer, _shown(is_there), _shown(said), path, f"edit spec.{field} in {path}")


def _last(files: Sequence[tuple[str, Mapping[str, Any]]], keys: Sequence[str]) -> tuple[str, object]:
    """Where a value stands that counts, and the value; (the first file, None) if nowhere."""
    place, value = files[0][0] if files else "the values", None
    for path, data in files:
        found: object = data
        for key in keys:
            found = mapping(found).get(key)
        if found is not None:
            place, value = path, found
    return place, value


def _read(tree: Tree, path: str) -> Mapping[str, Any]:
    """A file of values; {} for one that is not there yet, or that nobody can read, which a plan says."""
    try:
        return mapping(yamltext.values_document(tree.read(path)).data)
    except CsocError:
        return {}


def _heading(configuration: object) -> str:
    try:
        return text(mapping(mapping(json.loads(text(configuration))).get("components")).get("appName"))
    except ValueError:
        return ""


def _key(model: Any, name: str) -> str:
    return type(model).model_fields[name].alias or name


def _shown(value: object) -> str:
    if value is None or value == "" or value == []:
        return "left out"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        shown = f"[{', '.join(map(str, value))}]"
    else:
        shown = f"{value.name} ({value.id})" if isinstance(value, DnsZone) else str(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def _count(number: int) -> str:
    return "1 answer says" if number == 1 else f"{number} answers say"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

"""The generators of an ApplicationSet, as lists of parameters.

What Argo CD asks of Git is answered from Git; what it asks of a cluster, of a code host or of a plugin cannot be known
from Git, and is said so. The rules are those of applicationset/generators in Argo CD's source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from csoc.errors import CsocError
from csoc.fleet.argocd import globs
from csoc.fleet.argocd.applicationsets.selectors import matches
from csoc.fleet.argocd.gotemplate.functions import sanitize_name
from csoc.fleet.argocd.gotemplate.substitution import PlacedError, Substitution
from csoc.fleet.argocd.gotemplate.values import TemplateError, as_go, shown
from csoc.fleet.argocd.model import KnownCluster, Problem
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD, Fields, unreadable
from csoc.fleet.argocd.same_repository import folders
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.repositories import Tree
from csoc.fleet.snapshot import YAML_SUFFIXES
from csoc.fleet.yaml import yamltext

CANNOT_EXPAND = "cannot be expanded from Git"
IN_CLUSTER = "https://kubernetes.default.svc"
MAX_PARAMETER_SETS = 20_000
_MAX_NESTING = 4
_MAX_TRIED = 20_000_000
_MAX_EVALUATED = 50_000
_OUTSIDE = {
    "scmProvider": "asks a code host for repositories",
    "pullRequest": "asks a code host for pull requests",
    "plugin": "asks a service of its own",
    "clusterDecisionResource": "asks a resource in the cluster",
}

Params = dict[str, Any]


class GeneratorError(Exception):
    """A generator that gives nothing; what is wrong has been said as a Problem."""


class Generators:
    """Evaluates the generators of one ApplicationSet."""

    def __init__(
        self,
        trees: Trees,
        library: Library,
        substitution: Substitution,
        clusters: Collection[KnownCluster],
        problems: list[Problem],
    ) -> None:
        self._trees = trees
        self._library = library
        self._substitution = substitution
        self._clusters = clusters
        self._problems = problems
        self._kinds: Mapping[str, Callable[[Fields], list[Params]]] = {
            "list": self._list,
            "git": self._git,
            "clusters": self._cluster,
            "matrix": self._matrix,
            "merge": self._merge,
        }
        self._depth = 0
        self._matched: dict[tuple[str, str, str, str], frozenset[str]] = {}
        self._tried = 0
        self._evaluated = 0

    @property
    def _go(self) -> bool:
        return self._substitution.go_template

    def evaluate(self, generator: Fields, params: Mapping[str, Any] | None = None) -> list[Params]:
        """The parameter sets of one generator, filtered by its selector.

        params: of the first generator of a matrix, which are put into this one first. Raises GeneratorError.
        """
        if params:
            generator = self._interpolated(generator, params)
        kinds = [key for key in generator.data if key in self._kinds or key in _OUTSIDE]
        if len(kinds) != 1:
            generator.complain((), f"must be one generator of {', '.join((*self._kinds, *_OUTSIDE))}")
            raise GeneratorError
        kind = kinds[0]
        if kind in _OUTSIDE:
            self._cannot(generator, kind, f"it {_OUTSIDE[kind]}")
        fields = generator.child(kind)
        if fields is None:
            if generator.data[kind] is not None:
                raise GeneratorError
            fields = Fields({}, (*generator.path, kind), generator.place, generator.problems, generator.what)
        if self._depth >= _MAX_NESTING:
            generator.complain((), "is nested too deeply")
            raise GeneratorError
        self._evaluated += 1
        if self._evaluated > _MAX_EVALUATED:  # a matrix evaluates its second generator for each set of its first
            if self._evaluated == _MAX_EVALUATED + 1:
                generator.complain((), f"makes csoc evaluate generators more than {_MAX_EVALUATED} times")
            raise GeneratorError
        self._depth += 1
        try:
            found = self._bounded(generator, self._kinds[kind](fields))
        finally:
            self._depth -= 1
        selector = generator.mapping("selector")
        if selector is None:
            return found
        return [item for item in found if matches(selector, flattened(item))]

    def _bounded(self, generator: Fields, found: list[Params]) -> list[Params]:
        if len(found) > MAX_PARAMETER_SETS:
            generator.complain((), f"gives more than {MAX_PARAMETER_SETS} sets of parameters; the rest was left out")
        return found[:MAX_PARAMETER_SETS]

    def _cannot(self, generator: Fields, kind: str, why: str) -> NoReturn:
        cause = f"{generator.what}: {kind} cannot be expanded from Git, since {why}"
        self._problems.append(Problem(CANNOT_EXPAND, cause, generator.locate(kind)))
        raise GeneratorError

    def _interpolated(self, generator: Fields, params: Mapping[str, Any]) -> Fields:
        try:
            data = self._substitution.tree(generator.data, params, generator.path)
        except PlacedError as error:
            self._problems.append(Problem(NOT_UNDERSTOOD, error.cause, generator.place.locate(error.path)))
            raise GeneratorError from None
        for kind in ("git", "clusters"):  # their `values` may also name what this generator itself gives
            written = generator.data.get(kind)
            if isinstance(written, Mapping) and isinstance(data.get(kind), dict) and "values" in written:
                data[kind]["values"] = self._lenient(written["values"], params)
        return Fields(data, generator.path, generator.place, generator.problems, generator.what)

    def _lenient(self, values: Any, params: Mapping[str, Any]) -> Any:
        if not isinstance(values, Mapping):
            return values
        strict = Substitution(go_template=self._go, options=("missingkey=error",))
        result: dict[str, Any] = {}
        for key, value in values.items():
            try:
                result[key] = strict.text(value, params) if isinstance(value, str) else value
            except TemplateError:
                result[key] = value
        return result

    # The generators

    def _list(self, fields: Fields) -> list[Params]:
        items = fields.children("elements")
        found: list[Params] = [as_go(item.data) if self._go else self._plain_element(item) for item in items]
        text = fields.text("elementsYaml")
        if text:
            try:
                documents = yamltext.parse(text.encode())
            except CsocError as error:
                fields.complain(("elementsYaml",), f"is not YAML: {error.cause}")
                raise GeneratorError from None
            more = documents[0].data if documents else []
            if not isinstance(more, list) or not all(isinstance(item, Mapping) for item in more):
                fields.complain(("elementsYaml",), "must be a list of mappings")
                raise GeneratorError
            found.extend(as_go(item) for item in more)
        return found

    def _plain_element(self, item: Fields) -> Params:
        params: Params = {}
        for key, value in item.data.items():
            if key == "values" and isinstance(value, Mapping):
                params.update({f"values.{name}": self._plain_value(item, ("values", name)) for name in value})
            else:
                params[str(key)] = self._plain_value(item, (key,))
        return params

    def _plain_value(self, item: Fields, path: tuple[str, ...]) -> str:
        value: Any = item.data
        for step in path:
            value = value[step]
        if not isinstance(value, str):
            item.complain(path, "must be text, since the ApplicationSet has no goTemplate", "Put it in quotes.")
            raise GeneratorError
        return value

    def _git(self, fields: Fields) -> list[Params]:
        url, revision = fields.text("repoURL"), fields.text("revision")
        tree = self._trees.resolve(url, revision, fields.locate("repoURL"))
        if tree is None:
            self._cannot(fields, "repoURL", "the repository could not be read")
        directories = fields.children("directories")
        files = fields.children("files")
        if directories:
            found = self._directories(fields, tree, directories)
        elif files:
            found = self._files(fields, tree, files)
        else:
            fields.complain((), "needs directories or files")
            raise GeneratorError
        return [self._with_values(fields, params) for params in found]

    def _directories(self, fields: Fields, tree: Tree, items: Sequence[Fields]) -> list[Params]:
        patterns = [(item.text("path"), item.flag("exclude")) for item in items]
        excluded: set[str] = set()
        for pattern, exclude in patterns:
            if exclude:
                excluded |= self._matching(fields, tree, "folders", pattern)
        wanted: set[str] = set()
        for pattern, exclude in patterns:
            if not exclude:
                wanted |= self._matching(fields, tree, "folders", pattern)
        prefix = fields.text("pathParamPrefix")
        return [self._path_params(path, prefix) for path in sorted(wanted - excluded)]

    def _matching(self, fields: Fields, tree: Tree, what: str, pattern: str) -> frozenset[str]:
        """Folders or files that a pattern matches; each pattern is tried once, since a matrix asks again and again."""
        key = (tree.repository, tree.commit, what, pattern)
        if key not in self._matched:
            if what == "folders":
                paths = [path for path in folders(tree.entries()) if path and not _hidden(path)]
                match = globs.matches_path
            else:
                paths = self._library.below(tree, "")
                match = globs.matches_pathspec
            self._tried += len(paths)
            if self._tried > _MAX_TRIED:
                fields.complain((), f"makes csoc try more than {_MAX_TRIED} paths")
                raise GeneratorError
            self._matched[key] = frozenset(path for path in paths if match(pattern, path))
        return self._matched[key]

    def _files(self, fields: Fields, tree: Tree, items: Sequence[Fields]) -> list[Params]:
        wanted: set[str] = set()
        unwanted: set[str] = set()
        for item in items:
            pattern = item.text("path")
            into = unwanted if item.flag("exclude") else wanted
            into |= self._matching(fields, tree, "files", pattern)
        found: list[Params] = []
        for path in sorted(wanted - unwanted):
            for data in self._file_objects(tree, path):
                params = dict(as_go(data)) if self._go else flattened(data)
                params.update(self._path_params(path.rpartition("/")[0] or ".", fields.text("pathParamPrefix"), path))
                found.append(params)
        return found

    def _file_objects(self, tree: Tree, path: str) -> Iterator[Mapping[str, Any]]:
        """The mapping, or the list of mappings, that a file of the git generator holds; else a Problem at the file."""
        try:
            if path.endswith(YAML_SUFFIXES):
                parsed = self._library.files(tree)[path]
                if parsed.error is not None:
                    raise yamltext.YamlError(parsed.error.cause, line=parsed.error.line)
                documents = parsed.documents
            else:
                documents = yamltext.parse(tree.read(path))
        except CsocError as error:
            self._problems.append(unreadable(tree, path, error))
            raise GeneratorError from None
        data = documents[0].data if documents else {}
        for item in data if isinstance(data, list) else [data]:
            if not isinstance(item, Mapping):
                cause = "the git generator needs a mapping, or a list of mappings, in this file"
                place = unreadable(tree, path, GeneratorFileError(cause)).location
                self._problems.append(Problem(NOT_UNDERSTOOD, cause, place))
                raise GeneratorError
            yield item

    def _path_params(self, folder: str, prefix: str, file: str = "") -> Params:
        base = folder.rpartition("/")[2]
        values: Params = {"basename": base, "basenameNormalized": sanitize_name(base)}
        if file:
            name = file.rpartition("/")[2]
            values |= {"filename": name, "filenameNormalized": sanitize_name(name)}
        if self._go:
            path = {"path": folder, **values, "segments": folder.split("/")}
            return {prefix: {"path": path}} if prefix else {"path": path}
        name = f"{prefix}.path" if prefix else "path"
        segments = {f"{name}[{number}]": text for number, text in enumerate(folder.split("/"))}
        return {name: folder, **{f"{name}.{key}": value for key, value in values.items()}, **segments}

    def _with_values(self, fields: Fields, params: Params) -> Params:
        """The generator's own `values`, which may use its parameters."""
        written = fields.text_map("values")
        if not written:
            return params
        try:
            made = {key: self._substitution.text(value, params, fields.path) for key, value in written.items()}
        except TemplateError as error:
            fields.complain(("values",), f"cannot be rendered: {error.cause}")
            raise GeneratorError from None
        if self._go:
            return {**params, "values": made}
        return {**params, **{f"values.{key}": value for key, value in made.items()}}

    def _cluster(self, fields: Fields) -> list[Params]:
        selector = fields.mapping("selector") or {}
        selects = bool(selector.get("matchLabels") or selector.get("matchExpressions"))
        known = [cluster for cluster in self._clusters if matches(selector, cluster.labels)]
        found = [self._cluster_params(cluster) for cluster in {cluster.name: cluster for cluster in known}.values()]
        if not known:
            what = "of these labels " if selects else ""
            cause = (
                f"{fields.what}: no cluster {what}is known from Git, so that the Applications which the cluster "
                "generator makes for registered clusters are not known"
            )
            fix = "Describe the clusters in csoc documents, or keep their Argo CD Secrets in Git."
            self._problems.append(Problem(CANNOT_EXPAND, cause, fields.locate(), fix))
        if not selects and not any(cluster.server == IN_CLUSTER for cluster in known):
            found.append(self._cluster_params(KnownCluster("in-cluster", IN_CLUSTER)))
        found = [self._with_values(fields, params) for params in found]
        return [{"clusters": found}] if fields.flag("flatList") else found

    def _cluster_params(self, cluster: KnownCluster) -> Params:
        params: Params = {
            "name": cluster.name,
            "nameNormalized": sanitize_name(cluster.name),
            "server": cluster.server,
            "project": cluster.project,
        }
        if self._go:
            labels = {"labels": dict(cluster.labels)} if cluster.labels else {}
            return {
                **params,
                "metadata": {**labels, **({"annotations": dict(cluster.annotations)} if cluster.annotations else {})},
            }
        params |= {f"metadata.annotations.{key}": value for key, value in cluster.annotations.items()}
        return params | {f"metadata.labels.{key}": value for key, value in cluster.labels.items()}

    def _matrix(self, fields: Fields) -> list[Params]:
        children = fields.children("generators")
        if len(children) != 2:
            fields.complain(("generators",), f"must be two, and are {len(children)}")
            raise GeneratorError
        found: list[Params] = []
        for first in self.evaluate(children[0]):
            for second in self.evaluate(children[1], first):
                found.append(self._combined(fields, first, second))
                if len(found) > MAX_PARAMETER_SETS:
                    return found
        return found

    def _combined(self, fields: Fields, first: Params, second: Params) -> Params:
        if self._go:
            return override(override({}, second), first)
        merged = {key: shown(value) for key, value in first.items()}
        for key, value in second.items():
            text = shown(value)
            if merged.setdefault(key, text) != text:
                fields.complain(("generators",), f'both give "{key}", with different values')
                raise GeneratorError
        return merged

    def _merge(self, fields: Fields) -> list[Params]:
        children = fields.children("generators")
        keys = list(dict.fromkeys(text for text, _ in fields.texts("mergeKeys")))
        if len(children) < 2 or not keys:
            fields.complain((), "needs two generators or more, and mergeKeys")
            raise GeneratorError
        base = self._by_key(fields, keys, self.evaluate(children[0]))
        for child in children[1:]:
            for key, params in self._by_key(fields, keys, self.evaluate(child)).items():
                if key in base:
                    base[key] = override(base[key], params) if self._go else {**base[key], **params}
        return list(base.values())

    def _by_key(self, fields: Fields, keys: Sequence[str], found: Sequence[Params]) -> dict[str, Params]:
        result: dict[str, Params] = {}
        for params in found:
            key = json.dumps([params.get(name) for name in keys], sort_keys=True, default=str)
            if key in result:
                fields.complain(("mergeKeys",), f"are not unique: two sets of parameters have {key[:200]}")
                raise GeneratorError
            result[key] = params
        return result


class GeneratorFileError(CsocError):
    """A file of the git generator that parses, and holds no parameters."""


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def flattened(data: Mapping[str, Any]) -> Params:
    """Nested values as "a.b" and "a.0", each as the text that Go prints."""
    found: Params = {}
    pending: list[tuple[str, Any]] = [(str(key), value) for key, value in reversed(list(data.items()))]
    while pending:
        name, value = pending.pop()
        if isinstance(value, Mapping):
            pending.extend((f"{name}.{key}", item) for key, item in reversed(list(value.items())))
        elif isinstance(value, list):
            pending.extend((f"{name}.{number}", item) for number, item in reversed(list(enumerate(value))))
        else:
            found[name] = shown(as_go(value), nothing="<nil>")
    return found


def override(low: Mapping[str, Any], high: Mapping[str, Any]) -> Params:
    """Two parameter sets merged as Argo CD does it: the second wins, but nothing that is empty overrides."""
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = override(below, value)
        elif value or key not in merged:
            merged[key] = value
    return merged

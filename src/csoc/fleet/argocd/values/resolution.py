"""What values an Application gives to its chart: files, inline values and parameters, in Argo CD's order.

The rules are those of reposerver/repository/repository.go (helmTemplate, getResolvedValueFiles) and of Helm's option
merging: value files in order, then inline values, then parameters, then forced strings, then file parameters. Globs in
value files are read as Argo CD 3.4 and newer do: an older one looks for a file of that very name.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.fleet.argocd import globs
from csoc.fleet.argocd.build_environment import build_environment, expand
from csoc.fleet.argocd.model import Application, ApplicationSource, HelmOptions, Parameter, Problem, ValueFile
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.paths import behind_link, inside
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.argocd.values import strvals
from csoc.fleet.argocd.values.layers import ABSENT, chart_layer, file_layer, lists, parameter_layer, text_locator
from csoc.fleet.argocd.values.overrides import helm_options
from csoc.fleet.location import Location
from csoc.fleet.repositories import Tree
from csoc.fleet.values import EffectiveValues, Layer, MissingFile, Path, look_up
from csoc.fleet.yaml import yamltext

__all__ = ["UNREAD", "ReadChartFile", "ResolvedValues", "chart_layer", "resolve"]

UNREAD = "value file not read"
ReadChartFile = Callable[[ApplicationSource, str], bytes | None]
"""A file inside a chart of a Helm repository: its bytes, None if the chart has no such file. Raises CsocError."""
_MAX_PARAMETERS = 2_000
_MAX_VALUE_FILES = 2_000
_MAX_REFUSED = 20
_MAX_CARRIED = 1_000_000


@dataclass(frozen=True, slots=True)
class ResolvedValues:
    """The values of one source. unread: value files (as written) that exist or may exist and could not be looked at, so
    that `values` is not all there is; each has a Problem here, or its repository one in the Trees."""

    values: EffectiveValues
    problems: tuple[Problem, ...] = ()
    unread: tuple[str, ...] = ()


def resolve(
    application: Application,
    source_index: int,
    trees: Trees,
    *,
    library: Library | None = None,
    read_chart_file: ReadChartFile | None = None,
    below: Sequence[Layer] = (),
) -> ResolvedValues:
    """The effective values of one source of an Application.

    below: layers under the Application's own, e.g. `chart_layer` of a wrapper chart. Never raises for what files hold.
    """
    return _Resolution(
        application, application.sources[source_index], trees, library or Library(), read_chart_file, below
    ).run()


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a value file leads: a path in a tree (None: the tree could not be had)."""

    tree: Tree | None
    path: str


class _Resolution:
    def __init__(
        self,
        application: Application,
        source: ApplicationSource,
        trees: Trees,
        library: Library,
        read_chart_file: ReadChartFile | None,
        below: Sequence[Layer],
    ) -> None:
        self._application = application
        self._source = source
        self._trees = trees
        self._library = library
        self._read_chart_file = read_chart_file
        self._layers = list(below)
        self._missing: list[MissingFile] = []
        self._problems: list[Problem] = []
        self._unread: list[str] = []
        self._data: dict[str, Any] = {}
        self._refused = self._carried = 0
        self._over = False
        tree = None if source.chart else self._tree_of(source)
        self._helm = source.helm or HelmOptions(release_name=application.name)
        if tree is not None and source.path:
            self._helm = helm_options(source, application.name, tree, library, self._problems)
        self._variables = build_environment(application, source, tree.commit if tree else "")
        self._refs = (
            {f"${other.ref}": other for other in application.sources if other.ref} if application.multiple else {}
        )

    def run(self) -> ResolvedValues:
        self._value_files()
        self._inline()
        below = EffectiveValues.merge(self._layers)
        parameters = list(self._set_texts())
        files = self._helm.file_parameters
        if not parameters and not files:
            return self._result(below.data)
        if len(parameters) + len(files) > _MAX_PARAMETERS:
            cause = f'Application "{self._application.name}" has more than {_MAX_PARAMETERS} parameters: none was read'
            self._problems.append(Problem(NOT_UNDERSTOOD, cause, self._application.location))
            return self._result(below.data)
        self._data = copy.deepcopy(dict(below.data))
        for parameter, text, force in parameters:
            if self._within_budget():
                self._apply(parameter, text, force_string=force)
        for parameter in files:
            if self._within_budget():
                self._apply_file(parameter)
        return self._result(self._data)

    def _within_budget(self) -> bool:
        """False, with one Problem, once parameters cost more than any honest ones: each one that Helm refuses and each
        item of a list that one changes costs a copy."""
        over = self._refused > _MAX_REFUSED or self._carried > _MAX_CARRIED
        if over and not self._over:
            self._over = True
            cause = f'Application "{self._application.name}": its parameters are too many to read; the rest is left out'
            self._problems.append(Problem(NOT_UNDERSTOOD, cause, self._application.location))
        return not over

    def _result(self, data: Mapping[str, Any]) -> ResolvedValues:
        values = EffectiveValues(tuple(self._layers), tuple(self._missing), data)
        return ResolvedValues(values, tuple(self._problems), tuple(self._unread))

    # Value files

    def _value_files(self) -> None:
        explicit = {
            (id(target.tree), target.path)
            for target in map(self._target, self._helm.value_files)
            if target and not globs.is_pattern(target.path)
        }
        seen: set[tuple[int, str]] = set()
        for written in self._helm.value_files[:_MAX_VALUE_FILES]:
            for tree, path in self._files_of(written, explicit):
                if (id(tree), path) not in seen:
                    seen.add((id(tree), path))
                    self._add_file(written, tree, path)
        for written in self._helm.value_files[_MAX_VALUE_FILES:]:
            self._give_up(written, f"is one of more than {_MAX_VALUE_FILES}, and was not read")

    def _files_of(self, written: ValueFile, explicit: set[tuple[int, str]]) -> Iterator[tuple[Tree | None, str]]:
        """The files that one entry stands for; a pattern leaves out those that are also listed by name."""
        target = self._target(written, complain=True)
        if target is None:
            return
        if target.tree is None or not globs.is_pattern(target.path):
            yield target.tree, target.path
            return
        try:
            matches = self._library.matching(target.tree, target.path)
        except RejectedError as error:
            self._give_up(written, f"was not looked for: {error.cause}")
            return
        if not matches:
            self._miss(written, target.path)
        for path in matches:
            if (id(target.tree), path) not in explicit:
                yield target.tree, path

    def _target(self, written: ValueFile, *, complain: bool = False) -> _Target | None:
        """Where an entry leads; None if it leads nowhere (complained about, if wanted)."""
        reference = self._refs.get(written.path.split("/")[0]) if written.path.startswith("$") else None
        if reference is not None:
            path = inside("", expand("/" + written.path.partition("/")[2], self._variables))
            return self._checked(written, path, reference, complain=complain)
        text = expand(written.path, self._variables)
        if "://" in text:
            if complain:
                self._give_up(written, "is a URL, which csoc does not fetch")
            return None
        if complain and written.path.startswith("$") and not self._names_variable(written.path):
            name = written.path.split("/")[0]
            self._problems.append(
                Problem(
                    NOT_UNDERSTOOD,
                    f'Application "{self._application.name}": value file {written.path} refers to a source that is not '
                    f'there: none has "ref: {name[1:]}", so that Argo CD looks for {text} in the chart\'s repository',
                    written.location or self._application.location,
                    f'Add a source with "ref: {name[1:]}".',
                )
            )
        return self._checked(written, inside(self._source.path, text), self._source, complain=complain)

    def _names_variable(self, path: str) -> bool:
        name = path.split("/")[0].strip("${}")
        return name in self._variables

    def _checked(
        self, written: ValueFile, path: str | None, source: ApplicationSource, *, complain: bool
    ) -> _Target | None:
        if not path:
            if complain:
                self._give_up(written, "leads out of its repository, which Argo CD refuses")
            return None
        if source.chart:
            return _Target(None, path) if source is self._source else None
        return _Target(self._tree_of(source, written.location), path)

    def _tree_of(self, source: ApplicationSource, place: Location | None = None) -> Tree | None:
        where = source.revision_location or place or self._application.location
        return self._trees.resolve(source.repo_url, source.target_revision, where)

    def _add_file(self, written: ValueFile, tree: Tree | None, path: str) -> None:
        if tree is None:
            self._add_chart_file(written, path)
            return
        entries = tree.entries()
        link = behind_link(entries, path)
        if link is not None:
            self._give_up(written, f"leads through the {link.kind.value} {link.path}, which csoc does not follow")
        elif path not in entries:
            self._miss(written, path)
        else:
            self._read_file(written, tree, path)

    def _read_file(self, written: ValueFile, tree: Tree, path: str) -> None:
        try:
            layer = file_layer(tree, path, self._library.values)
        except NotFoundError:
            self._miss(written, path)
        except CsocError as error:
            place = Location(tree.repository, tree.commit, path, getattr(error, "line", 0))
            self._give_up(written, f"cannot be read: {error.cause}", place, error.fix)
        else:
            self._layers.append(layer)

    def _add_chart_file(self, written: ValueFile, path: str) -> None:
        if not self._source.chart or self._read_chart_file is None:
            self._unread.append(written.path)
            if self._source.chart:
                self._give_up(written, "is a file inside the chart, which was not fetched", counted=True)
            return
        try:
            content = self._read_chart_file(self._source, path)
            document = None if content is None else yamltext.values_document(content)
        except CsocError as error:
            self._give_up(written, f"cannot be read from the chart: {error.cause}", None, error.fix)
            return
        if document is None:
            self._miss(written, path)
            return
        place = written.location
        data = document.data
        self._layers.append(
            Layer(f"{path} of the chart", data, lambda steps: None if look_up(data, steps, ABSENT) is ABSENT else place)
        )

    def _miss(self, written: ValueFile, resolved: str) -> None:
        self._missing.append(
            MissingFile(written.path, resolved, written.location, self._helm.ignore_missing_value_files)
        )

    def _give_up(
        self,
        written: ValueFile,
        why: str,
        place: Location | None = None,
        fix: str = "",
        *,
        counted: bool = False,
    ) -> None:
        if not counted:
            self._unread.append(written.path)
        cause = f'Application "{self._application.name}": value file {written.path} {why}'
        self._problems.append(Problem(UNREAD, cause, place or written.location or self._application.location, fix))

    # Inline values and parameters

    def _inline(self) -> None:
        helm = self._helm
        if helm.inline_values is None:
            return
        place = helm.inline_location or self._application.location
        find = helm.inline_locate or text_locator(helm, place)
        data = helm.inline_values

        def locate(steps: Path) -> Location | None:
            return None if look_up(data, steps, ABSENT) is ABSENT else find(steps)

        self._layers.append(Layer(f"inline values of {self._application.name}", data, locate))

    def _set_texts(self) -> Iterator[tuple[Parameter, str, bool]]:
        """Parameters as `--set` texts: of equal names the last, and forced strings after all others."""
        for force in (False, True):
            last = {parameter.name: parameter for parameter in self._helm.parameters if parameter.force_string is force}
            for name, parameter in last.items():
                value = strvals.escape_commas(expand(parameter.value, self._variables))
                yield parameter, f"{name}={value}", force

    def _apply(
        self, parameter: Parameter, text: str, *, force_string: bool = False, convert: strvals.Convert | None = None
    ) -> None:
        """Puts one parameter into the values, as a layer of its own."""
        try:
            written = strvals.parse_into(text, self._data, force_string=force_string, convert=convert)
        except strvals.SetSyntaxError as error:
            cause = f'Application "{self._application.name}": Helm refuses parameter {parameter.name}: {error.cause}'
            self._problems.append(Problem(NOT_UNDERSTOOD, cause, parameter.location or self._application.location))
            self._data = copy.deepcopy(dict(EffectiveValues.merge(self._layers).data))
            self._refused += 1
            return
        layer = parameter_layer(self._layers, self._data, written, parameter)
        self._carried += sum(len(value) for value in lists(layer.data))
        self._layers.append(layer)

    def _apply_file(self, parameter: Parameter) -> None:
        written = ValueFile(parameter.value, parameter.location)
        target = self._target(written, complain=True)
        if target is None:
            return
        try:
            if target.tree is not None:
                content: bytes | None = target.tree.read(target.path)
            elif self._source.chart and self._read_chart_file is not None:
                content = self._read_chart_file(self._source, target.path)
            else:
                self._give_up(written, "could not be looked at")
                return
        except NotFoundError:
            content = None
        except CsocError as error:
            self._give_up(written, f"cannot be read: {error.cause}", None, error.fix)
            return
        if content is None:
            self._missing.append(MissingFile(written.path, target.path, written.location, tolerated=False))
            return
        text = content.decode("utf-8", "replace")
        self._apply(parameter, f"{parameter.name}=file", convert=lambda _: text)

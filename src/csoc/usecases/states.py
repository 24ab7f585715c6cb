"""Makes an environment ready to be checked or compared: its values, the chart that it is rendered with, its manifests.

The chart is the one that the Application names; another one may be handed in, and then everything that rests on the
rendering says so. A chart that cannot be had costs the rendering and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.addresses import canonical_name
from csoc.fleet.argocd.values.resolution import ResolvedValues
from csoc.fleet.charts import NOT_TRIED, ChartArchive, ChartRef, RenderFailure, Rendering, RenderRequest, unpack
from csoc.fleet.code_digest import code_digest
from csoc.fleet.location import Location, one_line
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.fleet.values import EffectiveValues, Layer, Path, look_up, merge_mappings
from csoc.gen3 import catalogue, chart_keys
from csoc.gen3.chart_keys import ChartKeys, read_keys
from csoc.gen3.findings import ChartUsed
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import HELM, EnvironmentView
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports


def _keys_namespace() -> str:
    """Changes with the code that finds keys."""
    return f"chart-keys-{code_digest('csoc.gen3.chart_keys')}"


@dataclass(frozen=True, slots=True)
class ChartAtHand:
    """The chart for an environment: the archive, or why there is none; used says which one it is, for readers."""

    archive: ChartArchive | None
    used: ChartUsed
    error: CsocError | None = None


class Sight(IntEnum):
    """How much of an environment is looked at; each has what those before it have."""

    PART_OF_VALUES = 0
    VALUES = 1
    CHART = 2  # its defaults, and which keys it reads
    MANIFESTS = 3


@dataclass(slots=True)
class StateBuilder:
    """Builds `EnvironmentState`s of one loaded fleet. Charts are fetched once each. not_tried: why environments were
    not rendered although they could have been, and where their Applications stand. limits: how much of an environment
    is looked at, where it is not to be all, so that it can be compared with one of which no more could be seen."""

    ports: Ports
    fleet: LoadedFleet
    rendering: bool = True
    limits: Mapping[str, Sight] = field(default_factory=dict)
    kubernetes_version: str = ""
    api_versions: tuple[str, ...] = ()
    not_tried: dict[str, tuple[RenderFailure, Location]] = field(default_factory=dict)
    _charts: dict[ChartRef, ChartAtHand] = field(default_factory=dict)
    _override: ChartAtHand | None = None
    _keys: dict[str, ChartKeys] = field(default_factory=dict)
    _defaults: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def chart(self, view: EnvironmentView) -> ChartAtHand:
        """The chart that an environment is rendered with."""
        named = str(view.chart)
        if view.system != HELM or self._sight(view) is Sight.VALUES:
            return ChartAtHand(None, ChartUsed("none", "none", differs=False))
        if self.fleet.query.chart is not None:
            if self._override is None:
                archive = self.ports.charts.load(self.fleet.query.chart)
                self._override = ChartAtHand(archive, ChartUsed(describe(archive), "", differs=True))
            used = ChartUsed(self._override.used.used, named, differs=True)
            return ChartAtHand(self._override.archive, used)
        if view.chart not in self._charts:
            self._charts[view.chart] = self._fetch(view.chart)
        return self._charts[view.chart]

    def _fetch(self, ref: ChartRef) -> ChartAtHand:
        trees = self.fleet.discovery.trees
        local: dict[str, Tree] = {}
        wanted = ref
        if ref.path or not ref.chart:
            try:
                if trees.is_home(ref.repo_url, ref.revision):
                    local[canonical_name(ref.repo_url)] = trees.home
                    # By whatever branch the Application calls it: what is looked at is this tree, also where it is the
                    # base of a change or another revision.
                    wanted = replace(ref, revision=trees.home.commit)
            except CsocError:
                local = {}
        try:
            archive = self.ports.charts.fetch(wanted, local=local or self._mirrored(ref))
        except CsocError as error:
            return ChartAtHand(None, ChartUsed("none", str(ref), differs=True), error)
        return ChartAtHand(archive, ChartUsed(describe(archive), str(ref), differs=False))

    def _mirrored(self, ref: ChartRef) -> dict[str, Tree]:
        """The repository of a chart that is the mirror which the settings name: it may be on this machine, as no
        address that stands in a repository may be. Raises as opening it does."""
        mirror, name = self.ports.settings.platform.mirror, canonical_name(ref.repo_url)
        if not mirror or not ref.path or canonical_name(mirror) != name:
            return {}
        return {name: self.ports.repositories.open(SourceAddress(mirror, trusted=True), ref.revision or None)}

    def request(self, view: EnvironmentView, archive: ChartArchive) -> RenderRequest:
        """What to render for an environment."""
        return RenderRequest(
            chart=archive,
            values=self.resolved(view).values.data,
            release=view.release,
            namespace=view.namespace or "default",
            kube_version=self.kubernetes_version or self._kubernetes_version(view),
            api_versions=self.api_versions,
        )

    def resolved(self, view: EnvironmentView) -> ResolvedValues:
        """The values of an environment, as its files say."""
        found = self.fleet.resolved[view.name]
        if self._sight(view) is Sight.PART_OF_VALUES and not found.unread:
            return replace(found, unread=("some",))
        return found

    def may_render(self, view: EnvironmentView) -> bool:
        """Whether manifests of an environment may be looked at."""
        return self._sight(view) >= Sight.MANIFESTS

    def _sight(self, view: EnvironmentView) -> Sight:
        return self.limits.get(view.name, Sight.MANIFESTS)

    def _kubernetes_version(self, view: EnvironmentView) -> str:
        for cluster in self.fleet.view.clusters:
            if cluster.name == view.cluster.value and cluster.kubernetes_version.known:
                return cluster.kubernetes_version.value
        return ""

    def state(
        self, view: EnvironmentView, *, rendering: Rendering | None = None, context: Mapping[str, Any] | None = None
    ) -> EnvironmentState:
        """One environment. rendering: what came of `request`, if it was rendered already."""
        at_hand = self.chart(view)
        resolved = self.resolved(view)
        may = self.rendering and self.may_render(view) and not resolved.unread
        if rendering is None and may and at_hand.archive is not None:
            rendering = self.ports.renderer.render(self.request(view, at_hand.archive))
        if rendering is not None and rendering.failure is not None and rendering.failure.kind == NOT_TRIED:
            self.not_tried[view.name] = rendering.failure, view.application.location
            rendering = None
        values = below(resolved.values, view.wrapper)
        return EnvironmentState(
            view=view,
            values=values,
            merged=self._merged(view, values, at_hand, rendering),
            rendering=rendering,
            chart_used=at_hand.used if rendering is not None else None,
            chart_keys=self._chart_keys(view, at_hand),
            context=context or {},
            duplicates=self._duplicates(view),
            unread=resolved.unread,
        )

    def _duplicates(self, view: EnvironmentView) -> list[tuple[Path, Location]]:
        """Keys that stand twice in one mapping of the environment's value files, as the whole file has them."""
        found: list[tuple[Path, Location]] = []
        trees = {(tree.repository, tree.commit): tree for tree in self.fleet.discovery.trees.opened()}
        for layer in self.resolved(view).values.layers:
            place = layer.locate(())
            tree = trees.get((place.repository, place.commit)) if place else None
            if place is None or tree is None or place.path != layer.label:
                continue  # inline values and parameters are no files of their own
            files = self.fleet.discovery.library.files(tree)
            if place.path in files:
                for document, path, line in files.duplicates((place.path,)).get(place.path, ()):
                    if document == 0:
                        found.append((path, Location(place.repository, place.commit, place.path, line)))
        return found

    def _chart_keys(self, view: EnvironmentView, at_hand: ChartAtHand) -> frozenset[str] | None:
        if at_hand.archive is None:
            return None
        keys = self.keys(at_hand.archive).keys
        return chart_keys.below(keys, view.wrapper) if view.wrapper else keys

    def _merged(
        self, view: EnvironmentView, values: EffectiveValues, at_hand: ChartAtHand, rendering: Rendering | None
    ) -> Mapping[str, Any]:
        if rendering is not None and rendering.failure is None:
            seen = look_up(rendering.values, (view.wrapper,), {}) if view.wrapper else rendering.values
            return seen if isinstance(seen, Mapping) else {}
        defaults: Mapping[str, Any] = {}
        if at_hand.archive is not None:
            defaults = self._chart_defaults(at_hand.archive)
            if view.wrapper:
                inner = defaults.get(view.wrapper)
                defaults = inner if isinstance(inner, Mapping) else {}
        if not defaults and view.system == HELM:
            defaults = catalogue.load().defaults()
        return merge_mappings(defaults, values.data)

    def chart_defaults(self, view: EnvironmentView) -> Mapping[str, Any]:
        """What an environment's chart sets where nobody else does; {} if the chart could not be had."""
        at_hand = self.chart(view)
        return self._chart_defaults(at_hand.archive) if at_hand.archive is not None else {}

    def why_not(self, view: EnvironmentView) -> str:
        """Why an environment's chart could not be had, or was not rendered; "" if it could."""
        if view.name in self.not_tried:
            return self.not_tried[view.name][0].message
        error = self.chart(view).error
        return f"its chart could not be had: {error.cause}" if error is not None else ""

    def _chart_defaults(self, archive: ChartArchive) -> Mapping[str, Any]:
        if archive.digest not in self._defaults:
            self._defaults[archive.digest] = self.ports.renderer.defaults(archive)
        return self._defaults[archive.digest]

    def keys(self, archive: ChartArchive) -> ChartKeys:
        """The values keys that a chart reads; worked out once for each content."""
        known = self._keys.get(archive.digest)
        if known is not None:
            return known
        cached = self.ports.cache.get_many(_keys_namespace(), (archive.digest,)).get(archive.digest)
        keys: ChartKeys | None = None
        if cached is not None:
            try:
                keys = ChartKeys.from_json(cached.decode())
            except (ValueError, KeyError, TypeError):
                keys = None  # a cut or altered entry is as good as none
        if keys is None:
            keys = read_keys({path: text.decode("utf-8", "replace") for path, text in unpack(archive).items()})
            self.ports.cache.put_many(_keys_namespace(), {archive.digest: keys.to_json().encode()})
        self._keys[archive.digest] = keys
        return keys


def describe(archive: ChartArchive) -> str:
    """A chart for readers: name, version, start of its digest, and the dependencies that it was rendered without."""
    without = ", ".join(one_line(name) for name in archive.missing_dependencies)
    missing = f", without its dependencies {without}" if without else ""
    return f"{archive.name} {archive.resolved or archive.version} (sha256 {archive.digest[:12]}){missing}"


def below(values: EffectiveValues, wrapper: str) -> EffectiveValues:
    """The values that a chart below a key of a wrapper chart gets: what stands under the key, and the globals.
    Without a wrapper the values themselves."""
    if not wrapper:
        return values
    layers: list[Layer] = []
    for layer in values.layers:
        top_globals = layer.data.get("global")
        if isinstance(top_globals, Mapping):
            layers.append(Layer(layer.label, {"global": top_globals}, layer.locate))
        inner = layer.data.get(wrapper)
        if isinstance(inner, Mapping):
            text = _shifted(layer.locate_text, wrapper) if layer.locate_text is not None else None
            layers.append(Layer(layer.label, inner, _shifted(layer.locate, wrapper), text))
    return EffectiveValues.merge(layers, values.missing)


def _shifted(locate: Callable[[Path], Location | None], wrapper: str) -> Callable[[Path], Location | None]:
    return lambda steps: locate((wrapper, *steps))

"""Which values keys does a chart read, and which of an environment's keys does it therefore ignore?

Helm accepts any key and says nothing about one that no template reads: `replicas` for `replicaCount` deploys one pod
and no warning. This works out, without rendering, what any template of the chart or its subcharts could read, so that a
key outside of that set is certainly without effect.

Keys are dotted paths from the top of the umbrella's values: "a.b" is read itself, "a.b.*" is read with everything below
it, "*" means that everything may be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.gotemplate.errors import TemplateError
from csoc.fleet.gotemplate.parsing import Node, parse
from csoc.fleet.shapes import items, mapping
from csoc.fleet.values import Path, walk
from csoc.fleet.yaml import yamltext
from csoc.gen3 import catalogue
from csoc.gen3.chart_keys.evaluation import Reads
from csoc.gen3.chart_keys.places import Place, TooMuchError

EVERYTHING = frozenset({"*"})
MAX_BYTES = 30_000_000
MAX_CHARTS = 500

_TEMPLATED = re.compile(r"\.Values((?:\.[\w-]+)+)")
_NOT_TEMPLATED = (".md", ".lock", "Chart.yaml", "requirements.yaml", ".helmignore", ".tgz")


@dataclass(frozen=True, slots=True)
class ChartKeys:
    """What a chart reads. never_read: keys of its values.yaml files that no template reads. notes: why the answer is
    less exact than usual."""

    keys: frozenset[str]
    never_read: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """For a cache. What "x.*" says is not said again by "x" and "x.y"."""
        data = {"keys": sorted(_shortest(self.keys)), "never_read": self.never_read, "notes": self.notes}
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ChartKeys:
        """What `to_json` wrote. Raises ValueError or KeyError for anything else."""
        data = json.loads(text)
        return cls(_with_parents(data["keys"]), tuple(data["never_read"]), tuple(data["notes"]))


def _shortest(keys: Iterable[str]) -> Iterator[str]:
    known = frozenset(keys)
    for key in known:
        if f"{key}.*" not in known:
            yield key


def below(keys: frozenset[str], wrapper: str) -> frozenset[str]:
    """The keys of the chart that a wrapper chart has as its dependency, seen from that chart's own top."""
    if not wrapper or "*" in keys or f"{wrapper}.*" in keys:
        return EVERYTHING if wrapper and "*" not in keys else keys
    inside = {key.removeprefix(f"{wrapper}.") for key in keys if key.startswith(f"{wrapper}.")}
    return frozenset(inside | {key for key in keys if key == "global" or key.startswith("global.")})


def _with_parents(keys: Iterable[str]) -> frozenset[str]:
    known = set(keys)
    return frozenset(known | {key.removesuffix(".*") for key in known if key != "*"})


def defined_but_never_read(files: Mapping[str, str]) -> tuple[str, ...]:
    """Keys that the chart's own values.yaml files hold although no template reads them."""
    return read_keys(files).never_read


def read_keys(files: Mapping[str, str]) -> ChartKeys:
    """The keys that a chart reads. files: path inside the archive to text, subcharts unpacked below charts/.

    Never raises for what a chart can hold: a chart that is too much, or no chart, is one that may read everything.
    """
    if sum(map(len, files.values())) > MAX_BYTES:
        return ChartKeys(EVERYTHING, notes=(f"the chart is larger than {MAX_BYTES} characters",))
    try:
        return _read_keys(files)
    except (TooMuchError, RecursionError):
        return ChartKeys(EVERYTHING, notes=("the chart's templates are too entangled to follow",))


def _read_keys(files: Mapping[str, str]) -> ChartKeys:
    charts = _charts(files)
    if not charts:
        return ChartKeys(EVERYTHING, notes=("there is no Chart.yaml",))
    reads = Reads([chart.place for chart in charts])
    parsed: dict[str, Sequence[Node] | None] = {}
    for chart in charts:
        for text in chart.templates.values():
            if text not in parsed:
                parsed[text] = _parsed(text)
                reads.define(parsed[text] or [])
    for chart in charts:
        _run(chart, reads, parsed)
    for chart in charts:
        reads.exact |= chart.conditions
        reads.below |= chart.open | _left_out(chart, charts)
    keys = _keys(reads, [chart.place for chart in charts])
    never_read = tuple(sorted(_never_read(charts, keys)))
    notes = tuple(f"{'.'.join(place)} is not in the archive" for chart in charts for place in sorted(chart.missing))
    return ChartKeys(keys | frozenset(_defaults_below(charts, keys)), never_read, notes)


def _left_out(chart: _Chart, charts: Iterable[_Chart]) -> set[Place]:
    """Gen3's development servers come from other repositories, and copies of the chart are made without them."""
    if chart.name != catalogue.CHART:
        return set()
    there = {other.place for other in charts}
    servers = {(*chart.place, service.name) for service in catalogue.load() if service.kind == "datastore"}
    return servers - there


def _parsed(text: str) -> Sequence[Node] | None:
    try:
        return parse(text)
    except TemplateError:
        return None


def _run(chart: _Chart, reads: Reads, parsed: Mapping[str, Sequence[Node] | None]) -> None:
    if chart.library:
        return
    uses_tpl = False
    for text in chart.templates.values():
        nodes = parsed[text]
        uses_tpl = uses_tpl or "tpl" in text
        if nodes is None:
            reads.run_text(text, chart.place)
        else:
            reads.run(nodes, chart.place)
    for text in chart.others.values() if uses_tpl else ():
        if "{{" in text:
            reads.run_text(text, chart.place)


# Charts


@dataclass(slots=True)
class _Chart:
    """One chart at one place in the values; a chart with two aliases is two of these.

    open: places below which everything may be read. missing: dependencies that are named and not there.
    """

    name: str
    place: Place
    library: bool
    templates: Mapping[str, str]
    others: Mapping[str, str]
    defaults: Any
    conditions: set[Place] = field(default_factory=set)
    open: set[Place] = field(default_factory=set)
    missing: set[Place] = field(default_factory=set)


def _charts(files: Mapping[str, str]) -> list[_Chart]:
    """Every chart of the archive, the topmost first."""
    folders = {
        path.removesuffix("Chart.yaml") for path in files if path == "Chart.yaml" or path.endswith("/Chart.yaml")
    }
    tops = [folder for folder in folders if "/charts/" not in f"/{folder}"]
    if not tops:
        return []
    own: dict[str, dict[str, str]] = {folder: {} for folder in folders}
    for path, text in files.items():
        folder = path.rpartition("/")[0] + "/" if "/" in path else ""
        while folder and folder not in folders:
            folder = folder.rstrip("/").rpartition("/")[0]
            folder += "/" if folder else ""
        if folder in own:
            own[folder][path.removeprefix(folder)] = text
    found: list[_Chart] = []
    _collect(min(tops, key=lambda folder: (folder.count("/"), folder)), (), own, found)
    return found


def _collect(folder: str, place: Place, own: Mapping[str, Mapping[str, str]], found: list[_Chart]) -> None:
    if len(found) >= MAX_CHARTS:
        raise TooMuchError
    files = own[folder]
    about = _yaml(files.get("Chart.yaml", ""))
    dependencies = _dependencies(about, _yaml(files.get("requirements.yaml", "")))
    chart = _Chart(
        name=str(about.get("name")),
        place=place,
        library=about.get("type") == "library",
        templates={path: text for path, text in files.items() if path.startswith("templates/")},
        others={
            path: text
            for path, text in files.items()
            if not path.startswith("templates/") and not path.endswith(_NOT_TEMPLATED)
        },
        defaults=_yaml(files.get("values.yaml", "")),
    )
    found.append(chart)
    for dependency in dependencies:
        _switches(chart, dependency)
    vendored = set()
    for inner in sorted(own):
        if inner.startswith(f"{folder}charts/") and inner.count("/") == folder.count("/") + 2:
            name = _yaml(own[inner].get("Chart.yaml", "")).get("name")
            vendored.add(name)
            names = {_key(item) for item in dependencies if item.get("name") == name} or {str(name)}
            for key in sorted(names):
                _collect(inner, (*place, key), own, found)
    chart.missing = {(*place, _key(item)) for item in dependencies if item.get("name") not in vendored}
    chart.open |= chart.missing


def _yaml(text: str) -> Mapping[str, Any]:
    """The mapping in a file; empty where it is none, which Helm reports better than a list of keys could."""
    try:
        documents = yamltext.parse(text.encode())
    except RejectedError:
        return {}
    data = documents[0].data if documents else None
    return mapping(data)


def _dependencies(*sources: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = [item for source in sources for item in items(source.get("dependencies"))]
    return [item for item in listed if isinstance(item, Mapping) and isinstance(item.get("name"), str)]


def _key(dependency: Mapping[str, Any]) -> str:
    alias = dependency.get("alias")
    return alias if isinstance(alias, str) and alias else str(dependency["name"])


def _switches(chart: _Chart, dependency: Mapping[str, Any]) -> None:
    """Conditions and tags are read by Helm itself; imported values leave their own place for the parent's."""
    condition = dependency.get("condition")
    for path in condition.split(",") if isinstance(condition, str) else ():
        if path.strip():
            chart.conditions.add((*chart.place, *path.strip().split(".")))
    chart.conditions |= {("tags", str(tag)) for tag in items(dependency.get("tags"))}
    inside = (*chart.place, _key(dependency))
    for item in items(dependency.get("import-values")):
        if isinstance(item, str):
            chart.open.add((*inside, "exports", item))
        elif isinstance(item, Mapping):
            child, parent = str(item.get("child", "")), str(item.get("parent", ""))
            chart.open.add((*inside, *child.split(".")))
            chart.open.add((*chart.place, *(step for step in parent.split(".") if step)))


# Keys


def _keys(reads: Reads, places: list[Place]) -> frozenset[str]:
    keys: set[str] = set()
    known = frozenset(places)
    for read, suffixes in ((reads.exact, ("",)), (reads.below, ("", ".*"))):
        for place in read:
            for variant in _with_globals(place, known):
                if not variant:
                    keys |= EVERYTHING if ".*" in suffixes else frozenset()
                else:
                    keys |= {".".join(variant) + suffix for suffix in suffixes}
    return frozenset(keys)


def _with_globals(place: Place, charts: frozenset[Place]) -> Iterator[Place]:
    """The place itself, and for a global what every chart above may write instead."""
    yield place
    for index, step in enumerate(place):
        if step == "global" and place[:index] in charts:
            for above in range(index):
                if place[:above] in charts:
                    yield place[:above] + place[index:]
            return


def _defaults_below(charts: Iterable[_Chart], keys: frozenset[str]) -> Iterator[str]:
    """Keys of values.yaml files inside maps that are read whole: read as well, and good to know by name."""
    parents = _parents(keys)
    for chart in charts:
        for path, _ in walk(chart.defaults, chart.place):
            steps = [str(step) for step in takewhile(lambda step: isinstance(step, str), path)]
            for end in range(len(chart.place) + 1, len(steps) + 1):
                if "*" in keys or not _unknown_from(tuple(steps[:end]), keys, parents):
                    yield ".".join(steps[:end])


def _never_read(charts: Iterable[_Chart], keys: frozenset[str]) -> Iterator[str]:
    known = frozenset(chart.place for chart in charts)
    seen = set()
    for chart in charts:
        if chart.library:
            continue
        for path in unread(walk(chart.defaults, chart.place), keys):
            place = tuple(map(str, path))
            top = list(_with_globals(place, known))[-1] if "global" in place else place
            dotted = ".".join(place[place.index("global") :] if "global" in place and top else place)
            if dotted not in seen and not (place != top and _state(dotted, keys, _parents(keys))):
                seen.add(dotted)
                yield dotted


@lru_cache(maxsize=16)
def _parents(keys: frozenset[str]) -> frozenset[str]:
    """Every path on the way to a key."""
    found = set()
    for key in keys:
        steps = key.removesuffix(".*").split(".")
        found |= {".".join(steps[:end]) for end in range(1, len(steps))}
    return frozenset(found)


def _state(dotted: str, keys: frozenset[str], parents: frozenset[str]) -> str:
    """What the keys say of exactly this path: "below", "exact", "parent", or "" for nothing."""
    if f"{dotted}.*" in keys:
        return "below"
    if dotted in keys:
        return "exact"
    return "parent" if dotted in parents else ""


def unread(walked: Iterable[tuple[Path, Any]], keys: frozenset[str]) -> list[Path]:
    """The paths that no template reads, each shortened to where the chart stops knowing it; in written order.

    walked: leaves as `EffectiveValues.walk` gives them. Keys that other values refer to in templates of their own
    (`{{ .Values.x }}`), and top keys that hold YAML anchors by convention ("x-...", "."), are left out.
    """
    leaves = list(walked)
    if "*" in keys:
        return []
    wanted, parents = _referred(leaves), _parents(keys)
    found: dict[Path, None] = {}
    for path, _ in leaves:
        end = _unknown_from(path, keys, parents)
        if not end or str(path[0]).startswith(("x-", ".")):
            continue
        dotted = ".".join(map(str, path))
        if any(dotted == item or dotted.startswith(f"{item}.") or item.startswith(f"{dotted}.") for item in wanted):
            continue
        while any(item.startswith(".".join(map(str, path[:end])) + ".") for item in wanted):
            end += 1
        found[path[:end]] = None
    return list(found)


def _unknown_from(path: Path, keys: frozenset[str], parents: frozenset[str]) -> int:
    """How many steps of the path it takes to leave what the chart reads; 0 if it never does."""
    dotted = ""
    for index, step in enumerate(path):
        if isinstance(step, int):
            return 0  # lists are read whole
        dotted = f"{dotted}.{step}" if index else str(step)
        state = _state(dotted, keys, parents)
        if state == "below":
            return 0
        if not state:
            return index + 1
    return 0


def _referred(leaves: Iterable[tuple[Path, Any]]) -> frozenset[str]:
    """Paths that templated values name, as seen from the top and from the value's own chart."""
    found: set[str] = set()
    for path, value in leaves:
        if isinstance(value, str) and "{{" in value and ".Values." in value:
            for match in _TEMPLATED.findall(value):
                found |= {match[1:], f"{path[0]}{match}"}
    return frozenset(found)

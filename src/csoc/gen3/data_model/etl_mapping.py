"""The ETL mapping (etlMapping.yaml): which search indices tube builds, and which fields each of them gets.

Tube reads the mapping when its job starts and stops at the first thing that it cannot use, so one slip leaves every
index as old as it was; other slips it passes over in silence, and a field never appears. Both are told apart here, by
what tube's parser does with each key (releases 2020.11 to 2026.09).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.values import Path
from csoc.gen3.data_model.etl_model import AGGREGATOR, COLLECTOR, EtlMapping, Fault, Field, Index

FUNCTIONS = frozenset({"count", "sum", "set", "list", "min", "max", "first"})
_BLOCKS = {
    "props": (AGGREGATOR, COLLECTOR),
    "flatten_props": (AGGREGATOR,),
    "nested_props": (AGGREGATOR,),
    "parent_props": (AGGREGATOR,),
    "aggregated_props": (AGGREGATOR,),
    "joining_props": (AGGREGATOR,),
    "joining": (AGGREGATOR,),  # the older name
    "special_props": (AGGREGATOR,),
    "injecting_props": (COLLECTOR,),
}
_SEARCH_NAME = re.compile(r"[a-z0-9.][^A-Z\s\\/*?\"<>|,#:]*")
_NESTING = 20
_FAULTS = 500  # nobody reads more


def read(data: Any, *, underscore: bool = True, joins_own_identifier: bool = False) -> EtlMapping:
    """Reads what stands under etl.etlMapping. Never raises: what is wrong is a fault. underscore: tube calls the
    identifiers of nodes _case_id (0.4.1, 2020.10 and later) rather than case_id. joins_own_identifier: it is one of
    those that join an index by its identifier where the field that join_on names is not there."""
    if not isinstance(data, Mapping):
        found = "text" if isinstance(data, str) else "not a mapping"
        return EtlMapping((), (Fault((), "not a mapping", f"the ETL mapping is {found}", stops=True),))
    entries = data.get("mappings")
    if not isinstance(entries, list):
        return EtlMapping((), (Fault((), "no mappings", "the ETL mapping has no list called mappings", stops=True),))
    faults: list[Fault] = []
    indices: list[Index] = []
    for number, entry in enumerate(entries):
        reader = _Entry(("mappings", number), faults, underscore)
        index = reader.read(entry)
        if index is not None:
            indices.append(index)
    _shared_names(indices, faults)
    for index in indices:
        _joins(index, indices, faults, joins_own_identifier)
    return EtlMapping(tuple(indices), tuple(faults[:_FAULTS]))


def _shared_names(indices: Sequence[Index], faults: list[Fault]) -> None:
    """Names and types that two indices share: tube keeps indices by doc_type, and search servers by name."""
    names: set[str] = set()
    types: set[str] = set()
    for index in indices:
        if index.name and index.name in names:
            text = f"two indices have the name {index.name}, and the one that is built last replaces the other"
            faults.append(Fault((*index.path, "name"), f"name {index.name} twice", text, stops=False))
        if index.doc_type and index.doc_type in types:
            text = f"two indices have the doc_type {index.doc_type}, and tube builds only the last of them"
            faults.append(Fault((*index.path, "doc_type"), f"doc_type {index.doc_type} twice", text, stops=False))
        names.add(index.name)
        types.add(index.doc_type)


def _joins(index: Index, indices: Sequence[Index], faults: list[Fault], own_identifier: bool) -> None:
    """What joining_props ask of another index.

    Tube hands the names of join_on to Spark's groupBy and join as they are written, so that both data frames need such
    a column (tube 2026.09, tube/etl/indexers/aggregation/new_translator.py, lines 320-350; the same since 2022.11). An
    index has the columns that its mapping lists, and _<root>_id of its own (base/translator.py, get_cols_from_node).
    From 2021.09 to 2022.10 the older translator looks each name up among the fields and stops at the first that is not
    there. Where no field is taken from the other index nothing is joined (join_to_an_index, lines 352-370), and a
    collector that finds no data is passed over (interpreter.py, lines 36-43, and new_translator.py, line 426), so that
    the job ends at the first run that has data.
    """
    for path, wanted, join_on in index.joins:
        other = next((item for item in reversed(indices) if item.doc_type == wanted), None)
        if other is None:
            text = f"the index {index.name} joins {wanted}, and no index has that doc_type"
            faults.append(Fault((*path, "index"), f"{index.name} joins {wanted}", text, stops=True))
            continue
        faults += [
            _cannot_join(index, side, (*path, "join_on"), wanted, name)
            for side in ((other,) if own_identifier else (index, other))
            for name in (join_on if _takes(index, path) else ())
            if name not in side.names()
        ]
        known = other.names()
        sources = known | {f"{other.doc_type}_id"}  # tube still takes the old name of the identifier here
        for item in index.fields:
            joined = item.block == "joining_props" and item.path[: len(path)] == path
            if joined and item.source not in sources and item.name not in known:
                text = f"the field {item.name} of {index.name} is taken from {item.source} of {other.name}"
                text += ", which has no such field"
                faults.append(Fault(item.path, f"{index.name}.{item.name} joined", text, stops=True))


def _takes(index: Index, path: Path) -> bool:
    """True if the block of joining_props at a path takes some field."""
    return any(item.block == "joining_props" and item.path[: len(path)] == path for item in index.fields)


def _cannot_join(index: Index, side: Index, path: Path, wanted: str, name: str) -> Fault:
    text = f"the index {index.name} joins {wanted} on {name}, and {side.name} has no field {name}"
    fix = f"Since tube 0.4.1 the field is called _{name}: use that name on both sides"
    key = f"{index.name} joins {wanted} on {name}"
    return Fault(path, key, text, stops=True, fix=fix if f"_{name}" in side.names() else "")


@dataclass(slots=True)
class _Entry:
    """Reads one entry of the mappings."""

    path: Path
    faults: list[Fault]
    underscore: bool
    name: str = ""
    fields: list[Field] = field(default_factory=list)
    routes: list[tuple[Path, str]] = field(default_factory=list)
    joins: list[tuple[Path, str, tuple[str, ...]]] = field(default_factory=list)

    def fault(self, path: Path, key: str, text: str, *, stops: bool = True, fix: str = "") -> None:
        if len(self.faults) < _FAULTS:
            self.faults.append(Fault(path, f"{self.name}: {key}", text, stops, fix))

    def read(self, entry: Any) -> Index | None:
        self.name = f"entry {self.path[-1]}"
        if not isinstance(entry, Mapping):
            self.fault(self.path, "no mapping", f"{self.name} of the mappings is no mapping of keys")
            return None
        name = entry.get("name")
        if isinstance(name, str) and name:
            self.name = name
        kind = entry.get("type")
        self._head(entry)
        if kind not in (AGGREGATOR, COLLECTOR):
            return None
        self._blocks(entry, str(kind))
        root, category = _text(entry.get("root")), _text(entry.get("category"))
        known = self._has("project_id") or (self._has("program_name") and self._has("project_code"))
        if kind == AGGREGATOR and root and root != "project" and not known:
            self.fault(
                self.path,
                "no project_id",
                f"the index {self.name} has no field project_id, so nobody's access to it can be worked out",
                fix="Add project_id to its props",
            )
        self._twice()
        return Index(
            name=_text(name),
            doc_type=_text(entry.get("doc_type")),
            kind=str(kind),
            root=root if kind == AGGREGATOR else "",
            category=(category or "data_file") if kind == COLLECTOR else "",
            path=self.path,
            fields=tuple(self.fields),
            routes=tuple(self.routes),
            joins=tuple(self.joins),
            underscore=self.underscore,
        )

    def _head(self, entry: Mapping[str, Any]) -> None:
        for key in ("name", "doc_type", "type", "root"):
            value = entry.get(key)
            if key == "root" and key in entry and entry.get("type") == COLLECTOR:
                continue  # "None" by convention, and not looked at
            if not isinstance(value, str) or not value:
                fix = "Write root: None for a collector" if key == "root" else ""
                self.fault((*self.path, key), f"no {key}", f"{self.name} of the ETL mapping has no {key}", fix=fix)
        kind, name = entry.get("type"), entry.get("name")
        if isinstance(kind, str) and kind not in (AGGREGATOR, COLLECTOR, ""):
            text = f"the index {self.name} is of the type {kind[:60]}, and tube knows aggregator and collector"
            self.fault((*self.path, "type"), "type", text)
        if isinstance(name, str) and name and not _SEARCH_NAME.fullmatch(name):
            text = f"{name[:100]} cannot be the name of an index: only lower-case letters, digits, - and _ are safe"
            self.fault((*self.path, "name"), "index name", text)
        if "props" not in entry:
            self.fault(self.path, "no props", f"the index {self.name} has no props, and tube asks for them")

    def _blocks(self, entry: Mapping[str, Any], kind: str) -> None:
        readers: dict[str, Callable[[Path, Any], None]] = {
            "props": lambda path, value: self._props(path, value, "props", ""),
            "flatten_props": self._flatten,
            "nested_props": lambda path, value: self._nested(path, value, "", "", _NESTING),
            "parent_props": self._parents,
            "aggregated_props": self._aggregated,
            "joining_props": self._joining,
            "joining": self._joining,
            "injecting_props": self._injecting,
        }
        for key, value in entry.items():
            if not isinstance(key, str):
                continue
            path = (*self.path, key)
            kinds = _BLOCKS.get(key)
            if kinds is None:
                if key.endswith("props"):
                    self.fault(path, key, f"tube knows no {key[:60]} and passes over them ({self.name})", stops=False)
            elif kind not in kinds:
                text = f"{key} mean nothing in the {kind} {self.name}: tube passes over them"
                self.fault(path, key, text, stops=False)
            elif key in readers and not (key == "joining" and "joining_props" in entry):
                readers[key](path, value)

    def _list(self, path: Path, value: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """The items of a list of mappings; anything else is a fault."""
        if not isinstance(value, list):
            self.fault(path, _shown(path), f"{_shown(path)} of {self.name} is not a list")
            return
        for number, item in enumerate(value):
            if isinstance(item, Mapping):
                yield (*path, number), item
            else:
                place = _shown((*path, number))
                self.fault((*path, number), place, f"{place} of {self.name} is not a mapping of keys")

    def _props(self, path: Path, value: Any, block: str, route: str, prefix: str = "") -> None:
        for place, item in self._list(path, value):
            self._prop(place, item, block, route, prefix)

    def _prop(self, path: Path, item: Mapping[str, Any], block: str, route: str, prefix: str = "") -> None:
        """One property: name, src, fn, value_mappings."""
        name, function = item.get("name"), item.get("fn")
        if not isinstance(name, str) or not name:
            self.fault(path, f"{_shown(path)} no name", f"a property of {self.name} ({_shown(path)}) has no name")
            return
        if function is not None and (not isinstance(function, str) or function not in FUNCTIONS):
            text = (
                f"the field {name} of {self.name} is made with {str(function)[:60]}, a function that tube does not know"
            )
            fix = f"Tube knows {', '.join(sorted(FUNCTIONS))}"
            self.fault((*path, "fn"), f"{name} fn {str(function)[:60]}", text, fix=fix)
        values = item.get("value_mappings")
        if values is not None and not _value_mappings(values):
            text = f"value_mappings of {name} ({self.name}) must be a list of single pairs, as in `- male: M`"
            self.fault((*path, "value_mappings"), f"{name} value_mappings", text)
        source = item.get("src")
        if not isinstance(source, str) or not source:
            source = "" if function == "count" else name
        made = Field(prefix + name, path, block, route, source, function if isinstance(function, str) else "")
        self.fields.append(made)

    def _route(self, path: Path, item: Mapping[str, Any], what: str) -> str | None:
        """The chain of links that an item names."""
        route = item.get("path")
        if not isinstance(route, str) or not route:
            text = f"{what} of {self.name} ({_shown(path)}) names no path"
            self.fault(path, f"{_shown(path)} no path", text)
            return None
        return route.strip()

    def _flatten(self, path: Path, value: Any) -> None:
        for place, item in self._list(path, value):
            route = self._route(place, item, "an item of flatten_props")
            if route is not None:
                self.routes.append(((*place, "path"), route))
                self._props((*place, "props"), item.get("props"), "flatten_props", route)

    def _aggregated(self, path: Path, value: Any) -> None:
        for place, item in self._list(path, value):
            route = self._route(place, item, "an item of aggregated_props")
            if route is None:
                continue
            self.routes.append(((*place, "path"), route))
            if "fn" not in item:
                name = str(item.get("name"))[:100]
                text = f"the field {name} of {self.name} is aggregated, and no fn says how"
                self.fault(place, f"{name} no fn", text, fix="Add fn, for example fn: set")
            self._prop(place, item, "aggregated_props", route)

    def _nested(self, path: Path, value: Any, route: str, prefix: str, depth: int) -> None:
        if depth <= 0:
            self.fault(path, "nesting", f"nested_props of {self.name} are nested too deeply", stops=False)
            return
        for place, item in self._list(path, value):
            own = self._route(place, item, "an item of nested_props")
            if own is None:
                continue
            whole = f"{route}.{own}" if route else own
            self.routes.append(((*place, "path"), whole))
            name = item.get("name")
            below = f"{prefix}{name if isinstance(name, str) and name else own.replace('.', '_')}."
            self._props((*place, "props"), item.get("props"), "nested_props", whole, below)
            if "nested_props" in item:
                self._nested((*place, "nested_props"), item["nested_props"], whole, below, depth - 1)

    def _parents(self, path: Path, value: Any) -> None:
        for place, item in self._list(path, value):
            if "path" not in item:
                text = f"an item of parent_props of {self.name} has no path, so tube passes over it"
                self.fault(place, f"{_shown(place)} no path", text, stops=False)
                continue
            route = self._route(place, item, "an item of parent_props")
            parts = parent_steps(route) if route is not None else None
            if parts is None:
                if route is not None:
                    text = f"the path {route[:120]} in parent_props of {self.name} cannot be read: check its brackets"
                    self.fault((*place, "path"), f"{route[:120]} brackets", text)
                continue
            walked: list[str] = []
            for link, names in parts:
                walked.append(link)
                for name, source in names:
                    made = Field(name, (*place, "path"), "parent_props", ".".join(walked), source, "")
                    self.fields.append(made)
            self.routes.append(((*place, "path"), ".".join(walked)))

    def _joining(self, path: Path, value: Any) -> None:
        for place, item in self._list(path, value):
            index, join_on = item.get("index"), item.get("join_on")
            for key, found in (("index", index), ("join_on", join_on)):
                if not isinstance(found, str) or not found:
                    text = f"an item of joining_props of {self.name} has no {key}"
                    self.fault(place, f"{_shown(place)} no {key}", text)
            self._props((*place, "props"), item.get("props"), "joining_props", _text(index))
            if isinstance(index, str) and index and isinstance(join_on, str):
                names = tuple(name.strip() for name in join_on.split(",") if name.strip())
                self.joins.append((place, index, names))

    def _injecting(self, path: Path, value: Any) -> None:
        if not isinstance(value, Mapping):
            self.fault(path, "injecting_props", f"injecting_props of {self.name} is not a mapping of nodes")
            return
        for node, item in value.items():
            place = (*path, str(node))
            if not isinstance(item, Mapping):
                self.fault(place, f"injecting {node}", f"injecting_props.{node} of {self.name} is not a mapping")
                continue
            self._props((*place, "props"), item.get("props"), "injecting_props", str(node))

    def _has(self, name: str) -> bool:
        return any(item.name == name for item in self.fields)

    def _twice(self) -> None:
        """Fields of one name and different origin: which of them the index gets is an accident."""
        seen: dict[str, Field] = {}
        for item in self.fields:
            before = seen.setdefault(item.name, item)
            if before is item or (before.route, before.source) == (item.route, item.source):
                continue
            text = (
                f"the index {self.name} defines the field {item.name} twice, from {_origin(before)} and {_origin(item)}"
            )
            self.fault(item.path, f"{item.name} twice", text, stops=False)


def parent_steps(route: str) -> list[tuple[str, list[tuple[str, str]]]] | None:
    """ "studies[a,b:c].projects" as [("studies", [("a", "a"), ("b", "c")]), ("projects", [])]; None if it is none."""
    steps: list[tuple[str, list[tuple[str, str]]]] = []
    for part in route.split("."):
        link, bracket, rest = part.strip().partition("[")
        if not link or "]" in link or (bracket and not rest.endswith("]")) or "[" in rest or "]" in rest[:-1]:
            return None
        names = []
        for text in rest.removesuffix("]").split(",") if bracket else []:
            name, _, source = text.partition(":")
            if name.strip():
                names.append((name.strip(), source.strip() or name.strip()))
        if link.strip() != "_ANY":
            steps.append((link.strip(), names))
    return steps


def _value_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) and len(item) >= 1 for item in value)


def _origin(item: Field) -> str:
    return ".".join(part for part in (item.route, item.source) if part) or item.block


def _shown(path: Path) -> str:
    """The path below the entry, for readers and keys."""
    return ".".join(str(step) for step in path[2:]) or "it"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""What an ETL mapping says, once it is read: indices, their fields, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from csoc.fleet.values import Path

AGGREGATOR, COLLECTOR = "aggregator", "collector"
_BUILT_IN = ("node_id", "auth_resource_path", "project_id", "project_code", "program_name")  # tube adds them


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong. path: inside the mapping. key: names the cause, without line or position. text: one sentence.
    stops: the job fails; otherwise tube passes over it. fix: what to write instead, or ""."""

    path: Path
    key: str
    text: str
    stops: bool
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an index. name: as the index has it, nested ones with dots. block: "props", "flatten_props", ...;
    route: links from the root ("samples.aliquots"), the node for injecting_props, the index for joining_props, or "".
    source: the property that it is made of, "" where none is read (counts)."""

    name: str
    path: Path
    block: str
    route: str
    source: str
    function: str


@dataclass(frozen=True, slots=True)
class Index:
    """One index. root is "" for collectors; category is "" for aggregators. routes: every chain of links that is
    walked, fields or none, with its place."""

    name: str
    doc_type: str
    kind: str
    root: str
    category: str
    path: Path
    fields: tuple[Field, ...]
    routes: tuple[tuple[Path, str], ...]
    joins: tuple[tuple[Path, str, tuple[str, ...]], ...] = ()
    underscore: bool = True

    def names(self) -> frozenset[str]:
        """Every field that the index has, those included that tube adds."""
        mark = "_" if self.underscore else ""
        own = {f"{mark}{name}_id" for name in (self.doc_type, self.root) if name}
        nested = {field.name.rpartition(".")[0] for field in self.fields if "." in field.name}
        return frozenset({*(field.name for field in self.fields), *nested, *own, *_BUILT_IN})


@dataclass(frozen=True, slots=True)
class EtlMapping:
    """A mapping that was read. indices: those that could be understood, whatever their faults."""

    indices: tuple[Index, ...]
    faults: tuple[Fault, ...]

    def index(self, name: str) -> Index | None:
        """The index of that name, or None."""
        return next((index for index in self.indices if index.name == name), None)

    def by_type(self, doc_type: str) -> Index | None:
        """The index of that document type; of several the last, as in tube."""
        return next((index for index in reversed(self.indices) if index.doc_type == doc_type), None)

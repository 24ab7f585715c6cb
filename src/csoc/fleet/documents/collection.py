"""The documents of a fleet as one value: by kind and name, each with its place, and everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from csoc.fleet.documents.base import Document
from csoc.fleet.documents.faults import Fault, Weight
from csoc.fleet.documents.judgements import Baseline, Waivers
from csoc.fleet.documents.model import Account, Cluster, Commons, Environment, Fleet, Release
from csoc.fleet.location import Location
from csoc.fleet.snapshot import ParsedFile
from csoc.fleet.values import Path, as_path

D_co = TypeVar("D_co", bound=Document, covariant=True)


@dataclass(frozen=True, slots=True)
class Placed(Generic[D_co]):
    """A document and where it stands. index: which document of its file."""

    document: D_co
    file: ParsedFile
    index: int

    @property
    def name(self) -> str:
        """metadata.name"""
        return str(self.document.metadata.name)  # type: ignore[attr-defined]

    @property
    def uid(self) -> str:
        """metadata.uid, "" for kinds that have none."""
        return str(getattr(self.document.metadata, "uid", ""))  # type: ignore[attr-defined]

    @property
    def kind(self) -> str:
        return type(self.document).__name__

    def locate(self, path: str | Path = ()) -> Location:
        """The place of a field ("spec.stage"), or of the nearest one above it that is written."""
        return self.file.locate(as_path(path) if path else (), self.index)


@dataclass(frozen=True, slots=True)
class Documents:
    """Every valid document of a fleet by name, and everything that is wrong.

    top: the folder that holds them ("" for the whole repository), or None if there are none: a repository that csoc was
    not made known to, which is no fault. unplannable: (kind, name) to the reason, for documents that share a uid.
    namesakes: names that several Environment documents have, to all of these; `environments` holds the first.
    """

    top: str | None
    fleet: Placed[Fleet] | None = None
    accounts: Mapping[str, Placed[Account]] = field(default_factory=dict)
    clusters: Mapping[str, Placed[Cluster]] = field(default_factory=dict)
    commons: Mapping[str, Placed[Commons]] = field(default_factory=dict)
    environments: Mapping[str, Placed[Environment]] = field(default_factory=dict)
    releases: Mapping[str, Placed[Release]] = field(default_factory=dict)
    waivers: tuple[Placed[Waivers], ...] = ()
    baselines: tuple[Placed[Baseline], ...] = ()
    faults: tuple[Fault, ...] = ()
    unplannable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    namesakes: Mapping[str, tuple[Placed[Environment], ...]] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Fault, ...]:
        """What must be mended, warnings left out."""
        return tuple(fault for fault in self.faults if fault.weight is Weight.ERROR)

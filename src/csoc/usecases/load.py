"""Reads a fleet: from an address to environments with their values, and on demand their manifests.

Nothing here asks for more than a Git URL. What could not be read, fetched or rendered is part of the answer.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from csoc.errors import NotFoundError, RejectedError
from csoc.fleet import addresses, gc_pause
from csoc.fleet.argocd.discovery import Discovery, discover
from csoc.fleet.argocd.discovery import Ports as DiscoveryPorts
from csoc.fleet.argocd.helmtemplates import HelmTemplates
from csoc.fleet.argocd.values.resolution import ResolvedValues
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.reading import read_documents
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.gen3.adoption.understand import known_clusters, understand
from csoc.gen3.views import EnvironmentView, FleetView
from csoc.usecases.ports import Ports


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """Which fleet, and how to read it.

    source: a URL or a local path, typed by a person. revision: branch, tag or commit; None is the work tree of a local
    folder or the default branch. chart: a chart to render with instead of the one that Applications name. own_urls:
    URLs that mean this very repository, if that cannot be seen.
    """

    source: str
    revision: str | None = None
    chart: str | None = None
    own_urls: tuple[str, ...] = ()

    @property
    def address(self) -> SourceAddress:
        return SourceAddress(self.source, trusted=True)


@dataclass(frozen=True, slots=True)
class LoadedFleet:
    """A fleet as read. resolved: the values of each environment, by its name."""

    query: FleetQuery
    tree: Tree
    view: FleetView
    documents: Documents
    discovery: Discovery
    resolved: Mapping[str, ResolvedValues] = field(default_factory=dict)

    def environment(self, name: str) -> EnvironmentView:
        """By its name; a hostname, a commons, a namespace or an Application's name serve as well where only one has it.

        Raises NotFoundError, with the nearest names, or those that go by this one.
        """
        found = self.select((name,))
        if len(found) != 1:
            raise NotFoundError(
                f"{len(found)} environments go by {name}: {', '.join(view.name for view in found)}",
                fix="Name one of them",
            )
        return found[0]

    def select(self, names: Sequence[str]) -> list[EnvironmentView]:
        """The environments of these names (none given: all), in the fleet's order.

        A name is an environment's, or a hostname, commons, cluster or stage for all of its environments; with the kind
        before it ("stage:prod") it is that alone. Raises NotFoundError, and RejectedError for a name that means
        different environments by different readings: a name can be given by whoever writes into the repository.
        """
        if not names:
            return list(self.view.environments)
        chosen = {view.name for name in names for view in self._named(name)}
        return [view for view in self.view.environments if view.name in chosen]

    def _named(self, name: str) -> Sequence[EnvironmentView]:
        kind, colon, rest = name.partition(":")
        if colon and kind in _READINGS:
            found = self._reading(kind, rest)
            if found:
                return found
            raise NotFoundError(f"There is no {kind} {rest}", fix="`csoc fleet show` lists all")
        readings = {kind: found for kind in _READINGS if (found := self._reading(kind, name))}
        if len({frozenset(view.name for view in found) for found in readings.values()}) > 1:
            meant = "; ".join(f"{kind}: {_listed(found)}" for kind, found in readings.items())
            raise RejectedError(
                f"{name} means different environments ({meant})",
                fix="Say which: " + " or ".join(f"{kind}:{name}" for kind in readings),
            )
        if readings:
            return next(iter(readings.values()))
        same = [v for v in self.view.environments if name in (v.application.name, v.namespace, v.release)]
        if len(same) > 1:
            raise NotFoundError(f"{len(same)} environments go by {name}: {_listed(same)}", fix="Name one of them")
        if not same:
            raise _no_such_environment(name, self.view)
        return same

    def _reading(self, kind: str, name: str) -> list[EnvironmentView]:
        if kind == "env":
            return [view for view in self.view.environments if view.name == name]
        return [view for view in self.view.environments if getattr(view, kind).value == name]


_READINGS = ("env", "hostname", "commons", "cluster", "stage")
_LISTED = 5


def _listed(views: Sequence[EnvironmentView]) -> str:
    more = f" and {len(views) - _LISTED} more" if len(views) > _LISTED else ""
    return ", ".join(view.name for view in views[:_LISTED]) + more


def _no_such_environment(name: str, view: FleetView) -> NotFoundError:
    dispute = next((item for item in view.disputes if name in item.names), None)
    if dispute is not None:
        cause = f"There is no environment {name}, since its document does not count: {dispute.cause}"
        return NotFoundError(cause, place=str(dispute.places[0]), fix=dispute.fix)
    names = [item.name for item in view.environments]
    if not names:
        hint = next((note for note in view.notes if "--own-url" in note), "")
        return NotFoundError(
            f"There is no environment {name}: none was found here",
            fix=hint or "`csoc fleet adopt` shows what was read, and what was not understood",
        )
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    known = f"Did you mean {', '.join(near)}?" if near else "`csoc fleet show` lists all"
    return NotFoundError(f"There is no environment {name}", fix=known)


def load_fleet(ports: Ports, query: FleetQuery) -> LoadedFleet:
    """Opens the source, finds every Application, and understands what it sees.

    Raises DeniedError, NotFoundError, UnavailableError or RejectedError if the source itself cannot be read; whatever
    the source names and cannot be had is a problem in the view.
    """
    tree = ports.repositories.open(query.address, query.revision)
    return understand_tree(ports, query, tree)


def understand_tree(ports: Ports, query: FleetQuery, tree: Tree, store: ParsedStore | None = None) -> LoadedFleet:
    """The fleet that a tree describes. store: keeps what was parsed, for whoever reads a fleet again and again."""
    with gc_pause.paused():
        return _understand(ports, query, tree, store or ParsedStore(ports.cache))


def _understand(ports: Ports, query: FleetQuery, tree: Tree, store: ParsedStore) -> LoadedFleet:
    documents = read_documents(tree, store)

    def open_tree(url: str, revision: str) -> Tree:
        return ports.repositories.open(SourceAddress(url, trusted=_is_mirror(ports, url)), revision or None)

    discovery = discover(
        tree,
        DiscoveryPorts(
            open_tree=open_tree,
            charts=ports.charts,
            renderer=ports.renderer,
            render_template=HelmTemplates(ports.renderer),
            max_generated_each=ports.settings.limits.applicationset_elements,
            max_generated=ports.settings.limits.generated_applications,
        ),
        store=store,
        cache=ports.cache,
        clusters=known_clusters(documents),
        stated=query.own_urls,
    )
    understood = understand(discovery, documents)
    if understood.faults:
        documents = replace(documents, faults=(*documents.faults, *understood.faults))
    return LoadedFleet(query, tree, understood.view, documents, discovery, understood.resolved)


def _is_mirror(ports: Ports, url: str) -> bool:
    """True for the folder from which the settings say that charts of the platform come, and which may therefore be read
    though a repository names it."""
    mirror = ports.settings.platform.mirror
    if not mirror or not addresses.parse(mirror).local:
        return False
    return addresses.canonical_name(url) == addresses.canonical_name(mirror)

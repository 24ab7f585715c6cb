"""The facts of all environments, for questions about a fleet that are no check: what runs where, what names what.

They are gathered as a check gathers them, with no rules, so that both see the same. Only environments that changed
since somebody last asked are looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from csoc.gen3.facts import EnvironmentFacts
from csoc.usecases.checking.checker import EnvironmentResult, FleetChecker, Progress
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports


def gather_facts(
    ports: Ports, fleet: LoadedFleet, *, rendering: bool = False, progress: Progress | None = None
) -> Mapping[str, EnvironmentFacts]:
    """Facts by the environment's name, for each environment of the fleet, in the fleet's order.

    rendering: whether charts are rendered for facts that only manifests show; without, values and the charts' defaults
    tell. A chart that cannot be had costs its defaults and raises nothing, unless a person named it.
    """
    return _Facts(FleetChecker(ports, rules=(), rendering=rendering).check(fleet, progress=progress).results)


class _Facts(Mapping[str, EnvironmentFacts]):
    """Facts out of results, whose places are worked out only for those that are looked at."""

    def __init__(self, results: Mapping[str, EnvironmentResult]) -> None:
        self._results = results

    def __getitem__(self, name: str) -> EnvironmentFacts:
        return self._results[name].facts

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

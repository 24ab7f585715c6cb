"""Everything from outside that a use case may need, handed in together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from csoc.clock import Clock, Ids
from csoc.config import Settings
from csoc.fleet.caching import Cache
from csoc.fleet.charts import ChartRenderer, ChartSources
from csoc.fleet.githost import GitHost
from csoc.fleet.repositories import Repositories, SourceAddress
from csoc.gen3.data_model.published import Dictionaries, NoDictionaries


@dataclass(frozen=True, slots=True)
class Ports:
    """See the module.

    githost: the host of a repository. Raises DeniedError if the settings do not say what kind of host it is, or have no
    credential where they must; RejectedError if the address names no repository at a host.

    begin_round: forgets what one look at the fleet may spend (hosts that did not answer, the time of rendering), for
    whoever looks again and again with the same ports.

    expire_charts: what servers said of their charts is asked for again, for whoever is about to act on one.
    """

    repositories: Repositories
    charts: ChartSources
    renderer: ChartRenderer
    cache: Cache
    githost: Callable[[SourceAddress], GitHost]
    settings: Settings
    clock: Clock
    ids: Ids
    dictionaries: Dictionaries = field(default_factory=NoDictionaries)
    begin_round: Callable[[], None] = lambda: None
    expire_charts: Callable[[], None] = lambda: None

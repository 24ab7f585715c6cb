"""The composition root: which adapter stands behind which port. The only place that knows them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from csoc.adapters.dictionaries import WebDictionaries
from csoc.adapters.git import GitRepositories
from csoc.adapters.githost.factory import githost_for
from csoc.adapters.helm.fetch.sources import HelmChartSources
from csoc.adapters.helm.render.renderer import ChildRenderer
from csoc.adapters.store.cache import SQLiteCache
from csoc.clock import random_ids, system_clock
from csoc.config import Settings, load
from csoc.fleet.githost import GitHost
from csoc.fleet.repositories import SourceAddress
from csoc.usecases.ports import Ports


@contextmanager
def ports(settings: Settings | None = None) -> Iterator[Ports]:
    """The real ports for one command; child processes and files are released at the end.

    Raises RejectedError if the settings are wrong.
    """
    settings = settings or load()
    repositories = GitRepositories(settings)
    cache = SQLiteCache(settings.cache_dir)
    renderer = ChildRenderer.from_settings(settings)
    dictionaries = WebDictionaries.from_settings(settings)
    try:
        yield Ports(
            repositories=repositories,
            charts=HelmChartSources.from_settings(settings, repositories, credentials=repositories.credentials),
            renderer=renderer,
            cache=cache,
            githost=_hosts(settings, repositories),
            settings=settings,
            clock=system_clock,
            ids=random_ids,
            dictionaries=dictionaries,
        )
    finally:
        dictionaries.close()
        renderer.close()
        cache.close()


def _hosts(settings: Settings, repositories: GitRepositories) -> Callable[[SourceAddress], GitHost]:
    def find(address: SourceAddress) -> GitHost:
        return githost_for(address.url, settings, app_token=repositories.credentials.app_token)

    return find

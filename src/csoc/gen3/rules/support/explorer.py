"""What the rules on the ETL mapping and on the portal read: both configurations, parsed, with places for evidence.

Much is deliberately not looked at: the chart's own examples, a service that is off, a portal that fetches its
configuration from elsewhere, an environment whose value file is not in Git. Nothing certain can be said of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.errors import CsocError, UnavailableError
from csoc.fleet.masking import masked
from csoc.fleet.shapes import items, text
from csoc.fleet.values import Path
from csoc.gen3.data_model import jsontext
from csoc.gen3.data_model.dictionary import Dictionary
from csoc.gen3.data_model.etl_mapping import read
from csoc.gen3.data_model.etl_model import EtlMapping
from csoc.gen3.findings import Evidence
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState
from csoc.gen3.versions_needed import tube_has_underscores, tube_joins_own_identifier

MAPPING: Path = ("etl", "etlMapping")
PORTAL: Path = ("portal", "gitops", "json")
DICTIONARY: Path = ("global", "dictionaryUrl")

Dictionaries = Callable[[str], Dictionary | CsocError]
"""context["dictionaries"]: the dictionary at a URL, or why it cannot be had."""


def etl_mapping(state: EnvironmentState) -> EtlMapping | None:
    """The environment's own ETL mapping; None where it has none, or runs no ETL."""
    values = Gen3Values(state)
    if not values.on("etl") or not state.written((*MAPPING, "mappings")):
        own = state.values.get(MAPPING)
        if not values.on("etl") or own is None or isinstance(own, Mapping):
            return None
    tag = values.text(("etl", "image", "tube", "tag"))
    underscore, own = tube_has_underscores(tag), tube_joins_own_identifier(tag)
    return read(state.get(MAPPING), underscore=underscore, joins_own_identifier=own)


def at_mapping(state: EnvironmentState, path: Path) -> Evidence:
    """Evidence at a place in the ETL mapping."""
    whole: Path = (*MAPPING, *path)
    found = state.values.get(whole)
    words = "" if found is None or isinstance(found, (Mapping, list)) else f": {masked(whole, found)}"
    return state.at(whole, f"{'.'.join(str(step) for step in whole)}{words}")


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """The portal's configuration. json is None where it is not JSON; error then says why."""

    state: EnvironmentState
    json: jsontext.JsonText | None
    error: jsontext.JsonError | None = None

    @property
    def data(self) -> Any:
        """The configuration as values; None where it is not JSON."""
        return self.json.data if self.json is not None else None

    def at(self, path: Path, words: str) -> Evidence:
        """Evidence at a place inside the configuration."""
        line = self.json.line(path) if self.json is not None else 1
        return self.at_line(line, words)

    def at_line(self, line: int, words: str) -> Evidence:
        """Evidence at a line of the configuration."""
        place = self.state.values.text_origin(PORTAL, line) or self.state.view.application.location
        return Evidence(words, place, self.state.view.name)


def portal_config(state: EnvironmentState) -> PortalConfig | None:
    """The environment's own portal configuration; None where it has none, or another one is used instead."""
    values = Gen3Values(state)
    written = state.values.get(PORTAL)
    if not values.on("portal") or not isinstance(written, str) or not written.strip():
        return None
    if values.get("portal.customConfig.enabled") is True or values.text("global.portalApp") not in ("", "gitops"):
        return None
    try:
        return PortalConfig(state, jsontext.parse(written))
    except jsontext.JsonError as error:
        return PortalConfig(state, None, error)


def guppy_indices(state: EnvironmentState) -> dict[str, str] | None:
    """Index by its type, as Guppy serves them; None where there is no Guppy, or not everything is known of it."""
    values = Gen3Values(state)
    if not values.on("guppy") or not values_complete(state):
        return None
    indices: dict[str, str] = {}
    for entry in items(values.get("guppy.indices")):
        if isinstance(entry, Mapping) and text(entry.get("type")) and text(entry.get("index")):
            indices.setdefault(entry["type"], entry["index"])
    return indices or None


def dictionary_url(state: EnvironmentState) -> str:
    """Where the environment's services read their data dictionary; "" if that is not known."""
    if not state.written(DICTIONARY) and not values_complete(state):
        return ""  # the value file that is missing may well say it
    return text(state.get(DICTIONARY)).strip()


def dictionary(state: EnvironmentState) -> Dictionary | CsocError:
    """The environment's data dictionary, or why it cannot be had."""
    url = dictionary_url(state)
    fetch: Dictionaries | None = state.context.get("dictionaries")
    if fetch is None:
        return UnavailableError("No way to fetch data dictionaries was given", place=url)
    if not url:
        return UnavailableError("no value file that is there says where it is", fix="Set global.dictionaryUrl")
    return fetch(url)

"""The port to published data dictionaries: where they come from is an adapter's business.

Only a dictionary knows whether an ETL mapping's names exist. It is published on the web, under an address that a
repository names, so that fetching it is bounded and checked like any other fetch; and it is kept, since the same
version is asked for by every check of every day.
"""

from __future__ import annotations

from typing import Protocol

from csoc.errors import CsocError, UnavailableError
from csoc.fleet.values import EffectiveValues
from csoc.gen3.data_model.dictionary import Dictionary


class Dictionaries(Protocol):
    """Dictionaries by address. Contract: tests/contract/test_dictionaries.py."""

    def fetch(self, url: str) -> Dictionary:
        """The dictionary at a URL. A copy is used while it is fresh, and also when the network is away; the dictionary
        then has a note that says so.

        Raises DeniedError (not an address that csoc may contact, or the server refuses), NotFoundError, RejectedError
        (not a dictionary, or larger than any), UnavailableError (cannot be reached, and there is no copy).
        """


class NoDictionaries:
    """Stands where nothing may be fetched: every dictionary is out of reach, and checks say so."""

    def fetch(self, url: str) -> Dictionary:
        """See the port. Always raises UnavailableError."""
        raise UnavailableError("csoc was told to fetch nothing", place=url)


# Of the chart, where values do not say (gen3-helm, values.yaml, up to 0.3.90).
DEFAULT_URL = "https://s3.amazonaws.com/dictionary-artifacts/datadictionary/develop/schema.json"


class Lookup:
    """Dictionaries for one check: each is asked for once, and an error is an answer. Given to rules as
    context["dictionaries"]."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._dictionaries = dictionaries
        self._known: dict[str, Dictionary | CsocError] = {}

    def __call__(self, url: str) -> Dictionary | CsocError:
        """The dictionary at a URL, or why it cannot be had."""
        if url not in self._known:
            try:
                self._known[url] = self._dictionaries.fetch(url)
            except CsocError as error:
                self._known[url] = error
        return self._known[url]

    def seen(self, values: EffectiveValues) -> str:
        """What an environment's check rests on here: the dictionary's digest and note, or why there is none; "" for
        values that nothing would be checked in."""
        if not (values.has("etl.etlMapping") or values.has("portal.gitops.json")):
            return ""
        url = values.get("global.dictionaryUrl") or DEFAULT_URL
        if not isinstance(url, str):
            return ""
        found = self(url.strip())
        return f"{found.digest} {found.note}" if isinstance(found, Dictionary) else f"{found.kind.value} {found}"

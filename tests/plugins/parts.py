"""The table of everything that a machine may lack, and how each is found. Adding a part is adding a row here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed import cache, catalogue, debian
from tests.plugins.optional_parts import Found, Missing, OptionalPart

ROOT = Path(__file__).resolve().parents[2]


def _find_real() -> Found | Missing:
    named = os.environ.get("CSOC_REAL")
    folder = Path(named) if named else ROOT.parent / "shared" / "real"
    if folder.is_dir() and any(folder.iterdir()):
        return Found(folder.resolve())
    place = f"CSOC_REAL names {named}, which is not a folder with something in it" if named else "CSOC_REAL is not set"
    return Missing(place, "set CSOC_REAL to a folder with other people's GitOps repositories")


def _find_made(part: str, made: Sequence[str]) -> Callable[[], Found | Missing]:
    """The testbed's cache if everything that it makes for the part is there, and the commands that the part needs."""

    def find() -> Found | Missing:
        absent = [catalogue.ALL[name] for name in made if catalogue.ALL[name].find() is None]
        lacking = debian.why_not(part, made=not absent)
        if lacking is not None:
            return Missing(*lacking)
        for thing in absent:
            reason = thing.why_not() or "it has not been built"
            return Missing(reason if thing.name == part else f"{thing.name}: {reason}", "make testbed")
        folder = catalogue.ALL[part].find() if part in made else cache.cache_folder()
        return Found(folder or cache.cache_folder())

    return find


def _find_squid() -> Found | Missing:
    found = _find_made("squid", [])()
    if isinstance(found, Found) and os.getuid() != 0:
        return Missing("a network of its own needs the rights of root", "run the suites as root")
    return found


PARTS = (
    OptionalPart("real", "other people's GitOps repositories", _find_real, frozenset({"real"})),
    OptionalPart(
        "helm", "the helm command, the oracle for rendering", _find_made("helm", ["helm"]), frozenset({"helm_program"})
    ),
    OptionalPart("gitea", "a real Git host", _find_made("gitea", ["gitea"]), frozenset({"gitea", "gitea_repository"})),
    OptionalPart(
        "kubernetes",
        "real clusters with Argo CD",
        _find_made("kubernetes", ["kubernetes", "kwok", "helm"]),
        frozenset({"cluster", "second_cluster", "delivery", "kube_namespace"}),
    ),
    OptionalPart(
        "keycloak", "a real OpenID provider", _find_made("keycloak", ["keycloak"]), frozenset({"keycloak", "realm"})
    ),
    OptionalPart("postgres", "a real PostgreSQL", _find_made("postgres", []), frozenset({"postgres", "database"})),
    OptionalPart("cdk", "the program cdk, which makes templates of an exported document", _find_made("cdk", ["cdk"])),
    OptionalPart("squid", "a real squid in a network of its own", _find_squid, frozenset({"squid"})),
)

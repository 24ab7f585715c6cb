"""What names give away: stages in hostnames and Application names, and which hostnames belong to one commons.

People put the stage into almost every name, but each in a place of their own ("staging.chordshealth.org", "brhstaging",
"ardac1prd"), so words are looked for in labels, at their ends, and with digits around them. Names are weak evidence:
callers ask them in order of trust and keep the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from csoc.fleet.documents.base import NAME_LENGTH, NAME_PATTERN

DEFAULT_STAGES = ("dev", "qa", "staging", "prod")

# Word to stage. Order of stages as most teams promote.
_STAGE_OF = {
    "dev": "dev",
    "develop": "dev",
    "development": "dev",
    "sandbox": "dev",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "qa": "qa",
    "uat": "uat",
    "stg": "staging",
    "stage": "staging",
    "staging": "staging",
    "preprod": "preprod",
    "preproduction": "preprod",
    "demo": "demo",
    "dmo": "demo",
    "prd": "prod",
    "prod": "prod",
    "production": "prod",
}
STAGE_ORDER = ("dev", "test", "qa", "uat", "demo", "staging", "preprod", "prod")

# Words that may be glued to others ("brhstaging", "healpreprod"), longest first. Two-letter words and words that end
# ordinary English ones ("latest", "live") only count when they stand alone.
_GLUED = ("preproduction", "production", "preprod", "staging", "dev", "prod", "prd", "dmo", "stg", "demo", "qa")
_MINIMUM_REST = {"dev": 3, "qa": 3, "demo": 3}

# Labels that say nothing about which commons it is.
_GENERIC = frozenset({"www", "portal", "new", "next", "old", "archive", "gen3", "data", "blue", "green", "helm"})
_SLUG_LENGTH = 50
# "unknown" says that something is not known; the others are devices and no folders on some computers.
_RESERVED = frozenset(
    {"unknown", "con", "prn", "aux", "nul", *(f"{device}{number}" for device in ("com", "lpt") for number in range(10))}
)
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})


@dataclass(frozen=True, slots=True)
class StageWord:
    """A stage found in a name: the word as written, the stage, and what is left of the label without it."""

    word: str
    stage: str
    rest: str


def stage_order(stage: str) -> int:
    """Where a stage stands in the usual promotion order; unknown ones come first."""
    return STAGE_ORDER.index(stage) if stage in STAGE_ORDER else -1


def find_stage(name: str) -> StageWord | None:
    """The stage that a name gives away, or None. Whole words win over glued ones."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    for word in words:
        bare = word.strip("0123456789")
        if bare in _STAGE_OF:
            return StageWord(word, _STAGE_OF[bare], "")
    for word in words:
        found = _glued_stage(word)
        if found:
            return found
    return None


def _glued_stage(word: str) -> StageWord | None:
    bare = word.rstrip("0123456789")
    for ending in _GLUED:
        rest = bare.removesuffix(ending)
        if rest == bare or not rest:
            continue
        digit_before = rest[-1].isdigit()
        if digit_before or len(rest) >= _MINIMUM_REST.get(ending, 2):
            return StageWord(word, _STAGE_OF[ending], rest)
    # "chordstagingargo": only words too long to be part of another one.
    for inner in ("preprod", "staging"):
        position = bare.find(inner)
        if position >= 0:
            return StageWord(word, _STAGE_OF[inner], bare[:position] + bare[position + len(inner) :])
    return None


def registrable(hostname: str) -> tuple[list[str], list[str]]:
    """A hostname's labels as (in front, registrable domain): "a.b.example.org" gives (["a", "b"], ["example", "org"]).

    Country domains with a general second level ("ac.uk", "org.au") count three labels.
    """
    labels = hostname.lower().strip(".").split(".")
    count = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return labels[:-count], labels[-count:]


def commons_key(hostname: str) -> str:
    """What the hostnames of one commons have in common: stage words and labels that say nothing are taken out."""
    front, domain = registrable(hostname)
    kept = []
    for label in front:
        parts = []
        for part in label.split("-"):
            found = find_stage(part)
            rest = found.rest if found else part
            if rest and rest not in _GENERIC:
                parts.append(rest)
        if parts:
            kept.append("-".join(parts))
    return ".".join((*kept, *domain))


def commons_names(keys: Iterable[str]) -> dict[str, str]:
    """A short, unique name for each commons key: the first label, longer where two would be the same."""
    labels = {key: key.split(".") for key in sorted(set(keys))}
    count = Counter(tuple(parts[:length]) for parts in labels.values() for length in range(1, len(parts) + 1))
    names: dict[str, str] = {}
    used: set[str] = set()
    for key, parts in labels.items():
        length = next((n for n in range(1, len(parts)) if count[tuple(parts[:n])] == 1), len(parts))
        name = base = slug("-".join(parts[:length]))
        number = 2
        while name in used:
            name, number = f"{base}-{number}", number + 1
        names[key] = name
        used.add(name)
    return names


def slug(text: str) -> str:
    """Text as a DNS label that can also name a folder: lower-case letters, digits, single hyphens, at most 51 long; "x"
    if nothing is left."""
    made = re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9-]+", "-", text.lower())).strip("-")[:_SLUG_LENGTH].strip("-")
    return made if made and made[0].isalpha() and made not in _RESERVED else f"x{made}"


def document_name(text: str) -> str:
    """Text as the name of a csoc document: as it is where that is possible, else each label as `slug` makes it."""
    first = text.partition(".")[0]
    if len(text) <= NAME_LENGTH and re.fullmatch(NAME_PATTERN, text) and first not in _RESERVED:
        return text
    return ".".join(slug(label) for label in text.split(".") if label)[:NAME_LENGTH].strip(".-") or "x"


def distinct_names(texts: Iterable[str], name_of: Callable[[str], str]) -> dict[str, str]:
    """A name for each text, different for different ones: "Prod" and "prod" are two clusters. A text that is its own
    name keeps it."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for text in sorted(set(texts), key=lambda text: (name_of(text) != text, text)):
        name = base = name_of(text)
        number = 2
        while name in used:
            name, number = f"{base[: NAME_LENGTH - 8].rstrip('.-')}-{number}", number + 1
        names[text] = name
        used.add(name)
    return names


def is_hostname(text: str) -> bool:
    """True for a DNS name with at least two labels."""
    return (
        len(text) <= 253
        and re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", text.lower()) is not None
    )

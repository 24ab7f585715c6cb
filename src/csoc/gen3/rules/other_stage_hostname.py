"""A page or a service of production that leads to staging: links are copied with the values that hold them.

Only hostnames of the same commons count, and only those whose own name says a lower stage; a lower stage that leads to
production is common and harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.fleet.values import Path
from csoc.gen3.adoption.naming import commons_key, find_stage, is_hostname, registrable, stage_order
from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState

_PRODUCTION = "prod"
_ADDRESS = 300  # characters of a value that is an address itself, and not a text that names one among others
_MAXIMUM = 2_000_000  # characters of one value beyond which nothing is a configuration


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each hostname of a lower stage that production's values name, with every place."""
    own = state.view.hostname.value.lower()
    if state.view.stage.value != _PRODUCTION or not state.view.hostname.known or not is_hostname(own):
        return
    domain = ".".join(registrable(own)[1])
    pattern = re.compile(r"(?<![\w.@-])(?:[a-z0-9-]{1,63}\.){1,6}" + re.escape(domain) + r"(?![\w-]|\.[a-z0-9])", re.I)
    places: dict[str, list[Path]] = {}
    for path, value in state.values.walk():
        if not isinstance(value, str) or domain not in value[:_MAXIMUM].lower():
            continue
        for name in dict.fromkeys(found.lower() for found in pattern.findall(value[:_MAXIMUM])):
            if _is_lower_stage(own, name):
                places.setdefault(name, []).append(path)
    for name, paths in places.items():
        addressed = any(len(str(state.values.get(path))) < _ADDRESS for path in paths)
        yield Hit(
            cause=f"Production ({own}) names {name} in its values",
            key=f"{own} {name}",
            severity=Severity.MEDIUM if addressed else Severity.LOW,
            evidence=tuple(state.at(path, f"{'.'.join(map(str, path))} names {name}") for path in paths),
        )


def _is_lower_stage(own: str, name: str) -> bool:
    """True if both are hostnames of one commons, and the name says a lower stage than production."""
    if name == own or commons_key(name) != commons_key(own):
        return False
    labels = registrable(name)[0]
    found = find_stage(".".join(labels)) if labels else None
    return found is not None and 0 <= stage_order(found.stage) < stage_order(_PRODUCTION) and found.stage != "demo"


RULE = Rule(
    id="other-stage-hostname",
    title="Production names a hostname of a lower stage",
    severity=Severity.MEDIUM,
    consequence=(
        "A link or a call there leads from production to the lower stage, with its data and its sign-in; "
        "in a list of allowed origins it lets production's pages talk to the lower stage."
    ),
    fix="Write production's own hostname there, or a path without a hostname.",
    covers=("fleet",),
    environment=check,
)

"""The data dictionary is read from a URL when services start; one of a branch changes what data is valid overnight."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from csoc.fleet.shapes import text
from csoc.gen3.findings import Severity
from csoc.gen3.images import is_moving
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import is_trial
from csoc.gen3.state import EnvironmentState

_PATH = "global.dictionaryUrl"
_SCHEMA = re.compile(r"schema\.json|.*\.json")


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the folder that holds the schema has a branch's name. Somewhere to try things is left alone."""
    if not state.written(_PATH) or is_trial(state):
        return
    folder = _folder(text(state.get(_PATH)))
    if is_moving(folder):
        production = state.view.stage.value == "prod"
        yield Hit(
            cause=f"The data dictionary is the one of the branch {folder}",
            key=f"{text(state.get(_PATH))}",
            evidence=(state.at(_PATH),),
            severity=Severity.MEDIUM if production else Severity.LOW,
        )


def _folder(url: str) -> str:
    """The last folder of the URL's path, which Gen3's builds name after the tag or branch of the dictionary."""
    try:
        steps = [unquote(step) for step in urlsplit(url).path.split("/") if step]
    except ValueError:
        return ""
    return steps[-2] if len(steps) > 2 and _SCHEMA.fullmatch(steps[-1]) else ""


RULE = Rule(
    id="dictionary-not-pinned",
    title="A data dictionary that follows a branch",
    severity=Severity.MEDIUM,
    consequence=(
        "A push to the dictionary changes what sheepdog accepts and peregrine shows at their next restart, "
        "while the ETL mapping and the portal still expect the old one."
    ),
    fix=f"Set {_PATH} to the schema of a release, such as .../<dictionary>/1.2.0/schema.json.",
    covers=("fleet",),
    environment=check,
)

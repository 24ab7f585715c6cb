"""The table of everything that a machine may lack, and how each is found. Adding a part is adding a row here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from testbed import binaries
from tests.plugins.optional_parts import Found, Missing, OptionalPart

ROOT = Path(__file__).resolve().parents[2]


def _find_real() -> Found | Missing:
    named = os.environ.get("CSOC_REAL")
    folder = Path(named) if named else ROOT.parent / "shared" / "real"
    if folder.is_dir() and any(folder.iterdir()):
        return Found(folder.resolve())
    place = f"CSOC_REAL names {named}, which is not a folder with something in it" if named else "CSOC_REAL is not set"
    return Missing(place, "set CSOC_REAL to a folder with other people's GitOps repositories")


def _find_program(name: str, commands: Sequence[str] = ()) -> Callable[[], Found | Missing]:
    def find() -> Found | Missing:
        absent = [command for command in commands if shutil.which(command) is None]
        if absent:
            return Missing(f"{' and '.join(absent)} missing", f"apt-get install {' '.join(absent)}")
        program = binaries.PROGRAMS[name]
        folder = binaries.find(program)
        if folder is not None:
            return Found(folder)
        return Missing(binaries.why_not(program) or "it has not been built", "make testbed")

    return find


PARTS = (
    OptionalPart("real", "other people's GitOps repositories", _find_real, frozenset({"real"})),
    OptionalPart(
        "helm", "the helm command, the oracle for rendering", _find_program("helm"), frozenset({"helm_program"})
    ),
    OptionalPart("gitea", "a real Git host", _find_program("gitea", ["git"]), frozenset({"gitea", "gitea_repository"})),
)

"""Names of revisions, branches, versions and paths, checked before they reach Git or a chart's host.

They come from documents that anyone may have written, and Git gives some characters a meaning. csoc runs no git
program, so a name cannot become an option; but what is refused here can also not become one in a command that a reader
copies from a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from csoc.errors import RejectedError
from csoc.fleet.versions import Constraint

_FORBIDDEN = re.compile(r"\.\.|@\{|//|/\.|\.lock(/|\Z)|[\x00-\x20\x7f~^:?*\[\\]")
_STEPS = re.compile(r"((?:~[0-9]{0,4}|\^)*)\Z")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LENGTH = 250


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision taken apart: a name ("main", "HEAD", "refs/tags/v1", a commit) and how many first parents back."""

    name: str
    back: int = 0

    @property
    def is_commit(self) -> bool:
        """True for 40 hex digits: a commit, whatever branches are called."""
        return len(self.name) == 40 and self.may_be_commit

    @property
    def may_be_commit(self) -> bool:
        """True for 7 to 40 hex digits: a commit, if no branch or tag is called so."""
        return _COMMIT.fullmatch(self.name) is not None

    def references(self) -> tuple[str, ...]:
        """Full names of references that may be meant, best first: branches before tags, as Argo CD does."""
        if self.name.startswith("refs/"):
            return (self.name,)
        return (f"refs/heads/{self.name}", f"refs/tags/{self.name}")


def parse_revision(text: str) -> Revision:
    """Takes a revision apart. "~2" and "^" at the end step back. Raises RejectedError for what cannot be a name."""
    steps = _STEPS.search(text)
    name, tail = (text[: steps.start()], steps[1]) if steps and len(text) < _LENGTH else (text, "")
    back = sum(int(step[1:]) if len(step) > 1 else 1 for step in re.findall(r"~[0-9]*|\^", tail))
    return Revision(_checked(name, "revision"), back)


def check_revision(text: str, *, packed: bool | None = None) -> str:
    """A revision as an Application or a document names it; "" means the newest, or the default branch.

    packed: True for a chart in a Helm repository or registry (a version, a constraint, or a manifest's digest), False
    for Git (a name or a commit; Argo CD takes constraints on tags there too), None if that is not known. Raises
    RejectedError.
    """
    is_constraint = text.isprintable() and Constraint.parse(text) is not None  # white space counts for nothing there
    if not text or is_constraint or (packed is not False and _DIGEST.fullmatch(text)):
        return text
    if packed:
        raise RejectedError(
            "This is neither a version nor a constraint on versions",
            place=_shown(text),
            fix='Write it as in "1.2.3", "~1.2" or ">=1.2 <2"',
        )
    if parse_revision(text).back:
        raise RejectedError("Argo CD does not step back from a revision", place=_shown(text), fix="Name the commit")
    return text


def check_branch(name: str) -> str:
    """A branch's short name, as it may be written to. Raises RejectedError."""
    if name in ("HEAD", "@") or name.startswith("refs/"):
        raise RejectedError("A branch must be named without refs/, and not HEAD", place=_shown(name))
    return _checked(name, "branch")


def check_path(path: str) -> str:
    """A path inside a repository, as it may be written to. Raises RejectedError."""
    parts = path.split("/")
    # ".git" in any case, and its old short name, would be a way into the repository itself on some machines.
    bad = any(part in ("", ".", "..") or part.lower().rstrip(". ") in (".git", "git~1") for part in parts)
    if bad or len(path.encode()) > 4_000 or not path.isprintable() or "\\" in path:
        raise RejectedError(
            "The path cannot be written to", place=_shown(path), fix="Use a plain path inside the repository"
        )
    return path


def _checked(name: str, what: str) -> str:
    if name.startswith("-"):
        raise RejectedError(f'A {what} must not begin with "-"', place=_shown(name))
    if (
        name in ("", "@")
        or len(name) > _LENGTH
        or not name.isprintable()
        or name.endswith((".", "/"))
        or name.startswith((".", "/"))
    ):
        raise RejectedError(f"This is not the name of a {what}", place=_shown(name))
    if _FORBIDDEN.search(name):
        raise RejectedError(f"The name of a {what} holds what Git does not allow there", place=_shown(name))
    return name


def _shown(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:80])

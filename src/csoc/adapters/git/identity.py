"""Who commits, where nobody was named: the settings first, then what Git itself would use."""

from __future__ import annotations

import pygit2

from csoc.config import Settings
from csoc.errors import RejectedError


def author_of(settings: Settings) -> tuple[str, str]:
    """Name and mail address for commits. Raises RejectedError if neither the settings nor Git's have them."""
    name = settings.author.name or _configured("user.name")
    mail = settings.author.email or _configured("user.email")
    if not name or not mail:
        raise RejectedError(
            "Nobody is named as the author of the commit",
            fix="Set [author] name and email in the settings of csoc, or user.name and user.email in Git's",
        )
    return name, mail


def _configured(key: str) -> str:
    for find in (pygit2.Config.get_global_config, pygit2.Config.get_xdg_config, pygit2.Config.get_system_config):
        try:
            value = find()[key]
        except (OSError, KeyError, pygit2.GitError):
            continue
        if value:
            return value
    return ""

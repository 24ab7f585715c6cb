"""What an Application tells Argo CD to leave alone when it synchronises."""

from __future__ import annotations

import fnmatch

from csoc.fleet.argocd.model import Application, IgnoredDifference

_RESPECT = "RespectIgnoreDifferences=true"
_CONTENT = ("data", "stringData", "spec")


def keeps_live(application: Application, group: str, kind: str, name: str) -> bool:
    """True if an object's content in the cluster survives a synchronisation: its differences are ignored, and the
    Application says that this holds when it synchronises as well."""
    if _RESPECT not in application.sync_options:
        return False
    return any(_covers(item, group, kind, name) for item in application.ignored)


def _covers(item: IgnoredDifference, group: str, kind: str, name: str) -> bool:
    asked = ((item.group, group), (item.kind, kind), (item.name, name))
    fits = all(pattern in ("", "*") or fnmatch.fnmatchcase(value, pattern) for pattern, value in asked)
    return fits and any(_is_content(part) for part in item.parts)


def _is_content(part: str) -> bool:
    """True if a JSON pointer ("/data") or jq expression (".data") is about the content as a whole or a part of it."""
    first = part.lstrip("/.").replace("/", ".").split(".")[0].split("[")[0]
    return first in _CONTENT

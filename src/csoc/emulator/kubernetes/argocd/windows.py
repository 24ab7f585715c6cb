"""Sync windows of an AppProject: when its Applications may be synced, by themselves or by hand.

Source: Argo CD pkg/apis/application/v1alpha1/types.go (SyncWindows.Matches, active, CanSync, hasDeny, manualEnabled).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csoc.emulator.kubernetes.argocd.projects import NAME, SERVER
from csoc.emulator.kubernetes.controllers.cron import ScheduleError, parse

Body = Mapping[str, Any]
BLOCKED = "Sync operation blocked by sync window"
_DURATION = re.compile(r"(?:\d{1,6}(?:\.\d{1,3})?(?:h|m|s))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class WindowError(ValueError):
    """A window that cannot be understood: nothing is synced while its project has it."""


def blocked(project: Body, application: Body, now: datetime, *, manual: bool) -> str:
    """Why the Application may not be synced now; "" if it may."""
    spec = project.get("spec") or {}
    windows = [one for one in spec.get("syncWindows") or () if isinstance(one, Mapping) and _matches(one, application)]
    try:
        active = [one for one in windows if _is_active(one, now)]
    except WindowError as error:
        return f"{BLOCKED}: {error}"
    denies = [one for one in active if one.get("kind") == "deny"]
    if denies:
        return "" if manual and _all_manual(denies) else BLOCKED
    if any(one.get("kind") == "allow" for one in active):
        return ""
    allows = [one for one in windows if one.get("kind") == "allow"]
    if allows:
        return "" if manual and _all_manual(allows) else BLOCKED
    return ""


def _all_manual(windows: Sequence[Body]) -> bool:
    return all(one.get("manualSync") is True for one in windows)


def _matches(window: Body, application: Body) -> bool:
    destination = (application.get("spec") or {}).get("destination") or {}
    found = []
    if window.get("applications"):
        found.append(_any(window["applications"], [str(application["metadata"]["name"])]))
    if window.get("clusters"):
        # The destination may be named or addressed; here both are this cluster.
        named = str(destination.get("name") or NAME), str(destination.get("server") or SERVER)
        found.append(_any(window["clusters"], named))
    if window.get("namespaces"):
        found.append(_any(window["namespaces"], [str(destination.get("namespace") or "")]))
    return bool(found) and (all(found) if window.get("andOperator") is True else any(found))


def _any(patterns: Any, values: Sequence[str]) -> bool:
    written = patterns if isinstance(patterns, list) else []
    return any(fnmatchcase(value, str(pattern)) for pattern in written for value in values)


def _is_active(window: Body, now: datetime) -> bool:
    """Whether the time of its last beginning is not over."""
    zone_name, schedule = str(window.get("timeZone") or "UTC"), str(window.get("schedule") or "")
    duration = str(window.get("duration") or "")
    if not _DURATION.fullmatch(duration):
        raise WindowError(f"cannot parse duration '{duration[:100]}'")
    try:
        lasts = timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration)))
    except OverflowError as error:
        raise WindowError(f"cannot parse duration '{duration[:100]}'") from error
    try:
        local = now.astimezone(ZoneInfo(zone_name))
        begins = parse(schedule).after(local - lasts)
    except (ZoneInfoNotFoundError, ValueError, OverflowError) as error:
        what = f"schedule '{schedule[:100]}'" if isinstance(error, ScheduleError) else f"timeZone '{zone_name[:100]}'"
        raise WindowError(f"cannot parse {what}: {error}") from error
    return begins is not None and begins < local

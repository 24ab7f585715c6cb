"""Small things that every controller does with objects: keys, owners, conditions, times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from csoc.emulator.kubernetes.store import Key, Object

_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def stamp(at: datetime) -> str:
    """A time as metav1.Time is written."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def key_of(group: str, resource: str, body: Mapping[str, Any]) -> Key:
    """Where an object of a resource is."""
    metadata = body["metadata"]
    return Key(group, resource, metadata.get("namespace", ""), metadata["name"])


def uid_of(body: Mapping[str, Any]) -> str:
    return str(body["metadata"].get("uid", ""))


def name_of(body: Mapping[str, Any]) -> str:
    return str(body["metadata"]["name"])


def namespace_of(body: Mapping[str, Any]) -> str:
    return str(body["metadata"].get("namespace", ""))


def deleting(body: Mapping[str, Any]) -> bool:
    """Whether somebody asked for its deletion."""
    return bool(body["metadata"].get("deletionTimestamp"))


def controller_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner that manages it, as an ownerReference."""
    for owner in body["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            found: Mapping[str, Any] = owner
            return found
    return None


def owned_by(body: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Whether that object controls this one."""
    found = controller_of(body)
    return found is not None and found.get("uid") == uid_of(owner)


def owner_reference(owner: Mapping[str, Any]) -> Object:
    """The reference that what it makes carries."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def digest(value: Any, length: int = 10) -> str:
    """A short name for a value, of the letters that generated names are made of."""
    data = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return "".join(_SAFE[byte % len(_SAFE)] for byte in data[:length])


def condition(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One of status.conditions; {} if it is not there."""
    for found in (body.get("status") or {}).get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return {}


def is_true(body: Mapping[str, Any], kind: str) -> bool:
    """Whether a condition is there and True."""
    return condition(body, kind).get("status") == "True"


def with_condition(
    conditions: Sequence[Mapping[str, Any]],
    kind: str,
    status: bool | str,
    reason: str,
    message: str,
    now: str,
    *,
    updated: bool = False,
) -> list[Object]:
    """The conditions with one set. lastTransitionTime changes with the status only. updated: also keeps a
    lastUpdateTime, which changes with reason and message."""
    value = status if isinstance(status, str) else str(status)
    new: Object = {"type": kind, "status": value, "lastTransitionTime": now}
    new |= {"reason": reason} if reason else {}
    new |= {"message": message} if message else {}
    if updated:
        new["lastUpdateTime"] = now
    found: list[Object] = []
    placed = False
    for old in conditions:
        if old.get("type") != kind:
            found.append(dict(old))
            continue
        if old.get("status") == value:
            new["lastTransitionTime"] = old.get("lastTransitionTime", now)
            if updated and (old.get("reason", ""), old.get("message", "")) == (reason, message):
                new["lastUpdateTime"] = old.get("lastUpdateTime", now)
        found.append(new)
        placed = True
    return found if placed else [*found, new]


def without_condition(conditions: Sequence[Mapping[str, Any]], kind: str) -> list[Object]:
    return [dict(one) for one in conditions if one.get("type") != kind]


def labels_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}


def annotations_of(body: Mapping[str, Any]) -> Mapping[str, str]:
    return body["metadata"].get("annotations") or {}


def scaled(value: Any, total: int, *, up: bool) -> int:
    """An int or percentage (IntOrString) of a total."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total
        return -(-share // 100) if up else share // 100
    return int(value)


_SUFFIXES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}


def quantity(text: Any) -> float:
    """A resource.Quantity as a number. Raises ValueError for what is none."""
    written = str(text)
    for suffix, factor in _BINARY.items():
        if written.endswith(suffix):
            return float(written[: -len(suffix)]) * factor
    if written and written[-1] in _SUFFIXES:
        return float(written[:-1]) * _SUFFIXES[written[-1]]
    return float(written)


def names(items: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(item.get("name", "")) for item in items]

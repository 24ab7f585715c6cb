"""CustomResourceDefinitions: what they must say, and how their kinds come into being.

Source: apiextensions-apiserver, pkg/apis/apiextensions/validation and pkg/controller/status/naming_controller.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds import custom
from csoc.emulator.kubernetes.store import Key

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
_PLACE = ("apiextensions.k8s.io", "customresourcedefinitions")
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


def check(new: Object, live: Object | None) -> None:
    """Fills in what the server adds. Raises ApiError Invalid."""
    spec = new.get("spec") or {}
    names = spec.setdefault("names", {})
    if names.get("kind"):
        names.setdefault("listKind", f"{names['kind']}List")
        names.setdefault("singular", names["kind"].lower())
    spec.setdefault("conversion", {"strategy": "None"})
    causes = list(_problems(new, spec, names))
    if causes:
        raise errors.invalid("CustomResourceDefinition", _PLACE[0], new["metadata"].get("name", ""), causes)
    if live is not None and "status" in live:
        return
    stored = [one["name"] for one in spec["versions"] if one.get("storage")]
    new["status"] = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}


def _cause(field: str, reason: str, message: str) -> dict[str, str]:
    return {"field": field, "reason": reason, "message": message}


def _problems(new: Object, spec: Object, names: Object) -> Iterator[dict[str, str]]:
    for field in ("group", "scope"):
        if not spec.get(field):
            yield _cause(f"spec.{field}", "FieldValueRequired", "Required value")
    for field in ("plural", "kind"):
        if not names.get(field):
            yield _cause(f"spec.names.{field}", "FieldValueRequired", "Required value")
    wanted = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if new["metadata"].get("name") != wanted:
        why = f'Invalid value: "{new["metadata"].get("name")}": must be spec.names.plural+"."+spec.group'
        yield _cause("metadata.name", "FieldValueInvalid", why)
    versions = spec.get("versions") or []
    if not versions:
        yield _cause("spec.versions", "FieldValueRequired", "Required value")
    if versions and sum(bool(one.get("storage")) for one in versions) != 1:
        why = 'Invalid value: "versions": must have exactly one version marked as storage version'
        yield _cause("spec.versions", "FieldValueInvalid", why)
    for index, version in enumerate(versions):
        place, schema = f"spec.versions[{index}].schema.openAPIV3Schema", version.get("schema") or {}
        if not schema.get("openAPIV3Schema"):
            yield _cause(place, "FieldValueRequired", "Required value: schemas are required")
        for field, pattern, why in custom.wrong_patterns(schema.get("openAPIV3Schema"), place):
            told = f"must be a valid regular expression, but isn't: error parsing regexp: {why}: `{pattern[:200]}`"
            yield _cause(field, "FieldValueInvalid", f"Invalid value: {json.dumps(pattern[:200])}: {told}")
    yield from _conversion_problems((spec.get("conversion") or {}).get("strategy"))


def _conversion_problems(webhook: Any) -> Iterator[dict[str, str]]:
    if webhook not in ("None", "Webhook"):
        why = f'Unsupported value: "{webhook}": supported values: "None", "Webhook"'
        yield _cause("spec.conversion.strategy", "FieldValueNotSupported", why)
    if webhook == "Webhook":
        why = 'Invalid value: "Webhook": the emulator calls no webhooks: use the strategy None'
        yield _cause("spec.conversion.strategy", "FieldValueInvalid", why)


def establish(objects: Objects, name: str) -> None:
    """Accepts the names of a definition, or says who has them already. What goes with it, its controller takes away."""
    store = objects.store
    key = Key(*_PLACE, "", name)
    found = store.get(key)
    if found is None:
        return
    status = found.setdefault("status", {})
    taken = _taken(objects, found)
    now = objects.stamp()
    stored = status.get("storedVersions") or []
    wanted = [one["name"] for one in found["spec"]["versions"] if one.get("storage")]
    status["storedVersions"] = [*stored, *(one for one in wanted if one not in stored)]
    if taken:
        accepted = {"status": "False", "reason": "MultipleNamesNotAllowed", "message": taken}
        if not any(one.get("type") == "Established" for one in status.get("conditions") or ()):
            told = "not all names are accepted"
            _condition(status, "Established", {"status": "False", "reason": "NotAccepted", "message": told}, now)
        _condition(status, "NamesAccepted", accepted, now)
    else:
        status["acceptedNames"] = found["spec"]["names"]
        accepted = {"status": "True", "reason": "NoConflicts", "message": "no conflicts found"}
        _condition(status, "NamesAccepted", accepted, now)
        told = "the initial names have been accepted"
        _condition(status, "Established", {"status": "True", "reason": "InitialNamesAccepted", "message": told}, now)
    finalizers = found["metadata"].get("finalizers", [])
    if "deletionTimestamp" not in found["metadata"] and CLEANUP not in finalizers:
        found["metadata"]["finalizers"] = [*finalizers, CLEANUP]
    store.put(key, found)


def _taken(objects: Objects, definition: Object) -> str:
    """Why the names cannot be accepted, "" if they can."""
    spec = definition["spec"]
    names = spec["names"]
    for type_ in objects.types:
        if type_.group != spec["group"] or type_.plural == names["plural"]:
            continue
        if type_.kind == names["kind"]:
            return f'"{names["kind"]}" is already in use'
        if names["plural"] in (type_.singular, *type_.short_names):
            return f'"{names["plural"]}" is already in use'
    return ""


def _condition(status: Object, kind: str, told: dict[str, str], now: str) -> None:
    conditions = status.get("conditions") or []
    kept = next((one for one in conditions if one.get("type") == kind), None)
    if kept is not None and kept["status"] == told["status"]:
        kept.update(told)
    else:
        conditions = [one for one in conditions if one.get("type") != kind]
        conditions.append({"type": kind, "lastTransitionTime": now, **told})
    status["conditions"] = conditions

"""Label and field selectors. Source: apimachinery, pkg/labels/selector.go and pkg/fields/selector.go."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.types import ResourceType

Object = Mapping[str, Any]
Matches = Callable[[Object], bool]

_TERM = re.compile(
    r"\s*(?:(?P<not>!)\s*(?P<absent>[^\s,!=()<>]+)"
    r"|(?P<key>[^\s,!=()<>]+)\s*(?:(?P<op>==|=|!=|>|<)\s*(?P<value>[^\s,()=!<>]*)"
    r"|(?P<set>\s(?:in|notin))\s*\((?P<values>[^()]*)\))?)\s*(?:,|$)"
)

_MOST_TERMS, _MOST_SHOWN = 1_000, 200


def _check_count(terms: int) -> None:
    """Every object of a list is asked for every term, so there is an end to them, unlike on the real server."""
    if terms >= _MOST_TERMS:
        raise errors.bad_request(f"the emulator takes at most {_MOST_TERMS} requirements in a selector")


def label_matcher(text: str) -> Matches | None:
    """What `labelSelector` means; None for all objects. Raises ApiError BadRequest."""
    # One space is worth as many as there are, and an expression that tries each of them takes the square of the time.
    text = " ".join(text.split())
    if not text:
        return None
    terms: list[Callable[[Mapping[str, str]], bool]] = []
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None or found.end() == at:
            shown = text[at : at + _MOST_SHOWN]
            why = f'unable to parse requirement: found "{shown}", expected: an operator, a key or ","'
            raise errors.bad_request(why)
        _check_count(len(terms))
        terms.append(_label_term(found))
        at = found.end()

    def matches(body: Object) -> bool:
        labels = body.get("metadata", {}).get("labels") or {}
        return all(term(labels) for term in terms)

    return matches


def _label_term(found: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if found["not"]:
        absent = found["absent"]
        return lambda labels: absent not in labels
    key = found["key"]
    if found["set"]:
        values = {value.strip() for value in found["values"].split(",")}
        if found["set"].strip() == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    wanted, operator = found["value"], found["op"]
    if operator is None:
        return lambda labels: key in labels
    if operator in ("=", "=="):
        return lambda labels: labels.get(key) == wanted
    if operator == "!=":
        return lambda labels: labels.get(key) != wanted
    return _compared(key, operator, wanted)


def _compared(key: str, operator: str, wanted: str) -> Callable[[Mapping[str, str]], bool]:
    try:
        limit = int(wanted)
    except ValueError as error:
        why = f'for "Gt", "Lt" operators, the value must be an integer: {wanted!r}'
        raise errors.bad_request(f"unable to parse requirement: {why}") from error

    def term(labels: Mapping[str, str]) -> bool:
        value = labels.get(key, "")
        if not re.fullmatch(r"-?\d+", value):
            return False
        return int(value) > limit if operator == ">" else int(value) < limit

    return term


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches. None matches nothing, an empty one everything.

    Source: k8s.io/apimachinery v0.34, pkg/apis/meta/v1/helpers.go (LabelSelectorAsSelector).
    """
    if selector is None:
        return False
    for name, value in (selector.get("matchLabels") or {}).items():
        if labels.get(name) != value:
            return False
    return all(_meets(one, labels) for one in selector.get("matchExpressions") or ())


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    name, operator = expression.get("key", ""), expression.get("operator")
    values = expression.get("values") or ()
    if operator == "In":
        return labels.get(name) in values
    if operator == "NotIn":
        return labels.get(name) not in values
    if operator == "Exists":
        return name in labels
    return operator == "DoesNotExist" and name not in labels


# Fields that may be selected by, besides metadata.name and metadata.namespace.
# Source: Kubernetes, pkg/apis/*/v1/conversion.go and pkg/registry/*/strategy.go.
_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): (
        *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork"),
        *("status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
    ),
    ("", "events"): (
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        *("involvedObject.resourceVersion", "reason", "reportingComponent", "source", "type"),
    ),
    ("events.k8s.io", "events"): (
        *(f"regarding.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        *("regarding.resourceVersion", "reason", "reportingController", "type"),
    ),
    ("", "secrets"): ("type",),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "replicationcontrollers"): ("status.replicas",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("apps", "replicasets"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
    ("certificates.k8s.io", "certificatesigningrequests"): ("spec.signerName",),
}


def field_matcher(type_: ResourceType, text: str) -> Matches | None:
    """What `fieldSelector` means for a resource; None for all objects. Raises ApiError BadRequest."""
    if not text.strip():
        return None
    known = {"metadata.name", *(("metadata.namespace",) if type_.namespaced else ())}
    known.update(_FIELDS.get((type_.group, type_.plural), ()))
    if type_.custom is not None:
        known.update(path.removeprefix(".") for path in type_.custom.selectable_fields)
    terms: list[tuple[str, bool, str]] = []
    for part in text.split(","):
        _check_count(len(terms))
        found = re.search("!=|==|=", part)
        name = part[: found.start()].strip()[:_MOST_SHOWN] if found is not None else ""
        if found is None or not name:
            shown, about = part[:_MOST_SHOWN], text[:_MOST_SHOWN]
            raise errors.bad_request(f'invalid selector: "{about}"; can\'t understand "{shown}"')
        if name not in known:
            if type_.namespaced and not _FIELDS.get((type_.group, type_.plural)):
                why = f'"{name}" is not a known field selector: only "metadata.name", "metadata.namespace"'
                raise errors.bad_request(why)
            raise errors.bad_request(f"field label not supported: {name}")
        terms.append((name, found[0] != "!=", part[found.end() :].strip()))

    def matches(body: Object) -> bool:
        return all((_field(body, name) == wanted) is equal for name, equal, wanted in terms)

    return matches


def _field(body: Object, path: str) -> str:
    if path == "source":
        return str(body.get("source", {}).get("component", ""))
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if path in ("spec.unschedulable", "spec.hostNetwork") and value is None:
        return "false"
    return "" if value is None else str(value)

"""From a request for a resource to its answer: the verbs of the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.requests import Asked, Query
from csoc.emulator.kubernetes.api import answers, bodies, lists, watches
from csoc.emulator.kubernetes.api.answers import Answer
from csoc.emulator.kubernetes.api.shapes import Accepted, accepted
from csoc.emulator.kubernetes.kinds import conforming, schemas, subresources
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import admission, patches
from csoc.emulator.kubernetes.objects.options import IGNORE, STRICT, WARN, Body, Options
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.users import ANONYMOUS, User

Object = dict[str, Any]
_LONGEST_MANAGER = 128
_DELETE_OPTIONS = schemas.definition("meta.DeleteOptions")
_MANAGER_DEFAULT = "unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a cluster's API. headers: by lower-case name."""

    method: str
    asked: Asked
    query: Query
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User = ANONYMOUS

    def decoded(self) -> Body:
        """Raises ApiError."""
        return bodies.decode(self.body, self.headers.get("content-type", ""))


def handle(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    """Answers a request about a resource that is there. Raises ApiError."""
    asked = request.asked
    _check_scope(type_, asked)
    if asked.subresource:
        return _of_part(objects, type_, request)
    if asked.verb not in type_.all_verbs or (not asked.name and asked.verb in ("update", "patch")):
        raise not_allowed()
    return _VERBS[asked.verb](objects, type_, request)


def not_allowed() -> errors.ApiError:
    return errors.ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )


def not_there() -> errors.ApiError:
    return errors.ApiError(404, "NotFound", "the server could not find the requested resource", {})


def _check_scope(type_: ResourceType, asked: Asked) -> None:
    if type_.plural == "namespaces" and not type_.group:
        return
    if not type_.namespaced and asked.namespace:
        raise not_there()
    if type_.namespaced and not asked.namespace and asked.verb not in ("list", "watch", "deletecollection"):
        raise not_there()


def options_of(request: Request) -> Options:
    """What the query says about a change. Raises ApiError."""
    query = request.query
    dry = query.every("dryRun")
    if any(one != "All" for one in dry):
        causes = [{"field": "dryRun", "message": f'Unsupported value: "{dry[0]}"', "reason": "FieldValueNotSupported"}]
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    manager = query.text("fieldManager")
    if len(manager) > _LONGEST_MANAGER or not manager.isprintable():
        why = f'Invalid value: "{manager[:200]}": must be printable and no longer than {_LONGEST_MANAGER} characters'
        causes = [{"field": "fieldManager", "message": why, "reason": "FieldValueInvalid"}]
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    validation = query.text("fieldValidation") or WARN
    if validation not in (IGNORE, WARN, STRICT):
        why = f'Unsupported value: "{validation}": supported values: "Ignore", "Strict", "Warn"'
        causes = [{"field": "fieldValidation", "message": why, "reason": "FieldValueNotSupported"}]
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    agent = request.headers.get("user-agent", "").partition("/")[0][:_LONGEST_MANAGER]
    return Options(manager or agent or _MANAGER_DEFAULT, request.user, bool(dry), query.flag("force"), validation)


def _one(
    objects: Objects, type_: ResourceType, request: Request, body: Object, status: int, options: Options
) -> Answer:
    shape = accepted(request.headers.get("accept", ""))
    headers = answers.warning_headers(options.warnings)
    return answers.of_object(shape.one(objects, type_, body, request.query), status, headers)


def _get(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    lists.newest_is_too_old(objects, request.query)
    found = objects.get(type_, request.asked.namespace, request.asked.name)
    return _one(objects, type_, request, found, 200, Options())


def _list(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    shape = accepted(request.headers.get("accept", ""))
    lists.newest_is_too_old(objects, request.query)
    page = lists.listed(objects, type_, _namespace(type_, request.asked), request.query)
    return Answer(200, shape.many(objects, type_, page, request.query))


def _watch(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    shape: Accepted = accepted(request.headers.get("accept", ""))
    name = request.asked.name
    wanted = watches.wanted(type_, _namespace(type_, request.asked), name, request.query)
    show = shape.watched(objects, type_, request.query)
    return Answer(200, watches.stream(objects, wanted, show), content_type=answers.JSON)


def _namespace(type_: ResourceType, asked: Asked) -> str:
    return asked.namespace if type_.namespaced else ""


def _create(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    if request.asked.name and not (type_.plural == "namespaces" and not type_.group):
        raise not_allowed()
    options = options_of(request)
    if "force" in request.query.values:
        raise errors.bad_request("force may not be specified for non-apply requests")
    made = objects.create(type_, request.asked.namespace, request.decoded(), options)
    return _one(objects, type_, request, made, 201, options)


def _update(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    options = options_of(request)
    asked = request.asked
    body = request.decoded()
    try:
        made = objects.update(type_, asked.namespace, asked.name, body, options, asked.subresource)
    except errors.ApiError as error:
        # Some kinds come into being by an update as well.
        may_create = not asked.subresource and (type_.group, type_.plural) in _CREATED_BY_UPDATE
        if error.reason != "NotFound" or not may_create:
            raise
        return _one(objects, type_, request, objects.create(type_, asked.namespace, body, options), 201, options)
    return _one(objects, type_, request, made, 200, options)


_CREATED_BY_UPDATE = frozenset(
    {("coordination.k8s.io", "leases"), ("", "endpoints"), ("", "events"), ("", "limitranges")}
)


def _patch(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    asked, query = request.asked, request.query
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind not in patches.KINDS or (kind == patches.STRATEGIC and type_.custom is not None):
        raise patches.unsupported(custom=type_.custom is not None)
    if kind == patches.APPLY and not query.text("fieldManager"):
        causes = [
            {
                "field": "fieldManager",
                "message": "Required value: is required for apply patch",
                "reason": "FieldValueRequired",
            }
        ]
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    if kind != patches.APPLY and "force" in query.values:
        causes = [
            {
                "field": "force",
                "message": "Forbidden: may not be specified for non-apply patch",
                "reason": "FieldValueForbidden",
            }
        ]
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", causes)
    options = options_of(request)
    key = objects.key(type_, asked.namespace, asked.name)
    new = kind == patches.APPLY and objects.store.get(key) is None
    made = objects.patch(type_, asked.namespace, asked.name, kind, request.decoded(), options, asked.subresource)
    return _one(objects, type_, request, made, 201 if new else 200, options)


def _delete_options(request: Request) -> Options:
    """What query and body say about a deletion. Raises ApiError."""
    options = options_of(request)
    query = request.query
    told: Object = {}
    if request.body.strip():
        data = request.decoded().data
        if not isinstance(data, dict) or data.get("kind", "DeleteOptions") != "DeleteOptions":
            raise errors.bad_request("expected DeleteOptions in the body")
        told = conforming.decoded(_DELETE_OPTIONS, data, "DeleteOptions")
    grace = told.get("gracePeriodSeconds", query.number("gracePeriodSeconds"))
    preconditions = told.get("preconditions") or {}
    orphans = told.get("orphanDependents")
    options.grace_seconds = grace
    options.propagation = told.get("propagationPolicy") or query.text("propagationPolicy")
    if orphans is not None and not options.propagation:
        options.propagation = "Orphan" if orphans else "Background"
    options.expected_uid = str(preconditions.get("uid") or "")
    options.expected_version = str(preconditions.get("resourceVersion") or "")
    options.dry_run = options.dry_run or "All" in (told.get("dryRun") or ())
    return options


def _delete(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    asked = request.asked
    options = _delete_options(request)
    admission.check_delete(type_, asked.name)
    last, gone = objects.delete(type_, asked.namespace, asked.name, options)
    if not gone:
        return _one(objects, type_, request, last, 200, options)
    if (type_.group, type_.plural) in _ANSWERED_WITH_OBJECT:
        return _one(objects, type_, request, last, 200, options)
    details = {"name": asked.name, "kind": type_.plural, "uid": last["metadata"]["uid"]}
    if type_.group:
        details["group"] = type_.group
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
    return answers.of_object(status)


# Source: the storages with ReturnDeletedObject in Kubernetes, pkg/registry/core/rest/storage_core.go.
_ANSWERED_WITH_OBJECT = frozenset(
    {
        *(
            ("", name)
            for name in ("pods", "services", "serviceaccounts", "persistentvolumes", "persistentvolumeclaims")
        ),
        *(("", name) for name in ("podtemplates", "resourcequotas")),
        ("policy", "podsecuritypolicies"),
    }
)


def _delete_collection(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    options = _delete_options(request)
    shape = accepted(request.headers.get("accept", ""))
    namespace = _namespace(type_, request.asked)
    page = lists.listed(objects, type_, namespace, request.query)
    for text in page.texts:
        metadata = json.loads(text)["metadata"]
        try:
            objects.delete(type_, metadata.get("namespace", ""), metadata["name"], options)
        except errors.ApiError as error:
            if error.reason != "NotFound":
                raise
    return Answer(200, shape.many(objects, type_, page, request.query))


_VERBS: Mapping[str, Callable[[Objects, ResourceType, Request], Answer]] = {
    "get": _get,
    "list": _list,
    "watch": _watch,
    "create": _create,
    "update": _update,
    "patch": _patch,
    "delete": _delete,
    "deletecollection": _delete_collection,
}


def _of_part(objects: Objects, type_: ResourceType, request: Request) -> Answer:
    """status, scale and the like: parts of the object that are read and written as objects."""
    asked = request.asked
    part = type_.parts.get(asked.subresource)
    if part is None:
        raise not_there()
    if asked.verb not in part.verbs:
        raise not_allowed()
    if asked.verb == "get":
        found = objects.get(type_, asked.namespace, asked.name)
        if asked.subresource == "scale":
            found = subresources.scale_of(type_, found)
        return _one(objects, type_, request, found, 200, Options())
    if asked.verb == "update":
        return _update(objects, type_, request)
    if asked.verb == "patch":
        return _patch(objects, type_, request)
    raise errors.ApiError(
        501, "NotImplemented", f"the emulator does not offer the subresource {type_.plural}/{asked.subresource}"
    )

"""Questions that are asked by creating an object which is never kept: who am I, what may I, who is this token.

Sources: Kubernetes, pkg/registry/authorization, pkg/registry/authentication and
pkg/registry/core/serviceaccount/storage (TokenRequest).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.callers import Access, account_of
from csoc.emulator.kubernetes.access.requests import Asked
from csoc.emulator.kubernetes.objects.writing import Objects
from csoc.emulator.kubernetes.store import Key
from csoc.emulator.kubernetes.users import User

Object = dict[str, Any]
_SHORTEST_TOKEN_SECONDS, _LONGEST_TOKEN_SECONDS = 600, 1 << 32
_TOKEN_SECONDS = 3600
Review = Callable[[Objects, Access, User, str, Object], Object]


def _user_info(user: User) -> Object:
    found: Object = {"username": user.name}
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {name: list(values) for name, values in user.extra.items()}
    return found


def _asked(spec: Object) -> Asked:
    """Raises ApiError Invalid unless it asks for a resource or for a path."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        why = "Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        causes = [{"field": "spec.resourceAttributes", "message": why, "reason": "FieldValueInvalid"}]
        raise errors.invalid("SubjectAccessReview", "authorization.k8s.io", "", causes)
    if path is not None:
        return Asked(path.get("verb", ""), path.get("path", ""))
    resource = resource or {}
    return Asked(
        resource.get("verb", ""),
        "",
        resource.get("group", ""),
        resource.get("version", ""),
        resource.get("resource", ""),
        resource.get("subresource", ""),
        resource.get("namespace", ""),
        resource.get("name", ""),
        (),
        is_resource=True,
    )


def _answered(body: Object, access: Access, user: User) -> Object:
    allowed = access.allows(user, _asked(body.get("spec") or {}))
    return {**body, "status": {"allowed": allowed}}


def _self_access(objects: Objects, access: Access, user: User, namespace: str, body: Object) -> Object:  # noqa: ARG001 - one of many
    return _answered(body, access, user)


def _subject_access(objects: Objects, access: Access, user: User, namespace: str, body: Object) -> Object:  # noqa: ARG001 - one of many
    spec = body.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        why = "Invalid value: at least one of user or group must be specified"
        causes = [{"field": "spec.user", "message": why, "reason": "FieldValueInvalid"}]
        raise errors.invalid("SubjectAccessReview", "authorization.k8s.io", "", causes)
    inside = (spec.get("resourceAttributes") or {}).get("namespace", "")
    if namespace and inside != namespace:
        why = f'Invalid value: "{inside}": must match metadata.namespace: {namespace}'
        causes = [{"field": "spec.resourceAttributes.namespace", "message": why, "reason": "FieldValueInvalid"}]
        raise errors.invalid("LocalSubjectAccessReview", "authorization.k8s.io", "", causes)
    extra = {name: tuple(values) for name, values in (spec.get("extra") or {}).items()}
    about = User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""), extra)
    return _answered(body, access, about)


def _self_rules(objects: Objects, access: Access, user: User, namespace: str, body: Object) -> Object:  # noqa: ARG001 - one of many
    inside = (body.get("spec") or {}).get("namespace", "")
    if not inside:
        raise errors.bad_request("no namespace on request")
    rules = access.rules(user, inside)
    status = {
        "resourceRules": [rule.raw() for rule in rules if not rule.urls],
        "nonResourceRules": [
            {"verbs": list(rule.verbs), "nonResourceURLs": list(rule.urls)} for rule in rules if rule.urls
        ],
        "incomplete": False,
    }
    return {**body, "status": status}


def _self_subject(objects: Objects, access: Access, user: User, namespace: str, body: Object) -> Object:  # noqa: ARG001 - one of many
    metadata = {**body.get("metadata", {}), "creationTimestamp": objects.stamp()}
    return {**body, "metadata": metadata, "status": {"userInfo": _user_info(user)}}


def _token_review(objects: Objects, access: Access, user: User, namespace: str, body: Object) -> Object:  # noqa: ARG001 - one of many
    spec = body.get("spec") or {}
    token = spec.get("token", "")
    if not token:
        raise errors.bad_request("token is required for TokenReview in authentication")
    found = access.user_of(token)
    wanted = spec.get("audiences") or []
    if found is None and wanted:
        claims = access.signer.claims(token, objects.now(), wanted)
        found = None if claims is None else access.user_of_claims(claims)
        if found is not None:
            audiences = [one for one in wanted if one in claims.get("aud", ())] if claims is not None else []
            status = {"authenticated": True, "user": _user_info(found), "audiences": audiences}
            return {**body, "status": status}
    if found is None:
        return {**body, "status": {"user": {}, "error": "[invalid bearer token]"}}
    return {
        **body,
        "status": {"authenticated": True, "user": _user_info(found), "audiences": list(access.signer.audiences)},
    }


_REVIEWS: Mapping[tuple[str, str], Review] = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): _self_access,
    ("authorization.k8s.io", "subjectaccessreviews"): _subject_access,
    ("authorization.k8s.io", "localsubjectaccessreviews"): _subject_access,
    ("authorization.k8s.io", "selfsubjectrulesreviews"): _self_rules,
    ("authentication.k8s.io", "selfsubjectreviews"): _self_subject,
    ("authentication.k8s.io", "tokenreviews"): _token_review,
}


def review_of(group: str, plural: str) -> Review | None:
    """What answers a question; None if the resource is none."""
    return _REVIEWS.get((group, plural))


def token_request(objects: Objects, access: Access, namespace: str, name: str, body: Object) -> Object:
    """A token for a service account. Raises ApiError."""
    account = account_of(objects.store, namespace, name)
    spec = body.get("spec") or {}
    seconds = spec.get("expirationSeconds", _TOKEN_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < _SHORTEST_TOKEN_SECONDS:
        why = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
        causes = [{"field": "spec.expirationSeconds", "message": why, "reason": "FieldValueInvalid"}]
        raise errors.invalid("TokenRequest", "authentication.k8s.io", name, causes)
    seconds = min(seconds, _LONGEST_TOKEN_SECONDS)
    audiences = spec.get("audiences") or list(access.signer.audiences[:1])
    pod = _bound_pod(objects, namespace, name, spec.get("boundObjectRef"))
    token, ends = access.signer.token(account, audiences, seconds, objects.now(), pod)
    stamp = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": objects.stamp()}
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": metadata,
        "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": stamp},
    }


def _bound_pod(objects: Objects, namespace: str, account: str, reference: Any) -> Object | None:
    if not reference:
        return None
    if reference.get("kind") != "Pod":
        raise errors.bad_request(
            f"cannot bind token to object of kind {reference.get('kind')!r}: the emulator binds to pods"
        )
    pod = objects.store.get(Key("", "pods", namespace, reference.get("name", "")))
    if pod is None:
        raise errors.not_found("pods", "", reference.get("name", ""))
    if reference.get("uid") and reference["uid"] != pod["metadata"]["uid"]:
        why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
        raise errors.conflict("pods", "", reference.get("name", ""), why)
    if pod["spec"].get("serviceAccountName") != account:
        why = f"cannot bind token for serviceaccount {account} to pod running with different serviceaccount name."
        raise errors.bad_request(why)
    return pod

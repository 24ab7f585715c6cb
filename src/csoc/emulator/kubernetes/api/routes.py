"""From a request to what answers it: the doors first, then health, discovery, questions, and resources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.access.requests import Asked
from csoc.emulator.kubernetes.api import answers, discovery, handlers, openapi, pod_requests, reviews
from csoc.emulator.kubernetes.api.answers import Answer
from csoc.emulator.kubernetes.api.handlers import Request, not_allowed, not_there
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.kinds import conforming, schemas
from csoc.emulator.kubernetes.kinds.types import ResourceType

_TOKEN_REQUEST = schemas.definition("authentication.v1.TokenRequest")
_HEALTH = ("/healthz", "/livez", "/readyz")


def answer(cluster: SimulatedCluster, request: Request, groups: list[str]) -> Answer:
    """Answers a request. groups: the Impersonate-Group headers. Raises ApiError."""
    access = cluster.access
    user = access.authenticate(request.headers)
    user = access.impersonated(user, request.headers, groups)
    access.require(user, request.asked)
    request = replace(request, user=user)
    if not request.asked.is_resource:
        return _plain(cluster, request)
    type_ = cluster.objects.types.resource(request.asked.group, request.asked.version, request.asked.resource)
    if type_ is None:
        if request.asked.version not in cluster.objects.types.groups.get(request.asked.group, ()):
            return answers.of_text("404 page not found\n", 404)
        raise not_there()
    return _resource(cluster, type_, request)


def _resource(cluster: SimulatedCluster, type_: ResourceType, request: Request) -> Answer:
    asked = request.asked
    review = reviews.review_of(type_.group, type_.plural)
    if review is not None:
        if asked.verb != "create":
            raise not_allowed()
        body = _body_of(type_, request)
        return answers.of_object(review(cluster.objects, cluster.access, request.user, asked.namespace, body), 201)
    if (type_.group, type_.plural, asked.subresource, asked.verb) == ("", "serviceaccounts", "token", "create"):
        body = conforming.decoded(_TOKEN_REQUEST, request.decoded().data, "TokenRequest")
        made = reviews.token_request(cluster.objects, cluster.access, asked.namespace, asked.name, body)
        return answers.of_object(made, 201)
    if (type_.group, type_.plural) == ("", "pods") and asked.subresource in pod_requests.PARTS:
        return pod_requests.answer(cluster, type_, request)
    if (type_.group, type_.plural) == ("", "componentstatuses"):
        return _components(asked)
    return handlers.handle(cluster.objects, type_, request)


def _body_of(type_: ResourceType, request: Request) -> dict[str, Any]:
    body = conforming.decoded(type_.schema, request.decoded().data, type_.kind)
    if body.get("kind", type_.kind) != type_.kind:
        raise errors.bad_request(f"expected a {type_.kind} of {type_.api_version}")
    return {**body, "kind": type_.kind, "apiVersion": type_.api_version}


def _components(asked: Asked) -> Answer:
    """What is left of an old API: the parts of the control plane, all well."""
    healthy = [{"type": "Healthy", "status": "True", "message": "ok"}]
    names = ("controller-manager", "etcd-0", "scheduler")
    rows = [{"metadata": {"name": name}, "conditions": healthy} for name in names]
    if asked.verb == "list":
        head = {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}}
        return answers.of_object(
            {**head, "items": rows}, headers={"Warning": '299 - "v1 ComponentStatus is deprecated in v1.19+"'}
        )
    found = next((row for row in rows if row["metadata"]["name"] == asked.name), None)  # type: ignore[index]
    if asked.verb != "get":
        raise not_allowed()
    if found is None:
        raise errors.not_found("componentstatuses", "", asked.name)
    return answers.of_object({"kind": "ComponentStatus", "apiVersion": "v1", **found})


def _plain(cluster: SimulatedCluster, request: Request) -> Answer:
    """Paths that are no resource."""
    path = request.asked.path.rstrip("/") or "/"
    if request.method not in ("GET", "HEAD"):
        raise not_allowed()
    if path in _HEALTH or path.startswith(tuple(f"{one}/" for one in _HEALTH)):
        return _health(path, request)
    if path == "/version":
        return answers.of_object(discovery.version(cluster.git_version))
    if path == "/openid/v1/jwks":
        return Answer(200, answers.of_object(cluster.access.signer.key_set()).body, {}, "application/jwk-set+json")
    if path == "/.well-known/openid-configuration":
        return answers.of_object(cluster.access.signer.configuration())
    if path.startswith("/openapi/"):
        return openapi.answer(cluster.objects.types, path, request)
    found = _discovery(cluster, path, request)
    return answers.of_text("404 page not found\n", 404) if found is None else found


def _health(path: str, request: Request) -> Answer:
    name = path.split("/")[1]
    if "verbose" in request.query.values:
        checks = ("ping", "log", "etcd", "informer-sync", "poststarthook/start-apiextensions-controllers")
        return answers.of_text("".join(f"[+]{one} ok\n" for one in checks) + f"{name} check passed\n")
    return answers.of_text("ok")


def _discovery(cluster: SimulatedCluster, path: str, request: Request) -> Answer | None:
    types = cluster.objects.types
    wants_all = "as=APIGroupDiscoveryList" in request.headers.get("accept", "").replace(" ", "")
    if path in ("/api", "/apis") and wants_all and "v=v2;" in request.headers["accept"].replace(" ", "") + ";":
        body = answers.of_object(discovery.aggregated(types, core=path == "/api")).body
        return Answer(200, body, {"Vary": "Accept"}, discovery.AGGREGATED)
    match path.split("/")[1:]:
        case ["api"]:
            return answers.of_object(discovery.core_versions(cluster.endpoint))
        case ["apis"]:
            return answers.of_object(discovery.groups(types))
        case ["api", version]:
            found = discovery.resources(types, "", version)
        case ["apis", group]:
            found = discovery.group(types, group)
        case ["apis", group, version]:
            found = discovery.resources(types, group, version)
        case [""]:
            return answers.of_object({"paths": _paths(cluster)})
        case _:
            return None
    return None if found is None else answers.of_object(found)


def _paths(cluster: SimulatedCluster) -> list[str]:
    found = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis"]
    for group, versions in cluster.objects.types.groups.items():
        if group:
            found += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)]
    return sorted([*found, *_HEALTH, "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/version"])

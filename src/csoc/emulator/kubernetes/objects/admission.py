"""What the server does before and after a write that others rely on: namespaces, service accounts, addresses.

Sources: Kubernetes, plugin/pkg/admission/serviceaccount/admission.go, apiserver,
pkg/admission/plugin/namespace/lifecycle, pkg/registry/core/service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import definition_rules
from csoc.emulator.kubernetes.store import Key, Store

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.objects.options import Options
    from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder, no secret
_TOKEN_SECONDS = 3607
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_PROTECTED = ("default", "kube-system", "kube-public")


def admit(
    objects: Objects,
    type_: ResourceType,
    new: Object,
    live: Object | None,
    options: Options,
    subresource: str = "",
) -> None:
    """Changes the new object as admission does. Raises ApiError."""
    if live is None and type_.namespaced:
        _into_namespace(objects, type_, new)
    if live is None and (type_.group, type_.plural) == ("", "pods"):
        service_account(objects.store, new)
        if objects.admit_pod is not None:
            objects.admit_pod(new)
    if (type_.group, type_.plural) == ("apiextensions.k8s.io", "customresourcedefinitions") and subresource != "status":
        definition_rules.check(new, live)
    del options


def after(objects: Objects, type_: ResourceType, made: Object, *, created: bool) -> None:
    """What the cluster does at once when an object was written."""
    if (type_.group, type_.plural) == ("apiextensions.k8s.io", "customresourcedefinitions"):
        definition_rules.establish(objects, made["metadata"]["name"])
    if created and (type_.group, type_.plural) == ("", "namespaces"):
        default_account(objects, made["metadata"]["name"])


def _into_namespace(objects: Objects, type_: ResourceType, new: Object) -> None:
    namespace = new["metadata"].get("namespace", "")
    found = objects.store.get(Key("", "namespaces", "", namespace))
    if found is None:
        raise errors.not_found("namespaces", "", namespace)
    if found.get("status", {}).get("phase") == "Terminating":
        name = new["metadata"].get("name", "")
        why = (
            f'{type_.full_name} "{name}" is forbidden: unable to create new content in namespace {namespace} because '
            "it is being terminated"
        )
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
        details = {"name": name, "group": type_.group, "kind": type_.plural}
        raise errors.forbidden(why, {**details, "causes": [{**cause, "field": "metadata.namespace"}]})


def check_delete(type_: ResourceType, name: str) -> None:
    """Raises ApiError Forbidden for the namespaces that a cluster cannot be without."""
    if (type_.group, type_.plural) == ("", "namespaces") and name in _PROTECTED:
        why = f'namespaces "{name}" is forbidden: this namespace may not be deleted'
        raise errors.forbidden(why, {"name": name, "kind": "namespaces"})


def default_account(objects: Objects, namespace: str) -> None:
    """Makes the service account that every namespace has: with the namespace, since pods may follow in the next
    request, and by its controller when somebody has deleted it."""
    type_ = objects.types.resource("", "v1", "serviceaccounts")
    assert type_ is not None  # noqa: S101 - tells the type checker
    try:
        objects.create(type_, namespace, {"metadata": {"name": "default"}})
    except errors.ApiError as error:
        if error.reason not in ("AlreadyExists", "NotFound", "Forbidden"):
            raise


def service_account(store: Store, pod: Object) -> None:
    """Gives a pod its service account, with the token and the secrets for images. Raises ApiError Forbidden."""
    spec, metadata = pod["spec"], pod["metadata"]
    namespace = metadata["namespace"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = store.get(Key("", "serviceaccounts", namespace, name))
    if account is None:
        what = metadata.get("name") or metadata.get("generateName", "")
        why = (
            f'pods "{what}" is forbidden: error looking up service account {namespace}/{name}: serviceaccount "{name}" '
            "not found"
        )
        raise errors.forbidden(why, {"name": what, "kind": "pods"})
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    wanted = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
    if wanted:
        _mount_token(spec, metadata)


def _mount_token(spec: Object, metadata: Object) -> None:
    containers = [*(spec.get("initContainers") or ()), *spec.get("containers", ())]
    lacking = [
        one
        for one in containers
        if not any(mount.get("mountPath") == _TOKEN_FOLDER for mount in one.get("volumeMounts") or ())
    ]
    if not lacking:
        return
    suffix = "".join(_ALPHABET[ord(char) % len(_ALPHABET)] for char in (metadata.get("name", "") + "token")[-5:])
    volume = f"kube-api-access-{suffix}"
    for container in lacking:
        mount = {"name": volume, "readOnly": True, "mountPath": _TOKEN_FOLDER}
        container.setdefault("volumeMounts", []).append(mount)
    certificate = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": certificate},
        {"downwardAPI": {"items": [namespace]}},
    ]
    spec.setdefault("volumes", []).append({"name": volume, "projected": {"sources": sources, "defaultMode": 420}})

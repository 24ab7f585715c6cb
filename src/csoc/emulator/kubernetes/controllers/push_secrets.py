"""PushSecrets of the External Secrets operator: Secrets of the cluster written to the account's secrets manager.

Source: External Secrets 1.3.2, pkg/controllers/pushsecret/pushsecret_controller.go. Selectors of stores or secrets by
label, templates and `deletionPolicy: Delete` are not followed; such an object ends in Errored with a message that names
what it is.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.controllers.secret_stores import CLUSTER_STORES, STORES, request_of
from csoc.emulator.kubernetes.controllers.secrets_operator import GROUP, works
from csoc.emulator.kubernetes.controllers.settings import SecretError
from csoc.emulator.kubernetes.objects.parts import condition, deleting, key_of, name_of, namespace_of, with_condition
from csoc.emulator.kubernetes.store import Key, Object

RESOURCE = "pushsecrets"
_COMPONENT = "pushsecret-controller"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One PushSecret."""
    body = cluster.store.get(key)
    if body is None or deleting(body) or not works(cluster):
        return
    status = dict(body.get("status") or {})
    try:
        version = _push(cluster, body, str(status.get("syncedResourceVersion", "")))
    except SecretError as error:
        found = (False, "Errored", error.message)
    else:
        text = "PushSecret synced successfully"
        if body["spec"].get("updatePolicy") == "IfNotExists":
            text += ". Existing secrets in providers unchanged."
        found = (True, "Synced", text)
        if status.get("syncedResourceVersion") != version:
            status |= {"syncedResourceVersion": version, "refreshTime": cluster.stamp()}
    well, reason, message = found
    if condition(body, "Ready").get("message") != message:
        cluster.event(body, reason, message, _COMPONENT, warning=not well)
    status["conditions"] = with_condition(
        status.get("conditions") or [], "Ready", well, reason, message, cluster.stamp()
    )
    cluster.save_status(GROUP, RESOURCE, body, status)


def _push(cluster: Cluster, body: Object, pushed: str) -> str:
    """Writes what has changed since it was written last. Gives what that was."""
    spec = body["spec"]
    name = ((spec.get("selector") or {}).get("secret") or {}).get("name")
    unheard = [one for one in ("template",) if spec.get(one)] + ([] if name else ["selector"])
    if unheard or spec.get("deletionPolicy") == "Delete":
        raise SecretError(f"this simulated cluster does not follow {', '.join(unheard) or 'deletionPolicy Delete'}")
    secret = cluster.get("", "secrets", namespace_of(body), str(name))
    if secret is None:
        raise SecretError("could not get source secret")
    version = f"{body['metadata'].get('generation', 1)}-{secret['metadata']['resourceVersion']}"
    if version == pushed:
        return version
    data = {
        key: base64.b64decode(value).decode("utf-8", "replace") for key, value in (secret.get("data") or {}).items()
    }
    for reference in spec.get("secretStoreRefs") or ():
        for entry in spec.get("data") or ():
            _write(cluster, body, reference, entry.get("match") or {}, data)
    return version


def _write(cluster: Cluster, body: Object, reference: Object, match: Object, data: dict[str, str]) -> None:
    kind, name = str(reference.get("kind") or "SecretStore"), str(reference.get("name", ""))
    wide = kind == "ClusterSecretStore"
    store = cluster.get(GROUP, CLUSTER_STORES if wide else STORES, "" if wide else namespace_of(body), name)
    if store is None:
        resource = CLUSTER_STORES if wide else STORES
        raise SecretError(f'could not get {kind} "{name}", {resource}.{GROUP} "{name}" not found')
    remote = match.get("remoteRef") or {}
    key, member, source = str(remote.get("remoteKey", "")), remote.get("property"), match.get("secretKey")
    if source and source not in data:
        raise SecretError(f"set secret failed: secret key {source} does not exist")
    value = data[str(source)] if source else json.dumps(data, sort_keys=True)
    reader = cluster.settings.secrets
    assert reader is not None  # noqa: S101 - works() checked
    request = replace(request_of(cluster, store, namespace_of(body)), key=key)
    try:
        if member:
            value = json.dumps(_known(cluster, body, request.key, reference) | {str(member): value}, sort_keys=True)
        reader.write(cluster.name, request, value)
    except SecretError as error:
        why = f"set secret failed: could not write remote ref {key} to target secretstore {name}: {error.message}"
        raise SecretError(why) from error


def _known(cluster: Cluster, body: Object, key: str, reference: Object) -> dict[str, object]:
    """What the secret holds already, of which one member is written anew."""
    wide = reference.get("kind") == "ClusterSecretStore"
    name = str(reference.get("name", ""))
    store = cluster.get(GROUP, CLUSTER_STORES if wide else STORES, "" if wide else namespace_of(body), name)
    reader = cluster.settings.secrets
    assert reader is not None and store is not None  # noqa: S101, PT018 - the caller checked
    try:
        text = reader.read(cluster.name, replace(request_of(cluster, store, namespace_of(body)), key=key))
    except SecretError as error:
        if error.missing:
            return {}
        raise
    found = json.loads(text)
    return dict(found) if isinstance(found, dict) else {}


def _of_secret(cluster: Cluster, change: Change) -> Iterable[Key]:
    return [
        key_of(GROUP, RESOURCE, body)
        for body in cluster.list(GROUP, RESOURCE, change.key.namespace)
        if ((body["spec"].get("selector") or {}).get("secret") or {}).get("name") == name_of(change.object)
    ]


def _all(cluster: Cluster, change: Change) -> Iterable[Key]:
    return [key for key, _ in cluster.store.texts(GROUP, RESOURCE, change.key.namespace)[0]]


CONTROLLER = Controller(
    "push secrets",
    reconcile,
    {(GROUP, RESOURCE): itself, ("", "secrets"): _of_secret, (GROUP, STORES): _all, (GROUP, CLUSTER_STORES): _all},
)

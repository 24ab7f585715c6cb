"""SecretStores and ClusterSecretStores of the External Secrets operator: whether they can be used, and what they say
about how to reach their provider.

Source: External Secrets 1.3.2, pkg/controllers/secretstore/{common,client_manager}.go, providers/v1/aws.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.controllers.secrets_operator import COMPONENT, GROUP, of_operator, retry, works
from csoc.emulator.kubernetes.controllers.settings import SecretError, SecretRequest
from csoc.emulator.kubernetes.objects.parts import (
    annotations_of,
    condition,
    deleting,
    is_true,
    key_of,
    namespace_of,
    uid_of,
    with_condition,
)
from csoc.emulator.kubernetes.store import Key, Object

STORES, CLUSTER_STORES = "secretstores", "clustersecretstores"


def reconcile(cluster: Cluster, key: Key) -> None:
    """One SecretStore or ClusterSecretStore: whether it can be used."""
    store = cluster.store.get(key)
    reader = cluster.settings.secrets
    if store is None or deleting(store) or reader is None or not works(cluster):
        return
    status = dict(store.get("status") or {})
    before, now = condition(store, "Ready"), cluster.stamp()
    try:
        request = request_of(cluster, store, key.namespace)
    except SecretError as error:
        found = (False, "InvalidProviderConfig", "unable to create client", error.message)
    else:
        try:
            reader.check(cluster.name, request)
            found = (True, "Valid", "store validated", "store validated")
        except SecretError as error:
            found = (False, "InvalidProviderConfig", "unable to validate store", error.message)
    well, reason, message, told = found
    if (before.get("reason"), before.get("message")) != (reason, message):
        cluster.event(store, reason, told, COMPONENT, warning=not well)
    status["conditions"] = with_condition(status.get("conditions") or [], "Ready", well, reason, message, now)
    if well:
        status["capabilities"] = "ReadWrite"
        cluster.memory.pop((uid_of(store), "retries"), None)
    else:
        retry(cluster, "secret stores", key, store)
    cluster.save_status(GROUP, key.resource, store, status)


def request_of(cluster: Cluster, store: Object, namespace: str) -> SecretRequest:
    """What a store says about how to reach its provider. namespace: of whoever uses it, where the store has none.

    Raises SecretError if what it names for that is not in the cluster.
    """
    provider = store["spec"].get("provider") or {}
    name = next(iter(provider), "")
    options = dict(provider.get(name) or {})
    auth = options.get("auth") or {}
    reference = (auth.get("jwt") or {}).get("serviceAccountRef")
    role, account = str(options.get("role") or ""), ""
    if reference:
        place = str(reference.get("namespace") or namespace) if store["kind"] == "ClusterSecretStore" else namespace
        account = f"{place}/{reference['name']}"
        body = cluster.get("", "serviceaccounts", place, reference["name"])
        if body is None:
            raise SecretError(f'ServiceAccount "{reference["name"]}" not found')
        found = annotations_of(body).get("eks.amazonaws.com/role-arn", "")
        if name == "aws" and not found:
            why = f"an IAM role must be associated with service account {reference['name']} (namespace: {place})"
            raise SecretError(why)
        role = role or found
    keys = _access_key(cluster, auth.get("secretRef"), namespace)
    return SecretRequest(name, options, account, role, "", namespace=namespace, access_key=keys)


def _access_key(cluster: Cluster, reference: Mapping[str, Any] | None, namespace: str) -> tuple[str, str] | None:
    if not reference:
        return None
    found = []
    for field in ("accessKeyIDSecretRef", "secretAccessKeySecretRef"):
        one = reference.get(field) or {}
        body = cluster.get("", "secrets", str(one.get("namespace") or namespace), str(one.get("name", "")))
        if body is None:
            what = "accessKeyID" if field.startswith("access") else "secretAccessKey"
            raise SecretError(f'could not fetch {what} secret: secrets "{one.get("name", "")}" not found')
        data = (body.get("data") or {}).get(str(one.get("key", "")))
        if data is None:
            raise SecretError(f'cannot find secret data for key: "{one.get("key", "")}"')
        found.append(base64.b64decode(data).decode("utf-8", "replace"))
    return found[0], found[1]


def usable(cluster: Cluster, body: Object, reference: Mapping[str, Any]) -> Object:
    """The store that is meant, if it can be used."""
    kind, name = str(reference.get("kind") or "SecretStore"), str(reference.get("name", ""))
    cluster_wide = kind == "ClusterSecretStore"
    resource = CLUSTER_STORES if cluster_wide else STORES
    found = cluster.get(GROUP, resource, "" if cluster_wide else namespace_of(body), name)
    if found is None:
        raise SecretError(f'could not get {kind} "{name}", {resource}.{GROUP} "{name}" not found')
    conditions = found["spec"].get("conditions") or ()
    if (
        cluster_wide
        and conditions
        and not any(namespace_of(body) in (one.get("namespaces") or ()) for one in conditions)
    ):
        why = f'is not allowed from namespace "{namespace_of(body)}": denied by spec.condition'
        raise SecretError(f'using cluster store "{name}" {why}')
    if not is_true(found, "Ready"):
        raise SecretError(f'{kind} "{name}" is not ready')
    return found


def _of_account(cluster: Cluster, change: Change) -> Iterable[Key]:
    """A service account changed: stores that failed look again."""
    found = []
    for resource in (STORES, CLUSTER_STORES):
        for store in cluster.list(GROUP, resource, change.key.namespace if resource == STORES else ""):
            if not is_true(store, "Ready"):
                key = key_of(GROUP, resource, store)
                cluster.cancel(("wake", "secret stores", key))
                found.append(key)
    return found


def _stores_of_operator(cluster: Cluster, change: Change) -> Iterable[Key]:
    return [*of_operator(STORES)(cluster, change), *of_operator(CLUSTER_STORES)(cluster, change)]


CONTROLLER = Controller(
    "secret stores",
    reconcile,
    {
        (GROUP, STORES): itself,
        (GROUP, CLUSTER_STORES): itself,
        ("apps", "deployments"): _stores_of_operator,
        ("", "serviceaccounts"): _of_account,
    },
)

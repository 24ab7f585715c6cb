"""The External Secrets operator: what is in the account's secrets manager becomes Secrets of the cluster.

It works where its CRDs are installed and a Deployment of it is available, as in a real cluster, and it reads through
the port `SecretReader`. Of its features these are followed: `data`, `dataFrom.extract` (with `property` and `version`),
templates of the engine v2 as far as csoc's own subset of Go templates goes, `creationPolicy`, `deletionPolicy`,
decoding of base64; a generator, `find` or rewrite ends in SecretSyncedError that names it.

Source: External Secrets 1.3.2, pkg/controllers/externalsecret/externalsecret_controller{,_secret}.go,
pkg/controllers/secretstore/{common,client_manager}.go, providers/v1/aws.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.controllers.objects import (
    annotations_of,
    condition,
    controller_of,
    deleting,
    digest,
    is_true,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
    with_condition,
)
from csoc.emulator.kubernetes.controllers.settings import SecretError, SecretRequest
from csoc.emulator.kubernetes.store import Key, Object
from csoc.fleet.argocd.gotemplate.evaluation import SubsetRenderer
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError

GROUP = "external-secrets.io"
SECRETS, STORES, CLUSTER_STORES = "externalsecrets", "secretstores", "clustersecretstores"
_COMPONENT = "external-secrets"
_MANAGED = "reconcile.external-secrets.io/managed"
_HASH = "reconcile.external-secrets.io/data-hash"
_OPERATOR = ("app.kubernetes.io/name", "external-secrets")
_FIRST_RETRY, _LAST_RETRY = 1.0, 300.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def works(cluster: Cluster) -> bool:
    """Whether the operator runs in this cluster."""
    if cluster.settings.secrets is None:
        return False
    if cluster.settings.operator_always:
        return True
    return any(
        labels_of(one).get(_OPERATOR[0]) == _OPERATOR[1] and is_true(one, "Available")
        for one in cluster.list("apps", "deployments")
    )


def seconds_of(text: Any) -> float:
    """A Go duration ("1h30m"); 0 for what is none."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(str(text or "")))


# Stores


def reconcile_store(cluster: Cluster, key: Key) -> None:
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
        cluster.event(store, reason, told, _COMPONENT, warning=not well)
    status["conditions"] = with_condition(status.get("conditions") or [], "Ready", well, reason, message, now)
    if well:
        status["capabilities"] = "ReadWrite"
        cluster.memory.pop((uid_of(store), "retries"), None)
    else:
        _retry(cluster, "secret stores", key, store)
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


# ExternalSecrets


def reconcile(cluster: Cluster, key: Key) -> None:
    """One ExternalSecret: read, written as a Secret, said so."""
    body = cluster.store.get(key)
    if body is None or deleting(body) or not works(cluster):
        return
    if not _due(cluster, body):
        return
    name = str((body["spec"].get("target") or {}).get("name") or key.name)
    try:
        data = _read(cluster, body)
        made = _made(body, name, data)
    except SecretError as error:
        _failed(cluster, body, key, "could not get secret data from provider", error.message)
        return
    except _TemplateProblem as error:
        _failed(cluster, body, key, "could not update secret", str(error))
        return
    why = _write(cluster, body, name, made)
    if why:
        _failed(cluster, body, key, *why)
        return
    missing = (body["spec"].get("target") or {}).get("creationPolicy") == "Merge" and not _there(cluster, body, name)
    reason, message = ("SecretSynced", "secret synced")
    if missing:
        reason, message = "SecretMissing", "secret will not be created due to CreationPolicy=Merge"
    status = dict(body.get("status") or {})
    status["conditions"] = with_condition(
        status.get("conditions") or [], "Ready", True, reason, message, cluster.stamp()
    )
    status |= {"refreshTime": cluster.stamp(), "syncedResourceVersion": _version(body), "binding": {"name": name}}
    cluster.memory.pop((uid_of(body), "retries"), None)
    cluster.save_status(GROUP, SECRETS, body, status)
    interval = seconds_of(body["spec"].get("refreshInterval", "1h"))
    if interval:
        cluster.later((uid_of(body), "refresh"), interval, lambda: _again(cluster, key, uid_of(body)))


def _version(body: Object) -> str:
    """What tells that the object was changed: its generation, labels and annotations."""
    marks = [annotations_of(body), labels_of(body)]
    return f"{body['metadata'].get('generation', 1)}-{hashlib.sha256(json.dumps(marks).encode()).hexdigest()[:32]}"


def _due(cluster: Cluster, body: Object) -> bool:
    """Whether it must be read now: it failed, was changed, its time has come, or its Secret is not as it was made."""
    status = body.get("status") or {}
    if cluster.memory.pop((uid_of(body), "now"), False) or condition(body, "Ready").get("status") != "True":
        return not cluster.waits(("wake", "external secrets", key_of(GROUP, SECRETS, body)))
    if status.get("syncedResourceVersion") != _version(body):
        return True
    name = str((body["spec"].get("target") or {}).get("name") or name_of(body))
    secret = cluster.get("", "secrets", namespace_of(body), name)
    if secret is None:
        return (body["spec"].get("target") or {}).get("creationPolicy", "Owner") in ("Owner", "Orphan")
    marked = annotations_of(secret).get(_HASH)
    return marked is not None and marked != _digest(secret.get("data") or {})


def _digest(data: Mapping[str, str]) -> str:
    return digest(dict(sorted(data.items())), 32)


def _again(cluster: Cluster, key: Key, uid: str) -> None:
    cluster.memory[uid, "now"] = True
    cluster.wake("external secrets", key)


def _retry(cluster: Cluster, controller: str, key: Key, body: Object) -> None:
    name = (uid_of(body), "retries")
    tries = cluster.memory.get(name, 0)
    cluster.memory[name] = tries + 1
    cluster.wake(controller, key, seconds=min(_FIRST_RETRY * 2**tries, _LAST_RETRY))


def _failed(cluster: Cluster, body: Object, key: Key, message: str, why: str) -> None:
    cluster.event(body, "UpdateFailed", why, _COMPONENT, warning=True)
    status = dict(body.get("status") or {})
    conditions = status.get("conditions") or []
    status["conditions"] = with_condition(conditions, "Ready", False, "SecretSyncedError", message, cluster.stamp())
    status.setdefault("binding", {"name": ""})
    cluster.save_status(GROUP, SECRETS, body, status)
    _retry(cluster, "external secrets", key, body)


def _store(cluster: Cluster, body: Object, reference: Mapping[str, Any]) -> Object:
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


def _read(cluster: Cluster, body: Object) -> dict[str, bytes]:
    spec = body["spec"]
    kept = (spec.get("target") or {}).get("deletionPolicy", "Retain") == "Retain"
    found: dict[str, bytes] = {}
    for number, source in enumerate(spec.get("dataFrom") or ()):
        try:
            found |= _extracted(cluster, body, source)
        except SecretError as error:
            if error.missing and not kept:
                text = f"secret does not exist at provider using spec.dataFrom[{number}]"
                cluster.event(body, "MissingProviderSecret", text, _COMPONENT)
                continue
            why = f"error processing spec.dataFrom[{number}].extract, err: {error.message}"
            raise SecretError(why) from error
    for number, entry in enumerate(spec.get("data") or ()):
        remote = entry.get("remoteRef") or {}
        try:
            found[str(entry["secretKey"])] = _value(cluster, body, entry.get("sourceRef"), remote)
        except SecretError as error:
            if error.missing and not kept:
                text = f"secret does not exist at provider using spec.dataFrom[{number}] (key={remote.get('key')})"
                cluster.event(body, "MissingProviderSecret", text, _COMPONENT)
                continue
            why = f"error processing spec.data[{number}] (key: {remote.get('key')}), err: {error.message}"
            raise SecretError(why) from error
    return found


def _text(cluster: Cluster, body: Object, source: Mapping[str, Any] | None, remote: Mapping[str, Any]) -> str:
    reference = (source or {}).get("storeRef") or body["spec"].get("secretStoreRef") or {}
    request = request_of(cluster, _store(cluster, body, reference), namespace_of(body))
    reader = cluster.settings.secrets
    assert reader is not None  # noqa: S101 - works() checked
    key, version = str(remote.get("key", "")), str(remote.get("version") or "")
    asked = SecretRequest(
        request.provider, request.options, request.service_account, request.role, key, version, request.namespace,
        request.access_key,
    )  # fmt: skip
    return reader.read(cluster.name, asked)


def _value(cluster: Cluster, body: Object, source: Mapping[str, Any] | None, remote: Mapping[str, Any]) -> bytes:
    text = _text(cluster, body, source, remote)
    path = str(remote.get("property") or "")
    if path:
        text = _property(text, path, str(remote.get("key")))
    return _decoded(text.encode(), remote)


def _property(text: str, path: str, key: str) -> str:
    """A member of a secret that is JSON; dots go deeper unless the name itself has them."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, Mapping) and path in value:
        value = value[path]
    else:
        for part in path.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise SecretError(f"key {path} does not exist in secret {key}")
            value = value[part]
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _decoded(data: bytes, remote: Mapping[str, Any]) -> bytes:
    if remote.get("decodingStrategy") in ("Base64", "Auto"):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error as error:
            if remote.get("decodingStrategy") == "Base64":
                why = f"error applying decoding strategy Base64 to data: illegal base64 data ({error})"
                raise SecretError(why) from error
    return data


def _extracted(cluster: Cluster, body: Object, source: Mapping[str, Any]) -> dict[str, bytes]:
    remote = source.get("extract")
    if not remote or source.get("rewrite"):
        named = ", ".join(sorted(name for name in source if name != "extract"))
        raise SecretError(f"this simulated cluster follows extract alone, not {named}")
    text = _text(cluster, body, source.get("sourceRef"), remote)
    if remote.get("property"):
        text = _property(text, str(remote["property"]), str(remote.get("key")))
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SecretError(f"unable to unmarshal secret {remote.get('key')}: {error}") from error
    if not isinstance(found, Mapping):
        raise SecretError(f"unable to unmarshal secret {remote.get('key')}: it is no object")
    values = {name: item if isinstance(item, str) else json.dumps(item) for name, item in found.items()}
    return {name: _decoded(item.encode(), remote) for name, item in values.items()}


class _TemplateProblem(Exception):  # noqa: N818 - a problem of the object, told in its status
    """The template of an ExternalSecret does not give a Secret."""


def _made(body: Object, name: str, data: Mapping[str, bytes]) -> Object:
    """The Secret that should be there."""
    target = body["spec"].get("target") or {}
    template = target.get("template") or {}
    values = {key: base64.b64encode(value).decode() for key, value in data.items()}
    if template.get("templateFrom"):
        raise _TemplateProblem("could not apply template: this simulated cluster does not follow templateFrom")
    if template.get("data"):
        rendered = _rendered(template["data"], data)
        values = (values if template.get("mergePolicy") == "Merge" else {}) | rendered
    given = template.get("metadata") or {}
    labels = dict(given.get("labels") or labels_of(body)) | {_MANAGED: "true"}
    labels["reconcile.external-secrets.io/created-by"] = hashlib.sha256(
        f"{namespace_of(body)}/{name_of(body)}".encode()
    ).hexdigest()[:56]
    annotations = dict(given.get("annotations") or {} if "metadata" in template else _passed_on(body))
    annotations[_HASH] = _digest(values)
    made: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace_of(body),
            "labels": labels,
            "annotations": annotations,
        },
        "type": template.get("type") or "Opaque",
        "data": values,
    }
    if target.get("creationPolicy", "Owner") == "Owner":
        made["metadata"]["ownerReferences"] = [owner_reference(body)]
    if target.get("immutable"):
        made["immutable"] = True
    return made


def _passed_on(body: Object) -> dict[str, str]:
    """Annotations of the ExternalSecret go on to its Secret, but for what kubectl writes; Argo CD's tracking goes on
    too, and tells there that the Secret is not its own object."""
    skipped = "kubectl.kubernetes.io/last-applied-configuration"
    return {name: value for name, value in annotations_of(body).items() if name != skipped}


def _rendered(templates: Mapping[str, str], data: Mapping[str, bytes]) -> dict[str, str]:
    texts = {key: value.decode("utf-8", "replace") for key, value in data.items()}
    found = {}
    for key, template in templates.items():
        try:
            text = SubsetRenderer().render(str(template), texts, ("missingkey=error",))
        except (TemplateError, UnsupportedError) as error:
            where = f"could not execute template: unable to execute template at key {key}"
            raise _TemplateProblem(f"could not apply template: {where}: {error}") from error
        found[key] = base64.b64encode(text.encode()).decode()
    return found


def _there(cluster: Cluster, body: Object, name: str) -> bool:
    return cluster.get("", "secrets", namespace_of(body), name) is not None


def _write(cluster: Cluster, body: Object, name: str, made: Object) -> tuple[str, str] | None:
    """Makes or changes the Secret; gives (message, reason) if it may not."""
    policy = (body["spec"].get("target") or {}).get("creationPolicy", "Owner")
    found = cluster.get("", "secrets", namespace_of(body), name)
    if policy == "None" or (policy == "Merge" and found is None):
        return None
    if found is None:
        cluster.create("", "secrets", made)
        cluster.event(body, "Created", "secret created", _COMPONENT)
        return None
    owner = controller_of(found)
    if policy == "Owner" and owner is not None and owner.get("uid") != uid_of(body):
        return "target is owned by another ExternalSecret", "secret is owned by another ExternalSecret"
    if found.get("immutable"):
        return "could not update secret, target is immutable", "secret is immutable"
    after = dict(found)
    after["data"] = (dict(found.get("data") or {}) if policy == "Merge" else {}) | made["data"]
    after["metadata"] = dict(found["metadata"])
    for part in ("labels", "annotations"):
        after["metadata"][part] = dict(found["metadata"].get(part) or {}) | made["metadata"][part]
    after["metadata"]["annotations"][_HASH] = _digest(after["data"])
    if "ownerReferences" in made["metadata"]:
        after["metadata"]["ownerReferences"] = made["metadata"]["ownerReferences"]
    if after != found:
        cluster.save("", "secrets", after)
        cluster.event(body, "Updated", "secret updated", _COMPONENT)
    return None


# Who wakes whom


def _users(cluster: Cluster, change: Change) -> Iterable[Key]:
    """A store changed: those that use it and failed look again."""
    if change.before and is_true(change.before, "Ready") == is_true(change.object, "Ready"):
        return ()
    found = []
    for body in cluster.list(GROUP, SECRETS, change.key.namespace):
        if not is_true(body, "Ready"):
            cluster.cancel(("wake", "external secrets", key_of(GROUP, SECRETS, body)))
            found.append(key_of(GROUP, SECRETS, body))
    return found


def _of_secret(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """A Secret that an ExternalSecret made was changed or deleted."""
    if _MANAGED not in labels_of(change.object):
        return ()
    owners = change.object["metadata"].get("ownerReferences") or ()
    return [Key(GROUP, SECRETS, change.key.namespace, one["name"]) for one in owners if one["kind"] == "ExternalSecret"]


def _of_operator(resource: str) -> Any:
    """The operator became available: everything of that resource is looked at."""

    def wakes(cluster: Cluster, change: Change) -> Iterable[Key]:
        if labels_of(change.object).get(_OPERATOR[0]) != _OPERATOR[1] or is_true(change.before or {}, "Available"):
            return ()
        return [key for key, _ in cluster.store.texts(GROUP, resource)[0]] if works(cluster) else ()

    return wakes


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


def _cluster_stores(cluster: Cluster, change: Change) -> Iterable[Key]:
    return [*_of_operator(STORES)(cluster, change), *_of_operator(CLUSTER_STORES)(cluster, change)]


STORE_CONTROLLER = Controller(
    "secret stores",
    reconcile_store,
    {
        (GROUP, STORES): itself,
        (GROUP, CLUSTER_STORES): itself,
        ("apps", "deployments"): _cluster_stores,
        ("", "serviceaccounts"): _of_account,
    },
)
CONTROLLER = Controller(
    "external secrets",
    reconcile,
    {
        (GROUP, SECRETS): itself,
        (GROUP, STORES): _users,
        (GROUP, CLUSTER_STORES): _users,
        ("", "secrets"): _of_secret,
        ("apps", "deployments"): _of_operator(SECRETS),
    },
)

"""ExternalSecrets: what is in the account's secrets manager becomes Secrets of the cluster.

What an ExternalSecret names is read by `secret_reading` through the port `SecretReader`, and written by
`secret_writing`; this module says when, and tells how it went.

Source: External Secrets 1.3.2, pkg/controllers/externalsecret/externalsecret_controller.go.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, itself
from csoc.emulator.kubernetes.controllers.secret_reading import read
from csoc.emulator.kubernetes.controllers.secret_stores import CLUSTER_STORES, STORES
from csoc.emulator.kubernetes.controllers.secret_writing import HASH, MANAGED, TemplateProblem, digest_of, made, write
from csoc.emulator.kubernetes.controllers.secrets_operator import COMPONENT, GROUP, of_operator, retry, works
from csoc.emulator.kubernetes.controllers.settings import SecretError
from csoc.emulator.kubernetes.objects.parts import (
    annotations_of,
    condition,
    deleting,
    is_true,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from csoc.emulator.kubernetes.store import Key, Object

SECRETS = "externalsecrets"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def seconds_of(text: Any) -> float:
    """A Go duration ("1h30m"); 0 for what is none."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(str(text or "")))


def reconcile(cluster: Cluster, key: Key) -> None:
    """One ExternalSecret: read, written as a Secret, said so."""
    body = cluster.store.get(key)
    if body is None or deleting(body) or not works(cluster):
        return
    if not _due(cluster, body):
        return
    name = str((body["spec"].get("target") or {}).get("name") or key.name)
    try:
        wanted = made(body, name, read(cluster, body))
    except SecretError as error:
        _failed(cluster, body, key, "could not get secret data from provider", error.message)
        return
    except TemplateProblem as error:
        _failed(cluster, body, key, "could not update secret", str(error))
        return
    why = write(cluster, body, name, wanted)
    if why:
        _failed(cluster, body, key, *why)
        return
    merges = (body["spec"].get("target") or {}).get("creationPolicy") == "Merge"
    reason, message = ("SecretSynced", "secret synced")
    if merges and cluster.get("", "secrets", key.namespace, name) is None:
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
    marked = annotations_of(secret).get(HASH)
    return marked is not None and marked != digest_of(secret.get("data") or {})


def _again(cluster: Cluster, key: Key, uid: str) -> None:
    cluster.memory[uid, "now"] = True
    cluster.wake("external secrets", key)


def _failed(cluster: Cluster, body: Object, key: Key, message: str, why: str) -> None:
    cluster.event(body, "UpdateFailed", why, COMPONENT, warning=True)
    status = dict(body.get("status") or {})
    conditions = status.get("conditions") or []
    status["conditions"] = with_condition(conditions, "Ready", False, "SecretSyncedError", message, cluster.stamp())
    status.setdefault("binding", {"name": ""})
    cluster.save_status(GROUP, SECRETS, body, status)
    retry(cluster, "external secrets", key, body)


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
    if MANAGED not in labels_of(change.object):
        return ()
    owners = change.object["metadata"].get("ownerReferences") or ()
    return [Key(GROUP, SECRETS, change.key.namespace, one["name"]) for one in owners if one["kind"] == "ExternalSecret"]


CONTROLLER = Controller(
    "external secrets",
    reconcile,
    {
        (GROUP, SECRETS): itself,
        (GROUP, STORES): _users,
        (GROUP, CLUSTER_STORES): _users,
        ("", "secrets"): _of_secret,
        ("apps", "deployments"): of_operator(SECRETS),
    },
)

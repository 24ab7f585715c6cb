"""Events: what controllers, scheduler and kubelet tell about objects. The same once more counts, as it does there.

Source: Kubernetes 1.34, staging/src/k8s.io/client-go/tools/record/events_cache.go. Events live an hour
(kube-apiserver --event-ttl); here between one and two of them, since one sweep an hour serves a whole cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes.objects.parts import digest
from csoc.emulator.kubernetes.store import Key

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.controllers.cluster import Cluster


def record(
    cluster: Cluster,
    about: Mapping[str, Any],
    reason: str,
    message: str,
    component: str,
    *,
    warning: bool = False,
    path: str = "",
) -> None:
    """Writes an event, or counts it if there is the same one already. Events about objects of the cluster itself are
    in the namespace `default`."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace") or "default"
    involved = {
        "kind": about["kind"],
        "apiVersion": about["apiVersion"],
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
    }
    involved |= {"namespace": metadata["namespace"]} if metadata.get("namespace") else {}
    involved |= {"fieldPath": path} if path else {}
    kind = "Warning" if warning else "Normal"
    name = f"{metadata['name'][:230]}.{digest([involved, reason, message, component, kind], 16)}"
    key = Key("", "events", namespace, name)
    now = cluster.stamp()
    event = cluster.store.get(key)
    if event is not None:
        event["count"] += 1
        event["lastTimestamp"] = now
        cluster.store.put(key, event)
        return
    source = {"component": component}
    host = (about.get("spec") or {}).get("nodeName") if component == "kubelet" else None
    source |= {"host": host} if host else {}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace, "uid": cluster.settings.uid(), "creationTimestamp": now},
        "involvedObject": involved,
        "reason": reason,
        "message": message[:1024],
        "type": kind,
        "source": source,
        "reportingComponent": component,
        "reportingInstance": host or "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    cluster.store.put(key, event)
    _sweep_later(cluster)


def _sweep_later(cluster: Cluster) -> None:
    version = cluster.store.version
    cluster.later("sweep of events", cluster.settings.event_seconds, lambda: _sweep(cluster, version))


def _sweep(cluster: Cluster, version: int) -> None:
    """Removes the events that nothing has counted since that version."""
    left = False
    for event in cluster.list("", "events"):
        if int(event["metadata"]["resourceVersion"]) <= version:
            cluster.store.remove(Key("", "events", event["metadata"]["namespace"], event["metadata"]["name"]))
        else:
            left = True
    if left:
        _sweep_later(cluster)

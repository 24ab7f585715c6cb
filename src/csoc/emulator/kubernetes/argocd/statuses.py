"""The status of an Application: read, changed, written, told as events.

Source: Argo CD controller/appcontroller.go (persistAppStatus, setOperationState, logAppEvent),
pkg/apis/application/v1alpha1/types.go (SetConditions, GetSummary).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from csoc.emulator.kubernetes.argocd import marks
from csoc.emulator.kubernetes.argocd.projects import sources_of
from csoc.emulator.kubernetes.argocd.state import Comparison
from csoc.emulator.kubernetes.argocd.tasks import ERROR, FAILED, SUCCEEDED
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.kinds.lookup import owner_key
from csoc.emulator.kubernetes.objects.parts import annotations_of, key_of, namespace_of

GROUP, RESOURCE = "argoproj.io", "applications"
COMPONENT = "argocd-application-controller"
REFRESH = "argocd.argoproj.io/refresh"
Object = dict[str, Any]
_COMPLETED = (SUCCEEDED, FAILED, ERROR)


def completed(state: Mapping[str, Any] | None) -> bool:
    """Whether an operation is over."""
    return state is not None and state.get("phase") in _COMPLETED


def with_conditions(
    status: Mapping[str, Any], found: Sequence[tuple[str, str]], evaluated: Collection[str], now: str
) -> list[Object]:
    """The conditions after some types were evaluated anew. The same message keeps its time."""
    before = list(status.get("conditions") or ())
    made = [dict(one) for one in before if one.get("type") not in evaluated]
    for kind, message in found:
        old = next((one for one in before if (one.get("type"), one.get("message")) == (kind, message)), None)
        made.append(dict(old) if old else {"type": kind, "message": message, "lastTransitionTime": now})
    return sorted(made, key=lambda one: (one["type"], one["message"], one["lastTransitionTime"]))


def compared_to(spec: Mapping[str, Any]) -> Object:
    """What the comparison was made with, to see later whether the specification has changed."""
    found: Object = {"destination": marks.copied(spec.get("destination") or {})}
    if spec.get("sources"):
        found["sources"] = marks.copied(spec["sources"])
    else:
        found["source"] = marks.copied(spec.get("source") or {})
    if spec.get("ignoreDifferences"):
        found["ignoreDifferences"] = marks.copied(spec["ignoreDifferences"])
    return found


def written(cluster: Cluster, application: Object, status: Object, *, operation: Object | None = None) -> None:
    """Writes the status, takes the refresh annotation off, and begins an operation if one is given."""
    before = application.get("status") or {}
    now = cluster.stamp()
    was = (before.get("sync") or {}).get("status", "")
    is_now = (status.get("sync") or {}).get("status", "")
    if was != is_now:
        tell(cluster, application, "ResourceUpdated", f"Updated sync status: {was} -> {is_now}")
    old, new = before.get("health") or {}, dict(status.get("health") or {})
    if old.get("status", "") != new.get("status", ""):
        new["lastTransitionTime"] = now
        text = f"Updated health status: {old.get('status', '')} -> {new.get('status', '')}"
        tell(cluster, application, "ResourceUpdated", text)
    elif old.get("lastTransitionTime"):
        new["lastTransitionTime"] = old["lastTransitionTime"]
    made = marks.copied(application)
    made["status"] = status | {"health": new}
    annotations = {name: text for name, text in annotations_of(made).items() if name != REFRESH}
    made["metadata"].pop("annotations", None)
    if annotations:
        made["metadata"]["annotations"] = annotations
    if operation is not None:
        made["operation"] = operation
    cluster.save(GROUP, RESOURCE, made)


def with_state(cluster: Cluster, application: Object, state: Object) -> Object:
    """Writes the state of an operation; one that is over is taken off, and told."""
    if completed(state):
        state["finishedAt"] = cluster.stamp()
    fresh = cluster.store.get(key_of(GROUP, RESOURCE, application))
    if fresh is None:
        return application
    running = (fresh.get("status") or {}).get("operationState") or {}
    if running.get("phase") == "Terminating" and not completed(state):
        state = state | {"phase": "Terminating", "message": "operation is terminating"}
    fresh["status"] = dict(fresh.get("status") or {}) | {"operationState": marks.copied(state)}
    if completed(state):
        fresh.pop("operation", None)
    saved = cluster.save(GROUP, RESOURCE, fresh)
    if completed(state):
        _tell_end(cluster, application, state)
    return saved


def _tell_end(cluster: Cluster, application: Object, state: Object) -> None:
    sync = (state.get("operation") or {}).get("sync") or {}
    words = ["Partial sync operation" if sync.get("resources") else "Sync operation"]
    result = state.get("syncResult")
    if result is not None:
        words += ["to", str(result.get("revision", ""))]
    well = state["phase"] == SUCCEEDED
    words += ["succeeded"] if well else ["failed:", str(state.get("message", ""))]
    tell(cluster, application, "OperationCompleted", " ".join(words), warning=not well)


def tell(cluster: Cluster, application: Object, reason: str, message: str, *, warning: bool = False) -> None:
    """An event about the Application."""
    cluster.event(application, reason, message, COMPONENT, warning=warning)


def summary(cluster: Cluster, application: Object, comparison: Comparison) -> Object:
    """Images of the Pods that there are, and addresses (populatePodInfo, populateNodeInfo of controller/cache/info.go).
    What is wanted and has no Pod, as a CronJob that never ran, has no image here."""
    live = [one.live for one in comparison.resources if one.live is not None]
    images: set[str] = set()
    for pod in _pods(cluster, live):
        images.update(marks.images_of(pod))
    urls = set(_links(application))
    for body in live:
        urls.update(_links(body))
        urls.update(_urls(body))
    found: Object = {}
    if urls:
        found["externalURLs"] = sorted(urls)
    if images:
        found["images"] = sorted(images)
    return found


def _pods(cluster: Cluster, live: Sequence[Object]) -> Iterator[Object]:
    """The Pods among some objects, and those that they own."""
    known: dict[str, bool] = {str(body["metadata"].get("uid")): True for body in live}

    def belongs(body: Object, namespace: str) -> bool:
        uid = str(body["metadata"].get("uid"))
        if uid not in known:
            known[uid] = False  # should two own each other
            for owner in body["metadata"].get("ownerReferences") or ():
                place = owner_key(cluster.store, owner, namespace)
                above = known.get(str(owner.get("uid")))
                if above is None and place is not None:
                    its = cluster.store.get(place)
                    above = its is not None and belongs(its, namespace)
                known[uid] = known[uid] or bool(above)
        return known[uid]

    for namespace in {namespace_of(body) for body in live} - {""}:
        for pod in cluster.list("", "pods", namespace):
            if belongs(pod, namespace):
                yield pod


def _links(body: Object) -> list[str]:
    return [text for name, text in annotations_of(body).items() if name.startswith("link.argocd.argoproj.io/")]


def _urls(body: Object) -> list[str]:
    """Where an Ingress is reached (controller/cache/info.go, populateIngressInfo). A rule without a host has the
    address of the load balancer, once there is one; hosts of `tls` are not looked at there, only its secret's name."""
    if body["kind"] != "Ingress":
        return []
    spec = body.get("spec") or {}
    addresses = ((body.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    balancer = next((text for one in addresses if (text := one.get("hostname") or one.get("ip"))), "")
    scheme = "https" if any(one.get("secretName") for one in spec.get("tls") or ()) else "http"
    found: list[str] = []
    for rule in spec.get("rules") or ():
        host = rule.get("host") or balancer
        paths = (rule.get("http") or {}).get("paths") or ()
        found += [f"{scheme}://{host}{str(one.get('path') or '').removesuffix('*')}" for one in paths if host]
    return found


def history_with(application: Object, status: Object, comparison: Comparison, state: Object, now: str) -> list[Object]:
    """The history with this deployment, cut to its limit."""
    spec = application["spec"]
    kept = list(status.get("history") or ())
    entry: Object = {"id": int(kept[-1]["id"]) + 1 if kept else 0, "deployedAt": now}
    entry["deployStartedAt"] = state.get("startedAt", now)
    result = state.get("syncResult") or {}
    if result.get("sources"):
        entry |= {"sources": marks.copied(result["sources"]), "revisions": list(comparison.revisions)}
    else:
        source = result.get("source") or sources_of(spec)[0]
        entry |= {"source": marks.copied(source), "revision": (comparison.revisions or [""])[0]}
    initiated = (state.get("operation") or {}).get("initiatedBy") or {}
    entry["initiatedBy"] = dict(initiated)
    limit = int(spec.get("revisionHistoryLimit", 10))
    return [*kept, entry][-limit:] if limit else []

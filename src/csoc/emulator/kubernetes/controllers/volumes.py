"""Claims for volumes: bound to a volume of their storage class, kept while a pod uses them.

Source: Kubernetes 1.34, pkg/controller/volume/persistentvolume/pv_controller.go, pkg/controller/volume/pvcprotection.
"""

from __future__ import annotations

from collections.abc import Iterable

from csoc.emulator.kubernetes.controllers.cluster import Change, Cluster, Controller, all_of, itself
from csoc.emulator.kubernetes.objects.allocation import CLAIM_PROTECTION
from csoc.emulator.kubernetes.objects.parts import annotations_of, deleting, name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.store import Key, Object

_COMPONENT = "persistentvolume-controller"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def _claims(cluster: Cluster, change: Change) -> Iterable[Key]:  # noqa: ARG001 - one of many ways to wake
    """The claims of a pod, which may now be bound (it has a node) or go (it is gone)."""
    found = []
    for volume in (change.object.get("spec") or {}).get("volumes") or ():
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim:
            found.append(Key("", "persistentvolumeclaims", change.key.namespace, claim))
    return found


def reconcile(cluster: Cluster, key: Key) -> None:
    """One claim."""
    claim = cluster.store.get(key)
    if claim is None:
        return
    users = _users(cluster, claim)
    if deleting(claim):
        finalizers = claim["metadata"].get("finalizers") or []
        if CLAIM_PROTECTION in finalizers and not users:
            claim["metadata"]["finalizers"] = [one for one in finalizers if one != CLAIM_PROTECTION]
            cluster.save("", "persistentvolumeclaims", claim)
            _release(cluster, claim)
        return
    if (claim.get("status") or {}).get("phase") == "Bound":
        return
    found = _class(cluster, claim)
    if found is None:
        _pending(cluster, claim)
        name = claim["spec"].get("storageClassName")
        text = (
            f'storageclass.storage.k8s.io "{name}" not found'
            if name
            else "no persistent volumes available for this claim and no storage class is set"
        )
        reason = "ProvisioningFailed" if name else "FailedBinding"
        cluster.event(claim, reason, text, _COMPONENT, warning=bool(name))
        return
    waits = found.get("volumeBindingMode") == "WaitForFirstConsumer"
    if waits and not any(pod["spec"].get("nodeName") for pod in users):
        _pending(cluster, claim)
        text = "waiting for first consumer to be created before binding"
        cluster.event(claim, "WaitForFirstConsumer", text, _COMPONENT)
        return
    _bind(cluster, claim, found)


def _users(cluster: Cluster, claim: Object) -> list[Object]:
    wanted = name_of(claim)
    return [
        pod
        for pod in cluster.list("", "pods", namespace_of(claim))
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        and any(
            (one.get("persistentVolumeClaim") or {}).get("claimName") == wanted
            for one in pod["spec"].get("volumes") or ()
        )
    ]


def _class(cluster: Cluster, claim: Object) -> Object | None:
    """The storage class of a claim; where the cluster has none at all, one that binds at once is assumed for claims
    that name none."""
    name = claim["spec"].get("storageClassName")
    classes = cluster.list("storage.k8s.io", "storageclasses")
    if name:
        return next((one for one in classes if name_of(one) == name), None)
    default = [one for one in classes if annotations_of(one).get(_DEFAULT) == "true"]
    if default:
        return default[0]
    return None if classes or name == "" else {"metadata": {"name": ""}, "provisioner": "simulated"}


def _pending(cluster: Cluster, claim: Object) -> None:
    cluster.save_status("", "persistentvolumeclaims", claim, (claim.get("status") or {}) | {"phase": "Pending"})


def _bind(cluster: Cluster, claim: Object, found: Object) -> None:
    volume = f"pvc-{uid_of(claim)}"
    capacity = ((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
    modes = claim["spec"].get("accessModes") or ["ReadWriteOnce"]
    reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "uid": uid_of(claim)}
    reference |= {"namespace": namespace_of(claim), "name": name_of(claim)}
    if cluster.get("", "persistentvolumes", "", volume) is None:
        cluster.create(
            "",
            "persistentvolumes",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": volume},
                "spec": {
                    "capacity": {"storage": capacity},
                    "accessModes": modes,
                    "claimRef": reference,
                    "persistentVolumeReclaimPolicy": found.get("reclaimPolicy", "Delete"),
                    "storageClassName": name_of(found),
                    "volumeMode": claim["spec"].get("volumeMode", "Filesystem"),
                    "csi": {"driver": found.get("provisioner", "simulated"), "volumeHandle": f"vol-{uid_of(claim)}"},
                },
                "status": {"phase": "Bound"},
            },
        )
    spec = dict(claim["spec"])
    claim["spec"] |= {"volumeName": volume, "storageClassName": name_of(found) or spec.get("storageClassName")}
    claim["spec"] = {name: value for name, value in claim["spec"].items() if value is not None}
    claim["status"] = {"phase": "Bound", "accessModes": modes, "capacity": {"storage": capacity}}
    cluster.save("", "persistentvolumeclaims", claim, of={"spec": spec})
    text = f"Successfully provisioned volume {volume}"
    cluster.event(claim, "ProvisioningSucceeded", text, f"{found.get('provisioner', 'simulated')}")


def _release(cluster: Cluster, claim: Object) -> None:
    volume = claim["spec"].get("volumeName")
    body = cluster.get("", "persistentvolumes", "", volume) if volume else None
    if body is None:
        return
    if body["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
        cluster.delete(Key("", "persistentvolumes", "", str(volume)))
    else:
        cluster.save_status("", "persistentvolumes", body, {"phase": "Released"})


CONTROLLER = Controller(
    "claims",
    reconcile,
    {
        ("", "persistentvolumeclaims"): itself,
        ("", "pods"): _claims,
        ("storage.k8s.io", "storageclasses"): all_of("", "persistentvolumeclaims"),
    },
)

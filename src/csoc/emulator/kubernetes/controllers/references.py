"""What a pod names and the cluster does not have: Secrets, ConfigMaps, their keys, claims.

Source: Kubernetes 1.34, pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables), pkg/kubelet/volumemanager/populator,
pkg/volume/{secret,configmap,projected}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.objects.parts import namespace_of

_KINDS = {"secret": ("secrets", "Secret"), "configmap": ("configmaps", "ConfigMap")}


def missing_in_environment(cluster: Cluster, pod: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """Why the container's environment cannot be made, in the kubelet's words; "" if it can."""
    namespace = namespace_of(pod)
    for source in container.get("envFrom") or ():
        for kind, field in (("configmap", "configMapRef"), ("secret", "secretRef")):
            reference = source.get(field)
            if reference and not reference.get("optional") and _body(cluster, kind, namespace, reference) is None:
                return f'{kind} "{reference.get("name", "")}" not found'
    for variable in container.get("env") or ():
        origin = variable.get("valueFrom") or {}
        for kind, field in (("configmap", "configMapKeyRef"), ("secret", "secretKeyRef")):
            why = _missing_key(cluster, kind, namespace, origin.get(field))
            if why:
                return why
    return ""


def _missing_key(cluster: Cluster, kind: str, namespace: str, reference: Mapping[str, Any] | None) -> str:
    if not reference or reference.get("optional"):
        return ""
    name, key = reference.get("name", ""), reference.get("key", "")
    body = _body(cluster, kind, namespace, reference)
    if body is None:
        return f'{kind} "{name}" not found'
    return "" if key in _keys(body) else f"couldn't find key {key} in {_KINDS[kind][1]} {namespace}/{name}"


def _body(cluster: Cluster, kind: str, namespace: str, reference: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return cluster.get("", _KINDS[kind][0], namespace, str(reference.get("name", "")))


def _keys(body: Mapping[str, Any]) -> set[str]:
    return {*(body.get("data") or {}), *(body.get("binaryData") or {}), *(body.get("stringData") or {})}


def failed_mounts(cluster: Cluster, pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(name of the volume, why it cannot be mounted) for every volume that cannot, of those that containers mount."""
    namespace = namespace_of(pod)
    for volume in _used_volumes(pod):
        why = _mount(cluster, namespace, volume)
        if why:
            yield str(volume.get("name", "")), why


def _used_volumes(pod: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The kubelet skips volumes that no container of the pod mounts, whatever they refer to."""
    containers = [
        one for field in ("initContainers", "containers", "ephemeralContainers") for one in pod["spec"].get(field) or ()
    ]
    used = {
        mount.get("name")
        for container in containers
        for field in ("volumeMounts", "volumeDevices")
        for mount in container.get(field) or ()
    }
    return (volume for volume in pod["spec"].get("volumes") or () if volume.get("name") in used)


def _mount(cluster: Cluster, namespace: str, volume: Mapping[str, Any]) -> str:
    if volume.get("secret"):
        reference = {"name": volume["secret"].get("secretName", "")}
        return _content(cluster, "secret", namespace, reference | dict(volume["secret"]))
    if volume.get("configMap"):
        return _content(cluster, "configmap", namespace, volume["configMap"])
    if volume.get("projected"):
        found = [
            why
            for source in volume["projected"].get("sources") or ()
            for kind, field in (("secret", "secret"), ("configmap", "configMap"))
            if source.get(field) and (why := _content(cluster, kind, namespace, source[field]))
        ]
        return found[0] if len(found) == 1 else f"[{', '.join(found)}]" if found else ""
    return ""


def _content(cluster: Cluster, kind: str, namespace: str, reference: Mapping[str, Any]) -> str:
    if reference.get("optional"):
        return ""
    body = _body(cluster, kind, namespace, reference)
    if body is None:
        return f'{kind} "{reference.get("name", "")}" not found'
    for item in reference.get("items") or ():
        if item.get("key") not in _keys(body):
            if kind == "secret":
                return f"references non-existent secret key: {item.get('key')}"
            return f"configmap references non-existent config key: {item.get('key')}"
    return ""


def unbound_claims(cluster: Cluster, pod: Mapping[str, Any]) -> list[str]:
    """The volumes whose claims are not bound yet; the kubelet waits for them without an event."""
    found = []
    for volume in _used_volumes(pod):
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if name:
            claim = cluster.get("", "persistentvolumeclaims", namespace_of(pod), name)
            if claim is None or (claim.get("status") or {}).get("phase") != "Bound":
                found.append(str(volume.get("name", "")))
    return found

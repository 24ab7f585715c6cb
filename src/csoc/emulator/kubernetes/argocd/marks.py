"""What annotations and labels mean to Argo CD: hooks, waves, options, whose object it is.

Source: gitops-engine pkg/sync/{hook,hook/helm,syncwaves,resource,ignore}; Argo CD util/argo/resource_tracking.go and
controller/state.go (isSelfReferencedObj).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from csoc.emulator.kubernetes.kinds.lookup import group_of
from csoc.emulator.kubernetes.objects.parts import annotations_of, labels_of, name_of, namespace_of

_Json = TypeVar("_Json")
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"
HOOK_FINALIZER = "argocd.argoproj.io/hook-finalizer"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
SYNC_OPTIONS, COMPARE_OPTIONS = "argocd.argoproj.io/sync-options", "argocd.argoproj.io/compare-options"
_HOOK, _POLICY, _WAVE = (
    "argocd.argoproj.io/hook",
    "argocd.argoproj.io/hook-delete-policy",
    "argocd.argoproj.io/sync-wave",
)
_HELM_HOOK, _HELM_POLICY, _HELM_WEIGHT = "helm.sh/hook", "helm.sh/hook-delete-policy", "helm.sh/hook-weight"
_TYPES = ("PreSync", "Sync", "PostSync", "Skip", "SyncFail", "PostDelete")
_POLICIES = ("HookSucceeded", "HookFailed", "BeforeHookCreation")
_FROM_HELM = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "post-delete": "PostDelete",
}
_POLICY_FROM_HELM = {
    "before-hook-creation": "BeforeHookCreation",
    "hook-succeeded": "HookSucceeded",
    "hook-failed": "HookFailed",
}


def copied(value: _Json) -> _Json:
    """A copy of a JSON value; several times faster than copy.deepcopy, which looks for circles."""
    if isinstance(value, dict):
        return {name: copied(part) for name, part in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copied(part) for part in value]  # type: ignore[return-value]
    return value


def listed(body: Mapping[str, Any], annotation: str) -> list[str]:
    """An annotation that is a list with commas."""
    return [part.strip() for part in annotations_of(body).get(annotation, "").split(",") if part.strip()]


def has_option(body: Mapping[str, Any] | None, option: str, annotation: str = SYNC_OPTIONS) -> bool:
    """Whether an object carries an option ("Prune=false")."""
    return body is not None and option in listed(body, annotation)


def hook_types(body: Mapping[str, Any]) -> list[str]:
    """PreSync, Sync, PostSync, SyncFail, PostDelete, Skip; Helm's hooks only where there is none of Argo CD's."""
    found = [one for one in listed(body, _HOOK) if one in _TYPES]
    return found or [_FROM_HELM[one] for one in listed(body, _HELM_HOOK) if one in _FROM_HELM]


def is_skipped(body: Mapping[str, Any]) -> bool:
    return hook_types(body) == ["Skip"]


def is_hook(body: Mapping[str, Any]) -> bool:
    """A hook of Argo CD or Helm. A type that is not known makes a hook that never runs."""
    annotations = annotations_of(body)
    if _HOOK in annotations:
        return not is_skipped(body)
    return _HELM_HOOK in annotations and annotations[_HELM_HOOK] != "crd-install"


def is_ignored(body: Mapping[str, Any]) -> bool:
    """Helm's old way of installing definitions."""
    return annotations_of(body).get(_HELM_HOOK) == "crd-install"


def is_post_delete(body: Mapping[str, Any]) -> bool:
    return "PostDelete" in hook_types(body)


def phases(body: Mapping[str, Any]) -> list[str]:
    """In which phases of a sync the object is applied."""
    if is_skipped(body):
        return []
    if is_hook(body):
        order = ("PreSync", "Sync", "PostSync", "SyncFail")
        return [phase for phase in order if phase in hook_types(body)]
    return ["Sync"]


def delete_policies(body: Mapping[str, Any]) -> list[str]:
    found = [one for one in listed(body, _POLICY) if one in _POLICIES]
    found += [_POLICY_FROM_HELM[one] for one in listed(body, _HELM_POLICY) if one in _POLICY_FROM_HELM]
    return found or ["BeforeHookCreation"]


def wave(body: Mapping[str, Any]) -> int:
    """The sync wave; of a Helm hook its weight."""
    annotations = annotations_of(body)
    for name in (_WAVE, _HELM_WEIGHT):
        text = annotations.get(name, "")
        if name in annotations and text.lstrip("+-").isdecimal():
            return int(text)
    return 0


def tracking_id(application: str, body: Mapping[str, Any], namespace: str) -> str:
    """<application>:<group>/<kind>:<namespace>/<name>."""
    return f"{application}:{group_of(body)}/{body['kind']}:{namespace_of(body) or namespace}/{name_of(body)}"


def track(body: dict[str, Any], application: str, namespace: str, method: str, label: str) -> None:
    """Marks an object as the Application's."""
    metadata = body["metadata"]
    if method != "label":
        annotations = dict(metadata.get("annotations") or {})
        metadata["annotations"] = annotations | {TRACKING: tracking_id(application, body, namespace)}
    if method in ("label", "annotation+label"):
        metadata["labels"] = dict(metadata.get("labels") or {}) | {label: application[:63]}


def application_of(body: Mapping[str, Any], method: str, label: str) -> str:
    """The name of the Application that an object says it belongs to."""
    if method == "label":
        return labels_of(body).get(label, "")
    found = annotations_of(body).get(TRACKING, "")
    return found.partition(":")[0] if found.count(":") >= 2 else ""


def is_own(live: Mapping[str, Any] | None, target: Mapping[str, Any] | None, method: str) -> bool:
    """Whether a live object is what its tracking id says, and no copy that a controller made with all annotations of
    another."""
    if live is None or target is not None or method == "label":
        return True
    text = annotations_of(live).get(TRACKING, "")
    if text.count(":") < 2:
        return True
    expected = tracking_id("", live, "").partition(":")[2]
    found = text.partition(":")[2]
    if found == expected:
        return True
    # Objects of the cluster itself carry the namespace of the Application.
    return not namespace_of(live) and _without_namespace(found) == _without_namespace(expected)


def _without_namespace(text: str) -> tuple[str, str]:
    kind, _, place = text.partition(":")
    return kind, place.rpartition("/")[2]


def images_of(body: Any) -> list[str]:
    """The images of an object's pods, in order, each once (kube.GetResourceImages)."""
    spec = body.get("spec") or {}
    if body.get("kind") == "CronJob":
        spec = ((spec.get("jobTemplate") or {}).get("spec") or {}) or {}
    pod = spec if body.get("kind") == "Pod" else (spec.get("template") or {}).get("spec") or {}
    found = [
        str(one["image"])
        for part in ("initContainers", "containers")
        for one in pod.get(part) or ()
        if isinstance(one, Mapping) and one.get("image")
    ]
    return list(dict.fromkeys(found))

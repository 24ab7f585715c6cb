"""What may be written: names, labels, what must be there, what cannot be changed.

The rules that clients run into, worded as the API server words them. Sources: apimachinery, pkg/util/validation and
pkg/api/validation/objectmeta.go; Kubernetes, pkg/apis/*/validation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from csoc.emulator.kubernetes import errors
from csoc.emulator.kubernetes.kinds import custom
from csoc.emulator.kubernetes.kinds.types import ResourceType
from csoc.emulator.kubernetes.objects import selectors

if TYPE_CHECKING:
    from csoc.emulator.kubernetes.objects.writing import Objects

Object = dict[str, Any]
Cause = dict[str, str]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_DNS_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LARGEST_DATA_BYTES = 1024 * 1024


def check(objects: Objects, type_: ResourceType, new: Object, live: Object | None, subresource: str) -> None:  # noqa: ARG001 - the store is for rules that look at others
    """Raises ApiError Invalid with all causes."""
    causes = list(_metadata(type_, new["metadata"]))
    if type_.custom is not None:
        causes += custom.problems(type_, new)
    elif subresource in ("", "scale"):
        causes += _own(type_, new)
        if live is not None:
            causes += _unchangeable(type_, new, live)
    if live is not None and "deletionTimestamp" in live["metadata"]:
        before = live["metadata"].get("finalizers", ())
        added = [one for one in new["metadata"].get("finalizers", ()) if one not in before]
        if added:
            shown = "[]string{" + ", ".join(f'"{one}"' for one in added) + "}"
            why = "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
            why += shown
            # The real server looks twice, at every object and at every kind.
            causes += [_cause("metadata.finalizers", "FieldValueForbidden", why)] * 2
    if causes:
        raise errors.invalid(type_.kind, type_.group, new["metadata"].get("name", ""), causes)


def _cause(field: str, reason: str, message: str) -> Cause:
    return {"reason": reason, "message": message, "field": field}


def required(field: str, why: str = "") -> Cause:
    return _cause(field, "FieldValueRequired", "Required value" + (f": {why}" if why else ""))


def invalid(field: str, value: Any, why: str) -> Cause:
    shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


# Which rule names follow; all others are subdomains.
_LABEL_NAMES = {("", "namespaces")}
_DNS_1035_NAMES = {("", "services")}
_PATH_NAMES = {
    ("rbac.authorization.k8s.io", name) for name in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
}


def _metadata(type_: ResourceType, metadata: Mapping[str, Any]) -> Iterator[Cause]:
    name = metadata.get("name", "")
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from _name(type_, name)
    for key, value in (metadata.get("labels") or {}).items():
        yield from _key("metadata.labels", key)
        if len(value) > 63:
            yield invalid("metadata.labels", value, "must be no more than 63 bytes")
        elif value and not _NAME_PART.fullmatch(value):
            yield invalid("metadata.labels", value, _LABEL_VALUE_TEXT)
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from _key("metadata.annotations", key.lower())
    if sum(len(key) + len(value) for key, value in annotations.items()) > 256 * 1024:
        yield _cause("metadata.annotations", "FieldValueTooLong", "Too long: may not be more than 262144 bytes")
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        place = f"metadata.ownerReferences[{index}]"
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield invalid(f"{place}.{field}", "", f"{field} must not be empty")


def _name(type_: ResourceType, name: str) -> Iterator[Cause]:
    place = (type_.group, type_.plural)
    if place in _PATH_NAMES:
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid("metadata.name", name, "may not contain '/' or '%', or be '.' or '..'")
        return
    pattern, text, most = _SUBDOMAIN, _SUBDOMAIN_TEXT, 253
    if place in _LABEL_NAMES:
        pattern, text, most = _LABEL, _LABEL_TEXT, 63
    if place in _DNS_1035_NAMES:
        pattern, text, most = _DNS_1035, _DNS_1035_TEXT, 63
    if len(name) > most:
        yield invalid("metadata.name", name, f"must be no more than {most} bytes")
    if not pattern.fullmatch(name):
        yield invalid("metadata.name", name, text)


def _key(field: str, key: str) -> Iterator[Cause]:
    prefix, found, name = key.rpartition("/")
    if found and not _SUBDOMAIN.fullmatch(prefix):
        yield invalid(field, key, f"prefix part {_SUBDOMAIN_TEXT}")
    if len(name) > 63:
        yield invalid(field, key, "name part must be no more than 63 bytes")
    if not _NAME_PART.fullmatch(name):
        why = (
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
        yield invalid(field, key, why)


# Rules of kinds


def _own(type_: ResourceType, new: Object) -> Iterator[Cause]:
    rule = _RULES.get((type_.group, type_.plural))
    if rule is not None:
        yield from rule(new)


def _data(new: Object) -> Iterator[Cause]:
    size = 0
    for part in ("data", "binaryData"):
        for key, value in (new.get(part) or {}).items():
            if len(key) > 253 or not _DATA_KEY.fullmatch(key):
                why = (
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
                    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                )
                yield invalid(f"{part}[{key}]", key, why)
            size += len(value)
    if size > _LARGEST_DATA_BYTES * (4 / 3 if new["kind"] == "Secret" else 1):
        yield _cause("data", "FieldValueTooLong", f"Too long: may not be more than {_LARGEST_DATA_BYTES} bytes")


def _containers(spec: Mapping[str, Any], path: str) -> Iterator[Cause]:
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    names: set[str] = set()
    volumes = {one.get("name") for one in spec.get("volumes") or ()}
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or ()):
            place = f"{path}.{part}[{index}]"
            name = container.get("name", "")
            if not name:
                yield required(f"{place}.name")
            elif not _LABEL.fullmatch(name) or len(name) > 63:
                yield invalid(f"{place}.name", name, _LABEL_TEXT)
            elif name in names:
                yield _cause(f"{place}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"')
            names.add(name)
            if not container.get("image"):
                yield required(f"{place}.image")
            for at, mount in enumerate(container.get("volumeMounts") or ()):
                if mount.get("name") not in volumes:
                    why = f'Not found: "{mount.get("name", "")}"'
                    yield _cause(f"{place}.volumeMounts[{at}].name", "FieldValueNotFound", why)
    if spec.get("restartPolicy") not in ("Always", "OnFailure", "Never", None):
        yield _unsupported(f"{path}.restartPolicy", spec["restartPolicy"], ("Always", "Never", "OnFailure"))


def _unsupported(field: str, value: Any, allowed: tuple[str, ...]) -> Cause:
    told = ", ".join(f'"{one}"' for one in allowed)
    return _cause(field, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {told}')


def _pod(new: Object) -> Iterator[Cause]:
    yield from _containers(new.get("spec") or {}, "spec")


def _workload(new: Object) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    selector = spec.get("selector")
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not selector:
        yield required("spec.selector")
    if not selector or not selectors.selects(selector, labels):
        yield invalid("spec.template.metadata.labels", labels or None, "`selector` does not match template `labels`")
    if (spec.get("replicas") or 0) < 0:
        yield invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0")
    yield from _containers(template.get("spec") or {}, "spec.template.spec")
    policy = (template.get("spec") or {}).get("restartPolicy", "Always")
    if policy != "Always":
        yield _unsupported("spec.template.spec.restartPolicy", policy, ("Always",))


def _job_spec(spec: Mapping[str, Any], path: str) -> Iterator[Cause]:
    template = (spec.get("template") or {}).get("spec") or {}
    yield from _containers(template, f"{path}.template.spec")
    policy = template.get("restartPolicy")
    if policy == "Always":
        why = 'Required value: valid values: "OnFailure", "Never"'
        yield _cause(f"{path}.template.spec.restartPolicy", "FieldValueRequired", why)


def _job(new: Object) -> Iterator[Cause]:
    yield from _job_spec(new.get("spec") or {}, "spec")


def _cron_job(new: Object) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    if not spec.get("schedule"):
        yield required("spec.schedule")
    elif not re.fullmatch(r"(TZ=\S+ |CRON_TZ=\S+ )?(@\w+( \S+)?|\S+( \S+){4})", spec["schedule"].strip()):
        yield invalid("spec.schedule", spec["schedule"], "expected exactly 5 fields")
    yield from _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def _service(new: Object) -> Iterator[Cause]:
    spec = new.get("spec") or {}
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if spec.get("type") not in kinds:
        yield _unsupported("spec.type", spec.get("type"), kinds)
    if not spec.get("ports") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    ports = spec.get("ports") or ()
    for index, port in enumerate(ports):
        if not 0 < port.get("port", 0) < 65536:
            yield invalid(f"spec.ports[{index}].port", port.get("port", 0), "must be between 1 and 65535, inclusive")
        if len(ports) > 1 and not port.get("name"):
            yield required(f"spec.ports[{index}].name")


def _binding(new: Object) -> Iterator[Cause]:
    reference = new.get("roleRef") or {}
    kinds = ("ClusterRole", "Role") if new["kind"] == "RoleBinding" else ("ClusterRole",)
    if reference.get("kind") not in kinds:
        yield _unsupported("roleRef.kind", reference.get("kind", ""), kinds)
    if not reference.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(new.get("subjects") or ()):
        place = f"subjects[{index}]"
        if not subject.get("name"):
            yield required(f"{place}.name")
        if subject.get("kind") == "ServiceAccount" and not subject.get("namespace") and new["kind"] != "RoleBinding":
            yield required(f"{place}.namespace")
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            yield _unsupported(f"{place}.kind", subject.get("kind", ""), ("Group", "ServiceAccount", "User"))


def _role(new: Object) -> Iterator[Cause]:
    for index, rule in enumerate(new.get("rules") or ()):
        place = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{place}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            if new["kind"] == "Role":
                why = "namespaced rules cannot apply to non-resource URLs"
                yield invalid(f"{place}.nonResourceURLs", str(rule["nonResourceURLs"]), why)
            continue
        if not rule.get("apiGroups"):
            yield required(f"{place}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{place}.resources", "resource rules must supply at least one resource")


_RULES: Mapping[tuple[str, str], Callable[[Object], Iterator[Cause]]] = {
    ("", "configmaps"): _data,
    ("", "secrets"): _data,
    ("", "pods"): _pod,
    ("", "services"): _service,
    ("apps", "deployments"): _workload,
    ("apps", "statefulsets"): _workload,
    ("apps", "daemonsets"): _workload,
    ("apps", "replicasets"): _workload,
    ("batch", "jobs"): _job,
    ("batch", "cronjobs"): _cron_job,
    ("rbac.authorization.k8s.io", "rolebindings"): _binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _binding,
    ("rbac.authorization.k8s.io", "roles"): _role,
    ("rbac.authorization.k8s.io", "clusterroles"): _role,
}

# Fields that stay as they were made.
_FIXED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "deployments"): ("spec.selector",),
    ("apps", "replicasets"): ("spec.selector",),
    ("apps", "daemonsets"): ("spec.selector",),
    ("batch", "jobs"): ("spec.selector", "spec.template", "spec.completionMode"),
    ("", "secrets"): ("type",),
    ("rbac.authorization.k8s.io", "rolebindings"): ("roleRef",),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): ("roleRef",),
    ("storage.k8s.io", "storageclasses"): ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("spec.group", "spec.scope", "spec.names.plural"),
}
_STATEFUL_MAY_CHANGE = (
    *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
    *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
)


def _unchangeable(type_: ResourceType, new: Object, live: Object) -> Iterator[Cause]:
    place = (type_.group, type_.plural)
    for path in _FIXED.get(place, ()):
        before, after = _at(live, path), _at(new, path)
        if before is not None and before != after:
            if path == "roleRef":
                # Shown as the Go struct that it is.
                shown = {"APIGroup": after.get("apiGroup"), "Kind": after.get("kind"), "Name": after.get("name")}
                yield invalid(path, shown, "cannot change roleRef")
            else:
                yield invalid(path, after, "field is immutable")
    if place == ("apps", "statefulsets"):
        before, after = live.get("spec", {}), new.get("spec", {})
        names = (before.keys() | after.keys()) - set(_STATEFUL_MAY_CHANGE)
        if any(before.get(name) != after.get(name) for name in names):
            why = (
                "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                "'minReadySeconds' are forbidden"
            )
            yield _cause("spec", "FieldValueForbidden", why)
    if place in (("", "secrets"), ("", "configmaps")) and live.get("immutable"):
        for field in ("data", "binaryData", "immutable"):
            if live.get(field) != new.get(field):
                why = "Forbidden: field is immutable when `immutable` is set"
                yield _cause(field, "FieldValueForbidden", why)
    if place == ("", "pods"):
        yield from _pod_changes(new, live)
    if place == ("", "services"):
        before, after = live["spec"].get("clusterIP"), new["spec"].get("clusterIP")
        if before and before != after and new["spec"].get("type") != "ExternalName":
            yield invalid("spec.clusterIPs[0]", [after], "may not change once set")


def _pod_changes(new: Object, live: Object) -> Iterator[Cause]:
    def fixed(body: Object) -> Any:
        spec = dict(body.get("spec", {}).items())
        for name in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "ephemeralContainers"):
            spec.pop(name, None)
        for part in ("containers", "initContainers"):
            spec[part] = [{k: v for k, v in one.items() if k != "image"} for one in spec.get(part) or ()]
        return spec

    if fixed(new) != fixed(live):
        why = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)"
        )
        yield _cause("spec", "FieldValueForbidden", why)


def _at(body: Object, path: str) -> Any:
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value

"""What the pods of an environment cannot start without, and what there is to give it to them.

A pod waits for ever for a Secret or a ConfigMap that does not exist, unless the reference is optional. Volumes that no
container mounts are left out, because the kubelet sets up none of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.shapes import items, mapping, mappings, text
from csoc.fleet.values import walk
from csoc.gen3.rules.support.workloads import Workload, name_of, workloads
from csoc.gen3.state import EnvironmentState

SECRET = "Secret"  # noqa: S105 - a kind
CONFIG_MAP = "ConfigMap"
POD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"})
# Kinds whose objects name a Secret because they read it. What else names one may well be what makes it.
_READERS = frozenset({"SecretStore", "ClusterSecretStore", "PushSecret", "ClusterPushSecret", "ScaledObject"})
_BUILT_IN = ("", "apps", "batch", "autoscaling", "policy")
# A script that creates objects; one that only patches or waits for them makes none.
_CREATES = re.compile(r"\b(?:g3)?(?:kubectl|oc|k8sclient)\b[^\n;|&]*\b(?:create|apply|replace)\b")
_GIVEN = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt"})  # Kubernetes puts these into every namespace


@dataclass(frozen=True, slots=True)
class Need:
    """A workload's need of a Secret or ConfigMap. keys: those that must be in it, () for whatever it holds.
    runs_always: pods of it run all the time, not only as jobs."""

    kind: str
    name: str
    keys: tuple[str, ...]
    workload: str
    runs_always: bool


def needs(state: EnvironmentState) -> Iterator[Need]:
    """Every need of every rendered workload that is not optional."""
    for workload in workloads(state):
        always = workload.kind not in ("Job", "CronJob")
        for kind, name, keys in (*_mounted(workload), *_read(workload)):
            if name and not (kind == CONFIG_MAP and name in _GIVEN):
                yield Need(kind, name, keys, workload.title, always)


def _mounted(workload: Workload) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    used = {
        mount.get("name")
        for container in workload.containers
        for mount in (*mappings(container.get("volumeMounts")), *mappings(container.get("volumeDevices")))
    }
    for volume in mappings(workload.spec.get("volumes")):
        if volume.get("name") not in used:
            continue
        for source in (volume, *mappings(mapping(volume.get("projected")).get("sources"))):
            yield from _source(SECRET, mapping(source.get("secret")))
            yield from _source(CONFIG_MAP, mapping(source.get("configMap")))


def _source(kind: str, source: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    name = text(source.get("secretName")) or text(source.get("name"))
    if name and source.get("optional") is not True:
        keys = (text(item.get("key")) for item in mappings(source.get("items")))
        yield kind, name, tuple(key for key in keys if key)


def _read(workload: Workload) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for container in workload.containers:
        for entry in mappings(container.get("env")):
            chosen = mapping(entry.get("valueFrom"))
            for kind, step in ((SECRET, "secretKeyRef"), (CONFIG_MAP, "configMapKeyRef")):
                reference = mapping(chosen.get(step))
                if reference.get("optional") is not True:
                    key = text(reference.get("key"))
                    yield kind, text(reference.get("name")), (key,) if key else ()
        for entry in mappings(container.get("envFrom")):
            for kind, step in ((SECRET, "secretRef"), (CONFIG_MAP, "configMapRef")):
                reference = mapping(entry.get(step))
                if reference.get("optional") is not True:
                    yield kind, text(reference.get("name")), ()


@dataclass(frozen=True, slots=True)
class Supply:
    """What an environment's manifests give its pods. keys: of rendered Secrets and ConfigMaps by (kind, name).
    pulled: Secrets that External Secrets writes, whose keys stand elsewhere. named: every text in custom resources that
    may make something. scripts: what containers and mounted scripts run."""

    keys: Mapping[tuple[str, str], frozenset[str]]
    pulled: frozenset[str]
    named: frozenset[str]
    scripts: Sequence[str] = field(default=(), repr=False)

    def holds(self, kind: str, name: str) -> bool:
        """True if something in the manifests makes it, or may."""
        whole = (kind, name) in self.keys or (kind == SECRET and name in self.pulled)
        return whole or name in self.named or any(_CREATES.search(script) for script in self._about(name))

    def scripted(self, name: str) -> bool:
        """True if something that runs speaks of it, and so may add keys to it."""
        return any(self._about(name))

    def _about(self, name: str) -> Iterator[str]:
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-])")
        return (script for script in self.scripts if word.search(script))


def supply(state: EnvironmentState) -> Supply:
    """What the rendered objects give to pods; hooks count, since they may make something."""
    keys: dict[tuple[str, str], frozenset[str]] = {}
    pulled: set[str] = set()
    named: set[str] = set()
    scripts: list[str] = []
    for item in state.objects():
        body = item.body
        kind, name = text(body.get("kind")), name_of(body)
        if kind in (SECRET, CONFIG_MAP):
            found = (key for part in ("data", "stringData", "binaryData") for key in mapping(body.get(part)))
            keys[kind, name] = keys.get((kind, name), frozenset()) | frozenset(map(str, found))
            if kind == CONFIG_MAP:
                scripts.extend(t for t in map(text, mapping(body.get("data")).values()) if "kubectl" in t)
        elif kind in ("ExternalSecret", "ClusterExternalSecret"):
            target = mapping(mapping(body.get("spec")).get("target"))
            pulled.add(text(target.get("name")) or name)
        elif kind in POD_KINDS:
            scripts.extend(text(value) for path, value in walk(body) if "command" in path or "args" in path)
        elif kind not in _READERS and _is_custom(body):
            named |= {value for _, value in walk(body) if isinstance(value, str)}
    return Supply(keys, frozenset(pulled), frozenset(named), tuple(filter(None, scripts)))


def store_references(spec: Mapping[str, Any]) -> Iterator[str]:
    """Names of the SecretStores (not ClusterSecretStores) that an ExternalSecret's or PushSecret's spec asks."""
    single = [mapping(entry.get("sourceRef")).get("storeRef") for entry in mappings(spec.get("data"))]
    for reference in map(mapping, (spec.get("secretStoreRef"), *items(spec.get("secretStoreRefs")), *single)):
        name = text(reference.get("name"))
        if name and reference.get("kind", "SecretStore") == "SecretStore":
            yield name


def _is_custom(body: Mapping[str, Any]) -> bool:
    group = text(body.get("apiVersion")).rpartition("/")[0]
    return group not in _BUILT_IN and not group.endswith(".k8s.io")

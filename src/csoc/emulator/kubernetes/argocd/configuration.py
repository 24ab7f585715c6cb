"""What the ConfigMaps and Secrets of Argo CD say: tracking, comparison, exclusions, credentials of repositories.

Source: Argo CD util/settings/{settings,resources_filter}.go, util/db/repository_secrets.go, common/common.go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import yaml

from csoc.emulator.kubernetes.argocd import customhealth
from csoc.emulator.kubernetes.argocd.health import Rule
from csoc.emulator.kubernetes.argocd.marks import INSTANCE
from csoc.emulator.kubernetes.argocd.ports import Credential
from csoc.emulator.kubernetes.argocd.projects import normalised
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.objects.parts import labels_of

NAMESPACE = "argocd"
_TYPE = "argocd.argoproj.io/secret-type"
_IGNORE = "resource.customizations.ignoreDifferences."
_APPLICATION_HEALTH = "resource.customizations.health.argoproj.io_Application"


@dataclass(frozen=True, slots=True)
class Configuration:
    """tracking: annotation, label or annotation+label. label: for instances. ignored: rules for all Applications, each
    as in `spec.ignoreDifferences`. excluded: (group, kind) patterns. status_ignored: whose status is not compared
    ("all", "crd", "none")."""

    tracking: str = "annotation"
    label: str = INSTANCE
    ignored: Sequence[Mapping[str, Any]] = ()
    excluded: Sequence[tuple[str, str]] = ()
    status_ignored: str = "all"
    aggregated_roles: bool = False
    health: Mapping[tuple[str, str], Rule] = field(default_factory=lambda: customhealth.RULES)
    persist_health: bool = False

    def excludes(self, group: str, kind: str) -> bool:
        return any(fnmatchcase(group, one[0]) and fnmatchcase(kind, one[1]) for one in self.excluded)


def read(cluster: Cluster) -> Configuration:
    """The settings of a cluster's Argo CD."""
    body = cluster.get("", "configmaps", NAMESPACE, "argocd-cm") or {}
    data = body.get("data") or {}
    if not data:
        return Configuration()
    options = _mapping(data.get("resource.compareoptions"))
    parameters = (cluster.get("", "configmaps", NAMESPACE, "argocd-cmd-params-cm") or {}).get("data") or {}
    rules = dict(customhealth.RULES)
    if data.get(_APPLICATION_HEALTH):
        rules["argoproj.io", "Application"] = customhealth.application
    status = str(options.get("ignoreResourceStatusField", "all"))
    return Configuration(
        tracking=str(data.get("application.resourceTrackingMethod") or "annotation"),
        label=str(data.get("application.instanceLabelKey") or INSTANCE),
        ignored=_ignored(data),
        excluded=_excluded(data.get("resource.exclusions")),
        status_ignored={"off": "none", "false": "none"}.get(status, status),
        aggregated_roles=bool(options.get("ignoreAggregatedRoles")),
        health=rules,
        persist_health=str(parameters.get("controller.resource.health.persist", "false")) == "true",
    )


def _loaded(text: Any) -> Any:
    try:
        return yaml.safe_load(str(text or ""))
    except yaml.YAMLError:
        return None


def _mapping(text: Any) -> Mapping[str, Any]:
    found = _loaded(text)
    return found if isinstance(found, Mapping) else {}


def _ignored(data: Mapping[str, str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for name, text in data.items():
        if name.startswith(_IGNORE):
            group, _, kind = name.removeprefix(_IGNORE).rpartition("_")
            place = {"group": "*", "kind": "*"} if kind == "all" and not group else {"group": group, "kind": kind}
            found.append(dict(_mapping(text)) | place)
    return found


def _excluded(text: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    rules = _loaded(text)
    for rule in rules if isinstance(rules, list) else ():
        clusters = rule.get("clusters") or ["*"]
        if any(fnmatchcase("https://kubernetes.default.svc", str(one)) for one in clusters):
            for group in rule.get("apiGroups") or ["*"]:
                found.extend((str(group), str(kind)) for kind in rule.get("kinds") or ["*"])
    return found


def credentials(cluster: Cluster, urls: Sequence[str], project: str) -> dict[str, Credential]:
    """The credential of each URL that has one: of its repository, else of the longest prefix that fits. One that is
    for another project does not count."""
    exact: dict[str, Mapping[str, str]] = {}
    prefixes: list[Mapping[str, str]] = []
    for body in cluster.list("", "secrets", NAMESPACE):
        kind = labels_of(body).get(_TYPE)
        if kind not in ("repository", "repo-creds"):
            continue
        fields = _fields(body)
        if fields.get("project") not in (None, "", project):
            continue
        if kind == "repository":
            exact[normalised(fields.get("url", ""))] = fields
        else:
            prefixes.append(fields)
    found = {}
    for url in dict.fromkeys(urls):
        own = exact.get(normalised(url), {})
        fields = dict(own)
        if not any(own.get(part) for part in ("username", "password", "sshPrivateKey", "githubAppPrivateKey")):
            fitting = [one for one in prefixes if normalised(url).startswith(normalised(one.get("url", "")))]
            best = max(fitting, key=lambda one: len(one.get("url", "")), default={})
            fields = dict(best) | {name: value for name, value in own.items() if value} | {"url": url}
            if not best and not own:
                continue
        found[url] = _credential(fields)
    return found


def _fields(body: Mapping[str, Any]) -> dict[str, str]:
    found = dict(body.get("stringData") or {})
    for name, value in (body.get("data") or {}).items():
        found[name] = base64.b64decode(value or "").decode("utf-8", "replace").strip()
    return found


def _credential(fields: Mapping[str, str]) -> Credential:
    known = {"url", "type", "username", "password", "sshPrivateKey"}
    return Credential(
        url=fields.get("url", ""),
        kind=fields.get("type", "git") or "git",
        username=fields.get("username", ""),
        password=fields.get("password", ""),
        ssh_key=fields.get("sshPrivateKey", ""),
        options={name: value for name, value in fields.items() if name not in known},
    )


def kept(value: Any) -> str:
    """A value as the last-applied annotation holds it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"

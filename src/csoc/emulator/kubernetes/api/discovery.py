"""What a cluster says about itself: groups, versions, resources.

Source: apiserver, pkg/endpoints/discovery (legacy and aggregated, apidiscovery.k8s.io/v2).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from csoc.emulator.kubernetes.kinds.facts import GIT_VERSION
from csoc.emulator.kubernetes.kinds.types import ResourceType, Types

Object = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def version(git_version: str = GIT_VERSION) -> Object:
    """The answer to /version."""
    major, minor = git_version.removeprefix("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": git_version,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def core_versions(address: str) -> Object:
    """The answer to /api."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups(types: Types) -> Object:
    """The answer to /apis."""
    found = [_group(name, versions) for name, versions in types.groups.items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}


def group(types: Types, name: str) -> Object | None:
    """The answer to /apis/NAME; None if there is no such group."""
    versions = types.groups.get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def _group(name: str, versions: list[str]) -> Object:
    rows = [{"groupVersion": f"{name}/{one}", "version": one} for one in versions]
    return {"name": name, "versions": rows, "preferredVersion": rows[0]}


def resources(types: Types, group_name: str, version_name: str) -> Object | None:
    """The answer to /api/v1 or /apis/GROUP/VERSION; None if there is no such version."""
    found = types.of_group(group_name, version_name)
    if not found and version_name not in types.groups.get(group_name, ()):
        return None
    rows = [row for type_ in found for row in _resource_rows(type_)]
    rows.sort(key=lambda row: row["name"])
    api_version = f"{group_name}/{version_name}" if group_name else version_name
    head = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group_name else {})
    return {**head, "groupVersion": api_version, "resources": rows}


def _resource_rows(type_: ResourceType) -> list[Object]:
    row: Object = {
        "name": type_.plural,
        "singularName": type_.singular,
        "namespaced": type_.namespaced,
        "kind": type_.kind,
        "verbs": list(type_.all_verbs),
    }
    if type_.short_names:
        row["shortNames"] = list(type_.short_names)
    if type_.categories:
        row["categories"] = list(type_.categories)
    if "list" in type_.all_verbs and "create" in type_.all_verbs:
        kept = f"{type_.group}/{type_.storage_version}/{type_.kind}"
        row["storageVersionHash"] = base64.b64encode(hashlib.sha256(kept.encode()).digest()[:8]).decode()
    rows = [row]
    for name, part in type_.parts.items():
        made: Object = {"name": f"{type_.plural}/{name}", "singularName": "", "namespaced": type_.namespaced}
        if (part.group, part.version) != (type_.group, type_.version):
            made |= {"group": part.group, "version": part.version}
        rows.append({**made, "kind": part.kind, "verbs": list(part.verbs)})
    return rows


def aggregated(types: Types, *, core: bool) -> Object:
    """The same in one answer, of the core group or of all others."""
    items = []
    for name, versions in types.groups.items():
        if core is not (name == ""):
            continue
        rows = [
            {
                "version": one,
                "resources": [_aggregated(type_) for type_ in types.of_group(name, one)],
                "freshness": "Current",
            }
            for one in versions
        ]
        items.append({"metadata": {"name": name} if name else {}, "versions": rows})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated(type_: ResourceType) -> Object:
    kind = {"group": type_.group, "version": type_.version, "kind": type_.kind}
    row: Object = {
        "resource": type_.plural,
        "responseKind": kind,
        "scope": "Namespaced" if type_.namespaced else "Cluster",
        "singularResource": type_.singular,
        "verbs": list(type_.all_verbs),
    }
    if type_.short_names:
        row["shortNames"] = list(type_.short_names)
    if type_.categories:
        row["categories"] = list(type_.categories)
    if type_.parts:
        row["subresources"] = [
            {
                "subresource": name,
                "responseKind": {"group": part.group, "version": part.version, "kind": part.kind},
                "verbs": list(part.verbs),
            }
            for name, part in type_.parts.items()
        ]
    return row

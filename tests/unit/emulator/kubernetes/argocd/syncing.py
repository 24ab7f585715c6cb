"""A cluster with Argo CD in it, and repositories that are dictionaries."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes.argocd.applications import ArgoCd
from csoc.emulator.kubernetes.argocd.ports import Manifested, ManifestError, Wanted
from tests.unit.emulator.kubernetes.controllers.living import Living, namespace

Object = dict[str, Any]
REPOSITORY = "https://git.example.org/fleet.git"


@dataclass
class Repositories:
    """Objects by repository. private: URL to the password that opens it. asked: everything that was asked for."""

    objects: dict[str, list[Object]] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    asked: list[Wanted] = field(default_factory=list)
    kept: dict[tuple[str, str], list[Object]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def commit(self, *objects: Object, url: str = REPOSITORY) -> str:
        self.heads[url] = self.heads.get(url, 0) + 1
        revision = f"{self.heads[url]:040x}"
        self.objects[url] = list(objects)
        self.kept[url, revision] = list(objects)
        self.changed.add(url)
        return revision

    def render(self, wanted: Wanted) -> Manifested:
        self.asked.append(wanted)
        objects: list[Object] = []
        revisions = []
        for number, source in enumerate(wanted.sources):
            url = source["repoURL"]
            if url in self.broken:
                raise ManifestError(self.broken[url], number + 1)
            if url in self.private:
                credential = wanted.credentials.get(url)
                if credential is None or credential.password != self.private[url]:
                    raise ManifestError(
                        "failed to list refs: authentication required: Repository not found.", number + 1
                    )
            given = wanted.revisions[number] if number < len(wanted.revisions) else ""
            revision = given if (url, given) in self.kept else f"{self.heads[url]:040x}"
            revisions.append(revision)
            if source.get("ref") is None or source.get("path") or source.get("chart"):
                objects += copy.deepcopy(self.kept[url, revision])
        return Manifested(objects, revisions, ["Helm" for _ in revisions])

    def moved(self) -> Collection[str]:
        found, self.changed = self.changed, set()
        return found


class Syncing(Living):
    """A cluster "c" with Argo CD, its definitions, the project "default" and a namespace "a"."""

    def __init__(self, *, argocd: ArgoCd | None = None, **settings: Any) -> None:
        self.repositories = Repositories()
        self.argocd = argocd or ArgoCd(self.repositories)
        super().__init__(*self.argocd.controllers, **settings)
        self.add(definition("applications", "Application"), definition("appprojects", "AppProject"))
        self.add(namespace("argocd"))
        self.wait(1)
        self.add(project())
        self.wait(1)

    def application(self, name: str = "web") -> Object:
        return self.get("Application", name, "argocd")

    def status(self, name: str = "web") -> Object:
        found: Object = self.application(name).get("status") or {}
        return found

    def state(self, name: str = "web") -> tuple[str, str]:
        """(sync, health)."""
        status = self.status(name)
        return status["sync"]["status"], status["health"]["status"]

    def results(self, name: str = "web") -> dict[str, Object]:
        """The results of the last operation by the object's name."""
        found = self.status(name)["operationState"]["syncResult"].get("resources") or []
        return {f"{one['kind']}/{one['name']}": one for one in found}

    def conditions(self, kind: str = "", name: str = "web") -> list[str]:
        found = self.status(name).get("conditions") or []
        return [one["message"] for one in found if kind in ("", one["type"])]

    def operate(self, name: str = "web", **sync: Any) -> None:
        """Asks for a sync, as a client does."""
        body = self.application(name)
        body["operation"] = {"sync": sync}
        type_ = next(one for one in self.objects.types if one.kind == "Application")
        self.objects.update(type_, "argocd", name, body)

    def refresh(self, name: str = "web", how: str = "normal") -> None:
        self.annotate("Application", name, "argocd", argocd__argoproj=how)
        body = self.application(name)
        del body["metadata"]["annotations"]["argocd/argoproj"]
        body["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = how
        self.cluster.save("argoproj.io", "applications", body)


def definition(
    plural: str, kind: str, group: str = "argoproj.io", version: str = "v1alpha1", *, status: bool = False
) -> Object:
    served = {"name": version, "served": True, "storage": True}
    served["schema"] = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    if status:
        served["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [served],
        },
    }


def project(name: str = "default", **spec: Any) -> Object:
    open_to_all: Mapping[str, Any] = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    }
    metadata = {"name": name, "namespace": "argocd"}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata}
    return body | {"spec": dict(open_to_all) | spec}


def application(name: str = "web", *, automated: Mapping[str, Any] | None = None, **spec: Any) -> Object:
    """An Application of REPOSITORY into the namespace "a". automated: None syncs only when asked."""
    policy = dict(spec.pop("syncPolicy", {}))
    if automated is not None:
        policy["automated"] = dict(automated)
    made = {
        "project": "default",
        "source": {"repoURL": REPOSITORY, "path": "web", "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "a"},
    }
    if policy:
        made["syncPolicy"] = policy
    made |= spec
    if "sources" in made:
        del made["source"]
    metadata = {"name": name, "namespace": "argocd"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": made}


def annotated(body: Object, **annotations: str) -> Object:
    """With annotations of Argo CD: sync_wave="1" is argocd.argoproj.io/sync-wave: "1"."""
    made = copy.deepcopy(body)
    given = {f"argocd.argoproj.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    made["metadata"]["annotations"] = (made["metadata"].get("annotations") or {}) | given
    return made

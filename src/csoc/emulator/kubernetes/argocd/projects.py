"""AppProjects: what an Application may take from where, and put where.

Source: Argo CD pkg/apis/application/v1alpha1/app_project_types.go, util/argo/argo.go (ValidatePermissions,
validateSourcePermissions), util/glob (gobwas/glob), util/git (NormalizeGitURL).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from csoc.fleet.argocd.globs import matches_segment

SERVER, NAME = "https://kubernetes.default.svc", "in-cluster"
Body = Mapping[str, Any]


def normalised(url: str) -> str:
    """A repository's URL as they are compared."""
    text = url.strip().lower()
    if "://" not in text and "@" in text and ":" in text:
        text = "ssh://" + text.replace(":", "/", 1)
    return text.removesuffix("/").removesuffix(".git")


def _matches(pattern: str, value: str, *, separated: bool = False) -> bool:
    if pattern.startswith("!"):
        return not _matches(pattern[1:], value, separated=separated)
    if pattern == "*":
        return True
    if not separated:
        return fnmatchcase(value, pattern.replace("[!", "[^"))
    parts, found = pattern.split("/"), value.split("/")
    return _segments(parts, found)


def _segments(parts: Sequence[str], found: Sequence[str]) -> bool:
    """ "*" does not cross a slash, "**" does."""
    if not parts:
        return not found
    if parts[0] == "**":
        return any(_segments(parts[1:], found[number:]) for number in range(len(found) + 1))
    return bool(found) and matches_segment(parts[0], found[0]) and _segments(parts[1:], found[1:])


def source_permitted(project: Body, url: str) -> bool:
    """Whether an Application of the project may use the repository."""
    wanted, matched = normalised(url), False
    for pattern in (project.get("spec") or {}).get("sourceRepos") or ():
        denied = str(pattern).startswith("!")
        text = f"!{normalised(str(pattern)[1:])}" if denied else normalised(str(pattern))
        if _matches(text, wanted, separated=True):
            matched = True
        elif denied:
            return False
    return matched


def destination_permitted(project: Body, namespace: str) -> bool:
    """Whether it may put something into the namespace of this cluster."""
    allowed = False
    for item in (project.get("spec") or {}).get("destinations") or ():
        server, name, place = (str(item.get(part) or "") for part in ("server", "name", "namespace"))
        by_name, by_server = _matches(name, NAME), _matches(server, SERVER)
        in_namespace = _matches(place, namespace)
        if (by_server or by_name) and in_namespace:
            allowed = True
        elif (
            (not by_name and name.startswith("!"))
            or (not by_server and server.startswith("!") and in_namespace)
            or (not in_namespace and place.startswith("!") and by_server)
        ):
            return False
    return allowed


def _listed(kind: tuple[str, str], rules: Sequence[Body] | None) -> bool:
    return any(
        fnmatchcase(kind[1], str(one.get("kind", ""))) and fnmatchcase(kind[0], str(one.get("group", "")))
        for one in rules or ()
    )


def kind_permitted(project: Body, group: str, kind: str, *, namespaced: bool) -> bool:
    """Whether it may have objects of a kind. Those of the cluster must be allowed, those of namespaces not denied."""
    spec = project.get("spec") or {}
    if namespaced:
        allowed = spec.get("namespaceResourceWhitelist")
        denied = spec.get("namespaceResourceBlacklist")
        return (allowed is None or _listed((group, kind), allowed)) and not _listed((group, kind), denied)
    return _listed((group, kind), spec.get("clusterResourceWhitelist")) and not _listed(
        (group, kind), spec.get("clusterResourceBlacklist")
    )


def sources_of(spec: Body) -> list[dict[str, Any]]:
    """The sources of an Application, one or several."""
    if spec.get("sources"):
        return [dict(one) for one in spec["sources"]]
    return [dict(spec.get("source") or {})]


def problems(spec: Body, project: Body) -> list[str]:
    """Why the specification is not allowed (InvalidSpecError), in Argo CD's words; [] if it is."""
    several = bool(spec.get("sources"))
    name = project["metadata"]["name"]
    found: list[str] = []
    for source in sources_of(spec):
        why = _incomplete(source, several)
        if why:
            return [*found, why]
        if not source_permitted(project, str(source.get("repoURL", ""))):
            found.append(f"application repo {source.get('repoURL', '')} is not permitted in project '{name}'")
    destination = spec.get("destination") or {}
    why = destination_problem(destination)
    if why:
        return [*found, why]
    namespace = str(destination.get("namespace") or "")
    if not destination_permitted(project, namespace):
        shown = destination.get("name") or SERVER
        found.append(
            f"application destination server '{shown}' and namespace '{namespace}' do not match any of the allowed "
            f"destinations in project '{name}'"
        )
    return found


def _incomplete(source: Body, several: bool) -> str:
    has = [bool(source.get(part)) for part in ("path", "chart")] + ([bool(source.get("ref"))] if several else [])
    if not source.get("repoURL") or not any(has):
        if several:
            return (
                "spec.source.repoURL and either source.path, source.chart, or source.ref are required for source "
                f"{source.get('repoURL', '')}"
            )
        return "spec.source.repoURL and either spec.source.path or spec.source.chart are required"
    if source.get("chart") and not source.get("targetRevision"):
        return "spec.source.targetRevision is required if the manifest source is a helm chart"
    return ""


def destination_problem(destination: Body) -> str:
    """Why the destination is no cluster that this Argo CD knows; "" if it is its own."""
    name, server = str(destination.get("name") or ""), str(destination.get("server") or "")
    if name and server:
        return f"application destination can't have both name and server defined: {name} {server}"
    if server:
        same = server.rstrip("/") == SERVER
        return "" if same else f'error getting cluster by server "{server}": cluster "{server}" not found'
    if name:
        return "" if name == NAME else f"there are no clusters with this name: {name}"
    return "Destination server missing from app spec"

"""Asking for manifests without holding up the time of all clusters: asked for now, there at a later look.

What an operation was given is kept until it is over, so that all its steps apply the same objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes.argocd import configuration
from csoc.emulator.kubernetes.argocd.ports import Background, Manifested, ManifestError, Manifests, Wanted
from csoc.emulator.kubernetes.argocd.statuses import GROUP, RESOURCE
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.kinds.types import types_of
from csoc.emulator.kubernetes.objects.parts import digest, key_of, name_of, uid_of

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either manifested, or why not in failure."""

    manifested: Manifested | None = None
    failure: str = ""


class Fetching:
    """Renders in the background; the controller is woken when it is done."""

    def __init__(self, manifests: Manifests, background: Background, controller: str) -> None:
        self._manifests = manifests
        self._background = background
        self._controller = controller

    def get(
        self,
        cluster: Cluster,
        application: Object,
        sources: Sequence[Mapping[str, Any]],
        revisions: Sequence[str],
        *,
        force: bool,
        hard: bool = False,
        purpose: str,
        keep: bool = False,
    ) -> Outcome | None:
        """What came of it; None while it is under way. keep: the answer is given again until `forget`."""
        uid = uid_of(application)
        place = (uid, "manifests", purpose)
        asked = digest([list(map(dict, sources)), list(revisions), application["spec"].get("destination"), force, hard])
        found = cluster.memory.get(place)
        if found is None or found[0] != asked:
            self._begin(cluster, application, sources, revisions, force, hard, place, asked)
            found = cluster.memory.get(place)
        if found is None or found[0] != asked or found[1] is None:
            return None
        if not keep:
            cluster.memory.pop(place, None)
        outcome: Outcome = found[1]
        return outcome

    def forget(self, cluster: Cluster, application: Object, purpose: str) -> None:
        cluster.memory.pop((uid_of(application), "manifests", purpose), None)

    def _begin(
        self,
        cluster: Cluster,
        application: Object,
        sources: Sequence[Mapping[str, Any]],
        revisions: Sequence[str],
        force: bool,
        hard: bool,
        place: tuple[str, str, str],
        asked: str,
    ) -> None:
        spec = application["spec"]
        urls = [str(one.get("repoURL") or "") for one in sources]
        project = str(spec.get("project") or "default")
        wanted = Wanted(
            cluster=cluster.name,
            application=name_of(application),
            namespace=str((spec.get("destination") or {}).get("namespace") or ""),
            project=project,
            sources=[dict(one) for one in sources],
            revisions=list(revisions),
            multiple=bool(spec.get("sources")),
            credentials=configuration.credentials(cluster, urls, project),
            kube_version=cluster.settings.version,
            api_versions=_api_versions(cluster),
            force=force,
            hard=hard,
        )
        cluster.memory[place] = (asked, None)
        key = key_of(GROUP, RESOURCE, application)

        def work() -> None:
            try:
                outcome = Outcome(self._manifests.render(wanted))
            except ManifestError as error:
                outcome = Outcome(None, _told(error, len(wanted.sources)))
            finally:
                with cluster.store.lock:
                    cluster.under_way -= 1
            with cluster.store.lock:
                if cluster.memory.get(place, ("", None))[0] == asked:
                    cluster.memory[place] = (asked, outcome)
            cluster.wake(self._controller, key)

        with cluster.store.lock:
            cluster.under_way += 1
        self._background(work)


def _told(error: ManifestError, total: int) -> str:
    """As GetRepoObjs of controller/state.go says it."""
    if not error.source:
        return error.message
    what = f"failed to generate manifest for source {error.source} of {total}"
    return f"{what}: rpc error: code = Unknown desc = {error.message}"


def _api_versions(cluster: Cluster) -> list[str]:
    """What charts may ask for in `.Capabilities.APIVersions` (argo.APIResourcesToStrings)."""
    found = set()
    for one in types_of(cluster.store):
        found.add(one.api_version)
        found.add(f"{one.api_version}/{one.kind}")
    return sorted(found)

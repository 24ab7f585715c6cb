"""From everything that was found to a fleet: which Applications are Gen3, where they run, and what the rest is.

The order matters: clusters first (they tell Applications apart), then values (they hold the hostname), then
environments. What csoc documents state overrules what is inferred; a document whose Application is gone is a problem,
never a silent removal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd import kustomize
from csoc.fleet.argocd.discovery import Discovery
from csoc.fleet.argocd.model import Application, ApplicationSource, KnownCluster, Problem
from csoc.fleet.argocd.trees import UNREACHABLE
from csoc.fleet.argocd.values.resolution import ResolvedValues, chart_layer, resolve
from csoc.fleet.charts import ChartRef
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.faults import Fault
from csoc.fleet.location import Location, one_line
from csoc.fleet.masking import mask_text
from csoc.fleet.repositories import EntryKind, Tree
from csoc.fleet.values import EffectiveValues, Layer
from csoc.fleet.versions import is_exact
from csoc.fleet.yaml import yamltext
from csoc.gen3 import plain_secrets, recognise
from csoc.gen3.adoption import cloud_automation
from csoc.gen3.adoption.clusters import Clusters, ClusterValues, StatedCluster, looks_like_cluster_values
from csoc.gen3.adoption.environments import Candidate, infer_environments, stages_in_order
from csoc.gen3.adoption.stated import Ruling, rule, without_application
from csoc.gen3.views import MANIFEST, Dispute, EnvironmentView, Fact, FleetView, OtherApplication, unknown

_COMMIT_LENGTH = 40
_MANIFEST_LIMIT_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Understood:
    """The fleet, and the values of each environment by its name. faults: of documents, which show only beside the
    Applications that they name."""

    view: FleetView
    resolved: Mapping[str, ResolvedValues]
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class _Deployment:
    """One source of an Application that deploys Gen3."""

    application: Application
    source: ApplicationSource
    resolved: ResolvedValues
    chart: ChartRef
    wrapper: str
    reason: str
    system: str = "helm"


def known_clusters(documents: Documents) -> list[KnownCluster]:
    """Clusters of csoc documents, for the cluster generators of ApplicationSets."""
    known = []
    for name, placed in documents.clusters.items():
        destination = placed.document.spec.destination
        server = str(destination.server) if destination and destination.server else ""
        known.append(KnownCluster((destination.name if destination else "") or name, server, placed.locate()))
    return known


def understand(discovery: Discovery, documents: Documents) -> Understood:
    """See the module. Never raises for what repositories hold."""
    # Repositories that could not be had are told once everything was asked for: values name more of them.
    problems: list[Problem] = [problem for problem in discovery.problems if problem.kind != UNREACHABLE]
    clusters = Clusters(
        discovery.applications,
        list(_cluster_values(discovery)),
        _stated_clusters(documents),
        {cluster.server: cluster.name for cluster in discovery.clusters},
    )
    deployments = list(_deployments(discovery, problems))
    deployed = {deployment.application.identity for deployment in deployments}
    deployments += _old_manifests(discovery.trees.home, problems)
    candidates = [
        Candidate(
            application=deployment.application,
            source=deployment.source,
            values=deployment.resolved.values,
            chart=deployment.chart,
            cluster=_cluster(clusters, deployment),
            wrapper=deployment.wrapper,
            pinned=_is_gated(deployment),
            system=deployment.system,
        )
        for deployment in deployments
    ]
    ruling = rule(documents, candidates, discovery.trees.identity, discovery.trees.home.repository)
    candidates = [replace(item, stated=ruling.stated.get(item.application.identity)) for item in candidates]
    found, commons = infer_environments(candidates)
    environments = [replace(view, disputes=_disputes(view, ruling)) for view in found]
    undocumented = [item.application for item in candidates if item.stated is None]
    problems += [without_application(placed, undocumented) for placed in ruling.unused]
    resolved_of = {deployment.application.identity: deployment.resolved for deployment in deployments}
    appliers = {name for application in discovery.applications for name in application.applied_by}
    others = [
        _other(discovery, application, clusters.of(application), applies=application.name in appliers)
        for application in discovery.applications
        if application.identity not in deployed
    ]
    view = FleetView(
        environments=tuple(environments),
        clusters=tuple(clusters.views(discovery.applications)),
        commons=tuple(commons),
        others=tuple(others),
        problems=tuple(dict.fromkeys((*problems, *discovery.trees.problems()))),
        read=discovery.read,
        stages=tuple(stages_in_order(environments, _stated_stages(documents))),
        notes=discovery.notes,
        secrets=tuple(plain_secrets.find(discovery.library.files(discovery.trees.home))),
        disputes=ruling.every_dispute(),
    )
    resolved = {item.name: resolved_of[item.application.identity] for item in environments}
    return Understood(view, resolved, ruling.faults)


def _disputes(view: EnvironmentView, ruling: Ruling) -> tuple[Dispute, ...]:
    """Those about its Application, and those about its name: whoever types that may mean what a document says."""
    of_name = [item for item in ruling.every_dispute() if view.name in item.names]
    return tuple(dict.fromkeys((*ruling.disputes.get(view.application.identity, ()), *of_name)))


def _cluster(clusters: Clusters, deployment: _Deployment) -> Fact:
    found = clusters.of(deployment.application)
    if deployment.system == MANIFEST and not found.known:
        return unknown("a manifest.json names no cluster, and no document says which it is")
    return found


def _stated_stages(documents: Documents) -> Sequence[str]:
    return documents.fleet.document.spec.stages if documents.fleet else ()


def _stated_clusters(documents: Documents) -> list[StatedCluster]:
    stated = []
    for name, placed in documents.clusters.items():
        spec = placed.document.spec
        account = documents.accounts.get(str(spec.account)) if spec.account else None
        server = str(spec.destination.server) if spec.destination and spec.destination.server else ""
        stated.append(
            StatedCluster(
                name=name,
                location=placed.locate(),
                destination=str(spec.destination.name or "") if spec.destination else "",
                servers=(server,) if server else (),
                folder=str(spec.folder or spec.applications or ""),
                account=account.document.spec.id if account else "",
                kubernetes_version=str(spec.kubernetes_version or ""),
            )
        )
    return stated


def _cluster_values(discovery: Discovery) -> Iterator[ClusterValues]:
    """Files of the home tree that configure a cluster, by their shape."""
    home = discovery.trees.home
    for path, file in discovery.library.files(home).items():
        for document in file.documents:
            if looks_like_cluster_values(document.data):
                place = Location(home.repository, home.commit, path, document.line)
                yield ClusterValues(place, document.data, partial(file.locate, document=document.index))


def _deployments(discovery: Discovery, problems: list[Problem]) -> Iterator[_Deployment]:
    """Every source that deploys Gen3. An Application with several such sources is taken by its first."""
    for application in discovery.applications:
        for number, source in enumerate(application.sources):
            found = _deployment(discovery, application, number, source, problems)
            if found is not None:
                yield found
                break


def _deployment(
    discovery: Discovery, application: Application, number: int, source: ApplicationSource, problems: list[Problem]
) -> _Deployment | None:
    if source.ref and not source.path and not source.chart:
        return None
    tree, folder = _chart_folder(discovery, source)
    if tree is not None and kustomize.find(tree, folder) and source.helm is None:
        return _kustomized(discovery, application, source, tree, folder, problems)
    verdict = recognise.chart_source(source, _chart_yaml(discovery, tree, folder))
    if not verdict.possible:
        return None
    below: list[Layer] = []
    if tree is not None and verdict.wrapper:
        below = _wrapper_layers(discovery, tree, folder, problems)
    resolved = resolve(application, number, discovery.trees, library=discovery.library, below=below)
    if not verdict.certain and not recognise.values_shape(resolved.values.data):
        return None
    problems += resolved.problems
    return _Deployment(
        application,
        source,
        resolved,
        ChartRef(source.repo_url, chart=source.chart, path=source.path, revision=source.target_revision),
        verdict.wrapper,
        verdict.reason,
    )


def _wrapper_layers(discovery: Discovery, tree: Tree, folder: str, problems: list[Problem]) -> list[Layer]:
    try:
        layer = chart_layer(tree, folder, discovery.library.values)
    except CsocError as error:
        path = f"{folder}/values.yaml".lstrip("/")
        problems.append(
            Problem("unreadable file", error.cause, Location(tree.repository, tree.commit, path), error.fix)
        )
        return []
    return [layer] if layer else []


def _chart_folder(discovery: Discovery, source: ApplicationSource) -> tuple[Tree | None, str]:
    """The tree and folder of a Git source that is at hand already; other repositories are not opened for this."""
    if source.chart or not source.repo_url:
        return None, ""
    trees = discovery.trees
    if trees.is_home(source.repo_url, source.target_revision):
        return trees.home, source.path.strip("/")
    return None, ""


def _chart_yaml(discovery: Discovery, tree: Tree | None, folder: str) -> Mapping[str, Any] | None:
    path = f"{folder}/Chart.yaml" if folder else "Chart.yaml"
    if tree is None or path not in tree.entries():
        return None
    try:
        document = discovery.library.values(tree, path)
    except CsocError:
        return None  # a problem of its own already: every file of the tree was parsed
    return document.data if isinstance(document.data, Mapping) else None


def _kustomized(
    discovery: Discovery,
    application: Application,
    source: ApplicationSource,
    tree: Tree,
    folder: str,
    problems: list[Problem],
) -> _Deployment | None:
    for chart in kustomize.read(tree, folder, discovery.library.values).charts:
        if not recognise.chart_name(chart.name):
            continue
        resolved = kustomize.values(chart, tree, discovery.library.values)
        problems += resolved.problems
        return _Deployment(application, source, resolved, chart.chart, "", "a kustomization's helmCharts name it")
    return None


def _is_gated(deployment: _Deployment) -> bool:
    """True if neither the chart nor the values can move by themselves: exact versions and commits, no branches."""
    chart = deployment.chart
    pinned = is_exact(chart.revision) if chart.chart else _is_commit(chart.revision)
    files = deployment.source.helm.value_files if deployment.source.helm else ()
    used = {file.path.split("/", 1)[0] for file in files if file.path.startswith("$")}
    for source in deployment.application.sources:
        if source.ref and f"${source.ref}" in used and not _is_commit(source.target_revision):
            return False
    return pinned


def _is_commit(revision: str) -> bool:
    return len(revision) == _COMMIT_LENGTH and all(c in "0123456789abcdef" for c in revision.lower())


def _other(discovery: Discovery, application: Application, cluster: Fact, *, applies: bool) -> OtherApplication:
    verdict = recognise.other_application(application, list(_objects(discovery, application)), applies=applies)
    if verdict.role == recognise.WORKLOAD:
        verdict = _unseen(discovery, application) or verdict
    return OtherApplication(application, cluster, verdict.role, one_line(verdict.reason))


def _unseen(discovery: Discovery, application: Application) -> recognise.Role | None:
    """That it is not known what an Application is, where something that it deploys could not be read."""
    for source in application.sources:
        found = discovery.trees.why_not(source.repo_url, source.target_revision)
        if found is not None:
            cause, fix = found
            read = f"{mask_text(source.repo_url)} could not be read: {mask_text(cause)}"
            return recognise.Role(
                recognise.UNKNOWN, f"whether it is Gen3 is not known, since {read}. {fix}".rstrip(" .")
            )
    return None


def _objects(discovery: Discovery, application: Application) -> Iterator[Mapping[str, Any]]:
    """Kubernetes objects of an Application's plain folders in the home tree, at most a few hundred files."""
    for source in application.sources:
        tree, folder = _chart_folder(discovery, source)
        if tree is None or source.helm is not None or not source.path:
            continue
        prefix = f"{folder}/"
        files = discovery.library.files(tree)
        paths = [path for path in files if path.startswith(prefix)][:300]
        for path in paths:
            for document in files[path].documents:
                if isinstance(document.data, Mapping) and isinstance(document.data.get("kind"), str):
                    yield document.data


# Older manifests


def _old_manifests(tree: Tree, problems: list[Problem]) -> Iterator[_Deployment]:
    for path, entry in tree.entries().items():
        if path.rpartition("/")[2] != "manifest.json" or entry.kind is not EntryKind.FILE:
            continue
        place = Location(tree.repository, tree.commit, path)
        try:
            documents = yamltext.parse(tree.read(path, limit_bytes=_MANIFEST_LIMIT_BYTES))
        except CsocError as error:
            problems.append(Problem("unreadable file", error.cause, place, error.fix))
            continue
        if len(documents) == 1 and cloud_automation.looks_like_manifest(documents[0].data):
            yield _from_manifest(tree, path, documents[0], problems)


def _from_manifest(tree: Tree, path: str, document: yamltext.YamlDocument, problems: list[Problem]) -> _Deployment:
    folder = path.rpartition("/")[0]
    layers = [cloud_automation.translate(document.data, _locator(tree, path, document), path)]
    for target, name in cloud_automation.SIBLINGS:
        sibling = f"{folder}/{name}".lstrip("/")
        if sibling not in tree.entries():
            continue
        try:
            layers.append(_sibling(tree, sibling, target))
        except CsocError as error:
            place = Location(tree.repository, tree.commit, sibling)
            problems.append(Problem("unreadable file", error.cause, place, error.fix))
    hostname = document.data["global"]["hostname"]
    source = ApplicationSource(repo_url="", location=Location(tree.repository, tree.commit, path, 1))
    application = Application(
        name=str(document.data["global"].get("environment") or hostname),
        location=Location(tree.repository, tree.commit, path, 1),
        sources=(source,),
    )
    resolved = ResolvedValues(EffectiveValues.merge(layers))
    return _Deployment(application, source, resolved, ChartRef(""), "", "a manifest.json", system=MANIFEST)


def _sibling(tree: Tree, path: str, target: tuple[str, ...]) -> Layer:
    content = tree.read(path, limit_bytes=_MANIFEST_LIMIT_BYTES)
    if path.endswith(".json"):
        # The chart takes the portal's configuration as text.
        return cloud_automation.text_layer(target, content.decode("utf-8", "replace"), Location(*_at(tree, path), 1))
    (document,) = yamltext.parse(content)[:1] or (None,)
    data = document.data if document else {}
    locate = _locator(tree, path, document) if document else lambda _: Location(*_at(tree, path))
    return cloud_automation.sibling_layer(target, data, locate, path)


def _at(tree: Tree, path: str) -> tuple[str, str, str]:
    return tree.repository, tree.commit, path


def _locator(tree: Tree, path: str, document: yamltext.YamlDocument) -> cloud_automation.Locate:
    def locate(steps: tuple[str | int, ...]) -> Location | None:
        at = document.position(steps)
        return Location(tree.repository, tree.commit, path, *at) if at else None

    return locate

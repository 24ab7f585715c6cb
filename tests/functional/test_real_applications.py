"""Other people's repositories: every Application, its namespace, its values and what is missing, as read by hand."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from csoc.errors import NotFoundError
from csoc.fleet.argocd.discovery import Discovery, Ports, discover
from csoc.fleet.argocd.model import Application
from csoc.fleet.argocd.values.resolution import resolve
from csoc.fleet.repositories import Tree
from csoc.testing.repositories import MemoryRepositories, MemoryTree
from tests.unit.fleet.argocd.making import FolderCharts

pytestmark = pytest.mark.real

CTDS = {
    "brhprod/brh.data-commons.org": ("gen3-brhprod", "gen3-brhprod", "brhprod-helm"),
    "brhprod/brhstaging.data-commons.org": ("gen3-brhprod", "gen3-brhprod", "brhprod-helm"),
    "chordsprod/chordshealth.org": ("gen3-chordsprod", "chordsprodargo", "default"),
    "chordsprod/staging.chordshealth.org": ("gen3-chordstaging", "chordstagingargo", "chordstaginghelm"),
    "emalinowskiv1/emalinowskiv1.planx-pla.net": ("gen3-emalinowskiv1", "emalinowskiv1", "emalinowskiv1-helm"),
    "healprod/externaldata.healdata.org": ("gen3-healexternaldata", "gen3-healexternaldata", "healexternaldata-helm"),
    "healprod/healdata.org": ("gen3-healprod", "gen3-healprod", "healprod-helm"),
    "healprod/preprod.healdata.org": ("gen3-healpreprod", "gen3-healpreprod", "healpreprod-helm"),
    "kidsfirst-skfqa/gen3staging.kidsfirstdrc.org": ("gen3-skfqa", "gen3-skfqa", "skfqa-helm"),
    "pdp-commons/mc2dp.data-commons.org": ("gen3-pdp-commons", "gen3-pdp-commons", "default"),
    "unfunded/aids.diseasedatahub.org": ("gen3-charlie", "charlie", "charliehelm"),
    "unfunded/caninedc.org": ("gen3-canine", "canineprod", "canineprod"),
}
CANARY = {path for path in CTDS if path.startswith(("brhprod/", "healprod/", "kidsfirst"))}

ARDAC = {
    "ardac1dmo/cluster-level-resources": ("cluster-level-resources", "argocd"),
    "ardac1dmo/demo.ardac.org": ("gen3-ardac1dmo", "default"),
    "ardac1dmo/fluentbit": ("fluent-bit", "kube-system"),
    "ardac1prd/archive.portal.ardac.org": ("archive-portal-ardac1prd-redirect", "default"),
    "ardac1prd/cluster-level-resources": ("cluster-level-resources", "argocd"),
    "ardac1prd/fluentbit": ("fluent-bit", "kube-system"),
    "ardac1prd/new.portal.ardac.org": ("new-portal-ardac1prd-redirect", "default"),
    "ardac1prd/portal.ardac.org": ("gen3-ardac1prd", "default"),
    "ardac2prd/anagine": ("anagine", "default"),
    "ardac2prd/cluster-level-resources": ("cluster-level-resources", "argocd"),
    "ardac2prd/fluentbit": ("fluent-bit", "kube-system"),
    "ardac2prd/load-balancer": ("load-balancer-ardac2prd", "default"),
    "ardac2prd/portal.ardac.org": ("gen3-ardac2prd", "default"),
}


def folder_tree(folder: Path) -> Tree:
    """A folder as a tree without remotes."""
    return archive_tree(
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}, str(folder)
    )


def archive_tree(files: dict[str, bytes], name: str, revision: str = "work tree") -> Tree:
    repository = MemoryRepositories().add(name)
    return MemoryTree(repository, repository.write("main", dict(files)), revision)


@pytest.fixture(scope="module")
def ctds(real: Path) -> Discovery:
    return discover(folder_tree(real / "gitops-ctds"))


@pytest.fixture(scope="module")
def ardac(real: Path) -> Discovery:
    return discover(folder_tree(real / "gitops-ardac"))


def by_folder(discovery: Discovery, file: str) -> dict[str, Application]:
    return {application.location.path.removesuffix(f"/{file}"): application for application in discovery.applications}


def test_the_twelve_applications_of_ctds_are_found_with_release_and_namespace(ctds: Discovery) -> None:
    found = by_folder(ctds, "templates/app.yaml")
    assert len(ctds.applications) == 12
    assert {
        path: (a.name, a.sources[0].helm.release_name if a.sources[0].helm else "", a.destination_namespace)
        for path, a in found.items()
    } == CTDS
    assert {path for path, a in found.items() if a.sources[0].target_revision == "feat/deployment-canary"} == CANARY
    assert all(a.automated and a.self_heal and not a.prune for a in ctds.applications)
    assert all(a.applied_by == () and a.generated_by is None for a in ctds.applications)


def test_the_only_problem_of_ctds_is_the_chart_s_repository_at_two_revisions(ctds: Discovery) -> None:
    assert sorted((problem.kind, 'revision "master"' in problem.cause) for problem in ctds.problems) == [
        ("unreachable repository", False),
        ("unreachable repository", True),
    ]


def test_ctds_is_recognised_as_the_repository_that_its_applications_name(ctds: Discovery) -> None:
    assert ctds.notes[0] == (
        "github.com/uc-cdis/gen3-gitops is taken for this repository: 26 of 30 paths it names exist here"
    )
    assert '"master"' in ctds.notes[1]


def missing(discovery: Discovery) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for application in discovery.applications:
        for index, source in enumerate(application.sources):
            if source.helm is None:
                continue
            values = resolve(application, index, discovery.trees, library=discovery.library)
            assert values.problems == ()
            assert values.unread == ()
            assert values.values.data
            for file in values.values.missing:
                assert not file.tolerated
                assert file.location is not None
                found.setdefault(application.name, []).append(
                    f"{file.resolved.rpartition('/')[2]}:{file.location.line}"
                )
    return found


def test_the_missing_value_files_of_ctds_are_these_four_and_no_other(ctds: Discovery) -> None:
    assert missing(ctds) == {
        "gen3-canine": ["values.yaml:17", "portal.yaml:19", "guppy.yaml:20"],
        "gen3-skfqa": ["fence.yaml:18"],
    }


def test_no_value_file_of_ardac_is_missing(ardac: Discovery) -> None:
    assert missing(ardac) == {}


def test_every_effective_value_of_ctds_knows_its_file_and_line(ctds: Discovery, real: Path) -> None:
    application = by_folder(ctds, "templates/app.yaml")["unfunded/aids.diseasedatahub.org"]
    values = resolve(application, 0, ctds.trees, library=ctds.library).values
    count = 0
    for path, _ in values.walk():
        origin = values.origin(path)
        assert origin is not None
        lines = (real / "gitops-ctds" / origin.path).read_text().split("\n")
        named = next((step for step in reversed(path) if isinstance(step, str)), "")
        assert isinstance(path[-1], int) or str(named) in lines[origin.line - 1]
        count += 1
    assert count > 100


def test_the_applications_of_ardac_are_these(ardac: Discovery) -> None:
    found = by_folder(ardac, "app.yaml")
    assert {path: (a.name, a.destination_namespace) for path, a in found.items()} == ARDAC
    assert len(ardac.applications) == 13
    assert {problem.kind for problem in ardac.problems} == {"unreachable repository"}
    anagine = found["ardac2prd/anagine"]
    assert [(source.chart, source.ref, source.path) for source in anagine.sources] == [
        ("anagine", "", ""),
        ("", "values", ""),
        ("", "", "ardac2prd/anagine/manifests"),
    ]


def test_an_older_manifest_repository_holds_no_application_and_no_problem(real: Path) -> None:
    discovery = discover(folder_tree(real / "cdis-manifest"))
    assert discovery.applications == ()
    assert discovery.problems == ()


def test_cluster_level_resources_are_rendered_for_each_cluster_with_its_values(real: Path) -> None:
    from csoc.adapters.helm.render.renderer import ChildRenderer

    with tarfile.open(real / "cluster-level-resources.tgz") as archive:
        files = {f"helm/{m.name}": archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]
    charts = archive_tree(files, "https://github.com/uc-cdis/gen3-helm", "master")

    def open_tree(url: str, revision: str) -> Tree:
        if url == "https://github.com/uc-cdis/gen3-helm" and revision in ("", "master"):
            return charts
        raise NotFoundError("There is no such repository", place=url)

    with ChildRenderer(workers=1) as renderer:
        ports = Ports(open_tree, FolderCharts(), renderer)
        discovery = discover(folder_tree(real / "gitops-ardac"), ports)
    made = [a for a in discovery.applications if a.generated_by is not None]
    assert len(made) == 33
    assert {a.applied_by for a in made} == {("cluster-level-resources",)}
    karpenter = {
        a.generated_by.path.split("/")[0]: (
            a.sources[0].target_revision,
            len(a.sources),
            a.location.path,
            a.location.line,
        )
        for a in made
        if a.name == "karpenter" and a.generated_by
    }
    template = "helm/cluster-level-resources/templates/karpenter.yaml"
    assert karpenter == {
        "ardac1dmo": ("1.0.8", 1, template, 6),
        "ardac1prd": ("1.0.8", 2, template, 6),
        "ardac2prd": ("1.14.0", 2, template, 6),
    }
    # The archive holds no helm/gen3, and no other Problem is left.
    assert [problem.kind for problem in discovery.problems] == ["missing path"]

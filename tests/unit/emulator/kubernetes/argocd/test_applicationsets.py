"""ApplicationSets of a simulated cluster: what they make, change, take away, and refuse."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from csoc.emulator.kubernetes.argocd.applications import ArgoCd
from csoc.emulator.kubernetes.argocd.ports import Generating
from csoc.emulator.kubernetes.argocd.repository_server import Opened, RepositoryServer
from csoc.testing.repositories import MemoryRepositories
from tests.unit.emulator.kubernetes.argocd.syncing import Repositories, Syncing, application, definition, project
from tests.unit.emulator.kubernetes.controllers.living import config_map
from tests.unit.fleet.argocd.making import FolderCharts, ScriptedRenderer

GIT = "https://git.example.org/team/environments"


def a_set(*generators: dict[str, Any], name: str = "all", template: dict[str, Any] | None = None, **spec: Any) -> Any:
    made = application("{{name}}", automated={})
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet"}
    body["metadata"] = {"name": name, "namespace": "argocd"}  # type: ignore[assignment]
    given = template or {"metadata": {"name": "{{name}}", "labels": {"of": "set"}}, "spec": made["spec"]}
    return body | {"spec": {"generators": list(generators), "template": given, **spec}}


def listed(*names: str) -> dict[str, Any]:
    return {"list": {"elements": [{"name": name} for name in names]}}


def world(argocd: ArgoCd | None = None) -> Syncing:
    syncing = Syncing(argocd=argocd)
    if argocd is None:
        syncing.repositories.commit(config_map("m", k="1"))
    syncing.add(definition("applicationsets", "ApplicationSet", status=True))
    syncing.wait(1)
    return syncing


def names(syncing: Syncing) -> list[str]:
    return [one["metadata"]["name"] for one in syncing.all("Application", "argocd")]


def conditions(syncing: Syncing, name: str = "all") -> dict[str, tuple[str, str, str]]:
    status = syncing.get("ApplicationSet", name, "argocd")["status"]
    return {one["type"]: (one["status"], one["reason"], one["message"]) for one in status["conditions"]}


def test_a_set_makes_applications_that_sync_and_says_that_all_is_well() -> None:
    syncing = world()
    syncing.add(a_set(listed("east")))
    syncing.wait(60)
    assert names(syncing) == ["east"]
    assert syncing.status("east")["sync"]["status"] == "Synced"
    metadata = syncing.application("east")["metadata"]
    assert (metadata["labels"], metadata["finalizers"]) == ({"of": "set"}, ["resources-finalizer.argocd.argoproj.io"])
    assert metadata["ownerReferences"][0]["name"] == "all"
    assert conditions(syncing) == {
        "ErrorOccurred": ("False", "ApplicationSetUpToDate", "Successfully generated parameters for all Applications"),
        "ParametersGenerated": (
            "True",
            "ParametersGenerated",
            "Successfully generated parameters for all Applications",
        ),
        "ResourcesUpToDate": ("True", "ApplicationSetUpToDate", "ApplicationSet up to date"),
    }
    before = syncing.versions()
    syncing.wait(1_000)
    assert syncing.versions() == before


def test_what_the_set_does_not_make_any_more_goes_and_goes_with_the_set() -> None:
    syncing = world()
    syncing.add(a_set(listed("east", "west")), application("other"))
    syncing.wait(60)
    syncing.change("ApplicationSet", "all", "argocd", generators=[listed("west", "north")])
    syncing.wait(60)
    assert names(syncing) == ["north", "other", "west"]
    syncing.delete("ApplicationSet", "all", "argocd")
    syncing.wait(60)
    assert names(syncing) == ["other"]


def test_a_change_by_hand_is_undone_and_a_refresh_and_an_operation_are_left_alone() -> None:
    syncing = world()
    syncing.add(a_set(listed("east")))
    syncing.wait(60)
    syncing.change("Application", "east", "argocd", destination={"name": "in-cluster", "namespace": "b"})
    syncing.wait(5)
    assert syncing.application("east")["spec"]["destination"]["namespace"] == "a"
    syncing.operate("east")
    syncing.refresh("east")
    syncing.wait(60)
    assert syncing.status("east")["operationState"]["operation"]["sync"] == {}
    syncing.delete("Application", "east", "argocd")
    syncing.wait(60)
    assert names(syncing) == ["east"]


@pytest.mark.parametrize(
    ("policy", "changed", "stays"),
    [
        ("create-only", False, True),
        ("create-update", True, True),
        ("create-delete", False, False),
        ("sync", True, False),
    ],
)
def test_a_policy_says_what_may_be_done_to_applications(policy: str, changed: bool, stays: bool) -> None:
    syncing = world()
    body = a_set(listed("east", "west"), syncPolicy={"applicationsSync": policy})
    syncing.add(body)
    syncing.wait(30)
    template = body["spec"]["template"]
    template["metadata"]["labels"] = {"of": "another"}
    syncing.change("ApplicationSet", "all", "argocd", generators=[listed("east")], template=template)
    syncing.wait(30)
    assert (syncing.application("east")["metadata"]["labels"]["of"] == "another") is changed
    assert ("west" in names(syncing)) is stays


def test_clusters_are_those_that_argo_cd_knows() -> None:
    syncing = world()
    template = {"metadata": {"name": "on-{{name}}"}, "spec": application()["spec"]}
    syncing.add(a_set({"clusters": {}}, template=template))
    syncing.wait(5)
    assert names(syncing) == ["on-in-cluster"]
    data = {part: base64.b64encode(text).decode() for part, text in (("name", b"far"), ("server", b"https://far"))}
    labels = {"argocd.argoproj.io/secret-type": "cluster", "stage": "prod"}
    metadata = {"name": "far", "namespace": "argocd", "labels": labels}
    syncing.add({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    syncing.wait(5)
    assert names(syncing) == ["on-far", "on-in-cluster"]
    chosen = [{"clusters": {"selector": {"matchLabels": {"stage": "prod"}}}}]
    syncing.change("ApplicationSet", "all", "argocd", generators=chosen)
    syncing.wait(5)
    assert names(syncing) == ["on-far"]
    syncing.delete("Secret", "far", "argocd")
    syncing.wait(5)
    assert names(syncing) == []
    assert conditions(syncing)["ErrorOccurred"][0] == "False"


@pytest.mark.parametrize(
    ("generator", "word"),
    [
        ({"git": {"repoURL": GIT, "revision": "main", "directories": [{"path": "*"}]}}, "repository could not be read"),
        ({"scmProvider": {"github": {"organization": "o"}}}, "scmProvider"),
        ({"pullRequest": {}}, "pullRequest"), ({"plugin": {}}, "plugin"), ({"clusterDecisionResource": {}}, "asks a"),
        ({"strange": {}}, "must be one generator of"), ({}, "must be one generator of"),
    ],
)  # fmt: skip
def test_what_cannot_be_generated_is_refused_by_name_and_nothing_is_changed(
    generator: dict[str, Any], word: str
) -> None:
    syncing = world()
    syncing.add(a_set(listed("east")))
    syncing.wait(30)
    syncing.change("ApplicationSet", "all", "argocd", generators=[generator])
    syncing.wait(30)
    assert names(syncing) == ["east"]
    found = conditions(syncing)
    assert found["ErrorOccurred"][:2] == ("True", "ApplicationParamsGenerationError")
    assert word in found["ErrorOccurred"][2]
    assert found["ParametersGenerated"][:2] == ("False", "ErrorOccurred")
    assert found["ResourcesUpToDate"][0] == "False"


def test_names_that_are_there_twice_and_applications_of_others_are_refused() -> None:
    syncing = world()
    syncing.add(a_set(listed("east", "east")))
    syncing.wait(30)
    assert conditions(syncing)["ErrorOccurred"][1:] == (
        "ApplicationValidationError",
        "ApplicationSet all contains applications with duplicate name: east",
    )
    syncing.add(a_set(listed("north"), name="first"), a_set(listed("north", "south"), name="second"))
    syncing.wait(30)
    why = "Object argocd/north is already owned by another ApplicationSet controller first"
    assert conditions(syncing, "second")["ErrorOccurred"] == ("True", "ApplicationValidationError", why)
    assert names(syncing) == ["north", "south"]


def test_what_the_project_does_not_allow_is_not_made() -> None:
    syncing = world()
    syncing.add(project("short", sourceRepos=["https://elsewhere.example.org/*"]))
    for name, given in (("all", "short"), ("none", "missing")):
        template = {"metadata": {"name": "{{name}}"}, "spec": application(project=given)["spec"]}
        syncing.add(a_set(listed(f"of-{name}"), name=name, template=template))
    syncing.wait(30)
    assert names(syncing) == []
    assert "is not permitted in project 'short'" in conditions(syncing)["ErrorOccurred"][2]
    assert "references project missing which does not exist" in conditions(syncing, "none")["ErrorOccurred"][2]


def test_folders_of_a_repository_become_applications_as_they_come() -> None:
    repositories = MemoryRepositories()
    environments = repositories.add(GIT)
    environments.write("main", {"envs/east/values.yaml": b"a: 1\n", "other/x.yaml": b"a: 1\n"})
    ports = Opened(repositories, FolderCharts(), lambda: None)
    server = RepositoryServer(lambda _: ports, ScriptedRenderer(lambda _: []))
    assert isinstance(server, Generating)
    assert not isinstance(Repositories(), Generating)
    syncing = world(ArgoCd(server))
    git = {"git": {"repoURL": GIT, "revision": "main", "directories": [{"path": "envs/*"}]}}
    template = {"metadata": {"name": "{{path.basename}}"}, "spec": application()["spec"]}
    syncing.add(a_set(git, template=template))
    syncing.wait(5)
    assert names(syncing) == ["east"]
    environments.write("main", {"envs/west/values.yaml": b"a: 1\n"})
    syncing.wait(200)
    assert names(syncing) == ["east", "west"]
    local = {"git": {"repoURL": "/etc", "revision": "main", "directories": [{"path": "*"}]}}
    syncing.change("ApplicationSet", "all", "argocd", generators=[local])
    syncing.wait(5)
    assert conditions(syncing)["ErrorOccurred"][0] == "True"
    assert names(syncing) == ["east", "west"]

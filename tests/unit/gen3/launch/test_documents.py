"""From answers to one commit: documents that csoc reads back, values, and the Application that pins both."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from csoc.errors import RejectedError
from csoc.fleet.documents.base import ChartReference
from csoc.fleet.documents.init import plan_init
from csoc.fleet.documents.reading import read_documents
from csoc.gen3.launch import applications, bundles, documents, values
from csoc.provisioning import names, sizes
from csoc.testing.repositories import MemoryRepositories, MemoryTree
from tests.unit.gen3.launch.launching import (
    PLACE,
    answers,
    counting_ids,
    launch,
    outputs_file,
    outputs_of,
    secret_values,
)

REPOSITORY = "https://git.example.org/team/fleet"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def read_back(made: documents.Launch, **more: bytes) -> list[str]:
    """Faults of the documents, in a fleet with an account."""
    account = b"apiVersion: csoc.gen3.org/v1alpha1\nkind: Account\nmetadata: {name: research, uid: a123456789}\n"
    account += b'spec: {provider: aws, id: "111122223333", purpose: workload}\n'
    files = {**plan_init("tidewater", ids=counting_ids("f")), "accounts/research.yaml": account, **made.files, **more}
    files[made.application_path] = b"{}\n"
    repository = MemoryRepositories().add(REPOSITORY)
    found = read_documents(MemoryTree(repository, repository.write("main", files), "main"))
    return [str(fault) for fault in found.faults]


def test_a_new_cluster_a_commons_and_an_environment_are_one_commit_without_a_fault() -> None:
    made = launch(answers(["standard"], size="medium", apiAccess=["203.0.113.0/24"], network={"zones": 3}))
    assert sorted(path for path in made.files if "values" not in path) == [
        "clusters/heart/applications/README.md",
        "clusters/heart/cluster.yaml",
        "commons/heart/commons.yaml",
        "commons/heart/heart-dev/environment.yaml",
    ]
    assert read_back(made) == []
    assert made.cluster is not None
    assert made.cluster.spec.size == "medium"
    assert made.cluster.spec.api_access == ("203.0.113.0/24",)
    spec = made.environment.spec
    assert spec.release == spec.namespace == "heart-dev"
    assert spec.gated
    assert [layer.name for layer in spec.layers] == ["database", "credentials", "resources", "edge", "gen3"]
    uids = {made.environment.metadata.uid, made.cluster.metadata.uid}
    assert len(uids) == 2


def test_a_cluster_that_is_there_is_named_and_not_written() -> None:
    made = launch(answers(["minimal"], cluster="big"), commons_exists=True)
    assert made.cluster is None
    assert made.environment.spec.cluster == "big"
    assert made.application_path == "clusters/big/applications/heart-dev.yaml"
    assert not [path for path in made.files if path.startswith("clusters/") or path.endswith("commons.yaml")]


def test_an_adopted_repository_keeps_documents_and_values_below_their_folder() -> None:
    made = launch(answers(["minimal"]), top=".csoc")
    assert all(path.startswith(".csoc/") for path in made.files)
    assert made.application_path == ".csoc/clusters/heart/applications/heart-dev.yaml"


def test_values_come_in_the_order_that_the_document_names_outputs_last() -> None:
    made = launch(answers(["standard"]))
    folder = "commons/heart/heart-dev/values"
    assert made.value_paths == tuple(f"{folder}/{name}" for name in values.FILES)
    assert made.outputs_path == made.value_paths[-1]
    assert set(made.value_paths) - set(made.files) == {made.outputs_path}


def test_every_switch_of_the_chart_is_written() -> None:
    made = launch(answers(["minimal"]))
    data = yaml.safe_load(made.files["commons/heart/heart-dev/values/20-services.yaml"])
    for name in made.selection.off:
        assert data[name] == {"enabled": False}
    assert data["fence"]["enabled"] is True


def test_the_release_of_workspaces_and_its_proxy_watch_one_namespace() -> None:
    made = launch(answers(["workspaces"]))
    data = yaml.safe_load(made.files["commons/heart/heart-dev/values/20-services.yaml"])
    assert data["hatchery"]["jupyterNamespace"] == data["ambassador"]["jupyterNamespace"] == "jupyter-pods-heart-dev"


@pytest.mark.parametrize(
    ("more", "around", "skips"),
    [
        ({"size": "small"}, {}, True),
        ({"size": "medium"}, {}, False),
        ({"size": "large", "cluster": "big"}, {}, True),
        ({"size": "small", "cluster": "big"}, {"workspace_nodes": True}, False),
    ],
)
def test_workspaces_ask_for_their_own_nodes_where_the_cluster_has_them(
    more: dict[str, str], around: dict[str, Any], skips: bool
) -> None:
    made = launch(answers(["workspaces"], **more), **around)
    data = yaml.safe_load(made.files["commons/heart/heart-dev/values/20-services.yaml"])
    assert data["hatchery"]["hatchery"]["skipNodeSelector"] is skips


def test_a_new_cluster_has_nodes_for_workspaces_as_its_size_says() -> None:
    for size in ("small", "medium", "large"):
        given = {"link_role": "arn:aws:iam::111122223333:role/x", "public_networks": []}
        pools = sizes.settings("cluster", size, given=given)["pools"]
        assert any(pool["purpose"] == "jupyter" for pool in pools) is (size != "small")


def test_a_mesh_collects_from_its_members_and_refuses_one_that_is_not_known() -> None:
    made = launch(answers(["mesh"]))
    data = yaml.safe_load(made.files["commons/heart/heart-dev/values/20-services.yaml"])
    config = json.loads(data["metadata"]["aggMdsConfig"])
    assert {entry["mds_url"] for entry in config["adapter_commons"].values()} == {
        "https://lung.example.org/",
        "https://liver.example.org/",
    }
    assert yaml.safe_load(made.files["commons/heart/commons.yaml"])["spec"]["members"] == ["lung", "liver"]
    with pytest.raises(RejectedError, match="The mesh joins brain"):
        launch(answers(["mesh"], members=["brain"]))


def test_the_list_of_users_names_the_administrators_and_nobody_else() -> None:
    made = launch(answers(["minimal"], administrators=["ada@example.org", "Grace@Example.org"]))
    data = yaml.safe_load(made.files["commons/heart/heart-dev/values/40-users.yaml"])
    users = yaml.safe_load(data["fence"]["USER_YAML"])
    assert set(users["users"]) == {"ada@example.org", "grace@example.org"}
    known = {policy["id"] for policy in users["authz"]["policies"]}
    roles = {role["id"] for role in users["authz"]["roles"]}
    for group in users["authz"]["groups"]:
        assert set(group["policies"]) <= known
    for policy in users["authz"]["policies"]:
        assert set(policy["role_ids"]) <= roles


def test_a_list_of_users_that_somebody_wrote_counts_as_it_is() -> None:
    made = launch(answers(["minimal"]), user_yaml="authz: {}\nusers: {x: {}}\n")
    data = yaml.safe_load(made.files["commons/heart/heart-dev/values/40-users.yaml"])
    assert data["fence"]["USER_YAML"] == "authz: {}\nusers: {x: {}}\n"


def test_a_change_of_the_list_of_users_is_read_again_from_the_values() -> None:
    made = launch(answers(["minimal"]))
    sync = yaml.safe_load(made.files["commons/heart/heart-dev/values/40-users.yaml"])["fence"]["usersync"]
    assert sync["usersync"] is True
    assert sync["userYamlS3Path"] == "none"


def test_what_later_runs_need_is_read_from_the_document_alone() -> None:
    made = launch(answers(["standard", "workspaces"]))
    assert documents.secrets_of(made.environment).names == made.secrets.names
    assert documents.resources_of(made.environment)["hostname"] == "heart.example.org"
    assert not documents.needs_search(made.environment)
    assert documents.needs_search(launch(answers(["explorer"])).environment)


# Applications


def test_the_application_pins_the_chart_and_the_commit_of_the_values() -> None:
    made = launch(answers(["workspaces"]))
    project, application = yaml.safe_load_all(
        applications.application_file(made.deployment(REPOSITORY, COMMIT)).decode()
    )
    chart, its_values = application["spec"]["sources"]
    assert (chart["chart"], chart["targetRevision"]) == ("gen3", "0.3.90")
    assert chart["helm"]["releaseName"] == application["spec"]["destination"]["namespace"] == "heart-dev"
    assert chart["helm"]["valueFiles"] == [f"$values/{path}" for path in made.value_paths]
    assert its_values == {"repoURL": REPOSITORY, "targetRevision": COMMIT, "ref": "values"}
    assert "finalizers" not in application["metadata"]
    assert application["spec"]["project"] == project["metadata"]["name"] == "heart-dev"
    reference = made.environment.spec.application
    assert reference is not None
    assert (reference.name, reference.document) == ("heart-dev", 1)


def test_the_project_lets_an_environment_into_its_own_namespaces_only() -> None:
    for services, namespaces in (
        (["workspaces"], {"heart-dev", "jupyter-pods-heart-dev"}),
        (["minimal"], {"heart-dev"}),
    ):
        project = applications.project(launch(answers(services)).deployment(REPOSITORY, COMMIT))
        assert {item["namespace"] for item in project["spec"]["destinations"]} == namespaces
        assert all("*" not in json.dumps(item) for item in project["spec"]["destinations"])
        assert project["spec"]["sourceRepos"] == ["https://helm.gen3.org", REPOSITORY]


@pytest.mark.parametrize("commit", ["main", "", "0123456", COMMIT.upper()])
def test_values_that_are_not_pinned_are_refused(commit: str) -> None:
    with pytest.raises(RejectedError, match="not pinned to a commit"):
        applications.application_file(launch(answers()).deployment(REPOSITORY, commit))


@pytest.mark.parametrize("revision", ["", "0.3", "*", "^0.3.90", ">=0.3.90"])
def test_a_chart_that_is_not_pinned_is_refused(revision: str) -> None:
    made = launch(answers())
    chart = ChartReference.model_validate({"repoURL": "https://helm.gen3.org", "chart": "gen3", "revision": revision})
    spec = made.environment.spec.model_copy(update={"chart": chart})
    environment = made.environment.model_copy(update={"spec": spec})
    with pytest.raises(RejectedError, match="The chart is not pinned"):
        applications.application_file(documents.deployment_of(environment, REPOSITORY, COMMIT))


# Two commons in one account


def test_commons_whose_names_begin_alike_share_no_name_and_no_prefix() -> None:
    ids = counting_ids()
    one = launch(answers(["standard", "workspaces"], commons="a", hostname="a.example.org"), ids)
    other = launch(answers(["standard", "workspaces"], commons="a-b", hostname="a-b.example.org"), ids)
    owned = [_names(made) for made in (one, other)]
    assert not owned[0] & owned[1]
    prefixes = [names.secret(made.environment.metadata.uid, "") for made in (one, other)]
    assert not any(name.startswith(prefixes[0]) for name in owned[1])
    assert not any(name.startswith(prefixes[1]) for name in owned[0])
    things = [names.thing(made.environment.metadata.uid, "") for made in (one, other)]
    assert not any(name.startswith(things[0]) for name in owned[1])
    assert not any(name.startswith(things[1]) for name in owned[0])


def _names(made: documents.Launch) -> set[str]:
    uid = made.environment.metadata.uid
    told = outputs_of(made.selection, uid)
    found = {names.secret(uid, name) for name in made.secrets.names}
    for name in ("RoleArns", "BucketNames", "QueueUrls"):
        found |= {value.rpartition("/")[2] for value in json.loads(told[name]).values()}
    for value in secret_values(made):
        if value.name.endswith("-dbcreds"):
            found.add(json.loads(value.text)["database"])
    spec = made.environment.spec
    found |= {str(spec.namespace), spec.hostname, values.workspaces_namespace(str(spec.namespace))}
    return found


def test_the_outputs_of_one_environment_are_no_outputs_of_another() -> None:
    made = launch(answers(["standard"]))
    assert made.environment.metadata.uid.encode() in outputs_file(made)
    assert PLACE.account_id.encode() in outputs_file(made)


def test_every_bundle_can_be_launched_in_every_size() -> None:
    for bundle in bundles.BUNDLES:
        for size in ("small", "medium", "large"):
            made = launch(answers([bundle], size=size))
            data = yaml.safe_load(made.files["commons/heart/heart-dev/values/20-services.yaml"])
            copies = {name: entry["replicaCount"] for name, entry in data.items() if "replicaCount" in entry}
            assert set(copies.values()) <= {"small": set(), "medium": {2}, "large": {3}}[size]
            assert bool(copies) == (size != "small")

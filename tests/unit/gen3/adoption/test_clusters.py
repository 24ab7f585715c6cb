"""On which cluster an Application runs: every witness, and which one wins."""

from __future__ import annotations

import pytest

from csoc.gen3.views import ClusterView, Fact, FleetView
from csoc.testing.fleets import World, application

CLUSTER_VALUES = """\
cluster: {name}
accountNumber: "111122223333"
karpenter: {{enabled: true}}
karpenter-crds: {{enabled: true, amiSelectorName: 'EKS-1-34-x86-x64-AL23*'}}
external-secrets: {{enabled: true, targetRevision: 1.2.0}}
"""
HELM = "valuesObject: {{global: {{hostname: {}.example.org}}}}"


def app(name: str, server: str = "https://kubernetes.default.svc") -> str:
    return application(name, helm=HELM.format(name), server=server)


def read(files: dict[str, str]) -> FleetView:
    world = World()
    world.write(files)
    return world.load().view


def clusters(view: FleetView) -> dict[str, str]:
    return {item.application.name: item.cluster.value for item in view.environments}


def fact(view: FleetView, name: str = "alpha") -> Fact:
    return next(item.cluster for item in view.environments if item.application.name == name)


def cluster(view: FleetView, name: str) -> ClusterView:
    return next(item for item in view.clusters if item.name == name)


def document(name: str, spec: str) -> str:
    metadata = f"{{name: {name}, uid: a{name:0<9}}}"
    return f"apiVersion: csoc.gen3.org/v1alpha1\nkind: Cluster\nmetadata: {metadata}\nspec:\n{spec}"


def test_the_destinations_name_is_the_cluster() -> None:
    found = fact(read({"apps/a.yaml": app("alpha", "name:east")}))
    assert found.value == "east"
    assert found.reason == "the Application's destination names it"
    assert found.location is not None


def test_a_server_that_a_cluster_secret_registers_has_that_secrets_name() -> None:
    secret = (
        "apiVersion: v1\nkind: Secret\n"
        "metadata: {name: east-secret, labels: {argocd.argoproj.io/secret-type: cluster}}\n"
        "stringData: {name: east, server: 'https://1.2.3.4', config: '{}'}\n"
    )
    assert fact(read({"secret.yaml": secret, "a.yaml": app("alpha", "https://1.2.3.4")})).value == "east"


def test_any_other_server_is_called_by_its_host() -> None:
    found = fact(read({"a.yaml": app("alpha", "https://ABC.gr7.us-east-1.eks.amazonaws.com:443")}))
    assert found.value == "abc.gr7.us-east-1.eks.amazonaws.com"
    assert "API server" in found.reason


def test_a_document_wins_by_destination_name_server_or_folder() -> None:
    documents = {
        ".csoc/clusters/one/cluster.yaml": document("one", "  destination: {name: raw-one}\n"),
        ".csoc/clusters/two/cluster.yaml": document("two", "  destination: {server: 'https://2.2.2.2'}\n"),
        ".csoc/clusters/three/cluster.yaml": document("three", "  folder: third\n  kubernetesVersion: '1.33'\n"),
    }
    view = read(
        {
            **documents,
            "a.yaml": app("alpha", "name:raw-one"),
            "b.yaml": app("beta", "https://2.2.2.2"),
            "third/deep/c.yaml": app("gamma"),
            "d.yaml": app("delta", "name:one"),
        }
    )
    assert clusters(view) == {"alpha": "one", "beta": "two", "gamma": "three", "delta": "one"}
    assert all(item.cluster.stated for item in view.environments)
    assert cluster(view, "three").kubernetes_version.value == "1.33"


@pytest.mark.parametrize(("field", "destination"), [("name", "raw"), ("server", "https://2.2.2.2")])
def test_of_two_documents_with_one_destination_the_first_counts_and_the_other_has_a_fault(
    field: str, destination: str
) -> None:
    made = World()
    stated = f"  destination: {{{field}: '{destination}'}}\n"
    first, second = ".csoc/clusters/one/cluster.yaml", ".csoc/clusters/two/cluster.yaml"
    addressed = f"name:{destination}" if field == "name" else destination
    made.write({first: document("one", stated), second: document("two", stated), "a.yaml": app("alpha", addressed)})
    loaded = made.load()
    assert clusters(loaded.view) == {"alpha": "one"}
    (fault,) = [item for item in loaded.documents.errors if item.field == f"spec.destination.{field}"]
    assert fault.location.path == second
    assert f"that of one at {first}:" in fault.found
    assert "Applications with it are taken for those of one" in fault.fix


@pytest.mark.parametrize(
    ("first", "second", "field", "is_error"),
    [
        ("folder: east", "folder: east", "spec.folder", True),
        ("folder: east", "folder: east/", "spec.folder", True),
        ("folder: east", "applications: east", "spec.applications", True),
        ("applications: east", "folder: east", "spec.folder", True),
        ("applications: east", "applications: east", "spec.applications", False),
    ],
)
def test_of_two_documents_with_one_folder_the_first_counts_and_the_other_has_a_fault_that_names_both(
    first: str, second: str, field: str, is_error: bool
) -> None:
    made = World()
    one, two = ".csoc/clusters/one/cluster.yaml", ".csoc/clusters/two/cluster.yaml"
    documents = {one: document("one", f"  {first}\n"), two: document("two", f"  {second}\n")}
    made.write({**documents, "east/a.yaml": app("alpha")})
    loaded = made.load()
    assert clusters(loaded.view) == {"alpha": "one"}
    (fault,) = [item for item in loaded.documents.faults if item.expected == "a folder that no other Cluster has"]
    assert (fault.location.path, fault.field) == (two, field)
    assert f"that of one at {one}:5 is too" in fault.found
    assert "taken for those of one" in fault.fix
    assert (fault in loaded.documents.errors) is is_error


def test_clusters_with_folders_of_their_own_have_no_fault_and_one_inside_another_has_its_own_applications() -> None:
    made = World()
    paths = {name: f".csoc/clusters/{name}/cluster.yaml" for name in ("one", "two")}
    made.write(
        {
            paths["one"]: document("one", "  folder: east\n  applications: east\n"),
            paths["two"]: document("two", "  folder: east/inner\n  applications: east\n"),
            "east/a.yaml": app("alpha"),
            "east/inner/b.yaml": app("beta"),
        }
    )
    loaded = made.load()
    assert clusters(loaded.view) == {"alpha": "one", "beta": "two"}
    assert [item for item in loaded.documents.faults if "no other Cluster" in item.expected] == []


def test_a_folder_with_its_own_cluster_values_is_a_cluster_named_by_them() -> None:
    view = read(
        {
            "first/cluster-values/values.yaml": CLUSTER_VALUES.format(name="east-1"),
            "first/alpha/app.yaml": app("alpha"),
            "second/cluster-values/values.yaml": CLUSTER_VALUES.format(name="west-1"),
            "second/beta/app.yaml": app("beta"),
        }
    )
    assert clusters(view) == {"alpha": "east-1", "beta": "west-1"}
    assert fact(view).reason == "cluster in first/cluster-values/values.yaml; the folder is first"
    found = cluster(view, "east-1")
    assert (found.folder, found.account.value, found.kubernetes_version.value) == ("first", "111122223333", "1.34")
    assert found.external_secrets.value == "1.2.0"


def test_several_value_files_of_one_cluster_are_one_cluster() -> None:
    view = read(
        {
            "first/cluster-values/values.yaml": CLUSTER_VALUES.format(name="east-1"),
            "first/platform/cluster-values.yaml": CLUSTER_VALUES.format(name="east-1"),
            "first/alpha/app.yaml": app("alpha"),
            "second/beta/app.yaml": app("beta"),
        }
    )
    assert [item.name for item in view.clusters] == ["east-1", "second"]
    assert len(cluster(view, "east-1").values) == 2


def test_several_clusters_below_one_folder_are_told_apart_deeper_down() -> None:
    view = read(
        {
            "clusters/one/values.yaml": CLUSTER_VALUES.format(name="east-1"),
            "clusters/one/alpha/app.yaml": app("alpha"),
            "clusters/two/values.yaml": CLUSTER_VALUES.format(name="west-1"),
            "clusters/two/beta/app.yaml": app("beta"),
        }
    )
    assert clusters(view) == {"alpha": "east-1", "beta": "west-1"}


def test_topmost_folders_tell_clusters_apart_where_nothing_else_does() -> None:
    view = read({"east/a.yaml": app("alpha"), "west/b.yaml": app("beta")})
    assert clusters(view) == {"alpha": "east", "beta": "west"}
    assert fact(view).reason == "the folder east is all that tells it from others"


@pytest.mark.parametrize(
    "paths", [("a.yaml", "b.yaml"), ("apps/a.yaml", "apps/b.yaml"), ("apps/x/a.yaml", "apps/y/b.yaml")]
)
def test_a_layout_that_tells_nothing_apart_leaves_the_cluster_unknown(paths: tuple[str, str]) -> None:
    view = read({paths[0]: app("alpha"), paths[1]: app("beta")})
    assert set(clusters(view).values()) == {"unknown"}
    assert view.clusters == ()


def test_one_clusters_values_at_the_top_name_it_for_all() -> None:
    view = read({"cluster-values.yaml": CLUSTER_VALUES.format(name="east-1"), "alpha/app.yaml": app("alpha")})
    assert clusters(view) == {"alpha": "east-1"}
    assert [item.name for item in view.clusters] == ["east-1"]


def test_an_account_is_found_in_an_arn_where_no_number_is_written() -> None:
    values = CLUSTER_VALUES.format(name="east-1").replace('accountNumber: "111122223333"', "alb-controller: {}")
    values += "roles: {node: 'arn:aws:iam::444455556666:role/node'}\n"
    view = read({"east/cluster-values/values.yaml": values, "east/alpha/app.yaml": app("alpha")})
    assert cluster(view, "east-1").account.value == "444455556666"
    assert "ARN" in cluster(view, "east-1").account.reason


def test_applications_that_are_not_gen3_count_as_inhabitants_of_their_cluster() -> None:
    other = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: fluent-bit}\nspec:\n"
        "  source: {repoURL: https://example.org/charts, chart: fluent-bit, targetRevision: 1.0.0}\n"
        "  destination: {name: east, namespace: logs}\n"
    )
    view = read({"a.yaml": app("alpha", "name:east"), "b.yaml": other})
    assert [item.name for item in cluster(view, "east").applications] == ["alpha", "fluent-bit"]
    assert [(item.application.name, item.cluster.value, item.role) for item in view.others] == [
        ("fluent-bit", "east", "platform")
    ]


def test_destinations_whose_names_differ_in_case_or_signs_only_are_different_clusters() -> None:
    names = ("prod", "Prod", "PROD", "p_rod", "p-rod")
    files = {f"{n}.yaml": application(f"a{n}", server=f"name:{name}") for n, name in enumerate(names)}
    found = {item.application.name: item.cluster.value for item in read(files).environments}
    assert found == {"a0": "prod", "a1": "prod-3", "a2": "prod-2", "a3": "p-rod-2", "a4": "p-rod"}

"""What ClusterClient promises, clause by clause, on every kind of cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import Endpoint, connect
from csoc.clusters.client import Access, Applying, Change, Deletion, ExpiredError, LogQuery, Where
from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError, UnavailableError
from tests.contract.cluster_worlds import ClusterWorld, RealCluster, SimulatedWorld, namespace_in, simulated_world

Object = dict[str, Any]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedWorld]:
    with simulated_world(tmp_path_factory.mktemp("cache")) as world:
        yield world


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.kubernetes)])
def world(request: pytest.FixtureRequest) -> ClusterWorld:
    if request.param == "simulated":
        made: ClusterWorld = request.getfixturevalue("simulated")
        return made
    return RealCluster(request.getfixturevalue("cluster"))


@pytest.fixture
def client(world: ClusterWorld) -> Iterator[KubeClient]:
    yield world.admin
    world.admin.close()


@pytest.fixture
def namespace(client: KubeClient) -> Iterator[str]:
    with namespace_in(client) as name:
        yield name


def config_map(namespace: str, name: str, data: Object | None = None, **metadata: Any) -> Object:
    about = {"name": name, "namespace": namespace, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data or {}}


PLAYED = {"kwok.x-k8s.io/status": "custom"}
"""Annotations of a Pod that kwok leaves alone."""


def pod(namespace: str, name: str, annotations: Object, **spec: Any) -> Object:
    about = {"name": name, "namespace": namespace, "annotations": annotations}
    inside = {"containers": [{"name": "main", "image": "example.org/main:1"}], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {**inside, **spec}}


def names(found: list[Object]) -> list[str]:
    return [item["metadata"]["name"] for item in found]


# What there is


def test_the_version_is_told(client: KubeClient) -> None:
    assert client.version().startswith("v1.")


def test_resources_of_all_groups_are_discovered(client: KubeClient) -> None:
    found = {(item.group, item.kind): item for item in client.discover().resources}
    assert found["", "Pod"].plural == "pods"
    assert found["", "Pod"].namespaced
    assert not found["", "Node"].namespaced
    assert found["apps", "Deployment"].api_version == "apps/v1"
    assert {"get", "list", "watch", "patch"} <= found["argoproj.io", "Application"].verbs


def test_a_kind_that_the_cluster_does_not_know_is_told_from_an_object_that_is_not_there(client: KubeClient) -> None:
    with pytest.raises(NotFoundError, match="does not know Nosuch of example"):
        client.get("example.org/v1", "Nosuch", "x", "default")
    with pytest.raises(NotFoundError, match='configmaps "x" not found'):
        client.get("v1", "ConfigMap", "x", "default")


# Writing


def test_what_is_created_can_be_read_and_is_not_created_twice(client: KubeClient, namespace: str) -> None:
    made = client.create(config_map(namespace, "a", {"k": "v"}))
    assert made["metadata"]["uid"]
    assert client.get("v1", "ConfigMap", "a", namespace) == made
    with pytest.raises(ConflictError, match="already exists"):
        client.create(config_map(namespace, "a"))


def test_a_dry_run_says_what_would_be_and_keeps_nothing(client: KubeClient, namespace: str) -> None:
    assert client.create(config_map(namespace, "a", {"k": "v"}), dry_run=True)["data"] == {"k": "v"}
    assert client.apply(config_map(namespace, "b", {"k": "v"}), Applying(dry_run=True))["data"] == {"k": "v"}
    assert names(client.list_all("v1", "ConfigMap", Where(namespace))[0]) == ["kube-root-ca.crt"]


def test_a_stale_version_is_a_conflict(client: KubeClient, namespace: str) -> None:
    made = client.create(config_map(namespace, "a", {"k": "1"}))
    client.replace({**made, "data": {"k": "2"}})
    with pytest.raises(ConflictError, match="has been modified"):
        client.replace({**made, "data": {"k": "3"}})
    assert client.get("v1", "ConfigMap", "a", namespace)["data"] == {"k": "2"}


def test_fields_that_are_no_longer_applied_go_and_those_of_others_stay(client: KubeClient, namespace: str) -> None:
    client.apply(config_map(namespace, "a", {"one": "1", "two": "2"}), Applying("first"))
    client.apply(config_map(namespace, "a", {"three": "3"}), Applying("second"))
    left = client.apply(config_map(namespace, "a", {"one": "1"}), Applying("first"))
    assert left["data"] == {"one": "1", "three": "3"}


def test_a_field_of_another_manager_is_a_conflict_that_names_field_and_manager(
    client: KubeClient, namespace: str
) -> None:
    client.apply(config_map(namespace, "a", {"k": "1", "l": "1"}), Applying("first"))
    with pytest.raises(ConflictError) as refused:
        client.apply(config_map(namespace, "a", {"k": "2", "l": "2"}), Applying("second"))
    assert ".data.k" in refused.value.cause
    assert ".data.l" in refused.value.cause
    assert '"first"' in refused.value.cause
    forced = client.apply(config_map(namespace, "a", {"k": "2"}), Applying("second", force=True))
    assert forced["data"] == {"k": "2", "l": "1"}


def test_applying_twice_changes_nothing(client: KubeClient, namespace: str) -> None:
    body = config_map(namespace, "a", {"k": "v"}, labels={"app": "x"})
    first = client.apply(body)
    assert client.apply(body)["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_lists_with_keys_are_merged_by_key_when_applied(client: KubeClient, namespace: str) -> None:
    def service(name: str, port: int) -> Object:
        ports = [{"name": name, "port": port, "protocol": "TCP"}]
        about = {"name": "s", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"ports": ports}}

    client.apply(service("http", 80), Applying("first"))
    both = client.apply(service("https", 443), Applying("second"))
    assert [port["name"] for port in both["spec"]["ports"]] == ["http", "https"]


def test_a_field_that_there_is_not_is_refused_by_name(client: KubeClient, namespace: str) -> None:
    with pytest.raises(RejectedError, match="wrongly"):
        client.apply(config_map(namespace, "a") | {"wrongly": 1})


def test_an_object_that_breaks_a_rule_is_refused_with_the_field(client: KubeClient, namespace: str) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace}, "spec": {}}
    with pytest.raises(RejectedError, match=r"spec\.ports"):
        client.create(body)


def test_a_merge_patch_changes_what_it_names_and_null_removes(client: KubeClient, namespace: str) -> None:
    client.create(config_map(namespace, "a", {"k": "1", "l": "1"}))
    patched = client.merge("v1", "ConfigMap", "a", {"data": {"k": None, "m": "2"}}, namespace)
    assert patched["data"] == {"l": "1", "m": "2"}


def test_status_is_written_apart_from_the_rest(client: KubeClient, namespace: str) -> None:
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "example.org/c:1"}]},
            },
        },
    }
    made = client.create(body)
    patch = {"spec": {"replicas": 5}, "status": {"observedGeneration": 7}}
    told = client.merge("apps/v1", "Deployment", "d", patch, namespace, part="status")
    assert told["spec"]["replicas"] == 0
    assert told["metadata"]["generation"] == made["metadata"]["generation"] == 1
    changed = client.merge("apps/v1", "Deployment", "d", {"spec": {"paused": True}}, namespace)
    assert changed["metadata"]["generation"] == 2


# Deleting


def test_deleting_what_is_gone_is_no_error_and_says_so(client: KubeClient, namespace: str) -> None:
    client.create(config_map(namespace, "a"))
    assert client.delete("v1", "ConfigMap", "a", namespace)
    assert not client.delete("v1", "ConfigMap", "a", namespace)


def test_only_the_one_that_was_meant_is_deleted(client: KubeClient, namespace: str) -> None:
    made = client.create(config_map(namespace, "a"))
    with pytest.raises(ConflictError):
        client.delete("v1", "ConfigMap", "a", namespace, Deletion(uid="00000000-0000-0000-0000-000000000000"))
    assert client.delete("v1", "ConfigMap", "a", namespace, Deletion(uid=made["metadata"]["uid"]))


def test_what_has_a_finalizer_stays_until_it_is_taken_off(client: KubeClient, namespace: str) -> None:
    client.create(config_map(namespace, "a", finalizers=["example.org/wait"]))
    client.delete("v1", "ConfigMap", "a", namespace)
    assert client.get("v1", "ConfigMap", "a", namespace)["metadata"]["deletionTimestamp"]
    client.merge("v1", "ConfigMap", "a", {"metadata": {"finalizers": None}}, namespace)
    with pytest.raises(NotFoundError):
        client.get("v1", "ConfigMap", "a", namespace)


def owner_with_dependent(client: KubeClient, namespace: str, **metadata: Any) -> str:
    """Two ConfigMaps, "owner" and what it owns, "owned"; the version to watch them from."""
    owner = client.create(config_map(namespace, "owner"))
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    owned = client.create(config_map(namespace, "owned", ownerReferences=[reference], **metadata))
    return str(owned["metadata"]["resourceVersion"])


def follow(client: KubeClient, namespace: str, version: str, *ends: tuple[str, str]) -> list[tuple[str, str, Object]]:
    """What happens to ConfigMaps until the ends, (type, name), were told, in order: (type, name, object)."""
    told: list[tuple[str, str, Object]] = []
    left = set(ends)
    for change in client.watch("v1", "ConfigMap", version, Where(namespace), seconds=60):
        if change.type != "BOOKMARK":
            told.append((change.type, change.object["metadata"]["name"], change.object))
            left.discard(told[-1][:2])
        if not left:
            return told
    raise AssertionError(f"{left} did not come; {[one[:2] for one in told]} did")


def test_what_it_owns_goes_after_it_if_nothing_else_is_wished(client: KubeClient, namespace: str) -> None:
    version = owner_with_dependent(client, namespace)
    client.delete("v1", "ConfigMap", "owner", namespace)
    told = follow(client, namespace, version, ("DELETED", "owned"))
    assert [one[:2] for one in told if one[0] == "DELETED"] == [("DELETED", "owner"), ("DELETED", "owned")]


def test_what_an_orphaned_one_owned_stays_and_belongs_to_nobody(client: KubeClient, namespace: str) -> None:
    version = owner_with_dependent(client, namespace)
    assert client.delete("v1", "ConfigMap", "owner", namespace, Deletion(orphan=True))
    told = follow(client, namespace, version, ("DELETED", "owner"))
    assert ("DELETED", "owned") not in [one[:2] for one in told]
    owned = client.get("v1", "ConfigMap", "owned", namespace)["metadata"]
    assert "ownerReferences" not in owned
    assert "deletionTimestamp" not in owned


def test_one_that_is_deleted_in_the_foreground_goes_after_what_it_owns(client: KubeClient, namespace: str) -> None:
    version = owner_with_dependent(client, namespace, finalizers=["example.org/wait"])
    assert client.delete("v1", "ConfigMap", "owner", namespace, Deletion(foreground=True))
    told = follow(client, namespace, version, ("MODIFIED", "owned"))
    assert told[-1][2]["metadata"]["deletionTimestamp"]
    owner = client.get("v1", "ConfigMap", "owner", namespace)["metadata"]
    assert owner["deletionTimestamp"]
    assert owner["finalizers"] == ["foregroundDeletion"]
    client.merge("v1", "ConfigMap", "owned", {"metadata": {"finalizers": None}}, namespace)
    told = follow(client, namespace, version, ("DELETED", "owner"))
    assert [one[:2] for one in told if one[0] == "DELETED"] == [("DELETED", "owned"), ("DELETED", "owner")]


def test_a_dry_run_of_a_deletion_deletes_nothing(client: KubeClient, namespace: str) -> None:
    made = client.create(config_map(namespace, "a"))
    assert client.delete("v1", "ConfigMap", "a", namespace, Deletion(dry_run=True))
    assert not client.delete("v1", "ConfigMap", "nosuch", namespace, Deletion(dry_run=True))
    assert client.get("v1", "ConfigMap", "a", namespace) == made


def test_the_grace_of_a_pod_is_what_was_asked_for_and_without_any_it_goes_at_once(
    client: KubeClient, namespace: str
) -> None:
    client.create(pod(namespace, "p", PLAYED))
    scheduled(client, namespace, "p")
    assert client.delete("v1", "Pod", "p", namespace, Deletion(grace_seconds=3000))
    assert client.get("v1", "Pod", "p", namespace)["metadata"]["deletionGracePeriodSeconds"] == 3000
    assert client.delete("v1", "Pod", "p", namespace, Deletion(grace_seconds=0))
    with pytest.raises(NotFoundError):
        client.get("v1", "Pod", "p", namespace)


# Listing


def test_a_list_comes_in_pages_that_belong_together(client: KubeClient, namespace: str) -> None:
    for number in range(7):
        client.create(config_map(namespace, f"c{number}", labels={"paged": "yes"}))
    where = Where(namespace, labels={"paged": "yes"})
    plain = Where(namespace)
    first = client.page("v1", "ConfigMap", plain, limit=3)
    client.create(config_map(namespace, "c1-later"))
    second = client.page("v1", "ConfigMap", plain, limit=3, rest=first.rest)
    third = client.page("v1", "ConfigMap", plain, limit=3, rest=second.rest)
    assert first.remaining == 5
    assert third.rest == ""
    seen = [*names(list(first.items)), *names(list(second.items)), *names(list(third.items))]
    assert seen == [f"c{number}" for number in range(7)] + ["kube-root-ca.crt"]
    assert names(client.list_all("v1", "ConfigMap", where)[0]) == [f"c{number}" for number in range(7)]


def test_every_item_of_a_list_says_what_it_is(client: KubeClient, namespace: str) -> None:
    found, _ = client.list_all("v1", "ConfigMap", Where(namespace))
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "ConfigMap")}


def test_labels_and_fields_select(client: KubeClient, namespace: str) -> None:
    client.create(config_map(namespace, "a", labels={"app": "x", "tier": "1"}))
    client.create(config_map(namespace, "b", labels={"app": "x", "tier": "2"}))
    assert names(client.list_all("v1", "ConfigMap", Where(namespace, labels={"app": "x", "tier": "2"}))[0]) == ["b"]
    assert names(client.list_all("v1", "ConfigMap", Where(namespace, fields={"metadata.name": "a"}))[0]) == ["a"]


def test_metadata_alone_holds_no_content(client: KubeClient, namespace: str) -> None:
    client.create(config_map(namespace, "a", {"secret": "no"}, labels={"app": "x"}))
    (found,) = client.list_all("v1", "ConfigMap", Where(namespace, labels={"app": "x"}), metadata_only=True)[0]
    assert found["metadata"]["name"] == "a"
    assert "data" not in found


def test_a_continuation_that_is_none_is_refused(client: KubeClient, namespace: str) -> None:
    with pytest.raises(RejectedError, match="continue key"):
        client.page("v1", "ConfigMap", Where(namespace), rest="bm90aGluZw")


# Watching


def test_a_watch_tells_all_changes_after_a_list_in_order(client: KubeClient, namespace: str) -> None:
    _, version = client.list_all("v1", "ConfigMap", Where(namespace))
    client.create(config_map(namespace, "a", {"k": "1"}))
    client.merge("v1", "ConfigMap", "a", {"data": {"k": "2"}}, namespace)
    client.delete("v1", "ConfigMap", "a", namespace)
    seen: list[tuple[str, str]] = []
    for change in client.watch("v1", "ConfigMap", version, Where(namespace), seconds=20):
        if change.type != "BOOKMARK":
            seen.append((change.type, change.object["data"]["k"]))
        if len(seen) == 3:
            break
    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_a_watch_goes_on_after_any_change_that_it_told(client: KubeClient, namespace: str) -> None:
    _, version = client.list_all("v1", "ConfigMap", Where(namespace))
    for name in ("a", "b"):
        client.create(config_map(namespace, name))
    first = _next(client.watch("v1", "ConfigMap", version, Where(namespace), seconds=20))
    second = _next(client.watch("v1", "ConfigMap", first.version, Where(namespace), seconds=20))
    assert names([first.object, second.object]) == ["a", "b"]


def test_a_watch_with_a_selector_tells_of_what_begins_and_ceases_to_match(client: KubeClient, namespace: str) -> None:
    client.create(config_map(namespace, "a"))
    where = Where(namespace, labels={"on": "yes"})
    _, version = client.list_all("v1", "ConfigMap", where)
    client.merge("v1", "ConfigMap", "a", {"metadata": {"labels": {"on": "yes"}}}, namespace)
    client.merge("v1", "ConfigMap", "a", {"metadata": {"labels": {"on": "no"}}}, namespace)
    types = []
    for change in client.watch("v1", "ConfigMap", version, where, seconds=20):
        types += [change.type] if change.type != "BOOKMARK" else []
        if len(types) == 2:
            break
    assert types == ["ADDED", "DELETED"]


def test_a_watch_ends_when_its_time_is_over(client: KubeClient, namespace: str) -> None:
    _, version = client.list_all("v1", "ConfigMap", Where(namespace))
    told = list(client.watch("v1", "ConfigMap", version, Where(namespace), seconds=1))
    assert [change.type for change in told if change.type != "BOOKMARK"] == []


def test_a_watch_from_too_long_ago_is_told_to_list_again(client: KubeClient) -> None:
    # Of a resource that a definition brought, a cluster remembers nothing from before the definition.
    with pytest.raises(ExpiredError, match="too old"):
        list(client.watch("argoproj.io/v1alpha1", "Application", "1", seconds=5))


def _next(changes: Iterator[Change]) -> Change:
    return next(change for change in changes if change.type != "BOOKMARK")


# Rights


def test_what_is_not_granted_is_denied_and_said_so_beforehand(world: ClusterWorld, namespace: str) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    with world.identity(namespace, rules) as somebody:
        assert somebody.list_all("v1", "ConfigMap", Where(namespace))[0]
        with pytest.raises(DeniedError, match="cannot create resource"):
            somebody.create(config_map(namespace, "a"))
        with pytest.raises(DeniedError, match="cannot list resource"):
            somebody.list_all("v1", "ConfigMap")
        assert somebody.may(Access("list", "configmaps", namespace=namespace)).allowed
        assert not somebody.may(Access("create", "configmaps", namespace=namespace)).allowed
        assert not somebody.may(Access("list", "configmaps")).allowed


def test_a_token_that_is_none_is_denied(world: ClusterWorld) -> None:
    with pytest.raises(DeniedError, match="does not know who asks"):
        connect(world.endpoint, "stranger").get("v1", "Namespace", "default")


def test_a_server_of_another_authority_is_not_spoken_to(world: ClusterWorld) -> None:
    elsewhere = Endpoint(world.endpoint.address, lambda: "secret-token-of-mine")
    with pytest.raises(UnavailableError) as refused:
        connect(elsewhere, "stranger").version()
    assert "secret-token-of-mine" not in str(refused.value)


# Logs


def test_logs_of_a_pod_that_there_is_not_are_not_found(client: KubeClient, namespace: str) -> None:
    with pytest.raises(NotFoundError, match='pods "nosuch" not found'):
        client.logs("nosuch", namespace, LogQuery())


def test_logs_of_a_container_that_there_is_not_are_no_empty_log(client: KubeClient, namespace: str) -> None:
    client.create(pod(namespace, "p", PLAYED))
    with pytest.raises(RejectedError, match="container nosuch is not valid for pod p"):
        client.logs("p", namespace, LogQuery(container="nosuch"))


def test_logs_of_a_pod_that_no_node_has_taken_are_refused_as_not_started(client: KubeClient, namespace: str) -> None:
    client.create(pod(namespace, "p", PLAYED, nodeSelector={"zone": "nowhere"}))
    with pytest.raises(RejectedError, match=r"not started|have a host assigned"):
        client.logs("p", namespace)


def test_logs_hold_what_the_container_wrote_the_last_lines_of_it_if_so_wished(
    simulated: SimulatedWorld, kept: str
) -> None:
    client = simulated.admin
    client.create(pod(kept, "p", {}))
    running(client, kept, "p")
    last = client.logs("p", kept, LogQuery(tail=2, timestamps=False))
    every = client.logs("p", kept, LogQuery(tail=None, timestamps=False))
    assert every[0] == "starting example.org/main:1"
    assert last[0] != every[0]
    begin = every.index(last[0])
    assert every[begin : begin + 2] == last
    assert client.logs("p", kept, LogQuery(tail=0)) == []
    stamped = client.logs("p", kept, LogQuery(tail=None))[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z starting example.org/main:1", stamped)
    with pytest.raises(RejectedError, match="previous terminated container"):
        client.logs("p", kept, LogQuery(previous=True))


@pytest.mark.kubernetes
def test_logs_of_a_node_that_does_not_answer_are_unavailable_and_no_empty_log(request: pytest.FixtureRequest) -> None:
    # No container runs under kwok, and nothing serves its logs.
    client = RealCluster(request.getfixturevalue("cluster")).admin
    with namespace_in(client) as namespace:
        client.create(pod(namespace, "p", {}))
        running(client, namespace, "p")
        with pytest.raises(UnavailableError):
            client.logs("p", namespace)
    client.close()


@pytest.fixture
def kept(simulated: SimulatedWorld) -> Iterator[str]:
    with namespace_in(simulated.admin) as name:
        yield name


def running(client: KubeClient, namespace: str, name: str) -> None:
    until(client, namespace, name, lambda body: body.get("status", {}).get("phase") == "Running")


def scheduled(client: KubeClient, namespace: str, name: str) -> None:
    until(client, namespace, name, lambda body: "nodeName" in body["spec"])


def until(client: KubeClient, namespace: str, name: str, is_so: Callable[[Object], bool]) -> None:
    """Waits until a Pod is so."""
    where = Where(namespace, fields={"metadata.name": name})
    found, version = client.list_all("v1", "Pod", where)
    if not is_so(found[0]):
        changes = client.watch("v1", "Pod", version, where, seconds=60)
        next(one for one in changes if one.type == "MODIFIED" and is_so(one.object))

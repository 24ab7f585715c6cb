"""The API of simulated clusters over HTTP: what clients rely on beyond single objects."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.clusters import SimulatedCluster, SimulatedClusters
from csoc.emulator.kubernetes.users import MASTERS, User

CONFIGS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[SimulatedClusters, ssl.SSLContext]]:
    clusters = SimulatedClusters()
    with serving(clusters) as served:
        yield clusters, ssl.create_default_context(cadata=served.certificate)


@pytest.fixture
def simulated(
    world: tuple[SimulatedClusters, ssl.SSLContext], request: pytest.FixtureRequest
) -> Iterator[SimulatedCluster]:
    made = world[0].create(f"c{abs(hash(request.node.name))}")
    made.access.admit("token", User("admin", (MASTERS,)))
    yield made
    world[0].delete(made.id)


@pytest.fixture
def http(simulated: SimulatedCluster, world: tuple[SimulatedClusters, ssl.SSLContext]) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer token"}
    with httpx.Client(
        base_url=simulated.endpoint, verify=world[1], trust_env=False, headers=headers, timeout=20
    ) as client:
        yield client


def config(name: str = "a", size: int = 1, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "data": {"x": "y" * size}}


@contextmanager
def watching(http: httpx.Client, path: str, **query: str) -> Iterator[Iterator[dict[str, Any]]]:
    with http.stream("GET", path, params={"watch": "true", "timeoutSeconds": "20", **query}) as answer:
        assert answer.status_code == 200, answer.read()
        yield (json.loads(line) for line in answer.iter_lines() if line)


def seen(event: dict[str, Any]) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


def test_a_watch_tells_of_every_change_after_a_version(http: httpx.Client) -> None:
    http.post(CONFIGS, json=config("before"))
    version = http.get(CONFIGS).json()["metadata"]["resourceVersion"]
    with watching(http, CONFIGS, resourceVersion=version) as events:
        http.post(CONFIGS, json=config("a"))
        http.put(f"{CONFIGS}/a", json=config("a", 2))
        http.delete(f"{CONFIGS}/a")
        assert [seen(next(events)) for _ in range(3)] == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_a_watch_with_a_selector_sees_objects_come_and_go(http: httpx.Client) -> None:
    version = http.get(CONFIGS).json()["metadata"]["resourceVersion"]
    with watching(http, CONFIGS, resourceVersion=version, labelSelector="on=yes") as events:
        http.post(CONFIGS, json=config("a"))
        http.put(f"{CONFIGS}/a", json=config("a", on="yes"))
        http.put(f"{CONFIGS}/a", json=config("a", on="no"))
        assert [seen(next(events)) for _ in range(2)] == [("ADDED", "a"), ("DELETED", "a")]


def test_a_watch_that_begins_with_what_is_there_says_where_that_ends(http: httpx.Client) -> None:
    http.post(CONFIGS, json=config("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with watching(http, CONFIGS, **query) as events:
        first, mark = next(events), next(events)
        assert seen(first) == ("ADDED", "a")
        assert (mark["type"], mark["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
        assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_watch_ends_with_a_bookmark_when_its_time_is_over(http: httpx.Client) -> None:
    http.post(CONFIGS, json=config("a"))
    version = http.get(CONFIGS).json()["metadata"]["resourceVersion"]
    with watching(http, CONFIGS, resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds="1") as events:
        assert [(event["type"], event["object"]["metadata"]["resourceVersion"]) for event in events] == [
            ("BOOKMARK", version)
        ]


def test_a_watch_from_too_long_ago_is_told_to_list_again(http: httpx.Client, simulated: SimulatedCluster) -> None:
    version = http.get(CONFIGS).json()["metadata"]["resourceVersion"]
    http.post(CONFIGS, json=config("a"))
    simulated.store.compact()
    with watching(http, CONFIGS, resourceVersion=version) as events:
        event = next(events)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_client_that_goes_leaves_nothing_behind(
    http: httpx.Client, simulated: SimulatedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = threading.Event()
    listen = simulated.store.listen

    def noticed(listener: Any) -> Any:
        end = listen(listener)

        def ended() -> None:
            end()
            gone.set()

        return ended

    monkeypatch.setattr(type(simulated.store), "listen", lambda _, listener: noticed(listener))
    with watching(http, CONFIGS, resourceVersion="0"):
        pass
    assert gone.wait(60)


def test_long_answers_are_compressed_for_who_takes_that(http: httpx.Client) -> None:
    for number in range(3):
        http.post(CONFIGS, json=config(f"a{number}", 80_000))
    packed = http.get(CONFIGS, headers={"Accept-Encoding": "gzip"})
    plain = http.get(CONFIGS, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json()["items"] == plain.json()["items"]


def test_a_body_too_large_is_refused(http: httpx.Client) -> None:
    answer = http.post(CONFIGS, json=config("a", 3 * 1024 * 1024))
    assert (answer.status_code, answer.json()["reason"]) == (413, "RequestEntityTooLarge")


def test_unknown_fields_are_told_in_a_header(http: httpx.Client) -> None:
    answer = http.post(CONFIGS, json={**config(), "nope": 1})
    assert (answer.status_code, answer.headers["warning"]) == (201, '299 - "unknown field \\"nope\\""')


def test_discovery_comes_in_one_answer_for_who_takes_that(http: httpx.Client) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    answer = http.get("/apis", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    apps = next(item for item in answer.json()["items"] if item["metadata"]["name"] == "apps")
    deployments = next(row for row in apps["versions"][0]["resources"] if row["resource"] == "deployments")
    assert (deployments["scope"], {row["subresource"] for row in deployments["subresources"]}) == (
        "Namespaced",
        {"scale", "status"},
    )
    assert http.get("/apis").json()["kind"] == "APIGroupList"


def test_a_stopped_cluster_refuses_connections_and_the_others_answer(
    http: httpx.Client, simulated: SimulatedCluster, world: tuple[SimulatedClusters, ssl.SSLContext]
) -> None:
    other = world[0].create("other")
    other.access.admit("token", User("admin", (MASTERS,)))
    world[0].stop(simulated.id)
    with pytest.raises(httpx.TransportError):
        http.get("/version")
    headers = {"Authorization": "Bearer token"}
    assert httpx.get(f"{other.endpoint}/version", verify=world[1], headers=headers, trust_env=False).status_code == 200
    world[0].start(simulated.id)
    assert http.get("/version").status_code == 200
    world[0].delete("other")


def test_a_token_of_one_cluster_is_worth_nothing_in_another(
    http: httpx.Client, world: tuple[SimulatedClusters, ssl.SSLContext]
) -> None:
    body = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}
    made = http.post("/api/v1/namespaces/default/serviceaccounts/default/token", json=body)
    headers = {"Authorization": f"Bearer {made.json()['status']['token']}"}
    assert http.get(CONFIGS, headers=headers).status_code == 403
    other = world[0].create("stranger")
    answer = httpx.get(f"{other.endpoint}{CONFIGS}", verify=world[1], headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
    world[0].delete("stranger")


def test_impersonation_takes_several_groups(http: httpx.Client) -> None:
    headers = [("Impersonate-User", "ann"), ("Impersonate-Group", "one"), ("Impersonate-Group", "two")]
    body = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}
    answer = http.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json=body, headers=headers)
    assert answer.json()["status"]["userInfo"] == {"username": "ann", "groups": ["one", "two", "system:authenticated"]}


@pytest.mark.parametrize("content", [b"\x80", b"{", b'{"a":' * 5000, b"[" * 100_000, b"k8s\x00\xff\xff\xff"])
@pytest.mark.parametrize("kind", ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"])
def test_hostile_bodies_are_refused(http: httpx.Client, content: bytes, kind: str) -> None:
    answer = http.post(CONFIGS, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_aliases_in_yaml_do_not_grow_without_end(http: httpx.Client) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"] + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    answer = http.post(CONFIGS, content="\n".join(lines), headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 400


def test_a_bad_selector_is_refused(http: httpx.Client) -> None:
    for query in ({"labelSelector": "a in (b"}, {"labelSelector": "=,="}, {"fieldSelector": "x"}, {"limit": "many"}):
        assert http.get(CONFIGS, params=query).status_code == 400, query

"""Whatever is sent to a cluster, it is answered with a status of Kubernetes, soon.

Time is that of the processor in the thread that answers, so that other work on the machine does not count.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csoc.emulator.kubernetes import store
from csoc.emulator.kubernetes.access.requests import Query, asked
from csoc.emulator.kubernetes.api import lists, routes
from csoc.emulator.kubernetes.api.answers import Answer
from csoc.emulator.kubernetes.api.handlers import Request
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.kubernetes.errors import ApiError
from csoc.emulator.kubernetes.objects import patches
from csoc.emulator.kubernetes.store import Key, text_of
from csoc.emulator.kubernetes.users import MASTERS, User
from tests.unit.emulator.kubernetes import made

JSON, YAML = "application/json", "application/yaml"
CONFIGS = "/api/v1/namespaces/default/configmaps"
SECONDS = 20.0
"""Far more than anything takes that is not judged in a time that explodes."""


def a_cluster() -> SimulatedCluster:
    simulated = made.cluster()
    simulated.access.admit("token", User("admin", (MASTERS,)))
    definitions = made.type_of(simulated, "CustomResourceDefinition", "apiextensions.k8s.io/v1")
    simulated.objects.create(definitions, "", made.definition())
    simulated.objects.create(
        made.type_of(simulated, "ConfigMap"), "default", {"metadata": {"name": "there"}, "data": {"a": "b"}}
    )
    simulated.access.signer.key_set()
    return simulated


@pytest.fixture(scope="module")
def simulated() -> SimulatedCluster:
    return a_cluster()


def send(
    simulated: SimulatedCluster, method: str, path: str, body: bytes = b"", kind: str = JSON, **headers: str
) -> Answer | ApiError:
    """The answer, or the refusal. Anything else that is raised fails the test."""
    way, _, text = path.partition("?")
    query = Query.of(text)
    given = {"authorization": "Bearer token", "content-type": kind} | headers
    begun = time.thread_time()
    try:
        return routes.answer(simulated, Request(method, asked(method, way, query), query, given, body), [])
    except ApiError as error:
        return error
    finally:
        assert time.thread_time() - begun < SECONDS, "it took too long"


def refused(found: Answer | ApiError) -> tuple[int, str]:
    assert isinstance(found, ApiError), found
    return found.code, found.reason


@pytest.mark.parametrize("kind", ["merge-patch", "strategic-merge-patch"])
@pytest.mark.parametrize("metadata", [True, "x", 5, ["x"]])
def test_a_patch_whose_metadata_is_no_object_is_refused(simulated: SimulatedCluster, kind: str, metadata: Any) -> None:
    body = json.dumps({"metadata": metadata}).encode()
    found = send(simulated, "PATCH", f"{CONFIGS}/there", body, f"application/{kind}+json")
    assert isinstance(found, ApiError)
    assert found.code in (400, 422)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["metadata", "spec", "name", "labels", "data", "status", "rules", "verbs", "preconditions", "uid", "dryRun",
             "resourceAttributes", "audiences", "expirationSeconds", "boundObjectRef", "token", "containers", "x",
             "template", "selector", "matchLabels", "matchExpressions", "ownerReferences", "finalizers", "annotations",
             "op", "path", "value", "from", "size", "managedFields", "roleRef", "subjects", "ports", "replicas",
             "versions", "names", "schema", "openAPIV3Schema", "properties", "group", "kind", "propagationPolicy"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
WAYS = [
    ("POST", CONFIGS, JSON), ("PUT", f"{CONFIGS}/there", JSON), ("DELETE", f"{CONFIGS}/there", JSON),
    ("DELETE", CONFIGS, JSON), ("POST", "/api/v1/namespaces/default/pods", JSON),
    ("POST", "/apis/apps/v1/namespaces/default/deployments", JSON), ("POST", "/api/v1/namespaces", JSON),
    ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", JSON),
    ("POST", "/api/v1/namespaces/default/services", JSON),
    ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", JSON),
    ("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON),
    ("POST", "/apis/example.org/v1/namespaces/default/widgets", JSON),
    ("POST", "/apis/batch/v1/namespaces/default/cronjobs", JSON),
    ("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", JSON),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", JSON),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", JSON),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", JSON),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", JSON),
    ("PATCH", f"{CONFIGS}/there", patches.JSON), ("PATCH", f"{CONFIGS}/there", patches.MERGE),
    ("PATCH", f"{CONFIGS}/there", patches.STRATEGIC), ("PATCH", f"{CONFIGS}/there?fieldManager=m", patches.APPLY),
    ("PATCH", "/apis/apps/v1/namespaces/default/deployments/d?fieldManager=m", patches.APPLY),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way[0]} {way[1].rpartition('/')[2]} {way[2][12:20]}")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_body_is_taken_or_refused_in_words(
    simulated: SimulatedCluster, way: tuple[str, str, str], data: st.DataObject
) -> None:
    method, path, kind = way
    sent = data.draw(VALUES)
    if isinstance(sent, dict) and data.draw(st.booleans()):
        sent = sent | {"metadata": {"name": "there"}}
    found = send(simulated, method, path, json.dumps(sent).encode(), kind)
    if isinstance(found, ApiError):
        assert found.code < 500 or found.reason == "", found.status()


CONTAINER: dict[str, Any] = {"name": "c", "image": "i"}
CONTAINER |= {"env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 80}]}
CONTAINER |= {"volumeMounts": [{"name": "v", "mountPath": "/v"}], "resources": {"limits": {"cpu": "1"}}}
TEMPLATE = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {"containers": [CONTAINER], "volumes": [{"name": "v", "configMap": {"name": "m"}}]},
}
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
SUBJECTS = [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}]
RBAC = "/apis/rbac.authorization.k8s.io/v1"
WHOLE: dict[str, dict[str, Any]] = {
    "/api/v1/namespaces/default/pods": {"spec": TEMPLATE["spec"]},
    "/apis/apps/v1/namespaces/default/deployments": {
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
    },
    "/apis/batch/v1/namespaces/default/cronjobs": {
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}}
    },
    "/api/v1/namespaces/default/services": {
        "spec": {"type": "NodePort", "ports": [{"name": "a", "port": 80, "targetPort": 1}], "selector": {"app": "a"}}
    },
    f"{RBAC}/clusterroles": {
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
        "rules": [RULE],
    },
    f"{RBAC}/clusterrolebindings": {"roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": SUBJECTS},
    "/apis/example.org/v1/namespaces/default/widgets": {"spec": {"size": 1, "colour": "red"}},
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {"spec": made.definition("things", "Thing")["spec"]},
    "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers": {
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "a", "apiVersion": "apps/v1"}, "maxReplicas": 2}
    },
    "/apis/networking.k8s.io/v1/namespaces/default/ingresses": {
        "spec": {"rules": [{"host": "h", "http": {"paths": [{"path": "/", "pathType": "Prefix"}]}}]}
    },
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {
        "spec": {"user": "joe", "groups": ["a"], "extra": {"a": ["b"]}, "resourceAttributes": {"verb": "get"}}
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        found += places(part, (*path, name))
    return found


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.rpartition("/")[2])
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_object_with_something_strange_in_it_is_taken_or_refused_in_words(
    simulated: SimulatedCluster, path: str, data: st.DataObject
) -> None:
    name = {"customresourcedefinitions": "things.example.org"}.get(path.rpartition("/")[2], "strange")
    given: dict[str, Any] = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "ownerReferences": [], "finalizers": []}
    body = json.loads(json.dumps({"metadata": {"name": name, **given}, **WHOLE[path]}))
    for place in data.draw(st.lists(st.sampled_from(places(body)), min_size=1, max_size=2)):
        if place in places(body):  # the other change may have taken it away
            holder = body
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1]] = data.draw(VALUES)
    sent = json.dumps(body).encode()
    for way, where in (("POST", path), ("PUT", f"{path}/{name}"), ("DELETE", f"{path}/{name}")):
        found = send(simulated, way, where, b"" if way == "DELETE" else sent)
        if isinstance(found, ApiError):
            assert found.code < 500 or found.reason == "", found.status()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" * 200_000, JSON), (b'{"a":' * 100_000, JSON), (b"[" * 100_000, YAML), (b"- " * 50_000, YAML),
        (b'{"a":' * 300 + b"1" + b"}" * 300, JSON), (b"{a: " * 300 + b"1" + b"}" * 300, YAML),
        (b'{"metadata": {"name": "a"}, "data": {"x": ' + b"9" * 5_000 + b"}}", JSON), (b"\xff\xfe{\x00", JSON),
        (b'{"a": 1e999}', JSON), (b'{"metadata": {"name": "\xff"}}', JSON), (b'"' + b"\\" * 99_999, JSON),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_nested_too_deeply_or_is_no_json_is_a_bad_request(
    simulated: SimulatedCluster, body: bytes, kind: str
) -> None:
    assert refused(send(simulated, "POST", CONFIGS, body, kind))[0] in (400, 422)


def test_half_a_character_becomes_what_go_makes_of_it(simulated: SimulatedCluster) -> None:
    body = b'{"metadata": {"name": "half"}, "data": {"x": "a\\ud800b"}}'
    assert isinstance(send(simulated, "POST", CONFIGS, body), Answer)
    kept = simulated.store.get(Key("", "configmaps", "default", "half"))
    assert kept is not None
    assert kept["data"] == {"x": "a\ufffdb"}


@pytest.mark.parametrize("text", [f"a{' ' * 60_000}b", f"a in ({'x,' * 30_000}", "!" * 60_000, "(" * 60_000])
@pytest.mark.parametrize("parameter", ["labelSelector", "fieldSelector"])
def test_a_huge_selector_is_refused_and_not_repeated_in_full(
    simulated: SimulatedCluster, parameter: str, text: str
) -> None:
    found = send(simulated, "GET", f"{CONFIGS}?{parameter}={quote(text)}")
    assert refused(found) == (400, "BadRequest")
    assert isinstance(found, ApiError)
    assert len(found.message) < 1_000


def test_a_selector_has_a_limit_and_spaces_in_it_have_none(simulated: SimulatedCluster) -> None:
    many = ",".join(f"!x{number}" for number in range(1_000))
    assert isinstance(send(simulated, "GET", f"{CONFIGS}?labelSelector={quote(many)}"), Answer)
    found = send(simulated, "GET", f"{CONFIGS}?labelSelector={quote(many)},!y")
    assert refused(found) == (400, "BadRequest")
    spaced = quote(f"!x{' ' * 9_000},{' ' * 9_000}y  notin  (z, w)")
    assert isinstance(send(simulated, "GET", f"{CONFIGS}?labelSelector={spaced}"), Answer)


@pytest.mark.parametrize("name", ["../x", "..", ".", "a/../../b", "%2e%2e", "\x00", "a\nb", "x" * 10_000, "é"])
def test_a_name_that_is_a_path_is_refused_or_not_found(simulated: SimulatedCluster, name: str) -> None:
    body = json.dumps({"metadata": {"name": name}}).encode()
    assert refused(send(simulated, "POST", CONFIGS, body)) == (422, "Invalid")
    assert refused(send(simulated, "GET", f"{CONFIGS}/{quote(name, safe='')}"))[0] == 404


@pytest.mark.parametrize("manager", ["m" * 129, "m" * 60_000, "a\x00b", "a\nb"])
def test_a_field_manager_is_printable_and_short(simulated: SimulatedCluster, manager: str) -> None:
    path = f"{CONFIGS}/there?fieldManager={quote(manager)}"
    assert refused(send(simulated, "PATCH", path, b"{}", patches.MERGE)) == (422, "Invalid")


def test_an_agent_with_a_huge_name_owns_its_fields_under_a_short_one() -> None:
    simulated = a_cluster()
    body = b'{"data": {"agent": "yes"}}'
    send(simulated, "PATCH", f"{CONFIGS}/there", body, patches.MERGE, **{"user-agent": "u" * 60_000})
    kept = simulated.store.get(Key("", "configmaps", "default", "there"))
    assert kept is not None
    assert max(len(one["manager"]) for one in kept["metadata"]["managedFields"]) == 128


@pytest.mark.parametrize("token", ["[" * 40_000, "W" * 60_001, "e30", "eyJydiI6MX0"])
def test_a_continue_token_that_is_none_is_a_bad_request(simulated: SimulatedCluster, token: str) -> None:
    packed = base64.urlsafe_b64encode(token.encode()).decode()
    for one in (packed, token.replace("[", "W")):
        assert refused(send(simulated, "GET", f"{CONFIGS}?limit=1&continue={one}")) == (400, "BadRequest")


@pytest.mark.parametrize(
    "token", ["a.b.c", "W" * 60_000 + ".e30.x", "\udcff.e30.x", "..", "k8s-aws-v1." + "W" * 60_000]
)
def test_a_hostile_token_is_unauthorised(simulated: SimulatedCluster, token: str) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 40_000).decode().rstrip("=")
    for one in (token, f"{nested}.{nested}.x"):
        found = send(simulated, "GET", CONFIGS, authorization=f"Bearer {one}")
        assert refused(found) == (401, "Unauthorized")


def pattern_of(pattern: str) -> dict[str, Any]:
    body = made.definition("gadgets", "Gadget")
    version = body["spec"]["versions"][0]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["text"] = {
        "type": "string", "pattern": pattern,
    }  # fmt: skip
    return body


def test_a_catastrophic_pattern_of_a_definition_judges_at_once() -> None:
    simulated = a_cluster()
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert isinstance(send(simulated, "POST", path, json.dumps(pattern_of("^(a+)+$")).encode()), Answer)
    gadget = {"metadata": {"name": "g"}, "spec": {"text": "a" * 5_000 + "!"}}
    gadgets = "/apis/example.org/v1/namespaces/default/gadgets"
    found = send(simulated, "POST", gadgets, json.dumps(gadget).encode())
    assert refused(found) == (422, "Invalid")
    gadget["spec"] = {"text": "a" * 5_000}
    assert isinstance(send(simulated, "POST", gadgets, json.dumps(gadget).encode()), Answer)


def test_a_pattern_that_is_none_is_refused_with_its_definition() -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    found = send(a_cluster(), "POST", path, json.dumps(pattern_of("(a")).encode())
    assert refused(found) == (422, "Invalid")
    assert isinstance(found, ApiError)
    assert found.details is not None
    place = "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[text].pattern"
    assert [one["field"] for one in found.details["causes"]] == [place]
    assert "must be a valid regular expression" in found.message


def test_a_page_of_many_objects_unpacks_those_of_the_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = a_cluster()
    for number in range(10_000):
        metadata = {"name": f"c{number:05}", "namespace": "default"}
        key = Key("", "configmaps", "default", metadata["name"])
        simulated.store.put(key, {"metadata": metadata, "data": {"x": "y" * 1_000}})
    own, unpacked = set(simulated.store.kept("", "configmaps")), []

    def noted(kept: bytes) -> bytes:
        # Clusters of other tests may still live in this process.
        if kept in own:
            unpacked.append(kept)
        return text_of(kept)

    monkeypatch.setattr(lists, "text_of", noted)
    monkeypatch.setattr(store, "text_of", noted)
    token, found = "", []
    for _ in range(50):
        page = send(simulated, "GET", f"{CONFIGS}?limit=1" + (f"&continue={token}" if token else ""))
        assert isinstance(page, Answer)
        assert isinstance(page.body, bytes)
        listed = json.loads(page.body)
        token = listed["metadata"]["continue"]
        found += [one["metadata"]["name"] for one in listed["items"]]
        assert listed["metadata"]["remainingItemCount"] == 10_001 - len(found)
    assert found == [f"c{number:05}" for number in range(50)]
    assert len(unpacked) == len(found)


def test_a_list_of_a_set_as_large_as_a_body_may_be_is_judged_soon() -> None:
    simulated = a_cluster()
    body = made.definition("gadgets", "Gadget")
    items = {"type": "array", "items": {"type": "integer"}, "x-kubernetes-list-type": "set"}
    body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["all"] = items
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert isinstance(send(simulated, "POST", path, json.dumps(body).encode()), Answer)

    def seconds(count: int) -> float:
        gadget = {"metadata": {"name": "g"}, "spec": {"all": [*range(count), 7]}}
        begun = time.thread_time()
        found = send(simulated, "POST", "/apis/example.org/v1/namespaces/default/gadgets", json.dumps(gadget).encode())
        assert refused(found) == (422, "Invalid")
        return time.thread_time() - begun

    short, long = (min(seconds(count) for _ in range(3)) for count in (2_000, 20_000))
    assert long / short < 40, "ten times as many"

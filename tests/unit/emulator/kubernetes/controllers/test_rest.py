"""From whatever state, controllers come to rest, and running them again changes nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csoc.emulator.kubernetes.controllers.nodes import Node, set_nodes
from csoc.emulator.kubernetes.controllers.table import attach, hearing
from tests.unit.emulator.kubernetes.controllers.living import Living, config_map, container, job, secret, workload

NAMES = ("web", "db")
KINDS = st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"])
STEPS = st.one_of(
    st.tuples(
        st.just("apply"), KINDS, st.sampled_from(NAMES), st.integers(0, 3), st.sampled_from(["1", "2", "missing"])
    ),
    st.tuples(
        st.just("delete"), KINDS, st.sampled_from(NAMES), st.sampled_from(["Background", "Foreground", "Orphan"])
    ),
    st.tuples(st.just("job"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("secret"), st.booleans()),
    st.tuples(st.just("nodes"), st.integers(0, 2)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 1.0, 3.0, 20.0])),
)


def play(living: Living, step: tuple[Any, ...]) -> None:  # noqa: C901 - one case a step
    match step:
        case ("apply", kind, name, replicas, tag):
            spec = {} if kind == "DaemonSet" else {"replicas": replicas}
            main = container(image=f"app:{tag}", envFrom=[{"secretRef": {"name": "s"}}] if name == "db" else [])
            wanted = workload(kind, name, main, **spec)
            if living.find(kind, name) is None:
                living.add(wanted)
            elif not living.get(kind, name)["metadata"].get("deletionTimestamp"):
                living.change(kind, name, template=wanted["spec"]["template"], **spec)
        case ("delete", kind, name, propagation):
            living.delete(kind, name, propagation=propagation)
        case ("job", name, exists):
            if not exists and living.find("Job", name) is None:
                living.add(job(name))
            elif exists:
                living.delete("Job", name)
        case ("secret", exists):
            if exists and living.find("Secret", "s") is None:
                living.add(secret("s", k="v"))
            elif not exists:
                living.delete("Secret", "s")
        case ("nodes", count):
            set_nodes(living.cluster, [Node(f"n{number}") for number in range(count)])
        case ("lose", number):
            pods = living.all("Pod")
            if number < len(pods):
                living.delete("Pod", pods[number]["metadata"]["name"])
        case ("wait", seconds):
            living.wait(seconds)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_controllers_come_to_rest_and_running_them_again_changes_nothing(steps: list[tuple[Any, ...]]) -> None:
    absent = {"missing"}
    living = Living(images=lambda image: not any(word in image for word in absent))
    for step in steps:
        play(living, step)
    absent.clear()  # what waits for an image tries again for ever, also where its Deployment went and left it behind
    set_nodes(living.cluster, [Node("n0"), Node("n1")])
    if living.find("Secret", "s") is None:
        living.add(secret("s", k="v"))
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        for body in living.all(kind):
            template = body["spec"]["template"]
            template["spec"]["containers"][0]["image"] = "app:3"
            if not body["metadata"].get("deletionTimestamp"):
                living.change(kind, body["metadata"]["name"], template=template)
    living.wait(3_000)
    before = living.versions()
    living.cluster.resume()
    living.wait(3_000)
    assert living.versions() == before
    for kind in ("Deployment", "StatefulSet"):
        for body in living.all(kind):
            assert body["status"].get("readyReplicas", 0) == body["spec"].get("replicas", 1)
    owned = [one for one in living.all("Pod") if one["metadata"].get("ownerReferences")]
    owners = {uid for kind in ("ReplicaSet", "StatefulSet", "DaemonSet", "Job") for uid in uids(living, kind)}
    assert {one["metadata"]["ownerReferences"][0]["uid"] for one in owned} <= owners


def uids(living: Living, kind: str) -> set[str]:
    return {one["metadata"]["uid"] for one in living.all(kind)}


def test_a_restarted_process_takes_up_where_it_was() -> None:
    living = Living()
    living.add(workload("Deployment", "web", replicas=2), config_map("m", k="v"))
    living.wait(1)
    living.cluster.detach()
    living.wait(100)
    assert not any(one["status"].get("phase") == "Running" for one in living.all("Pod"))
    again = attach("c", living.store, living.cluster.settings, living.timeline, hearing())
    assert not again.busy
    again.resume()
    living.wait(60)
    assert living.get("Deployment", "web")["status"]["readyReplicas"] == 2

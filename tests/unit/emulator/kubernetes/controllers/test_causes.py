"""Rules of what goes wrong: each kind shows, and strikes what its patterns name and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from csoc.emulator.kubernetes.controllers.causes import Cause, Causes, Kind
from csoc.emulator.kubernetes.controllers.kubelet import reconsider
from csoc.emulator.kubernetes.controllers.logs import lines
from tests.unit.emulator.kubernetes.controllers.living import Living, Object, container, is_ready, pod, workload


def _container(body: Object, name: str = "main") -> Object:
    found: Object = next(one for one in body["status"]["containerStatuses"] if one["name"] == name)
    return found


def _ended(body: Object) -> tuple[str, int] | None:
    """How the only container ended, or how it did before it was started again."""
    status = _container(body)
    ended = status["state"].get("terminated") or status["lastState"].get("terminated")
    return (ended["reason"], ended["exitCode"]) if ended else None


def _not_ready_yet(body: Object) -> bool:
    return body["status"]["phase"] == "Running" and not is_ready(body)


# What a pod of its own shows after 50 seconds if a rule of the kind strikes it, and does not show if none does.
SHOWS: Mapping[Kind, Callable[[Object], bool]] = {
    Kind.CRASH: lambda body: _ended(body) == ("Error", 3) and _container(body)["restartCount"] > 0,
    Kind.EVICTED: lambda body: (body["status"].get("reason"), body["status"].get("message")) == ("Evicted", "told"),
    Kind.FAIL: lambda body: _ended(body) == ("Error", 3) and body["status"]["phase"] == "Failed",
    Kind.LIVENESS: lambda body: _ended(body) == ("Error", 137) and _container(body)["restartCount"] > 0,
    Kind.OOM: lambda body: _ended(body) == ("OOMKilled", 137),
    Kind.READINESS: _not_ready_yet,
    Kind.SLOW: _not_ready_yet,
}
# The seconds that the rule waits: a slow start is slower than the look, all else comes before it.
SECONDS = {Kind.SLOW: 100.0}


def _after_a_while(kind: Kind, *rules: Cause) -> Object:
    living = Living()
    for rule in rules:
        living.causes.add(rule)
    policy: dict[str, Any] = {"restartPolicy": "Never"} if kind is Kind.FAIL else {}
    living.add(pod("web", **policy))
    living.wait(50)
    return living.pod()


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_read_and_shows_on_the_pod(kind: Kind) -> None:
    rule = Cause(kind, exit_code=3, after_seconds=SECONDS.get(kind, 1.0), message="told")
    assert SHOWS[kind](_after_a_while(kind, rule))
    assert not SHOWS[kind](_after_a_while(kind))


def test_what_should_run_to_completion_fails_and_nothing_else_does() -> None:
    living = Living()
    living.causes.add(Cause(Kind.FAIL))
    living.add(pod("served"), pod("once", restartPolicy="Never"))
    living.wait()
    assert is_ready(living.pod("served"))
    assert living.pod("once")["status"]["phase"] == "Failed"


def test_an_evicted_pod_says_why_in_the_rules_words_or_in_the_usual_ones() -> None:
    said = [
        _after_a_while(Kind.EVICTED, Cause(Kind.EVICTED, message=text))["status"]["message"]
        for text in ("The node had condition: [DiskPressure].", "")
    ]
    assert said == ["The node had condition: [DiskPressure].", "The node was low on resource: memory."]


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="'crsh' is not a valid Kind"):
        Cause("crsh")  # type: ignore[arg-type]  # that is the mistake


def test_a_pod_is_evicted_whole_so_a_rule_that_names_a_container_is_refused() -> None:
    with pytest.raises(ValueError, match="a pod is evicted whole, not its container 'main'"):
        Cause(Kind.EVICTED, container="main")


@pytest.mark.parametrize(
    ("patterns", "struck"),
    [
        ({}, True),
        ({"cluster": "blue-*"}, True),
        ({"cluster": "green-*"}, False),
        ({"cluster": "blue"}, False),
        ({"namespace": "a"}, True),
        ({"namespace": "b"}, False),
        ({"name": "web"}, True),
        ({"name": "web-?"}, False),
        ({"container": "ma*"}, True),
        ({"container": "side"}, False),
        ({"cluster": "blue-1", "namespace": "a", "name": "we*", "container": "main"}, True),
        ({"cluster": "blue-1", "namespace": "a", "name": "we*", "container": "side"}, False),
    ],
)
def test_a_rule_strikes_where_all_of_its_patterns_match(patterns: dict[str, str], struck: bool) -> None:
    living = Living(name="blue-1")
    living.causes.add(Cause(Kind.READINESS, **patterns))  # type: ignore[arg-type]  # patterns are texts
    living.add(pod("web"))
    living.wait()
    assert is_ready(living.pod()) is not struck


def test_of_two_containers_only_the_one_that_is_named_is_struck() -> None:
    living = Living()
    living.causes.add(Cause(Kind.READINESS, container="side"))
    living.add(pod("web", container("main"), container("side")))
    living.wait()
    assert [_container(living.pod(), name)["ready"] for name in ("main", "side")] == [True, False]


def test_clusters_that_share_their_rules_are_struck_by_those_that_name_them() -> None:
    shared = Causes([Cause(Kind.READINESS, cluster="blue")])
    ready = {}
    for name in ("blue", "green"):
        living = Living(name=name, causes=shared)
        living.add(workload("Deployment", "web"))
        living.wait()
        ready[name] = is_ready(living.pod())
    assert ready == {"blue": False, "green": True}


def test_a_pod_that_is_ready_notices_a_new_rule_once_it_is_reconsidered() -> None:
    living = Living()
    living.add(pod("web"))
    living.wait()
    living.causes.add(Cause(Kind.READINESS))
    living.wait(300)
    assert is_ready(living.pod())
    reconsider(living.cluster)
    living.wait()
    assert not is_ready(living.pod())


@pytest.mark.parametrize("kind", [Kind.CRASH, Kind.FAIL, Kind.OOM])
def test_what_ends_a_container_leaves_its_last_words_in_the_log(kind: Kind) -> None:
    living = Living()
    living.causes.add(Cause(kind, log=("last words",)))
    living.add(pod("web", restartPolicy="Never"))
    living.wait()
    assert [line.text for line in lines(living.cluster, living.pod(), "main")][-1] == "last words"

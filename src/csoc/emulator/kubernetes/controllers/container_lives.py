"""The life of one container: pulled, started, ready, ended, started again.

Source: Kubernetes 1.34, pkg/kubelet/kuberuntime/kuberuntime_manager.go, pkg/kubelet/images/image_manager.go,
pkg/kubelet/prober; back-off of 10 s doubled up to 300 s.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csoc.emulator.kubernetes.controllers.causes import Cause, Kind
from csoc.emulator.kubernetes.controllers.cluster import Cluster
from csoc.emulator.kubernetes.controllers.effects import Effect
from csoc.emulator.kubernetes.controllers.podstatus import is_sidecar, state_of
from csoc.emulator.kubernetes.controllers.references import missing_in_environment
from csoc.emulator.kubernetes.objects.parts import name_of, namespace_of, uid_of
from csoc.emulator.kubernetes.store import Object

_BACK_OFF_SECONDS, _MOST_SECONDS = 10.0, 300.0
_PROBE = {"initialDelaySeconds": 0, "periodSeconds": 10, "failureThreshold": 3}
CREATING = ("ContainerCreating", "PodInitializing")
CONFIG_ERROR = "CreateContainerConfigError"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next to a container, unless something else happens before. name: tells it from every other step."""

    name: Hashable
    seconds: float
    apply: Callable[[Object, Object], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A container in its pod. names: of the pod and all that controls it. init: it is an init container."""

    cluster: Cluster
    pod: Object
    spec: Mapping[str, Any]
    names: tuple[str, ...]
    init: bool

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def path(self) -> str:
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.name}}}"

    @property
    def restarts(self) -> bool:
        """Whether it is started again whatever it ends with."""
        return is_sidecar(self.spec) or (not self.init and self.pod["spec"].get("restartPolicy", "Always") == "Always")

    @property
    def memory(self) -> dict[str, int]:
        """What the kubelet counts for it: attempts to pull and to configure, probes that failed."""
        found: dict[str, int] = self.cluster.memory.setdefault((uid_of(self.pod), self.name), {})
        return found

    def cause(self, *kinds: Kind, struck: int = 0) -> Cause | None:
        return self.cluster.settings.causes.of(
            self.cluster.name, namespace_of(self.pod), self.names, self.name, kinds, struck
        )

    def event(self, reason: str, message: str, *, warning: bool = False) -> None:
        self.cluster.event(self.pod, reason, message, "kubelet", warning=warning, path=self.path)

    def token(self, what: str, status: Mapping[str, Any], *more: Hashable) -> Hashable:
        return (uid_of(self.pod), self.name, what, status.get("restartCount", 0), *more)


def waiting(spec: Mapping[str, Any], reason: str) -> Object:
    """The status of a container that has not started yet."""
    return {
        "name": spec["name"],
        "image": spec.get("image", ""),
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": reason}},
        "lastState": {},
    }


def next_step(place: Place, status: Mapping[str, Any]) -> Step | None:
    """What happens next to a container that may run; None if nothing does by itself."""
    state = state_of(status)
    if state == "waiting":
        return _from_waiting(place, status, str(status["state"]["waiting"].get("reason", "")))
    if state == "running":
        return _from_running(place, status)
    return _from_terminated(place, status)


def _back_off(attempts: int) -> float:
    return float(min(_BACK_OFF_SECONDS * 2 ** max(attempts - 1, 0), _MOST_SECONDS))


def _from_waiting(place: Place, status: Mapping[str, Any], reason: str) -> Step | None:
    timing = place.cluster.settings.timing
    if reason in CREATING:
        return Step(
            place.token("start", status), timing.pulling + timing.starting, lambda _, found: start(place, found)
        )
    attempts = place.memory.get("pulls", 1)
    if reason == "ErrImagePull":
        return Step(
            place.token("refuse", status, attempts), timing.starting, lambda _, found: _refuse_image(place, found)
        )
    if reason == "ImagePullBackOff":
        return Step(place.token("pull", status, attempts), _back_off(attempts), lambda _, found: start(place, found))
    if reason == CONFIG_ERROR:
        tries = place.memory.get("configured", 1)
        if not missing_in_environment(place.cluster, place.pod, place.spec):
            return Step(place.token("configured", status, tries), timing.starting, lambda _, found: start(place, found))
        return Step(place.token("configure", status, tries), _back_off(tries), lambda _, found: start(place, found))
    if reason == "CrashLoopBackOff":
        count = int(status.get("restartCount", 0))
        return Step(place.token("restart", status), _back_off(count), lambda _, found: restart(place, found))
    return None


def image_problem(place: Place) -> str:
    """Why the image cannot be had, in containerd's words; "" if it can."""
    image = str(place.spec.get("image", ""))
    if place.cluster.settings.images(image):
        return ""
    full = full_image(image)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{full}": failed to resolve reference '
        f'"{full}": {full}: not found'
    )


def full_image(image: str) -> str:
    """An image with the registry and tag that are meant where none is written."""
    first, slash, _ = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        image = f"docker.io/{image}" if slash else f"docker.io/library/{image}"
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def start(place: Place, status: Object) -> None:
    """Pulls the image, makes the environment and runs it, or says what is missing."""
    image = str(place.spec.get("image", ""))
    why = image_problem(place)
    present = place.memory.get("pulled", 0) and place.spec.get("imagePullPolicy") != "Always"
    if why or not present:
        place.event("Pulling", f'Pulling image "{image}"')
    if why:
        place.memory["pulls"] = place.memory.get("pulls", 0) + 1
        place.event("Failed", f'Failed to pull image "{image}": {why}', warning=True)
        place.event("Failed", "Error: ErrImagePull", warning=True)
        status["state"] = {"waiting": {"reason": "ErrImagePull", "message": why}}
        return
    _pulled(place, image, bool(present))
    why = missing_in_environment(place.cluster, place.pod, place.spec)
    if why:
        place.memory["configured"] = place.memory.get("configured", 0) + 1
        place.event("Failed", f"Error: {why}", warning=True)
        status["state"] = {"waiting": {"reason": CONFIG_ERROR, "message": why}}
        return
    run(place, status)


def _pulled(place: Place, image: str, present: bool) -> None:
    if present:
        place.event("Pulled", f'Container image "{image}" already present on machine')
        return
    took = f"{place.cluster.settings.timing.pulling:g}s"
    size = 40_000_000 + int(hashlib.sha256(image.encode()).hexdigest()[:6], 16) * 10
    text = f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {size} bytes.'
    place.event("Pulled", text)
    place.memory["pulled"] = 1


def _refuse_image(place: Place, status: Object) -> None:
    image = str(place.spec.get("image", ""))
    text = f'Back-off pulling image "{image}"'
    place.event("BackOff", text)
    place.event("Failed", "Error: ImagePullBackOff", warning=True)
    status["state"] = {
        "waiting": {"reason": "ImagePullBackOff", "message": f"{text}: ErrImagePull: {image_problem(place)}"}
    }


def run(place: Place, status: Object) -> None:
    """The container runs."""
    image = str(place.spec.get("image", ""))
    count = int(status.get("restartCount", 0))
    made = hashlib.sha256(f"{uid_of(place.pod)}/{place.name}/{count}".encode()).hexdigest()
    place.event("Created", f"Created container: {place.name}")
    place.event("Started", f"Started container {place.name}")
    status["state"] = {"running": {"startedAt": place.cluster.stamp()}}
    status["image"] = full_image(image)
    status["imageID"] = (
        f"{full_image(image).partition('@')[0].rpartition(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"
    )
    status["containerID"] = f"containerd://{made}"
    place.memory.pop("configured", None)
    place.memory.pop("pulls", None)
    at_once = not place.spec.get("startupProbe")
    status["started"] = at_once
    waits = place.spec.get("readinessProbe") or place.cause(Kind.SLOW, Kind.READINESS, struck=count)
    status["ready"] = bool(at_once and not waits and (not place.init or is_sidecar(place.spec)))


def restart(place: Place, status: Object) -> None:
    """Starts it once more; its last end stays to be read."""
    status["restartCount"] = int(status.get("restartCount", 0)) + 1
    start(place, status)


def _from_running(place: Place, status: Mapping[str, Any]) -> Step | None:
    count = int(status.get("restartCount", 0))
    runs_out = not place.restarts
    cause = place.cause(Kind.CRASH, Kind.OOM, *((Kind.FAIL,) if runs_out else ()), struck=count)
    if cause is not None:
        return Step(place.token("end", status), cause.after_seconds, lambda _, found: _struck(place, found, cause))
    if runs_out:
        timing = place.cluster.settings.timing
        seconds = timing.init if place.init else timing.job
        return Step(place.token("end", status), seconds, lambda _, found: _ended_well(place, found))
    sick = place.cause(Kind.LIVENESS, struck=count)
    if sick is not None and status.get("started"):
        probe = _PROBE | dict(place.spec.get("livenessProbe") or {})
        seconds = float(probe["initialDelaySeconds"]) + float(probe["periodSeconds"]) * int(probe["failureThreshold"])
        return Step(place.token("live", status), seconds, lambda _, found: _not_alive(place, found, sick, probe))
    return _towards_ready(place, status, count)


def _towards_ready(place: Place, status: Mapping[str, Any], count: int) -> Step | None:
    unready = place.cause(Kind.READINESS, struck=count)
    probe = _PROBE | dict(place.spec.get("readinessProbe") or {})
    if unready is not None and status.get("started", True):
        failures = place.memory.get("unready", 0)
        if failures == 0:
            seconds = float(probe["initialDelaySeconds"]) + float(probe["periodSeconds"])
        else:  # the probe fails every period; the event is counted ever more rarely
            seconds = float(probe["periodSeconds"]) * 2 ** min(failures, 5)
        return Step(
            place.token("unready", status, failures), seconds, lambda _, found: _not_ready(place, found, unready)
        )
    place.memory.pop("unready", None)
    if status.get("ready"):
        return None
    slow = place.cause(Kind.SLOW, struck=count)
    seconds = place.cluster.settings.timing.ready + (slow.after_seconds if slow is not None else 0.0)
    if place.spec.get("readinessProbe"):
        seconds += float(probe["initialDelaySeconds"])
    return Step(place.token("ready", status), seconds, lambda _, found: _ready(found))


def _ready(status: Object) -> None:
    status["started"] = True
    status["ready"] = True


def _not_ready(place: Place, status: Object, cause: Cause) -> None:
    place.memory["unready"] = place.memory.get("unready", 0) + 1
    text = cause.message or "HTTP probe failed with statuscode: 503"
    place.event("Unhealthy", f"Readiness probe failed: {text}", warning=True)
    status["ready"] = False


def _not_alive(place: Place, status: Object, cause: Cause, probe: Mapping[str, Any]) -> None:
    text = cause.message or "HTTP probe failed with statuscode: 500"
    for _ in range(int(probe["failureThreshold"])):
        place.event("Unhealthy", f"Liveness probe failed: {text}", warning=True)
    place.event("Killing", f"Container {place.name} failed liveness probe, will be restarted")
    end(place, status, 137, "Error")


def _ended_well(place: Place, status: Object) -> None:
    end(place, status, 0, "Completed")
    if not place.init:
        _leave(place.cluster, place.pod, place.names, place.cluster.settings.effects)


def _struck(place: Place, status: Object, cause: Cause) -> None:
    if cause.kind == Kind.OOM:
        end(place, status, 137, "OOMKilled")
    else:
        end(place, status, cause.exit_code, "Error" if cause.exit_code else "Completed", cause.message)


def end(place: Place, status: Object, exit_code: int, reason: str, message: str = "") -> None:
    """The container has ended."""
    started = (status["state"].get("running") or {}).get("startedAt", place.cluster.stamp())
    ended: Object = {
        "exitCode": exit_code,
        "reason": reason,
        "startedAt": started,
        "finishedAt": place.cluster.stamp(),
        "containerID": status.get("containerID", ""),
    }
    status["state"] = {"terminated": ended | ({"message": message} if message else {})}
    status["ready"] = place.init and not is_sidecar(place.spec) and exit_code == 0
    status["started"] = False


def _from_terminated(place: Place, status: Mapping[str, Any]) -> Step | None:
    failed = status["state"]["terminated"].get("exitCode") != 0
    policy = place.pod["spec"].get("restartPolicy", "Always")
    again = place.restarts or (failed and policy != "Never")
    if not again:
        return None
    timing = place.cluster.settings.timing
    return Step(place.token("again", status), timing.starting, lambda _, found: _again(place, found))


def _again(place: Place, status: Object) -> None:
    """After the first end it is started at once; after every further one it waits longer."""
    status["lastState"] = status["state"]
    count = int(status.get("restartCount", 0))
    if count == 0:
        restart(place, status)
        return
    pod = place.pod
    full = f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    place.event("BackOff", f"Back-off restarting failed container {place.name} in pod {full}", warning=True)
    seconds = _shown(_back_off(count))
    text = f"back-off {seconds} restarting failed container={place.name} pod={full}"
    status["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}


def _shown(seconds: float) -> str:
    """As Go writes a duration."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _leave(cluster: Cluster, pod: Mapping[str, Any], names: Sequence[str], effects: Sequence[Effect]) -> None:
    """Does what the pod would have done. names: of the pod and all that controls it."""
    for effect in effects:
        stem = next((name.removesuffix(effect.suffix) for name in names if name.endswith(effect.suffix)), None)
        if stem is None:
            continue
        name = effect.secret.format(stem=stem)
        data = {key.format(stem=stem): base64.b64encode(value.encode()).decode() for key, value in effect.data.items()}
        body = cluster.get("", "secrets", namespace_of(pod), name)
        if body is not None:
            cluster.save("", "secrets", body | {"data": dict(body.get("data") or {}) | data})
        elif effect.create:
            metadata = {"name": name, "namespace": namespace_of(pod)}
            made = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
            cluster.create("", "secrets", made)

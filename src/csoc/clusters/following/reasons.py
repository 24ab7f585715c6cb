"""Why a service is not ready, in plain words, worst first. Pure: from objects of a namespace to reasons.

Sources: Kubernetes, pkg/kubelet/images/types.go and container/sync_result.go (reasons of waiting containers),
pkg/scheduler (FailedScheduling), pkg/apis/batch/types.go (reasons of failed jobs); External Secrets,
apis/externalsecrets (SecretSynced). Whatever a cluster says is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.masking import mask_text
from csoc.fleet.shapes import mapping, mappings, text

Body = Mapping[str, Any]
_LONGEST = 300
_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_SECRET = re.compile(r'(secret|configmap) "([^"]+)" not found', re.IGNORECASE)
_KEY = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) (\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """rank: 0 is the worst. service: whose it is, as its workload is called. cause, fix: sentences."""

    rank: int
    service: str
    cause: str = field(compare=False)
    fix: str = field(compare=False, default="")

    def __str__(self) -> str:
        return f"{self.service}: {self.cause}" + (f". {self.fix}" if self.fix else "")


@dataclass(frozen=True, slots=True)
class Objects:
    """What was read of a namespace. unread: kinds that could not be read, with why."""

    pods: Sequence[Body] = ()
    jobs: Sequence[Body] = ()
    external_secrets: Sequence[Body] = ()
    stores: Sequence[Body] = ()
    events: Sequence[Body] = ()
    claims: Sequence[Body] = ()
    workloads: Sequence[Body] = ()
    cron_jobs: Sequence[Body] = ()
    autoscalers: Sequence[Body] = ()
    ingresses: Sequence[Body] = ()
    unread: Sequence[str] = ()


def reasons(found: Objects) -> list[Reason]:
    """Every reason, worst first, one a service and cause."""
    lacking = {_target(one): _external(one) for one in found.external_secrets if not _condition(one, "Ready")}
    given = [
        *_stores(found),
        *lacking.values(),
        *_jobs(found),
        *(reason for pod in found.pods for reason in _pod(pod, found, lacking)),
        *_quota(found),
        *_claims(found),
        *_workloads(found),
        *_cron_jobs(found),
        *_autoscalers(found),
        *_ingresses(found),
    ]
    seen: dict[tuple[str, str], Reason] = {}
    for one in sorted(given):
        seen.setdefault((one.service, one.cause), one)
    return list(seen.values())


def _stores(found: Objects) -> Iterator[Reason]:
    for store in found.stores:
        condition = _of(store, "Ready")
        if condition and condition.get("status") != "True":
            said = _said(condition.get("message"))
            yield Reason(0, _name(store), f"the secret store cannot be used: {said}",
                         "Look at the role of its service account, and whether External Secrets runs")  # fmt: skip


def _external(body: Body) -> Reason:
    condition = _of(body, "Ready")
    target = _target(body)
    if not condition:
        return Reason(1, _name(body), f"nobody has looked after the secret {target} yet",
                      "External Secrets is not installed, or is not ready")  # fmt: skip
    said = _said(condition.get("message")) or text(condition.get("reason"))
    remote = sorted({
        text(mapping(one.get("remoteRef")).get("key")) for one in mappings(mapping(body.get("spec")).get("data"))
    } - {""})  # fmt: skip
    where = f" (from {', '.join(remote)})" if remote else ""
    return Reason(0, _name(body), f"the secret {target}{where} is not synced: {said}",
                  "Put its value (csoc secret put), or look at the role that reads it")  # fmt: skip


def _target(body: Body) -> str:
    return text(mapping(mapping(body.get("spec")).get("target")).get("name")) or _name(body)


def _jobs(found: Objects) -> Iterator[Reason]:
    for job in found.jobs:
        failed = _of(job, "Failed")
        if failed and failed.get("status") == "True":
            why = text(failed.get("reason")) or "it failed"
            last = _last_end([pod for pod in found.pods if _job_of(pod) == _name(job)])
            yield Reason(0, _name(job), f"its job failed ({why}){last}",
                         f"kubectl logs job/{_name(job)} says more; mend it, delete it and sync again")  # fmt: skip


def _pod(pod: Body, found: Objects, lacking: Mapping[str, Reason]) -> Iterator[Reason]:
    status, service = mapping(pod.get("status")), _service(pod)
    if text(status.get("phase")) in ("Succeeded",) or _condition(pod, "Ready"):
        return
    scheduled = _of(pod, "PodScheduled")
    if scheduled and scheduled.get("status") == "False":
        yield Reason(1, service, f"no node takes it: {_said(scheduled.get('message'))}",
                     "Add nodes (size of the cluster), or ask for less CPU and memory")  # fmt: skip
        return
    if text(status.get("reason")) == "Evicted":
        yield Reason(2, service, f"it was evicted: {_said(status.get('message'))}", "Give its node more room")
        return
    yield from _mounts(pod, found, lacking)
    told = False
    for container in (*mappings(status.get("initContainerStatuses")), *mappings(status.get("containerStatuses"))):
        reason = _container(container, service, lacking)
        if reason is not None:
            told = True
            yield reason
    if not told and text(status.get("phase")) == "Running":
        unhealthy = next((one for one in _events_of(pod, found) if one.get("reason") == "Unhealthy"), None)
        if unhealthy is not None:
            yield Reason(3, service, f"it runs and is not ready: {_said(unhealthy.get('message'))}",
                         "Its log says why: it may wait for another service")  # fmt: skip


def _mounts(pod: Body, found: Objects, lacking: Mapping[str, Reason]) -> Iterator[Reason]:
    for event in _events_of(pod, found):
        if event.get("reason") not in ("FailedMount", "FailedAttachVolume"):
            continue
        missing = _SECRET.search(text(event.get("message")))
        if missing is None:
            yield Reason(1, _service(pod), f"a volume cannot be mounted: {_said(event.get('message'))}")
        else:
            yield _absent(_service(pod), missing[1].lower(), missing[2], lacking)


def _container(status: Body, service: str, lacking: Mapping[str, Reason]) -> Reason | None:
    waiting = mapping(mapping(status.get("state")).get("waiting"))
    reason, message = text(waiting.get("reason")), text(waiting.get("message"))
    image = text(status.get("image"))
    if reason in _IMAGE:
        return Reason(0, service, f"the image {image} cannot be had: {_said(message) or reason}",
                      "Correct its tag, or give the cluster access to the registry")  # fmt: skip
    if reason == "CreateContainerConfigError":
        missing, key = _SECRET.search(message), _KEY.search(message)
        if missing is not None:
            return _absent(service, missing[1].lower(), missing[2], lacking)
        if key is not None:
            return Reason(0, service, f"the {key[2].lower()} {key[3].rpartition('/')[2]} has no key {key[1]}",
                          "A job or a layer fills it; else put it in the shape that the chart reads")  # fmt: skip
        return Reason(0, service, f"its container cannot be made: {_said(message)}")
    ended = mapping(mapping(status.get("lastState")).get("terminated")) or mapping(
        mapping(status.get("state")).get("terminated")
    )
    if reason == "CrashLoopBackOff" or (ended and ended.get("exitCode") not in (0, None)):
        why = text(ended.get("reason")) or "Error"
        if why == "OOMKilled":
            return Reason(0, service, "it needs more memory than its limit", "Raise resources.limits.memory")
        restarts = status.get("restartCount") or 0
        said = _said(ended.get("message"))
        return Reason(1, service, f"it ends again and again ({why}, code {ended.get('exitCode', '?')}, "
                      f"{restarts} restarts){': ' + said if said else ''}",
                      f"kubectl logs --previous of container {text(status.get('name'))} says why")  # fmt: skip
    return None


def _absent(service: str, kind: str, name: str, lacking: Mapping[str, Reason]) -> Reason:
    if name in lacking:
        return Reason(2, service, f"it waits for the secret {name}, which is not synced")
    return Reason(0, service, f"there is no {kind} {name}", "A layer or a value should make it: csoc check says which")


def _quota(found: Objects) -> Iterator[Reason]:
    for event in found.events:
        if event.get("reason") == "FailedCreate" and "exceeded quota" in text(event.get("message")):
            yield Reason(0, text(mapping(event.get("involvedObject")).get("name")),
                         f"the namespace's quota does not let it in: {_said(event.get('message'))}",
                         "Raise the quota, or ask for less")  # fmt: skip


def _claims(found: Objects) -> Iterator[Reason]:
    for claim in found.claims:
        if text(mapping(claim.get("status")).get("phase")) == "Pending":
            events = [one for one in found.events if mapping(one.get("involvedObject")).get("name") == _name(claim)]
            bad = next((one for one in events if one.get("type") == "Warning"), None)
            if bad is not None:
                yield Reason(1, _name(claim), f"its volume is not made: {_said(bad.get('message'))}",
                             "Look at the storage class and its driver")  # fmt: skip


def _workloads(found: Objects) -> Iterator[Reason]:
    for body in found.workloads:
        refused, late = _of(body, "ReplicaFailure"), _of(body, "Progressing")
        if refused.get("status") == "True":
            yield Reason(0, _name(body), f"its pods are not let in: {_said(refused.get('message'))}",
                         "Look at quotas and policies of the namespace")  # fmt: skip
        elif late.get("status") == "False":
            yield Reason(2, _name(body), f"it does not get on: {_said(late.get('message'))}",
                         "Its pods say why")  # fmt: skip


def _cron_jobs(found: Objects) -> Iterator[Reason]:
    for body in found.cron_jobs:
        status = mapping(body.get("status"))
        begun, ended = text(status.get("lastScheduleTime")), text(status.get("lastSuccessfulTime"))
        if begun > ended and not status.get("active"):
            yield Reason(3, _name(body), "its last execution did not end well, so Argo CD finds it degraded",
                         "Look at the log of its last job; the next execution may mend it")  # fmt: skip


def _autoscalers(found: Objects) -> Iterator[Reason]:
    for body in found.autoscalers:
        for kind in ("AbleToScale", "ScalingActive"):
            condition = _of(body, kind)
            if condition.get("status") == "False" and condition.get("reason") != "ScalingDisabled":
                yield Reason(3, _name(body), f"it cannot be scaled: {_said(condition.get('message'))}",
                             "Look whether the metrics server runs")  # fmt: skip


def _ingresses(found: Objects) -> Iterator[Reason]:
    for body in found.ingresses:
        if not mappings(mapping(mapping(body.get("status")).get("loadBalancer")).get("ingress")):
            events = [one for one in found.events if mapping(one.get("involvedObject")).get("name") == _name(body)]
            bad = next((one for one in events if one.get("type") == "Warning"), None)
            why = f": {_said(bad.get('message'))}" if bad is not None else " yet"
            yield Reason(2, _name(body), f"it has no load balancer{why}",
                         "Look at the AWS load balancer controller, its role, and the subnets' tags")  # fmt: skip


def _service(pod: Body) -> str:
    about = mapping(pod.get("metadata"))
    labels = mapping(about.get("labels"))
    return text(labels.get("app")) or text(labels.get("job-name")) or _name(pod)


def _job_of(pod: Body) -> str:
    labels = mapping(mapping(pod.get("metadata")).get("labels"))
    return text(labels.get("batch.kubernetes.io/job-name")) or text(labels.get("job-name"))


def _last_end(pods: Sequence[Body]) -> str:
    for pod in pods:
        for status in mappings(mapping(pod.get("status")).get("containerStatuses")):
            ended = mapping(mapping(status.get("state")).get("terminated"))
            if ended and ended.get("exitCode") not in (0, None):
                said = _said(ended.get("message"))
                return f", its container ended with code {ended.get('exitCode')}" + (f": {said}" if said else "")
    return ""


def _events_of(pod: Body, found: Objects) -> Iterator[Body]:
    for event in found.events:
        if mapping(event.get("involvedObject")).get("name") == _name(pod):
            yield event


def _condition(body: Body, kind: str) -> bool:
    return _of(body, kind).get("status") == "True"


def _of(body: Body, kind: str) -> Body:
    conditions = mappings(mapping(body.get("status")).get("conditions"))
    return next((one for one in conditions if one.get("type") == kind), {})


def _name(body: Body) -> str:
    return text(mapping(body.get("metadata")).get("name"))


def _said(value: object) -> str:
    return " ".join(mask_text(text(value)).split())[:_LONGEST].rstrip(".")

"""How well custom resources are, as far as Argo CD says so by itself, as facts: its Lua scripts are not run here.

Source: Argo CD resource_customizations/<group>/<kind>/health.lua, named at each rule. Health scripts of `argocd-cm` are
not run either; the one for Applications that Argo CD's documentation gives (operator-manual/health.md) is known, since
app-of-apps needs it.
"""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.kubernetes.argocd.health import DEGRADED, HEALTHY, PROGRESSING, Body, Health, Rule
from csoc.emulator.kubernetes.objects.parts import deleting


def _conditions(body: Body) -> list[Body]:
    return list((body.get("status") or {}).get("conditions") or ())


def _by_ready(waiting: str) -> Rule:
    """What most of the scripts do: the condition Ready decides."""

    def rule(body: Body) -> Health:
        for one in _conditions(body):
            if one.get("type") == "Ready" and one.get("status") in ("True", "False"):
                return Health(HEALTHY if one["status"] == "True" else DEGRADED, str(one.get("message", "")))
        return Health(PROGRESSING, waiting)

    return rule


def _certificate(body: Body) -> Health:
    for one in _conditions(body):
        if one.get("type") == "Issuing" and one.get("status") == "True":
            return Health(PROGRESSING, str(one.get("message", "")))
    found = _by_ready("Waiting for certificate")(body)
    assert found is not None  # noqa: S101 - the rule always says something
    return found


def _cluster_external_secret(body: Body) -> Health:
    conditions = _conditions(body)
    last = conditions[-1] if conditions else {}
    if last.get("status") == "True" and last.get("type") in ("Ready", "PartiallyReady", "NotReady"):
        return Health(HEALTHY if last["type"] == "Ready" else DEGRADED, str(last.get("message", "")))
    return Health(PROGRESSING, "Waiting for ClusterExternalSecret")


def _definition(body: Body) -> Health:
    if deleting(body):
        return Health(PROGRESSING, "CRD is terminating")
    conditions = _conditions(body)
    if not conditions:
        return Health(PROGRESSING, "Status conditions not found")
    for one in conditions:
        message = str(one.get("message", ""))
        found = (one.get("type"), one.get("status"))
        if found == ("Terminating", "True"):
            return Health(PROGRESSING, f"CRD is terminating: {message}")
        if found == ("NamesAccepted", "False"):
            return Health(DEGRADED, f"CRD names have not been accepted: {message}")
        if found == ("NonStructuralSchema", "True"):
            return Health(DEGRADED, f"Schema violations found: {message}")
    if any((one.get("type"), one.get("status")) == ("Established", "True") for one in conditions):
        return Health(HEALTHY, "CRD is healthy")
    return Health(DEGRADED, "CRD is not established")


def _budget(body: Body) -> Health:
    found = Health(PROGRESSING, "Waiting for status")
    for one in _conditions(body):
        text = f"PodDisruptionBudget has {one.get('reason', '')}"
        if one.get("status") == "False" and one.get("reason") != "InsufficientPods":
            return Health(DEGRADED, text)
        found = Health(HEALTHY, text)
    return found


def _cron_job(body: Body) -> Health:
    if (body.get("spec") or {}).get("suspend") is True:
        return Health(HEALTHY, "CronJob is Suspended")
    status = body.get("status")
    if status is None:
        return Health(PROGRESSING, "Waiting for CronJob")
    scheduled, succeeded = status.get("lastScheduleTime"), status.get("lastSuccessfulTime")
    if scheduled is None:
        return Health(HEALTHY, "CronJob has not been scheduled yet")
    if succeeded is None:
        return Health(HEALTHY, "The Cronjob never completed succesfully. It may not be healthy")
    if status.get("active"):
        return Health(HEALTHY, "The job is running. Its last execution may not have been successful")
    if succeeded < scheduled:
        return Health(DEGRADED, "CronJob has not completed its last execution successfully")
    return Health(HEALTHY, "CronJob has completed its last execution successfully")


def _application_set(body: Body) -> Health:
    conditions = _conditions(body)
    for kind, status, health in (
        ("ErrorOccurred", "True", DEGRADED),
        ("ResourcesUpToDate", "False", DEGRADED),
        ("RolloutProgressing", "True", PROGRESSING),
        ("ResourcesUpToDate", "True", HEALTHY),
    ):
        for one in conditions:
            if (one.get("type"), one.get("status")) == (kind, status):
                return Health(health, str(one.get("message", "")))
    return Health(PROGRESSING, "Waiting for the status to be reported")


def _cron_workflow(body: Body) -> Health:
    for one in _conditions(body):
        if one.get("status") == "True" and one.get("type") in ("SpecError", "SubmissionError", "Completed"):
            return Health(HEALTHY if one["type"] == "Completed" else DEGRADED, str(one.get("message", "")))
    return Health(HEALTHY, "CronWorkflow is healthy.")


def application(body: Body) -> Health:
    """The script of the documentation: a child Application is as it says itself."""
    found = (body.get("status") or {}).get("health") or {}
    if not found.get("status"):
        return Health(PROGRESSING, "")
    return Health(str(found["status"]), str(found.get("message", "")))


RULES: Mapping[tuple[str, str], Rule] = {
    ("external-secrets.io", "ExternalSecret"): _by_ready("Waiting for ExternalSecret"),
    ("external-secrets.io", "SecretStore"): _by_ready("Waiting for SecretStore"),
    ("external-secrets.io", "ClusterSecretStore"): _by_ready("Waiting for ClusterSecretStore"),
    ("external-secrets.io", "PushSecret"): _by_ready("Waiting for PushSecret"),
    ("external-secrets.io", "ClusterExternalSecret"): _cluster_external_secret,
    ("cert-manager.io", "Certificate"): _certificate,
    ("cert-manager.io", "Issuer"): _by_ready("Initializing issuer"),
    ("cert-manager.io", "ClusterIssuer"): _by_ready("Initializing ClusterIssuer"),
    ("karpenter.sh", "NodePool"): _by_ready("Waiting for NodePool to be ready"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("policy", "PodDisruptionBudget"): _budget,
    ("batch", "CronJob"): _cron_job,
    ("argoproj.io", "ApplicationSet"): _application_set,
    ("argoproj.io", "CronWorkflow"): _cron_workflow,
}

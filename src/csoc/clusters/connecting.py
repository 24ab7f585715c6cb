"""What csoc may need to do in a cluster that somebody brings along: shown before it is used, checked by the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from csoc.clusters.applications import NAMESPACE
from csoc.clusters.bootstrap.acting import CREDENTIAL
from csoc.clusters.bootstrap.deciding import Decision, decide
from csoc.clusters.bootstrap.looking import Found, Presence, foreign_of, look, workloads
from csoc.clusters.bootstrap.surveying import application_of, is_application
from csoc.clusters.client import Access, ClusterClient
from csoc.clusters.platform import ARGO_CD, COMPONENTS
from csoc.errors import DeniedError
from csoc.gen3.launch import valuefiles

_RBAC = "rbac.authorization.k8s.io"
GROUP: Mapping[str, str] = MappingProxyType({"kind": "Group", "name": "csoc", "apiGroup": _RBAC})
"""Into this group an access entry of EKS puts csoc's role."""
_READ = ("get", "list", "watch")
_WRITE = ("get", "list", "watch", "create", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """One right. why: what csoc does with it, in words. namespace: "" for the whole cluster. names: only those."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    namespace: str = ""
    names: tuple[str, ...] = ()


LOOK: tuple[Right, ...] = (
    Right("", ("namespaces",), ("get", "list"), "sees which namespaces there are"),
    Right(
        "apps", ("deployments", "statefulsets", "daemonsets"), _READ, "sees what is installed, and whether it is well"
    ),
    Right("", ("pods", "events", "persistentvolumeclaims"), _READ, "says why a service is not ready"),
    Right("batch", ("jobs", "cronjobs"), _READ, "sees jobs that failed"),
    Right("autoscaling", ("horizontalpodautoscalers",), _READ, "sees what cannot be scaled"),
    Right("networking.k8s.io", ("ingresses",), _READ, "finds the load balancer"),
    Right("external-secrets.io", ("externalsecrets", "secretstores"), _READ, "sees secrets that are not synced"),
    Right("rbac.authorization.k8s.io", ("clusterrolebindings",), ("list",), "sees whether Argo CD may act everywhere"),
    Right("apiextensions.k8s.io", ("customresourcedefinitions",), ("get", "list"), "sees which kinds are served"),
    Right("", ("configmaps",), ("get",), "reads how an Argo CD is set", NAMESPACE),
)
"""What csoc reads, always. No Secrets."""

USE: tuple[Right, ...] = (
    Right("argoproj.io", ("applications", "appprojects"), _WRITE, "brings the root Application and follows others",
          NAMESPACE),
    Right("", ("secrets",), ("create",), "gives Argo CD its credential for the fleet", NAMESPACE),
    Right("", ("secrets",), ("get", "patch"), "renews that credential", NAMESPACE, (CREDENTIAL,)),
)  # fmt: skip
"""What csoc writes where an Argo CD is there already."""

INSTALL: tuple[Right, ...] = (
    Right("*", ("*",), ("*",), "installs Argo CD, which may do everything; take it back once bootstrap is done"),
)
"""What installing Argo CD needs, since nobody may give rights that they do not have."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A right, and what the cluster says of it. lacking: verbs and resources that it refuses."""

    right: Right
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What a cluster has. argo: what is decided about Argo CD. others: by component, in words; absent ones say that
    csoc brings them. rights: of what csoc would use here."""

    version: str
    argo: Decision
    presence: Presence
    others: Mapping[str, str] = field(default_factory=dict)
    rights: Sequence[Checked] = ()


def check(client: ClusterClient, rights: Sequence[Right]) -> list[Checked]:
    """Asks the cluster about each right; changes nothing. Raises UnavailableError, DeniedError (nobody is known)."""
    return [Checked(right, tuple(_lacking(client, right))) for right in rights]


def survey(client: ClusterClient, installation: str, subject: Mapping[str, str] | None = None) -> Survey:
    """Looks. subject: as `refuse_if_lacking`. Raises DeniedError (it may not even look; with the roles that let it),
    UnavailableError."""
    component = COMPONENTS[ARGO_CD]
    looked = check(client, LOOK)
    refuse_if_lacking(looked, subject)
    version = client.version()
    found = _as_far_as_versions_say(look(client, component, "", installation), component.version)
    argo = decide(found, component, (NAMESPACE,))
    further = INSTALL if argo.applies else USE
    others = {one.name: _of(client, one.name) for one in COMPONENTS.values() if not one.at_csoc}
    return Survey(version, argo, found.presence, others, [*looked, *check(client, further)])


def refuse_if_lacking(rights: Sequence[Checked], subject: Mapping[str, str] | None = None) -> None:
    """Raises DeniedError if the cluster refuses any of them, with the roles that give all of them, to paste: applied
    over those of an earlier time, they take nothing back. subject: whom the roles are bound to; None where nobody knows
    who csoc is there."""
    if any(one.lacking for one in rights):
        told = "; ".join(word for one in rights for word in one.lacking)
        wanted = [one.right for one in rights]
        how = "Have these roles bound to csoc's identity there" if subject is None else "Apply this with kubectl"
        made = roles(wanted) if subject is None else bound(wanted, subject)
        raise DeniedError(
            f"The cluster does not let csoc do what it needs: {told}",
            fix=how,
            commands=valuefiles.render_all(made).decode(),
        )


def roles(rights: Sequence[Right], name: str = "csoc") -> list[dict[str, Any]]:
    """The ClusterRole, and the Roles in single namespaces, that give these rights; for whoever may give them."""
    api = f"{_RBAC}/v1"
    made: list[dict[str, Any]] = []
    everywhere = [_rule(one) for one in rights if not one.namespace]
    if everywhere:
        made.append({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": everywhere})
    for namespace in sorted({one.namespace for one in rights if one.namespace}):
        rules = [_rule(one) for one in rights if one.namespace == namespace]
        about = {"name": name, "namespace": namespace}
        made.append({"apiVersion": api, "kind": "Role", "metadata": about, "rules": rules})
    return made


def bound(rights: Sequence[Right], subject: Mapping[str, str]) -> list[dict[str, Any]]:
    """The roles that give these rights, each with its binding to the subject."""
    made: list[dict[str, Any]] = []
    for role in roles(rights):
        reference = {"apiGroup": _RBAC, "kind": role["kind"], "name": role["metadata"]["name"]}
        binding = {"apiVersion": f"{_RBAC}/v1", "kind": f"{role['kind']}Binding", "metadata": dict(role["metadata"])}
        made += [role, {**binding, "roleRef": reference, "subjects": [dict(subject)]}]
    return made


def _as_far_as_versions_say(found: Found, version: str) -> Found:
    """A pin is a version and a digest of all settings, which takes rendering the chart; who only looks compares
    versions."""
    is_at_it = found.presence is Presence.OTHER_PIN and found.pin.partition(" ")[0] == version
    return replace(found, presence=Presence.OURS) if is_at_it else found


def _of(client: ClusterClient, name: str) -> str:
    component = COMPONENTS[name]
    there = list(workloads(client, component))
    if not there:
        return f"absent: csoc brings {component.version}"
    theirs = [one for one in there if not is_application(one, component)]
    found: Found = foreign_of(client, component, theirs or there)
    if theirs:
        return "; ".join(decide(found, component).said)
    version = f", {found.version}" if found.version else ""
    lacking = f"; not ready: {', '.join(found.not_ready)}" if found.not_ready else ""
    return f"csoc's{version}: the Application {application_of(component)} brings it{lacking}"


def _lacking(client: ClusterClient, right: Right) -> Iterator[str]:
    for resource in right.resources:
        for verb in right.verbs:
            for name in right.names or ("",):
                asked = Access(verb, resource, right.group, right.namespace, name)
                if not client.may(asked).allowed:
                    yield f"{verb} {resource}" + (f" {name}" if name else "")


def _rule(right: Right) -> dict[str, Any]:
    rule = {"apiGroups": [right.group], "resources": list(right.resources), "verbs": list(right.verbs)}
    return rule | ({"resourceNames": list(right.names)} if right.names else {})

"""Brings a cluster to what was decided: Argo CD, the credential with which it reads the fleet, the root Application.

Whatever happens in between, it can be done again: each object is looked at before it is written, what is csoc's and
as it should be is not written again, and what is somebody else's is never taken over.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from csoc.clusters.access import ClusterReference, EksReference
from csoc.clusters.applications import NAMESPACE
from csoc.clusters.bootstrap.deciding import Action, Decision, decide
from csoc.clusters.bootstrap.looking import look
from csoc.clusters.bootstrap.objects import COMPONENT, PIN, digest, has_digest, installable, is_ours, marked, named
from csoc.clusters.bootstrap.viewers import VIEWERS, viewer_objects
from csoc.clusters.client import Applying, ClusterClient, Deletion, Object, Where
from csoc.clusters.following.reasons import Objects, Reason, reasons
from csoc.clusters.platform import Component
from csoc.errors import ConflictError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.shapes import mapping, mappings, text

ROOT = "csoc-root"
"""Name of the root Application, and of its project."""
CREDENTIAL = "csoc-fleet"
IN_CLUSTER = "https://kubernetes.default.svc"
_ARGO = "argoproj.io/v1alpha1"
_LOOK_SECONDS = 0.5
_FORCED = Applying(force=True)
_POLITE = Applying()
_DEFINITION = "CustomResourceDefinition"


class Fence(Protocol):
    """What a step's context gives: whether it may still act, and waiting that ends in time."""

    def check(self) -> None: ...
    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """With which Argo CD reads the fleet, and nothing more. url: of the repository, as Applications name it."""

    url: str
    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Root:
    """What the root Application reads. path: the folder with the cluster's Applications, and no other."""

    url: str
    branch: str
    path: str


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a cluster is to become. rendered: Argo CD's chart, rendered for this cluster. credential: None where the
    repository is read by everybody, or Argo CD knows it already."""

    reference: ClusterReference
    installation: str
    component: Component
    rendered: tuple[Mapping[str, Any], ...]
    root: Root
    credential: Credential | None = None

    @property
    def pin(self) -> str:
        """Version and digest of what is to be there."""
        return f"{self.component.version} {digest(list(self.rendered))}"


@dataclass(slots=True)
class Outcome:
    """What was done. Numbers of objects."""

    decision: Decision
    written: int = 0
    unchanged: int = 0
    deleted: int = 0


def bootstrap(client: ClusterClient, wanted: Bootstrap, fence: Fence, log: Callable[[str], None]) -> Outcome:
    """Looks, decides, and acts until Argo CD is ready and reads the fleet.

    Raises RejectedError (what is somebody else's does not fit), ConflictError (an object of csoc's name is not csoc's),
    and what the client and the fence raise.
    """
    found = look(client, wanted.component, wanted.pin, wanted.installation)
    decision = decide(found, wanted.component, (NAMESPACE,))
    for sentence in decision.said:
        log(sentence)
    if decision.action is Action.STOP:
        raise RejectedError(". ".join(decision.said), fix=decision.fix)
    work = _Work(client, wanted, fence, Outcome(decision))
    if decision.applies:
        work.install()
    if isinstance(wanted.reference, EksReference) and wanted.reference.is_own:
        work.admit()
    work.connect()
    if decision.applies:
        work.lock()
    made = work.outcome
    log(f"{made.written} objects written, {made.unchanged} as they should be, {made.deleted} deleted")
    return made


class _Work:
    def __init__(self, client: ClusterClient, wanted: Bootstrap, fence: Fence, outcome: Outcome) -> None:
        self._client, self._wanted, self._fence, self.outcome = client, wanted, fence, outcome
        self._space = wanted.component.namespace

    def install(self) -> None:
        component = self._wanted.component
        rendered = installable(self._wanted.rendered)
        definitions = [one for one in rendered if one.get("kind") == _DEFINITION]
        others = [one for one in rendered if one.get("kind") not in (_DEFINITION, "Namespace")]
        self._begin()
        for body in definitions:
            self._define(self._marked(body))
        self._wait(f"the definitions of {component.title}", lambda: self._established(definitions))
        self._password_of_redis()
        for body in others:
            self.put(self._placed(self._marked(body)))
        self._prune([self._placed(one) for one in others])
        self._wait(f"{component.title} to be ready", self._is_ready)
        self._end()

    def admit(self) -> None:
        """What csoc itself may see, once it is no administrator any more."""
        for body in viewer_objects():
            self.put(self._marked(body))

    def connect(self) -> None:
        """The credential, the root's project and the root."""
        wanted = self._wanted
        if wanted.credential is not None:
            self.put(self._marked(credential_secret(wanted.credential)), secret=True)
        for body in root_objects(wanted.root):
            self.put(self._marked(body))

    def lock(self) -> None:
        """Nobody deploys by the project `default`, which would let everything in."""
        self._fence.check()
        there = self._get(_ARGO, "AppProject", "default", NAMESPACE)
        spec = {"description": "Locked by csoc: each environment has a project of its own", **_NOTHING}
        body = marked(
            {"apiVersion": _ARGO, "kind": "AppProject", "metadata": {"name": "default", "namespace": NAMESPACE},
             "spec": spec}, self._wanted.component.name, self._wanted.installation,
        )  # fmt: skip
        is_locked = there is not None and all(mapping(there.get("spec")).get(key) == spec[key] for key in spec)
        if there is not None and has_digest(there, body) and is_locked:
            self.outcome.unchanged += 1
            return
        # Argo CD itself makes this one, open, so it is nobody else's.
        self._client.apply(body, _FORCED)
        self.outcome.written += 1

    def put(self, body: Object, *, secret: bool = False) -> None:
        """One object, if it is not as it should be already. secret: what it holds is compared as well, since somebody
        may have changed it by hand."""
        about = body["metadata"]
        there = self._get(body["apiVersion"], body["kind"], about["name"], about.get("namespace", ""))
        if there is None:
            self._write(body, _POLITE)
        elif not is_ours(there, self._wanted.installation):
            raise ConflictError(
                f"{named(body)} is there and is not this csoc's, so csoc leaves it as it is",
                place=named(body),
                fix="Delete it if nobody needs it, then resume the run",
            )
        elif has_digest(there, body) and not (secret and _data(there) != _data(body)):
            self.outcome.unchanged += 1
        else:
            self._write(body, _FORCED)

    def _begin(self) -> None:
        """The namespace, with csoc's mark but no pin: until the end it counts as half done."""
        there = self._get("v1", "Namespace", self._space)
        pin = text(mapping(mapping((there or {}).get("metadata")).get("annotations")).get(PIN))
        if there is not None and is_ours(there, self._wanted.installation) and pin in ("", self._wanted.pin):
            self.outcome.unchanged += 1
            return
        self._write(self._marked(_namespace(self._space)), _POLITE)

    def _end(self) -> None:
        body = self._marked(_namespace(self._space))
        body["metadata"]["annotations"][PIN] = self._wanted.pin
        there = self._get("v1", "Namespace", self._space)
        if text(mapping(mapping((there or {}).get("metadata")).get("annotations")).get(PIN)) == self._wanted.pin:
            return
        self._write(body, _POLITE)

    def _define(self, body: Object) -> None:
        """A definition. One that somebody else brought stays, if it serves what csoc's would."""
        name = body["metadata"]["name"]
        there = self._get(body["apiVersion"], _DEFINITION, name)
        if there is None or is_ours(there, self._wanted.installation):
            self.put(body)
            return
        lacking = _served(body) - _served(there)
        if lacking:
            raise ConflictError(
                f"The definition {name} is somebody else's and does not serve {', '.join(sorted(lacking))}",
                place=named(body),
                fix="Upgrade it, or delete it if nothing of its kind is there",
            )
        self.outcome.unchanged += 1

    def _password_of_redis(self) -> None:
        """Made once, where the chart leaves it to a hook. Argo CD's parts read it from the Secret only."""
        wants = any("argocd-redis" in str(one) for one in self._wanted.rendered)
        if not wants or self._get("v1", "Secret", "argocd-redis", self._space) is not None:
            return
        body = self._marked(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "argocd-redis", "namespace": self._space},
             "stringData": {"auth": secrets.token_urlsafe(24)}}
        )  # fmt: skip
        del body["metadata"]["annotations"]
        self._fence.check()
        self._client.create(body)
        self.outcome.written += 1

    def _prune(self, wanted: Sequence[Object]) -> None:
        """Objects of an earlier pin that the new one does not have, of the kinds that it has."""
        keep = {(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in wanted}
        where = Where(labels={COMPONENT: self._wanted.component.name})
        for api_version, kind in sorted({(one["apiVersion"], one["kind"]) for one in wanted}):
            for body in self._client.list_all(api_version, kind, where, metadata_only=True)[0]:
                about = body["metadata"]
                place = (kind, about.get("namespace", ""), about["name"])
                if place in keep or not is_ours(body, self._wanted.installation) or about["name"] in _KEPT:
                    continue
                self._fence.check()
                self._client.delete(api_version, kind, about["name"], place[1], Deletion(uid=about["uid"]))
                self.outcome.deleted += 1

    def _established(self, definitions: Iterable[Mapping[str, Any]]) -> bool:
        for body in definitions:
            found = self._client.get("apiextensions.k8s.io/v1", _DEFINITION, body["metadata"]["name"])
            conditions = mappings(mapping(found.get("status")).get("conditions"))
            if not any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions):
                return False
        return True

    def _is_ready(self) -> bool:
        found = look(self._client, self._wanted.component, self._wanted.pin, self._wanted.installation)
        return not found.not_ready

    def _wait(self, what: str, is_so: Callable[[], bool]) -> None:
        while not is_so():
            try:
                self._fence.sleep(_LOOK_SECONDS)
            except UnavailableError as error:
                why = "; ".join(str(one) for one in self._reasons()[:3])
                raise UnavailableError(
                    f"csoc waited for {what} in vain" + (f": {why}" if why else ""),
                    place=error.place,
                    fix="Mend that, then csoc runs resume",
                ) from error

    def _reasons(self) -> list[Reason]:
        where = Where(self._space)
        pods, events = (self._client.list_all("v1", kind, where)[0] for kind in ("Pod", "Event"))
        return reasons(Objects(pods=pods, events=events))

    def _write(self, body: Object, how: Applying) -> None:
        self._fence.check()
        self._client.apply(body, how)
        self.outcome.written += 1

    def _marked(self, body: Mapping[str, Any]) -> Object:
        return marked(body, self._wanted.component.name, self._wanted.installation)

    def _placed(self, body: Mapping[str, Any]) -> Object:
        """With its namespace, which charts may leave to Helm."""
        found = {**body, "metadata": dict(body["metadata"])}
        if self._client.resource(found["apiVersion"], found["kind"]).namespaced:
            found["metadata"].setdefault("namespace", self._space)
        return found

    def _get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
        try:
            return self._client.get(api_version, kind, name, namespace)
        except NotFoundError:
            return None


def credential_secret(credential: Credential) -> Object:
    """As Argo CD reads it. Source: "Declarative setup, repositories"; without basic auth being forced, git asks a
    program for the password."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": CREDENTIAL,
            "namespace": NAMESPACE,
            "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "data": {
            key: base64.b64encode(value.encode()).decode()
            for key, value in {
                "type": "git",
                "url": credential.url,
                "username": credential.username,
                "password": credential.password,
                "forceHttpBasicAuth": "true",
            }.items()
        },
    }


def root_objects(root: Root) -> tuple[Object, Object]:
    """The root's project, which lets it make Applications and projects and nothing else, and the root. It prunes
    nothing: a file that vanished is a finding, never a deletion."""
    about = {"name": ROOT, "namespace": NAMESPACE}
    project = {
        "apiVersion": _ARGO,
        "kind": "AppProject",
        "metadata": about,
        "spec": {
            "description": "The Applications that the fleet's repository has for this cluster",
            "sourceRepos": [root.url],
            "destinations": [{"server": IN_CLUSTER, "namespace": NAMESPACE}],
            "namespaceResourceWhitelist": [
                {"group": "argoproj.io", "kind": kind} for kind in ("AppProject", "Application")
            ],
        },
    }
    application = {
        "apiVersion": _ARGO,
        "kind": "Application",
        "metadata": about,
        "spec": {
            "project": ROOT,
            "source": {
                "repoURL": root.url,
                "targetRevision": root.branch,
                "path": root.path,
                "directory": {"recurse": False},
            },
            "destination": {"server": IN_CLUSTER, "namespace": NAMESPACE},
            "syncPolicy": {"automated": {"prune": False, "selfHeal": True}},
        },
    }
    return project, application


_NOTHING: Object = {"sourceRepos": [], "destinations": [], "clusterResourceWhitelist": []}
_KEPT = frozenset({CREDENTIAL, ROOT, VIEWERS, "default", "argocd-redis"})


def _namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _served(body: Mapping[str, Any]) -> set[str]:
    return {text(one.get("name")) for one in mappings(mapping(body.get("spec")).get("versions")) if one.get("served")}


def _data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(body.get("data"))

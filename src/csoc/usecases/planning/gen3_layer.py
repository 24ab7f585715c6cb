"""The layer gen3 in a plan: what Argo CD would change once the pins move, and what csoc's rules say about it.

The environment is read and rendered by the same code that adopts and checks fleets: its documents, its values and an
Application as a run would write it, as a tree of a few files. What runs now is the same at the pins that stand in Git.
What layers hand on and nobody knows yet has stand-ins, which a reader never sees.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.errors import CsocError, NotFoundError, RejectedError
from csoc.fleet.charts import ChartRef
from csoc.fleet.documents.base import COMMIT_PATTERN, ChartReference
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.model import Environment, EnvironmentSpec
from csoc.fleet.excerpt import ExcerptTree
from csoc.fleet.overlay import OverlayTree
from csoc.fleet.repositories import SourceAddress, Tree
from csoc.fleet.yaml import yamltext
from csoc.gen3.findings import Finding, Severity
from csoc.gen3.launch import applications, bundles, valuefiles
from csoc.gen3.launch.documents import deployment_of, resources_of
from csoc.gen3.launch.outputs import Place, outputs_file
from csoc.provisioning import names
from csoc.provisioning.plans import LayerPlan, PlanKind, PolicyFinding
from csoc.provisioning.rendered import Objects, changes_between, objects_of
from csoc.provisioning.stacks import Action, ResourceChange
from csoc.usecases.checking.checker import FleetChecker
from csoc.usecases.checking.judgements import waivers_of
from csoc.usecases.load import FleetQuery, LoadedFleet, understand_tree
from csoc.usecases.planning.gen3_in_git import state_at
from csoc.usecases.planning.owners import Owner, environment_of
from csoc.usecases.planning.value_paths import check_application, check_values, outputs_path
from csoc.usecases.ports import Ports
from csoc.usecases.states import StateBuilder, describe

GEN3 = "gen3"
_FLEET_URL = "https://fleet.invalid/fleet"
"""Stands for the fleet's repository, by whatever address Argo CD will read it."""
_LATER = "known-later"
_NO_UUID = "00000000-0000-0000-0000-000000000000"
_BLOCKING = Severity.HIGH


@dataclass(frozen=True, slots=True)
class InCluster:
    """What a chart sees of the cluster that it is rendered for. version: "" where only documents say it, if anybody.
    apis: beside those of every cluster ("monitoring.coreos.com/v1")."""

    version: str = ""
    apis: tuple[str, ...] = ()


UNSEEN = InCluster()
"""A cluster of which nobody knows more than its document says."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One state of an environment. findings: by fingerprint, without those that are waived. lacking: why there are no
    objects."""

    objects: Objects = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    chart: str = ""
    lacking: CsocError | None = None


@dataclass(frozen=True, slots=True)
class Gen3Layer:
    """See the module. source: the fleet's repository; tree: with the values that are deployed; documents: those that
    were planned. place, partition: where its layers are. outputs: of them, as far as they are known."""

    git: Ports
    source: str
    tree: Tree
    documents: Documents
    owner: Owner
    place: Place
    partition: str
    outputs: Mapping[str, str]
    cluster: InCluster = UNSEEN

    def plan(self) -> LayerPlan:
        """Raises RejectedError: the document does not say what an Application needs, or names files that nothing may be
        deployed from or written to, or outputs have another shape."""
        check_values(self._environment, self.documents)
        check_application(self._environment)
        now = self._now()
        before = self._seen(now[1], now[0]) if now is not None else Seen()
        stand_ins = self.stand_ins()
        application = applications.application_file(self._deployment(self.tree.commit))
        written = outputs_file({**stand_ins, **self.outputs}, self.place, bundles.select(self._spec.services))
        values = {self._outputs_path: written}
        after = self._seen(self.tree, application, values)
        unknown = tuple(name for name, value in stand_ins.items() if _is_unknown(value) and value in written.decode())
        changes = self._changes(before, after, stand_ins)
        kind = PlanKind.PREVIEW if unknown else PlanKind.RENDERED if changes or after.lacking else PlanKind.UNCHANGED
        return LayerPlan(
            layer=GEN3,
            stack=self.owner.name,
            kind=kind,
            template_digest=self.inputs(),
            parameters={"chart": after.chart or str(_ref(self._chart)), "namespace": self._spec.namespace or ""},
            unknown=unknown,
            changes=changes,
            stack_state=self.state(),
            findings=tuple(self._findings(before, after)),
            note=_note(before),
        )

    def running(self) -> Seen:
        """What runs now, by the pins that stand in Git, without what the rules say about it. It raises nothing of its
        own: what keeps it from being known stands in the answer."""
        try:
            now = self._now()
            return self._seen(now[1], now[0], is_judged=False) if now is not None else Seen()
        except CsocError as error:
            return Seen(lacking=error)

    def inputs(self) -> str:
        """Digest of all that decides what is deployed, but for what layers hand on: the Application without the commit
        that it pins, and every file of values."""
        entries = self.tree.entries()
        paths = [path for path in self._value_paths if path != self._outputs_path]
        parts = {
            "application": applications.application_file(self._deployment("0" * 40)).decode(),
            "values": {path: entries[path].blob if path in entries else "" for path in paths},
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def state(self) -> str:
        """Digest of the Application in Git, which says what runs; ABSENT if there is none."""
        return state_at(self.tree, self._application_path)

    @property
    def _environment(self) -> Environment:
        return environment_of(self.owner)

    @property
    def _spec(self) -> EnvironmentSpec:
        return self._environment.spec

    @property
    def _chart(self) -> ChartReference:
        return self._deployment("0" * 40).chart

    @property
    def _value_paths(self) -> tuple[str, ...]:
        return tuple(reference.path for reference in self._spec.values)

    @property
    def _outputs_path(self) -> str:
        return outputs_path(self._environment)

    @property
    def _application_path(self) -> str:
        reference = self._spec.application
        if reference is None or reference.repository is not None:
            raise RejectedError(
                f"{self.owner.name} does not say where its Application stands in this repository",
                place=self.owner.name,
                fix="Add application.path to its document",
            )
        return str(reference.path)

    def _deployment(self, commit: str) -> applications.Deployment:
        return deployment_of(self._environment, _FLEET_URL, commit)

    def _now(self) -> tuple[bytes, Tree] | None:
        """The Application in Git, and the fleet at the commit that it pins. None if there is none."""
        path = self._application_path
        if path not in self.tree.entries():
            return None
        written = self.tree.read(path)
        body, commit = _pinned(written)
        try:
            tree = self.git.repositories.open(SourceAddress(self.source, trusted=True), commit)
        except NotFoundError as error:
            raise RejectedError(
                f"The Application pins values to the commit {commit[:12]}, which is not in this repository",
                place=path,
                fix="Bring that commit back, or take the Application's file away if nothing runs with it",
            ) from error
        return body, tree

    def _seen(
        self, tree: Tree, application: bytes, values: Mapping[str, bytes] | None = None, *, is_judged: bool = True
    ) -> Seen:
        fleet = self._fleet_of(tree, application, values or {})
        view = next((one for one in fleet.view.environments if one.application.name == self.owner.name), None)
        if view is None:
            problem = next((str(one) for one in fleet.view.problems), "its Application is not understood")
            return Seen(
                lacking=RejectedError(f"{self.owner.name} cannot be read: {problem}", fix="csoc check shows it")
            )
        builder = StateBuilder(self.git, fleet, kubernetes_version=self.cluster.version, api_versions=self.cluster.apis)
        at_hand = builder.chart(view)
        if at_hand.archive is None:
            error = at_hand.error or NotFoundError("its chart could not be had", place=str(view.chart))
            return Seen(lacking=error)
        states = builder.state(view), builder.state(view)
        first, twin = (state.rendering for state in states)
        if first is None or twin is None:
            why = builder.why_not(view) or "some of its values could not be read"
            return Seen(lacking=RejectedError(why, place=self.owner.name, fix="csoc check shows what is wrong"))
        if first.failure is not None:
            cause = f"The chart cannot be rendered with these values: {first.failure.message}"
            return Seen(lacking=RejectedError(cause, place=first.failure.template, fix="Mend the values"))
        objects, chart = objects_of(first.objects, twin.objects), describe(at_hand.archive)
        if not is_judged:
            return Seen(objects, chart=chart)
        checker = FleetChecker(self.git)
        found = checker.check(fleet, waivers=waivers_of(self.documents, self.git)).report.findings
        return Seen(objects, {one.fingerprint: one for one in found}, chart)

    def _fleet_of(self, tree: Tree, application: bytes, values: Mapping[str, bytes]) -> LoadedFleet:
        documents = self._own_documents()
        excerpt = ExcerptTree(tree, frozenset(_value_files(application)))
        future = OverlayTree(excerpt, {**documents, **values, self._application_path: application})
        return understand_tree(self.git, FleetQuery(self.source, own_urls=(_FLEET_URL,)), future)

    def _own_documents(self) -> dict[str, bytes]:
        """The documents that say what the environment is, by path."""
        found = self.documents
        placed: list[Placed[Any] | None] = [
            found.fleet,
            found.accounts[self.owner.account.metadata.name],
            found.clusters[self.owner.cluster.metadata.name],
            found.environments[self.owner.name],
            found.commons.get(self._spec.commons),
        ]
        return {one.file.path: one.file.read() for one in placed if one is not None}

    def stand_ins(self) -> dict[str, str]:
        """What layers will hand on, as far as names decide it, and something of the right shape for the rest: each
        output that `gen3.launch.outputs` cannot do without, or no first plan could be made."""
        uid, place = self.owner.uid, self.place
        partition = self.partition
        here = f"{place.region}:{place.account_id}"
        made: Mapping[str, Any] = resources_of(self._environment)
        role = f"arn:{partition}:iam::{place.account_id}:role{names.role_path(uid)}"
        accounts = [one["service_account"] for one in made.get("roles", ())]
        buckets = [one["purpose"] for one in made.get("buckets", ())]
        queues = [one["purpose"] for one in made.get("queues", ())]
        at_queues = f"https://sqs.{place.region}.amazonaws.com/{place.account_id}/"
        found = {
            "CertificateArn": f"arn:{partition}:acm:{here}:certificate/{_NO_UUID}",
            "WebAclArn": f"arn:{partition}:wafv2:{here}:regional/webacl/{_LATER}/{_NO_UUID}",
            "DatabaseEndpoint": f"database.{_LATER}.invalid",
            "SearchEndpoint": f"search.{_LATER}.invalid",
            "DatabaseSecretName": names.thing(uid, "database-master"),
            "BucketNames": json.dumps({one: names.bucket(uid, one, place.account_id) for one in buckets}),
            "QueueUrls": json.dumps({one: at_queues + names.thing(uid, one) for one in queues}),
            "RoleArns": json.dumps({one: role + names.thing(uid, one) for one in accounts}),
        }
        return {name: value for name, value in found.items() if name not in self.outputs}

    def _changes(self, before: Seen, after: Seen, stand_ins: Mapping[str, str]) -> tuple[ResourceChange, ...]:
        if after.lacking is not None:
            return ()
        if before.lacking is not None:
            # Nobody knows what is there, so nothing is said to be new.
            return tuple(
                ResourceChange(Action.MODIFY, name, f"{body.get('apiVersion', '')} {body.get('kind', '')}")
                for name, body in sorted(after.objects.items())
            )
        shown_as = {
            value: f"({name}, known once it is made)" for name, value in stand_ins.items() if _is_unknown(value)
        }
        return changes_between(before.objects, after.objects, shown_as)

    def _findings(self, before: Seen, after: Seen) -> Iterator[PolicyFinding]:
        if after.lacking is not None:
            error = after.lacking
            place = f" ({error.place})" if error.place else ""
            yield PolicyFinding("rendered", GEN3, f"{error.cause}{place}", error.fix, blocks=True)
        for fingerprint, one in after.findings.items():
            if fingerprint in before.findings:
                continue
            place = next((f", {each.location}" for each in one.evidence if each.location is not None), "")
            fix = (
                f"{one.fix}; or waive it, with a reason, an owner and an end" if one.severity >= _BLOCKING else one.fix
            )
            yield PolicyFinding(
                one.rule, f"{GEN3}{place}", f"{one.cause}: {one.consequence}", fix, blocks=one.severity >= _BLOCKING
            )


def _is_unknown(value: str) -> bool:
    """False for a stand-in that is decided by names, and will be so."""
    return _LATER in value or _NO_UUID in value


def _pinned(written: bytes) -> tuple[bytes, str]:
    """An Application as csoc writes it, with the fleet's repository by its stand-in; and the commit of the values.

    Raises RejectedError if it is another one."""
    try:
        bodies = [one.data for one in yamltext.parse(written)]
    except yamltext.YamlError as error:
        raise RejectedError(f"The Application is no YAML: {error}", fix="Take back what was changed in it") from error
    found = next((one for one in bodies if isinstance(one, dict) and one.get("kind") == "Application"), None)
    spec = found.get("spec") if found is not None else None
    sources = spec.get("sources") if isinstance(spec, dict) else None
    if found is None or not isinstance(spec, dict) or not isinstance(sources, list):
        raise _not_ours()
    values = [one for one in sources if isinstance(one, dict) and one.get("ref") == "values"]
    commit = str(values[0].get("targetRevision", "")) if len(values) == 1 else ""
    if not re.fullmatch(COMMIT_PATTERN, commit):
        raise _not_ours()
    moved = [{**one, "repoURL": _FLEET_URL} if one is values[0] else one for one in sources]
    return valuefiles.render({**found, "spec": {**spec, "sources": moved}}, header=""), commit


def is_as_written(content: bytes, environment: Environment, former: bytes | None = None) -> bool:
    """True if the file of an Application is what csoc writes for an environment, at whichever commit of its values.
    former: the file before, which knows the repository of these values; None if there was none."""
    try:
        _, commit = _pinned(content)
        url = _values_url(content if former is None else former)
        wanted = applications.application_file(deployment_of(environment, url, commit))
    except RejectedError:
        return False
    return [one.data for one in yamltext.parse(content)] == [one.data for one in yamltext.parse(wanted)]


def _values_url(content: bytes) -> str:
    """The repository of the values of an Application that `_pinned` knows. Raises RejectedError for another one."""
    _pinned(content)
    bodies = [one.data for one in yamltext.parse(content)]
    body = next(one for one in bodies if isinstance(one, dict) and one.get("kind") == "Application")
    sources = [one for one in body["spec"]["sources"] if isinstance(one, dict)]
    return next(str(one.get("repoURL", "")) for one in sources if one.get("ref") == "values")


def _not_ours() -> RejectedError:
    return RejectedError(
        "The environment's Application is not as csoc writes it, so nobody can say what would change",
        fix="Take back what was changed in it: one source with the chart, one named values that pins a commit",
    )


def _value_files(application: bytes) -> Iterator[str]:
    for document in yamltext.parse(application):
        spec = document.data.get("spec") if isinstance(document.data, dict) else None
        for source in (spec or {}).get("sources") or () if isinstance(spec, dict) else ():
            helm = source.get("helm") if isinstance(source, dict) else None
            for path in (helm or {}).get("valueFiles") or () if isinstance(helm, dict) else ():
                yield str(path).removeprefix("$values/")


def _ref(chart: ChartReference) -> ChartRef:
    return ChartRef(chart.repo_url, chart.chart or "", chart.path or "", chart.revision or "")


def _note(before: Seen) -> str:
    if before.lacking is None:
        return ""
    return f"What runs now could not be rendered, so every object is shown as changed: {before.lacking.cause}"

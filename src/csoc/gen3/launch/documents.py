"""From answers to the documents and value files of one commit: Cluster (if new), Commons, Environment, values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from csoc.clock import Ids
from csoc.errors import RejectedError
from csoc.fleet.documents import layout
from csoc.fleet.documents.base import ChartReference, Document, FileReference, Metadata
from csoc.fleet.documents.infrastructure import Edge, SignIn
from csoc.fleet.documents.model import (
    ApplicationReference,
    Cluster,
    ClusterSpec,
    Commons,
    CommonsSpec,
    Environment,
    EnvironmentLayer,
    EnvironmentSpec,
)
from csoc.fleet.documents.writing import render_document
from csoc.gen3.launch import applications, bundles, roles, values, versions
from csoc.gen3.launch.answers import NEW, Answers
from csoc.gen3.launch.bundles import Selection
from csoc.gen3.launch.secrets import SecretPlan, plan_secrets

_MADE_BY_CSOC = (
    EnvironmentLayer(name="database", provider="aws"),
    EnvironmentLayer(name="credentials", provider="aws"),
    EnvironmentLayer(name="resources", provider="aws"),
    EnvironmentLayer(name="edge", provider="aws"),
    EnvironmentLayer(name="gen3", provider="aws"),
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the answers mean here, found out by whoever has the fleet and the link at hand.

    account: name of the Account. region: of AWS. top: folder of the documents. commons_exists: it has a document, and
    this is another environment of it. members: commons of the fleet with title and hostname, for a mesh. secret_name:
    uid and name to the full name in Secrets Manager. user_yaml: content of the file that the answers name, "" if none.
    workspace_nodes: a cluster that there is has nodes for workspaces alone (label and taint role=jupyter).
    """

    account: str
    region: str
    secret_name: Callable[[str, str], str]
    top: str = ""
    commons_exists: bool = False
    members: Mapping[str, values.Member] | None = None
    user_yaml: str = ""
    workspace_nodes: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """What answers become. files: for one commit, by path, all but 90-outputs.yaml and the Application, which runs
    write. cluster: None where one is used that there is."""

    environment: Environment
    cluster: Cluster | None
    selection: Selection
    secrets: SecretPlan
    files: Mapping[str, bytes]
    folder: str

    @property
    def outputs_path(self) -> str:
        """Where 90-outputs.yaml goes."""
        return f"{self.folder}/{values.OUTPUTS}"

    @property
    def application_path(self) -> str:
        """Where the Application goes."""
        reference = self.environment.spec.application
        return reference.path if reference is not None else ""

    @property
    def value_paths(self) -> tuple[str, ...]:
        """Value files in the order in which they count."""
        return tuple(reference.path for reference in self.environment.spec.values)

    def deployment(self, values_repository: str, values_commit: str) -> applications.Deployment:
        """What its Application is made of, once its values are committed."""
        return deployment_of(self.environment, values_repository, values_commit)


def launch(answers: Answers, around: Surroundings, ids: Ids) -> Launch:
    """Documents and values for the answers. Raises RejectedError: a member of a mesh that is not known."""
    selection = bundles.select(answers.services)
    secrets = plan_secrets(selection.on, client_id_known=answers.sign_in.client_id is not None)
    cluster = _cluster(answers, around, ids) if answers.cluster == NEW else None
    commons = None
    if not around.commons_exists:
        commons = Commons.make(
            metadata=Metadata(name=answers.commons, uid=ids()), spec=CommonsSpec(members=answers.members)
        )
    uid = ids()
    folder = layout.below(around.top, f"commons/{answers.commons}/{answers.environment_name}/values")
    wanted = values.Wanted(
        commons=answers.commons,
        environment=uid,
        namespace=answers.namespace_name,
        hostname=answers.hostname_name,
        title=answers.title_text,
        size=answers.size,
        selection=selection,
        secrets=secrets,
        secret_name=lambda name: around.secret_name(uid, name),
        sign_in=sign_in_of(answers),
        dictionary=answers.dictionary,
        internal=answers.internal,
        administrators=answers.administrators,
        user_yaml=around.user_yaml,
        members=_members(answers, around),
        # A new cluster has nodes for workspaces alone in every size but the smallest.
        workspace_nodes=answers.size != "small" if answers.cluster == NEW else around.workspace_nodes,
    )
    made = values.value_files(wanted)
    paths = [f"{folder}/{name}" for name in values.FILES if name in made or name == values.OUTPUTS]
    environment = _environment(answers, around, uid, paths)
    files = {f"{folder}/{name}": content for name, content in made.items()}
    for document in (cluster, commons, environment):
        if document is not None:
            path = layout.path_of(document, around.top)
            files[path] = render_document(document, path=path, header=_header(document))
    if cluster is not None:
        # The cluster's root reads this folder from the first moment, and Git keeps no empty one.
        files[f"{cluster.spec.applications}/README.md"] = _APPLICATIONS.encode()
    return Launch(environment, cluster, selection, secrets, dict(sorted(files.items())), folder)


def sign_in_of(answers: Answers) -> SignIn:
    """The answer without where its secret is, which is of this machine and this moment."""
    given = answers.sign_in
    return SignIn(
        provider=given.provider, discovery_url=given.discovery_url, name=given.name, client_id=given.client_id
    )


def deployment_of(environment: Environment, values_repository: str, values_commit: str) -> applications.Deployment:
    """What the Application of an environment is made of, from its document."""
    spec = environment.spec
    namespace = spec.namespace or environment.metadata.name
    selection = bundles.select(spec.services)
    further = (values.workspaces_namespace(namespace),) if "hatchery" in selection else ()
    return applications.Deployment(
        environment=environment.metadata.name,
        namespace=namespace,
        chart=spec.chart or _chart_by_default(),
        values_repository=values_repository,
        values_commit=values_commit,
        value_paths=tuple(reference.path for reference in spec.values),
        further_namespaces=further,
    )


def resources_of(environment: Environment) -> dict[str, object]:
    """Settings of the layer `resources`, from the document of an environment."""
    spec = environment.spec
    namespace = spec.namespace or environment.metadata.name
    return roles.settings(bundles.select(spec.services).on, namespace, spec.hostname)


def secrets_of(environment: Environment) -> SecretPlan:
    """The secrets of an environment, from its document."""
    spec = environment.spec
    known = spec.sign_in is not None and spec.sign_in.client_id is not None
    return plan_secrets(bundles.select(spec.services).on, client_id_known=known)


def needs_search(environment: Environment) -> bool:
    """Whether the layer `database` makes a search domain."""
    return bundles.needs_search(bundles.select(environment.spec.services).on)


def _chart_by_default() -> ChartReference:
    return ChartReference.model_validate(
        {"repoURL": versions.CHART_REPOSITORY, "chart": versions.CHART_NAME, "revision": versions.CHART_VERSION}
    )


def _cluster(answers: Answers, around: Surroundings, ids: Ids) -> Cluster:
    name = answers.cluster_document
    return Cluster.make(
        metadata=Metadata(name=name, uid=ids()),
        spec=ClusterSpec(
            account=around.account,
            provider="aws",
            region=around.region,
            kubernetes_version=answers.kubernetes,
            size=answers.size,
            network=answers.network if "network" in answers.model_fields_set else None,
            api_access=answers.api_access,
            zone=answers.zone,
            folder=layout.below(around.top, f"clusters/{name}"),
            applications=layout.below(around.top, f"clusters/{name}/applications"),
        ),
    )


def _environment(answers: Answers, around: Surroundings, uid: str, paths: list[str]) -> Environment:
    name, cluster = answers.environment_name, answers.cluster_document
    chart = answers.chart
    named = {"path": chart.path} if chart.path else {"chart": chart.chart or versions.CHART_NAME}
    edge = Edge(
        certificate=answers.certificate,
        zone=answers.zone,
        allow=answers.allow,
        scheme="internal" if answers.internal else "internet-facing",
    )
    return Environment.make(
        metadata=Metadata(name=name, uid=uid),
        spec=EnvironmentSpec(
            commons=answers.commons,
            cluster=cluster,
            stage=answers.stage,
            slot=answers.slot,
            hostname=answers.hostname_name,
            namespace=answers.namespace_name,
            release=answers.namespace_name,
            application=ApplicationReference(
                path=layout.below(around.top, f"clusters/{cluster}/applications/{name}.yaml"), name=name, document=1
            ),
            values=tuple(FileReference(path=path) for path in paths),
            chart=ChartReference.model_validate({"repoURL": chart.repo_url, **named, "revision": chart.version}),
            gated=True,
            size=answers.size,
            services=tuple(answers.services) or bundles.DEFAULT,
            sign_in=sign_in_of(answers),
            edge=edge,
            layers=_MADE_BY_CSOC,
        ),
    )


def _members(answers: Answers, around: Surroundings) -> tuple[values.Member, ...]:
    known = around.members or {}
    missing = [name for name in answers.members if name not in known]
    if missing:
        there = ", ".join(sorted(known)) or "none"
        raise RejectedError(
            f"The mesh joins {', '.join(missing)}, and the fleet has no such commons with a hostname",
            place="members",
            fix=f"Launch or adopt them first; there are: {there}",
        )
    return tuple(known[name] for name in answers.members)


def _header(document: Document) -> str:
    return _HEADERS[type(document).__name__]


_APPLICATIONS = """\
# Applications

Argo CD's root on this cluster reads this folder and no other. csoc writes one file for each environment; what is not
YAML is not read. Taking a file away takes nothing down: use `csoc destroy`.
"""

_HEADERS = {
    "Cluster": "Written by csoc launch. csoc makes and changes what stands here; a plan shows it before.",
    "Commons": "Written by csoc launch.",
    "Environment": "Written by csoc launch. Its values are in values/; csoc makes the layers that stand here.",
}

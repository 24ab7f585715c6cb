"""What steps in clusters need of documents, charts and Git: which cluster it is, what it becomes, where pins move."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from csoc.clusters.access import ClusterReference, EksReference, KubeconfigReference
from csoc.clusters.arriving import Arrival
from csoc.clusters.bootstrap.acting import Bootstrap, Credential, Root
from csoc.clusters.client import ClusterClient
from csoc.clusters.following.looking import Wanted
from csoc.clusters.ownership import Delivered, delivered_in
from csoc.clusters.platform import ARGO_CD, COMPONENTS, mirrored
from csoc.clusters.platform_applications import FILE, Given, platform_objects
from csoc.clusters.removing import Removal
from csoc.errors import NotFoundError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.charts import ChartArchive, ChartRef, RenderRequest
from csoc.fleet.documents import layout
from csoc.fleet.documents.model import Cluster
from csoc.fleet.repositories import SourceAddress
from csoc.gen3.launch import applications, valuefiles
from csoc.gen3.launch.documents import deployment_of
from csoc.operations.runs import Run
from csoc.operations.services import Written
from csoc.provisioning import names
from csoc.provisioning.infrastructure import providers_of_cluster
from csoc.provisioning.plans import LayerPlan
from csoc.provisioning.stack_states import is_there
from csoc.usecases.clusters import eks_name
from csoc.usecases.planning.fleets import FleetAt, open_fleet
from csoc.usecases.planning.gen3_in_git import delivered_of, namespaces_of
from csoc.usecases.planning.gen3_layer import InCluster
from csoc.usecases.planning.gen3_removal import removal_of
from csoc.usecases.planning.git_removal import application_now, remove_application, remove_documents
from csoc.usecases.planning.infrastructure_read import gen3_of
from csoc.usecases.planning.owners import Owner, environment_of, find_owner
from csoc.usecases.planning.writing import Content, write
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.reaching import check_fleet_url

_HEADER = "Written by csoc apply and csoc launch: what this cluster needs before a commons can run on it."


@dataclass(frozen=True, slots=True)
class DocumentDelivery:
    """See csoc.operations.services.Delivery."""

    ports: ProvisioningPorts

    def reference(self, run: Run, outputs: Mapping[str, str]) -> ClusterReference:
        return reference_of(self._owner(run), outputs)

    def is_cluster_made(self, run: Run) -> bool:
        owner = self._owner(run)
        if providers_of_cluster(owner.cluster)["cluster"] != "aws":
            return True
        place = self.ports.places.at(
            owner.account.metadata.name, owner.account.spec.id, owner.region, person=run.by, task=run.id
        )
        return is_there(place.stacks.find(names.stack(owner.cluster.metadata.uid, "cluster")))

    def bootstrap(self, run: Run, outputs: Mapping[str, str], client: ClusterClient) -> Bootstrap:
        fleet = self._fleet(run)
        owner = find_owner(fleet.documents, self._name(run))
        component = COMPONENTS[ARGO_CD]
        url = self._fleet_url(run)
        rendering = self.ports.git.renderer.render(
            RenderRequest(
                self._chart(mirrored(component.chart, self._mirror)),
                component.values,
                component.name,
                component.namespace,
                kube_version=client.version(),
            )
        )
        if rendering.failure is not None:
            raise RejectedError(
                f"The chart of {component.title} {component.version} cannot be rendered for this cluster: "
                f"{rendering.failure.message}",
                place=str(component.chart),
                fix="Look at the cluster's version, or at platform.mirror in the settings",
            )
        branch = self.ports.git.repositories.default_branch(self._address(run))
        return Bootstrap(
            reference=self.reference(run, outputs),
            installation=fleet.installation,
            component=component,
            rendered=tuple(one.body for one in rendering.objects),
            root=Root(url, branch, _folder(fleet, owner.cluster)),
            credential=self._credential(url),
        )

    def write_platform(self, run: Run, outputs: Mapping[str, str], present: Collection[str]) -> Written:
        fleet = self._fleet(run)
        owner = find_owner(fleet.documents, self._name(run))
        zone = owner.cluster.spec.zone
        given = Given(
            eks_name=outputs.get("ClusterName", names.eks_cluster(owner.cluster.metadata.uid)),
            region=owner.region,
            outputs=outputs,
            dns_zones=(zone.name,) if zone is not None else (),
            zone_ids=(zone.id,) if zone is not None else (),
            mirror=self._mirror,
        )
        content = valuefiles.render_all(platform_objects(given, present), header=_HEADER)
        path = f"{_folder(fleet, owner.cluster)}/{FILE}"
        return self._written(run, path, content, f"Platform of the cluster {owner.cluster.metadata.name}", "platform")

    def gen3(self, run: Run, values_commit: str, client: ClusterClient) -> LayerPlan:
        # This is looked at right before it is deployed: what a repository of charts said minutes ago is too old.
        self.ports.git.expire_charts()
        values = self.ports.git.repositories.open(self._address(run), values_commit)
        apis = sorted({kind.api_version for kind in client.discover().resources})
        cluster = InCluster(client.version(), tuple(apis))
        fleet = self._fleet(run)
        owner = find_owner(fleet.documents, self._name(run))
        return gen3_of(self.ports, fleet, owner, person=run.by, task=run.id, values=values, cluster=cluster).plan()

    def move_pins(self, run: Run, values_commit: str) -> Written:
        owner = self._owner(run)
        environment = environment_of(owner)
        reference = environment.spec.application
        if reference is None or reference.repository is not None:
            raise RejectedError(
                f"{owner.name} does not say where its Application stands in this repository",
                place=owner.name,
                fix="Add application.path to its document",
            )
        made = deployment_of(environment, self._fleet_url(run), values_commit)
        if made.chart.repo_url == made.values_repository and made.chart.revision != values_commit:
            raise RejectedError(
                f"The chart of {owner.name} is in the same repository as its values, at another commit, which Argo CD "
                "does not take",
                place=owner.name,
                fix="Keep the chart in a repository of its own, or name one that is published",
            )
        content = applications.application_file(made)
        return self._written(run, reference.path, content, f"Deploy {owner.name}", f"deploy-{owner.name}")

    def wanted(self, run: Run, values_commit: str) -> Wanted:
        owner = self._owner(run)
        made = deployment_of(environment_of(owner), self._fleet_url(run), values_commit)
        return Wanted(
            made.environment,
            made.namespace,
            (made.chart.revision, values_commit),
            patience_seconds=self.ports.git.settings.platform.healthy_seconds,
        )

    def arrival(self, run: Run, values_commit: str) -> Arrival:
        fleet = self._fleet(run)
        owner = find_owner(fleet.documents, self._name(run))
        environment = environment_of(owner)
        made = deployment_of(environment, self._fleet_url(run), values_commit)
        # What a run that was stopped here has committed, Argo CD may have or not have yet.
        newest = open_fleet(self.ports, _source(run), None)
        in_git = [one for one in (delivered_of(fleet.tree, owner), delivered_of(newest.tree, owner)) if one is not None]
        wanted = delivered_in([applications.application(made)], owner.name) if in_git else None
        by_document = Delivered(made.environment, made.environment, made.namespace)
        return Arrival((*dict.fromkeys(in_git), wanted or by_document), namespaces_of(environment))

    def hostname(self, run: Run) -> str:
        owner = self._owner(run)
        found = environment_of(owner).spec.hostname
        if not found:
            raise RejectedError(f"{owner.name} has no hostname", place=owner.name, fix="Add it to its document")
        return found

    def removal(self, run: Run) -> Removal:
        fleet = self._fleet(run)
        return removal_of(fleet.tree, fleet.documents, find_owner(fleet.documents, self._name(run)))

    def application_state(self, run: Run) -> str:
        return application_now(self.ports, self._owner(run), _source(run))

    def remove_application(self, run: Run) -> Written:
        return remove_application(self.ports, run, self._owner(run), _source(run))

    def remove_documents(self, run: Run) -> Written:
        fleet = self._fleet(run)
        owner = find_owner(fleet.documents, self._name(run))
        return remove_documents(self.ports, run, owner, _source(run), fleet.documents)

    @property
    def _mirror(self) -> str:
        return self.ports.git.settings.platform.mirror

    def _chart(self, ref: ChartRef) -> ChartArchive:
        if not ref.path:
            return self.ports.git.charts.fetch(ref)
        # The mirror stands in the settings, so it may be on this machine, which no address from a repository may.
        tree = self.ports.git.repositories.open(SourceAddress(ref.repo_url, trusted=True), ref.revision)
        return self.ports.git.charts.fetch(ref, local={addresses.canonical_name(ref.repo_url): tree})

    def _credential(self, url: str) -> Credential | None:
        settings = self.ports.git.settings.platform
        if settings.token_env is None and settings.token_file is None:
            return None
        return Credential(url, settings.pull_username, settings.token())

    def _fleet_url(self, run: Run) -> str:
        """As Argo CD names the fleet's repository."""
        told = self.ports.git.settings.platform.fleet_url
        if told:
            check_fleet_url(self.ports)  # the run may have been begun by a csoc with other settings
            return told
        found = addresses.parse(_source(run))
        if not found.local:
            return found.url
        upstream = self.ports.git.repositories.upstream(self._address(run), None)
        if upstream is not None and not addresses.parse(upstream.url).local:
            return addresses.parse(upstream.url).url
        raise NotFoundError(
            "The fleet's repository is a folder on this machine, which Argo CD in a cluster cannot read",
            place=_source(run),
            fix="Push it to a Git host and name that address, or set platform.fleet_url",
        )

    def _written(self, run: Run, path: str, content: bytes, message: str, head: str) -> Written:
        body = f"Written by run {run.id}. Argo CD acts on it once it is merged."
        return write(self.ports.git, run, _source(run), Content({path: content}, message, head, body))

    def _fleet(self, run: Run) -> FleetAt:
        return open_fleet(self.ports, _source(run), str(run.arguments.get("commit", "")) or None)

    def _owner(self, run: Run) -> Owner:
        return find_owner(self._fleet(run).documents, self._name(run))

    @staticmethod
    def _name(run: Run) -> str:
        environment = run.arguments.get("environment")
        if isinstance(environment, str) and environment:
            return f"environment/{environment}"
        return run.owner_name.replace(" ", "/", 1)

    @staticmethod
    def _address(run: Run) -> SourceAddress:
        return SourceAddress(_source(run), trusted=True)


def reference_of(owner: Owner, outputs: Mapping[str, str]) -> ClusterReference:
    """The cluster of an owner. outputs: of its layers, as far as they are known."""
    cluster, account = owner.cluster, owner.account
    name = eks_name(cluster)
    if not name:
        return KubeconfigReference(cluster.metadata.name)
    return EksReference(
        cluster.metadata.name,
        account.metadata.name,
        account.spec.id,
        owner.region,
        name,
        outputs.get("ClusterEndpoint", ""),
        outputs.get("ClusterCertificate", ""),
        is_own=providers_of_cluster(cluster)["cluster"] == "aws",
    )


def _source(run: Run) -> str:
    source = run.arguments.get("fleet")
    if not isinstance(source, str) or not source:
        raise RejectedError("The run does not say of which fleet it is", place=f"run {run.id}", fix="Begin a new one")
    return source


def _folder(fleet: FleetAt, cluster: Cluster) -> str:
    """The folder that the cluster's root Application reads."""
    return cluster.spec.applications or layout.below(
        fleet.documents.top or "", f"clusters/{cluster.metadata.name}/applications"
    )

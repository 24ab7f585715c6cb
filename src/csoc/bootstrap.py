"""The composition root: which adapter stands behind which port. The only place that knows them all."""

from __future__ import annotations

import errno
import functools
import os
import pwd
import secrets
import socket
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from csoc.access.people import Person, machine_person, sts_person
from csoc.accounts.links import Links, Role
from csoc.adapters.dictionaries import WebDictionaries
from csoc.adapters.git import GitRepositories
from csoc.adapters.githost.factory import githost_for
from csoc.adapters.helm.fetch.sources import HelmChartSources
from csoc.adapters.helm.render.renderer import ChildRenderer
from csoc.adapters.store.cache import SQLiteCache
from csoc.adapters.store.folder import CacheFolder
from csoc.clock import random_ids, system_clock
from csoc.config import Credential, Settings
from csoc.config.loading import load
from csoc.emulator.remote import RemoteControl
from csoc.errors import ConflictError, CsocError, NotFoundError, RejectedError
from csoc.fleet.githost import GitHost
from csoc.fleet.repositories import SourceAddress
from csoc.operations.engine import Engine, Workflow
from csoc.operations.executor import EngineFactory
from csoc.operations.runs import RunStore
from csoc.operations.services import Services
from csoc.provisioning.synthesis import Synthesizer
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.clusters import ClusterPorts
from csoc.usecases.estimating import costs
from csoc.usecases.planning.approving import StoredApprovals
from csoc.usecases.planning.delivery import DocumentDelivery
from csoc.usecases.planning.filling import DocumentFilling, Given
from csoc.usecases.ports import Ports
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.render_budget import RenderBudget
from csoc.usecases.run_ports import RunPorts

if TYPE_CHECKING:
    from csoc.adapters.https import Resolver
    from csoc.emulator.kubernetes.argocd.repository_server import RepositoryServer
    from csoc.emulator.running import Emulator


@contextmanager
def ports(settings: Settings | None = None) -> Iterator[Ports]:
    """The real ports for one command; child processes and files are released at the end.

    Raises RejectedError if the settings are wrong, UnavailableError if the cache folder cannot be used.
    """
    settings = settings or load()
    folder = CacheFolder.from_settings(settings)
    folder.prepare()
    repositories = GitRepositories(settings)
    cache = SQLiteCache(settings.cache_dir)
    budget = RenderBudget.from_settings(settings, cache)
    renderer = ChildRenderer.from_settings(settings, budget)
    charts = HelmChartSources.from_settings(settings, repositories, credentials=repositories.credentials)
    dictionaries = WebDictionaries.from_settings(settings)

    def begin_round() -> None:
        repositories.forget()
        charts.forget()
        budget.begin()

    try:
        yield Ports(
            repositories=repositories,
            charts=charts,
            renderer=renderer,
            cache=cache,
            githost=_hosts(settings, repositories),
            settings=settings,
            clock=system_clock,
            ids=random_ids,
            dictionaries=dictionaries,
            begin_round=begin_round,
            expire_charts=charts.expire,
        )
    finally:
        dictionaries.close()
        charts.close()
        renderer.close()
        if folder.tidy():
            cache.prune(unused_for=folder.unused_for)
        cache.close()


@contextmanager
def cloud_ports(settings: Settings | None = None) -> Iterator[CloudPorts]:
    """The real ports of commands about clouds; the database is released at the end.

    Raises RejectedError if the settings are wrong, UnavailableError if the database does not answer.
    """
    # Loaded here, since commands about Git alone should not wait for AWS's client and SQLAlchemy.
    from csoc.adapters.aws.accounts import AwsAccounts
    from csoc.adapters.aws.sessions import own_session
    from csoc.adapters.db.database import open_database
    from csoc.adapters.db.links import DatabaseLinks

    settings = settings or load()
    database = open_database(settings.database)
    try:
        yield CloudPorts(
            settings=settings,
            clock=system_clock,
            ids=random_ids,
            links=DatabaseLinks(database),
            cloud=functools.cache(AwsAccounts),
            owner=lambda profile: AwsAccounts(own_session(profile)),
        )
    finally:
        database.close()


@contextmanager
def estimating_ports(settings: Settings | None = None) -> Iterator[tuple[Ports, Synthesizer]]:
    """The real ports of commands about costs, which ask no cloud and need no records. Raises as `ports` does."""
    from csoc.adapters.cdk.synthesizer import ChildSynthesizer

    settings = settings or load()
    with ports(settings) as git, ChildSynthesizer(git.cache, libraries=settings.cache_dir / "cdk") as synthesizer:
        yield git, synthesizer


@contextmanager
def provisioning_ports(settings: Settings | None = None) -> Iterator[ProvisioningPorts]:
    """The real ports of commands about plans and runs. Raises as `ports` and `cloud_ports` do."""
    from csoc.adapters.aws.places import LinkedPlaces
    from csoc.adapters.cdk.synthesizer import ChildSynthesizer
    from csoc.adapters.db.database import open_database
    from csoc.adapters.db.plans import DatabasePlans

    settings = settings or load()
    with ports(settings) as git, cloud_ports(settings) as cloud, ExitStack() as held:
        database = open_database(settings.database)
        held.callback(database.close)
        synthesizer = held.enter_context(ChildSynthesizer(git.cache, libraries=settings.cache_dir / "cdk"))
        yield ProvisioningPorts(
            git=git,
            cloud=cloud,
            plans=DatabasePlans(database),
            places=LinkedPlaces(cloud.links),
            synthesizer=synthesizer,
            person=functools.cache(lambda: _person(cloud)),
            costs=functools.partial(costs, system_clock),
            served=_served_folder,
        )


@contextmanager
def run_ports(settings: Settings | None = None) -> Iterator[RunPorts]:
    """The ports of what executes runs, but for its services (`csoc.records` has those of commands that look at runs);
    the database is released at the end. Raises as `cloud_ports`."""
    from csoc.adapters.db.database import open_database
    from csoc.adapters.db.runs import DatabaseRuns

    settings = settings or load()
    database = open_database(settings.database)

    try:
        yield RunPorts(
            runs=DatabaseRuns(database),
            engine=engines(settings),
            clock=system_clock,
            ids=random_ids,
            person=functools.cache(functools.partial(anybody, settings)),
        )
    finally:
        database.close()


@contextmanager
def executing_ports(settings: Settings | None = None) -> Iterator[RunPorts]:
    """The same for what executes runs: with all that steps need. Raises as `provisioning_ports`."""
    with applying_ports(settings) as (_, runs):
        yield runs


@contextmanager
def applying_ports(
    settings: Settings | None = None, given: Given = lambda _: {}
) -> Iterator[tuple[ProvisioningPorts, RunPorts]]:
    """The ports of commands that plan and execute what they planned. given: what a person gave for an environment's
    secrets, by its uid, in this process's memory only. Raises as `provisioning_ports`."""
    settings = settings or load()
    with provisioning_ports(settings) as ports, run_ports(settings) as runs:
        services = run_services(ports, runs.runs, given)
        yield ports, replace(runs, person=ports.person, services=services)


def run_services(ports: ProvisioningPorts, runs: RunStore, given: Given = lambda _: {}) -> Services:
    """What steps use of the outside world."""
    from csoc.adapters.aws.eks import LinkedClusters
    from csoc.adapters.https import HttpsHostnames
    from csoc.adapters.keys import private_key
    from csoc.adapters.kube.kubeconfigs import Kubeconfigs, OpenedClusters

    return Services(
        approvals=StoredApprovals(ports),
        plans=ports.plans,
        places=ports.places,
        secrets=ports.places,
        leftovers=ports.places,
        filling=DocumentFilling(ports, secrets.token_bytes, private_key, given),
        runs=runs,
        clusters=OpenedClusters(
            Kubeconfigs(ports.cloud.settings.data_dir / "kubeconfigs"), LinkedClusters(ports.cloud.links)
        ),
        delivery=DocumentDelivery(ports),
        hostnames=HttpsHostnames(_resolver()),
    )


@contextmanager
def cluster_ports(settings: Settings | None = None) -> Iterator[ClusterPorts]:
    """The real ports of commands about clusters. Raises as `cloud_ports` does."""
    from csoc.adapters.aws.eks import LinkedClusters
    from csoc.adapters.kube.connecting import from_kubeconfig
    from csoc.adapters.kube.kubeconfigs import Kubeconfigs, OpenedClusters

    settings = settings or load()
    with cloud_ports(settings) as cloud:
        kept = Kubeconfigs(settings.data_dir / "kubeconfigs")
        yield ClusterPorts(
            access=OpenedClusters(kept, LinkedClusters(cloud.links)),
            kubeconfigs=kept,
            opened=lambda text, name, context: from_kubeconfig(text, name, context=context),
            person=functools.cache(lambda: _person(cloud).id),
            enters_as=lambda account: _cluster_role(cloud.links, account),
        )


def _cluster_role(links: Links, account: str) -> str:
    found = links.get(account)
    return found.roles.get(Role.CLUSTER, "") if found is not None else ""


def _served_folder() -> str:
    """The folder that clusters of the emulator may read, where csoc's settings name one."""
    address = os.environ.get("CSOC_EMULATOR", "")
    if not address:
        return ""
    told = emulator_control(address, os.environ.get("CSOC_EMULATOR_TOKEN", "")).ask("GET", "repositories")
    return str(told["folder"])


def _resolver() -> Resolver:
    """As this machine resolves names, or as the emulator does where csoc's settings name one."""
    from csoc.adapters.https import Found, Way, system_resolver

    address = os.environ.get("CSOC_EMULATOR", "")
    if not address:
        return system_resolver
    control = emulator_control(address, os.environ.get("CSOC_EMULATOR_TOKEN", ""))

    def resolve(hostname: str) -> Found:
        told = control.ask("GET", f"resolve/{hostname}")
        ways = [Way(str(one["host"]), int(one["port"])) for one in told["addresses"]]
        return Found(ways, str(told["why"]), str(told["authority"]))

    return resolve


def engines(settings: Settings) -> EngineFactory:
    """Engines whose record is beside the others': in a file of its own, or in a schema of its own."""

    def make(workflow: Workflow, executor_id: str) -> Engine:
        # Loaded here: it takes two seconds, which only those wait who execute runs.
        from csoc.adapters.engine.dbos import DbosEngine

        scheme, found, path = settings.database.partition("sqlite:///")
        beside = Path(path)
        url = f"sqlite:///{beside.with_name(f'{beside.stem}-engine{beside.suffix}')}" if found else scheme
        return DbosEngine(workflow, url=url, executor_id=executor_id)

    return make


def _person(cloud: CloudPorts) -> Person:
    """Who uses this csoc: whoever STS says has signed in; where nobody has, the account of this machine.

    Raises what STS's answer raises: a person whom STS could not name once would be two people, the one who plans and
    the one who approves.
    """
    try:
        caller = cloud.cloud().caller()
    except NotFoundError:
        return machine_person(_account(), socket.gethostname())
    return sts_person(caller.arn, caller.role_arn if caller.is_exact else "")


def anybody(settings: Settings) -> Person:
    """The same for what approves nothing: a run is given up at night also while STS does not answer."""
    with cloud_ports(settings) as cloud:
        return _anybody(cloud)


def _anybody(cloud: CloudPorts) -> Person:
    try:
        return _person(cloud)
    except CsocError:
        return machine_person(_account(), socket.gethostname())


def _account() -> str:
    """The account of this machine that runs csoc, as the operating system says. Variables such as USER are not asked:
    anybody sets those."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # in a container, an id that has no name
        return f"uid-{uid}"


@contextmanager
def emulator(*, port: int, speed: float, data: Path | None, local: Path | None = None) -> Iterator[Emulator]:
    """An emulated cloud with clusters, until the block ends. port: 0 for any that is free. speed: emulated seconds a
    real one. data: where its state survives. local: the folder whose repositories Applications may name by file://.

    Raises RejectedError if it is not installed or the settings are wrong, ConflictError if the port is taken,
    UnavailableError if the cache folder cannot be used, and what `running` raises.
    """
    try:
        from csoc.emulator.running import running
        from csoc.emulator.timeline import RunningTimeline
    except ModuleNotFoundError as error:
        why = f"The emulator is not installed: there is no {error.name}"
        raise RejectedError(why, fix="Install csoc with it: pip install 'csoc[emulator]'") from error
    settings = load()
    CacheFolder.from_settings(settings).prepare()
    try:
        with (
            repository_server(settings, local) as manifests,
            running(port, RunningTimeline(speed), data, manifests, local) as started,
        ):
            yield started
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        place = f"127.0.0.1:{port}"
        raise ConflictError(
            f"The port cannot be used: {error.strerror}", place=place, fix="Name another one"
        ) from error


@contextmanager
def repository_server(settings: Settings, local: Path | None = None) -> Iterator[RepositoryServer]:
    """What renders Applications in simulated clusters, with the credentials that their own Secrets hold. settings: for
    limits and the cache; their credentials are not shown to anybody. local: see RepositoryServer."""
    from csoc.emulator.kubernetes.argocd.ports import Credential as ClusterCredential
    from csoc.emulator.kubernetes.argocd.repository_server import Opened, RepositoryServer

    made: list[HelmChartSources] = []

    def open_with(credentials: Collection[ClusterCredential]) -> Opened:
        environ = {f"CSOC_CLUSTER_{number}": one.password for number, one in enumerate(credentials)}
        shown = [
            Credential(url_prefix=one.url, kind="token", username=one.username, token_env=f"CSOC_CLUSTER_{number}")
            for number, one in enumerate(credentials)
            if one.password
        ]
        limits = settings.limits.model_copy(update={"fresh_seconds": 0.0})
        with_them = settings.model_copy(update={"credentials": tuple(shown), "limits": limits})
        repositories = GitRepositories(with_them, environ=environ)
        charts = HelmChartSources.from_settings(with_them, repositories, credentials=repositories.credentials)
        made.append(charts)

        def forget() -> None:
            repositories.forget()
            charts.forget()

        return Opened(repositories, charts, forget)

    try:
        with ChildRenderer.from_settings(settings) as renderer:
            yield RepositoryServer(open_with, renderer, local)
    finally:
        for charts in made:
            charts.close()


def found_repository(folder: Path, message: str, *, name: str, email: str, tags: Sequence[str] = ()) -> str:
    """A Git repository of a folder's files; see `csoc.adapters.git.founding`."""
    from csoc.adapters.git import founding

    return founding.found_repository(folder, message, name=name, email=email, tags=tags)


def emulator_control(address: str, token: str) -> RemoteControl:
    """What can be asked of a running emulator. Raises RejectedError if the address is none of one."""
    return RemoteControl(address, token)


def _hosts(settings: Settings, repositories: GitRepositories) -> Callable[[SourceAddress], GitHost]:
    def find(address: SourceAddress) -> GitHost:
        return githost_for(address.url, settings, app_token=repositories.credentials.app_token)

    return find

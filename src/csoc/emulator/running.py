"""Puts the emulator together and runs it: one process; a port for the cloud, one for clusters, one for hostnames."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from csoc.emulator.cloud.accounts import Accounts
from csoc.emulator.cloud.authorisation import Authorisation, Tags, membership_of
from csoc.emulator.cloud.authorising.special import StackArn
from csoc.emulator.cloud.calls import Service
from csoc.emulator.cloud.corrections import aws_images
from csoc.emulator.cloud.corrections.corrected import CorrectedServices
from csoc.emulator.cloud.corrections.correction import Memory, UnderWay
from csoc.emulator.cloud.corrections.table import corrections
from csoc.emulator.cloud.counts import Counts
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.eks.account_secrets import AccountSecrets
from csoc.emulator.cloud.eks.maker import SimulatedMaker
from csoc.emulator.cloud.eks.service import Eks
from csoc.emulator.cloud.faults import Faults
from csoc.emulator.cloud.front import Front
from csoc.emulator.cloud.gate import Gate
from csoc.emulator.cloud.http import CloudEndpoint, Connections
from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloud.moto_edge import issued_certificate, public_records, web_acl
from csoc.emulator.cloud.sts import Sts
from csoc.emulator.cloudformation.assembly import cloudformation
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.stack_records import Stack, Stacks
from csoc.emulator.control import Control
from csoc.emulator.edge.answers import Edge
from csoc.emulator.edge.balancers import Cluster
from csoc.emulator.edge.serving import serving as serving_edge
from csoc.emulator.kubernetes.api.certificates import Authority, new_authority
from csoc.emulator.kubernetes.api.serving import serving
from csoc.emulator.kubernetes.argocd.ports import Manifests
from csoc.emulator.kubernetes.clusters import SimulatedClusters
from csoc.emulator.kubernetes.controllers.settings import Settings
from csoc.emulator.kubernetes.living import LivingClusters
from csoc.emulator.pod_faults import PodFaults
from csoc.emulator.state import MOTO, Keeper, Part, StateFolder, forget_accounts
from csoc.emulator.timeline import RunningTimeline, Timeline

_LOG = logging.getLogger(__name__)
_RUNNING: list[Accounts] = []
"""Of all emulators of this process: moto has one table of back ends for them together."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator. endpoint: of the cloud, for AWS_ENDPOINT_URL. clusters: the simulated ones, served at their
    own port. token: for what is asked below /_csoc/. edge: where hostnames lead, at its own port (edge_port), under
    certificates that an authority signs (PEM). issuers: key sets (JWKS) of identity providers outside, by URL, which a
    real STS would fetch; clusters_elsewhere: clusters that are not simulated, to whose Ingresses hostnames lead as
    well; who runs the emulator adds to both."""

    endpoint: str
    accounts: Accounts
    inside: InsideClients
    timeline: Timeline
    counts: Counts
    faults: Faults
    clusters: SimulatedClusters
    token: str
    edge: Edge
    edge_port: int
    authority: str
    issuers: dict[str, Mapping[str, Any]]
    clusters_elsewhere: list[Cluster]


class _QuietEnd(logging.Filter):
    """Once the end has begun, requests that still run are cut off at any line: what servers and threads say of that is
    of no use to anybody."""

    _LOGGERS = ("uvicorn.error", "asyncio", "concurrent.futures")

    def __init__(self) -> None:
        super().__init__()
        self._has_begun = False

    def begin(self) -> None:
        self._has_begun = True

    def filter(self, record: logging.LogRecord) -> bool:
        cut_off = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
        return not (cut_off or self._has_begun)

    @contextmanager
    def installed(self) -> Iterator[None]:
        for name in self._LOGGERS:
            logging.getLogger(name).addFilter(self)
        try:
            yield
        finally:
            for name in self._LOGGERS:
                logging.getLogger(name).removeFilter(self)


def _new_id() -> str:
    return str(uuid.uuid4())


@contextmanager
def running(
    port: int = 0,
    timeline: Timeline | None = None,
    data: Path | None = None,
    manifests: Manifests | None = None,
    repositories: Path | None = None,
) -> Iterator[Emulator]:
    """Runs an emulator on 127.0.0.1 until the block ends. port: 0 for any that is free. timeline: by default one that
    runs as fast as real time; it ends with the emulator. data: a folder in which the state survives; there can be one
    such emulator in a process. manifests: what fetches and renders Applications of clusters; without it they stay as
    they are written. repositories: the folder of which they may name repositories by file://, for who asks.

    Raises OSError if the port is taken, CsocError if the folder or what is in it cannot be used.
    """
    # Codes that any service may answer with are in no service's model; moto would warn the terminal of each.
    warnings.filterwarnings("ignore", r"Exception\(AwsError\) with code", UserWarning)
    aws_images.load_late()
    quiet = _QuietEnd()
    with ExitStack() as held:
        held.enter_context(quiet.installed())
        folder = StateFolder(data) if data is not None else None
        if folder is not None:
            held.enter_context(folder.held())
        kept = folder.load() if folder is not None else None
        timeline = timeline or RunningTimeline()
        listening = listen(port)
        held.callback(listening.close)
        authority = authority_of(kept)
        parts = _Parts(timeline, authority, manifests)
        _RUNNING.append(parts.accounts)
        held.callback(_forget, parts.accounts)
        held.callback(parts.living.close)
        clusters = parts.living.all
        ending = held.enter_context(ExitStack())
        cluster_port = _serve_clusters(ending, clusters, authority, kept)
        endpoint = CloudEndpoint(parts.front, parts.connections, parts.control)
        held.callback(endpoint.close)
        if folder is not None:
            keeper = Keeper(folder, parts.kept_parts(authority, cluster_port), parts.gate, timeline)
            keeper.begin(kept)
            held.callback(keeper.end)
        # Before the last snapshot as well: what a cluster says that it has done must be in it.
        held.callback(ending.close)
        if isinstance(timeline, RunningTimeline):
            # Before the last snapshot: what still happened would be in it by half.
            held.callback(timeline.stop)
        held.enter_context(_served(endpoint, parts.connections, listening))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        edge_listening = listen(0)
        edge_port = edge_listening.getsockname()[1]
        parts.control.repositories = str(repositories.resolve()) if repositories is not None else ""
        parts.control.edge_address, parts.control.authority = ("127.0.0.1", edge_port), authority.certificate
        ending.enter_context(serving_edge(parts.edge, edge_listening))
        held.callback(quiet.begin)
        yield Emulator(
            address, parts.accounts, parts.inside, timeline, parts.counts, parts.faults, clusters, parts.control.token,
            parts.edge, edge_port, authority.certificate, parts.issuers, parts.clusters_elsewhere,
        )  # fmt: skip


def _forget(ended: Accounts) -> None:
    """An emulator takes its accounts with it, so that the next one begins with nothing; not those that another one of
    this process has as well."""
    _RUNNING.remove(ended)
    forget_accounts(ended.asked.difference(*(one.asked for one in _RUNNING)))


class _Parts:
    """What an emulator is made of, put together."""

    def __init__(self, timeline: Timeline, authority: Authority, manifests: Manifests | None) -> None:
        self.inside, self.credentials, self.accounts = InsideClients(), Credentials(), Accounts()
        self.counts, self.faults, self.gate, self.memory = Counts(), Faults(), Gate(), Memory()
        self.under_way, self.connections = UnderWay(timeline), Connections()
        self.issuers: dict[str, Mapping[str, Any]] = {}
        self.clusters_elsewhere: list[Cluster] = []
        secrets = AccountSecrets(
            self.inside, self.credentials, lambda name: self.eks.found(name), lambda name: self.living.all.get(name),
            timeline.now,
        )  # fmt: skip
        pods = PodFaults(self.faults, lambda: self.living.reconsider())
        settings = Settings(secrets=secrets, images=pods.has_image, causes=pods.causes)
        self.living = LivingClusters(timeline, settings, manifests)
        self.maker = SimulatedMaker(self.living, authority.certificate)
        self.stacks = cloudformation(timeline, self.inside, _new_id, _resource_faults(self.faults))
        self.eks = Eks(timeline, self.credentials, self.maker, _new_id)
        services: list[Service] = [
            Sts(self.credentials, membership_of, self._keys_of), self.stacks, self.eks,
        ]  # fmt: skip
        self.front = Front(
            self.credentials,
            services,
            CorrectedServices(
                corrections(timeline, self.memory, self.under_way, authority.issue, authority.certificate)
            ),
            now=timeline.now,
            request_id=_new_id,
            guards=(self.counts.note,),
            authorise=Authorisation(
                membership_of, _stack_arns(self.stacks.stacks), _own_tags(self.eks.tags, self.stacks.stacks)
            ),
            disturb=self.faults.disturb,
            gate=self.gate.passing,
        )
        self.inside.serve(self.front)
        self.edge = Edge(self._placed_clusters, public_records, issued_certificate, web_acl)
        self.control = Control(self.accounts, self.counts, self.faults, timeline, self.edge)

    def _keys_of(self, issuer: str) -> Mapping[str, Any] | None:
        return self.issuers.get(issuer) or self.eks.issuer_keys(issuer)

    def _placed_clusters(self) -> Iterator[Cluster]:
        """All clusters, with the account that each is in; those that EKS did not make are in none."""
        yield from self.clusters_elsewhere
        for one in self.living.all:
            if one.store.kept("networking.k8s.io", "ingresses"):
                found = self.eks.found(one.id)
                yield Cluster(one.id, one.store, *(found[:2] if found is not None else ("", "")))

    def kept_parts(self, authority: Authority, cluster_port: int) -> dict[str, Part]:
        """What survives, in the order in which it is put back: clusters before EKS, which starts them."""
        return {
            "authority": Part(lambda: authority, lambda _: None),
            "cluster port": Part(lambda: cluster_port, lambda _: None),
            "moto": MOTO,
            "credentials": Part(self.credentials.kept, self.credentials.restore),
            "memory": Part(self.memory.all_kept, self.memory.restore),
            "under way": Part(self.under_way.all_kept, self.under_way.restore),
            "clusters": Part(self.maker.kept, self.maker.restore),
            "eks": Part(self.eks.kept, self.eks.restore),
            "stacks": Part(self.stacks.all_stacks, self.stacks.take_over),
        }


def authority_of(kept: Mapping[str, Any] | None) -> Authority:
    """The authority that was kept, so that kubeconfigs stay good; else a new one."""
    found = kept["authority"] if kept is not None else new_authority()
    assert isinstance(found, Authority)  # noqa: S101 - written by kept_parts
    return found


def _serve_clusters(
    ending: ExitStack, clusters: SimulatedClusters, authority: Authority, kept: Mapping[str, Any] | None
) -> int:
    """Serves the clusters until the stack ends, at the port that kubeconfigs name. Returns the port, which is another
    one where something else has taken it meanwhile."""
    port = int(kept["cluster port"]) if kept is not None else 0
    try:
        served = ending.enter_context(serving(clusters, port, authority))
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not port:
            raise
        _LOG.warning("the clusters' port %d is taken: run `aws eks update-kubeconfig` for each cluster again", port)
        served = ending.enter_context(serving(clusters, 0, authority))
    return int(served.address.rpartition(":")[2])


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback. Raises OSError if the port is taken."""
    # The protocol is named, since asyncio sets TCP_NODELAY only then; without it each answer waits 40 ms for an
    # acknowledgement that the client delays.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _served(endpoint: CloudEndpoint, connections: Connections, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            endpoint,
            log_config=None,  # uvicorn's own would set loggers of the process anew, while another server starts
            log_level="warning",
            lifespan="off",
            access_log=False,
            http=connections.protocol(),
            timeout_graceful_shutdown=1,  # clients of planned silence would never leave
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="endpoint", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def _stack_arns(stacks: Callable[[str, str], Stacks]) -> StackArn:
    def find(account: str, region: str, name: str) -> str:
        kept = stacks(account, region)
        with kept.lock:
            found = kept.find(name)
        return found.id if found is not None else ""

    return find


def _own_tags(of_eks: Tags, stacks: Callable[[str, str], Stacks]) -> Tags:
    """Tags of what services keep that are not moto's."""

    def find(arn: str) -> Mapping[str, str] | None:
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] != "cloudformation" or not parts[5].startswith("stack/"):
            return of_eks(arn)
        kept = stacks(parts[4], parts[3])
        with kept.lock:
            found = kept.find(arn)
            return dict(found.tags) if found is not None else {}

    return find


def _resource_faults(faults: Faults) -> Callable[[Stack, str, str], ResourceError | None]:
    def fault(stack: Stack, logical_id: str, action: str) -> ResourceError | None:
        reason = faults.resource_failure(stack.account, stack.region, stack.name, logical_id, action)
        return ResourceError(reason) if reason else None

    return fault

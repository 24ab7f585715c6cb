"""Clusters of EKS in linked accounts: who asks takes the link's cluster role, in the person's name, for one task.

A token for EKS is a signed question to STS, "who am I?", bound to the cluster by a header. Source: "Token" of
aws-iam-authenticator's README; aws-cli, awscli/customizations/eks/get_token.py.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from botocore.signers import RequestSigner

from csoc.accounts.links import Link, Links, Role
from csoc.adapters.aws.failures import translated
from csoc.adapters.aws.sessions import BotoSession, own_session
from csoc.adapters.aws.taking import Taking, linked
from csoc.adapters.kube.connecting import Endpoint, connect
from csoc.clock import Clock, system_clock
from csoc.clusters.access import EksReference
from csoc.clusters.client import ClusterClient
from csoc.errors import NotFoundError, RejectedError, UnavailableError

TOKEN_LASTS = timedelta(minutes=15)
"""After so long EKS takes a token no more, whatever the signed question itself says."""
_RENEWED_AFTER = timedelta(minutes=10)
_PREFIX = "k8s-aws-v1."
_HEADER = "x-k8s-aws-id"
_SIGNED_SECONDS = 60
_ADMINISTRATOR, _VIEWER = "AmazonEKSClusterAdminPolicy", "AmazonEKSViewPolicy"


class LinkedClusters:
    """Opens clusters of EKS. own: csoc's own identity, asked for when a role is taken."""

    def __init__(
        self, links: Links, *, own: Callable[[], BotoSession] = own_session, clock: Clock = system_clock
    ) -> None:
        self._links = links
        self._own = own
        self._clock = clock

    def open(self, reference: EksReference, *, person: str, task: str) -> ClusterClient:
        """See csoc.clusters.access.ClusterAccess."""

        def taking(role: Role) -> Taking:
            return self._taking(reference, role, person, task)

        entering = taking(Role.CLUSTER)
        # Taken at once: who may not enter is told so before anything else happens.
        entering.session()
        address, certificate = reference.endpoint, reference.certificate
        if not address or not certificate:
            # The observer's role sees clusters that csoc did not make, too.
            address, certificate = _described(taking(Role.OBSERVER), reference)
        tokens = Tokens(entering.session, reference.region, reference.name, self._clock)
        endpoint = Endpoint(address, tokens, _authority(certificate, reference))
        return connect(endpoint, f"cluster {reference.cluster}")

    def raise_rights(self, reference: EksReference, *, person: str, task: str) -> None:
        """See csoc.clusters.access.ClusterAccess."""
        if not reference.is_own:
            return
        entry = _Entry(self._taking(reference, Role.CLUSTER, person, task), self._link(reference), reference)
        entry.associate(_ADMINISTRATOR)

    def lower_rights(self, reference: EksReference, *, person: str, task: str) -> None:
        """See csoc.clusters.access.ClusterAccess."""
        if not reference.is_own:
            return
        entry = _Entry(self._taking(reference, Role.CLUSTER, person, task), self._link(reference), reference)
        # Without the viewer's policy the layer wants an administrator, and csoc would be locked out.
        if {_ADMINISTRATOR, _VIEWER} <= entry.associated():
            entry.disassociate(_ADMINISTRATOR)

    def _link(self, reference: EksReference) -> Link:
        return linked(self._links, reference.account, reference.account_id)

    def _taking(self, reference: EksReference, role: Role, person: str, task: str) -> Taking:
        link = self._link(reference)
        return Taking(link, role, reference.region, person=person, task=task, own=self._own, clock=self._clock)


class _Entry:
    """The access entry of the link's cluster role in one cluster, as that role changes it."""

    def __init__(self, taking: Taking, link: Link, reference: EksReference) -> None:
        self._client = taking.client("eks")
        self._place = f"access entry of csoc in the cluster {reference.cluster}"
        self._entry = {"clusterName": reference.name, "principalArn": link.roles[Role.CLUSTER]}
        self._policies = f"arn:{link.partition}:eks::aws:cluster-access-policy/"

    def associated(self) -> set[str]:
        """Names of its policies."""
        with translated(self._place):
            found = self._client.list_associated_access_policies(**self._entry)["associatedAccessPolicies"]
        return {str(one["policyArn"]).rpartition("/")[2] for one in found}

    def associate(self, policy: str) -> None:
        with translated(self._place):
            self._client.associate_access_policy(
                **self._entry, policyArn=f"{self._policies}{policy}", accessScope={"type": "cluster"}
            )

    def disassociate(self, policy: str) -> None:
        with translated(self._place):
            self._client.disassociate_access_policy(**self._entry, policyArn=f"{self._policies}{policy}")


class Tokens:
    """Tokens for one cluster, each used until it is ten minutes old. Threads may share it."""

    def __init__(self, session: Callable[[], BotoSession], region: str, cluster: str, clock: Clock) -> None:
        self._session = session
        self._region, self._cluster = region, cluster
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._made_at: datetime | None = None

    def __call__(self) -> str:
        with self._lock:
            now = self._clock()
            if self._made_at is None or now - self._made_at >= _RENEWED_AFTER:
                self._token, self._made_at = token(self._session(), self._region, self._cluster), now
            return self._token


def token(session: BotoSession, region: str, cluster: str) -> str:
    """A token for a cluster, in the name of a session. Raises DeniedError, UnavailableError."""
    place = f"token for the cluster {cluster}"
    client = session.client("sts", region)
    with translated(place):
        signer = RequestSigner(
            client.meta.service_model.service_id,
            region,
            "sts",
            "v4",
            session.boto.get_credentials(),
            session.boto.events,
        )
        asked = {
            "method": "GET",
            "url": f"{client.meta.endpoint_url.rstrip('/')}/?Action=GetCallerIdentity&Version=2011-06-15",
            "body": {},
            "headers": {_HEADER: cluster},
            "context": {},
        }
        address = signer.generate_presigned_url(
            asked, region_name=region, expires_in=_SIGNED_SECONDS, operation_name=""
        )
    return _PREFIX + base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")


def _described(observing: Taking, reference: EksReference) -> tuple[str, str]:
    place = f"cluster {reference.name} in {reference.account}, {reference.region}"
    try:
        with translated(place):
            found = observing.client("eks").describe_cluster(name=reference.name)["cluster"]
    except NotFoundError:
        raise NotFoundError(
            f"EKS has no cluster {reference.name} there", place=place, fix="Correct its name, account or region"
        ) from None
    if found["status"] != "ACTIVE" and not found.get("endpoint"):
        raise UnavailableError(
            f"The cluster is {found['status']} and has no endpoint yet", place=place, fix="Try again once it is ACTIVE"
        )
    return str(found["endpoint"]), str(found["certificateAuthority"]["data"])


def _authority(certificate: str, reference: EksReference) -> str:
    try:
        found = base64.b64decode(certificate, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        found = ""
    if "BEGIN CERTIFICATE" not in found:
        raise RejectedError(
            "The cluster's certificate authority is no certificate",
            place=f"cluster {reference.cluster}",
            fix="Look at the output ClusterCertificate of its layer cluster",
        )
    return found

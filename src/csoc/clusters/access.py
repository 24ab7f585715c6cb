"""Port: the way into a cluster. Which one is meant is a reference without secrets; how one gets in is the adapters'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from csoc.clusters.client import ClusterClient


@dataclass(frozen=True, slots=True)
class EksReference:
    """A cluster of EKS in a linked account. cluster: name of the Cluster. account, account_id: of the Account. name: as
    EKS calls it. endpoint, certificate (base64): outputs of the layer `cluster`; where they are not known, EKS is
    asked. is_own: a layer of csoc's made it, with the access entry by which csoc enters."""

    cluster: str
    account: str
    account_id: str
    region: str
    name: str
    endpoint: str = ""
    certificate: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class KubeconfigReference:
    """A cluster that somebody brought along with a kubeconfig. cluster: name of the Cluster. context: "" for the
    current one."""

    cluster: str
    context: str = ""


ClusterReference = EksReference | KubeconfigReference


class ClusterAccess(Protocol):
    """See the module."""

    def open(self, reference: ClusterReference, *, person: str, task: str) -> ClusterClient:
        """A client of the cluster; the caller closes it. person, task: what AWS's own records will show ("sts:ada", a
        run's id).

        Raises NotFoundError (no link, no kubeconfig, no such cluster), DeniedError (the link is not verified, or AWS
        refuses), RejectedError (the link is of another account, the kubeconfig cannot be used), UnavailableError.
        Whether the cluster itself lets the caller in shows at the first call.
        """
        ...

    def raise_rights(self, reference: ClusterReference, *, person: str, task: str) -> None:
        """Makes csoc an administrator of a cluster of its own until `lower_rights`; it counts after some seconds. In
        other clusters csoc has the rights that their owners gave it, and nothing happens. Raises as `open`."""
        ...

    def lower_rights(self, reference: ClusterReference, *, person: str, task: str) -> None:
        """Takes that back: csoc may look, and sees no Secret. Where the layer says that csoc stays an administrator,
        nothing happens. Again it does nothing. Raises as `open`."""
        ...

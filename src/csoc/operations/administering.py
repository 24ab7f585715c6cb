"""Rights of an administrator in a cluster, for as long as a step needs them and no longer.

In a cluster of csoc's own the link's role may look, and sees no Secret. What brings Argo CD there or takes Gen3 away
needs more, so the run raises the role's access entry first and lowers it afterwards, whatever came of the step. A
process that dies in between leaves it raised until the step, which is executed again, has lowered it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from csoc.clusters.access import ClusterReference, EksReference
from csoc.clusters.client import Access, ClusterClient
from csoc.errors import CsocError, DeniedError, UnavailableError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context

# Nobody but an administrator may do this.
_ADMINISTRATORS = Access("create", "clusterrolebindings", "rbac.authorization.k8s.io")
_LOOK_SECONDS = 1.0


@contextmanager
def administering(context: Context, reference: ClusterReference) -> Iterator[ClusterClient]:
    """A client with the rights of an administrator, where csoc made the cluster; elsewhere with those that its owner
    gave. Raises what `ClusterAccess` and the fence raise, and UnavailableError if another run lowered the rights
    meanwhile, since they are one cluster's."""
    clusters, run = needed(context.services.clusters, "clusters"), context.run
    context.check()
    clusters.raise_rights(reference, person=run.by, task=run.id)
    is_done = False
    try:
        with closing(clusters.open(reference, person=run.by, task=run.id)) as client:
            while not _is_administrator(client, reference):
                context.sleep(_LOOK_SECONDS)
            try:
                yield client
            except DeniedError as error:
                if _is_administrator(client, reference):
                    raise
                raise UnavailableError(
                    "Another run took csoc's rights in the cluster back meanwhile", place=error.place, fix="Try again"
                ) from error
        is_done = True
    finally:
        try:
            # Whoever lost the run leaves them to whoever has it.
            context.check()
            clusters.lower_rights(reference, person=run.by, task=run.id)
        except CsocError:
            if is_done:
                raise


def _is_administrator(client: ClusterClient, reference: ClusterReference) -> bool:
    """Whether rights that were raised count already. EKS takes some seconds. Source: "Associate access policies"."""
    if not isinstance(reference, EksReference) or not reference.is_own:
        return True
    return client.may(_ADMINISTRATORS).allowed

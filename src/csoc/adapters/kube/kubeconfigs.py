"""Kubeconfigs of clusters that somebody brought along, and the one way in for all clusters.

They hold credentials, so they are kept in csoc's own folder, for its user alone, and never in Git. One that would run
a program or read a file is not taken: what it does tomorrow is decided by whoever can write there.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from csoc.adapters.kube.connecting import from_kubeconfig
from csoc.clusters.access import ClusterReference, EksReference, KubeconfigReference
from csoc.clusters.client import ClusterClient
from csoc.errors import NotFoundError, RejectedError, UnavailableError

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LARGEST_BYTES = 1_000_000


class EksClusters(Protocol):
    """What opens clusters of EKS."""

    def open(self, reference: EksReference, *, person: str, task: str) -> ClusterClient: ...
    def raise_rights(self, reference: EksReference, *, person: str, task: str) -> None: ...
    def lower_rights(self, reference: EksReference, *, person: str, task: str) -> None: ...


class Kubeconfigs:
    """Kubeconfigs by the name of their Cluster, in a folder of csoc's own. See the module."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, cluster: str, text: str, context: str = "") -> None:
        """Keeps one. Raises RejectedError or DeniedError if it would not be used, UnavailableError."""
        from_kubeconfig(text, f"cluster {cluster}", context=context).close()
        path = self._path(cluster)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            handle, made = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(made).replace(path)
        except OSError as error:
            raise UnavailableError(f"The kubeconfig cannot be kept: {error.strerror}", place=str(path)) from error

    def open(self, reference: KubeconfigReference) -> ClusterClient:
        """A client. Raises NotFoundError, RejectedError, DeniedError, UnavailableError."""
        path = self._path(reference.cluster)
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST_BYTES + 1)
        except FileNotFoundError:
            raise NotFoundError(
                f"There is no kubeconfig of the cluster {reference.cluster} here",
                place=str(path),
                fix=f"csoc cluster connect {reference.cluster} --kubeconfig FILE",
            ) from None
        except OSError as error:
            raise UnavailableError(f"The kubeconfig cannot be read: {error.strerror}", place=str(path)) from error
        place = f"cluster {reference.cluster}"
        return from_kubeconfig(text.decode("utf-8", "replace"), place, context=reference.context)

    def _path(self, cluster: str) -> Path:
        if not _NAME.fullmatch(cluster):
            raise RejectedError(f"{cluster[:60]!r} is no name of a Cluster", fix="Correct it")
        return self._folder / f"{cluster}.yaml"


class OpenedClusters:
    """See csoc.clusters.access.ClusterAccess."""

    def __init__(self, kubeconfigs: Kubeconfigs, eks: EksClusters) -> None:
        self._kubeconfigs = kubeconfigs
        self._eks = eks

    def open(self, reference: ClusterReference, *, person: str, task: str) -> ClusterClient:
        if isinstance(reference, EksReference):
            return self._eks.open(reference, person=person, task=task)
        return self._kubeconfigs.open(reference)

    def raise_rights(self, reference: ClusterReference, *, person: str, task: str) -> None:
        if isinstance(reference, EksReference):
            self._eks.raise_rights(reference, person=person, task=task)

    def lower_rights(self, reference: ClusterReference, *, person: str, task: str) -> None:
        if isinstance(reference, EksReference):
            self._eks.lower_rights(reference, person=person, task=task)

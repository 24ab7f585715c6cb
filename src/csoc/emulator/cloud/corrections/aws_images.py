"""The public machine images of AWS, in every account and region, without each of these paying for them.

moto loads about 1,300 of them, with a snapshot of each, into every account and region that anything of EC2 is asked of,
which costs 70 ms and 3.4 MB. Here they come when somebody looks at images or snapshots.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import AmiBackend

_ATTRIBUTE = "amis"


class _WhenRead:
    """The images of a back end, loaded when they are first read; they are an attribute of its own from then on, which
    goes before this one."""

    def __init__(self, load: Callable[[Any], None]) -> None:
        self._load = load
        self._lock = threading.RLock()
        self._coming: dict[int, dict[str, Any]] = {}

    def __get__(self, backend: Any, _: type | None = None) -> Any:
        if backend is None:
            return self
        with self._lock:
            if _ATTRIBUTE in vars(backend):
                return vars(backend)[_ATTRIBUTE]
            if id(backend) in self._coming:  # what loads them reads them too
                return self._coming[id(backend)]
            images = self._coming[id(backend)] = {}
            try:
                self._load(backend)
            finally:
                del self._coming[id(backend)]
            # Whole or not at all: other threads read them without a lock.
            vars(backend)[_ATTRIBUTE] = images
            return images


def load_late() -> None:
    """Lets moto load images when they are looked at. It is its own class that changes, so once is enough."""
    if not isinstance(vars(AmiBackend).get(_ATTRIBUTE), _WhenRead):
        AmiBackend.amis = _WhenRead(AmiBackend._load_amis)  # type: ignore[assignment]
        AmiBackend._load_amis = _later  # type: ignore[assignment, method-assign]


def ensure(account: str, region: str) -> None:
    """Makes sure that the account has the images of AWS in the region, and their snapshots."""
    backend: EC2Backend = ec2_backends[account][region]
    _ = backend.amis


def _later(backend: AmiBackend) -> None:
    """In the place of loading: an empty table of a back end's own would go before what loads it."""
    vars(backend).pop(_ATTRIBUTE, None)

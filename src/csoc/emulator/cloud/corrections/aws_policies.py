"""The managed policies of AWS, in every account, without every account paying for them.

moto can load all of them into each account, which costs 90 ms and 5 MB for each. Here the documents are parsed once, on
first use, and an account gets those that are named in it. Only who lists the policies of AWS gets all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, iam_backends

PREFIX = "arn:aws:iam::aws:policy/"
_LOCK = threading.Lock()


def ensure(account: str, arn: str) -> None:
    """Makes sure that the account has a policy of AWS if there is one of this ARN."""
    found = _by_arn().get(arn)
    backend: IAMBackend = iam_backends[account]["aws"]
    if found is None or arn in backend.managed_policies:
        return
    with _LOCK:
        _add(backend, arn, *found)


def ensure_all(account: str) -> None:
    """Makes sure that the account has all policies of AWS."""
    backend: IAMBackend = iam_backends[account]["aws"]
    with _LOCK:
        for arn, found in _by_arn().items():
            _add(backend, arn, *found)


def _add(backend: IAMBackend, arn: str, name: str, data: Mapping[str, Any]) -> None:
    if arn not in backend.managed_policies:
        policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, dict(data))
        backend.managed_policies[arn] = policy
        backend.aws_managed_policies.append(policy)


@lru_cache(maxsize=1)
def _by_arn() -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    parsed = json.loads(aws_managed_policies_data)
    return {f"{PREFIX.rstrip('/')}{data['Path']}{name}": (name, data) for name, data in parsed.items()}

"""Follows what csoc proposed: which pull requests are open, what each still lacks, and merging one."""

from __future__ import annotations

from dataclasses import dataclass

from csoc.fleet.githost import MergeMethod, MergeOutcome, PullRequest, missing_for_merge
from csoc.fleet.repositories import SourceAddress
from csoc.usecases.ports import Ports

HEAD_PREFIX = "csoc/"


@dataclass(frozen=True, slots=True)
class Proposed:
    """An open pull request of csoc. missing: what its base's protection still wants, as far as can be known."""

    pull: PullRequest
    missing: tuple[str, ...]


def proposed_changes(ports: Ports, address: SourceAddress) -> list[Proposed]:
    """Open pull requests whose branch csoc made, newest first. Raises as the host's port does."""
    host = ports.githost(address)
    found = []
    for listed in host.list_open(head_prefix=HEAD_PREFIX):
        pull = host.get(listed.number)
        found.append(Proposed(pull, missing_for_merge(host.protection(pull.base), pull)))
    return found


def merge_proposed(ports: Ports, address: SourceAddress, number: int, method: MergeMethod) -> MergeOutcome:
    """Merges a pull request at the head that it has now, if its host's rules allow it.

    Raises ConflictError (the branches conflict, the head moved), DeniedError (says what is missing), and as the port.
    """
    host = ports.githost(address)
    pull = host.get(number)
    return host.merge(number, method, expected_head=pull.head_commit)

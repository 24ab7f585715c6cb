"""Takes a link back. csoc stops using it at once; the account's owner deletes the stack; what was recorded stays."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace

from csoc.accounts import names
from csoc.accounts.links import Link, LinkState
from csoc.errors import ConflictError
from csoc.usecases.accounts.verifying import find_link
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.load import LoadedFleet

DELETE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Unlinked:
    """stays: what is left in the account and in Git, in words. commands: with which the account's owner ends it."""

    link: Link
    stays: tuple[str, ...]
    commands: tuple[str, ...]


def unlink(cloud: CloudPorts, name: str, fleet: LoadedFleet | None, *, owner_profile: str = "") -> Unlinked:
    """Marks a link as taken back; from then on nobody can use it, and its ExternalId is never used again. fleet: says
    what still names the account; None where none is at hand. owner_profile: of the AWS configuration, with the
    credentials of the account's owner, which then delete the stack.

    Raises NotFoundError; with owner_profile, after the link was taken back, ConflictError (credentials of another
    account) and what deleting raises.
    """
    link = find_link(cloud, name)
    gone = replace(link, state=LinkState.UNLINKED, unlinked_at=cloud.clock())
    cloud.links.put(gone)
    if owner_profile:
        _delete_stack(cloud, link, names.link_stack(link.installation), owner_profile)
    return _told(gone, fleet, is_deleted=bool(owner_profile))


def preview(cloud: CloudPorts, name: str, fleet: LoadedFleet | None, *, owner_profile: str = "") -> Unlinked:
    """What `unlink` would tell; nothing is done. Raises NotFoundError."""
    return _told(find_link(cloud, name), fleet, is_deleted=bool(owner_profile))


def owners_in(fleet: LoadedFleet, account: str) -> tuple[str, ...]:
    """Clusters in an account, and environments on them, as a fleet's documents say."""
    documents = fleet.documents
    clusters = [one for one, placed in documents.clusters.items() if placed.document.spec.account == account]
    environments = [one for one, placed in documents.environments.items() if placed.document.spec.cluster in clusters]
    return (*(f"cluster {one}" for one in clusters), *(f"environment {one}" for one in environments))


def _told(link: Link, fleet: LoadedFleet | None, *, is_deleted: bool) -> Unlinked:
    stack = names.link_stack(link.installation)
    bucket = link.artifact_bucket or names.artifact_bucket(
        link.installation, link.account_id, names.mark_of(link.external_id)
    )
    stays = []
    if not is_deleted:
        stays.append(
            f"The stack {stack} in {link.region} of {link.account_id}, with its roles. csoc uses them no more; delete "
            "it to be sure"
        )
    stays += [
        f"The bucket {bucket}, which the stack keeps, with the templates of what was applied",
        "Everything that csoc made there: no stack of a cluster or environment is touched",
        "The record of this link, and what was read through it, which gets no newer",
    ]
    if fleet is not None:
        if link.account in fleet.documents.accounts:
            stays.append(f"The document {fleet.documents.accounts[link.account].file.path}")
        used = owners_in(fleet, link.account)
        if used:
            stays.append(f"What is in the account: {', '.join(used)}. They cannot be planned until it is linked again")
    delete = ["aws", "cloudformation", "delete-stack", "--region", link.region, "--stack-name", stack]
    return Unlinked(link, tuple(stays), () if is_deleted else (shlex.join(delete),))


def _delete_stack(cloud: CloudPorts, link: Link, stack: str, profile: str) -> None:
    owner = cloud.owner(profile)
    caller = owner.caller()
    if caller.account_id != link.account_id:
        raise ConflictError(
            f"The profile {profile} is of the account {caller.account_id}, not of {link.account_id}",
            place=link.account,
            fix="The link is taken back already; delete its stack with credentials of its account",
        )
    owner.delete_stack(stack, link.region, DELETE_SECONDS)

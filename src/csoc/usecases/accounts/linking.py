"""Begins a link: the Account's document in Git, an ExternalId in the database, and the template that its owner applies.

Doing it twice is doing it once: what is there is found, and the same ExternalId is shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from csoc.accounts.links import Link, LinkState
from csoc.accounts.template import LinkTemplate, link_template, quick_create
from csoc.accounts.terms import Terms, check_account_id, check_region
from csoc.errors import ConflictError, CsocError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.documents import absent, layout
from csoc.fleet.documents.base import API_VERSION
from csoc.fleet.documents.faults import explain
from csoc.fleet.documents.model import Account
from csoc.fleet.documents.writing import render_document
from csoc.usecases.accounts.doctor import principals
from csoc.usecases.accounts.reading import reads_of
from csoc.usecases.cloud_ports import CloudPorts
from csoc.usecases.load import LoadedFleet
from csoc.usecases.ports import Ports
from csoc.usecases.publish import Proposal, Published, publish
from csoc.usecases.worktree import FileWrite, is_work_tree, write_files


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. region, purpose: "" for what the Account says, or workload."""

    name: str
    account_id: str = ""
    region: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """A link that can be made. path: of the Account's document; published: None if that was there, or is only in the
    folder. quick_create: an address, "" if there is none; note: why not."""

    link: Link
    template: LinkTemplate
    path: str
    published: Published | None
    is_new: bool
    quick_create: str = ""
    note: str = ""


def begin_link(
    ports: Ports, cloud: CloudPorts, fleet: LoadedFleet, wanted: Wanted, *, pull_request: bool = False
) -> Begun:
    """Raises RejectedError (id, region, name; no fleet), ConflictError (linked otherwise), DeniedError (csoc's own
    principal is none to trust), and what publishing raises."""
    installation = installation_of(fleet)
    account_id, region, purpose = _decided(cloud, fleet, wanted)
    partition = cloud.cloud().partition(region)
    caller = cloud.cloud().caller()
    worker, observer = principals(cloud, caller)
    path, files = _document(ports, fleet, wanted.name, account_id, region, purpose)
    before = cloud.links.get(wanted.name)
    link = Link(
        account=wanted.name,
        account_id=account_id,
        installation=installation,
        external_id=before.external_id if before is not None else cloud.external_ids(),
        partition=partition,
        region=region,
        principal=worker,
        state=LinkState.BEGUN,
        begun_at=cloud.clock(),
        observer=observer,
        by=caller.session or caller.arn,
    )
    if before is not None:
        link = _again(before, link)
    template = link_template(replace(terms_of(cloud, link), reads=reads_of(fleet.documents, link)))
    if before is None:
        link = replace(link, made_from=template.digest)
    # Before the commit: a link that cannot be stored leaves no document.
    cloud.links.put(link)
    published = _publish(ports, fleet, path, files, link, pull_request=pull_request) if files else None
    address, note = _address(cloud, template, link)
    return Begun(link, template, path, published, before is None, address, note)


def installation_of(fleet: LoadedFleet) -> str:
    """The fleet's uid. Raises RejectedError where there is no fleet."""
    if fleet.documents.fleet is None:
        raise RejectedError(
            "There is no fleet.yaml here, so nobody to link accounts to",
            place=fleet.query.source,
            fix=absent.FIX,
        )
    return fleet.documents.fleet.uid


def terms_of(cloud: CloudPorts, link: Link) -> Terms:
    """Whom a link trusts, for a template."""
    return Terms(link.installation, link.principal, link.observer or link.principal, cloud.settings.aws.organization)


def _again(before: Link, link: Link) -> Link:
    if before.account_id != link.account_id:
        raise ConflictError(
            f"{before.account} is linked to the account {before.account_id}",
            place=before.account,
            fix=f"Correct --account-id, or unlink it first: csoc account unlink {before.account}",
        )
    if before.state is not LinkState.BEGUN and before.region != link.region:
        raise ConflictError(
            f"The stack of the link is in {before.region}",
            place=before.account,
            fix=f"Leave --region out, or unlink it first: csoc account unlink {before.account}",
        )
    same = (before.principal, before.observer, before.region) == (link.principal, link.observer, link.region)
    if same:
        return before
    # Another principal, so what was verified says nothing any more.
    return replace(before, region=link.region, principal=link.principal, observer=link.observer, state=LinkState.BEGUN)


def _decided(cloud: CloudPorts, fleet: LoadedFleet, wanted: Wanted) -> tuple[str, str, str]:
    """Account id, region and purpose: given, or of the document that is there."""
    placed = fleet.documents.accounts.get(wanted.name)
    spec = placed.document.spec if placed is not None else None
    if spec is not None and spec.provider != "aws":
        raise RejectedError(f"{wanted.name} is at {spec.provider}; csoc links accounts of AWS", place=wanted.name)
    account_id = wanted.account_id or (spec.id if spec else "")
    region = wanted.region or (spec.regions[0] if spec and spec.regions else "")
    for value, option in ((account_id, "--account-id"), (region, "--region")):
        if not value:
            raise RejectedError(f"There is no Account {wanted.name} yet, so {option} is needed", fix=f"Give {option}")
    check_account_id(account_id)
    check_region(region, cloud.cloud().regions())
    if placed is not None and spec is not None and spec.id != account_id:
        raise ConflictError(
            f"{wanted.name} is the account {spec.id} in Git, not {account_id}",
            place=str(placed.locate("spec.id")),
            fix="Correct --account-id, or the document",
        )
    for name, other in fleet.documents.accounts.items():
        if name != wanted.name and other.document.spec.id == account_id:
            raise ConflictError(
                f"The account {account_id} is {name} in Git", place=str(other.locate("spec.id")), fix="Use that name"
            )
    return account_id, region, wanted.purpose or (spec.purpose if spec else "workload")


def _document(
    ports: Ports, fleet: LoadedFleet, name: str, account_id: str, region: str, purpose: str
) -> tuple[str, Mapping[str, bytes]]:
    """The path of the Account's document, and what is to be written for it: nothing if it is there."""
    placed = fleet.documents.accounts.get(name)
    if placed is not None:
        return placed.file.path, {}
    spec = {"provider": "aws", "id": account_id, "purpose": purpose, "regions": (region,)}
    data = {"apiVersion": API_VERSION, "kind": "Account", "metadata": {"name": name, "uid": ports.ids()}, "spec": spec}
    try:
        document = Account.model_validate(data)
    except ValidationError as error:
        found = [explain(Account, data, item) for item in error.errors(include_url=False)]
        causes = "; ".join(f"{item.field}: expected {item.expected}, found {item.found}" for item in found)
        raise RejectedError(f"An Account cannot be made of this: {causes}", place=name[:80]) from None
    path = layout.path_of(document, fleet.documents.top or "")
    if path in fleet.tree.entries():
        raise ConflictError(
            "A file stands where the Account's document would", place=path, fix="Move it, or correct it"
        )
    return path, {path: render_document(document, path=path)}


def _publish(
    ports: Ports, fleet: LoadedFleet, path: str, files: Mapping[str, bytes], link: Link, *, pull_request: bool
) -> Published | None:
    """One commit, or a pull request; in a folder that is no repository, the file alone."""
    address = addresses.parse(fleet.query.address.url)
    top = Path(address.path).expanduser() if address.local else None
    if top is not None and is_work_tree(fleet.tree) and not (top / ".git").exists() and not pull_request:
        write_files(fleet.tree, [FileWrite(one, None, content) for one, content in files.items()], ports.ids)
        return None
    return publish(
        ports,
        Proposal(
            address=fleet.query.address,
            tree=fleet.tree,
            files=files,
            message=f"Add the account {link.account}\n\n{path}: the AWS account {link.account_id}.",
            branch=fleet.query.revision or "",
            pull_request=pull_request,
            head=f"csoc/account-{link.account}" if pull_request else "",
            by_path=True,
        ),
    )


def _address(cloud: CloudPorts, template: LinkTemplate, link: Link) -> tuple[str, str]:
    """A quick-create address, or why there is none."""
    bucket = cloud.settings.aws.template_bucket
    if not bucket:
        return "", "No quick-create address: set aws.template_bucket to a bucket that account owners may read"
    try:
        url = cloud.cloud().publish(bucket, template.key, template.body)
        return quick_create(template, link.external_id, link.region, url, link.partition), ""
    except CsocError as error:
        return "", f"No quick-create address: {error.cause}. {error.fix}".rstrip(". ")

"""Verifies links, the first time and ever after: daily, and when AWS said no somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from csoc.accounts.cloud import CloudSession
from csoc.accounts.due import DUE_AFTER
from csoc.accounts.links import OK, WRONG, Link, LinkState, Role
from csoc.accounts.sessions import session
from csoc.accounts.template import link_template
from csoc.accounts.terms import Reads, check_account_id
from csoc.accounts.verification import Verifier, taking
from csoc.errors import ConflictError, NotFoundError
from csoc.fleet.documents.collection import Documents
from csoc.usecases.accounts.doctor import principals
from csoc.usecases.accounts.linking import terms_of
from csoc.usecases.accounts.reading import reads_of
from csoc.usecases.cloud_ports import CloudPorts

_LOOK_SECONDS = 5.0
_OF_DOCUMENTS = ("existing parameters", "existing stacks")


@dataclass(frozen=True, slots=True)
class Verified:
    """A link before and after its tests. template_digest: of this csoc's template."""

    before: Link
    link: Link
    template_digest: str

    @property
    def is_update_available(self) -> bool:
        """True if the account's stack runs with another template than this csoc's."""
        return bool(self.link.template_digest) and self.link.template_digest != self.template_digest

    @property
    def is_not_made(self) -> bool:
        """True if AWS lets csoc into no role of a link that was never verified: most likely its stack is not made."""
        taken = _taken(self.link)
        return self.before.verified_at is None and bool(taken) and set(taken) == {WRONG}


def find_link(cloud: CloudPorts, name: str) -> Link:
    """Raises NotFoundError."""
    link = cloud.links.get(name)
    if link is None:
        raise NotFoundError(
            f"There is no link to {name}",
            place=name,
            fix=f"Begin one: csoc account link {name} --account-id ID --region REGION",
        )
    return link


def verify(
    cloud: CloudPorts, name: str, documents: Documents | None, *, person: str = "", wait_seconds: float = 0
) -> Verified:
    """Runs every test and stores what came of it. documents: of the fleet, which name the account's id; None where no
    fleet is at hand. wait_seconds: how long to wait for the link's stack.

    Raises NotFoundError, ConflictError (Git names another id), DeniedError (csoc's principal), UnavailableError.
    """
    before = find_link(cloud, name)
    if documents is not None:
        _check_git(before, documents)
    endpoint = _endpoint(cloud, before)
    verifier = _verifier(cloud, before, person, reads_of(documents, before) if documents is not None else Reads())
    until = cloud.clock() + timedelta(seconds=wait_seconds)
    link = verifier.verify(before)
    while _is_not_there(link) and cloud.clock() < until:
        cloud.sleep(_LOOK_SECONDS)
        link = verifier.verify(before)
    if documents is None:
        # Whether what documents name can be read, only they could tell.
        known = {name: text for name, text in before.missing.items() if name in _OF_DOCUMENTS}
        link = replace(link, missing={**known, **link.missing})
    link = replace(link, endpoint=endpoint)
    cloud.links.put(link)
    return Verified(before, link, verifier.template.digest)


def due(cloud: CloudPorts) -> Sequence[Link]:
    """Links that have not been looked at for a day. Those that were never made are left to whoever began them."""
    now = cloud.clock()
    return [
        link
        for link in cloud.links.all()
        if link.state is not LinkState.BEGUN and (link.tried_at is None or now - link.tried_at >= DUE_AFTER)
    ]


def after_denial(cloud: CloudPorts, name: str) -> str:
    """To be called where AWS refused what a link should allow: verifies it anew, and says in a sentence what is wrong
    with it; "" if nothing is, or nobody could find out."""
    link = verify(cloud, name, None).link
    wrong = [check for check in link.checks if check.outcome == WRONG]
    if not wrong:
        return ""
    return f"The link of {name} is {link.state}: {wrong[0].name}: {wrong[0].detail}"


def open_session(
    cloud: CloudPorts, name: str, role: Role, *, person: str, run: str, policy: str = "", account_id: str = ""
) -> CloudSession:
    """A session in a linked account, for whoever acts there. account_id: what Git says, which must be the link's.

    Raises NotFoundError (no link), DeniedError (not verified; AWS refuses), ConflictError (another account or
    principal than what was verified), UnavailableError.
    """
    link = find_link(cloud, name)
    if account_id and account_id != link.account_id:
        raise _other_id(link, account_id, name)
    request = session(link, role, person, run, policy)
    terms = terms_of(cloud, link).of(account_id=link.account_id, partition=link.partition, external_id=link.external_id)
    if request.role_arn != terms.role(role):
        raise ConflictError(
            f"The {role} role of the link is {request.role_arn}, not {terms.role(role)}",
            place=name,
            fix=f"csoc account verify {name}",
        )
    return cloud.cloud().assume(request, link.region)


def _endpoint(cloud: CloudPorts, link: Link) -> str:
    """Which STS is asked. Raises ConflictError where a link that AWS itself vouches for would be judged by another."""
    endpoint = cloud.cloud().endpoint()
    if endpoint and not link.endpoint and link.verified_at is not None:
        raise ConflictError(
            f"The link of {link.account} was verified with AWS itself, and {endpoint} is asked now",
            place=link.account,
            fix="Unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_STS, and endpoint_url in the profile",
        )
    return endpoint


def _verifier(cloud: CloudPorts, link: Link, person: str, reads: Reads) -> Verifier:
    caller = cloud.cloud().caller()
    worker, observer = principals(cloud, caller)
    # The template is that of the roles that csoc has now: what the account trusts is compared with it.
    terms = replace(terms_of(cloud, replace(link, principal=worker, observer=observer)), reads=reads)
    return Verifier(
        cloud=cloud.cloud(),
        principal=caller.role_arn,
        terms=terms.of(account_id=link.account_id, partition=link.partition, external_id=link.external_id),
        template=link_template(terms),
        person=person or caller.session or caller.arn,
        run="verify",
        ids=cloud.ids,
        external_ids=cloud.external_ids,
        clock=cloud.clock,
    )


def _check_git(link: Link, documents: Documents) -> None:
    placed = documents.accounts.get(link.account)
    if placed is None:
        raise NotFoundError(
            f"The fleet has no Account {link.account}",
            place=link.account,
            fix=f"Write it again with `csoc account link {link.account}`, or unlink it",
        )
    found = check_account_id(placed.document.spec.id)
    if found != link.account_id:
        raise _other_id(link, found, str(placed.locate("spec.id")))


def _other_id(link: Link, found: str, place: str) -> ConflictError:
    return ConflictError(
        f"{link.account} is the account {found} in Git; its link is to {link.account_id}",
        place=place,
        fix=f"Correct the document, or link anew: csoc account unlink {link.account}",
    )


def _is_not_there(link: Link) -> bool:
    """True if not one role can be taken: the stack is not made yet."""
    taken = _taken(link)
    return bool(taken) and OK not in taken


def _taken(link: Link) -> list[str]:
    """What came of taking each role as it is to be taken."""
    return [check.outcome for check in link.checks if check.name == taking(check.role)]

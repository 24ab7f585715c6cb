"""Tests of a link: what must work, and what must not.

Most products that ask for a role in somebody's account test the first only, and a role that trusts anybody passes. So
each role is asked for without the ExternalId, with another one, and without a person's name; each session tries what
it must not do; and what cannot be tried from here (whom else a role trusts) is read. The other id is a random one: an
ExternalId of another account would be shown to whoever owns this one.

A role that is not as today's template makes it, but as the template of csoc's that the link was made from, is an older
one and no weakness: what tries to get in decides about that, whichever template a stack has.

Nothing is left behind. What unexpectedly succeeds is taken back and is the finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from csoc.accounts import names, probes, restoring
from csoc.accounts.cloud import CloudAccounts, CloudSession, RoleFacts, SessionRequest
from csoc.accounts.earlier import EarlierRole
from csoc.accounts.features import missing, same_trust, surplus, surplus_of_policy
from csoc.accounts.findings import Found, older
from csoc.accounts.links import FAIL, OK, OLDER, SUCCEED, UNKNOWN, WRONG, Check, Link, LinkState, Role
from csoc.accounts.roles import ASSUMED, LONGEST_SESSION_SECONDS, RoleDocuments, boundary_document, roles
from csoc.accounts.sessions import unproven
from csoc.accounts.template import LinkTemplate, reads_of_stack
from csoc.accounts.terms import Document, Reads, Terms
from csoc.clock import Clock, Ids
from csoc.errors import CsocError, DeniedError, NotFoundError

STACK = "stack of the link"
TRIAL_SECONDS = 300
_BOUNDARY = "boundary, as in the template"


@dataclass(frozen=True, slots=True)
class Verifier:
    """cloud: csoc's own identity. principal: the role that it is now. terms: of this one account. template: this
    csoc's. person, run: who verifies, for CloudTrail."""

    cloud: CloudAccounts
    principal: str
    terms: Terms
    template: LinkTemplate
    person: str
    run: str
    ids: Ids
    external_ids: Callable[[], str]
    clock: Clock

    def verify(self, link: Link) -> Link:
        """The link with the outcome of every test, in the state that follows from them."""
        link = replace(
            link,
            roles={role: self.terms.role(role) for role in Role},
            principal=self.terms.worker,
            observer=self.terms.observer,
            partition=self.terms.partition,
        )
        found = Found()
        sessions: dict[Role, CloudSession] = {}
        taken = {role: self._taken(link, role, sessions) for role in ASSUMED if self._is_mine(role)}
        # What is read says how each finding is mended, so it comes first; people are told of the roles first.
        read = list(self._read(link, sessions[Role.OBSERVER], found)) if Role.OBSERVER in sessions else []
        checks: list[Check] = []
        for role, check in taken.items():
            checks += [check, *(self._taken_weaker(link, role, found) if role in sessions else ())]
        checks += [*self._never_taken(link, found), *read]
        for role, session in sessions.items():
            tests = probes.of(role, self.terms, self.ids())
            checks += [self._probed(test, role, session, link, found) for test in tests]
        if Role.PROVISIONER in sessions:
            checks += self._tried(link, sessions[Role.PROVISIONER], found)
        checks = [replace(check, by=self.principal) for check in checks]
        checks += self._by_others(link)
        at = self.clock()
        state = state_of(checks, link.state)
        is_proven = all(check.outcome in (OK, OLDER) for check in checks)
        stack = found.stack
        return replace(
            link,
            state=state,
            checks=tuple(checks),
            tried_at=at,
            verified_at=at if is_proven else link.verified_at,
            template_digest=found.digest if stack else link.template_digest,
            made_from=found.digest if found.digest == self.template.digest else link.made_from,
            artifact_bucket=stack.outputs.get("ArtifactBucket", "") if stack else link.artifact_bucket,
            missing=found.missing if stack or found.missing else link.missing,
        )

    def _is_mine(self, role: Role) -> bool:
        return self.principal == self._taker(role)

    def _taker(self, role: Role) -> str:
        """The ARN of the role of csoc that takes a role of a link."""
        return self.terms.observer if role is Role.OBSERVER else self.terms.worker

    # Taking roles

    def _taken(self, link: Link, role: Role, sessions: dict[Role, CloudSession]) -> Check:
        taken = self._take(unproven(link, role, self.person, self.run), link.region)
        name = taking(role)
        if isinstance(taken, CsocError):
            outcome, fix = (WRONG, _make_stack(link)) if isinstance(taken, DeniedError) else (UNKNOWN, taken.fix)
            return Check(name, SUCCEED, outcome, taken.cause, fix, role=role)
        try:
            caller = taken.caller()
        except CsocError as error:
            return Check(name, SUCCEED, UNKNOWN, error.cause, error.fix, role=role)
        if caller.account_id != link.account_id:
            where = f"The session is in the account {caller.account_id}, not in {link.account_id}"
            fix = "Make the link's stack in the account that the Account names"
            return Check(name, SUCCEED, WRONG, where, fix, role=role)
        sessions[role] = taken
        return Check(name, SUCCEED, OK, role=role)

    def _taken_weaker(self, link: Link, role: Role, found: Found) -> Iterator[Check]:
        right = unproven(link, role, self.person, self.run)
        weaker = (
            ("without the ExternalId", replace(right, external_id=""), "Anybody who may name csoc's role gets in: "
             "the trust policy does not ask for sts:ExternalId"),
            ("with another ExternalId", replace(right, external_id=self.external_ids()), "The trust policy takes any "
             "ExternalId"),
            ("without a person's name", replace(right, source_identity=""), "The trust policy does not ask for "
             "sts:SourceIdentity, so CloudTrail would not say who"),
        )  # fmt: skip
        for how, request, meaning in weaker:
            yield self._refused(f"{role} role, {how}", role, request, link, meaning, found)

    def _never_taken(self, link: Link, found: Found) -> list[Check]:
        if self.principal not in (self.terms.worker, self.terms.observer):
            return []
        role = Role.EXECUTION
        request = replace(unproven(link, Role.OBSERVER, self.person, self.run), role_arn=link.roles[role])
        meaning = "csoc itself could do what only CloudFormation may, past every plan"
        return [self._refused("execution role, by csoc", role, request, link, meaning, found)]

    def _refused(self, name: str, role: Role, request: SessionRequest, link: Link, meaning: str, found: Found) -> Check:
        taken = self._take(request, link.region)
        if isinstance(taken, DeniedError):
            return Check(name, FAIL, OK, role=role)
        if isinstance(taken, CsocError):
            return Check(name, FAIL, UNKNOWN, taken.cause, taken.fix, role=role)
        # What lets csoc in without asking for what it should is mended with the role's trust policy.
        return found.wrong(name, FAIL, meaning, link, role, found.trusts.get(role, ""))

    def _take(self, request: SessionRequest, region: str) -> CloudSession | CsocError:
        try:
            return self.cloud.assume(request, region)
        except CsocError as error:
            return error

    # Reading

    def _read(self, link: Link, session: CloudSession, found: Found) -> Iterator[Check]:
        stack = self._read_stack(link, session, found)
        # What the account's owner gave and no document names any more is no reason to distrust them.
        granted = reads_of_stack(found.stack.parameters) if found.stack is not None else Reads()
        terms = replace(self.terms, reads=self.terms.reads | granted)
        may = {one.role: one for one in roles(terms)}
        found.compare(link.made_from, self.template.digest, terms)
        for documents in roles(self.terms):
            yield from self._read_role(link, session, documents, may[documents.role], found)
        yield self._read_boundary(link, session, found)
        yield _of_its_day(stack, link, found)

    def _read_boundary(self, link: Link, session: CloudSession, found: Found) -> Check:
        try:
            written = session.policy(self.terms.boundary)
        except CsocError as error:
            return self._unread(_BOUNDARY, FAIL, "what the roles of its stacks may have at most", link, error, found)
        if written is None:
            return found.gone(_BOUNDARY, "The boundary is gone", link)
        more = _sentence(surplus_of_policy(boundary_document(self.terms), written))
        earlier = found.earlier.boundary if found.earlier is not None else None
        if not more:
            return Check(_BOUNDARY, FAIL, OK)
        if earlier is not None and not surplus_of_policy(earlier, written):
            return older(_BOUNDARY, more, link)
        wanted = earlier or boundary_document(self.terms)
        commands = restoring.policy_commands(self.terms.boundary, wanted, written)
        return found.wrong(_BOUNDARY, FAIL, f"{more}{found.changed}", link, commands=commands)

    def _read_role(
        self, link: Link, session: CloudSession, documents: RoleDocuments, may: RoleDocuments, found: Found
    ) -> Iterator[Check]:
        """documents: what the role must be able to do. may: what it can have at most."""
        asked = documents.role
        trusts, rights = f"{asked} role, trust of anybody else", f"{asked} role, rights beyond the template"
        try:
            role = session.role(names.link_role(self.terms.installation, asked))
        except CsocError as error:
            yield self._unread(trusts, FAIL, f"whom the {asked} role trusts", link, error, found, asked)
            yield self._unread(rights, FAIL, f"what the {asked} role may do", link, error, found, asked)
            return
        earlier = found.earlier.roles.get(asked) if found.earlier is not None else None
        if role is None and found.earlier is not None and earlier is None:
            why = f"The older template makes no {asked} role"
            yield Check(trusts, FAIL, OLDER, why, restoring.update(link), role=asked)
            found.missing.update({one.feature.name: one.paste for one in missing(documents, RoleFacts("", {}, 0))})
            return
        if role is None or role.arn != link.roles[asked]:
            why = "The role is gone" if role is None else f"The role is {role.arn}, not {link.roles[asked]}"
            yield found.gone(trusts, why, link, asked)
            return
        base = earlier.documents if earlier is not None else may
        longest = earlier.longest_session_seconds if earlier is not None else LONGEST_SESSION_SECONDS
        stack = self.template.stack
        found.trusts[asked] = restoring.trust_commands(self.terms, link, stack, base, role, longest)
        found.rights[asked] = restoring.rights_commands(self.terms, base, role, is_older=earlier is not None)
        yield self._read_trust(trusts, link, documents, role, earlier, found)
        more = _sentence(surplus(may, role))
        if not more:
            yield Check(rights, FAIL, OK, role=asked)
        elif earlier is not None and not surplus(earlier.documents, role):
            yield older(rights, more, link, asked)
        else:
            yield found.wrong_rights(rights, FAIL, f"{more}{found.changed}", link, asked)
        found.missing.update({one.feature.name: one.paste for one in missing(documents, role)})

    def _read_trust(
        self,
        name: str,
        link: Link,
        documents: RoleDocuments,
        role: RoleFacts,
        earlier: EarlierRole | None,
        found: Found,
    ) -> Check:
        if not same_trust(documents.trust, role.trust):
            why = _whom(role.trust, documents.trust)
        elif role.longest_session_seconds > LONGEST_SESSION_SECONDS:
            why = f"Its sessions may last {role.longest_session_seconds} s; {LONGEST_SESSION_SECONDS} are agreed"
        else:
            return Check(name, FAIL, OK, role=documents.role)
        is_older = (
            earlier is not None
            and same_trust(earlier.documents.trust, role.trust)
            and role.longest_session_seconds <= earlier.longest_session_seconds
        )
        if is_older and not _principals(role.trust) <= _principals(documents.trust):
            past = f"{why}. The older template names what csoc was then"
            return Check(name, FAIL, WRONG, past, restoring.update(link), role=documents.role)
        if is_older:
            return older(name, why, link, documents.role)
        commands = found.trusts[documents.role]
        return found.wrong(name, FAIL, f"{why}{found.changed}", link, documents.role, commands)

    def _read_stack(self, link: Link, session: CloudSession, found: Found) -> Check:
        try:
            stack = session.stack_of(names.link_role(self.terms.installation, Role.OBSERVER), link.region)
        except NotFoundError as error:
            fix = f"Make it in {link.region}, from the template of `csoc account link {link.account}`"
            return Check(STACK, SUCCEED, WRONG, f"No stack of {link.region} made these roles: {error.cause}", fix)
        except CsocError as error:
            return self._unread(STACK, SUCCEED, "which stack made the roles", link, error, found)
        found.stack = stack
        if stack.parameters.get("ExternalId", "") != link.external_id:
            why = "The stack has another ExternalId than csoc made"
            return Check(STACK, SUCCEED, WRONG, why, restoring.update(link))
        return Check(STACK, SUCCEED, OK, "" if found.digest == self.template.digest else "an update is available")

    def _unread(
        self, name: str, expectation: str, what: str, link: Link, error: CsocError, found: Found, role: str = ""
    ) -> Check:
        """A test that rests on what could not be read. The template lets the observer read it, so a denial is what
        somebody did, and what is hidden from csoc is taken for wrong."""
        if not isinstance(error, DeniedError):
            return Check(name, expectation, UNKNOWN, error.cause, error.fix, role=role)
        # Once, since it is long.
        commands = "" if found.is_hidden else restoring.seeing_commands(self.terms)
        found.is_hidden = True
        why = f"Nobody can judge {what}, since AWS denies it: {error.cause}"
        return Check(name, expectation, WRONG, why, restoring.unseen(link), commands, role)

    # Trying

    def _probed(self, test: probes.Attempt, role: Role, session: CloudSession, link: Link, found: Found) -> Check:
        result = session.probe(test.probe, link.region)
        expected = test.expectation == SUCCEED
        if result.allowed is None:
            return Check(test.name, test.expectation, UNKNOWN, result.detail, "Try again", role=role)
        if result.allowed == expected:
            return Check(test.name, test.expectation, OK, role=role)
        detail = test.meaning if not expected else f"{test.meaning}: {result.detail}"
        left = f". It could not be taken back: {result.left}" if result.left else ""
        return found.wrong_rights(test.name, test.expectation, detail + left, link, role)

    def _tried(self, link: Link, session: CloudSession, found: Found) -> Iterator[Check]:
        good = session.try_stack(probes.trial(self.terms, self.ids(), bounded=True), link.region, TRIAL_SECONDS)
        name, role = "stack of this installation", Role.PROVISIONER
        if good.made is None or good.left:
            why = good.detail or f"Left: {good.left}"
            yield Check(name, SUCCEED, UNKNOWN, why, restoring.update(link), role=role)
        elif good.made:
            yield Check(name, SUCCEED, OK, good.detail, role=role)
        else:
            yield found.wrong_rights(name, SUCCEED, good.detail, link, role)
        bad = session.try_stack(probes.trial(self.terms, self.ids(), bounded=False), link.region, TRIAL_SECONDS)
        name, role = "role without the boundary, by CloudFormation", Role.EXECUTION
        if bad.made:
            told = "The execution role makes roles without the boundary, so a stack could make an administrator"
            left = f". It could not be taken back: {bad.left}" if bad.left else ". It was deleted again"
            yield found.wrong_rights(name, FAIL, told + left, link, role)
        elif bad.made is False and "iam:CreateRole" in bad.detail:
            yield Check(name, FAIL, OK, role=role)
        else:
            yield Check(name, FAIL, UNKNOWN, bad.detail, "The other findings say why; then verify again", role=role)

    def _by_others(self, link: Link) -> list[Check]:
        """Tests of roles that another principal of csoc takes: as it left them, or to be made by it. What this one made
        and makes no more is gone, and so is what nobody knows the maker of."""
        others = {role: self._taker(role) for role in ASSUMED if not self._is_mine(role)}
        result = [check for check in link.checks if check.by in others.values() and check.outcome != UNKNOWN]
        known = {check.name for check in result}
        for role, who in others.items():
            if taking(role) not in known:
                fix = f"Run `csoc account verify {link.account}` as {who} too"
                why = f"Only {who} can take it"
                result.append(Check(taking(role), SUCCEED, UNKNOWN, why, fix, role=role, by=self.principal))
        return result


def taking(role: str) -> str:
    """The name of the test that takes a role of a link as it is to be taken."""
    return f"{role} role, with the ExternalId"


def state_of(checks: list[Check], before: LinkState) -> LinkState:
    """What the checks say about a link. What could not be found out changes nothing."""
    wrong = [check for check in checks if check.outcome == WRONG]
    if any(check.expectation == FAIL for check in wrong):
        return LinkState.WEAKENED
    if wrong:
        return LinkState.BROKEN
    return LinkState.VERIFIED if checks and all(check.outcome in (OK, OLDER) for check in checks) else before


def _of_its_day(stack: Check, link: Link, found: Found) -> Check:
    """The test of the stack, with what an older template means."""
    if stack.outcome != OK or not found.is_older:
        return stack
    lacking = f". What lacks rights: {', '.join(sorted(found.missing))}" if found.missing else ""
    detail = f"Its template is the one that csoc made it from, and this csoc has another{lacking}"
    return Check(stack.name, stack.expectation, OLDER, detail, restoring.update(link))


def _principals(trust: Document) -> frozenset[str]:
    """Whom a trust policy names, of those that a template has."""
    return frozenset(json.dumps(one.get("Principal"), sort_keys=True) for one in trust["Statement"])


def _whom(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """What is wrong with a trust policy, in words."""
    text = json.dumps(found.get("Statement", ""))
    if '"*"' in text:
        return "It trusts anybody"
    wanted = expected["Statement"][0]["Principal"].get("AWS", "")
    if wanted and wanted not in text:
        return f"It does not trust {wanted}, but somebody else"
    return "Its trust policy is not the template's"


def _sentence(parts: tuple[str, ...]) -> str:
    text = "; ".join(parts[:3]) + (f"; and {len(parts) - 3} more" if len(parts) > 3 else "")
    return text[:1].upper() + text[1:]


def _make_stack(link: Link) -> str:
    return f"Make the stack as `csoc account link {link.account}` says, wait until it is complete, then verify again"

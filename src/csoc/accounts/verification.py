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
from dataclasses import dataclass, field, replace
from typing import Any

from csoc.accounts import names, probes, restoring
from csoc.accounts.cloud import CloudAccounts, CloudSession, RoleFacts, SessionRequest, StackFacts, Trial
from csoc.accounts.earlier import EarlierTemplate, read_template
from csoc.accounts.features import missing, same_trust, surplus, surplus_of_policy
from csoc.accounts.links import OLDER, Check, Link, LinkState, Role
from csoc.accounts.roles import ASSUMED, LONGEST_SESSION_SECONDS, RoleDocuments, boundary_document, roles
from csoc.accounts.sessions import unproven
from csoc.accounts.template import LinkTemplate, reads_of_stack
from csoc.accounts.terms import Document, Reads, Terms
from csoc.clock import Clock, Ids
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError

STACK, _TRUST = "stack of the link", "trust of anybody else"
OK, WRONG, UNKNOWN = "ok", "wrong", "could not find out"
SUCCEED, FAIL = "must succeed", "must fail"
TRIAL_SECONDS = 300
_PAST_THE_STACK = ". Somebody changed it past the stack, whose template is as csoc made it"


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
        found = _Found()
        checks: list[Check] = []
        sessions: dict[Role, CloudSession] = {}
        for role in ASSUMED:
            if self._is_mine(role):
                checks += self._taking(link, role, sessions)
        checks += self._never_taken(link)
        if Role.OBSERVER in sessions:
            checks += self._read(link, sessions[Role.OBSERVER], found)
        for role, session in sessions.items():
            checks += [self._probed(one, session, link.region) for one in probes.of(role, self.terms, self.ids())]
        if Role.PROVISIONER in sessions:
            checks += self._tried(link, sessions[Role.PROVISIONER])
        checks = [_past_the_stack(check, link, found) for check in checks]
        hidden = next((at for at, check in enumerate(checks) if check.fix == restoring.unseen(link)), None)
        if hidden is not None:  # once, since it is long
            checks[hidden] = replace(checks[hidden], commands=restoring.seeing_commands(self.terms))
        checks += self._by_others(link, {check.name for check in checks})
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
        return self.principal == (self.terms.observer if role is Role.OBSERVER else self.terms.worker)

    # Taking roles

    def _taking(self, link: Link, role: Role, sessions: dict[Role, CloudSession]) -> Iterator[Check]:
        right = unproven(link, role, self.person, self.run)
        taken = self._take(right, link.region)
        name = f"{role} role, with the ExternalId"
        if isinstance(taken, CsocError):
            denied = isinstance(taken, DeniedError)
            yield Check(
                name, SUCCEED, WRONG if denied else UNKNOWN, taken.cause, _make_stack(link) if denied else taken.fix
            )
            return
        try:
            caller = taken.caller()
        except CsocError as error:
            yield Check(name, SUCCEED, UNKNOWN, error.cause, error.fix)
            return
        if caller.account_id != link.account_id:
            where = f"The session is in the account {caller.account_id}, not in {link.account_id}"
            yield Check(name, SUCCEED, WRONG, where, "Make the link's stack in the account that the Account names")
            return
        sessions[role] = taken
        yield Check(name, SUCCEED, OK)
        weaker = (
            ("without the ExternalId", replace(right, external_id=""), "Anybody who may name csoc's role gets in: "
             "the trust policy does not ask for sts:ExternalId"),
            ("with another ExternalId", replace(right, external_id=self.external_ids()), "The trust policy takes any "
             "ExternalId"),
            ("without a person's name", replace(right, source_identity=""), "The trust policy does not ask for "
             "sts:SourceIdentity, so CloudTrail would not say who"),
        )  # fmt: skip
        for how, request, meaning in weaker:
            yield self._refused(f"{role} role, {how}", request, link, meaning)

    def _never_taken(self, link: Link) -> list[Check]:
        if self.principal not in (self.terms.worker, self.terms.observer):
            return []
        request = replace(unproven(link, Role.OBSERVER, self.person, self.run), role_arn=link.roles[Role.EXECUTION])
        meaning = "csoc itself could do what only CloudFormation may, past every plan"
        return [self._refused("execution role, by csoc", request, link, meaning)]

    def _refused(self, name: str, request: SessionRequest, link: Link, meaning: str) -> Check:
        taken = self._take(request, link.region)
        if isinstance(taken, DeniedError):
            return Check(name, FAIL, OK)
        if isinstance(taken, CsocError):
            return Check(name, FAIL, UNKNOWN, taken.cause, taken.fix)
        return Check(name, FAIL, WRONG, meaning, restoring.update(link))

    def _take(self, request: SessionRequest, region: str) -> CloudSession | CsocError:
        try:
            return self.cloud.assume(request, region)
        except CsocError as error:
            return error

    # Reading

    def _read(self, link: Link, session: CloudSession, found: _Found) -> Iterator[Check]:
        stack = self._read_stack(link, session, found)
        # What the account's owner gave and no document names any more is no reason to distrust them.
        granted = reads_of_stack(found.stack.parameters) if found.stack is not None else Reads()
        terms = replace(self.terms, reads=self.terms.reads | granted)
        may = {one.role: one for one in roles(terms)}
        found.compare(link.made_from, self.template.digest, terms)
        for documents in roles(self.terms):
            yield from self._read_role(link, session, documents, may[documents.role], found)
        name = "boundary, as in the template"
        try:
            written = session.policy(self.terms.boundary)
        except CsocError as error:
            yield self._unread(name, FAIL, "what the roles of its stacks may have at most", link, error)
        else:
            if written is None:
                yield Check(name, FAIL, WRONG, "The boundary is gone", restoring.update(link))
            else:
                more = surplus_of_policy(boundary_document(self.terms), written)
                earlier = found.earlier.boundary if found.earlier is not None else None
                is_older = earlier is not None and not surplus_of_policy(earlier, written)
                wanted = earlier or boundary_document(self.terms)
                found.commands[name] = restoring.policy_commands(self.terms.boundary, wanted, written)
                yield self._compared(name, _sentence(more), link, found, is_older=is_older)
        yield _of_its_day(stack, link, found)

    def _read_role(
        self, link: Link, session: CloudSession, documents: RoleDocuments, may: RoleDocuments, found: _Found
    ) -> Iterator[Check]:
        """documents: what the role must be able to do. may: what it can have at most."""
        trusts, rights = (
            f"{documents.role} role, {_TRUST}",
            f"{documents.role} role, rights beyond the template",
        )
        try:
            role = session.role(names.link_role(self.terms.installation, documents.role))
        except CsocError as error:
            yield self._unread(trusts, FAIL, f"whom the {documents.role} role trusts", link, error)
            yield self._unread(rights, FAIL, f"what the {documents.role} role may do", link, error)
            return
        earlier = found.earlier.roles.get(documents.role) if found.earlier is not None else None
        if role is None and found.earlier is not None and earlier is None:
            yield Check(trusts, FAIL, OLDER, f"The older template makes no {documents.role} role", _update(link))
            found.missing.update({one.feature.name: one.paste for one in missing(documents, RoleFacts("", {}, 0))})
            return
        if role is None or role.arn != link.roles[documents.role]:
            why = "The role is gone" if role is None else f"The role is {role.arn}, not {link.roles[documents.role]}"
            yield Check(trusts, FAIL, WRONG, why, restoring.update(link))
            return
        base = earlier.documents if earlier is not None else may
        longest = earlier.longest_session_seconds if earlier is not None else LONGEST_SESSION_SECONDS
        stack = self.template.stack
        found.commands[trusts] = restoring.trust_commands(self.terms, link, stack, base, role, longest)
        found.commands[rights] = restoring.rights_commands(self.terms, base, role, is_older=earlier is not None)
        why = ""
        if not same_trust(documents.trust, role.trust):
            why = _whom(role.trust, documents.trust)
        elif role.longest_session_seconds > LONGEST_SESSION_SECONDS:
            why = f"Its sessions may last {role.longest_session_seconds} s; {LONGEST_SESSION_SECONDS} are agreed"
        is_older = (
            earlier is not None
            and same_trust(earlier.documents.trust, role.trust)
            and role.longest_session_seconds <= earlier.longest_session_seconds
        )
        if is_older and not _principals(role.trust) <= _principals(documents.trust):
            yield Check(
                trusts, FAIL, WRONG, f"{why}. The older template names what csoc was then", restoring.update(link)
            )
        else:
            yield self._compared(trusts, why, link, found, is_older=is_older)
        more = _sentence(surplus(may, role))
        is_older = earlier is not None and not surplus(earlier.documents, role)
        yield self._compared(rights, more, link, found, is_older=is_older)
        found.missing.update({one.feature.name: one.paste for one in missing(documents, role)})

    def _compared(self, name: str, why: str, link: Link, found: _Found, *, is_older: bool) -> Check:
        """why: what is not as in today's template; "" if nothing is. is_older: it is as in the one of its day."""
        if not why:
            return Check(name, FAIL, OK)
        if is_older:
            return Check(name, FAIL, OLDER, f"{why}: the older template gives that", _update(link))
        return Check(name, FAIL, WRONG, f"{why}{found.changed}", restoring.update(link))

    def _read_stack(self, link: Link, session: CloudSession, found: _Found) -> Check:
        name = STACK
        try:
            stack = session.stack_of(names.link_role(self.terms.installation, Role.OBSERVER), link.region)
        except NotFoundError as error:
            fix = f"Make it in {link.region}, from the template of `csoc account link {link.account}`"
            return Check(name, SUCCEED, WRONG, f"No stack of {link.region} made these roles: {error.cause}", fix)
        except CsocError as error:
            return self._unread(name, SUCCEED, "which stack made the roles", link, error)
        found.stack = stack
        given = stack.parameters.get("ExternalId", "")
        if given != link.external_id:
            return Check(
                name, SUCCEED, WRONG, "The stack has another ExternalId than csoc made", restoring.update(link)
            )
        return Check(name, SUCCEED, OK, "" if found.digest == self.template.digest else "an update is available")

    def _unread(self, name: str, expectation: str, what: str, link: Link, error: CsocError) -> Check:
        """A test that rests on what could not be read. The template lets the observer read it, so a denial is what
        somebody did, and what is hidden from csoc is taken for wrong."""
        if not isinstance(error, DeniedError):
            return Check(name, expectation, UNKNOWN, error.cause, error.fix)
        return Check(
            name,
            expectation,
            WRONG,
            f"Nobody can judge {what}, since AWS denies it: {error.cause}",
            restoring.unseen(link),
        )

    # Trying

    def _probed(self, test: probes.Attempt, session: CloudSession, region: str) -> Check:
        result = session.probe(test.probe, region)
        expected = test.expectation == SUCCEED
        if result.allowed is None:
            return Check(test.name, test.expectation, UNKNOWN, result.detail, "Try again")
        if result.allowed == expected:
            return Check(test.name, test.expectation, OK)
        detail = test.meaning if not expected else f"{test.meaning}: {result.detail}"
        left = f". It could not be taken back: {result.left}" if result.left else ""
        return Check(test.name, test.expectation, WRONG, detail + left, test.fix)

    def _tried(self, link: Link, session: CloudSession) -> Iterator[Check]:
        fix = restoring.update(link)
        good = session.try_stack(self._trial(self.ids(), bounded=True), link.region, TRIAL_SECONDS)
        outcome = UNKNOWN if good.made is None or good.left else OK if good.made else WRONG
        left = f"Left: {good.left}" if good.left else ""
        yield Check("stack of this installation", SUCCEED, outcome, good.detail or left, fix if outcome != OK else "")
        bad = session.try_stack(self._trial(self.ids(), bounded=False), link.region, TRIAL_SECONDS)
        name = "role without the boundary, by CloudFormation"
        if bad.made:
            told = "The execution role makes roles without the boundary, so a stack could make an administrator"
            left = f". It could not be taken back: {bad.left}" if bad.left else ". It was deleted again"
            yield Check(name, FAIL, WRONG, told + left, fix)
        elif bad.made is False and "iam:CreateRole" in bad.detail:
            yield Check(name, FAIL, OK)
        else:
            yield Check(name, FAIL, UNKNOWN, bad.detail, "The other findings say why; then verify again")

    def _trial(self, uid: str, *, bounded: bool) -> Trial:
        """A stack with what every layer has: a parameter that passes something on, and a role."""
        role: dict[str, Any] = {
            "RoleName": f"csoc-{uid}-verify",
            "Path": f"/csoc/{uid}/",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            },
        }
        if bounded:
            role["PermissionsBoundary"] = self.terms.boundary
        resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}
        if bounded:
            resources["Parameter"] = {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": f"/csoc/{uid}/verify/Works", "Type": "String", "Value": "yes"},
            }
        tags = {names.INSTALLATION_TAG: self.terms.installation, names.OWNER_TAG: uid, names.LAYER_TAG: "verify"}
        return Trial(f"csoc-{uid}-verify", json.dumps({"Resources": resources}), self.terms.role(Role.EXECUTION), tags)

    def _by_others(self, link: Link, done: set[str]) -> list[Check]:
        """Tests of roles that another principal of csoc takes: as it left them, or to be made by it."""
        others = [role for role in ASSUMED if not self._is_mine(role)]
        if not others:
            return []
        kept = [check for check in link.checks if check.name not in done and check.outcome != UNKNOWN]
        known = {check.name for check in kept}
        result = list(kept)
        for role in others:
            name = f"{role} role, with the ExternalId"
            if name not in known:
                who = self.terms.observer if role is Role.OBSERVER else self.terms.worker
                fix = f"Run `csoc account verify {link.account}` as {who} too"
                result.append(Check(name, SUCCEED, UNKNOWN, f"Only {who} can take it", fix))
        return result


@dataclass(slots=True)
class _Found:
    """What reading an account brought besides the checks."""

    stack: StackFacts | None = None
    missing: dict[str, str] = field(default_factory=dict)
    earlier: EarlierTemplate | None = None
    is_older: bool = False
    changed: str = ""
    commands: dict[str, str] = field(default_factory=dict)
    """By the name of a test: what takes back what it found."""

    @property
    def is_past_the_stack(self) -> bool:
        """True if an update of the stack with csoc's template would change nothing of what is wrong."""
        return self.changed == _PAST_THE_STACK

    @property
    def digest(self) -> str:
        return LinkTemplate(self.stack.template, self.stack.name).digest if self.stack else ""

    def compare(self, made_from: str, today: str, terms: Terms) -> None:
        """Whose template the stack has: today's, the one of csoc's that the link was made from, or somebody else's.
        earlier: what it gives in the second case, unless this csoc cannot tell. changed: what a difference means."""
        if self.stack is None:
            return
        self.is_older = self.digest == made_from != today
        if self.digest not in (made_from, today):
            self.changed = ". Somebody changed the stack: its template is none that csoc made for this link"
            return
        self.changed = _PAST_THE_STACK
        if not self.is_older:
            return
        try:
            self.earlier = read_template(self.stack.template, terms)
        except RejectedError:
            self.changed = ". The stack has an older template, which this csoc does not understand"


def _past_the_stack(check: Check, link: Link, found: _Found) -> Check:
    """A finding with the fix that helps where the stack is as csoc made it. What lets csoc in without asking for what
    it should is mended with the role's trust policy."""
    is_by_stack = check.fix in (restoring.update(link), probes.UPDATE)
    if check.outcome != WRONG or not is_by_stack or not found.is_past_the_stack or check.name == STACK:
        return check
    role = check.name.partition(" role, ")[0]
    commands = found.commands.get(check.name) or found.commands.get(f"{role} role, {_TRUST}", "")
    if commands:
        return replace(check, fix=restoring.by_hand(link), commands=commands)
    return replace(check, fix=restoring.anew(link))


def state_of(checks: list[Check], before: LinkState) -> LinkState:
    """What the checks say about a link. What could not be found out changes nothing."""
    wrong = [check for check in checks if check.outcome == WRONG]
    if any(check.expectation == FAIL for check in wrong):
        return LinkState.WEAKENED
    if wrong:
        return LinkState.BROKEN
    return LinkState.VERIFIED if checks and all(check.outcome in (OK, OLDER) for check in checks) else before


def _of_its_day(stack: Check, link: Link, found: _Found) -> Check:
    """The test of the stack, with what an older template means."""
    if stack.outcome != OK or not found.is_older:
        return stack
    lacking = f". What lacks rights: {', '.join(sorted(found.missing))}" if found.missing else ""
    detail = f"Its template is the one that csoc made it from, and this csoc has another{lacking}"
    return Check(stack.name, stack.expectation, OLDER, detail, _update(link))


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


def _update(link: Link) -> str:
    return (
        f"Update the stack: `csoc account link {link.account}` prints the commands that do it; "
        f"then `csoc account verify {link.account}`"
    )

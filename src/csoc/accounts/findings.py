"""What reading a linked account brought, and from it how each thing that is wrong is mended.

An update of the link's stack mends what its template makes. It leaves what somebody changed past the stack, which wants
the commands of `restoring`; so what is found is told with the fix that helps, never by the words of another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from csoc.accounts import restoring
from csoc.accounts.cloud import StackFacts
from csoc.accounts.earlier import EarlierTemplate, read_template
from csoc.accounts.links import FAIL, OLDER, WRONG, Check, Link, Role
from csoc.accounts.template import LinkTemplate
from csoc.accounts.terms import Terms
from csoc.errors import RejectedError

_PAST_THE_STACK = ". Somebody changed it past the stack, whose template is as csoc made it"


@dataclass(slots=True)
class Found:
    """What reading an account brought besides the checks. trusts, rights: the commands that put back whom a role trusts
    and what it may, "" for nothing to put back. is_hidden: the observer may not look at something."""

    stack: StackFacts | None = None
    missing: dict[str, str] = field(default_factory=dict)
    earlier: EarlierTemplate | None = None
    is_older: bool = False
    is_hidden: bool = False
    changed: str = ""
    trusts: dict[Role, str] = field(default_factory=dict)
    rights: dict[Role, str] = field(default_factory=dict)
    _rights_shown: dict[Role, str] = field(default_factory=dict)

    @property
    def is_past_the_stack(self) -> bool:
        """True if somebody changed what is wrong, and not the stack's template, so that an update may leave it."""
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

    def wrong(self, name: str, expectation: str, detail: str, link: Link, role: str = "", commands: str = "") -> Check:
        """A finding that the link's stack mends, or, where it was changed past the stack, these commands."""
        if commands and self.is_past_the_stack:
            return Check(name, expectation, WRONG, detail, restoring.by_hand(link), commands, role)
        # What an older template gives, an update takes away.
        is_by_hand = self.is_past_the_stack and not self.is_older
        fix = restoring.anew(link) if is_by_hand else restoring.update(link)
        return Check(name, expectation, WRONG, detail, fix, role=role)

    def gone(self, name: str, detail: str, link: Link, role: str = "") -> Check:
        """A finding that something which the link's stack made is there no more."""
        fix = restoring.anew(link) if self.is_past_the_stack else restoring.update(link)
        return Check(name, FAIL, WRONG, detail, fix, role=role)

    def wrong_rights(self, name: str, expectation: str, detail: str, link: Link, role: Role) -> Check:
        """The same for what a role may do, with its commands in the first of its findings alone."""
        commands = self.rights.get(role, "")
        first = self._rights_shown.setdefault(role, name)
        if self.is_past_the_stack and commands and first != name:
            return Check(name, expectation, WRONG, detail, restoring.as_shown(link, first), role=role)
        return self.wrong(name, expectation, detail, link, role, commands)


def older(name: str, why: str, link: Link, role: str = "") -> Check:
    """A test that finds what the template of its day gives. why: what is not as in today's."""
    detail = f"{why}: the older template gives that"
    return Check(name, FAIL, OLDER, detail, restoring.update(link), role=role)

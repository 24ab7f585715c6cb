"""Wildcards in actions, ARNs and principals.

Source: "IAM JSON policy elements: Resource", "Principal" and "Action", AWS IAM User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ACCOUNT = re.compile(r"[0-9]{12}")
# Stand in a pattern for a star and a question mark that mean themselves: what a policy variable was replaced with is no
# pattern, whoever chose its value.
STAR, QUESTION_MARK = "\ue000", "\ue001"
_LITERAL = {STAR: "*", QUESTION_MARK: "?"}


def literal(text: str) -> str:
    """A text as a part of a pattern that matches only itself."""
    return text.replace("*", STAR).replace("?", QUESTION_MARK)


def like(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """True if the text matches a pattern in which * stands for any text and ? for one character.

    Takes at most length times length steps, whatever the pattern is.
    """
    if ignore_case:
        pattern, text = pattern.lower(), text.lower()
    at = position = 0
    star, resume = -1, 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, position
            at += 1
        elif at < len(pattern) and (pattern[at] == "?" or _LITERAL.get(pattern[at], pattern[at]) == text[position]):
            at += 1
            position += 1
        elif star >= 0:
            resume += 1
            at, position = star + 1, resume
        else:
            return False
    return not pattern[at:].strip("*")


def action_matches(pattern: str, action: str) -> bool:
    """Actions are compared without regard to case."""
    return like(pattern, action, ignore_case=True)


def arn_matches(pattern: str, arn: str) -> bool:
    """ARNs are compared part by part: a star in one of the first five parts does not reach over a colon."""
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    if len(wanted) < 6 or len(given) < 6:
        return False
    return all(like(one, other) for one, other in zip(wanted, given, strict=True))


def resource_matches(pattern: str, resource: str) -> bool:
    """A Resource element and the ARN that is asked for. A star may span parts here."""
    return pattern == "*" or like(pattern, resource)


def names_all(
    wanted: Mapping[str, tuple[str, ...]], given: Mapping[str, frozenset[str]], whole: frozenset[str]
) -> bool:
    """True if a NotPrincipal element excepts the caller: for somebody in an account it must name all of `whole` (the
    account, the user or role, the session), else the caller's name."""
    if "*" in wanted or "*" in wanted.get("AWS", ()):
        return True
    if not whole:
        return principal_matches(wanted, given)
    named = {f"arn:aws:iam::{name}:root" if ACCOUNT.fullmatch(name) else name for name in wanted.get("AWS", ())}
    return whole <= named


def principal_matches(wanted: Mapping[str, tuple[str, ...]], given: Mapping[str, frozenset[str]]) -> bool:
    """wanted: a Principal element. given: names of the caller by kind; AWS: its ARNs (of the session, of the role, of
    the account's root) and account id."""
    if "*" in wanted:
        return True
    for kind, names in wanted.items():
        known = given.get(kind, frozenset())
        for name in names:
            if name == "*":
                if kind != "AWS" or known:
                    return True
            elif kind == "AWS" and ACCOUNT.fullmatch(name):
                if f"arn:aws:iam::{name}:root" in known:
                    return True
            elif name in known:
                return True
    return False

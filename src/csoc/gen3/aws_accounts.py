"""Ids of AWS accounts, alone and inside of ARNs."""

from __future__ import annotations

import re

from csoc.fleet.documents.base import ACCOUNT_ID

_ID = re.compile(ACCOUNT_ID)
_IN_ARN = re.compile(rf"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:({ACCOUNT_ID}):")


def is_account_id(text: str) -> bool:
    """True for 12 digits and nothing else."""
    return _ID.fullmatch(text) is not None


def account_of_arn(text: str) -> str:
    """The account that an ARN at the start of a text names, or ""."""
    found = _IN_ARN.match(text)
    return found[1] if found else ""


def account_in(text: str) -> str:
    """The account of the first ARN anywhere in a text, or ""."""
    found = _IN_ARN.search(text)
    return found[1] if found else ""

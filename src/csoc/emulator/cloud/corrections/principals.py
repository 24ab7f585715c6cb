"""Users and roles that a policy names have to exist when it is saved, in IAM and in the services that check it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends

_PERSON = re.compile(r"arn:aws:iam::(?P<account>[0-9]{12}):(?P<kind>role|user)/(?:.*/)?(?P<name>[^/]+)")


def missing_principal(document: str | Mapping[str, Any]) -> str:
    """The ARN of a user or role that a policy names and that does not exist; "" if all do, or if it is no policy.

    Source: IAM User Guide, "AWS JSON policy elements: Principal".
    """
    for arn in named_principals(document):
        person = _PERSON.fullmatch(arn)
        if person is None:
            continue
        backend = iam_backends[person["account"]]["aws"]
        known: Any = backend.users.values() if person["kind"] == "user" else backend.roles.values()
        if not any(found.arn == arn for found in known):
            return arn
    return ""


def named_principals(document: str | Mapping[str, Any]) -> Iterator[str]:
    """What a policy names as AWS principals."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return
    statements = document.get("Statement", ()) if isinstance(document, Mapping) else ()
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal") if isinstance(statement, Mapping) else None
        named = principal.get("AWS", ()) if isinstance(principal, Mapping) else ()
        yield from [named] if isinstance(named, str) else [name for name in named if isinstance(name, str)]

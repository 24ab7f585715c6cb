"""What a schema says of a text: how long it is, and what it looks like.

CloudFormation looks at both before it asks the service, so that a wrong name fails with its words, and not with those
of the service. It names the keyword and never the value, which may be a secret.

Source: CloudFormation User Guide, "Resource type schema", and the messages that it gives, as
aws-cloudformation/cloudformation-resource-schema#85 and aws-samples/retail-demo-store#508 quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.linearregex import Budget, Pattern, PatternError, Syntax, compile_pattern

# The schemas' own patterns are long, and as harmless as AWS makes them; the texts are anybody's.
_SYNTAX = Syntax(re2=True, length=20_000, states=20_000, depth=100)
_MOST_STEPS = 3_000_000
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})")
_REFERENCE = "{{resolve:"


def broken_limits(part: Mapping[str, Any], text: str) -> Iterator[str]:
    """What of a schema's part a text breaks, in CloudFormation's words without the place. A reference to a secret
    breaks nothing, since it is not the text that the service gets."""
    if _REFERENCE in text:
        return
    longest, shortest = part.get("maxLength"), part.get("minLength")
    if longest is not None and len(text) > longest:
        yield f"expected maxLength: {longest}, actual: {len(text)}"
    elif shortest is not None and len(text) < shortest:
        yield f"expected minLength: {shortest}, actual: {len(text)}"
    elif "pattern" in part:
        yield from _unlike(str(part["pattern"]), text)


def _unlike(pattern: str, text: str) -> Iterator[str]:
    compiled = compiled_pattern(pattern)
    if compiled is None:
        return
    try:
        found = compiled.matches(text, Budget(left=_MOST_STEPS))
    except RejectedError:
        yield "the emulator does not match the text with the schema's pattern any longer: it needs too much time"
        return
    if not found:
        yield "failed validation constraint for keyword [pattern]"


@lru_cache(maxsize=1_000)
def compiled_pattern(pattern: str) -> Pattern | None:
    """A pattern of a schema, which may match anywhere in a text; None if it cannot be matched in linear time, so that
    nothing is refused by it. Those are the few that look around, and one that counts beyond 1000."""
    # Java's spelling, in which AWS writes them, where RE2 has another.
    spelled = _UNICODE.sub(r"\\x{\1}", pattern).replace(r"\Z", r"\z").replace(r"\p{Print}", r"[ -~]")
    try:
        return compile_pattern(spelled, _SYNTAX, anywhere=True)
    except PatternError:
        return None

"""What people decided about findings: waivers, and the baseline of the first day.

Both live in Git, so that a decision not to mend something has an author, a review and an end.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from csoc.fleet.documents.base import (
    COMMIT_PATTERN,
    FINGERPRINT_PATTERN,
    Document,
    NameOrUnknown,
    Part,
    RecordMetadata,
    wrong_field,
)

_RULE_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def _pattern(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9.*?\[\]!-]{1,100}", value):
        raise ValueError("an environment's name, or a pattern with * and ?")
    return value


Rule = Annotated[str, Field(pattern=_RULE_PATTERN, max_length=100)]
Fingerprint = Annotated[str, Field(pattern=FINGERPRINT_PATTERN)]
EnvironmentPattern = Annotated[str, AfterValidator(_pattern)]


class Waiver(Part):
    """Somebody takes responsibility for a finding until a day."""

    rule: Rule
    """Id of the rule, as findings show it."""
    fingerprint: Fingerprint | None = None
    """Only the finding with this fingerprint; left out: every finding of the rule."""
    key: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """Only the finding with this key, as --json shows it; in place of the fingerprint."""
    environments: tuple[EnvironmentPattern, ...] = ()
    """Names of environments, or patterns with * and ?; left out: all."""
    reason: Annotated[str, Field(min_length=10, max_length=2000)]
    """Why it need not be mended now, in a sentence."""
    owner: Annotated[str, Field(min_length=2, max_length=200)]
    """Who answers for it: a person or a team."""
    expires: date
    """The last day on which it holds, e.g. 2027-03-31; at most a year away."""

    @model_validator(mode="after")
    def _one_cause(self) -> Waiver:
        if self.key is not None and self.fingerprint is not None:
            raise wrong_field("key", 'either "key" or "fingerprint", and not both')
        return self


class WaiversSpec(Part):
    """A list of waivers."""

    waivers: tuple[Waiver, ...]
    """The waivers."""


class Waivers(Document):
    """Findings that somebody takes responsibility for until a day."""

    kind: Literal["Waivers"]
    """Waivers"""
    metadata: RecordMetadata
    """Name, for errors and pages."""
    spec: WaiversSpec
    """The waivers."""


class KnownFinding(Part):
    """A finding that was there when the baseline was made."""

    rule: Rule
    """Id of the rule."""
    fingerprint: Fingerprint
    """The finding's fingerprint, the same as long as rule and cause are."""
    environments: tuple[NameOrUnknown, ...] = ()
    """Environments that had it; empty for a finding about the fleet itself."""
    cause: Annotated[str, Field(max_length=2000)] = ""
    """What was wrong, for readers; csoc does not compare it."""
    places: tuple[Annotated[str, Field(max_length=1000)], ...] | None = None
    """Where it stood, by key path (after the environment, where not all have it); left out: wherever it stands."""


class BaselineSpec(Part):
    """What was known on a day, and how it was found."""

    made_at: AwareDatetime
    """When it was made, with time zone."""
    commit: Annotated[str, Field(pattern=COMMIT_PATTERN)]
    """The commit that was checked."""
    csoc: Annotated[str, Field(min_length=1, max_length=50)]
    """Version of csoc whose rules ran, in quotes."""
    charts: tuple[Annotated[str, Field(min_length=1, max_length=500)], ...] = ()
    """Charts that environments were rendered with."""
    findings: tuple[KnownFinding, ...] = ()
    """What was found."""

    @property
    def made_on(self) -> date:
        """The day, in the time zone that it was written with."""
        return self.made_at.date()


class Baseline(Document):
    """Findings of the first day: known, and not counted again until somebody mends them."""

    kind: Literal["Baseline"]
    """Baseline"""
    metadata: RecordMetadata
    """Name, for errors and pages."""
    spec: BaselineSpec
    """What was known on a day, and how it was found."""

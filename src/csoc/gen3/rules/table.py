"""Every rule of csoc, in one visible table. Adding a rule touches its module, this table, and its test."""

from __future__ import annotations

from csoc.gen3.rules.model import Rule

RULES: tuple[Rule, ...] = ()

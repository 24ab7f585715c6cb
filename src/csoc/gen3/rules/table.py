"""Every rule of csoc, in one visible table. Adding a rule touches its module, this table, and its test."""

from __future__ import annotations

from csoc.gen3.rules import application_name_shared, chart_does_not_render, values_in_manifest_global
from csoc.gen3.rules.model import Rule

RULES: tuple[Rule, ...] = (
    application_name_shared.RULE,
    chart_does_not_render.RULE,
    values_in_manifest_global.RULE,
)

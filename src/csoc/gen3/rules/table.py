"""Every rule of csoc, in one visible table. Adding a rule touches its module, this table, and its test."""

from __future__ import annotations

from csoc.gen3.rules import (
    application_name_shared,
    bucket_shared,
    chart_does_not_render,
    chart_not_pinned,
    database_shared,
    hostname_shared,
    kubernetes_end_of_support,
    queue_shared,
    release_namespace_shared,
    search_index_shared,
    secret_shared,
    value_file_missing,
    values_in_manifest_global,
)
from csoc.gen3.rules.model import Rule

RULES: tuple[Rule, ...] = (
    application_name_shared.RULE,
    bucket_shared.RULE,
    chart_does_not_render.RULE,
    chart_not_pinned.RULE,
    database_shared.RULE,
    hostname_shared.RULE,
    kubernetes_end_of_support.RULE,
    queue_shared.RULE,
    release_namespace_shared.RULE,
    search_index_shared.RULE,
    secret_shared.RULE,
    value_file_missing.RULE,
    values_in_manifest_global.RULE,
)

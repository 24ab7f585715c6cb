"""Pages about rules, made from the table of rules: one a rule, and an index."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from csoc.cli.rules import all_rules, looks_at
from csoc.gen3 import rules as package
from csoc.gen3.own_rules import OWN_RULES
from csoc.gen3.rules.model import Rule
from csoc.gen3.views import HELM, MANIFEST

_SYSTEMS = {HELM: "the gen3 Helm chart", MANIFEST: "manifest.json of cloud-automation"}


def pages() -> dict[str, bytes]:
    """Path below docs/reference to content."""
    reasons = _reasons()
    found = all_rules()
    made = {f"rules/{rule.id}.md": _page(rule, reasons.get(rule.id, "")) for rule in found}
    return {path: text.encode() for path, text in {"rules/index.md": _index(found), **made}.items()}


def _reasons() -> dict[str, str]:
    """By id, what the module of a rule says about why it exists."""
    reasons = {}
    for item in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{item.name}")
        rule = getattr(module, "RULE", None)
        if isinstance(rule, Rule):
            reasons[rule.id] = inspect.cleandoc(module.__doc__ or "")
    return reasons


def _page(rule: Rule, reason: str) -> str:
    parts = [f"# {rule.title}", f"`{rule.id}` · {rule.severity.name.lower()} · looks at {looks_at(rule)}"]
    parts += [_plain(reason)] if reason else []
    parts += [f"**What happens otherwise.** {_plain(rule.consequence)}", f"**Fix.** {_plain(rule.fix)}"]
    if rule not in OWN_RULES:
        known = ", ".join(_SYSTEMS[system] for system in rule.systems)
        parts.append(f"Checked for {known}.")
    if rule.covers:
        parts.append(f"Covers: {', '.join(rule.covers)}; see [what rules answer](../misconfigurations.md).")
    parts.append(
        f"If it need not be mended: a [waiver](../documents.md) with `rule: {rule.id}`, a reason, an owner and a day."
    )
    return "\n\n".join(parts) + "\n"


def _index(found: list[Rule]) -> str:
    rows = "\n".join(
        f"| [{rule.id}]({rule.id}.md) | {rule.severity.name.lower()} | {_cell(rule.title)} | {looks_at(rule)} "
        f"| {', '.join(rule.covers)} |"
        for rule in found
    )
    return f"""\
# Rules

What `csoc check` looks for. Generated from `src/csoc/gen3/rules/table.py` by `make docs`; a test keeps it complete.

- critical: does not deploy, loses data, or gives access away
- high: something fails, or is exposed, under ordinary conditions
- medium: something does not work as its author thinks
- low: untidy, or will matter later
- info: worth knowing; nothing breaks

A severity is the usual one: a finding can be milder or worse where its own case is. "Covers" names what the rule
answers: M1 to M30 are the known ways to misconfigure the chart, other words are kinds of questions;
[what rules answer](../misconfigurations.md) has each in a sentence.

| rule | severity | finds | looks at | covers |
|---|---|---|---|---|
{rows}
"""


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return text.replace("<", "&lt;").replace("*", "\\*")


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")

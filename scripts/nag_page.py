"""Writes docs/reference/nag.md: what cdk-nag finds in the templates for AWS, explained or a gap.

Not among the other generated pages, since it makes the templates of all examples, which takes CDK and some seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from csoc_infra.explained import EXPLAINED
from tests.infra import nag

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "nag.md"

_HEAD = """# What cdk-nag finds in the templates

The templates that csoc makes for AWS, for clusters and environments in every size, are checked by cdk-nag. Written from
`src/csoc_infra/explained.py` and from what is found by `make docs`; a test keeps it in step.

## AwsSolutions: found and explained

| layer | rule | resources | why it stays |
|---|---|---|---|
"""
_GAPS = """
## NIST 800-53 revision 5: gaps

Nothing here is explained away: whoever has to meet these controls meets them in another way, or sees what is missing.

- VPCDefaultSecurityGroupClosed: a template cannot close the default group of a VPC without a function. Nothing that the
  layers make is in it; every interface has a group of its own.
- VPCNoUnrestrictedRouteToIGW: the public subnets' way out, which is what they are for.
- EC2RestrictedCommonPorts, EC2RestrictedSSH: the rule cannot read addresses that are a parameter.
- IAMNoInlinePolicy: each policy belongs to one role and goes with it.

| layer | rule | resources | sizes | what the rule wants |
|---|---|---|---|---|
"""


def page() -> str:
    """The page."""
    found = sorted(nag.findings())
    explained = "".join(f"| {' | '.join(row)} |\n" for row in sorted(set(_explained(found))))
    return _HEAD + explained + _GAPS + "".join(f"| {' | '.join(row)} |\n" for row in _gaps(found))


def _explained(found: Iterable[nag.Finding]) -> Iterator[tuple[str, str, str, str]]:
    for one in EXPLAINED:
        about = [finding for finding in found if nag.explains(one, finding)]
        rules = ", ".join(sorted({finding.rule.partition("[")[0] for finding in about}))
        yield one.layer, rules, _named(finding.where for finding in about), one.reason


def _gaps(found: Iterable[nag.Finding]) -> Iterator[tuple[str, ...]]:
    gaps = [one for one in found if one.pack != "AwsSolutions"]
    for layer, rule in sorted({(one.layer, one.rule) for one in gaps}):
        about = [one for one in gaps if (one.layer, one.rule) == (layer, rule)]
        text = " ".join(about[0].text.replace("|", "/").split())
        sizes = [size for size in ("small", "medium", "large") if any(one.size == size for one in about)]
        short = rule.removeprefix("NIST.800.53.R5-")
        yield layer, short, _named(one.where for one in about), ", ".join(sizes), text.partition(" - (Control")[0]


def _named(places: Iterable[str]) -> str:
    names = sorted(set(places))
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def main() -> int:
    """Writes the page if it differs."""
    content = page()
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != content:
        PAGE.write_text(content, encoding="utf-8")
        print("docs: wrote docs/reference/nag.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())

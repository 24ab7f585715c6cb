"""What cdk-nag finds in the templates of all examples, clusters and environments in every size."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from csoc_infra import app
from csoc_infra.document import parse
from csoc_infra.explained import EXPLAINED, Explained
from tests.infra import environments
from tests.infra.documents import SIZES, cluster_document


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A rule that a resource does not keep. size: of the example."""

    pack: str
    rule: str
    layer: str
    where: str
    size: str
    text: str = ""


@cache
def findings() -> Set[Finding]:
    """Of both packs, in all examples."""
    documents = [(size, cluster_document(size)) for size in SIZES]
    documents += [(size, environments.document(size)) for size in environments.SIZES]
    return frozenset(one for size, document in documents for one in _of(size, document))


def explains(one: Explained, finding: Finding) -> bool:
    """True if an entry is about a finding."""
    return (
        one.layer == finding.layer
        and re.fullmatch(one.rule, finding.rule) is not None
        and re.fullmatch(one.where, finding.where) is not None
    )


def explanation(finding: Finding) -> Explained | None:
    """The first entry about a finding; None if there is none."""
    return next((one for one in EXPLAINED if explains(one, finding)), None)


def _of(size: str, document: Any) -> Iterator[Finding]:
    # Imported after csoc_infra, which says which Node.js CDK runs on.
    import aws_cdk as cdk
    from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

    with tempfile.TemporaryDirectory(prefix="csoc-nag-") as folder:
        built = app.build_app(parse(document), Path(folder))
        cdk.Validations.of(built).add_plugins(AwsSolutionsChecks(built), NIST80053R5Checks(built))
        # CDK raises for findings, and its report has what they are.
        with contextlib.suppress(RuntimeError), contextlib.redirect_stderr(io.StringIO()):
            built.synth()
        reports = json.loads((Path(folder) / "validation-report.json").read_text())["pluginReports"]
    for report in reports:
        for violation in report["violations"]:
            pack = "AwsSolutions" if violation["ruleName"].startswith("AwsSolutions-") else "NIST 800-53 R5"
            for construct in violation["violatingConstructs"]:
                stack, _, where = construct["constructPath"].partition("/")
                layer = stack.rpartition("-")[2]
                text = str(violation.get("description", "")).strip()
                yield Finding(pack, violation["ruleName"], layer, where, size, text)

"""What checking itself finds, described like rules so that pages and reports can say what it means.

No function stands behind these: `gen3.checking` makes those about rules and waivers, and the comparison of a change
with its base (`usecases.checking.taken_away`) the others.
"""

from __future__ import annotations

from csoc.gen3.findings import Severity
from csoc.gen3.rules.model import Rule

CHECK_FAILED = "check-failed"
WAIVER_EXPIRED = "waiver-expired"
WAIVER_UNUSED = "waiver-unused"
ENVIRONMENT_GONE = "environment-gone"
DOCUMENT_GONE = "document-gone"
FILE_UNREADABLE = "file-unreadable"
STAGE_LOWERED = "stage-lowered"
ABOUT_WAIVERS = frozenset({WAIVER_EXPIRED, WAIVER_UNUSED})
COMPARING = frozenset({ENVIRONMENT_GONE, DOCUMENT_GONE, FILE_UNREADABLE, STAGE_LOWERED})

OWN_RULES: tuple[Rule, ...] = (
    Rule(
        id=CHECK_FAILED,
        title="A rule could not be checked",
        severity=Severity.LOW,
        consequence="Whether this rule finds something here is not known.",
        fix="Look at the values that the rule is about; if they are right, report this to csoc's maintainers.",
    ),
    Rule(
        id=WAIVER_EXPIRED,
        title="A waiver has ended",
        severity=Severity.LOW,
        consequence="What it covered counts as a finding again.",
        fix="Mend the cause, or renew the waiver with a new reason and date.",
    ),
    Rule(
        id=WAIVER_UNUSED,
        title="A waiver covers nothing",
        severity=Severity.INFO,
        consequence="It hides the next finding of this kind, which nobody has looked at.",
        fix="Remove the waiver if the cause is mended, or correct its rule, key, fingerprint or environments.",
    ),
    Rule(
        id=ENVIRONMENT_GONE,
        title="An environment that the base has is gone",
        severity=Severity.HIGH,
        consequence="Nothing checks it any more; where a root Application prunes, what runs is deleted with it.",
        fix="Bring its Application back. If it is to go, let somebody who answers for it waive this.",
    ),
    Rule(
        id=DOCUMENT_GONE,
        title="A document that the base has is gone",
        severity=Severity.MEDIUM,
        consequence="What it said of the fleet (stage, cluster, approvals, waivers) does not count any more.",
        fix="Bring the document back. If it is to go, let somebody who answers for it waive this.",
    ),
    Rule(
        id=FILE_UNREADABLE,
        title="A file that the base could read cannot be read",
        severity=Severity.MEDIUM,
        consequence="What stands in it is not checked, and Argo CD cannot read it either: it deploys nothing from it.",
        fix="Correct the file where the place says.",
    ),
    Rule(
        id=STAGE_LOWERED,
        title="An environment's stage is lowered",
        severity=Severity.MEDIUM,
        consequence="From then on it is checked, approved and promoted as what it is called, whoever uses it.",
        fix="Leave the stage as it is. If it is right, let somebody who answers for it waive this.",
    ),
)

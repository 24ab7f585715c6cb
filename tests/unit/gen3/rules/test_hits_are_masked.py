"""What a rule quotes reaches readers without secrets, whatever the rule forgot."""

from csoc.gen3.findings import Evidence
from csoc.gen3.rules.model import Hit


def test_cause_fix_and_evidence_of_a_hit_are_masked() -> None:
    told = "it reads postgres://u:Zq81LmNoXy7@db/x"
    hit = Hit(cause=told, key="k", evidence=(Evidence(told, None, "alpha"),), fix=told)
    shown = "it reads postgres://u:***@db/x"
    assert (hit.cause, hit.fix, hit.evidence) == (shown, shown, (Evidence(shown, None, "alpha"),))

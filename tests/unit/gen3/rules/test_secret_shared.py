"""Names in Secrets Manager that two environments own, from values."""

from csoc.gen3.findings import Severity
from csoc.gen3.rules.secret_shared import RULE
from tests.unit.gen3.rules.making import fleet_hits, from_values

ESO = "  externalSecrets: {deploy: true}\n  environment: "


OFF = (
    "".join(
        f"{name}: {{enabled: false}}\n"
        for name in ("audit", "etl", "fence", "hatchery", "indexd", "manifestservice", "metadata", "peregrine")
    )
    + "sheepdog: {enabled: false}\nwts: {enabled: false}\narborist: {enabled: false}\n"
)


def requestor(environment: str, name: str) -> str:
    return f"{ESO}{environment}\nrequestor:\n  enabled: true\n  externalSecrets:\n    requestorG3auto: {name}\n{OFF}"


def test_one_name_that_both_write_down_is_found_with_its_line() -> None:
    state = from_values(prod=requestor("prod", "requestor"), staging=requestor("staging", "requestor"))
    (hit,) = fleet_hits(RULE, state)
    assert hit.key == "123456789012/us-east-1 requestor"
    assert [item.location.line for item in hit.evidence if item.location] == [9, 9]
    assert (hit.severity or RULE.severity) is Severity.HIGH


def test_a_name_that_charts_have_by_default_is_a_guess_and_low_with_no_line_of_a_file() -> None:
    audit = OFF.replace("audit: {enabled: false}", "audit: {enabled: true}")
    state = from_values(prod=f"{ESO}prod\n{audit}", staging=f"{ESO}staging\n{audit}")
    (hit,) = fleet_hits(RULE, state)
    assert (hit.key, hit.severity) == ("123456789012/us-east-1 audit-g3auto", Severity.LOW)
    assert [(item.text, item.location) for item in hit.evidence] == [
        ("audit.externalSecrets.auditG3auto: audit-g3auto (chart default)", None)
    ] * 2


def test_a_name_that_one_writes_down_and_the_other_has_by_default_is_a_guess_too() -> None:
    audit = OFF.replace("audit: {enabled: false}", "audit: {enabled: true}")
    written = OFF.replace("audit: {enabled: false}", "audit: {externalSecrets: {auditG3auto: audit-g3auto}}")
    state = from_values(prod=f"{ESO}prod\n{audit}", staging=f"{ESO}staging\n{written}")
    assert [hit.severity for hit in fleet_hits(RULE, state)] == [Severity.LOW]


def test_quiet_for_names_with_the_environment_in_them() -> None:
    state = from_values(prod=requestor("prod", "prod-requestor"), staging=requestor("staging", "staging-requestor"))
    assert not fleet_hits(RULE, state)


def test_quiet_where_secrets_do_not_come_from_secrets_manager() -> None:
    kept = [requestor(name, "requestor").replace("deploy: true", "deploy: false") for name in ("prod", "staging")]
    assert not fleet_hits(RULE, from_values(prod=kept[0], staging=kept[1]))


def test_survives_other_shapes() -> None:
    assert not fleet_hits(RULE, from_values(prod="requestor: text\n", staging="requestor: {externalSecrets: [1]}\n"))

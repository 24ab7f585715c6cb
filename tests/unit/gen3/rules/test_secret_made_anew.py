"""Secrets whose content changes with every rendering."""

from dataclasses import replace

import pytest

from csoc.fleet.argocd.model import IgnoredDifference
from csoc.gen3.findings import Severity
from csoc.gen3.rules.secret_made_anew import check
from csoc.gen3.state import EnvironmentState
from tests.unit.gen3.rules.cases import hostile, hostile_objects, incomplete, line, made, rendered_by

LOCAL = "global:\n  externalSecrets:\n    deploy: false\n"
JWT = made("Secret", "fence-jwt-keys", data={"jwt_private_key.pem": "x"})
CREDENTIALS = made("Secret", "fence-dbcreds", data={"password": "x"})
CERTIFICATE = made("Secret", "gen3-certs", data={"tls.crt": "x"})
INGRESS = made("Ingress", "revproxy-dev", spec={"tls": [{"secretName": "gen3-certs"}]})


def ignoring(state: EnvironmentState, *options: str) -> EnvironmentState:
    ignored = (IgnoredDifference("", "Secret", "fence-jwt-keys", ("/data",)),)
    application = replace(state.view.application, ignored=ignored, sync_options=options)
    return replace(state, view=replace(state.view, application=application))


def test_a_signing_key_without_a_value_is_found() -> None:
    (hit,) = check(rendered_by({"fence": [JWT]}, LOCAL))
    assert (hit.key, line(hit), hit.severity) == ("fence-jwt-keys", 3, Severity.CRITICAL)


def test_database_passwords_of_all_services_are_one_hit() -> None:
    other = made("Secret", "indexd-dbcreds", data={"password": "x"})
    (hit,) = check(rendered_by({"fence": [CREDENTIALS], "indexd": [other]}, LOCAL))
    assert hit.key == "dbcreds"
    assert "fence.postgres.password, indexd.postgres.password" in hit.fix


def test_only_what_lacks_a_value_is_asked_for() -> None:
    users = made("Secret", "indexd-service-creds", data={"fence": "x"})
    values = "indexd: {secrets: {userdb: {fence: a, sheepdog: b, ssj: c}}}"
    (hit,) = check(rendered_by({"indexd": [users]}, values))
    assert "indexd.secrets.userdb.gateway" in hit.fix
    assert "userdb.fence" not in hit.fix


def test_a_certificate_counts_where_an_ingress_shows_it() -> None:
    assert [hit.severity for hit in check(rendered_by({"revproxy": [CERTIFICATE, INGRESS]}))] == [Severity.LOW]
    assert not list(check(rendered_by({"revproxy": [CERTIFICATE]})))
    given = "global: {tls: {cert: x, key: y}}"
    assert not list(check(rendered_by({"revproxy": [CERTIFICATE, INGRESS]}, given)))


@pytest.mark.parametrize("values", ["fence: {jwtKeys: {jwt_private_key.pem: x}, postgres: {password: x}}"])
def test_quiet_where_the_values_give_the_content(values: str) -> None:
    assert not list(check(rendered_by({"fence": [JWT, CREDENTIALS]}, values)))


def test_quiet_where_argo_cd_keeps_what_was_made_first() -> None:
    state = rendered_by({"fence": [JWT]}, LOCAL)
    assert not list(check(ignoring(state, "RespectIgnoreDifferences=true")))
    assert list(check(ignoring(state)))  # without the option a synchronisation overwrites it all the same


def test_quiet_for_other_secrets_and_where_nothing_is_rendered() -> None:
    assert not list(check(rendered_by({"fence": [made("Secret", "fence-config", stringData={"a": "b"})]})))
    assert not list(check(incomplete(rendered_by({"fence": [JWT]}, LOCAL))))


def test_the_flag_that_keeps_it_local_is_the_place() -> None:
    values = "fence:\n  externalSecrets:\n    createK8sJwtKeysSecret: true\n"
    (hit,) = check(rendered_by({"fence": [JWT]}, values))
    assert line(hit) == 3
    values = "global:\n  externalSecrets:\n    createLocalK8sSecret: true\n"
    (hit,) = check(rendered_by({"fence": [CREDENTIALS]}, values))
    assert line(hit) == 3


def test_the_application_is_the_place_where_nothing_is_written() -> None:
    for body in (JWT, CREDENTIALS):
        (hit,) = check(rendered_by({"fence": [body]}))
        assert str(hit.evidence[0].location) == "alpha-prod/app.yaml:8"


def test_what_takes_no_value_is_to_be_kept_elsewhere() -> None:
    admin = made("Secret", "metadata-g3auto", stringData={"base64Authz.txt": "x"})
    (hit,) = check(rendered_by({"metadata": [admin]}))
    assert "takes no value" in hit.fix


def test_quiet_for_another_certificate_and_for_credentials_that_no_subchart_makes() -> None:
    other = made("Secret", "mine", data={"tls.crt": "x"})
    shown = made("Ingress", "mine", spec={"tls": [{"secretName": "mine"}]})
    assert not list(check(rendered_by({"revproxy": [other, shown]})))


def test_survives_wrong_types() -> None:
    for text in hostile("", "fence.jwtKeys", "fence.postgres.password", "indexd.secrets.userdb.fence", "global.tls"):
        list(check(rendered_by({"fence": [JWT, CREDENTIALS], "revproxy": [CERTIFICATE, INGRESS]}, text)))
    for body in (*hostile_objects(JWT), *hostile_objects(INGRESS)):
        list(check(rendered_by({"fence": [body], "revproxy": [CERTIFICATE]})))

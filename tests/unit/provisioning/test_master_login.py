"""The master login of a database that is there: the secret that is named, or one that a person puts."""

from __future__ import annotations

from csoc.provisioning.master_login import SecretPlace, full_name, is_asked, with_login

UID = "e1b2c3d4e5"
PLACE = SecretPlace("aws", "ap-southeast-2", "111111111111")
HOST = {"DatabaseEndpoint": "db.example.org", "DatabaseKeyArn": "arn:aws:kms:ap-southeast-2:111111111111:key/1"}
ARN = "arn:aws:secretsmanager:ap-southeast-2:111111111111:secret:{}-AbCdEf"


def test_a_secret_that_pods_may_read_and_kubernetes_can_name_too_is_the_master_login() -> None:
    found = with_login(UID, {**HOST, "DatabaseSecretArn": ARN.format("csoc-uat-main")}, PLACE, may_ask=True)
    assert found["DatabaseSecretName"] == "csoc-uat-main"
    assert found["DatabaseSecretArn"] == ARN.format("csoc-uat-main")
    assert found["DatabaseKeyArn"] == HOST["DatabaseKeyArn"]
    assert not is_asked(UID, found)


def test_any_other_secret_or_none_is_asked_for_and_has_the_key_of_the_credentials() -> None:
    for outputs in (HOST, *({**HOST, "DatabaseSecretArn": ARN.format(one)} for one in ("gen3/omix3/rds", "omix3-rds"))):
        found = with_login(UID, outputs, PLACE, may_ask=True)
        assert is_asked(UID, found)
        assert found["DatabaseSecretName"] == full_name(UID, "master-login") == "csoc-e1b2c3d4e5-master-login"
        assert found["DatabaseSecretArn"].endswith(":111111111111:secret:csoc-e1b2c3d4e5-master-login-??????")
        assert "DatabaseKeyArn" not in found


def test_nothing_is_asked_for_where_no_layer_of_csocs_holds_secrets() -> None:
    assert with_login(UID, HOST, PLACE, may_ask=False) == HOST

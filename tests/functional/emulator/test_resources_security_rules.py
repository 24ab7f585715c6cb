"""Keys that nobody loses, and secrets that nobody is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.resource_cases import Bench, statement

CANARY = "Canary-in-the-mine-1"


def said(action: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_key_policy_that_locks_everybody_out_is_refused_unless_it_is_asked_for(bench: Bench) -> None:
    using = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:Encrypt", "kms:Decrypt"]
    closed = statement(using, Principal={"AWS": f"arn:aws:iam::{bench.account}:root"}, Resource="*")
    code, message = said(lambda: bench.make("AWS::KMS::Key", KeyPolicy=closed))
    assert code == "MalformedPolicyDocumentException"
    assert message == "The new key policy will not allow you to update the key policy in the future."
    assert bench.make("AWS::KMS::Key", KeyPolicy=closed, BypassPolicyLockoutSafetyCheck=True).physical_id


def test_a_key_policy_names_only_who_exists(bench: Bench) -> None:
    root = f"arn:aws:iam::{bench.account}:root"
    nobody = statement("kms:*", Principal={"AWS": [root, f"{root[:-4]}role/nobody"]}, Resource="*")
    code, message = said(lambda: bench.make("AWS::KMS::Key", KeyPolicy=nobody))
    assert (code, "invalid principals" in message) == ("MalformedPolicyDocumentException", True)


def test_a_deleted_key_waits_for_its_window(bench: Bench) -> None:
    handler, context, given = HANDLERS["AWS::KMS::Key"], bench.context(), {"PendingWindowInDays": 9}
    key = handler.create(context, given).physical_id
    handler.delete(context, key, given)
    told = bench.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    assert told["KeyState"] == "PendingDeletion"
    assert 8 <= (told["DeletionDate"] - told["CreationDate"]).total_seconds() / 86_400 <= 9.1
    assert handler.read(context, key) is None
    with pytest.raises(ResourceError, match="between 7 and 30"):
        handler.delete(context, bench.make("AWS::KMS::Key").physical_id, {"PendingWindowInDays": 3})


def test_what_a_key_is_for_never_changes(bench: Bench) -> None:
    handler, context = HANDLERS["AWS::KMS::Key"], bench.context()
    key = handler.create(context, {}).physical_id
    with pytest.raises(ResourceError, match="KeyUsage of an existing KMS key"):
        handler.update(context, key, {}, {"KeyUsage": "SIGN_VERIFY"})


def told_of(kind: str, bench: Bench, **properties: Any) -> str:
    """All that a handler tells of a resource that was made and changed."""
    handler, context = HANDLERS[kind], bench.context()
    made = handler.create(context, properties)
    again = handler.update(context, made.physical_id, properties, {**properties, "Tags": [{"Key": "a", "Value": "b"}]})
    return repr((made, again, handler.read(context, made.physical_id)))


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::SecretsManager::Secret", {"SecretString": CANARY}),
        (
            "AWS::RDS::DBCluster",
            {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "MasterUserPassword": CANARY},
        ),
        (
            "AWS::RDS::DBInstance",
            {
                "Engine": "postgres",
                "DBInstanceClass": "db.t4g.small",
                "AllocatedStorage": "20",
                "MasterUsername": "gen3",
                "MasterUserPassword": CANARY,
            },
        ),
        ("AWS::IAM::User", {"LoginProfile": {"Password": CANARY}}),
        (
            "AWS::OpenSearchService::Domain",
            {
                "AdvancedSecurityOptions": {
                    "Enabled": True,
                    "InternalUserDatabaseEnabled": True,
                    "MasterUserOptions": {"MasterUserName": "gen3", "MasterUserPassword": CANARY},
                }
            },
        ),
    ],
)
def test_a_secret_that_was_given_is_never_told(bench: Bench, kind: str, properties: dict[str, Any]) -> None:
    assert CANARY not in told_of(kind, bench, **properties)


def test_a_generated_secret_is_told_by_its_service_only(bench: Bench) -> None:
    handler, context = HANDLERS["AWS::SecretsManager::Secret"], bench.context()
    template = {"SecretStringTemplate": '{"username": "gen3"}', "GenerateStringKey": "password", "PasswordLength": 24}
    made = handler.create(context, {"GenerateSecretString": template})
    value = json.loads(bench.client("secretsmanager").get_secret_value(SecretId=made.physical_id)["SecretString"])
    assert (value["username"], len(value["password"])) == ("gen3", 24)
    assert value["password"] not in repr((made, handler.read(context, made.physical_id)))


@pytest.mark.parametrize(
    "given",
    [
        {"SecretString": "a", "GenerateSecretString": {}},
        {"GenerateSecretString": {"GenerateStringKey": "password"}},
        {"GenerateSecretString": {"GenerateStringKey": "password", "SecretStringTemplate": "no json"}},
    ],
)
def test_a_secret_that_cannot_be_generated_is_refused(bench: Bench, given: dict[str, Any]) -> None:
    with pytest.raises(ResourceError):
        bench.make("AWS::SecretsManager::Secret", **given)


def test_a_deleted_secret_is_gone_at_once_so_that_its_name_is_free(bench: Bench) -> None:
    handler, context, given = HANDLERS["AWS::SecretsManager::Secret"], bench.context(), {"Name": "csoc/one"}
    first = handler.create(context, {**given, "SecretString": "a"}).physical_id
    handler.delete(context, first, given)
    assert handler.create(context, {**given, "SecretString": "b"}).physical_id != first


def test_the_secret_that_rds_manages_holds_the_user_and_a_password_of_its_own(bench: Bench) -> None:
    secrets = bench.client("secretsmanager")
    given = {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "ManageMasterUserPassword": True}
    arns = [bench.make("AWS::RDS::DBCluster", **given).attributes["MasterUserSecret.SecretArn"] for _ in range(2)]
    values = [json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"]) for arn in arns]
    assert [value["username"] for value in values] == ["gen3", "gen3"]
    assert values[0]["password"] != values[1]["password"]
    assert arns[0].split(":")[6].startswith("rds!cluster-")


def test_the_secret_that_rds_manages_goes_with_its_cluster(bench: Bench) -> None:
    given = {"Engine": "aurora-postgresql", "MasterUsername": "gen3", "ManageMasterUserPassword": True}
    made = bench.make("AWS::RDS::DBCluster", **given)
    HANDLERS["AWS::RDS::DBCluster"].delete(bench.context(), made.physical_id, given)
    arn = made.attributes["MasterUserSecret.SecretArn"]
    refused = said(lambda: bench.client("secretsmanager").get_secret_value(SecretId=arn))
    assert refused[0] == "ResourceNotFoundException"


def test_attaching_a_secret_writes_where_the_database_is_and_keeps_the_rest(bench: Bench) -> None:
    secrets = bench.client("secretsmanager")
    cluster = bench.make(
        "AWS::RDS::DBCluster",
        Engine="aurora-postgresql",
        MasterUsername="gen3",
        MasterUserPassword="not-a-secret",
        DatabaseName="metadata",
    )
    given = {"SecretString": '{"username": "gen3", "password": "x", "extra": 1}'}
    secret = bench.make("AWS::SecretsManager::Secret", **given).physical_id
    attach = {"SecretId": secret, "TargetId": cluster.physical_id, "TargetType": "AWS::RDS::DBCluster"}
    bench.make("AWS::SecretsManager::SecretTargetAttachment", **attach)
    value = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    assert value == {
        "username": "gen3",
        "password": "x",
        "extra": 1,
        "engine": "postgres",
        "host": cluster.attributes["Endpoint.Address"],
        "port": 5432,
        "dbname": "metadata",
        "dbClusterIdentifier": cluster.physical_id,
    }
    handler = HANDLERS["AWS::SecretsManager::SecretTargetAttachment"]
    handler.delete(bench.context(), secret, attach)
    left = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    assert left == {"username": "gen3", "password": "x", "extra": 1}


def test_no_answer_of_the_search_service_holds_the_master_users_password(owner: Owner) -> None:
    search, bodies = owner.client("opensearch"), []
    search.meta.events.register("before-parse.opensearch", lambda response_dict, **_: bodies.append(response_dict))
    options = {"MasterUserOptions": {"MasterUserName": "gen3", "MasterUserPassword": CANARY}}
    security = {"Enabled": True, "InternalUserDatabaseEnabled": True, **options}
    search.create_domain(DomainName="canary", AdvancedSecurityOptions=security)
    search.describe_domain(DomainName="canary")
    search.describe_domains(DomainNames=["canary"])
    search.describe_domain_config(DomainName="canary")
    search.update_domain_config(DomainName="canary", AdvancedSecurityOptions=security)
    search.delete_domain(DomainName="canary")
    assert len(bodies) == 6
    assert not any(CANARY in str(body) for body in bodies)


def test_a_region_has_one_detector(bench: Bench) -> None:
    bench.make("AWS::GuardDuty::Detector", Enable=True)
    code, message = said(lambda: bench.make("AWS::GuardDuty::Detector", Enable=True))
    assert (code, "already exists" in message) == ("BadRequestException", True)


def test_a_recorder_records_as_soon_as_there_is_a_channel(bench: Bench) -> None:
    bucket = bench.make("AWS::S3::Bucket").physical_id
    recorder = bench.make("AWS::Config::ConfigurationRecorder", RoleARN=bench.role()).physical_id
    config = bench.client("config")

    def recording() -> Any:
        asked = {"ConfigurationRecorderNames": [recorder]}
        return config.describe_configuration_recorder_status(**asked)["ConfigurationRecordersStatus"][0]["recording"]

    assert recording() is False
    channel = bench.make("AWS::Config::DeliveryChannel", S3BucketName=bucket)
    assert recording() is True
    given = {"S3BucketName": bucket}
    HANDLERS["AWS::Config::DeliveryChannel"].delete(bench.context(), channel.physical_id, given)
    assert recording() is False

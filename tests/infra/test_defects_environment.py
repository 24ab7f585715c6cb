"""Defects of systems that did parts of this before: each is a case that the environment's layers must pass.

The names say the defect as it was found. All sizes are looked at, since a defect in one is a defect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning import names, sizes
from csoc_infra.mistakes import MistakeError
from tests.infra import environments
from tests.infra.environments import (
    ACCOUNT,
    OWN,
    REGION,
    SIZES,
    UID,
    document,
    of_type,
    only,
    properties,
    templates,
    usual,
)

STATEFUL = (
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::OpenSearchService::Domain",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::SecretsManager::SecretTargetAttachment",
    "AWS::Logs::LogGroup",
)
ACCESS = ("read", "write")
every_size = pytest.mark.parametrize("size", SIZES)


def every(kind: str, size: Size) -> Iterator[tuple[str, Any]]:
    for layer in OWN:
        yield from of_type(usual(size)[layer], kind).items()


def statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(policy["Statement"])


def role(account: str, template: Mapping[str, Any] | None = None) -> Any:
    found = of_type(template or usual()["resources"], "AWS::IAM::Role").values()
    return next(one["Properties"] for one in found if one["Properties"]["RoleName"] == names.thing(UID, account))


def granted(account: str, template: Mapping[str, Any] | None = None) -> dict[str, set[str]]:
    """Actions of a role, each with what it may be done to."""
    found: dict[str, set[str]] = {}
    for policy in role(account, template).get("Policies", ()):
        for statement in statements(policy["PolicyDocument"]):
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:
                found.setdefault(action, set()).update(json.dumps(one) for one in statement["Resource"])
    return found


def with_role(account: str, **grant: str) -> Mapping[str, Any]:
    """The template of resources with one role that has one grant."""
    roles = [{"service_account": account, "namespace": "gen3", "grants": [grant]}]
    return templates(document(layers=["resources"], given={"resources": {"roles": roles}}))["resources"]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


class TestDatabase:
    @every_size
    def test_destroying_the_stack_kept_the_database_and_lost_its_master_credentials(self, size: Size) -> None:
        template = usual(size)["database"]
        cluster = only(template, "AWS::RDS::DBCluster")
        secret = only(template, "AWS::SecretsManager::Secret")
        key = only(template, "AWS::KMS::Key")
        assert {one["DeletionPolicy"] for one in (cluster, secret, key)} == {"RetainExceptOnCreate"}
        # Detaching it would take host and port out of the secret that stays.
        assert only(template, "AWS::SecretsManager::SecretTargetAttachment")["DeletionPolicy"] == "RetainExceptOnCreate"

    def test_a_last_snapshot_without_its_key_would_be_lost_too(self) -> None:
        made = templates(document(overrides={"database": {"removal": "snapshot"}}))["database"]
        assert only(made, "AWS::RDS::DBCluster")["DeletionPolicy"] == "Snapshot"
        assert only(made, "AWS::KMS::Key")["DeletionPolicy"] == "RetainExceptOnCreate"
        assert only(made, "AWS::SecretsManager::Secret")["DeletionPolicy"] == "RetainExceptOnCreate"

    @every_size
    def test_the_database_stood_in_subnets_with_a_way_out(self, size: Size) -> None:
        group = properties(usual(size)["database"], "AWS::RDS::DBSubnetGroup")
        assert group["SubnetIds"] == {"Fn::Split": [",", {"Ref": "NetworkIsolatedSubnetIds"}]}

    @every_size
    def test_the_whole_network_was_let_in_and_everything_out(self, size: Size) -> None:
        for name, group in of_type(usual(size)["database"], "AWS::EC2::SecurityGroup").items():
            (entry,) = group["Properties"]["SecurityGroupIngress"]
            assert entry["SourceSecurityGroupId"] == {"Ref": "ClusterClusterSecurityGroupId"}, name
            assert "CidrIp" not in entry
            assert entry["FromPort"] == entry["ToPort"]
            (out,) = group["Properties"]["SecurityGroupEgress"]
            assert (out["IpProtocol"], out["CidrIp"]) == ("icmp", "255.255.255.255/32")

    @every_size
    def test_arborist_and_embeddings_cannot_speak_tls_and_the_template_says_what_stands_instead(
        self, size: Size
    ) -> None:
        template = usual(size)["database"]
        parameters = properties(template, "AWS::RDS::DBClusterParameterGroup")
        assert parameters["Parameters"]["rds.force_ssl"] == "0"
        for word in ("unencrypted", "rds.force_ssl", "arborist", "gen3-embeddings", "security group"):
            assert word in template["Description"]
        assert len(template["Description"].encode()) <= 1_024

    def test_services_with_a_fixed_port_could_not_reach_another(self) -> None:
        assert properties(usual()["database"], "AWS::RDS::DBCluster")["Port"] == 5432

    @every_size
    def test_passwords_stood_in_urls_unescaped(self, size: Size) -> None:
        made = properties(usual(size)["database"], "AWS::SecretsManager::Secret")["GenerateSecretString"]
        assert made["ExcludePunctuation"] is True
        assert made["PasswordLength"] >= 30
        assert "IncludeSpace" not in made

    def test_the_chart_reads_host_and_port_of_the_master_login_too(self) -> None:
        template = usual()["database"]
        attachment = properties(template, "AWS::SecretsManager::SecretTargetAttachment")
        assert attachment == {
            "SecretId": {"Ref": "MasterSecret"},
            "TargetId": {"Ref": "Database"},
            "TargetType": "AWS::RDS::DBCluster",
        }
        assert (
            '"username"'
            in properties(template, "AWS::SecretsManager::Secret")["GenerateSecretString"]["SecretStringTemplate"]
        )

    @every_size
    def test_every_statement_was_logged_with_the_passwords_in_it(self, size: Size) -> None:
        logged = properties(usual(size)["database"], "AWS::RDS::DBClusterParameterGroup")["Parameters"]
        assert (logged["log_statement"], logged["log_min_duration_statement"]) == ("none", "-1")
        assert logged["log_min_error_statement"] == "panic"

    @every_size
    def test_a_parameter_group_was_resolved_and_never_used(self, size: Size) -> None:
        template = usual(size)["database"]
        cluster = properties(template, "AWS::RDS::DBCluster")
        assert cluster["DBClusterParameterGroupName"] == {"Ref": "DatabaseParameters"}
        major = cluster["EngineVersion"].partition(".")[0]
        assert properties(template, "AWS::RDS::DBClusterParameterGroup")["Family"] == f"aurora-postgresql{major}"

    def test_every_version_that_is_accepted_has_its_own_family(self) -> None:
        for version in ("14.18", "15.13", "16.11", "17.5"):
            made = templates(document(overrides={"database": {"engine_version": version}}))["database"]
            group = properties(made, "AWS::RDS::DBClusterParameterGroup")
            assert group["Family"] == f"aurora-postgresql{version[:2]}"
            # A group cannot change its family: the next version's stands beside it.
            assert group["DBClusterParameterGroupName"].endswith(group["Family"])

    @every_size
    def test_storage_was_encrypted_with_a_key_that_nobody_owns(self, size: Size) -> None:
        template = usual(size)["database"]
        key = {"Fn::GetAtt": ["Key", "Arn"]}
        cluster = properties(template, "AWS::RDS::DBCluster")
        assert (cluster["StorageEncrypted"], cluster["KmsKeyId"]) == (True, key)
        assert properties(template, "AWS::SecretsManager::Secret")["KmsKeyId"] == key
        assert properties(template, "AWS::OpenSearchService::Domain")["EncryptionAtRestOptions"]["KmsKeyId"] == key

    @every_size
    def test_logs_were_exported_nowhere_or_kept_for_ten_years(self, size: Size) -> None:
        template = usual(size)["database"]
        assert properties(template, "AWS::RDS::DBCluster")["EnableCloudwatchLogsExports"] == ["postgresql"]
        for group in of_type(template, "AWS::Logs::LogGroup").values():
            assert group["Properties"]["RetentionInDays"] == sizes.settings("database", size)["log_days"] <= 365
            assert group["Properties"]["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
        names_of_groups = {
            one["Properties"]["LogGroupName"] for one in of_type(template, "AWS::Logs::LogGroup").values()
        }
        assert f"/aws/rds/cluster/{names.thing(UID, 'database')}/postgresql" in names_of_groups

    @pytest.mark.parametrize(("size", "number"), [("small", 1), ("medium", 2), ("large", 3)])
    def test_there_was_a_writer_and_nobody_in_another_zone(self, size: Size, number: int) -> None:
        instances = [one["Properties"] for one in of_type(usual(size)["database"], "AWS::RDS::DBInstance").values()]
        assert len(instances) == number
        zones = {json.dumps(one["AvailabilityZone"]) for one in instances}
        assert len(zones) == number
        assert sorted(one["PromotionTier"] for one in instances) == [0] + [1] * (number - 1)
        assert not any(one["PubliclyAccessible"] or one["AutoMinorVersionUpgrade"] for one in instances)

    def test_readers_stand_in_the_networks_zones_only_however_many_there_are(self) -> None:
        made = templates(document("large", given={"database": {"zones": 2}}))["database"]
        zones = [one["Properties"]["AvailabilityZone"] for one in of_type(made, "AWS::RDS::DBInstance").values()]
        assert [zone["Fn::Select"][0] for zone in zones] == [0, 1, 0]
        named = {"zones": 2, "zone_names": ["ap-southeast-2c", "ap-southeast-2a"]}
        made = templates(document("large", given={"database": named}))["database"]
        zones = [one["Properties"]["AvailabilityZone"] for one in of_type(made, "AWS::RDS::DBInstance").values()]
        assert zones == ["ap-southeast-2c", "ap-southeast-2a", "ap-southeast-2c"]

    @every_size
    def test_backups_were_few_and_the_database_could_be_deleted_by_a_flag(self, size: Size) -> None:
        cluster = properties(usual(size)["database"], "AWS::RDS::DBCluster")
        assert cluster["BackupRetentionPeriod"] >= 7
        assert cluster["DeletionProtection"] is True
        assert cluster["DeleteAutomatedBackups"] is False
        assert cluster["CopyTagsToSnapshot"] is True

    def test_a_protected_database_made_before_what_fails_could_not_be_rolled_back(self) -> None:
        assert "Search" in only(usual()["database"], "AWS::RDS::DBCluster")["DependsOn"]


class TestSearch:
    def test_a_search_domain_was_made_and_paid_for_although_nothing_used_it(self) -> None:
        made = templates(document(search=False, layers=["database"]))["database"]
        assert not of_type(made, "AWS::OpenSearchService::Domain")
        assert not [one for one in texts(made["Resources"]) if "search" in one.lower() and "Search" not in one]
        assert made["Outputs"]["SearchDomainArn"]["Value"] == "-"

    @every_size
    def test_clients_of_elasticsearch_7_10_refuse_what_opensearch_calls_itself(self, size: Size) -> None:
        domain = properties(usual(size)["database"], "AWS::OpenSearchService::Domain")
        assert domain["AdvancedOptions"]["override_main_response_version"] == "true"
        assert domain["EngineVersion"] == "OpenSearch_1.3"

    def test_elasticsearch_itself_knows_no_such_option(self) -> None:
        made = templates(document(overrides={"database": {"search.engine_version": "Elasticsearch_7.10"}}))["database"]
        assert "AdvancedOptions" not in properties(made, "AWS::OpenSearchService::Domain")

    @every_size
    def test_the_domain_stood_open_and_unencrypted(self, size: Size) -> None:
        domain = properties(usual(size)["database"], "AWS::OpenSearchService::Domain")
        assert domain["EncryptionAtRestOptions"]["Enabled"] is True
        assert domain["NodeToNodeEncryptionOptions"] == {"Enabled": True}
        assert domain["DomainEndpointOptions"]["EnforceHTTPS"] is True
        assert domain["DomainEndpointOptions"]["TLSSecurityPolicy"].startswith("Policy-Min-TLS-1-2")
        assert domain["VPCOptions"]["SecurityGroupIds"] == [{"Fn::GetAtt": ["SearchDoor", "GroupId"]}]
        (allowed,) = statements(domain["AccessPolicies"])
        assert allowed["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert allowed["Condition"] == {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/csoc/{UID}/*"}}
        assert allowed["Action"] == "es:ESHttp*"
        assert allowed["Resource"].endswith(f"domain/{names.thing(UID, 'search')}/*")

    @pytest.mark.parametrize(("size", "nodes", "zones"), [("small", 1, 1), ("medium", 2, 2), ("large", 3, 3)])
    def test_nodes_stood_in_one_subnet(self, size: Size, nodes: int, zones: int) -> None:
        domain = properties(usual(size)["database"], "AWS::OpenSearchService::Domain")
        assert domain["ClusterConfig"]["InstanceCount"] == nodes
        assert domain["ClusterConfig"]["ZoneAwarenessEnabled"] is (zones > 1)
        assert len(domain["VPCOptions"]["SubnetIds"]) == zones
        assert domain["ClusterConfig"]["DedicatedMasterEnabled"] is (size == "large")

    @every_size
    def test_logs_of_search_went_nowhere(self, size: Size) -> None:
        template = usual(size)["database"]
        logged = properties(template, "AWS::OpenSearchService::Domain")["LogPublishingOptions"]
        assert set(logged) == {"ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS"}
        (writes,) = json.loads(properties(template, "AWS::Logs::ResourcePolicy")["PolicyDocument"])["Statement"]
        assert writes["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


class TestSecrets:
    @every_size
    def test_a_secret_stood_in_clear_in_the_template(self, size: Size) -> None:
        for template in usual(size).values():
            for kind in ("AWS::SecretsManager::Secret",):
                for one in of_type(template, kind).values():
                    assert "SecretString" not in one["Properties"]
            body = json.dumps(template)
            assert "REPLACE_ME" not in body
            assert not re.search(r'"(?:NoEcho|SecretString)"', body)
        password = properties(usual(size)["database"], "AWS::RDS::DBCluster")["MasterUserPassword"]
        assert password == {
            "Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "MasterSecret"}, ":SecretString:password}}"]]
        }

    def test_secrets_that_the_chart_reads_were_made_with_placeholders_that_stayed(self) -> None:
        made = of_type(usual()["credentials"], "AWS::SecretsManager::Secret")
        assert len(made) == len(environments.SECRETS)
        for one in made.values():
            assert not {"SecretString", "GenerateSecretString"} & set(one["Properties"])

    def test_two_environments_of_an_account_shared_their_secrets_names(self) -> None:
        made = of_type(usual()["credentials"], "AWS::SecretsManager::Secret").values()
        assert {one["Properties"]["Name"] for one in made} == {names.secret(UID, one) for one in environments.SECRETS}

    def test_a_secret_that_was_added_replaced_another(self) -> None:
        before = of_type(usual()["credentials"], "AWS::SecretsManager::Secret")
        more = {"credentials": {"secrets": ["a-new-one", *environments.SECRETS]}}
        after = of_type(templates(document(given=more))["credentials"], "AWS::SecretsManager::Secret")
        assert {name: after[name] for name in before} == before

    def test_names_that_differ_by_a_hyphen_only_were_one_resource(self) -> None:
        given = {"credentials": {"secrets": ["a-b", "ab", "a.b", "a_b"]}}
        made = of_type(templates(document(given=given))["credentials"], "AWS::SecretsManager::Secret")
        assert len({one["Properties"]["Name"] for one in made.values()}) == 4

    def test_external_secrets_read_every_secret_of_the_account(self) -> None:
        found = granted("secret-store-sa")
        own = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:csoc/{UID}/*"
        assert found["secretsmanager:GetSecretValue"] == {
            json.dumps(own),
            json.dumps({"Ref": "DatabaseDatabaseSecretArn"}),
        }
        assert found["kms:Decrypt"] == {
            json.dumps({"Ref": "CredentialsSecretsKeyArn"}),
            json.dumps({"Ref": "DatabaseDatabaseKeyArn"}),
        }
        assert set(found) == {"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "kms:Decrypt"}

    def test_keys_could_be_used_for_anything(self) -> None:
        for policy in role("secret-store-sa")["Policies"]:
            for statement in statements(policy["PolicyDocument"]):
                if statement["Action"] == ["kms:Decrypt"]:
                    via = statement["Condition"]["StringEquals"]["kms:ViaService"]
                    assert via == f"secretsmanager.{REGION}.amazonaws.com"
                    assert statement["Condition"]["ArnLike"]["kms:EncryptionContext:SecretARN"]

    def test_one_secret_is_granted_by_its_own_name(self) -> None:
        made = with_role("x", kind="secret", name="fence-config", access="read")
        (one,) = granted("x", made)["secretsmanager:GetSecretValue"]
        assert json.loads(one).endswith(f":secret:csoc/{UID}/fence-config-??????")


class TestBuckets:
    @every_size
    def test_a_bucket_was_public(self, size: Size) -> None:
        for name, bucket in every("AWS::S3::Bucket", size):
            closed = bucket["Properties"]["PublicAccessBlockConfiguration"]
            assert len(closed) == 4, name
            assert all(closed.values()), name
            assert "AccessControl" not in bucket["Properties"], name

    @every_size
    def test_buckets_were_not_versioned_encrypted_logged_or_asked_for_tls(self, size: Size) -> None:
        policies = {
            one["Properties"]["Bucket"]["Ref"]: statements(one["Properties"]["PolicyDocument"])
            for _, one in every("AWS::S3::BucketPolicy", size)
        }
        for name, bucket in every("AWS::S3::Bucket", size):
            properties_of_it = bucket["Properties"]
            is_log = "access-logs" in properties_of_it["BucketName"]
            assert properties_of_it["VersioningConfiguration"] == {"Status": "Enabled"}
            (rule,) = properties_of_it["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            wanted = {"SSEAlgorithm": "AES256"} if is_log else {
                "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}
            }  # fmt: skip
            assert rule["ServerSideEncryptionByDefault"] == wanted
            assert ("LoggingConfiguration" in properties_of_it) is not is_log
            # S3 asks at once whether it may write the log.
            assert is_log or any(before.startswith("BucketPolicyAccessLogs") for before in bucket["DependsOn"])
            denied = [one["Condition"] for one in policies[name] if one["Effect"] == "Deny"]
            assert {"Bool": {"aws:SecureTransport": "false"}} in denied
            assert {"NumericLessThan": {"s3:TlsVersion": "1.2"}} in denied

    def test_expiry_was_filtered_by_a_prefix_that_nothing_has(self) -> None:
        for _, bucket in every("AWS::S3::Bucket", "medium"):
            for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]:
                assert not {"Prefix", "TagFilters", "Filter"} & set(rule)
                assert rule["Status"] == "Enabled"
                assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] <= 7
                assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] > 0

    def test_data_itself_never_expires(self) -> None:
        for _, bucket in every("AWS::S3::Bucket", "medium"):
            ends = [one.get("ExpirationInDays") for one in bucket["Properties"]["LifecycleConfiguration"]["Rules"]]
            assert (ends == [None]) is ("access-logs" not in bucket["Properties"]["BucketName"])

    def test_browsers_could_not_upload_or_everybodys_could(self) -> None:
        rules = {
            one["Properties"]["BucketName"]: one["Properties"].get("CorsConfiguration")
            for _, one in every("AWS::S3::Bucket", "medium")
        }
        (rule,) = rules.pop(names.bucket(UID, "uploads", ACCOUNT))["CorsRules"]
        assert rule["AllowedOrigins"] == [f"https://{environments.HOSTNAME}"]
        assert {"PUT", "POST"} <= set(rule["AllowedMethods"])
        assert "ETag" in rule["ExposedHeaders"]
        assert set(rules.values()) == {None}

    def test_fixed_names_allowed_one_environment_an_account(self) -> None:
        hostnames = ("AWS::Route53::RecordSet", "AWS::CertificateManager::Certificate")
        for layer in OWN:
            for one in usual()[layer]["Resources"].values():
                for name, value in one["Properties"].items():
                    is_name = name.endswith(("Name", "Identifier")) and isinstance(value, str)
                    if is_name and one["Type"] not in hostnames:
                        assert UID in value, (layer, name, value)

    def test_names_of_queues_had_no_environment_in_them(self) -> None:
        for _, queue in every("AWS::SQS::Queue", "medium"):
            assert queue["Properties"]["QueueName"].startswith(f"csoc-{UID}-")

    def test_a_name_that_stayed_blocked_the_next_environment_of_the_same_folder(self) -> None:
        other = templates(document(uid="e9b2c3d4e9"))
        for layer in OWN:
            mine = {text for text in texts(usual()[layer]["Resources"]) if UID in text}
            theirs = {text for text in texts(other[layer]["Resources"]) if UID in text}
            assert mine
            assert not theirs


class TestMessages:
    @every_size
    def test_queues_had_no_dead_letters_and_no_encryption(self, size: Size) -> None:
        queues = {one["Properties"]["QueueName"]: one["Properties"] for _, one in every("AWS::SQS::Queue", size)}
        for name, queue in queues.items():
            assert queue["KmsMasterKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}
            assert ("RedrivePolicy" in queue) is not name.endswith("-dead")
            assert name.endswith("-dead") or f"{name}-dead" in queues
            if name.endswith("-dead"):
                only_from = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name.removesuffix('-dead')}"
                assert queue["RedriveAllowPolicy"] == {"redrivePermission": "byQueue", "sourceQueueArns": [only_from]}
        for _, topic in every("AWS::SNS::Topic", size):
            assert topic["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}

    def test_events_of_uploads_reached_no_queue(self) -> None:
        template = usual()["resources"]
        uploads = next(
            one
            for one in of_type(template, "AWS::S3::Bucket").values()
            if "NotificationConfiguration" in one["Properties"]
        )
        (told,) = uploads["Properties"]["NotificationConfiguration"]["TopicConfigurations"]
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{names.thing(UID, 'uploads')}"
        assert (told["Event"], told["Topic"]) == ("s3:ObjectCreated:*", topic)
        # The topic's policy has to be there before S3 asks.
        (policy_name,) = of_type(template, "AWS::SNS::TopicPolicy")
        assert policy_name in uploads["DependsOn"]
        subscription = properties(template, "AWS::SNS::Subscription")
        assert subscription["Protocol"] == "sqs"

    def test_anybodys_bucket_and_topic_could_send(self) -> None:
        template = usual()["resources"]
        allowed = next(
            one
            for one in statements(properties(template, "AWS::SNS::TopicPolicy")["PolicyDocument"])
            if one["Effect"] == "Allow"
        )
        assert allowed["Condition"] == {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{names.bucket(UID, 'uploads', ACCOUNT)}"},
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
        }
        policies = of_type(template, "AWS::SQS::QueuePolicy").values()
        assert sum("sns.amazonaws.com" in json.dumps(one) for one in policies) == 1
        for policy in policies:
            for statement in statements(policy["Properties"]["PolicyDocument"]):
                if statement["Effect"] == "Allow":
                    (source,) = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
                    assert source == f"arn:aws:sns:{REGION}:{ACCOUNT}:{names.thing(UID, 'uploads')}"
        for statement in statements(properties(template, "AWS::KMS::Key")["KeyPolicy"]):
            if "Service" in statement["Principal"]:
                assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
                assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]

    def test_the_audit_queue_was_wired_to_nobody(self) -> None:
        sends, receives = granted("fence-sa"), granted("audit-service-sa")
        (queue,) = sends["sqs:SendMessage"]
        assert receives["sqs:ReceiveMessage"] == receives["sqs:DeleteMessage"] == {queue}
        assert "sqs:SendMessage" not in receives
        assert "sqs:ReceiveMessage" not in sends


class TestRoles:
    def test_a_role_trusted_another_account_than_the_chart_uses_or_more_than_one(self) -> None:
        for one in of_type(usual()["resources"], "AWS::IAM::Role").values():
            text, values = one["Properties"]["AssumeRolePolicyDocument"]["Fn::Sub"]
            (trust,) = json.loads(text)["Statement"]
            account = one["Properties"]["RoleName"].removeprefix(f"csoc-{UID}-")
            assert trust["Principal"] == {"Federated": "${Provider}"}
            assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
            assert trust["Condition"] == {
                "StringEquals": {
                    "${Issuer}:aud": "sts.amazonaws.com",
                    "${Issuer}:sub": [f"system:serviceaccount:gen3:{account}"],
                }
            }
            assert values == {"Provider": {"Ref": "ClusterOidcProviderArn"}, "Issuer": {"Ref": "ClusterOidcIssuer"}}

    @every_size
    def test_roles_had_no_boundary_and_stood_at_any_path(self, size: Size) -> None:
        found = [one["Properties"] for _, one in every("AWS::IAM::Role", size)]
        assert found
        for one in found:
            assert one["PermissionsBoundary"] == names.boundary_arn("aws", ACCOUNT, environments.INSTALLATION)
            assert one["Path"] == names.role_path(UID)
            assert "ManagedPolicyArns" not in one

    @every_size
    def test_permissions_were_for_everything(self, size: Size) -> None:
        for name, one in every("AWS::IAM::Role", size):
            for policy in one["Properties"].get("Policies", ()):
                for statement in statements(policy["PolicyDocument"]):
                    assert not [action for action in statement["Action"] if "*" in action], name
                    assert "*" not in statement["Resource"], name

    def test_a_writer_could_not_read_its_own_objects_since_it_could_not_decrypt(self) -> None:
        for access in (*ACCESS, "read-write"):
            found = granted("x", with_role("x", kind="bucket", name="manifests", access=access))
            assert "kms:Decrypt" in found
            assert ("s3:GetObject" in found) is (access != "write")
            assert ("s3:PutObject" in found) is ("kms:GenerateDataKey" in found) is (access != "read")

    def test_the_writers_policy_was_the_readers_document(self) -> None:
        read, write = (granted("x", with_role("x", kind="bucket", name="uploads", access=access)) for access in ACCESS)
        assert "s3:PutObject" not in read
        assert "s3:GetObject" not in write
        assert not {action for action in (*read, *write) if "Version" in action and "Delete" in action}

    def test_a_role_trusted_itself_before_it_was_there(self) -> None:
        for one in of_type(usual()["resources"], "AWS::IAM::Role").values():
            assert "AWS" not in json.dumps(one["Properties"]["AssumeRolePolicyDocument"]["Fn::Sub"][0])

    def test_a_service_that_needs_nothing_has_a_role_that_may_nothing(self) -> None:
        assert "Policies" not in role("hatchery-service-account")

    def test_roles_of_one_name_in_two_environments_were_one(self) -> None:
        other = templates(document(uid="e9b2c3d4e9"))["resources"]
        mine, theirs = (
            {one["Properties"]["RoleName"] for one in of_type(template, "AWS::IAM::Role").values()}
            for template in (usual()["resources"], other)
        )
        assert not mine & theirs

    def test_optional_features_were_indexed_unconditionally(self) -> None:
        nothing = {"buckets": [], "queues": [], "topics": [], "roles": []}
        made = templates(document(given={"resources": nothing}))["resources"]
        assert {one["Type"] for one in made["Resources"].values()} == {
            "AWS::KMS::Key",
            "AWS::KMS::Alias",
            "AWS::SSM::Parameter",
        }
        assert {one["Value"] for one in made["Outputs"].values()} == {"{}"}


class TestEdge:
    def test_a_web_acl_was_enabled_with_an_empty_arn(self) -> None:
        assert usual()["edge"]["Outputs"]["WebAclArn"]["Value"] == {"Fn::GetAtt": ["WebAcl", "Arn"]}
        shared = templates(document(given={"edge": {"allowed": []}}))["edge"]
        assert shared["Outputs"]["WebAclArn"]["Value"] == {"Ref": "NetworkWebAclArn"}
        assert not of_type(shared, "AWS::WAFv2::WebACL")

    def test_an_allow_list_let_attacks_of_the_allowed_through(self) -> None:
        acl = properties(usual()["edge"], "AWS::WAFv2::WebACL")
        assert acl["DefaultAction"] == {"Block": {}}
        order = [one["Name"] for one in sorted(acl["Rules"], key=lambda one: one["Priority"])]
        assert order[-2:] == ["allowed-ipv4", "allowed-ipv6"]
        assert sum(name.startswith("AWSManagedRules") for name in order) == 4
        assert len({one["Priority"] for one in acl["Rules"]}) == len(order)
        sets = of_type(usual()["edge"], "AWS::WAFv2::IPSet").values()
        assert [one["Properties"]["Addresses"] for one in sets] == [["203.0.113.0/24"], ["2001:db8::/32"]]

    def test_cookies_tokens_and_codes_of_people_went_to_the_log(self) -> None:
        logged = properties(usual()["edge"], "AWS::WAFv2::LoggingConfiguration")["RedactedFields"]
        headers = {one["SingleHeader"]["Name"] for one in logged if "SingleHeader" in one}
        assert headers == {"authorization", "cookie"}
        assert {"QueryString": {}} in logged

    def test_the_record_of_the_hostname_was_made_by_hand(self) -> None:
        template = usual()["edge"]
        record = only(template, "AWS::Route53::RecordSet")
        assert record["Condition"] == "HasLoadBalancer"
        assert record["Properties"]["AliasTarget"]["DNSName"] == {"Ref": "LoadBalancerDnsName"}
        assert template["Parameters"]["LoadBalancerDnsName"]["Default"] == ""
        assert template["Outputs"]["HostnameRecord"]["Value"] == {
            "Fn::If": ["HasLoadBalancer", environments.HOSTNAME, "-"]
        }

    def test_a_name_that_is_somebody_elses_has_no_record_and_waits_for_nothing(self) -> None:
        theirs = {"edge": {"hosted_zone_id": "", "request_certificate": False}}
        made = templates(document(given=theirs))["edge"]
        assert not of_type(made, "AWS::Route53::RecordSet")
        assert not of_type(made, "AWS::CertificateManager::Certificate")
        assert made["Outputs"]["HostnameRecord"]["Value"] == made["Outputs"]["CertificateArn"]["Value"] == "-"

    def test_a_certificate_is_validated_in_the_zone_or_given_or_waited_for(self) -> None:
        own = properties(usual()["edge"], "AWS::CertificateManager::Certificate")
        assert own["ValidationMethod"] == "DNS"
        (option,) = own["DomainValidationOptions"]
        assert option == {"DomainName": environments.HOSTNAME, "HostedZoneId": "Z0123456789ABCDEFGHIJ"}
        arn = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0"
        given = templates(document(given={"edge": {"request_certificate": False, "certificate_arn": arn}}))["edge"]
        assert given["Outputs"]["CertificateArn"]["Value"] == arn
        waited = templates(document(given={"edge": {"hosted_zone_id": ""}}))["edge"]
        assert "DomainValidationOptions" not in properties(waited, "AWS::CertificateManager::Certificate")


class TestStacks:
    @every_size
    def test_data_was_deleted_with_its_stack_or_by_editing_a_flag(self, size: Size) -> None:
        for layer in OWN:
            for name, one in usual(size)[layer]["Resources"].items():
                if one["Type"] in STATEFUL:
                    assert one["DeletionPolicy"] == "RetainExceptOnCreate", name
                    assert one["UpdateReplacePolicy"] == "Retain", name

    @every_size
    def test_a_database_that_stays_kept_its_stack_from_being_deleted_by_what_it_stands_on(self, size: Size) -> None:
        for one in usual(size)["database"]["Resources"].values():
            if one["Type"] != "AWS::SSM::Parameter":
                assert one["DeletionPolicy"] == "RetainExceptOnCreate", one["Type"]

    @every_size
    def test_values_were_copied_by_hand_or_looked_up_at_synthesis(self, size: Size) -> None:
        for template in usual(size).values():
            assert "Fn::ImportValue" not in json.dumps(template)
            assert not [one for one in template["Outputs"].values() if "Export" in one]
            for one in template.get("Parameters", {}).values():
                assert one["Type"] in ("String", "AWS::SSM::Parameter::Value<String>")

    @every_size
    def test_functions_ran_in_the_account_to_make_things(self, size: Size) -> None:
        kinds = {one["Type"] for template in usual(size).values() for one in template["Resources"].values()}
        assert not [kind for kind in kinds if "Custom" in kind or "Lambda" in kind]

    @every_size
    def test_the_regions_name_and_the_partition_were_written_into_the_code(self, size: Size) -> None:
        elsewhere = document(size)
        elsewhere["region"], elsewhere["partition"] = "us-gov-west-1", "aws-us-gov"
        elsewhere["boundary"] = names.boundary_arn("aws-us-gov", ACCOUNT, environments.INSTALLATION)
        for template in templates(elsewhere).values():
            found = [text for text in texts(template) if REGION in text or text.startswith("arn:aws:")]
            assert found == []

    def test_a_string_was_spread_into_characters(self) -> None:
        roles = [{"service_account": "x", "namespace": "gen3", "grants": "bucket"}]
        with pytest.raises(MistakeError) as refused:
            templates(document(given={"resources": {"roles": roles}}))
        assert refused.value.path == "layers.resources.settings.roles[0].grants"

    def test_a_deny_became_an_allow_and_conditions_were_dropped(self) -> None:
        for extra in ({"effect": "Deny"}, {"condition": {}}):
            grant = {"kind": "bucket", "name": "uploads", "access": "read", **extra}
            roles = [{"service_account": "x", "namespace": "gen3", "grants": [grant]}]
            with pytest.raises(MistakeError, match="there is no such setting"):
                templates(document(given={"resources": {"roles": roles}}))

    def test_outputs_were_longer_than_a_parameter_holds(self) -> None:
        roles = [{"service_account": f"service-{number}", "namespace": "gen3", "grants": []} for number in range(60)]
        with pytest.raises(MistakeError, match="SSM parameter") as refused:
            templates(document(given={"resources": {"roles": roles}}))
        assert "About" in refused.value.fix

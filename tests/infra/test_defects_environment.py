"""Defects of systems that did parts of this before: each is a case that the environment's layers must pass.

The names say the defect as it was found. All sizes are looked at, since a defect in one is a defect. Those of buckets,
messages, roles and the edge are in test_defects_resources.py.
"""

from __future__ import annotations

import json
import re

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
    granted,
    of_type,
    only,
    properties,
    role,
    statements,
    templates,
    texts,
    usual,
    with_role,
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
every_size = pytest.mark.parametrize("size", SIZES)


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
        wishes: list[dict[str, object]] = [{"effect": "Deny"}, {"condition": {}}]
        for extra in wishes:
            grant = {"kind": "bucket", "name": "uploads", "access": "read", **extra}
            roles = [{"service_account": "x", "namespace": "gen3", "grants": [grant]}]
            with pytest.raises(MistakeError, match="there is no such setting"):
                templates(document(given={"resources": {"roles": roles}}))

    def test_outputs_were_longer_than_a_parameter_holds(self) -> None:
        roles = [{"service_account": f"service-{number}", "namespace": "gen3", "grants": []} for number in range(60)]
        with pytest.raises(MistakeError, match="SSM parameter") as refused:
            templates(document(given={"resources": {"roles": roles}}))
        assert "About" in refused.value.fix

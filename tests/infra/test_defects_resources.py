"""Defects of earlier systems in buckets, messages, roles and the edge: each is a case, named for what was found."""

from __future__ import annotations

import json

import pytest

from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning import names
from tests.infra import environments
from tests.infra.environments import (
    ACCOUNT,
    OWN,
    REGION,
    SIZES,
    UID,
    document,
    every,
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

ACCESS = ("read", "write")
every_size = pytest.mark.parametrize("size", SIZES)


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
            is_log = "BucketName" not in properties_of_it
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
            assert (ends == [None]) is ("BucketName" in bucket["Properties"])

    def test_browsers_could_not_upload_or_everybodys_could(self) -> None:
        rules = {
            one["Properties"].get("BucketName"): one["Properties"].get("CorsConfiguration")
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
        nothing: dict[str, list[str]] = {"buckets": [], "queues": [], "topics": [], "roles": []}
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

"""The environment's layers as stacks: they come to be, pass their outputs on, change by what was meant to change, and
leave what must stay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.cloud.faults import parse_rule
from csoc.emulator.running import Emulator
from csoc.provisioning.layers import LAYERS
from csoc_infra import app
from csoc_infra.document import parse
from tests.infra import environments

UID = environments.UID
ISSUER = "oidc.eks.ap-southeast-2.amazonaws.com/id/ABCDEF"


class World:
    """An account with a network and the templates of an environment in it."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.cloudformation = owner.client("cloudformation")
        self.values = self._network() | {
            "ClusterOidcProviderArn": f"arn:aws:iam::{owner.account}:oidc-provider/{ISSUER}",
            "ClusterOidcIssuer": ISSUER,
            "NetworkWebAclArn": "-",
        }
        zone = owner.client("route53").create_hosted_zone(Name="example.org", CallerReference="zone")
        self.zone = zone["HostedZone"]["Id"].removeprefix("/hostedzone/")
        self.templates = self.made("small")
        self._boundary()

    def made(self, size: Any = "small", **changed: Any) -> Mapping[str, str]:
        """Templates by layer. What another layer of the environment gives is read from its parameter."""
        edge = {"hosted_zone_id": self.zone, **changed.pop("edge", {})}
        given = {"edge": edge}
        found = environments.document(size, given=given, values=self.values, account=self.owner.account, **changed)
        for layer in found["layers"].values():
            for name, one in layer["inputs"].items():
                for other in ("database", "credentials"):
                    if "parameter" in one and name.startswith(other.capitalize()):
                        one["parameter"] = f"/csoc/{UID}/{other}/{name.removeprefix(other.capitalize())}"
        return app.templates(parse(found))

    def _network(self) -> dict[str, str]:
        ec2 = self.owner.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=f"ap-southeast-2{zone}")
            for number, zone in enumerate("abc")
        ]
        group = ec2.create_security_group(VpcId=vpc, GroupName="nodes", Description="nodes")["GroupId"]
        return {
            "NetworkVpcId": vpc,
            "NetworkIsolatedSubnetIds": ",".join(one["Subnet"]["SubnetId"] for one in subnets),
            "ClusterClusterSecurityGroupId": group,
        }

    def _boundary(self) -> None:
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        self.owner.client("iam").create_policy(
            PolicyName=f"CsocLink-{environments.INSTALLATION}-boundary",
            Path="/csoc-link/",
            PolicyDocument=json.dumps(everything),
        )

    def stack(self, layer: str) -> str:
        return f"csoc-{UID}-{layer}"

    def create(self, layer: str) -> dict[str, str]:
        """Makes a layer's stack, and gives its outputs."""
        name = self.stack(layer)
        self.cloudformation.create_stack(
            StackName=name, TemplateBody=self.templates[layer], Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        return self.ended("stack_create_complete", name)

    def ended(self, waiter: str, name: str) -> dict[str, str]:
        """Waits for a stack; fails with the events if it went wrong."""
        try:
            self.cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        except Exception as error:
            events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            failed = [
                f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}"
                for one in reversed(events)
                if "FAILED" in one["ResourceStatus"]
            ]
            raise AssertionError("\n".join(failed)) from error
        if waiter == "stack_delete_complete":
            return {}
        found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}


@pytest.fixture
def world(owner: Any) -> World:
    return World(owner)


@pytest.fixture
def made(world: World) -> dict[str, dict[str, str]]:
    """Outputs of the four layers, by layer."""
    return {layer: world.create(layer) for layer in environments.OWN}


def test_the_four_layers_come_to_be_one_after_the_other_and_pass_their_outputs_on(
    world: World, made: dict[str, dict[str, str]]
) -> None:
    ssm = world.owner.client("ssm")
    for layer, outputs in made.items():
        assert set(outputs) == {one.name for one in LAYERS[layer].outputs}
        for name, value in outputs.items():
            assert ssm.get_parameter(Name=f"/csoc/{UID}/{layer}/{name}")["Parameter"]["Value"] == value
    assert made["edge"]["HostnameRecord"] == "-"
    assert json.loads(made["resources"]["BucketNames"])["uploads"] == f"csoc-{UID}-uploads-{world.owner.account}"
    assert json.loads(made["resources"]["RoleArns"])["fence-sa"].endswith(f"role/csoc/{UID}/csoc-{UID}-fence-sa")

    secrets = world.owner.client("secretsmanager")
    master = json.loads(secrets.get_secret_value(SecretId=made["database"]["DatabaseSecretName"])["SecretString"])
    assert master["host"] == made["database"]["DatabaseEndpoint"]
    assert (master["port"], master["username"]) == (5432, "postgres")
    assert master["password"].isalnum()
    for name in made["credentials"]["SecretNames"].split(","):
        with pytest.raises(secrets.exceptions.ResourceNotFoundException):
            secrets.get_secret_value(SecretId=name)
        secrets.put_secret_value(SecretId=name, SecretString="put")
    (writer,) = world.owner.client("rds").describe_db_clusters()["DBClusters"][0]["DBClusterMembers"]
    assert writer["DBInstanceIdentifier"] == f"csoc-{UID}-database-0"


def test_the_name_of_a_load_balancer_adds_exactly_the_record(world: World) -> None:
    before = world.create("edge")
    name = "k8s-heart-0123456789.ap-southeast-2.elb.amazonaws.com"
    given: dict[str, Any] = {"StackName": world.stack("edge"), "ChangeSetName": "balancer", "UsePreviousTemplate": True}
    changed = [{"ParameterKey": "LoadBalancerDnsName", "ParameterValue": name}]
    world.cloudformation.create_change_set(**given, Parameters=changed, IncludeNestedStacks=False)
    asked = {key: given[key] for key in ("StackName", "ChangeSetName")}
    world.cloudformation.get_waiter("change_set_create_complete").wait(**asked, WaiterConfig={"Delay": 1})
    changes = [one["ResourceChange"] for one in world.cloudformation.describe_change_set(**asked)["Changes"]]
    assert [(one["Action"], one["LogicalResourceId"]) for one in changes if one["Action"] != "Modify"] == [
        ("Add", "HostnameAddress")
    ]
    # Only what says so to others changes besides.
    assert {one["LogicalResourceId"] for one in changes} <= {"HostnameAddress", "HostnameRecordParameter"}
    world.cloudformation.execute_change_set(**asked)
    after = world.ended("stack_update_complete", world.stack("edge"))

    assert after == before | {"HostnameRecord": environments.HOSTNAME}
    records = world.owner.client("route53").list_resource_record_sets(HostedZoneId=world.zone)["ResourceRecordSets"]
    (found,) = [one for one in records if one["Type"] == "A"]
    assert found["Name"] == f"{environments.HOSTNAME}."
    assert found["AliasTarget"]["DNSName"].rstrip(".") == name
    assert found["AliasTarget"]["HostedZoneId"] == "Z1GM3OXH4ZPM65"


def test_what_holds_data_is_there_after_its_stacks_are_gone(world: World, made: dict[str, dict[str, str]]) -> None:
    for layer in reversed(environments.OWN):
        world.cloudformation.delete_stack(StackName=world.stack(layer))
        world.ended("stack_delete_complete", world.stack(layer))

    rds = world.owner.client("rds")
    assert rds.describe_db_clusters()["DBClusters"][0]["Status"] == "available"
    assert len(rds.describe_db_instances()["DBInstances"]) == 1
    secrets = world.owner.client("secretsmanager")
    master = json.loads(secrets.get_secret_value(SecretId=made["database"]["DatabaseSecretName"])["SecretString"])
    assert master["host"] == made["database"]["DatabaseEndpoint"]
    kept = {one["Name"] for one in secrets.list_secrets()["SecretList"]}
    assert kept == {made["database"]["DatabaseSecretName"], *(f"csoc/{UID}/{name}" for name in environments.SECRETS)}
    buckets = {one["Name"] for one in world.owner.client("s3").list_buckets()["Buckets"]}
    logs = {name for name in buckets if name.startswith(f"csoc-{UID}-resources-bucketaccesslogs")}
    assert len(logs) == 1
    assert buckets - logs == {f"csoc-{UID}-{name}-{world.owner.account}" for name in ("uploads", "manifests")}
    assert world.owner.client("opensearch").list_domain_names()["DomainNames"]
    kms = world.owner.client("kms")
    for arn in (made["database"]["DatabaseKeyArn"], made["credentials"]["SecretsKeyArn"]):
        assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Enabled"
    # What grants or answers ends with its stack.
    assert not world.owner.client("iam").list_roles(PathPrefix=f"/csoc/{UID}/")["Roles"]
    assert not world.owner.client("sqs").list_queues().get("QueueUrls")
    assert not world.owner.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]


def test_a_database_whose_stack_keeps_a_snapshot_only_leaves_one(world: World) -> None:
    less = {"database": {"deletion_protection": False, "removal": "snapshot"}}
    world.templates = world.made("small", layers=["database"], overrides=less, search=False)
    outputs = world.create("database")
    world.cloudformation.delete_stack(StackName=world.stack("database"))
    world.ended("stack_delete_complete", world.stack("database"))
    rds = world.owner.client("rds")
    assert not rds.describe_db_clusters()["DBClusters"]
    (snapshot,) = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert snapshot["DBClusterIdentifier"] == f"csoc-{UID}-database"
    secrets = world.owner.client("secretsmanager")
    assert secrets.describe_secret(SecretId=outputs["DatabaseSecretName"])["Name"]
    key = world.owner.client("kms").describe_key(KeyId=outputs["DatabaseKeyArn"])["KeyMetadata"]
    assert key["KeyState"] == "Enabled"


def test_search_that_cannot_be_made_leaves_no_protected_database_behind(world: World, emulator: Emulator) -> None:
    """A protected database cannot be rolled back, so what fails most often is made before it."""
    reason = "Before you can proceed, you must enable a service-linked role"
    rule = {"effect": "resource", "account": world.owner.account, "stack": world.stack("database")}
    planned = emulator.faults.add(parse_rule({**rule, "resource": "Search", "action": "create", "reason": reason}))
    try:
        with pytest.raises(AssertionError, match="service-linked role"):
            world.create("database")
    finally:
        emulator.faults.remove(planned)
    found = world.cloudformation.describe_stacks(StackName=world.stack("database"))["Stacks"][0]
    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    assert not world.owner.client("rds").describe_db_clusters()["DBClusters"]
    assert not world.owner.client("secretsmanager").list_secrets()["SecretList"]

    # Nothing has a name that would be in the way of the next attempt.
    world.cloudformation.delete_stack(StackName=world.stack("database"))
    world.ended("stack_delete_complete", world.stack("database"))
    assert world.create("database")["DatabaseEndpoint"]


def test_a_new_object_is_told_to_the_queue_by_way_of_the_topic(world: World, made: dict[str, dict[str, str]]) -> None:
    bucket = json.loads(made["resources"]["BucketNames"])["uploads"]
    world.owner.client("s3").put_object(Bucket=bucket, Key="one.bam", Body=b"reads")
    sqs = world.owner.client("sqs")
    url = sqs.get_queue_url(QueueName=f"csoc-{UID}-uploads")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
    told = [json.loads(json.loads(one["Body"])["Message"]) for one in found]
    keys = [record["s3"]["object"]["key"] for event in told for record in event.get("Records", ())]
    assert keys == ["one.bam"]


def test_ids_of_hosted_zones_begin_as_those_of_route_53(owner: Any) -> None:
    made = owner.client("route53").create_hosted_zone(Name="example.org", CallerReference="one")["HostedZone"]["Id"]
    assert made.startswith("/hostedzone/Z")
    assert len(made) == len("/hostedzone/Z0123456789ABCDEFGHIJ")


def test_a_record_is_refused_while_it_is_there_and_not_after_it_was(owner: Any) -> None:
    client = owner.client("route53")
    zone = client.create_hosted_zone(Name="example.net", CallerReference="records")["HostedZone"]["Id"]
    one, other = (
        {"Name": f"{name}.example.net", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "there.org"}]}
        for name in ("one", "other")
    )

    def change(action: str, record: dict[str, Any]) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    change("CREATE", other)
    change("CREATE", one)
    with pytest.raises(ClientError, match="but it already exists"):
        change("CREATE", {**one, "ResourceRecords": [{"Value": "elsewhere.org"}]})
    change("DELETE", one)
    change("CREATE", one)


def test_a_bucket_policy_that_denies_what_comes_without_tls_lets_the_rest_in_and_its_log_be_written(owner: Any) -> None:
    s3 = owner.client("s3")
    where = {"LocationConstraint": "ap-southeast-2"}
    for name in (f"csoc-data-{owner.account}", f"csoc-logs-{owner.account}"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        arn = f"arn:aws:s3:::{name}/*"
        deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": arn}
        plain = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
        old = {**deny, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}
        logs = {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": arn,
        }
        policy = {"Version": "2012-10-17", "Statement": [plain, old, logs]}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    s3.put_object(Bucket=f"csoc-data-{owner.account}", Key="one", Body=b"1")
    logging = {"LoggingEnabled": {"TargetBucket": f"csoc-logs-{owner.account}", "TargetPrefix": ""}}
    s3.put_bucket_logging(Bucket=f"csoc-data-{owner.account}", BucketLoggingStatus=logging)

    own = f"arn:aws:s3:::csoc-data-{owner.account}/*"
    denied = {**deny, "Resource": own, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.9"}}}
    policy = {"Version": "2012-10-17", "Statement": [denied]}
    s3.put_bucket_policy(Bucket=f"csoc-data-{owner.account}", Policy=json.dumps(policy))
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=f"csoc-data-{owner.account}", Key="two", Body=b"2")

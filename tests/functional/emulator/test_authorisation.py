"""What a role may do is what its policies say, over the API, in the codes and words of each service."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner

REGION = "ap-southeast-2"


def allow(action: str | Sequence[str], resource: str | Sequence[str] = "*", **condition: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refusal(action: Callable[[], Any]) -> tuple[str, str]:
    """Code and message."""
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


class Actor:
    """A role with exactly these rights, and clients of its session."""

    def __init__(self, owner: Owner, *statements: dict[str, Any], name: str = "actor", boundary: str = "") -> None:
        iam = owner.client("iam")
        who = {"Effect": "Allow", "Principal": {"AWS": owner.account}, "Action": "sts:AssumeRole"}
        more = {"PermissionsBoundary": boundary} if boundary else {}
        self.arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(who), **more)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document(*statements))
        given = owner.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="task")["Credentials"]
        self._owner = owner
        self._given = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def client(self, service: str) -> Any:
        return self._owner.client(service, **self._given)


CALLS: list[tuple[str, str, str, Callable[[Any], Any]]] = [
    ("ec2", "UnauthorizedOperation", "ec2:CreateVpc", lambda c: c.create_vpc(CidrBlock="10.0.0.0/16")),
    ("s3", "AccessDenied", "s3:ListAllMyBuckets", lambda c: c.list_buckets()),
    ("iam", "AccessDenied", "iam:ListRoles", lambda c: c.list_roles()),
    ("cloudformation", "AccessDenied", "cloudformation:DescribeStacks", lambda c: c.describe_stacks()),
    ("rds", "AccessDenied", "rds:DescribeDBClusters", lambda c: c.describe_db_clusters()),
    ("elbv2", "AccessDenied", "elasticloadbalancing:DescribeLoadBalancers", lambda c: c.describe_load_balancers()),
    ("sns", "AuthorizationError", "sns:ListTopics", lambda c: c.list_topics()),
    ("kms", "AccessDeniedException", "kms:CreateKey", lambda c: c.create_key()),
    ("secretsmanager", "AccessDeniedException", "secretsmanager:ListSecrets", lambda c: c.list_secrets()),
    ("eks", "AccessDeniedException", "eks:ListClusters", lambda c: c.list_clusters()),
    ("logs", "AccessDeniedException", "logs:DescribeLogGroups", lambda c: c.describe_log_groups()),
    ("wafv2", "AccessDeniedException", "wafv2:ListWebACLs", lambda c: c.list_web_acls(Scope="REGIONAL")),
    ("acm", "AccessDeniedException", "acm:ListCertificates", lambda c: c.list_certificates()),
    ("route53", "AccessDenied", "route53:ListHostedZones", lambda c: c.list_hosted_zones()),
]


def test_who_has_no_rights_is_refused_everywhere_in_the_services_own_words(owner: Owner) -> None:
    actor = Actor(owner)
    session = f"arn:aws:sts::{owner.account}:assumed-role/actor/task"
    for service, code, action, call in CALLS:
        told = refusal(lambda service=service, call=call: call(actor.client(service)))  # type: ignore[misc]
        assert told[0] == code, service
        assert f"User: {session} is not authorized to perform: {action} on resource: " in told[1]
        assert f"because no identity-based policy allows the {action} action" in told[1]


def test_everybody_may_ask_who_they_are(owner: Owner) -> None:
    assert Actor(owner).client("sts").get_caller_identity()["Account"] == owner.account


def test_a_secret_is_read_by_whom_its_name_allows_and_by_nobody_else(owner: Owner) -> None:
    secrets = owner.client("secretsmanager")
    for name in ("csoc/a", "other/a"):
        secrets.create_secret(Name=name, SecretString="hidden")
    mine = Actor(owner, allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:*:secret:csoc/*"))
    client = mine.client("secretsmanager")
    assert client.get_secret_value(SecretId="csoc/a")["SecretString"] == "hidden"
    assert refusal(lambda: client.get_secret_value(SecretId="other/a"))[0] == "AccessDeniedException"
    assert refusal(lambda: client.put_secret_value(SecretId="csoc/a", SecretString="x"))[0] == "AccessDeniedException"


def test_a_role_is_passed_only_to_the_service_that_the_policy_names(owner: Owner) -> None:
    iam = owner.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    execution = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    template = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    asked = {"StackName": "tide", "TemplateBody": template, "RoleARN": execution}
    without = Actor(owner, allow("cloudformation:*"), name="without")
    code, message = refusal(lambda: without.client("cloudformation").create_stack(**asked))
    assert (code, "iam:PassRole" in message, execution in message) == ("AccessDenied", True, True)
    right: dict[str, Any] = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    wrong: dict[str, Any] = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    other = Actor(owner, allow("cloudformation:*"), allow("iam:PassRole", execution, **wrong), name="other")
    assert refusal(lambda: other.client("cloudformation").create_stack(**asked))[0] == "AccessDenied"
    given = Actor(owner, allow("cloudformation:*"), allow("iam:PassRole", execution, **right), name="given")
    assert "tide" in given.client("cloudformation").create_stack(**asked)["StackId"]


def test_a_stack_may_be_made_only_with_the_role_that_a_condition_names(owner: Owner) -> None:
    condition: dict[str, Any] = {
        "StringEquals": {"cloudformation:RoleArn": f"arn:aws:iam::{owner.account}:role/execution"}
    }
    actor = Actor(owner, allow("cloudformation:CreateStack", **condition))
    template = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    stacks = actor.client("cloudformation")
    assert refusal(lambda: stacks.create_stack(StackName="tide", TemplateBody=template))[0] == "AccessDenied"


def test_stacks_are_named_by_the_prefix_of_the_installation(owner: Owner) -> None:
    mine = f"arn:aws:cloudformation:{REGION}:{owner.account}:stack/csoc-*"
    stacks = Actor(owner, allow("cloudformation:*", mine), allow("sqs:*")).client("cloudformation")
    template = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    stacks.create_stack(StackName="csoc-tide", TemplateBody=template)
    assert stacks.describe_stacks(StackName="csoc-tide")["Stacks"][0]["StackName"] == "csoc-tide"
    assert refusal(lambda: stacks.create_stack(StackName="tide", TemplateBody=template))[0] == "AccessDenied"


def test_what_a_stack_may_make_is_what_its_caller_may(owner: Owner) -> None:
    actor = Actor(owner, allow("cloudformation:*"))
    stacks = actor.client("cloudformation")
    net = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
    stacks.create_stack(StackName="net", TemplateBody=json.dumps({"Resources": {"Net": net}}))
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_create_complete").wait(StackName="net", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    events = stacks.describe_stack_events(StackName="net")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert any("not authorized to perform: ec2:CreateVpc" in reason for reason in reasons)


def test_roles_are_made_only_with_the_boundary_and_below_the_path(owner: Owner) -> None:
    iam = owner.client("iam")
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    path = f"arn:aws:iam::{owner.account}:role/csoc/*"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    actor = Actor(owner, allow(["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"], path, **bounded))
    mine = actor.client("iam")
    trust = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    asked = {"RoleName": "app", "Path": "/csoc/", "AssumeRolePolicyDocument": trust}
    assert refusal(lambda: mine.create_role(**asked))[0] == "AccessDenied"
    assert (
        refusal(lambda: mine.create_role(**{**asked, "Path": "/"}, PermissionsBoundary=boundary))[0] == "AccessDenied"
    )
    mine.create_role(**asked, PermissionsBoundary=boundary)
    mine.put_role_policy(RoleName="app", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    iam.create_role(RoleName="free", Path="/csoc/", AssumeRolePolicyDocument=trust)
    free = {"RoleName": "free", "PolicyName": "p", "PolicyDocument": document(allow("*"))}
    assert refusal(lambda: mine.put_role_policy(**free))[0] == "AccessDenied"


def test_a_boundary_narrows_a_role(owner: Owner) -> None:
    iam = owner.client("iam")
    boundary = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    actor = Actor(owner, allow("*"), boundary=boundary)
    assert "Buckets" in actor.client("s3").list_buckets()
    assert "no permissions boundary allows the sqs:ListQueues action" in refusal(actor.client("sqs").list_queues)[1]


def test_tags_of_a_request_and_of_a_resource_are_conditions(owner: Owner) -> None:
    asked: dict[str, Any] = {"StringEquals": {"aws:RequestTag/owner": "csoc"}}
    there: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/owner": "csoc"}}
    statements = (
        allow(["ec2:CreateVpc", "ec2:CreateTags"], **asked),
        allow("ec2:DeleteVpc", **there),
    )
    client, everything = Actor(owner, *statements).client("ec2"), owner.client("ec2")
    assert refusal(lambda: client.create_vpc(CidrBlock="10.0.0.0/16"))[0] == "UnauthorizedOperation"
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "owner", "Value": "csoc"}]}]
    made = client.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
    strange = everything.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert refusal(lambda: client.delete_vpc(VpcId=strange))[0] == "UnauthorizedOperation"
    client.delete_vpc(VpcId=made)


def test_tagging_at_creation_is_a_right_of_its_own(owner: Owner) -> None:
    client = Actor(owner, allow("ec2:CreateVpc")).client("ec2")
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
    assert "ec2:CreateTags" in refusal(lambda: client.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags))[1]


def test_a_keys_policy_decides_who_may_use_it(owner: Owner) -> None:
    actor = Actor(owner, allow("kms:*"))
    names = {"AWS": f"arn:aws:iam::{owner.account}:user/owner"}
    only = document({"Effect": "Allow", "Principal": names, "Action": "kms:*", "Resource": "*"})
    closed = owner.client("kms").create_key(Policy=only)["KeyMetadata"]["KeyId"]
    usual = owner.client("kms").create_key()["KeyMetadata"]["KeyId"]
    mine = actor.client("kms")
    assert mine.encrypt(KeyId=usual, Plaintext=b"x")["KeyId"].endswith(usual)
    code, message = refusal(lambda: mine.encrypt(KeyId=closed, Plaintext=b"x"))
    assert (code, "no resource-based policy allows" in message) == ("AccessDeniedException", True)
    owner.client("kms").create_grant(KeyId=closed, GranteePrincipal=actor.arn, Operations=["Encrypt"])
    mine.encrypt(KeyId=closed, Plaintext=b"x")


def test_a_bucket_lets_another_account_in_by_its_policy(owner: Owner, emulator: Emulator) -> None:
    other = Owner(emulator, "240000000000")
    s3, name = owner.client("s3"), f"shared-{owner.account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=name, Key="a", Body=b"hello")
    theirs = other.client("s3")
    assert refusal(lambda: theirs.get_object(Bucket=name, Key="a"))[0] == "AccessDenied"
    statement = {**allow("s3:GetObject", f"arn:aws:s3:::{name}/*"), "Principal": {"AWS": other.account}}
    s3.put_bucket_policy(Bucket=name, Policy=document(statement))
    assert theirs.get_object(Bucket=name, Key="a")["Body"].read() == b"hello"
    assert refusal(lambda: theirs.put_object(Bucket=name, Key="b", Body=b""))[0] == "AccessDenied"


def test_an_explicit_deny_says_so(owner: Owner) -> None:
    denying = {**allow("s3:ListAllMyBuckets"), "Effect": "Deny"}
    told = refusal(Actor(owner, allow("*"), denying).client("s3").list_buckets)[1]
    assert "with an explicit deny in an identity-based policy" in told


def test_a_refusal_of_ec2_can_be_decoded(owner: Owner) -> None:
    told = refusal(lambda: Actor(owner).client("ec2").create_vpc(CidrBlock="10.0.0.0/16"))[1]
    hidden = told.rpartition("Encoded authorization failure message: ")[2]
    shown = json.loads(owner.client("sts").decode_authorization_message(EncodedMessage=hidden)["DecodedMessage"])
    assert (shown["action"], shown["resource"]) == ("ec2:CreateVpc", f"arn:aws:ec2:{REGION}:{owner.account}:vpc/*")


def test_an_organisation_bounds_its_members_and_says_who_belongs_to_it(emulator: Emulator) -> None:
    hub, member = Owner(emulator, "250000000000"), Owner(emulator, "250000000001")
    organisation = emulator.accounts.organise(hub.account, [member.account])
    policies = hub.client("organizations")
    made = policies.create_policy(
        Content=document({**allow("sqs:*"), "Effect": "Deny"}), Description="", Name="no-queues",
        Type="SERVICE_CONTROL_POLICY",
    )["Policy"]["PolicySummary"]["Id"]  # fmt: skip
    policies.attach_policy(PolicyId=made, TargetId=member.account)
    assert "service control policy" in refusal(member.client("sqs").list_queues)[1]
    assert "ResponseMetadata" in hub.client("sqs").list_queues()
    ours = {"StringEquals": {"aws:PrincipalOrgID": organisation}}
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": ours}
    arn = hub.client("iam").create_role(RoleName="link", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    assert member.client("sts").assume_role(RoleArn=arn, RoleSessionName="eva")["Credentials"]
    stranger = Owner(emulator, "250000000002").client("sts")
    assert refusal(lambda: stranger.assume_role(RoleArn=arn, RoleSessionName="eva"))[0] == "AccessDenied"

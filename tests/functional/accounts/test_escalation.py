"""What whoever gets hold of a link's sessions, or of CloudFormation with its execution role, tries in order to become
more. Each try is a call to the emulated cloud, which decides by the policies of the template."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csoc.accounts import names
from csoc.accounts.links import Role
from csoc.emulator.owners import REGION
from csoc.emulator.running import Emulator
from tests.functional.accounts.test_execution import INSTALLATION, Linked, boto

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ANOTHERS = "csoc-z9b2c3d4e5-network"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
Attempt = Callable[[Linked], Any]


@pytest.fixture(scope="module")
def linked(emulator: Emulator) -> Linked:
    """An account with a link, a role of a stack, and things of its owner that are worth having."""
    made = Linked(emulator, "520000000000")
    iam = made.owner.client("iam")
    trust = trusting("ec2.amazonaws.com")
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="admin", PolicyName="all", PolicyDocument=EVERYTHING)
    iam.create_instance_profile(InstanceProfileName="admin")
    iam.add_role_to_instance_profile(InstanceProfileName="admin", RoleName="admin")
    iam.create_user(UserName="eva")
    boundary = made.terms.boundary
    iam.create_role(
        RoleName="csoc-e1b2c3d4e5-own", Path="/csoc/e1b2c3d4e5/", AssumeRolePolicyDocument=trust,
        PermissionsBoundary=boundary,
    )  # fmt: skip
    # Somebody took the boundary off, by hand: it cannot be given rights either.
    iam.create_role(RoleName="csoc-e1b2c3d4e5-bare", Path="/csoc/e1b2c3d4e5/", AssumeRolePolicyDocument=trust)
    made.owner.client("secretsmanager").create_secret(Name="payroll", SecretString="hush")
    made.owner.client("secretsmanager").create_secret(Name="csoc/e1b2c3d4e5/fence", SecretString="hush")
    for uid, installation in (("e1b2c3d4e5", INSTALLATION), ("z1b2c3d4e5", "z1b2c3d4e5")):
        made.owner.client("secretsmanager").create_secret(
            Name=f"csoc-{uid}-database-master",
            SecretString="hush",
            Tags=[{"Key": names.INSTALLATION_TAG, "Value": installation}],
        )
    made.owner.client("ssm").put_parameter(Name="/payroll", Value="hush", Type="SecureString")
    made.owner.client("s3").create_bucket(
        Bucket="payroll-520000000000", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    made.owner.client("s3").put_object(Bucket="payroll-520000000000", Key="all.csv", Body=b"hush")
    made.owner.client("cloudformation").create_stack(
        StackName=ANOTHERS,
        TemplateBody=json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}),
        Tags=[{"Key": names.INSTALLATION_TAG, "Value": "z1b2c3d4e5"}],
    )
    return made


def trusting(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def link_role(role: str) -> str:
    return names.link_role(INSTALLATION, role)


def foreign_key(linked: Linked) -> str:
    return str(linked.owner.client("kms").create_key()["KeyMetadata"]["KeyId"])


def iam(linked: Linked) -> Any:
    return linked.execution("iam", "us-east-1")


def new_role(linked: Linked, **changed: Any) -> Any:
    """A role as stacks make it, but for what is changed; None leaves a parameter out."""
    asked = {
        "RoleName": "csoc-e1b2c3d4e5-new",
        "Path": "/csoc/e1b2c3d4e5/",
        "AssumeRolePolicyDocument": trusting("ec2.amazonaws.com"),
        "PermissionsBoundary": linked.terms.boundary,
        **changed,
    }
    return iam(linked).create_role(**{name: value for name, value in asked.items() if value is not None})


def test_what_is_refused_below_would_be_allowed_if_it_were_done_as_a_stack_does(linked: Linked) -> None:
    new_role(linked)
    named = {"RoleName": "csoc-e1b2c3d4e5-new"}
    iam(linked).put_role_policy(**named, PolicyName="one", PolicyDocument=EVERYTHING)
    iam(linked).delete_role_policy(**named, PolicyName="one")
    iam(linked).delete_role(**named)
    made = linked.execution("secretsmanager").create_secret(Name="csoc/e1b2c3d4e5/portal", SecretString="{}")
    linked.execution("secretsmanager").delete_secret(SecretId=made["ARN"])
    # A database takes its first password from there.
    linked.execution("secretsmanager").get_secret_value(SecretId="csoc-e1b2c3d4e5-database-master")
    key = linked.execution("kms").create_key(Tags=[{"TagKey": names.INSTALLATION_TAG, "TagValue": INSTALLATION}])
    linked.execution("kms").schedule_key_deletion(KeyId=key["KeyMetadata"]["KeyId"])


OWN = {"RoleName": "csoc-e1b2c3d4e5-own"}
BARE = {"RoleName": "csoc-e1b2c3d4e5-bare"}
PROFILE = {"Arn": "arn:aws:iam::520000000000:instance-profile/admin"}

EXECUTION: dict[str, Attempt] = {
    "a role without the boundary": lambda one: new_role(one, PermissionsBoundary=None),
    "a role with another boundary": lambda one: new_role(one, PermissionsBoundary=ADMINISTRATOR),
    "a role outside of the path": lambda one: new_role(one, Path="/"),
    "a role below the path of the link": lambda one: new_role(one, Path="/csoc-link/"),
    "a role of a path that begins alike": lambda one: new_role(one, Path="/csoc-other/"),
    "the boundary taken off": lambda one: iam(one).delete_role_permissions_boundary(**OWN),
    "the boundary exchanged": lambda one: iam(one).put_role_permissions_boundary(
        **OWN, PermissionsBoundary=ADMINISTRATOR
    ),
    "rights for a role that lost its boundary": lambda one: iam(one).attach_role_policy(
        **BARE, PolicyArn=ADMINISTRATOR
    ),
    "rights written into such a role": lambda one: iam(one).put_role_policy(
        **BARE, PolicyName="all", PolicyDocument=EVERYTHING
    ),
    "the boundary edited": lambda one: iam(one).create_policy_version(
        PolicyArn=one.terms.boundary, PolicyDocument=EVERYTHING, SetAsDefault=True
    ),
    "an old version of the boundary": lambda one: iam(one).set_default_policy_version(
        PolicyArn=one.terms.boundary, VersionId="v1"
    ),
    "the boundary deleted": lambda one: iam(one).delete_policy(PolicyArn=one.terms.boundary),
    "its own policy edited": lambda one: iam(one).create_policy_version(
        PolicyArn=names.policy_arn("aws", "520000000000", INSTALLATION, "execution-identities"),
        PolicyDocument=EVERYTHING,
        SetAsDefault=True,
    ),
    "administrator to itself": lambda one: iam(one).attach_role_policy(
        RoleName=link_role("execution"), PolicyArn=ADMINISTRATOR
    ),
    "administrator to the provisioner": lambda one: iam(one).put_role_policy(
        RoleName=link_role("provisioner"), PolicyName="all", PolicyDocument=EVERYTHING
    ),
    "a way into a role of the link": lambda one: iam(one).update_assume_role_policy(
        RoleName=link_role("execution"), PolicyDocument=trusting("ec2.amazonaws.com")
    ),
    "longer sessions": lambda one: iam(one).update_role(
        RoleName=link_role("provisioner"), MaxSessionDuration=43_200
    ),
    "a role of the link deleted": lambda one: iam(one).delete_role(RoleName=link_role("observer")),
    "a way into the administrator": lambda one: iam(one).update_assume_role_policy(
        RoleName="admin", PolicyDocument=trusting("ec2.amazonaws.com")
    ),
    "a key for a user": lambda one: iam(one).create_access_key(UserName="eva"),
    "a user": lambda one: iam(one).create_user(UserName="mallory"),
    "a password for a user": lambda one: iam(one).create_login_profile(UserName="eva", Password="Hush-hush-1"),
    "rights for a user": lambda one: iam(one).attach_user_policy(UserName="eva", PolicyArn=ADMINISTRATOR),
    "an identity provider of somebody's own": lambda one: iam(one).create_open_id_connect_provider(
        Url="https://oidc.example.org/id/1", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    ),
    "a role taken": lambda one: one.execution("sts").assume_role(
        RoleArn="arn:aws:iam::520000000000:role/admin", RoleSessionName="escape"
    ),
    "the administrator in an instance": lambda one: one.execution("ec2").run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile=PROFILE
    ),
    "the administrator in a profile of csoc's": lambda one: _in_a_profile(one),
    "the administrator handed to EKS": lambda one: one.execution("eks").create_cluster(
        name="csoc-c1b2c3d4e5",
        roleArn="arn:aws:iam::520000000000:role/admin",
        resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
        tags={names.INSTALLATION_TAG: INSTALLATION},
    ),
    "its own role handed to a machine": lambda one: _in_a_profile(one, link_role("execution")),
    "a function": lambda one: one.execution("lambda").create_function(
        FunctionName="csoc-escape", Role=one.terms.role(Role.EXECUTION), Code={"ZipFile": b"x"}, Runtime="python3.12",
        Handler="a.b",
    ),
    "a function with the administrator": lambda one: one.execution("lambda").create_function(
        FunctionName="csoc-escape", Role="arn:aws:iam::520000000000:role/admin", Code={"ZipFile": b"x"},
        Runtime="python3.12", Handler="a.b",
    ),
    "a stack": lambda one: one.execution("cloudformation").create_stack(
        StackName="csoc-e1b2c3d4e5-escape", TemplateBody=json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}})
    ),
    "the link's stack": lambda one: one.execution("cloudformation").delete_stack(
        StackName=names.link_stack(INSTALLATION)
    ),
    "the key policy of a key that is not csoc's": lambda one: one.execution("kms").put_key_policy(
        KeyId=foreign_key(one), Policy=EVERYTHING, PolicyName="default"
    ),
    "such a key deleted": lambda one: one.execution("kms").schedule_key_deletion(KeyId=foreign_key(one)),
    "a key without the tag": lambda one: one.execution("kms").create_key(),
    "a secret read": lambda one: one.execution("secretsmanager").get_secret_value(SecretId="payroll"),
    "the master login of another installation's database": lambda one: one.execution(
        "secretsmanager"
    ).get_secret_value(SecretId="csoc-z1b2c3d4e5-database-master"),
    "a secret of csoc's read": lambda one: one.execution("secretsmanager").get_secret_value(
        SecretId="csoc/e1b2c3d4e5/fence"
    ),
    "a secret opened for others": lambda one: one.execution("secretsmanager").put_resource_policy(
        SecretId="csoc/e1b2c3d4e5/fence",
        ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
             "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}),
    ),
    "a secret of somebody else deleted": lambda one: one.execution("secretsmanager").delete_secret(
        SecretId="payroll"
    ),
    "a parameter read": lambda one: one.execution("ssm").get_parameter(Name="/payroll", WithDecryption=True),
    "a bucket opened": lambda one: one.execution("s3").put_bucket_policy(
        Bucket="payroll-520000000000", Policy=EVERYTHING
    ),
    "an object read": lambda one: one.execution("s3").get_object(Bucket="payroll-520000000000", Key="all.csv"),
    "a bucket deleted": lambda one: one.execution("s3").delete_bucket(Bucket="payroll-520000000000"),
    "the link's bucket opened": lambda one: one.execution("s3").put_bucket_policy(
        Bucket=one.terms.artifact_bucket, Policy=EVERYTHING
    ),
    "a network that is not csoc's": lambda one: one.execution("ec2").delete_vpc(
        VpcId=one.owner.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    ),
    "a network claimed by its tag": lambda one: one.execution("ec2").create_tags(
        Resources=[one.owner.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]],
        Tags=[{"Key": names.INSTALLATION_TAG, "Value": INSTALLATION}],
    ),
    "the account left": lambda one: one.execution("organizations", "us-east-1").leave_organization(),
}  # fmt: skip


def _in_a_profile(linked: Linked, role: str = "admin") -> Any:
    """A profile may be made, and no role put into it that stacks did not make."""
    profile = f"csoc-e1b2c3d4e5-{role}"
    try:
        iam(linked).create_instance_profile(InstanceProfileName=profile, Path="/csoc/e1b2c3d4e5/")
    except ClientError as error:
        pytest.fail(f"the profile itself: {error}")
    return iam(linked).add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)


def provisioner(linked: Linked, service: str) -> Any:
    return linked.client(Role.PROVISIONER, service)


def change_set(linked: Linked, **changed: Any) -> Any:
    """A change set as csoc makes it, but for what is changed."""
    asked = {
        "StackName": "csoc-e1b2c3d4e5-escape",
        "ChangeSetName": "one",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}),
        "RoleARN": linked.terms.role(Role.EXECUTION),
        "Tags": [{"Key": names.INSTALLATION_TAG, "Value": INSTALLATION}],
        **changed,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return provisioner(linked, "cloudformation").create_change_set(**given)


PROVISIONER: dict[str, Attempt] = {
    "a stack of another name": lambda one: change_set(one, StackName="payroll"),
    "a stack whose name only begins alike": lambda one: change_set(one, StackName="csoc-payroll"),
    "a stack of another installation": lambda one: change_set(
        one, Tags=[{"Key": names.INSTALLATION_TAG, "Value": "z1b2c3d4e5"}]
    ),
    "a stack of no installation": lambda one: change_set(one, Tags=None),
    "a stack in its own name": lambda one: change_set(one, RoleARN=None),
    "a stack with the administrator": lambda one: change_set(one, RoleARN="arn:aws:iam::520000000000:role/admin"),
    "another installation's stack changed": lambda one: change_set(one, StackName=ANOTHERS, ChangeSetType="UPDATE"),
    "another installation's stack deleted": lambda one: provisioner(one, "cloudformation").delete_stack(
        StackName=ANOTHERS, RoleARN=one.terms.role(Role.EXECUTION)
    ),
    "another installation's stack unprotected": lambda one: provisioner(
        one, "cloudformation"
    ).update_termination_protection(StackName=ANOTHERS, EnableTerminationProtection=False),
    "the link's stack changed": lambda one: change_set(
        one, StackName=names.link_stack(INSTALLATION), ChangeSetType="UPDATE"
    ),
    "the link's stack deleted": lambda one: provisioner(one, "cloudformation").delete_stack(
        StackName=names.link_stack(INSTALLATION), RoleARN=one.terms.role(Role.EXECUTION)
    ),
    "the link's stack read": lambda one: provisioner(one, "cloudformation").get_template(
        StackName=names.link_stack(INSTALLATION)
    ),
    "what exists imported": lambda one: change_set(
        one,
        ChangeSetType="IMPORT",
        ResourcesToImport=[
            {"ResourceType": "AWS::SNS::Topic", "LogicalResourceId": "A", "ResourceIdentifier": {"TopicArn": "x"}}
        ],
    ),
    "a stack at once": lambda one: provisioner(one, "cloudformation").create_stack(
        StackName="csoc-e1b2c3d4e5-escape", TemplateBody="{}", RoleARN=one.terms.role(Role.EXECUTION)
    ),
    "the execution role handed to EKS": lambda one: provisioner(one, "eks").create_cluster(
        name="csoc-c1b2c3d4e5", roleArn=one.terms.role(Role.EXECUTION), resourcesVpcConfig={}
    ),
    "a role taken": lambda one: provisioner(one, "sts").assume_role(
        RoleArn=one.terms.role(Role.SECRETS), RoleSessionName="escape", ExternalId=one.terms.external_id
    ),
    "a role of the link changed": lambda one: provisioner(one, "iam").update_assume_role_policy(
        RoleName=link_role("provisioner"), PolicyDocument=EVERYTHING
    ),
    "a secret read": lambda one: provisioner(one, "secretsmanager").get_secret_value(SecretId="csoc/e1b2c3d4e5/fence"),
    "a parameter of somebody else": lambda one: provisioner(one, "ssm").get_parameter(Name="/payroll"),
    "a stack of somebody else": lambda one: provisioner(one, "cloudformation").describe_stacks(StackName="payroll"),
    "a service's role beside that of search": lambda one: provisioner(one, "iam").create_service_linked_role(
        AWSServiceName="ecs.amazonaws.com"
    ),
    "a network": lambda one: provisioner(one, "ec2").create_vpc(CidrBlock="10.0.0.0/16"),
}
OTHERS: dict[str, Attempt] = {
    "secrets: a value read": lambda one: one.client(Role.SECRETS, "secretsmanager").get_secret_value(
        SecretId="csoc/e1b2c3d4e5/fence"
    ),
    "secrets: the master login of a database of csoc's": lambda one: one.client(
        Role.SECRETS, "secretsmanager"
    ).put_secret_value(SecretId="csoc-e1b2c3d4e5-database-master", SecretString="{}"),
    "secrets: a secret of somebody else": lambda one: one.client(Role.SECRETS, "secretsmanager").put_secret_value(
        SecretId="payroll", SecretString="{}"
    ),
    "secrets: a secret deleted": lambda one: one.client(Role.SECRETS, "secretsmanager").delete_secret(
        SecretId="csoc/e1b2c3d4e5/fence"
    ),
    "observer: an object": lambda one: one.client(Role.OBSERVER, "s3").get_object(
        Bucket="payroll-520000000000", Key="all.csv"
    ),
    "observer: a secret": lambda one: one.client(Role.OBSERVER, "secretsmanager").get_secret_value(SecretId="payroll"),
    "observer: a parameter": lambda one: one.client(Role.OBSERVER, "ssm").get_parameter(
        Name="/payroll", WithDecryption=True
    ),
    "observer: a change": lambda one: one.client(Role.OBSERVER, "ec2").create_vpc(CidrBlock="10.0.0.0/16"),
    "cluster: a cluster made": lambda one: one.client(Role.CLUSTER, "eks").delete_cluster(name="csoc-c1b2c3d4e5"),
    "cluster: somebody else's entry": lambda one: one.client(Role.CLUSTER, "eks").create_access_entry(
        clusterName="csoc-c1b2c3d4e5", principalArn="arn:aws:iam::520000000000:role/admin"
    ),
}
ATTEMPTS = {
    **{f"execution: {name}": one for name, one in EXECUTION.items()},
    **{f"provisioner: {name}": one for name, one in PROVISIONER.items()},
    **OTHERS,
}


@pytest.mark.parametrize("what", list(ATTEMPTS))
def test_nobody_becomes_more_by(linked: Linked, what: str) -> None:
    with pytest.raises(ClientError) as refused:
        ATTEMPTS[what](linked)
    error = refused.value.response["Error"]
    assert error["Code"] in DENIED, error
    assert "does not know" not in error["Message"], f"not judged, only doubted: {error['Message']}"


def test_a_role_of_a_stack_is_held_by_the_boundary_whatever_its_own_policies_say(linked: Linked) -> None:
    owner = linked.owner.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::520000000000:root"}, "Action": "sts:AssumeRole"}
    owner.create_role(
        RoleName="csoc-e1b2c3d4e5-greedy",
        Path="/csoc/e1b2c3d4e5/",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        PermissionsBoundary=linked.terms.boundary,
    )
    owner.put_role_policy(RoleName="csoc-e1b2c3d4e5-greedy", PolicyName="all", PolicyDocument=EVERYTHING)
    arn = "arn:aws:iam::520000000000:role/csoc/e1b2c3d4e5/csoc-e1b2c3d4e5-greedy"
    key = linked.owner.client("sts").assume_role(RoleArn=arn, RoleSessionName="pod")["Credentials"]

    variables = {
        "AWS_ENDPOINT_URL": linked.emulator.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_SESSION_TOKEN": key["SessionToken"],
    }

    def client(service: str) -> Any:
        return boto(variables, service)

    assert client("ec2").describe_vpcs()["Vpcs"]
    attempts: list[Callable[[], Any]] = [
        lambda: client("iam").create_user(UserName="mallory"),
        lambda: client("iam").create_role(RoleName="x", AssumeRolePolicyDocument=EVERYTHING),
        lambda: client("cloudformation").list_stacks(),
        lambda: client("lambda").list_functions(),
        lambda: client("secretsmanager").get_secret_value(SecretId="payroll"),
        lambda: client("secretsmanager").get_secret_value(SecretId="csoc/e1b2c3d4e5/fence"),
        lambda: client("s3").get_object(Bucket="payroll-520000000000", Key="all.csv"),
        lambda: client("sts").assume_role(RoleArn=linked.terms.role(Role.EXECUTION), RoleSessionName="escape"),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] in DENIED

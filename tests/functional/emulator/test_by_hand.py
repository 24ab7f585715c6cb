"""The emulator by hand: `csoc emulator` runs, its variables are in the environment, and the rest is the aws command and
kubectl, asserted on what they print."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.functional.emulator.running_command import Started, environment, started
from tests.plugins import optional_parts

PROGRAMS = Path(sys.executable).parent
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: "example.org/web:1", env: [{name: TIDE, value: high}]}]
"""


def _trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _role(service: str, *policies: str) -> dict[str, Any]:
    arns = [f"arn:aws:iam::aws:policy/{name}" for name in policies]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": _trust(service), "ManagedPolicyArns": arns},
    }


def _subnet(number: int) -> dict[str, Any]:
    zone = {"Fn::Select": [number, {"Fn::GetAZs": ""}]}
    properties = {"VpcId": {"Ref": "Net"}, "CidrBlock": f"10.7.{number}.0/24", "AvailabilityZone": zone}
    return {"Type": "AWS::EC2::Subnet", "Properties": properties}


SUBNETS = [{"Ref": "First"}, {"Ref": "Second"}]
TEMPLATE = {
    "Parameters": {"Name": {"Type": "String"}, "Purpose": {"Type": "String", "Default": "web"}},
    "Resources": {
        "Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
        "First": _subnet(0),
        "Second": _subnet(1),
        "Door": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"VpcId": {"Ref": "Net"}, "GroupDescription": {"Ref": "Purpose"}},
        },
        "Control": _role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
        "Machine": _role("ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"),
        "Cluster": {
            "Type": "AWS::EKS::Cluster",
            "Properties": {
                "Name": {"Ref": "Name"},
                "Version": "1.34",
                "RoleArn": {"Fn::GetAtt": ["Control", "Arn"]},
                "ResourcesVpcConfig": {"SubnetIds": SUBNETS},
                "AccessConfig": {
                    "AuthenticationMode": "API",
                    "BootstrapClusterCreatorAdminPermissions": True,
                },
            },
        },
        "Nodes": {
            "Type": "AWS::EKS::Nodegroup",
            "Properties": {
                "ClusterName": {"Ref": "Cluster"},
                "NodegroupName": "workers",
                "NodeRole": {"Fn::GetAtt": ["Machine", "Arn"]},
                "Subnets": SUBNETS,
                "InstanceTypes": ["m5.large"],
                "ScalingConfig": {"MinSize": 1, "DesiredSize": 2, "MaxSize": 3},
            },
        },
        "Password": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": {"Fn::Sub": "${Name}/password"}, "SecretString": "low water"},
        },
    },
    "Outputs": {name: {"Value": {"Ref": name}} for name in ("Cluster", "Door", "Net")},
}
FAILING = {
    "Resources": {
        "Begun": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "begun", "SecretString": "a"}},
        "Door": {
            "Type": "AWS::EC2::SecurityGroup",
            "DependsOn": "Begun",
            "Properties": {"VpcId": "vpc-0123456789abcdef0", "GroupDescription": "nowhere"},
        },
    }
}


class Terminal:
    """A shell in which the printed variables are set."""

    def __init__(self, emulator: Started, folder: Path) -> None:
        self.folder = folder
        self._stacks = emulator.client("cloudformation")
        paths = {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(folder), "KUBECONFIG": str(folder / "kubeconfig")}
        # The command starts many times: what is compiled at the first start is kept for the others.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        self.variables: Mapping[str, str] = environment(**emulator.variables, **paths, **compiled)

    def run(self, *command: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env={**self.variables, **more}, input=stdin, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    def refused(self, *command: str) -> str:
        """What a command complains of."""
        done = self.run(*command)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def told(self, *command: str, stdin: str = "", **more: str) -> str:
        """What a command prints."""
        done = self.run(*command, stdin=stdin, **more)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def aws(self, *arguments: str) -> Any:
        text = self.told("aws", *arguments, "--output", "json")
        return json.loads(text) if text.strip() else None

    def written(self, name: str, template: Mapping[str, Any]) -> str:
        path = self.folder / name
        path.write_text(json.dumps(template), encoding="utf-8")
        return f"file://{path}"

    def status(self, stack: str) -> str:
        """The stack's status once nothing is under way any more. Asked for without the command, which takes a second
        each time."""
        ticking = threading.Event()
        for _ in range(600):
            found = self._stack(stack)["StackStatus"]
            if not found.endswith("_IN_PROGRESS"):
                return str(found)
            ticking.wait(0.1)
        raise AssertionError(f"{stack} is still {found}")

    def output(self, stack: str, key: str) -> str:
        return str(next(one["OutputValue"] for one in self._stack(stack)["Outputs"] if one["OutputKey"] == key))

    def _stack(self, name: str) -> Any:
        return self._stacks.describe_stacks(StackName=name)["Stacks"][0]


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    with started() as emulator, tempfile.TemporaryDirectory() as folder:
        yield Terminal(emulator, Path(folder))


def create(terminal: Terminal, name: str) -> None:
    """Makes a stack with a cluster of the same name, from a template file."""
    terminal.aws(
        "cloudformation", "create-stack", "--stack-name", name, "--capabilities", "CAPABILITY_IAM",
        "--template-body", terminal.written("tide.json", TEMPLATE),
        "--parameters", f"ParameterKey=Name,ParameterValue={name}",
    )  # fmt: skip
    assert terminal.status(name) == "CREATE_COMPLETE"


@pytest.fixture(scope="module")
def stack(terminal: Terminal) -> str:
    """The name of a stack and of the cluster in it."""
    create(terminal, "tide")
    return "tide"


def test_a_stack_of_a_template_file_has_made_everything_in_it(terminal: Terminal, stack: str) -> None:
    found = terminal.aws("cloudformation", "describe-stack-resources", "--stack-name", stack)["StackResources"]
    made = {one["LogicalResourceId"]: one["ResourceStatus"] for one in found}
    assert made == dict.fromkeys(TEMPLATE["Resources"], "CREATE_COMPLETE")
    cluster = terminal.aws("eks", "describe-cluster", "--name", terminal.output(stack, "Cluster"))["cluster"]
    assert (cluster["status"], cluster["version"]) == ("ACTIVE", "1.34")
    group = terminal.aws("eks", "describe-nodegroup", "--cluster-name", "tide", "--nodegroup-name", "workers")
    assert group["nodegroup"]["status"] == "ACTIVE"
    secret = terminal.aws("secretsmanager", "get-secret-value", "--secret-id", "tide/password")
    assert secret["SecretString"] == "low water"


def test_a_change_set_shows_the_replacement_and_executing_it_replaces(terminal: Terminal, stack: str) -> None:
    before = terminal.output(stack, "Door")
    name = ("--stack-name", stack, "--change-set-name", "other-purpose")
    terminal.aws(
        "cloudformation", "create-change-set", *name, "--use-previous-template", "--capabilities", "CAPABILITY_IAM",
        "--parameters", "ParameterKey=Name,UsePreviousValue=true", "ParameterKey=Purpose,ParameterValue=mail",
    )  # fmt: skip
    for _ in range(30):
        shown = terminal.aws("cloudformation", "describe-change-set", *name, "--include-property-values")
        if not shown["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
            break
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    changes = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in shown["Changes"]}
    assert {name: (one["Action"], one["Replacement"]) for name, one in changes.items()} == {"Door": ("Modify", "True")}
    assert changes["Door"]["PhysicalResourceId"] == before
    target = changes["Door"]["Details"][0]["Target"]
    assert (target["Name"], target["RequiresRecreation"]) == ("GroupDescription", "Always")
    assert (target["BeforeValue"], target["AfterValue"]) == ("web", "mail")
    terminal.told("aws", "cloudformation", "execute-change-set", *name)
    assert terminal.status(stack) == "UPDATE_COMPLETE"
    after = terminal.output(stack, "Door")
    assert after != before
    group = terminal.aws("ec2", "describe-security-groups", "--group-ids", after)["SecurityGroups"][0]
    assert group["Description"] == "mail"
    assert "InvalidGroup.NotFound" in terminal.refused("aws", "ec2", "describe-security-groups", "--group-ids", before)


def test_a_stack_is_deleted_with_everything_that_it_made(terminal: Terminal) -> None:
    create(terminal, "ebb")
    network = terminal.output("ebb", "Net")
    arn = terminal.aws("cloudformation", "describe-stacks", "--stack-name", "ebb")["Stacks"][0]["StackId"]
    terminal.told("aws", "cloudformation", "delete-stack", "--stack-name", "ebb")
    assert terminal.status(arn) == "DELETE_COMPLETE"
    for code, *asked in (
        ("ResourceNotFoundException", "eks", "describe-cluster", "--name", "ebb"),
        ("ResourceNotFoundException", "secretsmanager", "describe-secret", "--secret-id", "ebb/password"),
        ("InvalidVpcID.NotFound", "ec2", "describe-vpcs", "--vpc-ids", network),
        ("does not exist", "cloudformation", "describe-stacks", "--stack-name", "ebb"),
    ):
        assert code in terminal.refused("aws", *asked)


def test_a_stack_that_fails_rolls_back_and_its_events_say_why(terminal: Terminal) -> None:
    body = terminal.written("failing.json", FAILING)
    terminal.aws("cloudformation", "create-stack", "--stack-name", "failing", "--template-body", body)
    assert terminal.status("failing") == "ROLLBACK_COMPLETE"
    events = terminal.aws("cloudformation", "describe-stack-events", "--stack-name", "failing")["StackEvents"]
    told = {(one["LogicalResourceId"], one["ResourceStatus"]): one.get("ResourceStatusReason", "") for one in events}
    assert "The vpc ID 'vpc-0123456789abcdef0' does not exist" in told["Door", "CREATE_FAILED"]
    assert told["failing", "ROLLBACK_IN_PROGRESS"].startswith("The following resource(s) failed to create: [Door]")
    assert ("Begun", "DELETE_COMPLETE") in told
    gone = terminal.refused("aws", "secretsmanager", "describe-secret", "--secret-id", "begun")
    assert "ResourceNotFoundException" in gone


def test_a_role_is_taken_with_the_external_id_and_denied_without_it(terminal: Terminal) -> None:
    me = terminal.aws("sts", "get-caller-identity")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": me["Arn"]},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "ebb"}},
            }
        ],
    }
    document = terminal.written("trust.json", trust)
    role = terminal.aws("iam", "create-role", "--role-name", "visitor", "--assume-role-policy-document", document)
    asked = ("aws", "sts", "assume-role", "--role-arn", role["Role"]["Arn"], "--role-session-name", "hand")
    denied = terminal.refused(*asked)
    assert "AccessDenied" in denied
    assert f"User: {me['Arn']} is not authorized to perform: sts:AssumeRole" in denied
    assert "AccessDenied" in terminal.refused(*asked, "--external-id", "flood")
    taken = json.loads(terminal.told(*asked, "--external-id", "ebb", "--output", "json"))["Credentials"]
    who = terminal.told(
        "aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text",
        AWS_ACCESS_KEY_ID=taken["AccessKeyId"], AWS_SECRET_ACCESS_KEY=taken["SecretAccessKey"],
        AWS_SESSION_TOKEN=taken["SessionToken"],
    )  # fmt: skip
    assert who.strip() == f"arn:aws:sts::{me['Account']}:assumed-role/visitor/hand"


@pytest.fixture(scope="module")
def kubectl(request: pytest.FixtureRequest, terminal: Terminal, stack: str) -> str:
    """The program, with a kubeconfig by `aws eks update-kubeconfig`."""
    program = optional_parts.path_of("kubernetes", request.config) / "kubectl"
    told = terminal.told("aws", "eks", "update-kubeconfig", "--name", terminal.output(stack, "Cluster"))
    assert told.startswith("Added new context arn:aws:eks:ap-southeast-2:")
    return str(program)


@pytest.mark.kubernetes
def test_kubectl_sees_the_nodes_of_the_nodegroup_and_the_workloads_of_eks(terminal: Terminal, kubectl: str) -> None:
    rows = [line.split() for line in terminal.told(kubectl, "get", "nodes", "--no-headers").splitlines()]
    assert [(row[1], row[4].split("-")[0]) for row in rows] == [("Ready", "v1.34.1")] * 2
    assert all(row[0].startswith("ip-10-7-") for row in rows)
    terminal.told(kubectl, "rollout", "status", "deployment/coredns", "--namespace=kube-system", "--timeout=60s")
    names = terminal.told(kubectl, "get", "daemonsets", "--namespace=kube-system", "--output=name").split()
    assert names == ["daemonset.apps/aws-node", "daemonset.apps/kube-proxy"]


@pytest.mark.kubernetes
def test_kubectl_applies_follows_and_enters_a_deployment(terminal: Terminal, kubectl: str) -> None:
    applied = terminal.told(kubectl, "apply", "--server-side", "-f-", stdin=DEPLOYMENT)
    assert applied == "deployment.apps/web serverside-applied\n"
    followed = terminal.told(kubectl, "rollout", "status", "deployment/web", "--timeout=60s")
    assert followed.endswith('deployment "web" successfully rolled out\n')
    assert terminal.told(kubectl, "get", "deployment", "web", "--no-headers").split()[:2] == ["web", "2/2"]
    pods = terminal.told(kubectl, "get", "pods", "--selector=app=web", "--output=name").split()
    assert len(pods) == 2
    assert terminal.told(kubectl, "logs", pods[0]).strip()
    assert terminal.told(kubectl, "exec", pods[0], "--", "printenv", "TIDE") == "high\n"
    failed = terminal.run(kubectl, "exec", pods[0], "--", "nope")
    assert (failed.returncode, "executable file not found" in failed.stderr) == (127, True)


@pytest.mark.kubernetes
def test_a_watch_shows_what_happens_while_it_happens(terminal: Terminal, kubectl: str) -> None:
    command = [kubectl, "get", "configmaps", "--watch", "--output-watch-events", "--no-headers", "--namespace=default"]
    with subprocess.Popen(command, env=dict(terminal.variables), stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            # What is there already says that the watch has begun.
            assert watching.stdout.readline().split()[:2] == ["ADDED", "kube-root-ca.crt"]
            terminal.told(kubectl, "create", "configmap", "seen", "--from-literal=a=b")
            assert watching.stdout.readline().split()[:2] == ["ADDED", "seen"]
            terminal.told(kubectl, "delete", "configmap", "seen")
            assert watching.stdout.readline().split()[:2] == ["DELETED", "seen"]
        finally:
            watching.kill()

"""A plan and an apply inside of a workflow elsewhere: its token takes csoc's role, and the run is everybody's."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from csoc.accounts.workflows import AUDIENCE, ISSUER, parse_workflow
from csoc.emulator.owners import WORKER
from tests.functional.accounts.conftest import World
from tests.functional.command import Command

PLACE = "github:example/fleet"
CLUSTER = """\
apiVersion: csoc.gen3.org/v1alpha1
kind: Cluster
metadata: {name: tide, uid: c1b2c3d4e5}
spec:
  account: research
  region: ap-southeast-2
  size: small
  provider: aws
"""


class Host:
    """Signs tokens for jobs, as GitHub does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = rsa.generate_private_key(65537, 2048)
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        world.emulator.issuers[f"https://{ISSUER}"] = {"keys": [{**public, "kid": "1"}]}
        world.hub.client("iam").create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE])

    def token(self, subject: str, audience: str = AUDIENCE) -> str:
        now = int(self._world.emulator.timeline.now().timestamp())
        claims = {"iss": f"https://{ISSUER}", "sub": subject, "aud": audience, "iat": now, "exp": now + 300_000}
        return jwt.encode(claims, self._key, "RS256", {"kid": "1"})

    def job(self, token: str, session: str) -> Command:
        """csoc in a job: it shares the database and the fleet with the others, and nothing else."""
        arn = f"arn:aws:iam::{self._world.hub.account}:role/{WORKER}"
        asked = {"RoleArn": arn, "RoleSessionName": session, "WebIdentityToken": token}
        key = self._world.hub.client("sts").assume_role_with_web_identity(**asked)["Credentials"]
        mine = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": key["SessionToken"],
        }
        return replace(self._world.csoc, variables=self._world.csoc.variables | mine)


def trusting(world: World) -> None:
    """Adds to the trust of csoc's role what `csoc account doctor --trust` prints."""
    iam = world.hub.client("iam")
    statement = world.done(world.csoc("account", "doctor", "--trust", PLACE)).data
    policy = iam.get_role(RoleName=WORKER)["Role"]["AssumeRolePolicyDocument"]
    policy["Statement"].append(statement)
    iam.update_assume_role_policy(RoleName=WORKER, PolicyDocument=json.dumps(policy))


@pytest.fixture
def host(world: World) -> Host:
    made = Host(world)
    trusting(world)
    return made


def test_a_workflow_plans_and_applies_a_layer_and_the_record_is_the_one_that_everybody_sees(
    world: World, host: Host
) -> None:
    owner = world.linked("research")
    world.write("clusters/tide/cluster.yaml", CLUSTER)
    workflow = parse_workflow(PLACE)
    job = host.job(host.token(workflow.subject), workflow.session)

    planned = world.done(job("plan", "tide", "--layer", "network", "--json")).data
    world.done(world.csoc("approve", planned["id"]))
    run = world.done(world.csoc("apply", planned["id"], "--where", PLACE, "--json")).data
    assert (run["where"], run["state"], run["by"].rpartition("/")[2]) == (PLACE, "queued", "ada@example.org")

    kept_out = world.csoc("worker", "--where", PLACE, "--only", run["id"])
    assert kept_out.code == 3
    assert f"This is not a workflow of {PLACE}" in kept_out.err
    assert world.csoc("worker", "--only", run["id"]).code == 5, "nor is it executed here"
    other = job("worker", "--where", "github:example/other", "--only", run["id"])
    assert (other.code, "github:example/other" in other.err) == (3, True)

    done = job("worker", "--where", PLACE, "--only", run["id"])
    assert done.code == 0, done.err + done.out
    seen = world.done(world.csoc("runs", "show", run["id"], "--json")).data
    assert (seen["id"], seen["state"], seen["where"]) == (run["id"], "succeeded", PLACE)
    stacks = owner.client("cloudformation").describe_stacks(StackName="csoc-c1b2c3d4e5-network")["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    assert planned["madeBy"].endswith(f"assumed-role/{WORKER}/{workflow.session}")

    recorded = world.csoc("status", "tide", "--json").data["layers"]
    assert [(one["run"], one["outside"]) for one in recorded if one["layer"] == "network"] == [(run["id"], False)]
    client = owner.client("cloudformation")
    template = client.get_template(StackName=stacks[0]["StackName"], TemplateStage="Original")["TemplateBody"]
    body = template if isinstance(template, dict) else json.loads(template)
    body["Description"] = "Changed by hand"
    body["Resources"]["ByHand"] = {"Type": "AWS::SQS::Queue"}
    status = owner.make_stack(stacks[0]["StackName"], json.dumps(body), {}, lambda: time.sleep(0.05))
    assert status == "UPDATE_COMPLETE"
    after = world.csoc("status", "tide")
    assert after.code == 1
    assert "its last change is in no record of csoc" in after.out


def denied(host: Host, token: str, session: str) -> str:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as refused:
        host.job(token, session)
    return str(refused.value.response["Error"]["Code"])


def test_tokens_of_others_for_others_and_names_of_people_are_refused(world: World, host: Host) -> None:
    ours = parse_workflow(PLACE)
    for subject in (
        "repo:example/other:environment:csoc",
        "repo:example/fleet:pull_request",
        "repo:example/fleet:environment:csoc2",
        "repo:example/fleet:ref:refs/heads/main",
        "repo:Example/fleet:environment:csoc",
    ):
        assert denied(host, host.token(subject), ours.session) == "AccessDenied", subject
    assert denied(host, host.token(ours.subject), "ada@example.org") == "AccessDenied", "a job is nobody's name"
    assert denied(host, host.token(ours.subject, "https://github.com/example"), ours.session) == "InvalidIdentityToken"
    head, claims, signature = host.token("repo:example/other:environment:csoc").split(".")
    altered: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=="))
    altered["sub"] = ours.subject
    forged = base64.urlsafe_b64encode(json.dumps(altered).encode()).rstrip(b"=").decode()
    assert denied(host, f"{head}.{forged}.{signature}", ours.session) == "InvalidIdentityToken"
    assert host.job(host.token(ours.subject), ours.session)("account", "doctor", "--json").data["caller"]["arn"]


@pytest.mark.parametrize("place", ["github:example", "gitlab:example/fleet", "github:a/b/c", "github:a b/c", "x"])
def test_what_is_no_place_of_a_workflow_is_refused_before_anything_is_asked(world: World, place: str) -> None:
    for command in (("account", "doctor", "--trust", place), ("apply", "k3x9m2ab7q", "--where", place)):
        done = world.csoc(*command)
        assert done.code == 1
        assert "Write it as github:OWNER/REPO" in done.err

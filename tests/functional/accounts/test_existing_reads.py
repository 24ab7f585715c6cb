"""What exists already is read where its makers put it: the link lets csoc read that and nothing else, and says so."""

from __future__ import annotations

import json
import shlex

from tests.functional.accounts.conftest import World

PATH = "clusters/omix3/cluster.yaml"
FOLDER = "/gen3/omix3/commons/uat"
NETWORK = {
    "vpc-id": "vpc-0123456789abcdef0",
    "private-subnet-ids": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "waf-acl-arn": "arn:aws:wafv2:ap-southeast-2:111111111111:regional/webacl/omix3-uat-web-acl/1",
}
CLUSTER = f"""\
apiVersion: csoc.gen3.org/v1alpha1
kind: Cluster
metadata: {{name: omix3, uid: c1b2c3d4e5}}
spec:
  account: research
  provider: aws
  region: ap-southeast-2
  size: small
  layers:
    - name: network
      provider: existing
      from:
        parameters: {FOLDER}
        names: {{VpcId: vpc-id, PrivateSubnetIds: private-subnet-ids, WebAclArn: waf-acl-arn}}
"""
STACK = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}


def test_a_link_reads_what_documents_name_once_its_stack_was_given_it(world: World) -> None:
    owner = world.linked("research")
    parameters = owner.client("ssm")
    for name, value in {**NETWORK, "private-key": "of somebody else"}.items():
        parameters.put_parameter(Name=f"{FOLDER}/{name}", Value=value, Type="String")
    world.write(PATH, CLUSTER)

    refused = world.csoc("plan", "omix3", "--layer", "cluster")
    assert refused.code != 0
    assert f"The link's role cannot read the parameter {FOLDER}/vpc-id, from which the layer network is taken" in (
        refused.err
    )
    assert "csoc account link ACCOUNT" in refused.err

    ran = world.done(world.csoc("account", "verify", "research"))
    assert "existing parameters does not work" in ran.out
    pasted = json.loads(next(line for line in ran.out.splitlines() if line.strip().startswith("{")))
    assert pasted["Action"] == ["ssm:GetParameter"]
    wanted = {one.rpartition("parameter")[2] for one in pasted["Resource"]}
    assert {f"{FOLDER}/{name}" for name in NETWORK} <= wanted
    assert not any("*" in one or "private-key" in one for one in wanted)

    begun = world.link("research", owner)
    given = {name: value for name, value in begun["parameters"].items() if name != "ExternalId"}
    assert set(given) == {"ExistingParameters"}
    assert f"ExistingParameters={given['ExistingParameters']}" in shlex.split(begun["command"])
    world.make(owner, begun, **given)
    again = world.done(world.csoc("account", "verify", "research"))
    assert "does not work" not in again.out
    shown = world.done(world.csoc("plan", "omix3", "--layer", "cluster", "--layer", "network"))
    assert "network: exists already, is only read" in shown.out

    # What no document names any more stays granted by the account's owner, and is no weakness.
    world.write(PATH, CLUSTER.replace(FOLDER, "/csoc/elsewhere"))
    assert world.csoc("account", "verify", "research").code == 0


def test_a_stack_that_documents_name_is_read_and_what_is_beyond_single_things_is_a_weakness(world: World) -> None:
    owner = world.linked("research")
    owner.make_stack("omix3-uat-network", json.dumps(STACK), {}, lambda: None)
    source = f"{{stack: omix3-uat-network, names: {CLUSTER.rpartition('names: ')[2].strip()}}}"
    world.write(PATH, CLUSTER.partition("from:")[0] + f"from: {source}\n")

    refused = world.csoc("plan", "omix3", "--layer", "cluster")
    assert "The link's role cannot read the stack omix3-uat-network" in refused.err
    begun = world.link("research", owner)
    stacks = begun["parameters"]["ExistingStacks"]
    assert stacks == f"arn:aws:cloudformation:*:{owner.account}:stack/omix3-uat-network/*"
    world.make(owner, begun, ExistingStacks=stacks)
    world.done(world.csoc("account", "verify", "research"))
    read = world.csoc("plan", "omix3", "--layer", "cluster")
    assert "cannot read" not in read.err
    assert "nobody says what that is" in read.err, "the stack has no such output, which is another matter"

    world.make(owner, begun, ExistingStacks=f"arn:aws:cloudformation:*:{owner.account}:stack/*/*")
    weakened = world.csoc("account", "verify", "research")
    assert weakened.code == 1
    assert "rights beyond the template" in weakened.out

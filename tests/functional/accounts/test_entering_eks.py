"""`csoc cluster connect --eks`: whoever owns the cluster is told the commands that let csoc in, and with these alone it
is in."""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any

import pytest
import yaml

from csoc.adapters.kube.client import KubeClient
from csoc.adapters.kube.connecting import Endpoint, connect
from csoc.emulator.owners import REGION, OwnerOf
from tests.functional.accounts.conftest import World
from tests.functional.emulator.test_eks import Ground, token, wait

CONNECT = ("cluster", "connect", "harbor", "--eks", "tide", "--account", "research", "--rights", "--json")


@pytest.fixture
def owner(world: World) -> OwnerOf:
    """Of a linked account with a cluster of EKS that csoc did not make."""
    found = world.linked("research")
    eks = found.client("eks")
    eks.create_cluster(**Ground(found).cluster())  # type: ignore[arg-type]
    wait(eks, "cluster_active")
    return found


def admin(world: World, owner: OwnerOf) -> KubeClient:
    """The cluster, as the one who made it enters it."""
    found = owner.client("eks").describe_cluster(name="tide")["cluster"]
    authority = base64.b64decode(found["certificateAuthority"]["data"]).decode()
    return connect(
        Endpoint(found["endpoint"], lambda: token(owner, world.emulator), authority),  # type: ignore[arg-type]
        "tide",
    )


def do(command: str, owner: OwnerOf) -> None:
    """What the aws program would do."""
    words = shlex.split(command)
    assert words[:3] == ["aws", "eks", "create-access-entry"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given.pop("--region") == REGION
    owner.client("eks").create_access_entry(
        clusterName=given.pop("--cluster-name"),
        principalArn=given.pop("--principal-arn"),
        kubernetesGroups=[given.pop("--kubernetes-groups")],
    )
    assert not given


def test_the_owner_types_what_is_printed_and_csoc_may_look_and_no_more(world: World, owner: OwnerOf) -> None:
    refused = world.csoc(*CONNECT)
    assert refused.code == 3
    told: dict[str, Any] = json.loads(refused.err)["error"]
    assert "does not know who asks" in told["cause"]
    _, command, *rest = told["fix"].splitlines()
    assert rest[-1] == "kubectl apply --filename csoc-rights.yaml"
    assert "associate-access-policy" not in told["fix"], "policies of EKS give more than csoc uses"
    do(command, owner)

    refused = world.csoc(*CONNECT)
    assert (refused.code, "does not let csoc do what it needs" in refused.err) == (3, True), refused.err
    cluster = admin(world, owner)
    for body in yaml.safe_load_all("\n".join(rest[1:-2])):
        if body["metadata"].get("namespace"):
            cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
        cluster.create(body)
    rights = world.done(world.csoc(*CONNECT)).data["rights"]
    reading = [one for one in rights if "*" not in one["verbs"]]
    assert reading
    assert not [one for one in reading if one["lacking"]]
    assert [one for one in rights if one["lacking"]], "what it would write, it may not yet"

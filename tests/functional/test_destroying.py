"""One of two commons in a cluster is destroyed: the other does not notice, and what was kept is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from csoc.cli.demo import story
from csoc.cli.demo.scene import RESEARCH, ZONE, Scene, scene
from csoc.cli.plan.session import open_applying
from csoc.clusters.client import ClusterClient, Where
from csoc.clusters.hostnames import Answered
from csoc.errors import NotFoundError
from csoc.gen3.launch.answers import parse_answers
from csoc.operations.runs import Run, RunState
from csoc.operations.services import Services
from csoc.provisioning.plans import Purpose
from csoc.usecases import runs as run_cases
from csoc.usecases.launching import Request, begin, prepare
from csoc.usecases.planning.applying import run_of
from csoc.usecases.planning.approving import approve
from csoc.usecases.planning.making import Wanted, make_plan, open_fleet
from csoc.usecases.planning.owners import Owner, find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.run_ports import RunPorts

STAYS, GOES = "reef", "kelp"
_GIVEN = {"fence-config": {"client-id": "portal", "client-secret": "of-nobody"}}


@dataclass
class World:
    stage: Scene
    ports: ProvisioningPorts
    runs: RunPorts

    @property
    def services(self) -> Services:
        return self.runs.services

    def request(self, commons: str, cluster: str) -> Request:
        text = story.answers_text(self.stage).replace("services: [standard]", "services: [minimal]")
        text = text.replace(f"{story.COMMONS}.{ZONE}", f"{commons}.{ZONE}")
        text = text.replace(f"commons: {story.COMMONS}", f"commons: {commons}")
        text = text.replace("cluster: new", f"cluster: {cluster}")
        return Request(str(self.stage.fleet), parse_answers(text.encode()), auto_approve=True)

    def launch(self, commons: str, cluster: str) -> None:
        request = self.request(commons, cluster)
        for run in begin(self.ports, self.runs, request, prepare(self.ports, request)).runs:
            self.end(run)

    def end(self, run: Run) -> Run:
        story.execute_and_tell(self.runs, run.id, lambda text, style: None)
        ended = self.runs.runs.get(run.id)
        assert ended.state is RunState.SUCCEEDED, [(one.name, one.cause, one.waits_for) for one in ended.steps]
        return ended

    def destroy(self, name: str) -> Run:
        fleet = open_fleet(self.ports, str(self.stage.fleet))
        plan = make_plan(self.ports, fleet, Wanted(name, Purpose.DESTROY))
        approve(self.ports, plan.id)
        run = run_of(self.ports, plan, find_owner(fleet.documents, name), str(self.stage.fleet))
        return self.end(run_cases.begin(self.runs, run))

    def owner(self, name: str) -> Owner:
        return find_owner(open_fleet(self.ports, str(self.stage.fleet)).documents, name)

    def cluster(self) -> ClusterClient:
        """The cluster of both, as a run enters it."""
        clusters, delivery = self.services.clusters, self.services.delivery
        assert clusters is not None
        assert delivery is not None
        run = self.runs.runs.newest(owner=self.owner(f"environment/{STAYS}-dev").uid, limit=1)[0]
        return clusters.open(delivery.reference(run, {}), person="sts:ada", task="looking")

    def answers(self, hostname: str) -> Answered:
        assert self.services.hostnames is not None
        return self.services.hostnames.ask(hostname).answered

    def records(self) -> list[str]:
        route53 = self.stage.owners[RESEARCH].client("route53")
        found = route53.list_resource_record_sets(HostedZoneId=self.stage.zone_id)["ResourceRecordSets"]
        return sorted(json.dumps(one, sort_keys=True) for one in found)

    def tagged(self, uid: str) -> list[str]:
        """ARNs of what the account says is the owner's."""
        pages = self.stage.owners[RESEARCH].client("resourcegroupstaggingapi").get_paginator("get_resources")
        wanted = [{"Key": "csoc:owner", "Values": [uid]}]
        found = [one for page in pages.paginate(TagFilters=wanted) for one in page["ResourceTagMappingList"]]
        return sorted(one["ResourceARN"] for one in found)

    def whole(self, environment: str, uid: str) -> Mapping[str, Any]:
        """Everything of an environment: in the account, in the cluster and in Git."""
        client = self.stage.owners[RESEARCH].client
        stacks = [one for one in client("cloudformation").describe_stacks()["Stacks"] if uid in one["StackName"]]
        secrets = client("secretsmanager").list_secrets(Filters=[{"Key": "name", "Values": [f"csoc/{uid}/"]}])
        files = {
            str(path.relative_to(self.stage.fleet)): path.read_bytes()
            for path in self.stage.fleet.rglob("*")
            if path.is_file() and environment in str(path) and ".git" not in path.parts
        }
        with closing(self.cluster()) as cluster:
            application = cluster.get("argoproj.io/v1alpha1", "Application", environment, "argocd")
            project = cluster.get("argoproj.io/v1alpha1", "AppProject", environment, "argocd")
            inside: dict[str, Any] = {"Namespace": cluster.get("v1", "Namespace", environment)["metadata"]["uid"]}
            for api, kind in _KINDS:
                for body in cluster.list_all(api, kind, Where(environment))[0]:
                    # Time runs fast here, and pods of CronJobs come and go by it.
                    if any(one["kind"] == "Job" for one in body["metadata"].get("ownerReferences", [])):
                        continue
                    inside[f"{kind} {body['metadata']['name']}"] = (
                        body["metadata"]["uid"],
                        body.get("spec"),
                        body.get("data"),
                    )
        return {
            "stacks": {one["StackName"]: (one["StackId"], one["StackStatus"], str(one.get("LastUpdatedTime")))
                       for one in stacks},
            "secrets": {one["Name"]: one.get("SecretVersionsToStages") for one in secrets["SecretList"]},
            "tagged": self.tagged(uid),
            "roles": sorted(one["Arn"] for one in client("iam").list_roles()["Roles"] if uid in one["Arn"]),
            "records": [one for one in self.records() if f"{environment.removesuffix('-dev')}.{ZONE}" in one],
            "application": (application["metadata"]["uid"], application["spec"],
                            application["metadata"].get("finalizers")),
            "project": (project["metadata"]["uid"], project["spec"]),
            "inside": inside,
            "files": files,
        }  # fmt: skip


_KINDS = (
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "Ingress"),
    ("external-secrets.io/v1", "ExternalSecret"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with scene(tmp_path_factory.mktemp("destroying")) as stage:
        told = story.Told()
        story.found_fleet(stage, lambda text, style: None)
        story.link_account(stage, lambda text, style: None, told, "research", RESEARCH)
        with open_applying(lambda _: _GIVEN) as (ports, runs):
            made = World(stage, ports, runs)
            made.launch(STAYS, "new")
            made.launch(GOES, STAYS)
            yield made


def test_a_destroyed_environment_is_gone_and_the_other_one_in_its_cluster_is_untouched(world: World) -> None:
    stays, goes = world.owner(f"environment/{STAYS}-dev").uid, world.owner(f"environment/{GOES}-dev").uid
    before, was = world.whole(f"{STAYS}-dev", stays), world.whole(f"{GOES}-dev", goes)
    assert not [key for found in (before, was) for key, value in found.items() if not value], "nothing to compare"
    assert (world.answers(f"{STAYS}.{ZONE}"), world.answers(f"{GOES}.{ZONE}")) == (Answered.YES, Answered.YES)

    run = world.destroy(f"environment/{GOES}-dev")

    after = world.whole(f"{STAYS}-dev", stays)
    inside = {
        key for key in {*after["inside"], *before["inside"]} if after["inside"].get(key) != before["inside"].get(key)
    }
    assert not inside
    assert after == before
    assert world.answers(f"{STAYS}.{ZONE}") is Answered.YES
    assert world.answers(f"{GOES}.{ZONE}") is Answered.NO_ADDRESS
    # What validated the certificate stays in the zone, as CloudFormation leaves it.
    assert not [one for one in world.records() if f'"Name": "{GOES}.{ZONE}.' in one]
    with closing(world.cluster()) as cluster:
        for api, kind, namespace in (
            ("argoproj.io/v1alpha1", "Application", "argocd"),
            ("argoproj.io/v1alpha1", "AppProject", "argocd"),
            ("v1", "Namespace", ""),
        ):
            with pytest.raises(NotFoundError):
                cluster.get(api, kind, f"{GOES}-dev", namespace)
    client = world.stage.owners[RESEARCH].client
    names = [one["StackName"] for one in client("cloudformation").describe_stacks()["Stacks"]]
    assert not [one for one in names if goes in one]
    with pytest.raises(NotFoundError):
        world.owner(f"environment/{GOES}-dev")

    left = {step.kind: step.result for step in run.steps}["list what is left"]["left"]
    again = prepare(world.ports, world.request(GOES, STAYS))
    assert again.uid not in ("", goes), "the name is free, and what was kept is in nobody's way"

    there = world.tagged(goes)
    assert there
    assert set(there) <= set(was["tagged"])
    assert set(there) <= {one["arn"] for one in left}, "all that the account has is listed"
    secrets = [one for one in left if one["type"] == "secretsmanager secret"]
    kept = {*was["secrets"], f"csoc-{goes}-database-master"}
    assert {one["name"].rpartition("-")[0] for one in secrets} == kept
    assert {one["keptBy"] for one in secrets} == {"kept by its deletion policy RetainExceptOnCreate"}
    assert {one["keptBy"] for one in left} - {""} == {one["keptBy"] for one in left}, "each says what keeps it"
    assert not [one for one in left if stays in json.dumps(one)]

"""What there is of launched commons, asked of the account, the clusters and Git, so that before can be compared with
after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csoc.cli.demo.scene import RESEARCH, ZONE, Scene
from csoc.clusters.hostnames import Answered
from csoc.emulator.kubernetes.store import Key, Store
from csoc.operations.services import Services
from csoc.provisioning import names
from csoc.usecases.planning.fleets import open_fleet
from csoc.usecases.planning.owners import Owner, find_owner
from csoc.usecases.provisioning_ports import ProvisioningPorts
from csoc.usecases.run_ports import RunPorts

_ARGO = "argoproj.io"
_INSIDE = (
    ("", "pods"),
    ("", "services"),
    ("", "secrets"),
    ("", "configmaps"),
    ("", "serviceaccounts"),
    ("apps", "deployments"),
    ("networking.k8s.io", "ingresses"),
    ("external-secrets.io", "externalsecrets"),
)


@dataclass
class Seen:
    """Commons in the account `research` of a stage; an environment of `reef` is called `reef-dev`."""

    stage: Scene
    ports: ProvisioningPorts
    runs: RunPorts

    @property
    def services(self) -> Services:
        return self.runs.services

    def client(self, service: str) -> Any:
        """As the account's owner."""
        return self.stage.owners[RESEARCH].client(service)

    def owner(self, name: str) -> Owner:
        return find_owner(open_fleet(self.ports, str(self.stage.fleet)).documents, name)

    def cluster(self, environment: str) -> Store:
        """All objects of the cluster that an environment is in. csoc itself may not read them all."""
        name = names.eks_cluster(self.owner(f"environment/{environment}").cluster.metadata.uid)
        endpoint = self.client("eks").describe_cluster(name=name)["cluster"]["endpoint"]
        found = self.stage.cloud.clusters.get(endpoint.rpartition("/")[2])
        assert found is not None
        return found.store

    def answers(self, hostname: str) -> Answered:
        assert self.services.hostnames is not None
        return self.services.hostnames.ask(hostname).answered

    def records(self) -> list[str]:
        found = self.client("route53").list_resource_record_sets(HostedZoneId=self.stage.zone_id)["ResourceRecordSets"]
        return sorted(json.dumps(one, sort_keys=True) for one in found)

    def tagged(self, uid: str) -> list[str]:
        """ARNs of what the account says is the owner's."""
        pages = self.client("resourcegroupstaggingapi").get_paginator("get_resources")
        wanted = [{"Key": "csoc:owner", "Values": [uid]}]
        found = [one for page in pages.paginate(TagFilters=wanted) for one in page["ResourceTagMappingList"]]
        return sorted(one["ResourceARN"] for one in found)

    def buckets(self, uid: str) -> dict[str, list[tuple[str, str]]]:
        """An owner's buckets, with keys and digests of what is in them; but for logs, which grow with each look."""
        s3 = self.client("s3")
        names = [one["Name"] for one in s3.list_buckets()["Buckets"] if uid in one["Name"]]
        return {
            name: []
            if "accesslogs" in name
            else [(one["Key"], one["ETag"]) for one in s3.list_objects_v2(Bucket=name).get("Contents", ())]
            for name in names
        }

    def stacks(self, uid: str) -> list[Mapping[str, Any]]:
        return [one for one in self.client("cloudformation").describe_stacks()["Stacks"] if uid in one["StackName"]]

    def secrets(self, uid: str) -> dict[str, Any]:
        """Versions of an owner's secrets, by name."""
        pages = self.client("secretsmanager").get_paginator("list_secrets").paginate()
        listed = [one for page in pages for one in page["SecretList"] if uid in one["Name"]]
        return {one["Name"]: one.get("SecretVersionsToStages") for one in listed}

    def files(self, environment: str) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.stage.fleet)): path.read_bytes()
            for path in self.stage.fleet.rglob("*")
            if path.is_file() and environment in str(path) and ".git" not in path.parts
        }

    def inside(self, environment: str) -> Mapping[str, Any]:
        """Everything of an environment in its cluster."""
        store = self.cluster(environment)
        application = self.found(store, environment, _ARGO, "applications", "argocd")
        project = self.found(store, environment, _ARGO, "appprojects", "argocd")
        namespace = self.found(store, environment, "", "namespaces")
        objects: dict[str, Any] = {"Namespace": namespace["metadata"]["uid"]}
        for group, resource in _INSIDE:
            for body in store.objects(group, resource, environment):
                # Time runs fast here, and pods of CronJobs come and go by it.
                if any(one["kind"] == "Job" for one in body["metadata"].get("ownerReferences", [])):
                    continue
                about = (body["metadata"]["uid"], body.get("spec"), body.get("data"))
                objects[f"{resource} {body['metadata']['name']}"] = about
        named = application["metadata"]
        return objects | {
            "application": (named["uid"], application["spec"], named.get("finalizers")),
            "sync": (application["status"]["sync"]["status"], application["status"]["sync"].get("revisions")),
            "project": (project["metadata"]["uid"], project["spec"]),
        }

    @staticmethod
    def found(store: Store, name: str, group: str, resource: str, namespace: str = "") -> dict[str, Any]:
        """An object of a cluster."""
        body = store.get(Key(group, resource, namespace, name))
        assert body is not None, f"there is no {resource} {name}"
        return body

    def is_in(self, store: Store, environment: str) -> list[str]:
        """Which of an environment's own places there are in a cluster."""
        places = ((_ARGO, "applications", "argocd"), (_ARGO, "appprojects", "argocd"), ("", "namespaces", ""))
        return [kind for group, kind, inside in places if store.get(Key(group, kind, inside, environment))]

    def health(self, environment: str) -> str:
        """What Argo CD says of it."""
        body = self.found(self.cluster(environment), environment, _ARGO, "applications", "argocd")
        return str(body["status"]["health"]["status"])

    def whole(self, environment: str) -> Mapping[str, Mapping[str, Any]]:
        """Everything of an environment: in the account, in its cluster and in Git."""
        uid = self.owner(f"environment/{environment}").uid
        roles = self.client("iam").get_paginator("list_roles").paginate()
        host = f"{environment.removesuffix('-dev')}.{ZONE}"
        return {
            "stacks": {
                one["StackName"]: (one["StackId"], one["StackStatus"], str(one.get("LastUpdatedTime")))
                for one in self.stacks(uid)
            },
            "secrets": self.secrets(uid),
            "buckets": self.buckets(uid),
            "tagged": dict.fromkeys(self.tagged(uid)),
            "roles": {one["Arn"]: one["RoleId"] for page in roles for one in page["Roles"] if uid in one["Arn"]},
            "records": dict.fromkeys(one for one in self.records() if host in one),
            "inside": self.inside(environment),
            "files": self.files(environment),
        }


def differences(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is not as it was, as "part: name"."""
    absent = object()
    return [
        f"{part}: {name}"
        for part in before
        for name in {*before[part], *after[part]}
        if before[part].get(name, absent) != after[part].get(name, absent)
    ]

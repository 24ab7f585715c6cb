"""Repositories of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls
from csoc.emulator.cloudformation.resources.translation import call, is_true, text, unless_gone


class Repository(ServiceType):
    """AWS::ECR::Repository. One that holds images is deleted only if the template says so."""

    type_name, service = "AWS::ECR::Repository", "ecr"
    create_call, id_path = "create_repository", "repository.repositoryName"
    name, name_member, longest, small, creation_tags = "RepositoryName", "repositoryName", 256, True, "tags"
    takes = ("EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability")
    # Of these EmptyOnDelete is only looked at when the repository is deleted.
    afterwards = ("EmptyOnDelete", "LifecyclePolicy", "RepositoryPolicyText")
    unread = ("EmptyOnDelete",)
    changes = (
        Change(
            ("ImageTagMutability",),
            "put_image_tag_mutability",
            lambda name, wanted: {"repositoryName": name, "imageTagMutability": wanted["ImageTagMutability"]},
        ),
        Change(
            ("ImageScanningConfiguration",),
            "put_image_scanning_configuration",
            lambda name, wanted: {
                "repositoryName": name,
                "imageScanningConfiguration": wanted["ImageScanningConfiguration"],
            },
        ),
    )
    defaults = {"ImageTagMutability": "MUTABLE", "ImageScanningConfiguration": {"ScanOnPush": False}}
    described = Describe("describe_repositories", "repositoryNames", "repositories.0")
    attributes = {"Arn": "repositoryArn", "RepositoryUri": "repositoryUri"}
    tag_calls = TagCalls(
        "tag_resource",
        "untag_resource",
        "resourceArn",
        keys="tagKeys",
        tags="tags",
        resource="repositoryArn",
        listing="list_tags_for_resource",
        path="tags",
    )

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        told: dict[str, Any] = {}
        lifecycle = unless_gone(lambda: client.get_lifecycle_policy(repositoryName=physical_id))
        if lifecycle:
            told["LifecyclePolicy"] = {"LifecyclePolicyText": lifecycle["lifecyclePolicyText"]}
        policy = unless_gone(lambda: client.get_repository_policy(repositoryName=physical_id))
        if policy:
            told["RepositoryPolicyText"] = policy["policyText"]
        return told

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        force = is_true(properties.get("EmptyOnDelete", False))
        unless_gone(lambda: client.delete_repository(repositoryName=physical_id, force=force))

    def set_afterwards(self, client: Any, physical_id: str, before: Properties, after: Properties) -> None:
        if before.get("LifecyclePolicy") != after.get("LifecyclePolicy"):
            wanted = after.get("LifecyclePolicy") or {}
            if wanted.get("LifecyclePolicyText"):
                given = {"repositoryName": physical_id, "lifecyclePolicyText": wanted["LifecyclePolicyText"]}
                call(client, "put_lifecycle_policy", given)
            else:
                unless_gone(lambda: client.delete_lifecycle_policy(repositoryName=physical_id))
        if before.get("RepositoryPolicyText") != after.get("RepositoryPolicyText"):
            if after.get("RepositoryPolicyText"):
                document = text(after["RepositoryPolicyText"])
                client.set_repository_policy(repositoryName=physical_id, policyText=document)
            else:
                unless_gone(lambda: client.delete_repository_policy(repositoryName=physical_id))


class RegistryPolicy(ServiceType):
    """AWS::ECR::RegistryPolicy. An account's registry in a region has one."""

    type_name, service, tags = "AWS::ECR::RegistryPolicy", "ecr", ""
    create_call, id_path = "put_registry_policy", "registryId"
    renamed = {"PolicyText": "policyText"}
    read_as = {"PolicyText": "policyText"}
    attributes = {"RegistryId": ""}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        call(client, self.create_call, self.parameters(context, after))
        return set(self.renamed)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = unless_gone(client.get_registry_policy)
        return found

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(client.delete_registry_policy)


class ReplicationConfiguration(ServiceType):
    """AWS::ECR::ReplicationConfiguration: where a registry's images are copied to. Deleting it leaves no rule."""

    type_name, service, tags = "AWS::ECR::ReplicationConfiguration", "ecr", ""
    create_call = "put_replication_configuration"
    renamed = {"ReplicationConfiguration": "replicationConfiguration"}
    attributes = {"RegistryId": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        call(client, self.create_call, self.parameters(context, properties))
        return context.account

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        call(client, self.create_call, self.parameters(context, after))
        return set(self.renamed)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] = client.describe_registry()
        return found if found["replicationConfiguration"]["rules"] else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        client.put_replication_configuration(replicationConfiguration={"rules": []})


HANDLERS = (Repository(), RegistryPolicy(), ReplicationConfiguration())

"""Machines and what they are made of: launch templates, instances, disks, network interfaces, key pairs."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.ec2_type import Ec2, switch
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import as_list, at_path, call, own_tags, unless_gone


class LaunchTemplate(Ec2):
    """AWS::EC2::LaunchTemplate. Other data makes a new version; the default version stays the first one."""

    type_name = "AWS::EC2::LaunchTemplate"
    kind = "launch-template"
    create_call, id_path = "create_launch_template", "LaunchTemplate.LaunchTemplateId"
    takes = ("LaunchTemplateData", "LaunchTemplateName", "VersionDescription")
    also = ("TagSpecifications",)
    tags = ""
    attributes = {
        "LaunchTemplateId": "",
        "DefaultVersionNumber": "DefaultVersionNumber",
        "LatestVersionNumber": "LatestVersionNumber",
    }
    described = Describe("describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates.0")
    delete_call, delete_member = "delete_launch_template", "LaunchTemplateId"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found = {"LaunchTemplateName": context.name, **super().parameters(context, properties)}
        found["LaunchTemplateData"] = _without_nulls(found["LaunchTemplateData"])
        return found

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = {**context.tags, **self._own(properties)}
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": as_list(tags)}]} if tags else {}

    def _own(self, properties: Properties) -> dict[str, str]:
        found: dict[str, str] = {}
        for specification in properties.get("TagSpecifications") or ():
            if specification.get("ResourceType") == self.kind:
                found |= own_tags(specification)
        return found

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if left & {"LaunchTemplateData", "VersionDescription"}:
            given = {name: after[name] for name in ("LaunchTemplateData", "VersionDescription") if name in after}
            call(client, "create_launch_template_version", {"LaunchTemplateId": physical_id, **given})
        if "TagSpecifications" in left:
            gone = sorted(self._own(before).keys() - self._own(after).keys())
            self.retag(client, physical_id, gone, {**context.tags, **self._own(after)})
        return {"LaunchTemplateData", "VersionDescription", "TagSpecifications"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = client.describe_launch_template_versions(LaunchTemplateId=physical_id, Versions=["$Latest"])
        version = answer["LaunchTemplateVersions"][0]
        return {
            "LaunchTemplateData": version["LaunchTemplateData"],
            "VersionDescription": version.get("VersionDescription"),
        }

    def read(self, context: Context, physical_id: str) -> Properties | None:
        live = super().read(context, physical_id)
        found = self.describe(context.clients(self.service), physical_id) if live is not None else None
        if live is None or found is None:
            return None
        tags = {
            key: value
            for key, value in own_tags(found).items()
            if not key.startswith("aws:") and context.tags.get(key) != value
        }
        return {**live, **({"TagSpecifications": [{"ResourceType": self.kind, "Tags": as_list(tags)}]} if tags else {})}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: str(found[name]) for name in ("DefaultVersionNumber", "LatestVersionNumber")}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


class Instance(Ec2):
    """AWS::EC2::Instance. Its type changes in place, as AWS does it for instances with EBS roots: stopped meanwhile."""

    type_name = "AWS::EC2::Instance"
    kind = "instance"
    create_call, id_path = "run_instances", "Instances.0.InstanceId"
    takes = (
        "BlockDeviceMappings", "EbsOptimized", "HibernationOptions", "ImageId", "InstanceInitiatedShutdownBehavior",
        "InstanceType", "KeyName", "MetadataOptions", "NetworkInterfaces", "PrivateIpAddress", "SecurityGroupIds",
        "SubnetId",
    )  # fmt: skip
    also = ("AvailabilityZone", "IamInstanceProfile", "LaunchTemplate", "Monitoring", "UserData")
    changes = (
        switch("modify_instance_attribute", "InstanceId", "DisableApiTermination"),
        switch("modify_instance_attribute", "InstanceId", "SourceDestCheck"),
        Change(
            ("SecurityGroupIds",),
            "modify_instance_attribute",
            lambda physical_id, wanted: {"InstanceId": physical_id, "Groups": wanted["SecurityGroupIds"]},
        ),
    )
    defaults = {"DisableApiTermination": False, "SourceDestCheck": True}
    attributes = {
        "InstanceId": "",
        "AvailabilityZone": "Placement.AvailabilityZone",
        "PrivateDnsName": "PrivateDnsName",
        "PrivateIp": "PrivateIpAddress",
        "PublicDnsName": "PublicDnsName",
        "PublicIp": "PublicIpAddress",
        "VpcId": "VpcId",
    }
    described = Describe("describe_instances", "InstanceIds", "Reservations.0.Instances.0")
    read_as = {"AvailabilityZone": "Placement.AvailabilityZone"}
    unread = ("BlockDeviceMappings", "NetworkInterfaces", "LaunchTemplate", "HibernationOptions")
    delete_call, delete_member = "terminate_instances", "InstanceIds"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found: dict[str, Any] = {**super().parameters(context, properties), "MinCount": 1, "MaxCount": 1}
        if "AvailabilityZone" in properties:
            found["Placement"] = {"AvailabilityZone": properties["AvailabilityZone"]}
        if "IamInstanceProfile" in properties:
            found["IamInstanceProfile"] = {"Name": properties["IamInstanceProfile"]}
        if "LaunchTemplate" in properties:
            found["LaunchTemplate"] = properties["LaunchTemplate"]
        if "Monitoring" in properties:
            found["Monitoring"] = {"Enabled": properties["Monitoring"]}
        if "UserData" in properties:
            # boto3 encodes what run_instances is given; a template holds it encoded already.
            found["UserData"] = base64.b64decode(properties["UserData"]).decode()
        return found

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        done = set()
        if "InstanceType" in left and "InstanceType" in after:
            client.stop_instances(InstanceIds=[physical_id])
            kind = {"Value": after["InstanceType"]}
            client.modify_instance_attribute(InstanceId=physical_id, InstanceType=kind)
            client.start_instances(InstanceIds=[physical_id])
            done.add("InstanceType")
        if "UserData" in left and "UserData" in after:
            data = {"Value": base64.b64decode(after["UserData"])}
            client.modify_instance_attribute(InstanceId=physical_id, UserData=data)
            done.add("UserData")
        if "Monitoring" in left:
            method = client.monitor_instances if after.get("Monitoring") else client.unmonitor_instances
            method(InstanceIds=[physical_id])
            done.add("Monitoring")
        return done

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = super().describe(client, physical_id)
        return found if found is not None and found["State"]["Name"] not in ("terminated", "shutting-down") else None

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        def attribute(name: str, path: str) -> Any:
            return at_path(client.describe_instance_attribute(InstanceId=physical_id, Attribute=name), path)

        profile = at_path(found, "IamInstanceProfile.Arn")
        return {
            "DisableApiTermination": attribute("disableApiTermination", "DisableApiTermination.Value"),
            "InstanceInitiatedShutdownBehavior": attribute(
                "instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior.Value"
            ),
            "UserData": attribute("userData", "UserData.Value"),
            "IamInstanceProfile": profile.rsplit("/", 1)[-1] if profile else None,
            "Monitoring": at_path(found, "Monitoring.State") == "enabled",
            "SecurityGroupIds": [group["GroupId"] for group in found.get("SecurityGroups", ())],
        }

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.terminate_instances(InstanceIds=[physical_id]))


class Volume(Ec2):
    """AWS::EC2::Volume."""

    type_name = "AWS::EC2::Volume"
    kind = "volume"
    create_call, id_path = "create_volume", "VolumeId"
    takes = (
        "AvailabilityZone", "Encrypted", "Iops", "KmsKeyId", "MultiAttachEnabled", "Size", "SnapshotId", "Throughput",
        "VolumeType",
    )  # fmt: skip
    attributes = {"VolumeId": ""}
    described = Describe("describe_volumes", "VolumeIds", "Volumes.0")
    delete_call, delete_member = "delete_volume", "VolumeId"

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        changed = left & {"Iops", "Size", "Throughput", "VolumeType", "MultiAttachEnabled"}
        given = {name: after[name] for name in changed if name in after}
        if given:
            if int(given.get("Size", 1 << 20)) < int(before.get("Size", 0)):
                raise ResourceError("New size cannot be smaller than existing size", "InvalidRequest")
            call(client, "modify_volume", {"VolumeId": physical_id, **given})
        return set(given)

    def snapshot(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Deletes the volume after a snapshot was made of it, for DeletionPolicy Snapshot."""
        client = context.clients("ec2")
        if self.describe(client, physical_id) is not None:
            client.create_snapshot(
                VolumeId=physical_id,
                TagSpecifications=[{"ResourceType": "snapshot", "Tags": as_list(context.tags)}] if context.tags else [],
            )
            self.remove(context, client, physical_id, properties)


class NetworkInterface(Ec2):
    """AWS::EC2::NetworkInterface."""

    type_name = "AWS::EC2::NetworkInterface"
    kind = "network-interface"
    create_call, id_path = "create_network_interface", "NetworkInterface.NetworkInterfaceId"
    takes = ("Description", "PrivateIpAddress", "SecondaryPrivateIpAddressCount", "SubnetId")
    renamed = {"GroupSet": "Groups"}
    changes = (
        switch("modify_network_interface_attribute", "NetworkInterfaceId", "SourceDestCheck"),
        switch("modify_network_interface_attribute", "NetworkInterfaceId", "Description", at_creation=False),
        Change(
            ("GroupSet",),
            "modify_network_interface_attribute",
            lambda physical_id, wanted: {"NetworkInterfaceId": physical_id, "Groups": wanted["GroupSet"]},
        ),
    )
    defaults = {"SourceDestCheck": True, "Description": ""}
    attributes = {
        "Id": "",
        "PrimaryIpv6Address": "Ipv6Addresses.0.Ipv6Address",
        "PrimaryPrivateIpAddress": "PrivateIpAddress",
        "SecondaryPrivateIpAddresses": "",
        "VpcId": "VpcId",
    }
    described = Describe("describe_network_interfaces", "NetworkInterfaceIds", "NetworkInterfaces.0")
    delete_call, delete_member = "delete_network_interface", "NetworkInterfaceId"

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        secondary = self._secondary(found)
        return {
            "GroupSet": [group["GroupId"] for group in found.get("Groups", ())],
            "SecondaryPrivateIpAddressCount": len(secondary) or None,
        }

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"SecondaryPrivateIpAddresses": self._secondary(found)}

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        return own_tags(found, "TagSet")

    @staticmethod
    def _secondary(found: Mapping[str, Any]) -> list[str]:
        return [one["PrivateIpAddress"] for one in found.get("PrivateIpAddresses", ()) if not one.get("Primary")]


class KeyPair(Ec2):
    """AWS::EC2::KeyPair. A private key that EC2 makes goes to the Parameter Store, as CloudFormation does it."""

    type_name = "AWS::EC2::KeyPair"
    kind = "key-pair"
    also = ("KeyFormat", "KeyName", "KeyType", "PublicKeyMaterial")
    unread = ("KeyFormat", "PublicKeyMaterial")
    attributes = {"KeyFingerprint": "KeyFingerprint", "KeyPairId": "KeyPairId"}
    described = Describe("describe_key_pairs", "KeyNames", "KeyPairs.0")

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        found = self.describe(client, physical_id) or {}
        super().retag(client, found["KeyPairId"], gone, wanted)

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        name, tags = properties["KeyName"], self.tag_parameters(context, properties)
        if "PublicKeyMaterial" in properties:
            client.import_key_pair(
                KeyName=name, PublicKeyMaterial=str(properties["PublicKeyMaterial"]).encode(), **tags
            )
            return str(name)
        given = {name: properties[name] for name in ("KeyFormat", "KeyType") if name in properties}
        made = client.create_key_pair(KeyName=name, **given, **tags)
        try:
            context.clients("ssm").put_parameter(
                Name=f"/ec2/keypair/{made['KeyPairId']}", Type="SecureString", Value=made["KeyMaterial"]
            )
        except ClientError:
            client.delete_key_pair(KeyName=name)
            raise
        return str(name)

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self.describe(client, physical_id)
        if found is None:
            return
        unless_gone(lambda: client.delete_key_pair(KeyName=physical_id))
        if "PublicKeyMaterial" not in properties:
            parameter = f"/ec2/keypair/{found['KeyPairId']}"
            unless_gone(lambda: context.clients("ssm").delete_parameter(Name=parameter))

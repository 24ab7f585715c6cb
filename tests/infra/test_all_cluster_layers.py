"""What holds in every template of a cluster: roles, names, tags, what stays, and what can be reached."""

from __future__ import annotations

import json
import re

from csoc.provisioning.layers import LAYERS, OwnerKind, layers_of
from tests.infra.documents import cluster_document
from tests.infra.templates import actions, every, made, of_type, statements, walk


def test_every_role_is_at_the_owners_path_with_the_boundary_and_its_own_name() -> None:
    for size, layer, template in every():
        for name, role in of_type(template, "AWS::IAM::Role").items():
            assert role["Path"] == "/csoc/c1b2c3d4e5/", (size, layer, name)
            assert role["PermissionsBoundary"].endswith(":policy/csoc-link/CsocLink-f1b2c3d4e5-boundary")
            assert role["RoleName"].startswith("csoc-c1b2c3d4e5-")
            assert len(role["RoleName"]) <= 64


def test_no_policy_allows_all_of_a_service_or_more_than_reading_everywhere() -> None:
    reading = re.compile(r"[a-z0-9-]+:(Describe|Get|List)\w*")
    conditioned = {"cloudwatch:PutMetricData", "elasticloadbalancing:CreateLoadBalancer"}
    for size, layer, template in every():
        for role, statement in statements(template):
            found = actions(statement)
            assert all("*" not in one for one in found), (size, layer, role)
            assert statement["Effect"] in ("Allow", "Deny")
            if statement["Resource"] == "*" and not all(map(reading.fullmatch, found)):
                assert statement.get("Condition"), (role, found)
                assert conditioned & set(found)


def test_resources_of_statements_are_whole_arns_and_no_single_letters() -> None:
    for _, _, template in every():
        for _, statement in statements(template):
            for one in statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]:
                assert one == "*" or isinstance(one, dict) or one.startswith("arn:aws:")


def test_there_are_no_users_no_keys_of_users_and_no_service_role_for_two_services() -> None:
    for _, _, template in every():
        assert not [one for one in walk(template) if one in ("AWS::IAM::User", "AWS::IAM::AccessKey")]
        for role in of_type(template, "AWS::IAM::Role").values():
            trust = role["AssumeRolePolicyDocument"]
            if "Statement" in trust:
                assert len(trust["Statement"]) == 1
                assert isinstance(trust["Statement"][0]["Principal"]["Service"], str)


def test_nothing_can_be_reached_from_everywhere() -> None:
    for size, layer, template in every():
        for name, group in of_type(template, "AWS::EC2::SecurityGroup").items():
            for rule in group.get("SecurityGroupIngress", ()):
                assert rule.get("CidrIp") != "0.0.0.0/0", (size, layer, name)
                assert rule["FromPort"] == rule["ToPort"] in (80, 443)
            assert group["SecurityGroupEgress"], "without a rule of its own a group lets everything out"


def test_log_groups_and_keys_stay_and_logs_end_some_day() -> None:
    for size, layer, template in every():
        for name, one in template["Resources"].items():
            if one["Type"] in ("AWS::Logs::LogGroup", "AWS::KMS::Key"):
                assert one["DeletionPolicy"] == "RetainExceptOnCreate", (size, layer, name)
                assert one["UpdateReplacePolicy"] == "Retain"
            if one["Type"] == "AWS::Logs::LogGroup":
                assert one["Properties"]["RetentionInDays"] <= 400
            if one["Type"] == "AWS::KMS::Key":
                assert one["Properties"]["EnableKeyRotation"] is True


def test_every_resource_that_can_be_tagged_says_whose_it_is() -> None:
    for size, layer, template in every():
        for name, one in template["Resources"].items():
            tags = one.get("Properties", {}).get("Tags")
            if tags is None:
                continue
            pairs = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
            wanted = {"csoc:installation": "f1b2c3d4e5", "csoc:owner": "c1b2c3d4e5", "csoc:layer": layer}
            assert wanted.items() <= pairs.items(), (size, layer, name)


def test_two_clusters_in_one_account_share_no_name() -> None:
    def names(uid: str) -> set[str]:
        kept: tuple[str, ...] = (
            "Name",
            "GroupName",
            "RoleName",
            "LogGroupName",
            "AutoScalingGroupName",
            "TopicName",
            "AlarmName",
        )
        kept += ("LaunchTemplateName", "InstanceProfileName")
        return {
            value[key]
            for template in made(cluster_document("medium", uid=uid)).values()
            for value in walk(template)
            if isinstance(value, dict)
            for key in kept
            if isinstance(value.get(key), str) and ("c1b2c3d4e5" in value[key] or "c9b9c9d9e9" in value[key])
        }

    first, second = names("c1b2c3d4e5"), names("c9b9c9d9e9")
    assert len(first) == len(second) > 15
    assert not first & second


def test_every_named_thing_carries_the_owners_uid() -> None:
    for _, layer, template in every():
        for name, one in template["Resources"].items():
            for key in ("GroupName", "RoleName", "LogGroupName", "AutoScalingGroupName", "TopicName", "AlarmName"):
                value = one.get("Properties", {}).get(key)
                assert not isinstance(value, str) or "c1b2c3d4e5" in value, (layer, name)


def test_a_layer_that_is_left_out_changes_no_other_and_so_deletes_nothing() -> None:
    whole = made(cluster_document("medium"))
    document = cluster_document("medium")
    document["layers"] = {"network": document["layers"]["network"]}
    assert made(document)["network"] == whole["network"]


def test_region_and_partition_are_the_documents_own_everywhere() -> None:
    document = json.loads(
        json.dumps(cluster_document("medium", region="cn-north-1"))
        .replace("arn:aws:", "arn:aws-cn:")
        .replace('"partition": "aws"', '"partition": "aws-cn"')
    )
    for layer, template in made(document).items():
        text = json.dumps(template)
        assert "arn:aws:" not in text, layer
        assert "ap-southeast-2" not in text, layer
        assert ".amazonaws.com.cn" in text or layer not in ("egress", "cluster")


def test_no_layer_reads_what_is_written_only_after_it() -> None:
    order = [one.name for one in layers_of(OwnerKind.CLUSTER)]
    for size, layer, template in every():
        for name, parameter in template.get("Parameters", {}).items():
            writer = parameter["Default"].split("/")[3]
            assert order.index(writer) < order.index(layer), (size, name)
            assert parameter["Default"].rpartition("/")[2] in {one.name for one in LAYERS[writer].outputs}


def test_nothing_but_needed_settings_has_to_be_written() -> None:
    document = cluster_document("small")
    given = {"network": ("cidr", "zones"), "cluster": ("version", "link_role", "pools"), "platform": ()}
    for layer, needed in given.items():
        settings = document["layers"][layer]["settings"]
        document["layers"][layer]["settings"] = {name: settings[name] for name in needed}
    assert set(made(document)) == set(given)

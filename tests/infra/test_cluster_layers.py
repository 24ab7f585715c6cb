"""Network, cluster and platform, and every defect of systems before this one that they could repeat.

Each of those is a test that is named for it; where it was seen is not of interest here.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from csoc.provisioning.layers import LAYERS, OwnerKind, layers_of
from csoc_infra.layers import network, table
from tests.infra.documents import SIZES, cluster_document
from tests.infra.templates import actions, cluster, every, made, of_type, statements


def walk(value: Any) -> Iterator[Any]:
    """Everything in a template."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def changed(size: str, layer: str, **settings: Any) -> Mapping[str, Any]:
    """A layer's template with other settings."""
    document = cluster_document(size)
    document["layers"][layer]["settings"].update(settings)
    return made(document)[layer]


# The network


@pytest.mark.parametrize("length", [16, 17, 18, 19, 20])
@pytest.mark.parametrize("zones", [2, 3])
def test_no_two_subnets_overlap_and_all_are_in_the_network(length: int, zones: int) -> None:
    divided = network.divide(f"10.20.0.0/{length}", zones)
    blocks = [ipaddress.ip_network(one) for one in (*divided.private, *divided.public, *divided.isolated)]
    assert len(blocks) == 3 * zones
    assert all(block.subnet_of(ipaddress.ip_network(f"10.20.0.0/{length}")) for block in blocks)  # type: ignore[arg-type]
    assert not [pair for pair in ((a, b) for a in blocks for b in blocks if a is not b) if pair[0].overlaps(pair[1])]


def test_private_subnets_have_room_for_a_pod_an_address() -> None:
    divided = network.divide("10.20.0.0/16", 3)
    assert divided.private == ("10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19")


def test_a_third_zone_moves_nothing_that_is_there() -> None:
    two, three = changed("small", "network", zones=2), changed("small", "network", zones=3)
    before = of_type(two, "AWS::EC2::Subnet")
    assert {name: of_type(three, "AWS::EC2::Subnet")[name] for name in before} == before


def test_one_zone_that_fails_does_not_take_the_way_out_of_the_others_along() -> None:
    template = cluster("large", "network")
    routes = [one for one in of_type(template, "AWS::EC2::Route").values() if "NatGatewayId" in one]
    assert len({one["NatGatewayId"]["Ref"] for one in routes}) == 3
    assert len({one["RouteTableId"]["Ref"] for one in routes}) == 3


def test_nobody_pays_for_a_nat_gateway_beside_a_proxy_or_fights_it_for_the_route() -> None:
    template = cluster("medium", "network")
    assert not of_type(template, "AWS::EC2::NatGateway")
    assert not of_type(template, "AWS::EC2::EIP")
    assert [one["RouteTableId"] for one in of_type(template, "AWS::EC2::Route").values()] == [
        {"Ref": "PublicRouteTable"}
    ]


def test_isolated_subnets_have_no_way_out() -> None:
    for size in SIZES:
        template = cluster(size, "network")
        routed = {one["RouteTableId"]["Ref"] for one in of_type(template, "AWS::EC2::Route").values()}
        assert "IsolatedRouteTable" not in routed


@pytest.mark.parametrize("service", sorted(network.Endpoint.__args__))  # type: ignore[attr-defined]
def test_every_service_that_a_private_cluster_calls_can_have_an_endpoint(service: str) -> None:
    template = changed("small", "network", interface_endpoints=[service])
    (found,) = (
        one for one in of_type(template, "AWS::EC2::VPCEndpoint").values() if one["VpcEndpointType"] == "Interface"
    )
    assert found["ServiceName"] == f"com.amazonaws.ap-southeast-2.{service}"
    assert found["PrivateDnsEnabled"] is True


def test_load_balancers_and_karpenter_find_their_subnets_by_tags() -> None:
    subnets = of_type(cluster("medium", "network"), "AWS::EC2::Subnet")
    tags = {name: {one["Key"]: one["Value"] for one in subnet["Tags"]} for name, subnet in subnets.items()}
    assert tags["PublicSubnet1"]["kubernetes.io/role/elb"] == "1"
    assert tags["PrivateSubnet3"]["kubernetes.io/role/internal-elb"] == "1"
    assert tags["PrivateSubnet3"]["karpenter.sh/discovery"] == "csoc-c1b2c3d4e5"
    assert "kubernetes.io/role/elb" not in tags["IsolatedSubnet1"]


def test_the_network_has_flow_logs_and_holds_no_secret() -> None:
    for size in SIZES:
        template = cluster(size, "network")
        (log,) = of_type(template, "AWS::EC2::FlowLog").values()
        assert log["TrafficType"] == "ALL"
        assert not of_type(template, "AWS::SecretsManager::Secret")


def test_the_web_acl_limits_the_rate_and_knows_more_than_the_common_rules() -> None:
    (acl,) = of_type(cluster("large", "network"), "AWS::WAFv2::WebACL").values()
    rules = {one["Name"]: one for one in acl["Rules"]}
    assert rules["rate-limit"]["Statement"]["RateBasedStatement"]["Limit"] == 10_000
    assert rules["rate-limit"]["Action"] == {"Block": {}}
    assert {
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesSQLiRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    } <= set(rules)
    assert sorted(one["Priority"] for one in acl["Rules"]) == list(range(len(acl["Rules"])))


def test_a_single_rule_can_count_while_its_group_blocks_and_all_can_count_at_first() -> None:
    (acl,) = of_type(cluster("large", "network"), "AWS::WAFv2::WebACL").values()
    common = next(one for one in acl["Rules"] if one["Name"] == "AWSManagedRulesCommonRuleSet")
    group = common["Statement"]["ManagedRuleGroupStatement"]
    assert group["RuleActionOverrides"] == [{"Name": "SizeRestrictions_BODY", "ActionToUse": {"Count": {}}}]
    assert common["OverrideAction"] == {"None": {}}
    (counting,) = of_type(cluster("small", "network"), "AWS::WAFv2::WebACL").values()
    assert all(one.get("OverrideAction", one.get("Action")) == {"Count": {}} for one in counting["Rules"])


def test_cookies_and_tokens_of_people_do_not_reach_the_web_acls_log() -> None:
    (logging,) = of_type(cluster("small", "network"), "AWS::WAFv2::LoggingConfiguration").values()
    redacted = [one.get("SingleHeader", {}).get("Name") or next(iter(one)) for one in logging["RedactedFields"]]
    assert {"authorization", "cookie", "QueryString"} <= set(redacted)


# The cluster


def test_secrets_are_encrypted_and_every_log_of_the_control_plane_is_kept() -> None:
    template = cluster("small", "cluster")
    (found,) = of_type(template, "AWS::EKS::Cluster").values()
    assert found["EncryptionConfig"][0]["Resources"] == ["secrets"]
    assert len(found["Logging"]["ClusterLogging"]["EnabledTypes"]) == 5
    assert found["Version"] == "1.34"
    assert "LogGroup" in template["Resources"]["Cluster"]["DependsOn"]


def test_people_enter_by_access_entries_only_and_the_maker_of_the_stack_does_not() -> None:
    template = cluster("large", "cluster")
    (found,) = of_type(template, "AWS::EKS::Cluster").values()
    assert found["AccessConfig"] == {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False}
    entries = of_type(template, "AWS::EKS::AccessEntry")
    assert {
        one["PrincipalArn"].rpartition(":")[2]: one["AccessPolicies"][0]["PolicyArn"].rpartition("/")[2]
        for one in entries.values()
    } == {
        "role/csoc-link/CsocLink-f1b2c3d4e5-cluster": "AmazonEKSViewPolicy",
        "role/Platform": "AmazonEKSClusterAdminPolicy",
        "role/people/OnCall": "AmazonEKSClusterAdminPolicy",
    }


def test_the_api_is_private_unless_networks_are_named_and_nobody_has_to_flip_it_by_hand() -> None:
    (closed,) = of_type(cluster("small", "cluster"), "AWS::EKS::Cluster").values()
    assert closed["ResourcesVpcConfig"]["EndpointPublicAccess"] is False
    assert "PublicAccessCidrs" not in closed["ResourcesVpcConfig"]
    (named,) = of_type(cluster("large", "cluster"), "AWS::EKS::Cluster").values()
    assert named["ResourcesVpcConfig"]["EndpointPublicAccess"] is True
    assert named["ResourcesVpcConfig"]["PublicAccessCidrs"] == ["203.0.113.0/24", "198.51.100.7/32"]
    assert closed["ResourcesVpcConfig"]["EndpointPrivateAccess"] is True


def test_a_version_that_is_given_for_an_addon_is_used_and_not_only_asked_for() -> None:
    addons = [
        {"name": "vpc-cni", "version": "v1.20.4-eksbuild.2"},
        {"name": "kube-proxy"},
        {"name": "coredns", "version": "v1.12.4-eksbuild.1"},
    ]
    found = of_type(changed("small", "cluster", addons=addons), "AWS::EKS::Addon")
    assert {one["AddonName"]: one.get("AddonVersion") for one in found.values()} == {
        "vpc-cni": "v1.20.4-eksbuild.2",
        "kube-proxy": None,
        "coredns": "v1.12.4-eksbuild.1",
    }


def test_nodes_wait_for_what_gives_their_pods_addresses_and_dns_waits_for_nodes() -> None:
    resources = cluster("medium", "cluster")["Resources"]
    assert {"AddonVpcCni", "AddonKubeProxy"} <= set(resources["PoolGeneral"]["DependsOn"])
    assert {"PoolGeneral", "PoolJupyter"} <= set(resources["AddonCoredns"]["DependsOn"])


def test_nodes_keep_their_credentials_from_pods_and_have_no_ssh() -> None:
    for size in SIZES:
        template = cluster(size, "cluster")
        for one in of_type(template, "AWS::EC2::LaunchTemplate").values():
            data = one["LaunchTemplateData"]
            assert data["MetadataOptions"]["HttpTokens"] == "required"
            assert data["BlockDeviceMappings"][0]["Ebs"] == {
                "DeleteOnTermination": True,
                "Encrypted": True,
                "VolumeSize": data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"],
                "VolumeType": "gp3",
            }
            assert not {"KeyName", "UserData", "ImageId"} & set(data)
        assert not any("RemoteAccess" in one for one in of_type(template, "AWS::EKS::Nodegroup").values())
    (general,) = of_type(cluster("small", "cluster"), "AWS::EC2::LaunchTemplate").values()
    assert general["LaunchTemplateData"]["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_notebooks_and_workflows_have_nodes_that_nothing_else_runs_on() -> None:
    (pool,) = (
        one for one in of_type(cluster("medium", "cluster"), "AWS::EKS::Nodegroup").values() if one.get("Taints")
    )
    assert pool["Labels"] == {"role": "jupyter"}
    assert pool["Taints"] == [{"Key": "role", "Value": "jupyter", "Effect": "NO_SCHEDULE"}]
    assert pool["CapacityType"] == "SPOT"
    assert pool["ScalingConfig"] == {"MinSize": 0, "MaxSize": 10, "DesiredSize": 0}


def test_the_image_of_nodes_fits_their_processor() -> None:
    pools = of_type(cluster("medium", "cluster"), "AWS::EKS::Nodegroup")
    assert pools["PoolGeneral"]["AmiType"] == "AL2023_ARM_64_STANDARD"
    assert pools["PoolJupyter"]["AmiType"] == "AL2023_x86_64_STANDARD"


def test_the_issuer_of_tokens_is_handed_on_by_the_stack_that_makes_it_and_copied_by_nobody() -> None:
    outputs = cluster("small", "cluster")["Outputs"]
    assert outputs["OidcIssuer"]["Value"] == {
        "Fn::Select": [1, {"Fn::Split": ["https://", {"Fn::GetAtt": ["Cluster", "OpenIdConnectIssuerUrl"]}]}]
    }
    assert cluster("small", "platform")["Parameters"]["ClusterOidcIssuer"]["Default"] == (
        "/csoc/c1b2c3d4e5/cluster/OidcIssuer"
    )


# The platform


def test_a_role_of_pods_trusts_one_service_account_of_its_own_cluster_and_no_machine() -> None:
    for size in SIZES:
        for name, role in of_type(cluster(size, "platform"), "AWS::IAM::Role").items():
            text, values = role["AssumeRolePolicyDocument"]["Fn::Sub"]
            trust = json.loads(text)["Statement"]
            assert len(trust) == 1, name
            assert trust[0]["Principal"] == {"Federated": "${Provider}"}
            assert trust[0]["Action"] == "sts:AssumeRoleWithWebIdentity"
            condition = trust[0]["Condition"]
            assert set(condition) == {"StringEquals"}
            assert condition["StringEquals"]["${Issuer}:aud"] == "sts.amazonaws.com"
            (subject,) = condition["StringEquals"]["${Issuer}:sub"]
            assert re.fullmatch(r"system:serviceaccount:[a-z0-9-]+:[a-z0-9-]+", subject)
            assert set(values) == {"Provider", "Issuer"}


def test_dns_is_changed_in_named_zones_only_and_without_any_there_is_no_role() -> None:
    assert "ExternalDnsRole" not in cluster("small", "platform")["Resources"]
    zones = [
        statement["Resource"]
        for _, statement in statements(cluster("large", "platform"))
        if "route53:ChangeResourceRecordSets" in actions(statement)
    ]
    assert zones == [["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ", "arn:aws:route53:::hostedzone/Z9876543210"]]


def test_the_autoscaler_and_the_controller_of_one_cluster_cannot_touch_what_is_another_clusters() -> None:
    own = {"Ref": "ClusterClusterName"}
    free = {"elasticloadbalancing:SetWebAcl"}
    for _, statement in statements(cluster("small", "platform")):
        changing = [
            one
            for one in actions(statement)
            if not re.match(r"\w[\w-]*:(Describe|Get|List)", one)
            and one.split(":")[0] in ("autoscaling", "elasticloadbalancing")
        ]
        if set(changing) - free:
            (tags,) = statement["Condition"].values()
            assert list(tags.values()) == [own]


def test_the_controller_may_put_the_web_acl_before_a_load_balancer() -> None:
    allowed = {one for _, statement in statements(cluster("small", "platform")) for one in actions(statement)}
    assert {"wafv2:AssociateWebACL", "wafv2:GetWebACLForResource", "elasticloadbalancing:SetWebAcl"} <= allowed


def test_the_controllers_policy_is_as_short_as_iam_wants_it() -> None:
    for size, layer, template in every():
        for name, role in of_type(template, "AWS::IAM::Role").items():
            text = json.dumps(role.get("Policies", []), separators=(",", ":"))
            assert len(text) < 10_240, (size, layer, name)


# All of them


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


OTHER: Mapping[str, Mapping[str, Any]] = {
    "network": {
        "cidr": "10.99.0.0/16",
        "zones": 2,
        "zone_names": ["ap-southeast-2c", "ap-southeast-2b", "ap-southeast-2a"],
        "default_route": "nat",
        "nat_gateways": "one",
        "interface_endpoints": ["kms"],
        "dynamodb_endpoint": True,
        "flow_log_days": 30,
        "web_acl": {"mode": "count"},
        "web_acl.groups": [],
        "web_acl.rate_limit": 500,
        "web_acl.log_days": 30,
    },
    "egress": {
        "allowed": ["example.org"],
        "zones": 2,
        "instance_type": "t3.small",
        "image": "ami-0123456789abcdef0",
        "disk_gib": 33,
        "refresh_days": 3,
        "log_days": 30,
        "alarm_emails": [],
    },
    "cluster": {
        "version": "1.33",
        "link_role": "arn:aws:iam::111111111111:role/csoc-link/Other",
        "pools": [{"name": "general", "instance_types": ["t3.large"], "smallest": 1, "largest": 2}],
        "link_access": "view",
        "administrators": [],
        "public_networks": ["203.0.113.0/24"],
        "private_networks": [],
        "addons": [{"name": "vpc-cni"}, {"name": "kube-proxy"}, {"name": "coredns"}],
        "log_days": 30,
        "extended_support": True,
    },
    "platform": {
        "dns_zones": [],
        "storage_driver": False,
        "storage_driver_version": "v1.50.1-eksbuild.1",
        "load_balancer_account": "other:controller",
        "external_dns_account": "other:dns",
        "autoscaler_account": "other:scaler",
    },
}


def test_every_setting_of_these_layers_is_tried_below() -> None:
    for layer, values in OTHER.items():
        fields = set(table.LAYERS[layer].load().Settings.__dataclass_fields__)
        assert {name.partition(".")[0] for name in values} == fields


@pytest.mark.parametrize(("layer", "setting"), [(layer, name) for layer, values in OTHER.items() for name in values])
def test_no_setting_is_read_and_then_ignored(layer: str, setting: str) -> None:
    document = cluster_document("medium")
    if setting == "nat_gateways":
        document["layers"]["network"]["settings"]["default_route"] = "nat"
    before = made(document)[layer]
    outer, _, inner = setting.partition(".")
    settings = document["layers"][layer]["settings"]
    if inner:
        settings[outer] = {**settings.get(outer, {}), inner: OTHER[layer][setting]}
    else:
        settings[outer] = OTHER[layer][setting]
    assert made(document)[layer] != before

"""The cluster and its platform, with what systems before this one got wrong: a test for each, named for it."""

from __future__ import annotations

import json
import re

from tests.infra.documents import SIZES
from tests.infra.templates import actions, changed, cluster, every, of_type, statements


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

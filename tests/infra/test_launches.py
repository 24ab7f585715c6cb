"""What a launch says of roles, buckets, queues and secrets is what the layers take, for every bundle."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.model import Account, AccountSpec
from csoc.gen3.launch import bundles, documents, outputs
from csoc.provisioning import names
from csoc.provisioning.infrastructure import Around, environment_infrastructure
from csoc_infra import app
from csoc_infra.document import parse
from csoc_infra.layers import credentials, resources
from csoc_infra.settings import read
from tests.unit.gen3.launch.launching import ACCOUNT, PLACE, answers, launch, outputs_of

_KEPT = ("buckets", "keys", "secrets")


def settings_of(services: list[str]) -> dict[str, Any]:
    """Settings of the layer resources as JSON brings them."""
    found = documents.resources_of(launch(answers(services)).environment)
    read: dict[str, Any] = json.loads(json.dumps({**found, "access_log_days": 90}))
    return read


@pytest.mark.parametrize("bundle", bundles.BUNDLES)
def test_the_layers_take_what_a_bundle_needs(bundle: str) -> None:
    told = read(resources.Settings, settings_of([bundle]), "resources")
    assert {role.service_account for role in told.roles} >= {"fence-sa", "secret-store-sa"}
    names = list(documents.secrets_of(launch(answers([bundle])).environment).names)
    assert read(credentials.Settings, {"secrets": names}, "credentials").secrets == tuple(names)


def test_fence_may_assume_its_own_role_where_it_signs_uploads_and_nobody_else_may() -> None:
    told = read(resources.Settings, settings_of([*bundles.BUNDLES]), "resources")
    assert [role.service_account for role in told.roles if role.assumes_itself] == ["fence-sa"]
    without = read(resources.Settings, settings_of(["minimal"]), "resources")
    assert not [role for role in without.roles if role.assumes_itself]


def templates_of(made: documents.Launch) -> dict[str, dict[str, Any]]:
    """The templates of an environment's layers."""
    account = Account.make(
        metadata=Metadata(name="research", uid="a123456789"),
        spec=AccountSpec(provider="aws", id=ACCOUNT, purpose="workload"),
    )
    assert made.cluster is not None
    around = Around("f123456789", "aws", f"arn:aws:iam::{ACCOUNT}:role/csoc-link/x", {})
    found = environment_infrastructure(made.environment, made.cluster, account, around)
    return {name: json.loads(text) for name, text in app.templates(parse(found)).items()}


def test_a_launch_becomes_templates_whose_names_its_values_expect() -> None:
    made = launch(answers(["standard", "workspaces", "explorer"]))
    uid = made.environment.metadata.uid
    found = templates_of(made)
    told = dict(outputs_of(made.selection, uid))
    database, credentials_layer = found["database"], found["credentials"]
    told["DatabaseSecretName"] = database["Outputs"]["DatabaseSecretName"]["Value"]
    assert told["DatabaseSecretName"] == names.thing(uid, "database-master")
    outputs.values(told, PLACE, made.selection)
    secrets = [one for one in credentials_layer["Resources"].values() if one["Type"] == "AWS::SecretsManager::Secret"]
    assert {one["Properties"]["Name"] for one in secrets} == {names.secret(uid, name) for name in made.secrets.names}
    roles = [one for one in found["resources"]["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    arns = json.loads(told["RoleArns"])
    assert {one["Properties"]["RoleName"] for one in roles} == {arn.rpartition("/")[2] for arn in arns.values()}


def test_the_role_of_fence_trusts_its_pods_and_itself_alone() -> None:
    made = launch(answers(["standard"]))
    own = names.thing(made.environment.metadata.uid, "fence-sa")
    resources_of_it = templates_of(made)["resources"]["Resources"].values()
    role = next(one["Properties"] for one in resources_of_it if one.get("Properties", {}).get("RoleName") == own)
    trust = json.loads(role["AssumeRolePolicyDocument"]["Fn::Sub"][0])["Statement"]
    assert [one["Action"] for one in trust] == ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"]
    arn = f"arn:aws:iam::{ACCOUNT}:role{names.role_path(made.environment.metadata.uid)}{own}"
    assert trust[1]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": arn}}
    granted = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn} in granted


@pytest.mark.parametrize(("retain", "protected"), [((*_KEPT, "database"), True), (_KEPT, False)])
def test_a_database_that_may_go_with_its_environment_is_not_protected_from_it_and_all_else_stays(
    retain: tuple[str, ...], protected: bool
) -> None:
    made = launch(answers(["standard"]))
    spec = made.environment.spec.model_copy(update={"retain": retain})
    changed = dataclasses.replace(made, environment=made.environment.model_copy(update={"spec": spec}))
    templates = templates_of(changed)
    found = templates["database"]["Resources"]["Database"]
    assert found["Properties"]["DeletionProtection"] is protected
    assert found["DeletionPolicy"] == ("RetainExceptOnCreate" if protected else "Snapshot")
    domains = [one for one in templates["database"]["Resources"].values() if one["Type"].endswith("::Domain")]
    assert {one.get("DeletionPolicy", "Delete") for one in domains} <= {
        "RetainExceptOnCreate" if protected else "Delete"
    }
    kept = [
        one["DeletionPolicy"]
        for layer in ("database", "credentials", "resources")
        for one in templates[layer]["Resources"].values()
        if one["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret")
    ]
    assert set(kept) == {"RetainExceptOnCreate"}

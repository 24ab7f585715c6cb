"""What everything that makes templates promises, run on CDK in its process and in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.cdk.synthesizer import ChildSynthesizer
from csoc.errors import RejectedError
from csoc.provisioning.synthesis import Synthesizer
from csoc.testing.synthesis import MemorySynthesizer
from tests.infra.documents import cluster_document


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildSynthesizer]:
    with ChildSynthesizer() as made:
        yield made


@pytest.fixture(params=["memory", "cdk"])
def synthesizer(request: pytest.FixtureRequest) -> Synthesizer:
    if request.param == "memory":
        return MemorySynthesizer()
    cdk: ChildSynthesizer = request.getfixturevalue("warm")
    return cdk


def test_each_layer_of_the_document_has_a_template_for_its_stack(synthesizer: Synthesizer) -> None:
    document = cluster_document("medium")
    templates = synthesizer.synthesize(document)
    assert {name: one.stack for name, one in templates.items()} == {
        name: layer["stack"] for name, layer in document["layers"].items()
    }
    assert all(name == one.layer for name, one in templates.items())


def test_the_same_document_gives_the_same_bytes(synthesizer: Synthesizer) -> None:
    first = synthesizer.synthesize(cluster_document("small"))
    again = synthesizer.synthesize(cluster_document("small"))
    assert {name: one.body for name, one in first.items()} == {name: one.body for name, one in again.items()}


def test_the_order_of_keys_in_the_document_means_nothing(synthesizer: Synthesizer) -> None:
    document = cluster_document("small")
    turned = json.loads(json.dumps(document, sort_keys=True))
    turned["layers"] = dict(reversed(turned["layers"].items()))
    assert dict(synthesizer.synthesize(document)) == dict(synthesizer.synthesize(turned))


def test_another_setting_is_another_template_of_that_layer_only(synthesizer: Synthesizer) -> None:
    before = synthesizer.synthesize(cluster_document("small"))
    document = cluster_document("small")
    document["layers"]["network"]["settings"]["cidr"] = "10.77.0.0/16"
    after = synthesizer.synthesize(document)
    assert {name for name in after if after[name].digest != before[name].digest} == {"network"}


def test_inputs_are_parameters_that_read_what_the_document_says(synthesizer: Synthesizer) -> None:
    document = cluster_document("small")
    document["layers"]["cluster"]["inputs"]["NetworkVpcId"] = {"value": "vpc-0123456789abcdef0"}
    parameters = json.loads(synthesizer.synthesize(document)["cluster"].body)["Parameters"]
    assert parameters["NetworkVpcId"] == {"Type": "String", "Default": "vpc-0123456789abcdef0"}
    assert parameters["NetworkPrivateSubnetIds"] == {
        "Type": "AWS::SSM::Parameter::Value<String>",
        "Default": "/csoc/c1b2c3d4e5/network/PrivateSubnetIds",
    }


def test_every_output_is_an_output_and_an_ssm_parameter(synthesizer: Synthesizer) -> None:
    document = cluster_document("small")
    for name, one in synthesizer.synthesize(document).items():
        template: dict[str, Any] = json.loads(one.body)
        outputs = document["layers"][name]["outputs"]
        assert set(template["Outputs"]) == set(outputs)
        kept = [item["Properties"] for item in template["Resources"].values() if item["Type"] == "AWS::SSM::Parameter"]
        assert set(outputs.values()) <= {properties.get("Name") for properties in kept}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("surprise", 1),
        ("layers", {}),
        ("layers.network.outputs.VpcId", None),
        ("layers.network.more", 1),
    ],
)
def test_a_wrong_document_is_refused_with_the_path_of_the_mistake(
    synthesizer: Synthesizer, path: str, value: object
) -> None:
    document = cluster_document("small")
    *way, last = path.split(".")
    part = document
    for step in way:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    with pytest.raises(RejectedError) as refused:
        synthesizer.synthesize(document)
    assert path in refused.value.place.replace('"', "")


def test_a_wrong_document_does_no_harm_to_the_next(synthesizer: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(RejectedError):
        synthesizer.synthesize({"version": 1})
    assert synthesizer.synthesize(cluster_document("small"))

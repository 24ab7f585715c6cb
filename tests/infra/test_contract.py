"""The contract between layers and the templates, both ways, and that a document makes the same text everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from csoc.provisioning import sizes
from csoc.provisioning.layers import LAYERS, NOTHING, OwnerKind, layers_of
from csoc_infra import app, context, service
from csoc_infra.document import parse
from csoc_infra.layers import table
from csoc_infra.mistakes import MistakeError
from testbed import npm_packages
from tests.infra.documents import CLUSTER_UID, SIZES, cluster_document, cluster_settings, document, layer
from tests.infra.templates import every, texts
from tests.plugins.optional_parts import path_of

WITH_STACK = [one.name for one in LAYERS.values() if one.has_stack]


def test_every_layer_with_a_stack_is_built_by_a_module_and_belongs_to_the_same_owner() -> None:
    assert {name: entry.owner for name, entry in table.LAYERS.items()} == {
        name: str(LAYERS[name].owner) for name in WITH_STACK
    }
    assert list(table.LAYERS) == WITH_STACK
    assert all(name == entry.load().NAME for name, entry in table.LAYERS.items())


@pytest.mark.parametrize("name", WITH_STACK)
def test_needs_and_outputs_are_those_of_the_contract(name: str) -> None:
    module, contract = table.LAYERS[name].load(), LAYERS[name]
    assert sorted(module.INPUTS) == sorted(need.parameter for need in contract.needs if not need.optional)
    assert sorted(module.OPTIONAL_INPUTS) == sorted(need.parameter for need in contract.needs if need.optional)
    assert list(module.OUTPUTS) == [output.name for output in contract.outputs]


def test_each_need_is_a_parameter_and_each_output_is_handed_on() -> None:
    for size, name, template in every():
        part = cluster_document(size)["layers"][name]
        assert set(template.get("Parameters", {})) == set(part["inputs"])
        for need, parameter in template.get("Parameters", {}).items():
            assert parameter["Default"] == part["inputs"][need]["parameter"]
        assert set(template["Outputs"]) == set(part["outputs"])
        kept = {
            one["Properties"]["Name"]: one["Properties"]["Value"]
            for one in template["Resources"].values()
            if one["Type"] == "AWS::SSM::Parameter"
        }
        for output, path in part["outputs"].items():
            assert kept[path] == template["Outputs"][output]["Value"]


def test_every_parameter_is_used() -> None:
    for size, name, template in every():
        body = json.dumps([template["Resources"], template["Outputs"]])
        for parameter in template.get("Parameters", {}):
            assert f'"{parameter}"' in body, f"{size} {name} does not use {parameter}"


def test_the_word_for_nothing_is_the_same_on_both_sides() -> None:
    assert context.NOTHING == NOTHING


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_a_need_or_output_that_the_layer_does_not_have_is_refused(kind: str) -> None:
    made = cluster_document("small")
    part = made["layers"]["cluster"][kind]
    part["NetworkSurprise"] = {"value": "x"} if kind == "inputs" else f"/csoc/{CLUSTER_UID}/cluster/NetworkSurprise"
    with pytest.raises(MistakeError) as refused:
        app.templates(parse(made))
    assert refused.value.path == f"layers.cluster.{kind}.NetworkSurprise"


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_a_need_or_output_that_is_missing_is_refused(kind: str) -> None:
    made = cluster_document("small")
    gone = sorted(made["layers"]["cluster"][kind])[0]
    del made["layers"]["cluster"][kind][gone]
    with pytest.raises(MistakeError) as refused:
        app.templates(parse(made))
    assert refused.value.path == f"layers.cluster.{kind}.{gone}"


@pytest.mark.parametrize("size", SIZES)
def test_what_csoc_makes_of_a_size_is_taken(size: Any) -> None:
    example = cluster_settings("medium")
    given = {
        "network": {"cidr": "10.30.0.0/16", "default_route": "egress"},
        "egress": {"allowed": example["egress"]["allowed"]},
        "cluster": {"link_role": example["cluster"]["link_role"]},
        "platform": {},
    }
    layers = {
        one.name: layer(one.name, sizes.settings(one.name, size, given=given[one.name]))
        for one in layers_of(OwnerKind.CLUSTER)
    }
    assert set(app.templates(parse(document(layers)))) == set(layers)


@pytest.mark.parametrize("size", SIZES)
def test_the_text_is_the_same_each_time_and_small_enough_to_be_sent(size: str) -> None:
    again = app.templates(parse(cluster_document(size)))
    assert dict(again) == dict(texts(size))
    for name, text in again.items():
        assert text == app.canonical(json.loads(text))
        assert len(text.encode()) <= 51_200, f"{name} has to go through a bucket"


def test_the_warm_process_and_the_plain_app_make_the_same_bytes(tmp_path: Path) -> None:
    made = cluster_document("medium")
    (tmp_path / "document.json").write_text(json.dumps(made))
    out = tmp_path / "out"
    call = [sys.executable, "-m", "csoc_infra", str(tmp_path / "document.json"), str(out)]
    subprocess.run(call, check=True, capture_output=True, timeout=200)
    answered = service.answer(json.dumps(made).encode())["templates"]
    for name, text in answered.items():
        assert (out / f"csoc-{CLUSTER_UID}-{name}.template.json").read_text() == text


def test_what_the_program_cdk_asks_for_changes_nothing(tmp_path: Path) -> None:
    """`cdk synth` runs the app with its own folder and with context that would add metadata."""
    made = cluster_document("small")
    (tmp_path / "document.json").write_text(json.dumps(made))
    wanted = {"aws:cdk:enable-path-metadata": True, "aws:cdk:version-reporting": True}
    environment = {**os.environ, "CDK_OUTDIR": str(tmp_path / "cdk.out"), "CDK_CONTEXT_JSON": json.dumps(wanted)}
    call = [sys.executable, "-m", "csoc_infra", str(tmp_path / "document.json")]
    subprocess.run(call, check=True, capture_output=True, env=environment, timeout=200)
    for name, text in texts("small").items():
        assert (tmp_path / "cdk.out" / f"csoc-{CLUSTER_UID}-{name}.template.json").read_text() == text
    assert (tmp_path / "cdk.out" / "manifest.json").is_file()


def _offline(folder: Path) -> dict[str, str]:
    """An environment in which the program cdk asks nobody: for newer versions, for credentials, to be counted."""
    quiet = {"CDK_DISABLE_CLI_TELEMETRY": "1", "CDK_DISABLE_VERSION_CHECK": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    nobody = {name: str(folder / "nobody") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    return {**own, **quiet, **nobody, "CDK_HOME": str(folder / "cdk")}


@pytest.mark.cdk
def test_the_program_cdk_itself_makes_the_same_templates(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    program = path_of("cdk", request.config) / "cdk" / npm_packages.PACKAGES["cdk"].program
    (tmp_path / "document.json").write_text(json.dumps(cluster_document("small")))
    command = f"{sys.executable} -m csoc_infra {tmp_path / 'document.json'}"
    call = [str(npm_packages.node()), str(program), "synth", "--quiet", "--no-notices"]
    call += ["--app", command, "--output", str(tmp_path / "out")]
    ended = subprocess.run(
        call, env=_offline(tmp_path), check=False, capture_output=True, text=True, cwd=tmp_path, timeout=200
    )
    assert ended.returncode == 0, ended.stderr
    for name, text in texts("small").items():
        assert (tmp_path / "out" / f"csoc-{CLUSTER_UID}-{name}.template.json").read_text() == text


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "cannot be read as JSON"), ("[]", "an object is wanted"), ('{"version": 1}', "installation: is missing")],
)
def test_the_plain_app_says_what_is_wrong_and_fails(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "document.json").write_text(content)
    call = [sys.executable, "-m", "csoc_infra", str(tmp_path / "document.json"), str(tmp_path / "out")]
    ended = subprocess.run(call, check=False, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_in_a_template_needs_a_bootstrap_an_asset_a_lookup_or_a_function() -> None:
    for size, name, template in every():
        text = json.dumps(template)
        kinds = {one["Type"] for one in template["Resources"].values()}
        assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::Lambda", "AWS::CDK"))}, (size, name)
        assert "AWS::CloudFormation::CustomResource" not in kinds
        for word in ("cdk-bootstrap", "BootstrapVersion", "cdk-hnb", "aws:cdk:path", "dummy-value", "Fn::ImportValue"):
            assert word not in text, (size, name, word)
        assert not any("Export" in output for output in template["Outputs"].values())

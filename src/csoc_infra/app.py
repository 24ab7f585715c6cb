"""From a document to stacks: one a layer, without bootstrap, assets or look-ups, and the same bytes each time."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm

from csoc_infra import names
from csoc_infra.context import NOTHING, Given
from csoc_infra.document import Document, LayerRequest
from csoc_infra.layers import table
from csoc_infra.mistakes import MistakeError
from csoc_infra.settings import read

# What would make the text depend on the machine or on whether the program `cdk` runs this.
_CONTEXT = {
    "aws:cdk:enable-path-metadata": False,
    "aws:cdk:enable-asset-metadata": False,
    "aws:cdk:enable-logical-id-metadata": False,
    "aws:cdk:version-reporting": False,
}


def build_app(document: Document, outdir: Path | None = None) -> cdk.App:
    """An app with a stack a layer. outdir: where it goes; None lets the program `cdk` say. Raises MistakeError."""
    app = cdk.App(
        outdir=str(outdir) if outdir is not None else None,
        analytics_reporting=False,
        tree_metadata=False,
        # It would take seconds; cfn-lint checks all templates in the tests.
        builtin_cloud_formation_validation=False,
        post_cli_context=_CONTEXT,
    )
    for layer in document.layers.values():
        _build_layer(app, document, layer)
    return app


def templates(document: Document) -> Mapping[str, str]:
    """Each layer's template, by name, as it goes to CloudFormation. Raises MistakeError."""
    with tempfile.TemporaryDirectory(prefix="csoc-infra-") as folder:
        write(build_app(document, Path(folder)))
        return {name: _file(Path(folder), layer).read_text() for name, layer in document.layers.items()}


def write(app: cdk.App) -> Path:
    """Synthesizes an app, and gives its folder. Templates are written anew in one form: keys sorted and no blanks,
    since CloudFormation takes 51,200 bytes of a template that is not in a bucket."""
    folder = Path(app.synth().directory)
    for path in sorted(folder.glob("*.template.json")):
        path.write_text(canonical(json.loads(path.read_text())))
    return folder


def canonical(template: Any) -> str:
    """JSON in one form."""
    return json.dumps(template, sort_keys=True, separators=(",", ":"))


def _file(folder: Path, layer: LayerRequest) -> Path:
    return folder / f"{layer.stack}.template.json"


def _build_layer(app: cdk.App, document: Document, layer: LayerRequest) -> None:
    path = f"layers.{layer.name}"
    module = table.LAYERS[layer.name].load()
    settings = read(module.Settings, layer.settings, f"{path}.settings")
    _check_inputs(module, layer, f"{path}.inputs")
    _check_outputs(module, layer, f"{path}.outputs")
    stack = cdk.Stack(
        app,
        layer.stack,
        stack_name=layer.stack,
        description=f"csoc: layer {layer.name} of the {document.kind} {document.name}",
        env=cdk.Environment(account=document.account, region=document.region),
        synthesizer=cdk.BootstraplessSynthesizer(),
        analytics_reporting=False,
    )
    tags = cdk.Tags.of(stack)
    tags.add(names.INSTALLATION_TAG, document.installation)
    tags.add(names.OWNER_TAG, document.uid)
    tags.add(names.LAYER_TAG, layer.name)
    try:
        values = module.build(stack, settings, Given(stack, document, layer))
    except MistakeError as mistake:
        raise mistake.below(path) from None
    for name in module.OUTPUTS:
        value = values[name] or NOTHING
        cdk.CfnOutput(stack, f"Output{name}", value=value).override_logical_id(name)
        ssm.CfnParameter(stack, f"{name}Parameter", name=layer.outputs[name], type="String", value=value)


def _check_inputs(module: table.LayerModule, layer: LayerRequest, path: str) -> None:
    known = (*module.INPUTS, *module.OPTIONAL_INPUTS)
    for name in layer.inputs:
        if name not in known:
            raise MistakeError(f"{path}.{name}", "the layer has no such input", f"It has {', '.join(known) or 'none'}")
    for name in module.INPUTS:
        if name not in layer.inputs:
            raise MistakeError(f"{path}.{name}", "is missing")


def _check_outputs(module: table.LayerModule, layer: LayerRequest, path: str) -> None:
    for name in layer.outputs:
        if name not in module.OUTPUTS:
            raise MistakeError(f"{path}.{name}", "the layer has no such output", f"It has {', '.join(module.OUTPUTS)}")
    for name in module.OUTPUTS:
        if name not in layer.outputs:
            raise MistakeError(f"{path}.{name}", "is missing")

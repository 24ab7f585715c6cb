"""What the table of layers has to be, whatever it holds."""

from __future__ import annotations

from collections import defaultdict

from csoc.provisioning.layers import LAYERS


def test_no_two_layers_have_an_output_of_one_name_but_for_the_web_acl() -> None:
    layers: dict[str, list[str]] = defaultdict(list)
    for layer in LAYERS.values():
        for output in layer.outputs:
            layers[output.name].append(layer.name)
    assert {name: found for name, found in layers.items() if len(found) > 1} == {"WebAclArn": ["network", "edge"]}


def test_each_need_is_an_output_of_a_layer_that_comes_before() -> None:
    before: list[str] = []
    for layer in LAYERS.values():
        for need in layer.needs:
            assert need.layer in before
            assert LAYERS[need.layer].output(need.output)
        before.append(layer.name)

"""A first plan shows values before any layer has made anything, so whatever they read of layers has a stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from csoc.fleet.documents.base import Metadata
from csoc.fleet.documents.model import Account, AccountSpec
from csoc.gen3.launch import bundles, outputs
from csoc.provisioning.layers import LAYERS, OwnerKind, layers_of
from csoc.usecases.planning.gen3_layer import Gen3Layer
from csoc.usecases.planning.owners import Owner
from tests.unit.gen3.launch.launching import ACCOUNT, PLACE, REGION, answers, launch

EACH_BUNDLE = [[name] if name == "minimal" else ["standard", name] for name in bundles.BUNDLES]
ALL = [*bundles.BUNDLES]
KNOWN_WITHOUT = {"DatabasePort"}
"""What values have by themselves where no layer says it."""


class Asked(Mapping[str, str]):
    """Outputs, with the names that somebody asked for."""

    def __init__(self, outputs: Mapping[str, str]) -> None:
        self._outputs = outputs
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


def stand_ins(services: list[str], **known: str) -> dict[str, str]:
    made = launch(answers(services))
    assert made.cluster is not None
    spec = AccountSpec(provider="aws", id=ACCOUNT, purpose="workload", regions=(REGION,))
    account = Account.make(metadata=Metadata(name="research", uid="a123456789"), spec=spec)
    owner = Owner(OwnerKind.ENVIRONMENT, made.cluster, account, made.environment)
    unused = cast(Any, None)
    return Gen3Layer(unused, "", unused, unused, owner, PLACE, "aws", known).stand_ins()


@pytest.mark.parametrize("services", [*EACH_BUNDLE, ALL], ids="+".join)
def test_each_output_that_values_read_has_a_stand_in(services: list[str]) -> None:
    asked = Asked(stand_ins(services))
    outputs.values(asked, PLACE, bundles.select(services))
    assert asked.names - KNOWN_WITHOUT <= set(asked)


def test_nothing_stands_in_for_an_output_that_no_layer_of_an_environment_has() -> None:
    known = {one.name for layer in layers_of(OwnerKind.ENVIRONMENT) for one in layer.outputs}
    assert set(stand_ins(ALL)) <= known
    assert {one.name for one in LAYERS["database"].outputs} >= KNOWN_WITHOUT


def test_what_is_known_has_no_stand_in() -> None:
    assert "DatabaseEndpoint" not in stand_ins(ALL, DatabaseEndpoint="db.example.org")

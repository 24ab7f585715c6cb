"""What a commons would cost, from answers or documents, with templates as CDK makes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from csoc.costs.lines import Kind
from csoc.errors import NotFoundError, RejectedError
from csoc.gen3.launch.answerfiles import parse_answers
from csoc.gen3.launch.answers import Answers
from csoc.provisioning.layers import OwnerKind
from csoc.provisioning.synthesis import Template
from csoc.usecases.costing import Asked, Costing, of_answers
from csoc_infra import app
from csoc_infra.document import parse

_ANSWERS = """
commons: heart
region: ap-southeast-2
size: {size}
services: [{services}]
"""


class _Cdk:
    """The templates of csoc_infra, made in this process. documents: what it was asked for."""

    def __init__(self) -> None:
        self.documents: list[Mapping[str, Any]] = []

    def synthesize(self, document: Mapping[str, Any]) -> Mapping[str, Template]:
        self.documents.append(document)
        made = app.templates(parse(dict(document)))
        return {name: Template(name, document["layers"][name]["stack"], body) for name, body in made.items()}


def _now() -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC)


def _answers(size: str = "small", services: str = "standard", more: str = "") -> Answers:
    return parse_answers((_ANSWERS.format(size=size, services=services) + more).encode())


def _cost(answers: Answers, asked: Asked | None = None) -> tuple[Costing, ...]:
    return of_answers(answers, _Cdk(), _now, asked or Asked())


def test_answers_for_a_new_cluster_cost_the_cluster_and_the_environment_layer_by_layer() -> None:
    cluster, environment = _cost(_answers())
    assert (cluster.kind, cluster.name, cluster.size) == (OwnerKind.CLUSTER, "heart", "small")
    assert list(cluster.layers) == ["network", "cluster", "platform"]
    assert (environment.kind, environment.name) == (OwnerKind.ENVIRONMENT, "heart-dev")
    assert list(environment.layers) == ["database", "credentials", "resources", "edge"]
    # As worked out by hand for this size: network and nodes do not depend on what runs there.
    assert [str(cluster.layers[name].usd.usual) for name in cluster.layers] == ["62.35", "438.54", "0"]
    assert cluster.without == environment.without == ()


def test_an_owner_costs_the_sum_of_its_layers() -> None:
    for one in _cost(_answers("medium")):
        assert one.usd.usual == sum((found.usd.usual for found in one.layers.values()), Decimal(0))
        assert one.usd.low <= one.usd.usual <= one.usd.high


def test_a_larger_size_costs_more_and_so_does_search() -> None:
    def usual(answers: Answers) -> Decimal:
        return sum((one.usd.usual for one in _cost(answers)), Decimal(0))

    assert usual(_answers("small")) < usual(_answers("medium")) < usual(_answers("large"))
    assert usual(_answers("small", "minimal")) < usual(_answers("small", "standard, explorer"))


def test_a_size_may_be_tried_without_changing_the_answers() -> None:
    tried = _cost(_answers("small"), Asked(size="large"))
    assert [one.size for one in tried] == ["large", "large"]
    assert tried[0].usd == _cost(_answers("large"))[0].usd


def test_on_a_cluster_that_there_is_only_the_environment_is_priced_and_the_rest_named() -> None:
    (environment,) = _cost(_answers(more="cluster: research\n"))
    assert environment.kind is OwnerKind.ENVIRONMENT
    assert environment.without == ("the cluster research that it runs on: csoc cost estimate cluster/research",)


def test_proxies_in_place_of_nat_are_priced_as_their_layer() -> None:
    cluster, _ = _cost(_answers(more="network: {egress: proxy}\n"))
    assert "egress" in cluster.layers
    assert cluster.layers["egress"].usd.usual > 0


def test_without_a_region_nothing_can_be_priced_and_the_fix_is_named() -> None:
    answers = parse_answers(b"commons: heart\n")
    with pytest.raises(RejectedError) as caught:
        _cost(answers)
    assert "--region" in caught.value.fix
    assert _cost(answers, Asked(region="eu-west-2"))[0].region == "eu-west-2"


def test_the_region_of_the_answers_counts_more_than_the_one_besides() -> None:
    assert _cost(_answers(), Asked(region="eu-west-2"))[0].region == "ap-southeast-2"


def test_a_region_without_prices_is_refused_with_those_there_are() -> None:
    with pytest.raises(NotFoundError) as caught:
        _cost(parse_answers(b"region: sa-east-1\n"))
    assert "us-east-1" in caught.value.fix


def test_an_assumption_that_nobody_knows_is_refused() -> None:
    with pytest.raises(RejectedError):
        _cost(_answers(), Asked(assumed={"gb": "3"}))


def test_every_bundle_of_services_is_priced_without_a_type_that_nobody_knows() -> None:
    for bundle in ("minimal", "standard", "explorer", "workspaces", "imaging"):
        for one in _cost(_answers("medium", bundle)):
            for name, found in one.layers.items():
                unpriced = [line.what for line in found.of(Kind.UNPRICED)]
                assert unpriced == (["disks that workspaces and services ask for"] if name == "cluster" else [])

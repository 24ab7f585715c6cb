"""`csoc cost`, as somebody uses it who has a file of answers, or a fleet, and no account yet."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.functional.command import Command
from tests.functional.test_fleet_commands import commit_all

_REGION = ("--region", "ap-southeast-2")


@pytest.fixture(scope="module")
def csoc(tmp_path_factory: pytest.TempPathFactory) -> Command:
    root = tmp_path_factory.mktemp("cost")
    command = Command(root / "home", root / "here")
    example = command("launch", "--example-answers")
    (root / "here" / "answers.yaml").write_text(example.out, encoding="utf-8")
    made = command("fleet", "init", "fleet")
    assert made.code == 0, made.err
    fleet = root / "here" / "fleet"
    _document(
        fleet / "accounts" / "work.yaml",
        "Account",
        "work",
        "a123456789",
        provider="aws",
        id="111111111111",
        purpose="workload",
    )
    _document(
        fleet / "clusters" / "research" / "cluster.yaml", "Cluster", "research", "c123456789",
        account="work", provider="aws", region="ap-southeast-2", size="medium",
    )  # fmt: skip
    _document(
        fleet / "clusters" / "older" / "cluster.yaml", "Cluster", "older", "c223456789",
        account="work", provider="aws", region="ap-southeast-2", size="small",
        layers=[{"name": "network", "provider": "existing", "from": {"values": {"VpcId": "vpc-1"}}}],
    )  # fmt: skip
    commit_all(fleet, "Clusters")
    return command


def _document(path: Path, kind: str, name: str, uid: str, **spec: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "apiVersion": "csoc.gen3.org/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "uid": uid},
        "spec": spec,
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_the_example_answers_cost_a_cluster_and_an_environment(csoc: Command) -> None:
    ran = csoc("cost", "estimate", "--answers", "answers.yaml", *_REGION)
    assert ran.code == 0, ran.err
    assert "cluster heart, size small, in ap-southeast-2: " in ran.out
    assert "environment heart-dev, size small" in ran.out
    assert "Together: " in ran.out
    assert "Not in these figures: cluster: disks that workspaces and services ask for" in ran.out
    assert "not compared with AWS's price list" in ran.out


def test_lines_show_every_formula(csoc: Command) -> None:
    ran = csoc("cost", "estimate", "--answers", "answers.yaml", *_REGION, "--lines")
    assert "730 hours x 0.059 USD per hour" in ran.out
    assert "2.2 (2 to 4) nodes x 730 hours" in ran.out


def test_as_json_every_amount_adds_up_and_what_has_no_price_has_none(csoc: Command) -> None:
    data = csoc("cost", "estimate", "--answers", "answers.yaml", *_REGION, "--json").data
    layers = [layer for owner in data["owners"] for layer in owner["layers"]]
    for layer in layers:
        priced = sum(line["usdPerMonth"]["usual"] for line in layer["lines"] if line["usdPerMonth"])
        assert round(priced, 2) == layer["usdPerMonth"]["usual"]
    assert round(sum(layer["usdPerMonth"]["usual"] for layer in layers), 2) == data["usdPerMonth"]["usual"]
    unpriced = [line for layer in layers for line in layer["lines"] if line["kind"] == "unpriced"]
    assert [line["usdPerMonth"] for line in unpriced] == [None]


def test_a_cluster_of_the_fleet_costs_what_its_documents_say_without_account_or_link(csoc: Command) -> None:
    data = csoc("cost", "estimate", "research", "--fleet", "fleet", "--json").data
    (owner,) = data["owners"]
    assert (owner["kind"], owner["size"], owner["region"]) == ("cluster", "medium", "ap-southeast-2")
    assert {one["layer"]: one["usdPerMonth"]["usual"] for one in owner["layers"]}["network"] == 135.08
    small = csoc("cost", "estimate", "research", "--fleet", "fleet", "--size", "small", "--json").data
    assert small["usdPerMonth"]["usual"] < data["usdPerMonth"]["usual"]
    more = csoc("cost", "estimate", "research", "--fleet", "fleet", "--assume", "nat_gb=1300", "--json").data
    assert round(more["usdPerMonth"]["usual"] - data["usdPerMonth"]["usual"], 2) == 59.00


def test_a_layer_that_exists_already_is_left_out_and_named(csoc: Command) -> None:
    ran = csoc("cost", "estimate", "older", "--fleet", "fleet")
    assert ran.code == 0, ran.err
    assert "Not in these figures: network: it is there already (existing)" in ran.out
    assert "\nnetwork " not in ran.out


def test_assumptions_are_listed_by_size(csoc: Command) -> None:
    assert "nat_gb" in csoc("cost", "assumptions").out
    rows = {row["name"]: row for row in csoc("cost", "assumptions", "--json").data["assumptions"]}
    assert rows["hours"]["small"] == 730


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Nobody says what is to be priced"),
        (("research", "--answers", "answers.yaml"), 2, "exclude each other"),
        (("--answers", "answers.yaml"), 1, "Nobody says in which region"),
        (("--answers", "answers.yaml", "--region", "xx-nowhere-1"), 4, "There is no price table"),
        (("--answers", "nowhere.yaml"), 4, "does not exist"),
        (("--answers", "fleet"), 2, "fleet"),
        (("nobody", "--fleet", "fleet"), 4, "nobody"),
        (("research", "--fleet", "fleet", "--assume", "nat_gb"), 2, "NAME=VALUE"),
        (("research", "--fleet", "fleet", "--assume", "nat=1"), 1, "Did you mean nat_gb"),
        (("research", "--fleet", "fleet", "--assume", "nat_gb=-1"), 1, "no number from 0"),
        (("research", "--fleet", "fleet", "--size", "huge"), 2, "--size"),
    ],
)
def test_what_is_typed_wrongly_is_answered_with_what_to_do(
    csoc: Command, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = csoc("cost", "estimate", *arguments)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "csoc made a mistake" not in ran.err

"""Documents that cannot be accepted: each is refused with the path of the mistake, whatever was done to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from csoc.provisioning import names as csoc_names
from csoc_infra import names
from csoc_infra.document import parse
from csoc_infra.layers import table
from csoc_infra.mistakes import MistakeError
from csoc_infra.settings import read
from tests.infra.documents import SIZES, cluster_document

UIDS = st.from_regex(r"[a-z0-9]{10}", fullmatch=True)
WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


def check(document: Any) -> None:
    """Everything that is read before anything is built."""
    for name, layer in parse(document).layers.items():
        read(table.LAYERS[name].load().Settings, layer.settings, f"layers.{name}.settings")


def refusal(document: Any) -> MistakeError | None:
    """None for a document that is accepted."""
    try:
        check(document)
    except MistakeError as mistake:
        return mistake
    return None


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of everything in a document, itself left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


def holder(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


@pytest.mark.parametrize("size", SIZES)
def test_the_examples_are_accepted(size: str) -> None:
    check(cluster_document(size))


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("version",), True, "version"),
        (("version",), 2, "version"),
        (("installation",), "F1B2C3D4E5", "installation"),
        (("owner", "uid"), "short", "owner.uid"),
        (("owner", "kind"), "fleet", "owner.kind"),
        (("owner", "name"), "../etc", "owner.name"),
        (("account",), "11111111111", "account"),
        (("account",), 111111111111, "account"),
        (("region",), "sydney", "region"),
        (("partition",), "aws-mars", "partition"),
        (("boundary",), "arn:aws:iam::111111111111:policy/AdministratorAccess", "boundary"),
        (("boundary",), "arn:aws:iam::222222222222:policy/csoc-link/CsocLink-f1b2c3d4e5-boundary", "boundary"),
        (("layers", "gen3"), {}, 'layers."gen3"'),
        (("layers", "database"), {}, 'layers."database"'),
        (("layers", "network", "stack"), "CsocLink-f1b2c3d4e5", "layers.network.stack"),
        (("layers", "network", "outputs", "VpcId"), "/csoc/0000000000/network/VpcId", 'layers.network.outputs."VpcId"'),
        (("layers", "network", "outputs", "Other"), "/csoc/c1b2c3d4e5/network/Elsewhere", "layers.network.outputs"),
        (("layers", "cluster", "inputs", "NetworkVpcId"), {"value": ""}, "layers.cluster.inputs.NetworkVpcId.value"),
        (("layers", "cluster", "inputs", "NetworkVpcId"), {"lookup": "x"}, "layers.cluster.inputs.NetworkVpcId"),
        (
            ("layers", "cluster", "inputs", "NetworkVpcId"),
            {"parameter": "/a", "value": "b"},
            "layers.cluster.inputs.NetworkVpcId",
        ),
        (
            ("layers", "cluster", "inputs", "NetworkVpcId"),
            {"parameter": "/aws/../x y"},
            "layers.cluster.inputs.NetworkVpcId.parameter",
        ),
        (("layers", "network", "settings", "cidr"), "10.20.0.0/24", "layers.network.settings.cidr"),
        (("layers", "network", "settings", "cidr"), "10.20.0.1/16", "layers.network.settings.cidr"),
        (("layers", "network", "settings", "cidr"), "8.8.0.0/16", "layers.network.settings.cidr"),
        (("layers", "network", "settings", "cidr"), "172.17.0.0/16", "layers.network.settings.cidr"),
        (("layers", "network", "settings", "zones"), 1, "layers.network.settings.zones"),
        (("layers", "network", "settings", "zones"), True, "layers.network.settings.zones"),
        (("layers", "network", "settings", "zones"), 2.0, "layers.network.settings.zones"),
        (("layers", "network", "settings", "zone_names"), ["ap-southeast-2a"], "layers.network.settings.zone_names"),
        (("layers", "network", "settings", "interface_endpoints"), ["sts", "sts"], "layers.network.settings"),
        (("layers", "network", "settings", "interface_endpoints"), ["s4"], "layers.network.settings"),
        (("layers", "network", "settings", "flow_log_days"), 8, "layers.network.settings.flow_log_days"),
        (("layers", "network", "settings", "web_acl"), {"mode": "off"}, "layers.network.settings.web_acl.mode"),
        (("layers", "network", "settings", "web_acl"), {"rate_limit": 5}, "layers.network.settings.web_acl.rate_limit"),
        (("layers", "egress", "settings", "allowed"), ["*.example.org"], "layers.egress.settings.allowed[0]"),
        (("layers", "egress", "settings", "allowed"), ["Example.org"], "layers.egress.settings.allowed[0]"),
        (("layers", "egress", "settings", "allowed"), ["10.0.0.1"], "layers.egress.settings.allowed[0]"),
        (("layers", "egress", "settings", "allowed"), ["."], "layers.egress.settings.allowed[0]"),
        (("layers", "egress", "settings", "alarm_emails"), ["a b"], "layers.egress.settings.alarm_emails"),
        (("layers", "egress", "settings", "image"), "ami-1;reboot", "layers.egress.settings.image"),
        (("layers", "cluster", "settings", "version"), "latest", "layers.cluster.settings.version"),
        (("layers", "cluster", "settings", "link_role"), "arn:aws:iam::1:user/x", "layers.cluster.settings.link_role"),
        (("layers", "cluster", "settings", "pools"), [], "layers.cluster.settings.pools"),
        (
            ("layers", "cluster", "settings", "pools", 0, "instance_types"),
            [],
            "layers.cluster.settings.pools[0].instance_types",
        ),
        (
            ("layers", "cluster", "settings", "pools", 0, "smallest"),
            9,
            "layers.cluster.settings.pools[0].smallest",
        ),
        (
            ("layers", "cluster", "settings", "pools", 0, "instance_types"),
            ["m6i.large", "m6g.large"],
            "layers.cluster.settings.pools[0].instance_types",
        ),
        (("layers", "cluster", "settings", "addons"), [{"name": "coredns"}], "layers.cluster.settings.addons"),
        (("layers", "platform", "settings", "dns_zones"), ["example.org"], "layers.platform.settings.dns_zones"),
        (("layers", "platform", "settings", "autoscaler_account"), "kube-system:*", "layers.platform.settings"),
    ],
)
def test_a_mistake_is_refused_where_it_stands(path: tuple[Any, ...], value: object, where: str) -> None:
    document = cluster_document("medium")
    holder(document, path)[path[-1]] = value
    with pytest.raises(MistakeError) as refused:
        check(document)
    assert refused.value.path.startswith(where)
    assert refused.value.cause


@pytest.mark.parametrize("networks", [["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"], ["::/0"], ["203.0.113.7"]])
@pytest.mark.parametrize("setting", ["public_networks", "private_networks"])
def test_the_api_cannot_be_opened_to_everybody(setting: str, networks: list[str]) -> None:
    document = cluster_document("small")
    document["layers"]["cluster"]["settings"][setting] = networks
    with pytest.raises(MistakeError) as refused:
        check(document)
    assert refused.value.path == f"layers.cluster.settings.{setting}"


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.just("x" * 10_000),
    st.just("${AWS::AccountId}\n"),
    st.just({"Ref": "AWS::NoValue"}),
)


@given(st.sampled_from(SIZES), st.data())
@how(max_examples=300, deadline=None)
def test_whatever_stands_in_the_place_of_anything_is_accepted_or_refused_with_a_path(
    size: str, data: st.DataObject
) -> None:
    document = cluster_document(size)
    path = data.draw(st.sampled_from(list(paths(document))))
    holder(document, path)[path[-1]] = data.draw(HOSTILE)
    mistake = refusal(document)
    if mistake is not None:
        assert mistake.path.split(".")[0].strip('"').partition("[")[0] in {*document, "document"}
        assert mistake.cause
        assert len(str(mistake)) < 1_000


@given(st.sampled_from(SIZES), st.data())
@how(max_examples=200, deadline=None)
def test_a_key_too_many_is_refused_everywhere_and_so_is_one_too_few_above_settings(
    size: str, data: st.DataObject
) -> None:
    document = cluster_document(size)
    objects = [
        path for path in paths(document) if isinstance(holder(document, path)[path[-1]], dict) and path[-1] != "labels"
    ]
    path = data.draw(st.sampled_from(objects))
    holder(document, path)[path[-1]]["surprise"] = "x"
    with pytest.raises(MistakeError) as refused:
        check(document)
    assert "surprise" in refused.value.path or path[-2] == "inputs"
    fresh = cluster_document(size)
    above = [one for one in paths(fresh) if "settings" not in one and one[-1] not in ("parameter",) and len(one) <= 3]
    gone = data.draw(st.sampled_from([one for one in above if one[0] != "layers" or len(one) == 3]))
    del holder(fresh, gone)[gone[-1]]
    with pytest.raises(MistakeError) as missing:
        check(fresh)
    assert missing.value.path.endswith(str(gone[-1]))


def test_values_of_the_document_do_not_stand_in_a_refusal_whole() -> None:
    document = cluster_document("small")
    secret = "hunter2-" * 40
    document["layers"]["cluster"]["settings"]["version"] = secret
    with pytest.raises(MistakeError) as refused:
        check(document)
    assert secret not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "null", "1", '"x"', "{}"])
def test_what_is_no_document_at_all_is_refused(text: str) -> None:
    with pytest.raises(MistakeError):
        parse(json.loads(text or "null"))


def test_settings_are_read_without_changing_the_document() -> None:
    document = cluster_document("large")
    before = copy.deepcopy(document)
    check(document)
    assert document == before


@given(UIDS, WORDS, WORDS)
def test_names_are_those_of_csoc(uid: str, first: str, second: str) -> None:
    for form, arguments in (
        ("stack", (uid, first)),
        ("parameter", (uid, first, second)),
        ("thing", (uid, first)),
        ("eks_cluster", (uid,)),
        ("bucket", (uid, first, "111111111111")),
        ("role_path", (uid,)),
        ("secret", (uid, first)),
        ("boundary_arn", ("aws", "111111111111", uid)),
    ):
        assert getattr(names, form)(*arguments) == getattr(csoc_names, form)(*arguments)
    for tag in ("INSTALLATION_TAG", "OWNER_TAG", "LAYER_TAG", "LINK_PATH"):
        assert getattr(names, tag) == getattr(csoc_names, tag)

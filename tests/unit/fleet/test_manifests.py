"""Comparing and showing what was rendered."""

from __future__ import annotations

import base64
from typing import Any

from csoc.fleet.charts import RenderedObject
from csoc.fleet.manifests import GENERATED, identity, mask_objects, normalise


def obj(kind: str, name: str, template: str = "t.yaml", **more: Any) -> RenderedObject:
    return RenderedObject(template, {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **more})


def secret(password: str, **more: Any) -> RenderedObject:
    return obj("Secret", "s", data={"password": base64.b64encode(password.encode()).decode(), **more})


def test_what_two_renderings_make_differently_is_taken_out() -> None:
    one = [secret("abc", host="aG9zdA=="), obj("ConfigMap", "c", data={"when": "10:00", "same": "x"})]
    two = [secret("xyz", host="aG9zdA=="), obj("ConfigMap", "c", data={"when": "10:01", "same": "x"})]
    first, second = normalise(one, two), normalise(two, one)
    assert first == second
    assert first[0].body["data"] == {"password": GENERATED, "host": "aG9zdA=="}
    assert first[1].body["data"] == {"when": GENERATED, "same": "x"}
    assert one[0].body["data"]["password"] != GENERATED


def test_in_texts_of_several_lines_only_the_lines_that_differ_go() -> None:
    def config(password: str, host: str = "a") -> list[RenderedObject]:
        return [obj("ConfigMap", "c", data={"x": f"host: {host}\npassword: {password}\nport: 1"})]

    assert normalise(config("1"), config("2"))[0].body["data"]["x"] == f"host: a\n{GENERATED}\nport: 1"
    # A difference that somebody made is still one.
    assert normalise(config("1"), config("2")) != normalise(config("1", "b"), config("2", "b"))


def test_data_of_secrets_is_compared_as_text() -> None:
    one, two = secret("user=a\npw=1"), secret("user=a\npw=2")
    assert normalise([one], [two])[0].body["data"]["password"] == f"user=a\n{GENERATED}"


def test_names_that_are_made_up_are_paired_by_template_and_kind() -> None:
    one = [obj("Job", "run-abc", spec={"a": 1}), obj("Job", "other", "u.yaml")]
    two = [obj("Job", "run-xyz", spec={"a": 1}), obj("Job", "other", "u.yaml")]
    found = normalise(one, two)
    assert found == normalise(two, one)
    assert found[0].body["metadata"]["name"] == GENERATED
    assert found[1].body["metadata"]["name"] == "other"


def test_checksums_are_taken_out_without_a_second_rendering() -> None:
    def deployment(checksum: str) -> list[RenderedObject]:
        template = {"metadata": {"annotations": {"checksum/config": checksum, "plain": "x"}}}
        return [obj("Deployment", "d", spec={"template": template})]

    assert normalise(deployment("a" * 64)) == normalise(deployment("b" * 64))
    assert normalise(deployment("a" * 64))[0].body["spec"]["template"]["metadata"]["annotations"]["plain"] == "x"
    assert normalise(deployment("v1")) != normalise(deployment("v2"))


def test_an_object_that_only_one_rendering_has_is_kept() -> None:
    assert len(normalise([obj("Job", "a"), obj("Job", "b")], [obj("Job", "a")])) == 2


def test_data_of_secrets_is_hidden_from_every_reader_and_names_stay() -> None:
    objects = [
        obj("Secret", "s", data={"db_password": "c2VzYW1l"}, stringData={"plain": "x"}),
        obj(
            "Deployment",
            "d",
            spec={"env": [{"name": "DB_PASSWORD", "value": "sesame-sesame"}, {"name": "A", "value": "b"}]},
        ),
    ]
    masked = mask_objects(objects)
    assert masked[0].body["data"] == {"db_password": "***"}
    assert masked[0].body["stringData"] == {"plain": "***"}
    assert masked[0].body["metadata"] == {"name": "s"}
    assert "sesame" not in repr(masked)
    assert masked[1].body["spec"]["env"][1] == {"name": "A", "value": "b"}
    assert "sesame" in repr(objects)


def test_odd_objects_are_named_and_masked_all_the_same() -> None:
    odd: list[dict[str, Any]] = [{}, {"metadata": []}, {"kind": 1, "metadata": {"name": 2}}]
    odd.append({"kind": "Secret", "data": "x"})
    for body in odd:
        identity(body)
        mask_objects([RenderedObject("t", body)])
    assert mask_objects([RenderedObject("t", {"kind": "Secret", "data": "sesame"})])[0].body["data"] == "***"

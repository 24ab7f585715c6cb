"""Helm's words as a failure that may be shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from csoc.adapters.helm.render import messages

NESTED = """gen3/charts/wts/templates/db-init.yaml:10:3
  executing "gen3/charts/wts/templates/db-init.yaml" at <include "common.secret" .>:
    error calling include:
gen3/charts/common/templates/_db.tpl:227:89
  executing "common.secret" at <b64enc>:
    invalid value; expected string"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (NESTED, ("gen3/charts/wts/templates/db-init.yaml", 10)),
        ('parse error at (demo/templates/a.yaml:3): function "x" not defined', ("demo/templates/a.yaml", 3)),
        ("template: demo/templates/a b.txt:7: bad", ("demo/templates/a b.txt", 7)),
        ("YAML parse error on demo/templates/a.yaml: no", ("demo/templates/a.yaml", 0)),
        ("values don't meet the specifications of the schema", ("", 0)),
    ],
)
def test_the_first_place_is_the_template_that_failed(text: str, place: tuple[str, int]) -> None:
    failure = messages.failure(("template", text), {})
    assert (failure.template, failure.line) == place
    assert "\n" not in failure.message


def test_secrets_of_the_values_are_masked_wherever_they_are_quoted() -> None:
    values = {
        "db": {"password": "correct horse", "host": "db.example.org"},
        "key": {"private_key": "line one\nline two"},
    }
    text = 'cannot use "correct horse" for db.example.org: line two is odd'
    message = messages.failure(("template", text), values).message
    assert "correct horse" not in message
    assert "line two" not in message
    assert "db.example.org" in message


SAID: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "quoted": lambda text: json.dumps(text),
    "in one line": lambda text: " ".join(text.split()),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "its last line": lambda text: text.splitlines()[-1].strip(),
}
HELD: dict[str, Callable[[str], dict[str, Any]]] = {
    "a key": lambda text: {"db": {"password": text}},
    "a name and a value": lambda text: {"env": [{"name": "DB_PASSWORD", "value": text}]},
    "a Kubernetes Secret": lambda text: {"extra": [{"kind": "Secret", "stringData": {"a": text}}]},
    "a mapping below a key": lambda text: {"clientSecret": {"old": {"one": text}, "value": text}},
    "an argument": lambda text: {"args": ["--password", text]},
    "a file in a text": lambda text: {"config": f"db:\n  password: {json.dumps(text)}\n"},
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("held", HELD)
def test_whatever_is_hidden_of_the_values_is_hidden_in_words_about_them(held: str, said: str) -> None:
    secret = 'Zq81 "LmNo"  Xy7'
    message = messages.failure(("template", f"fail: {SAID[said](secret)} is odd"), HELD[held](secret)).message
    assert "LmNo" not in message
    assert base64.b64encode(secret.encode()).decode() not in message
    assert message.startswith("fail: ")
    assert message.endswith("is odd")


def test_the_secret_part_of_a_longer_value_is_hidden_in_words_about_it() -> None:
    values = {"url": "postgres://fence:Zq81LmNo@db/fence"}
    message = messages.failure(("template", "fail: Zq81LmNo is too short for postgres://fence"), values).message
    assert message == "fail: *** is too short for postgres://fence"


def test_a_short_secret_does_not_hide_parts_of_other_words() -> None:
    message = messages.failure(("template", "cannot use the pgpool"), {"password": "pg"}).message
    assert message == "cannot use the pgpool"


def test_long_quotations_and_long_messages_are_cut() -> None:
    message = messages.failure(("template", f'error during tpl for "{"x " * 500}": bad {"y " * 2_000} end'), {}).message
    assert "x x" not in message
    assert message.endswith("end")
    assert len(message) < 1_300


def test_values_as_json_stay_within_the_limit() -> None:
    values: dict[Any, Any] = {"a": [1, None, {"b": True}], 2: "x"}
    assert messages.values_text(values, 100) == '{"a":[1,null,{"b":true}],"2":"x"}'
    with pytest.raises(messages.TooLargeError):
        messages.values_text({"a": "x" * 200}, 100)
    with pytest.raises(messages.TooLargeError):
        messages.values_text({"a": "\u00e9" * 40}, 100)  # longer as JSON than as text

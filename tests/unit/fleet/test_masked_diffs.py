"""Diffs for readers show no secret, however YAML lets one write it, and still show everything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.fleet import conflicts
from csoc.fleet.conflicts import Difference, masked_diff
from csoc.fleet.masking import MASK, mask_tree, masked
from csoc.fleet.values import EffectiveValues, Layer
from csoc.fleet.yaml import yamltext
from csoc.usecases.checking.fix import file_diff
from csoc.usecases.compare import value_differences
from csoc.usecases.worktree import FileWrite

SECRET, OTHER = "Zq81LmNoXy7", "Wr52PkJdUv3"
STYLES = {
    "in braces": "a: {password: SECRET, x: 1}\n",
    "in braces over lines": "a: {password:\n   SECRET,\n  x: 1}\n",
    "in JSON": '{"a": {"password": "SECRET", "x": 1}}\n',
    "below a question mark": "? password\n: SECRET\n",
    "below an escaped key": '"pass\\u0077ord": SECRET\n',
    "below a quoted key": "'password': 'SECRET'\n",
    "literal": "password: |\n  abc\n  SECRET\n",
    "folded": "password: >-\n  abc\n  SECRET\n",
    "plain over lines": "password: abc\n  SECRET\n  def\n",
    "on the next line": "password:\n\n  SECRET\n",
    "with comments around": "password: # SECRET\n  SECRET # SECRET\n# the password SECRET is old\n",
    "through an alias": "x: &p SECRET\npassword: *p\n",
    "through an alias of a mapping": "x: &p {a: SECRET}\npassword: *p\n",
    "through an alias of the key": "a: &k password\n*k : SECRET\n",
    "through a merge": "b: &b {value: SECRET}\ne:\n  - name: DB_PASSWORD\n    <<: *b\n",
    "of a Secret through a merge": "b: &b\n  data: {a: SECRET}\ns:\n  kind: Secret\n  <<: *b\n",
    "in a later document": "a: 1\n---\npassword: SECRET\n",
    "in a YAML text": "c: |\n  db:\n    password: >-\n      SECRET\n",
    "in a quoted YAML text": 'c: "db:\\n  password:\\n    SECRET\\n"\n',
    "in a JSON text": 'c: \'{"a": {"pass\\u0077ord": "SECRET"}}\'\n',
    "in a text's name and value": "c: |\n  - name: DB_PASSWORD\n    value: SECRET\n",
    "in a template's text": "c: |\n  {{ if x }}\n  password: |\n    SECRET\n  {{ end }}\n",
    "in a text with foreign line ends": "c: |\r\n  password:\r\n    SECRET\r\n",
    "twice": "password: SECRET\npassword: other\n",
    "as an argument": "args: [--password, SECRET]\n",
    "as a short argument": "args:\n  - mysql\n  - -pSECRET\n",
    "in a Secret in braces": "{kind: Secret, data: {a: SECRET}}\n",
    "tagged": "password: !!str SECRET\n",
    "by name": "- value: SECRET\n  name: DB_PASSWORD\n",
    "below a mapping": "password: {a: {b: SECRET}}\n",
    "in a list": "passwords:\n- SECRET\n- x\n",
    "in what is no YAML": "a: [\npassword:\n  SECRET\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_a_secret_is_in_no_diff_in_whatever_style_it_is_written(style: str) -> None:
    text = STYLES[style].replace("SECRET", SECRET)
    for old, new in (
        (text, text + "\n# more\n"),
        (text, text.replace(SECRET, OTHER)),
        ("plain: 1\n", text),
        (text, "plain: 1\n"),
    ):
        shown = "\n".join(masked_diff(old.encode(), new.encode(), context=9))
        shown += str(conflicts.conflict("main", [Difference("a", "1", "2", old.encode(), new.encode())]))
        shown += "\n".join(file_diff(FileWrite("a", old.encode(), new.encode())))
        assert SECRET not in shown
        assert OTHER not in shown


def test_what_stands_beside_a_secret_is_shown() -> None:
    old = "a: {password: Zq81LmNoXy7, x: 1}\nc: |\n  password: Zq81LmNoXy7\n  host: one\n"
    lines = masked_diff(old.encode(), old.replace("x: 1", "x: 2").replace("one", "two").encode())
    assert "+a: {password: ***, x: 2}" in lines
    assert "+  host: two" in lines
    assert "   password: ***" in lines


def test_of_what_is_no_yaml_only_places_and_counts_are_shown() -> None:
    lines = masked_diff(b"a: [\nb: Zq81LmNoXy7\n", b"a: [\nb: Wr52PkJdUv3\nc: 1\n")
    assert lines[0] == "@@ -2 +2,2 @@"
    assert lines[1].startswith("(1 lines removed, 2 added")
    assert len(lines) == 2


def test_lines_keep_their_numbers_behind_a_hidden_block() -> None:
    old = b"password: |\n  one11\n  two22\n  three33\na: 1\n"
    assert "@@ -5 +5 @@" in masked_diff(old, old.replace(b"a: 1", b"a: 2"), context=0)


KEYS = st.sampled_from(["password", "DB_PASSWORD_2", "client_secret", "private_key", "PGPASS", "smtp_passwd_old"])
PLAIN = st.sampled_from(["a", "host", "replicas", "image", "list", "config"])
SECRETS = st.from_regex(r"[A-HJ-NP-Z][0-9]{2}[a-hj-np-z]{3}[0-9][A-HJ-NP-Z]{4}[0-9]{2}", fullmatch=True)
FORMS: dict[str, Callable[[str, str], Any]] = {
    "plain": lambda key, secret: {key: secret},
    "name": lambda key, secret: {"name": key, "value": secret},
    "manifest": lambda key, secret: {"kind": "Secret", "metadata": {"name": "x"}, "data": {"any": secret}},
    "below": lambda key, secret: {key: {"one": {"two": secret}}},
    "list": lambda key, secret: {key: ["x1y2", secret]},
    "json": lambda key, secret: {"config": json.dumps({"deep": [{key: secret}]})},
    "json pair": lambda key, secret: {"config": json.dumps([{"name": key, "value": secret}])},
    "yaml": lambda key, secret: {"config": f"deep:\n  - {key}:\n      {secret}\n"},
    "block": lambda key, secret: {"config": f"{key}: |-\n  {secret}\nhost: x\n"},
    "url": lambda key, secret: {"url": f"postgres://u:{secret}@db/x"},
    "argument": lambda key, secret: {"args": ["--password", secret]},
}


def written(data: object, style: int, indent: int = 0) -> str:
    """The data as YAML in one of several ways of writing it; JSON is one."""
    if style == 0 or not isinstance(data, (dict, list)) or not data:
        return json.dumps(data)
    head = "\n" + " " * indent
    if isinstance(data, list):
        return "".join(f"{head}- {written(item, style, indent + 2).lstrip()}" for item in data)
    return "".join(entry(key, value, style, indent) for key, value in data.items())


def entry(key: str, value: object, style: int, indent: int) -> str:
    head = "\n" + " " * indent
    name = '"' + "".join(f"\\u{ord(char):04x}" for char in key) + '"' if style == 3 else key
    if isinstance(value, str) and "\n" not in value and value.isalnum() and style == 1:
        return f"{head}{name}:{head}  {value}"
    if isinstance(value, str) and style == 2:
        lines = value.rstrip("\n").split("\n")
        return f"{head}{name}: |" + "".join(f"{head}  {line}" for line in lines)
    if style == 4:
        return f"{head}? {name}{head}: {written(value, 0)}"
    return f"{head}{name}: {written(value, style, indent + 2)}"


@settings(max_examples=300, deadline=None)
@given(
    way=st.lists(PLAIN, max_size=3),
    key=KEYS,
    form=st.sampled_from(sorted(FORMS)),
    style=st.integers(0, 4),
    pair=st.tuples(SECRETS, SECRETS),
)
def test_a_planted_secret_is_in_no_diff_no_comparison_and_no_masked_tree(
    way: list[str], key: str, form: str, style: int, pair: tuple[str, str]
) -> None:
    texts: list[bytes] = []
    sides: list[Any] = []
    for secret in pair:
        data: object = FORMS[form](key, secret)
        for step in reversed(way):
            data = [data, "x"] if step == "list" else {step: data, "other": "shown"}
        tree = {"top": data, "replicas": len(texts)}
        text = written(tree, style).lstrip("\n") + "\n"
        (document,) = yamltext.parse(text.encode())
        assert secret in str(document.data)
        assert str(mask_tree(document.data)).count(MASK)
        texts.append(text.encode())
        sides.append(EffectiveValues.merge([Layer("a", document.data, lambda _: None)]))
    shown = [*masked_diff(texts[0], texts[1], context=99), *masked_diff(b"z: 1\n", texts[1])]
    shown += [repr(value_differences(*sides)), repr(value_differences(EffectiveValues(), sides[1]))]
    shown += [str(mask_tree(side.data)) for side in sides] + [masked((), side.data) for side in sides]
    for secret in pair:
        assert secret not in "\n".join(shown)
    assert "replicas" in "\n".join(shown)

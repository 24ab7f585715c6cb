"""Edits to YAML: what is written, what stays, and what is refused."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.errors import CsocError, RejectedError
from csoc.fleet.values import look_up, walk
from csoc.fleet.yaml import yamledit, yamlnodes, yamlscalars, yamltext
from csoc.fleet.yaml.yamledit import Edit


def edited(text: str, *edits: Edit) -> str:
    return yamledit.apply(text.encode(), edits).decode()


def put(path: str, value: Any, document: int = 0) -> Edit:
    return Edit(_path(path), "set", value, document)


def remove(path: str) -> Edit:
    return Edit(_path(path), "remove")


def rename(path: str, name: str) -> Edit:
    return Edit(_path(path), "rename", name)


def append(path: str, value: Any) -> Edit:
    return Edit(_path(path), "append", value)


def _path(path: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in path.split(".")) if path else ()


SET = [
    # Scalars keep their quotes, their comments and their neighbours.
    ("a: 1 # one\nb: 2\n", put("a", 5), "a: 5 # one\nb: 2\n"),
    ("tag: '2025.08'\n", put("tag", "2025.09"), "tag: '2025.09'\n"),
    ('tag: "2025.08" # pin\n', put("tag", "2025.09"), 'tag: "2025.09" # pin\n'),
    ("tag: master\n", put("tag", "2025.09"), 'tag: "2025.09"\n'),
    ("tag: master\nx: 'q'\n", put("tag", "2025.09"), "tag: '2025.09'\nx: 'q'\n"),
    ("tag: master\n", put("tag", "feat/x-1"), "tag: feat/x-1\n"),
    ("tag: 1.2.3\n", put("tag", "1.2.4"), "tag: 1.2.4\n"),
    ("a: x\n", put("a", "yes"), 'a: "yes"\n'),
    ("a: x\n", put("a", "y"), 'a: "y"\n'),
    ("a: x\n", put("a", "null"), 'a: "null"\n'),
    ("a: x\n", put("a", "0o17"), 'a: "0o17"\n'),
    ("a: x\n", put("a", "12:30"), 'a: "12:30"\n'),
    ("a: x\n", put("a", "2025-01-31"), 'a: "2025-01-31"\n'),
    ("a: x\n", put("a", "a: b"), 'a: "a: b"\n'),
    ("a: x\n", put("a", "a #b"), 'a: "a #b"\n'),
    ("a: x\n", put("a", " a"), 'a: " a"\n'),
    ("a: x\n", put("a", "{{ b }}"), 'a: "{{ b }}"\n'),
    ("a: x\n", put("a", "- b"), 'a: "- b"\n'),
    ("a: x\n", put("a", "*b"), 'a: "*b"\n'),
    ("a: x\n", put("a", ""), 'a: ""\n'),
    ("a: x\n", put("a", 'say "hi"'), 'a: say "hi"\n'),
    ("a: 'x'\n", put("a", "it's"), "a: 'it''s'\n"),
    ('a: "x"\n', put("a", "tab\there"), 'a: "tab\\there"\n'),
    ("a: x\n", put("a", "\u2028\x07é😀"), 'a: "\\u2028\\x07é😀"\n'),
    ("a: 'x'\n", put("a", True), "a: true\n"),
    ("a: 'x'\n", put("a", None), "a: null\n"),
    ("a: x\n", put("a", 2025.1), "a: 2025.1\n"),
    ("a:\nb: 1\n", put("a", "x"), "a: x\nb: 1\n"),
    ("a: # why\nb: 1\n", put("a", "x"), "a: x # why\nb: 1\n"),
    ("a: &x 1\n", put("a", 2), "a: &x 2\n"),
    ("x: &x 1\na: *x\n", put("a", 2), "x: &x 1\na: 2\n"),
    ("a: !!str 1\n", put("a", 2), "a: 2\n"),
    ("a: one\n  two # c\nb: 1\n", put("a", "x"), "a: x # c\nb: 1\n"),
    ("- a: 1\n  b: 2\n", put("0.a", "x"), "- a: x\n  b: 2\n"),
    ("- a\n-\n- c\n", put("1", "b"), "- a\n- b\n- c\n"),
    ("a: 1\na: 2\n", put("a", 3), "a: 1\na: 3\n"),
    ("on: 1\n", put("true", 2), "on: 2\n"),
    ("? a\n: b\n", put("a", "c"), "? a\n: c\n"),
    # Text of several lines.
    ("a: x # c\nb: 1\n", put("a", "one\ntwo\n"), "a: | # c\n  one\n  two\nb: 1\n"),
    ("a: |\n    one\n\nb: 1\n", put("a", "one\ntwo"), "a: |-\n  one\n  two\n\nb: 1\n"),
    ("a: | # c\n  one\nb: 1\n", put("a", "x"), "a: x # c\nb: 1\n"),
    ("a:\n  b: >-\n    x\n    y\n  c: 1\n", put("a.b", "x\n\n y\n"), "a:\n  b: |\n    x\n\n     y\n  c: 1\n"),
    ("a: x\n", put("a", "  one\ntwo\n"), "a: |2\n    one\n  two\n"),
    ("a: x\n", put("a", "one\n\n"), 'a: "one\\n\\n"\n'),
    ("a: x\n", put("a", "one\r\ntwo"), 'a: "one\\r\\ntwo"\n'),
    ("a: x", put("a", "one\ntwo\n"), 'a: "one\\ntwo\\n"'),
    ("a: {b: x}\n", put("a.b", "one\ntwo\n"), 'a: {b: "one\\ntwo\\n"}\n'),
    # Collections.
    ("a: 1 # c\nb: 2\n", put("a", {"x": 1, "w": [1, {"z": 2, "l": []}]}),
     "a: # c\n  x: 1\n  w:\n    - 1\n    - z: 2\n      l: []\nb: 2\n"),
    ("a:\n  b:\n  - 1\n  c: 2\n", put("a.c", ["x"]), "a:\n  b:\n  - 1\n  c:\n  - x\n"),
    ("a: # c\n  b: 1\n  # d\n  c: 2 # e\n# f\nd: 1\n", put("a", "x"), "a: x # c\n# f\nd: 1\n"),
    ("a:\n  b: 1\nd: 1\n", put("a", {}), "a: {}\nd: 1\n"),
    ("a:\n- 1\n- 2\nd: 1\n", put("a", {"x": 1}), "a:\n  x: 1\nd: 1\n"),
    ("a:\n    b: 1\nd: {}\n", put("d", {"x": 1}), "a:\n    b: 1\nd:\n    x: 1\n"),
    ("- a: 1\n  b: 2\n- c\n", put("0", {"x": 1, "w": 2}), "- x: 1\n  w: 2\n- c\n"),
    ("- a: 1\n  b: 2\n- c\n", put("0", "x"), "- x\n- c\n"),
    ("- a # c\n- b\n", put("1", {"x": 1, "w": 2}), "- a # c\n- x: 1\n  w: 2\n"),
    ("a: {b: 1, c: [1, 2]}\n", put("a.c", {"x": "y z", "l": []}), "a: {b: 1, c: {x: y z, l: []}}\n"),
    ("a: {b: 1, c: [1, 2]}\n", put("a.c.1", "x, y"), 'a: {b: 1, c: [1, "x, y"]}\n'),
    ("a: {b: 1, c}\n", put("a.c", 2), "a: {b: 1, c: 2}\n"),
    ("a: {b: , c: 1}\n", put("a.b", 2), "a: {b: 2 , c: 1}\n"),
    # Missing keys.
    ("a: 1\n", put("b", 2), "a: 1\nb: 2\n"),
    ("a: 1", put("b", 2), "a: 1\nb: 2"),
    ("a: 1\r\nc: 3\r\n", put("b.x", 2), "a: 1\r\nc: 3\r\nb:\r\n  x: 2\r\n"),
    ("a:\n  b: 1 # c\n\n# about d\nd: 1\n", put("a.x", 2), "a:\n  b: 1 # c\n  x: 2\n\n# about d\nd: 1\n"),
    ("a:\n  b:\n    c: 1\n    # c: 2\nd: 1\n", put("a.x", 2), "a:\n  b:\n    c: 1\n    # c: 2\n  x: 2\nd: 1\n"),
    ("a:\n  b: 1\nd: 1\n", put("a.x.w.z", "v"), "a:\n  b: 1\n  x:\n    w:\n      z: v\nd: 1\n"),
    ("a:\n    b: 1\nd: 1\n", put("x.w.z", "v"), "a:\n    b: 1\nd: 1\nx:\n    w:\n        z: v\n"),
    ("a:\nd: 1\n", put("a.x", 2), "a:\n  x: 2\nd: 1\n"),
    ("a: null # c\nd: 1\n", put("a.x", 2), "a: # c\n  x: 2\nd: 1\n"),
    ("a: {}\nd: 1\n", put("a.x", 2), "a:\n  x: 2\nd: 1\n"),
    ("a: {b: 1}\n", put("a.x.w", 2), "a: {b: 1, x: {w: 2}}\n"),
    ('{\n  "a": 1,\n  "b": {"c": "d"}\n}\n', put("x", {"w": "z"}),
     '{\n  "a": 1,\n  "b": {"c": "d"},\n  "x": {"w": "z"}\n}\n'),
    ('{"a": "b"}', put("a", "c"), '{"a": "c"}'),
    ("a: |\n  text\n\nb: |+\n  text\n\n", put("c", 1), "a: |\n  text\n\nb: |+\n  text\n\nc: 1\n"),
    ("a:\n  b: |\n    text\n\nc: 1\n", put("a.x", 1), "a:\n  b: |\n    text\n  x: 1\n\nc: 1\n"),
    ("- a: 1\n- c: 1\n", put("0.b", 2), "- a: 1\n  b: 2\n- c: 1\n"),
    ("a: 1\n# about b\nb: |\n  text", put("c", 1), "a: 1\nc: 1\n# about b\nb: |\n  text"),
    ("# only a comment\n", put("a.b", 1), "# only a comment\na:\n  b: 1\n"),
    ("", put("a", 1), "a: 1\n"),
    ("---\n", put("a", 1), "---\na: 1\n"),
    ("a: 1\n---\nb: 1\n", put("c", 1, document=0), "a: 1\nc: 1\n---\nb: 1\n"),
    ("a: 1\n---\nb: 1\n", put("c", 1, document=1), "a: 1\n---\nb: 1\nc: 1\n"),
    ("x: &x {a: 1}\nw:\n  <<: *x\n", put("w.a", 2), "x: &x {a: 1}\nw:\n  <<: *x\n  a: 2\n"),
    ("a: 1\n", put("yes", 2), 'a: 1\n"yes": 2\n'),
    ("a: 1\n", put("k.with space: x", 2), None),
]  # fmt: skip

OTHER = [
    ("a: 1 # one\n# two\nb: 2\n", remove("a"), "# two\nb: 2\n"),
    ("a: 1\nb: 2", remove("b"), "a: 1"),
    ("a: 1\r\nb: 2\r\n", remove("a"), "b: 2\r\n"),
    ("# x\na:\n  b: 1\n  # y\n  c: 2 # z\n\nd: 1\n", remove("a"), "# x\n\nd: 1\n"),
    ("a:\n  b: 1\nd: 1\n", remove("a.b"), "a: {}\nd: 1\n"),
    ("a: # c\n  - 1\nd: 1\n", remove("a.0"), "a: [] # c\nd: 1\n"),
    ("a:\n  - 1 # x\n  - 2\n", remove("a.0"), "a:\n  - 2\n"),
    ("a:\n- x: 1\n  w: 2\n- 2\n", remove("a.0.x"), "a:\n- w: 2\n- 2\n"),
    ("a:\n- x: 1\n  w: 2\n- 2\n", remove("a.0"), "a:\n- 2\n"),
    ("a:\n- x: 1\n  w: 2\n- 2\n", remove("a.0.w"), "a:\n- x: 1\n- 2\n"),
    ("- - 1\n  - 2\n", remove("0.0"), "- - 2\n"),
    ("- x: 1\n- 2\n", remove("0.x"), "- {}\n- 2\n"),
    ("a: |\n  text\n\nb: 1\n", remove("a"), "\nb: 1\n"),
    ("a: |+\n  text\n\nb: 1\n", remove("a"), "b: 1\n"),
    ("a: {b: 1, c: 2}\n", remove("a.b"), "a: {c: 2}\n"),
    ("a: {b: 1, c: 2}\n", remove("a.c"), "a: {b: 1}\n"),
    ("a: {b: 1}\n", remove("a.b"), "a: {}\n"),
    ("a: [1, 2, 3,]\n", remove("a.2"), "a: [1, 2,]\n"),
    ('{\n  "a": 1,\n  "b": 2\n}\n', remove("b"), '{\n  "a": 1\n}\n'),
    ('{\n  "a": 1,\n  "b": 2\n}\n', remove("a"), '{\n  "b": 2\n}\n'),
    ("a: 1\n", remove("a"), "{}\n"),
    ("a:\nb: 1\n", remove("a"), "b: 1\n"),
    ("replicas: 2 # c\nx: 1\n", rename("replicas", "replicaCount"), "replicaCount: 2 # c\nx: 1\n"),
    ("a:\n  'b': 1\n", rename("a.b", "c"), "a:\n  'c': 1\n"),
    ('{"a": 1}', rename("a", "b"), '{"b": 1}'),
    ("a: 1\n", rename("a", "yes"), '"yes": 1\n'),
    ("a: {b: 1}\n", rename("a.b", "c d"), "a: {c d: 1}\n"),
    ("a:\n  - 1 # x\nb: 1\n", append("a", 2), "a:\n  - 1 # x\n  - 2\nb: 1\n"),
    ("a:\n- x: 1\n  w:\n    - 1\n\n# about b\nb: 1\n", append("a", {"x": 2, "w": [3]}),
     "a:\n- x: 1\n  w:\n    - 1\n- x: 2\n  w:\n  - 3\n\n# about b\nb: 1\n"),
    ("a:\n  -   1\n", append("a", 2), "a:\n  -   1\n  -   2\n"),
    ("a: []\n", append("a", "x"), "a:\n  - x\n"),
    ("a:\n", append("a", "x"), "a:\n  - x\n"),
    ("a: [1, 2] # c\n", append("a", "x"), "a: [1, 2, x] # c\n"),
    ("a: [\n  1,\n  2\n]\n", append("a", 3), "a: [\n  1,\n  2,\n  3\n]\n"),
    ('{"a": ["b"]}', append("a", "c"), '{"a": ["b", "c"]}'),
    ("- 1\n- 2", append("", 3), "- 1\n- 2\n- 3"),
    ("a:\n  - |\n    text\n", append("a", "x\ny\n"), "a:\n  - |\n    text\n  - |\n    x\n    y\n"),
]  # fmt: skip

REFUSED = [
    ("x: &x {a: 1}\nw: *x\n", put("w.a", 2), "alias", 2),
    ("x: &x {a: 1}\nw: *x\n", put("x.a", 2), "anchor", 1),
    ("x: &x 1\nw: *x\n", put("x", 2), "anchor", 1),
    ("x: &x {a: {b: 1}}\nw:\n  <<: *x\n  c: 1\n", put("w.a.b", 2), "merge key", 3),
    ("x: &x {a: 1}\nw:\n  a: 2\n  <<: *x\n", put("w.a", 3), "merge key", 1),
    ("x: &x {a: 1}\nw:\n  <<: *x\n  c: 1\n", remove("w.a"), "no such key", 0),
    ("x: &x {a: 1}\nw: *x\n", remove("x"), "anchor", 1),
    ("a: 1\na: 2\n", remove("a"), "stands twice", 2),
    ("a: text\n", put("a.b", 1), "no such place", 0),
    ("a: [1]\n", put("a.1", 1), "no such place", 0),
    ("a: [1]\n", put("a.b", 1), "no such place", 0),
    ("a: 1\n", remove("b"), "no such key", 0),
    ("a: 1\n", rename("b", "c"), "no such key", 0),
    ("a: 1\nb: 2\n", rename("a", "b"), "exists already", 0),
    ("a: 1\n", append("a", 2), "no list", 0),
    ("a: 1\n", append("b", 2), "no such key", 0),
    ("a: 1\n", put("b", 1, document=1), "no document 1", 0),
    ("a: 1\n", put("", 1), "whole document", 0),
    ("a: 1\n", put("a", float("inf")), "infinity", 0),
    ("a: 1\n", put("a", {1: 2}), "key must be text", 0),
    ("a: 1\n", put("a", b"x"), "must be text", 0),
    ("a: 1\n", put("a", "\ud800"), "cannot hold", 0),
    ("a: 1\n", Edit(("a",), "move"), "no action", 0),
    ("a: {{ .Values.x }}\nb: 1\n", put("b", 1), "not YAML", 1),
    ("a:\n\tb: 1\n", put("a.b", 1), "not YAML", 2),
]


@pytest.mark.parametrize(("before", "edit", "after"), [*SET, *OTHER])
def test_an_edit_writes_what_a_person_would(before: str, edit: Edit, after: str | None) -> None:
    result = edited(before, edit)
    if after is not None:
        assert result == after


@pytest.mark.parametrize(("before", "edit", "why", "line"), REFUSED)
def test_what_cannot_be_edited_safely_is_refused_with_path_and_line(
    before: str, edit: Edit, why: str, line: int
) -> None:
    with pytest.raises(RejectedError) as caught:
        edited(before, edit)
    assert why in caught.value.cause
    assert ".".join(str(step) for step in edit.path) in str(caught.value)
    if line:
        assert f"line {line}" in caught.value.place


def test_edits_are_applied_one_after_the_other() -> None:
    text = edited("a: 1\n", put("b.c", 1), rename("b.c", "d"), put("b.e", [1]), append("b.e", 2), remove("a"))
    assert text == "b:\n  d: 1\n  e:\n    - 1\n    - 2\n"


def test_a_byte_order_mark_stays_and_counts_as_no_character() -> None:
    content = b"\xef\xbb\xbfa: 1 # \xc3\xa9\n"
    assert yamledit.apply(content, [put("a", 2)]) == b"\xef\xbb\xbfa: 2 # \xc3\xa9\n"


def test_no_edit_leaves_every_byte() -> None:
    content = b"a:   1\r\n\r\n#x"
    assert yamledit.apply(content, []) == content


def test_a_secret_that_stands_in_the_way_is_not_in_the_error() -> None:
    with pytest.raises(RejectedError) as caught:
        edited("password: hunter2\n", put("password.x", 1))
    assert "hunter2" not in str(caught.value)


# The same claims for whatever a file holds.


def changed(data: Any, path: tuple[str | int, ...], change: Any) -> Any:
    """A copy of the data with change(container, last step) applied; nothing is shared with the original."""
    data = unshared(data)
    container = data
    for step in path[:-1]:
        container = container[step]
    change(container, path[-1])
    return data


def unshared(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: unshared(value) for key, value in data.items()}
    return [unshared(value) for value in data] if isinstance(data, list) else data


def span_of(text: str, index: int, path: tuple[str | int, ...]) -> tuple[int, int, int]:
    """Where the key (or item) at the path starts, where the key ends, and where its value's last line ends."""
    node = yamlnodes.compose(text, index)
    start, key_end = node.start, node.start
    for step in path:
        node = node.resolved
        if node.kind == "mapping":
            key, node = yamlnodes.entries(node)[str(step)]
            start, key_end = key.start, key.end
        else:
            node = node.items[int(step)]
            start = key_end = node.start
    end = max(node.end, key_end)
    end = max(len(text[:end].rstrip()), key_end)  # a block of text ends with empty lines that may belong to nobody
    return start, key_end, len(text[:end]) + len(text[end:].split("\n")[0])


def common(before: str, after: str) -> int:
    """How many characters the two share at their beginning and, apart from those, at their end."""
    head = len(os.path.commonprefix([before, after]))  # noqa: RUF071 - characters are meant
    return head + len(os.path.commonprefix([before[head:][::-1], after[head:][::-1]]))  # noqa: RUF071


def check_bytes(before: str, after: str, edit: Edit, path: tuple[str | int, ...], siblings: int) -> None:
    """Every character outside the lines (for a new name: outside the key) of what was edited is as it was."""
    start, key_end, end = span_of(before, edit.document, path)
    if edit.action == "rename":
        assert after.startswith(before[:start])
        assert after.endswith(before[key_end:])
    elif edit.path == path and edit.action == "set":
        assert after.startswith(before[:start].rstrip())
        assert after.endswith(before[end:])
    elif edit.action == "remove" and siblings:
        assert common(before, after) == len(after), "more than a piece was cut out"
        following = end + len(before[end:]) - len(before[end:].lstrip())
        assert len(before) - len(after) <= following - before.rfind("\n", 0, start) + 1
    elif edit.action != "remove":
        assert common(before, after) == len(before), "more than a piece was put in"
    else:
        start, _, end = span_of(before, edit.document, path[:-1])
        assert after.startswith(before[:start])
        assert after.rstrip("\r\n").endswith(before[end:].rstrip("\r\n"))


def check_edits(content: bytes, rng: random.Random, rounds: int) -> tuple[int, int]:
    """Tries random edits; returns how many were made and how many refused."""
    made = refused = 0
    documents = [document for document in yamltext.parse(content) if any(path for path, _ in walk(document.data))]
    for _ in range(rounds if documents else 0):
        document = rng.choice(documents)
        path = rng.choice([path for path, _ in walk(document.data)])
        path = path[: rng.randint(1, len(path))] if rng.random() < 0.4 else path
        edit, expected = random_edit(document, path, rng)
        try:
            after = yamledit.apply(content, [edit])
        except RejectedError:
            refused += 1
            continue
        made += 1
        wanted = {other.index: other.data for other in documents} | {document.index: expected}
        found = {other.index: other.data for other in yamltext.parse(after)}
        assert {index: found[index] for index in wanted} == wanted
        siblings = len(look_up(document.data, path[:-1])) - 1
        check_bytes(content.decode("utf-8-sig"), after.decode("utf-8-sig"), edit, path, siblings)
    return made, refused


NEW_VALUES: list[Any] = [
    "new",
    "2025.10",
    7,
    True,
    None,
    "two\nlines\n",
    {"x": {"w": [1, "z"]}},
    ["p", {"q": 1}],
    [],
    "",
]


def random_edit(document: Any, path: tuple[str | int, ...], rng: random.Random) -> tuple[Edit, Any]:
    value = rng.choice(NEW_VALUES)
    kind = rng.choice(["set", "set", "remove", "rename", "add", "append"])
    if kind == "rename" and isinstance(path[-1], str):

        def rename_in(container: Any, key: Any) -> None:
            container["aNewName"] = container.pop(key)

        return Edit(path, "rename", "aNewName", document.index), changed(document.data, path, rename_in)
    if kind == "remove":
        return (
            Edit(path, "remove", None, document.index),
            changed(document.data, path, lambda container, step: container.pop(step)),
        )
    if kind == "add" and isinstance(path[-1], str):
        added = (*path[:-1], "addedKey")
        expected = changed(document.data, added, lambda container, step: container.update({step: {"deep": value}}))
        return Edit((*added, "deep"), "set", value, document.index), expected
    if kind == "append" and isinstance(path[-1], int):
        expected = changed(document.data, path, lambda container, _: container.append(value))
        return Edit(path[:-1], "append", value, document.index), expected

    def put_in(container: Any, step: Any) -> None:
        container[step] = value

    return Edit(path, "set", value, document.index), changed(document.data, path, put_in)


@pytest.mark.real
def test_edits_to_other_peoples_files_do_exactly_what_they_say(real: Path) -> None:
    made = refused = 0
    for file in sorted(real.rglob("*")):
        if file.suffix not in (".yaml", ".yml", ".json") or not file.is_file():
            continue
        content = file.read_bytes()
        try:
            if not yamltext.parse(content):
                continue
        except CsocError:
            continue
        rounds = 12 if len(content) < 100_000 else 4
        some, none = check_edits(content, random.Random(file.name), rounds)
        made, refused = made + some, refused + none
    assert made > 800
    assert refused < made / 50


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=12)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
KEYS = st.one_of(st.sampled_from(["a", "b", "c", "yes", "1", "a.b"]), TEXT)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4), KEYS, TREES, st.sampled_from(["", "\n"]), st.booleans())
def test_any_value_can_be_set_and_is_read_back(
    data: dict[str, Any], key: str, value: Any, end: str, flow: bool
) -> None:
    """Files are made by the editor itself, key by key, so this is a test of writing and of adding."""
    content = b"{first: 1}" if flow else b"first: 1"
    content += end.encode()
    for name, item in {**data, key: value}.items():
        content = yamledit.apply(content, [Edit((name,), "set", item)])
    expected = {"first": 1, **data, key: value}
    assert yamltext.parse(content)[0].data == normal(expected)


def normal(data: Any) -> Any:
    """Numbers as Helm reads them."""
    if isinstance(data, dict):
        return {key: normal(value) for key, value in data.items()}
    return [normal(value) for value in data] if isinstance(data, list) else yamlscalars.as_value(data)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(KEYS, TREES, min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    st.sampled_from(["\n", "\r\n"]),
)
def test_random_edits_of_written_files_do_exactly_what_they_say(data: Any, rng: random.Random, newline: str) -> None:
    content = b"# head" + newline.encode()
    for name, item in data.items():
        content = yamledit.apply(content, [Edit((name,), "set", item)])
    _, refused = check_edits(content, rng, 4)
    assert refused == 0

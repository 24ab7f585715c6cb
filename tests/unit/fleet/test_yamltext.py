"""YAML as Helm reads it. Helm itself is the oracle: its parser, in a child process of its own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc.fleet.yaml import yamltext
from csoc.fleet.yaml.yamltext import Limits, YamlError

HELM = """
import json, sys
import helm_python
found = []
for text in json.load(sys.stdin):
    try:
        found.append(helm_python.values_from_yaml(text))
    except helm_python.HelmError:
        found.append(None)
json.dump(found, sys.stdout)
"""
REFUSED = "refused"
Oracle = Callable[[list[str]], list[str]]


@pytest.fixture(scope="module")
def helm() -> Oracle:
    """What Helm makes of texts: JSON with sorted keys, or REFUSED. One child process for each list of texts."""

    def ask(texts: list[str]) -> list[str]:
        child = subprocess.run(
            [sys.executable, "-c", HELM], input=json.dumps(texts), capture_output=True, text=True, check=True
        )
        return [REFUSED if data is None else _as_json(data) for data in json.loads(child.stdout)]

    return ask


def ours(text: str) -> str:
    try:
        return _as_json(yamltext.values_document(text.encode()).data)
    except YamlError:
        return REFUSED


def _as_json(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def data_of(text: str) -> Any:
    (document,) = yamltext.parse(text.encode())
    return document.data


SCALARS = tuple(
    """
    y Y n N yes No on OFF oN tRue true TRUE ~ null Null nULL .nan .inf -.inf +.INF . .. .5 .5e3 .1_0 ._1 .1_ .e1
    5. 1e3 1E+5 1e 1e999 .5e999 0 00 08 09 017 0o17 0O17 0o8 0x1F 0XfF 0xg 0b101 0B1 0b2 -0b1 0b-1 0b+1 -0b-1 +1
    -1 - -0 -0.0 +.5 -.5 1_000 1__0 1_ _1 0_7 0x_1 1_0.5 1:30 190:20:30 2001-01-01 2001-1-1 2001-01-01T00:00:00Z
    9007199254740993 -9007199254740993 18446744073709551615 18446744073709551616 9223372036854775808
    -9223372036854775809 0x1ffffffffffffffff 0777777777777777777777777 12345678901234567890123 1e20 1e21 1e22
    123456789012 000123456789 3.0 2025.10 1.10 1.0e-7 0x1p-2 Infinity NaN inf 1,000 = 6e5 0e0 1e-400 4.9e-324 ٣ １２
    1e6 1000000.0 0.0001 0.00001 16777217.0 123456.0 1e300 3.14159265358979
    """.split()  # noqa: SIM905 - a hundred of them
)
TAGGED = [
    '!!str 12', '!!int "12"', "!!int foo", "!!float 3", "!!float 18446744073709551615", "!!float x", "!!bool yes",
    "!!bool 1", '!!null ""', "!!null x", "!!timestamp 2001-01-01", "!!timestamp x", "!!timestamp 2001-13-01",
    "!!timestamp 2001-1-1 1:2:3", "!!binary aGVsbG8=", "!!binary aGVsbG8", '!!binary "aGV\\nsbG8="', "!foo 12",
    "! 12", '! "12"', "!!set {a: 1}", "!!omap [a: 1]", "!!str {a: 1}", "!!int 2001-01-01", "!!merge x", "!!foo 1",
    '"yes"', "'null'", '""', "|\n  12", ">-\n  12", "9" * 5000, "0" * 5000, "0x" + "0" * 90 + "f",
]  # fmt: skip
DOCUMENTS = [
    # Merge keys, where Go differs from everyone else: they even replace what stands before them.
    "a: {b: &x {c: 1}}\nd: {<<: *x}\n", "x: &x {a: 2, b: 3}\nw: {a: 1, <<: *x}\n",
    "x: &x {a: 2, b: 3}\nw: {<<: *x, a: 1}\n", "x: &x {a: 2}\nz: &z {a: 3, c: 1}\nw:\n  <<: [*x, *z]\n  c: 9\n",
    "w: {<<: {a: 1}}\n", "w: {<<: [{a: 1},{a: 2}]}\n", "w: {<<: 1}\n", "w: {<<: }\n", "w: {<<: []}\n",
    "x: &x [{a: 1}]\nw: {<<: *x}\n", "x: &x [{a: 1}]\nw: {<<: [*x]}\n", 'w: {"<<": {a: 1}}\n',
    "w: {!!merge x: {a: 1}}\n", "x: &x null\nw: {<<: *x}\n", "a: <<\n", "- <<\n",
    # Anchors and aliases.
    "a: &a 1\nb: &a 2\nc: *a\n", "a: &a [*a]\n", "a: &a {b: *a}\n", "a: *b\n", "*a : 1\n", "a: &a 12\n*a : 1\n",
    "a: &a {b: 1}\n? *a\n: 1\n", "a: &a 9007199254740993\nb: *a\n*a : 1\n", "a: &x\nb: *x\n",
    "a: &x !!int 3\nb: *x\n", "a: !!int &x 3\n", "a: &x *x\n", "a: &é 1\nb: *é\n", "&a a: 1\nb: *a\n", "a: &a .inf\n",
    "&a .inf: 1\n",
    # Keys.
    "? [a]\n: b\n", "a: 1\na: 2\n", "null: 1\n", "~: 1\n", ": 1\n", "? a\n", "? a\n: b\n", "? |\n  x\n: w\n",
    "[a]: 1\n", "{a: 1}: 1\n", '"a" : 1\n', "'a''b': 1\n", "a :1\n", "a:1\n", "key with spaces: 1\n", "!!str : 1\n",
    "!!null : 1\n", "!!str a: 1\n", "!!int 3: 1\n", "!!binary aGk=: 1\n", "x" * 1025 + ": 1\n", "x" * 1020 + ": 1\n",
    "1: a\n0x1: b\n", "18446744073709551615: 1\n", "9223372036854775807: 1\n", ".nan: 1\n", "-.inf: 1\n",
    "true: 1\nyes: 2\n",
    # Documents.
    "a: 1\n---\nb: 2\n", "---\n---\na: 1\n", "", "# c\n", "null\n", "- a\n", "text\n", "...\na: 1\n", "a: 1\n...\n",
    "a: 1\n...\nb: 2\n", "--- a: 1\n", "--- {a: 1}\n", "a: ---\n", 'a: "\n---\n"\n', "{a: 1}\n", "{a: 1} x\n",
    " a: 1\nb: 2\n", "%YAML 1.2\n---\na: 1\n", "%YAML 1.1\n---\na: 1\n", "%YAML 2.0\n---\na: 1\n",
    "%TAG ! tag:x,2000:\n---\na: !x 1\n", "%FOO\n---\na: 1\n", "\ufeffa: 1\n",
    # Signs in odd places.
    "a: b: c\n", "a:\tb\n", "a:\n\tb: 1\n", "a: [1,\n\t2]\n", "\ta: 1\n", 'a: "x\n', "a: 'x\n", "a: {b:c}\n",
    'a: {b:"c"}\n', 'a: {"b":c}\n', "a: [?x]\n", "a: [a?b]\n", "a: {u: http://x?q=1}\n", "a: http://x?q=1\n",
    'a: ["a?b"]\n', "a: {http://x}\n", "a: [http://x:80/w]\n", "a: [a, , b]\n", "a: [a,]\n", "a: {a,}\n",
    "a: {a: 1, b}\n", "a: @x\n", "a: `x\n", "a: %x\n", "a: -\n", "- - a\n", "a: ?\n", "a: b #c\n", "a: b#c\n",
    'a: "b"#c\n', "a\n", "a: 1\n b: 2\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "a: &x x y\n", "a: *x y\n", "a: - b\n",
    "a: {{ .Values.x }}\n", "a: {{x}}: 1\n", "{{- if }}\na: 1\n", "a: !<tag:yaml.org,2002:str> 1\n",
    "a: !<tag:yaml.org,2002:int> x\n", "a: !\n", "a: !!str\n",
    # Text.
    "a: |2\n    x\n", "a: |+\n  x\n\n\n", "a: >\n  x\n  w\n\n  z\n", "a: |x\n  w\n", "a: | # c\n  w\n",
    "a: |#c\n  w\n", "a:\n- 1\n- 2\n", "a:\n  - 1\n - 2\n", 'a: "\\x41\\u263a\\U0001F600\\e\\_\\N\\L\\P"\n',
    'a: "\\/"\n', 'a: "\\\\/"\n', 'a: "\\q"\n', 'a: "\\ud83d\\ude00"\n', "a: 😀\n", "a: \u0085b\n", "a: x\u2028b\n",
    "a: x\x07\n", "a: x\x7f\n", "a: \ufeffx\n", 'a: "x\\\n  w"\n', "a: x\n  w\n", "a: x\n\n  w: z\n",
    "a: " + "x" * 2000 + "\n", '"' + "x" * 2000 + '": 1\n', "a: |\n  x", "a: |-\n\n  x\n \n",
    "a: >-\n  x\n   y\n  z\n",
]  # fmt: skip


def test_every_scalar_means_what_it_means_to_helm(helm: Oracle) -> None:
    texts = []
    for scalar in [*SCALARS, *TAGGED]:
        texts += [f"a: {scalar}\n", f"{scalar}: a\n", f"a: [{scalar}]\n", f"a: {{b: {scalar} }}\n", f"a: '{scalar}'\n"]
    differing = {
        text[:60]: (was, ours(text)) for text, was in zip(texts, helm(texts), strict=True) if was != ours(text)
    }
    assert differing == {}


def test_every_document_means_what_it_means_to_helm(helm: Oracle) -> None:
    found = dict(zip(DOCUMENTS, helm(DOCUMENTS), strict=True))
    assert {text[:60]: (was, ours(text)) for text, was in found.items() if was != ours(text)} == {}
    assert REFUSED in found.values(), "the oracle refuses something, or it is not asked"


SAMPLE = """\
global: &global
  hostname: example.org # the name
  "quoted": 'it''s'
  list: [a, {b: c}, "d"]
  on: yes
fence:
  <<: *global
  text: |
    first
      second

  folded: >-
    one
    two
  items:
  - name: a
    value: 010
  -   b: {x: 1.50, y: ~}
last: "end\\n" # done
"""


def test_broken_files_are_read_or_refused_as_helm_does(helm: Oracle) -> None:
    """A thousand small accidents to one file: a character lost, doubled or mistyped."""
    rng = random.Random(3)
    signs = [*" \t\n:-?[]{},#&*!|>'\"%@`\\<=~0_.eEyn\ré😀", "<<: ", "*global", "&a ", "- ", "\n  ", "---\n", "? "]
    texts = []
    for _ in range(1500):
        text = SAMPLE
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text))
            text = text[:at] + (rng.choice(signs) if rng.random() < 0.7 else "") + text[at + rng.randint(0, 1) :]
        texts.append(text)
    differing = [(text, was) for text, was in zip(texts, helm(texts), strict=True) if was != ours(text)]
    assert differing == []


@pytest.mark.real
def test_other_peoples_files_mean_what_they_mean_to_helm(real: Path, helm: Oracle) -> None:
    files = [file for file in sorted(real.rglob("*")) if file.suffix in (".yaml", ".yml", ".json") and file.is_file()]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert len(texts) > 100
    found = zip(files, texts, helm(texts), strict=True)
    assert [str(file) for file, text, was in found if was != ours(text)] == []


def test_a_number_is_told_from_text_and_from_a_boolean() -> None:
    assert data_of("a: [1, 1.0, '1', true, 2025.10]") == {"a": [1, 1, "1", True, 2025.1]}
    assert [type(item) for item in data_of("a: [1, 1.0, '1', true, 2025.10]")["a"]] == [int, int, str, bool, float]


def test_empty_documents_are_left_out_and_still_counted() -> None:
    documents = yamltext.parse(b"---\n# nothing\n---\na: 1\n---\nnull\n---\n- x\n")
    assert [(document.index, document.line, document.data) for document in documents] == [
        (1, 4, {"a": 1}),
        (3, 8, ["x"]),
    ]


def test_a_file_without_documents_has_none() -> None:
    assert yamltext.parse(b"") == ()
    assert yamltext.parse(b"# only a comment\n") == ()


@pytest.mark.parametrize("content", [b"- a\n", b"text\n"])
def test_values_that_are_no_mapping_are_refused(content: bytes) -> None:
    with pytest.raises(YamlError, match="values must be a mapping"):
        yamltext.values_document(content)


def test_values_are_the_first_document_even_if_the_next_one_is_broken() -> None:
    assert yamltext.values_document(b"a: 1\n---\n\tb: [\n").data == {"a": 1}
    assert yamltext.values_document(b"---\n---\na: 1\n").data == {}
    assert yamltext.values_document(b"").position(("a",)) is None


@pytest.mark.parametrize(
    ("content", "cause", "line"),
    [
        ("a: é\n".encode("utf-16"), "UTF-16", 1),
        (b"a: 1\nb: \0\0\n", "binary", 2),
        (b"a: 1\nb: \xe9\n", "not UTF-8", 2),
        (b"\x89PNG\r\n\x1a\n\0", "binary", 3),
    ],
)
def test_what_is_no_utf8_text_is_refused(content: bytes, cause: str, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        yamltext.parse(content)
    assert cause in caught.value.cause
    assert caught.value.line == line


def test_a_byte_order_mark_is_tolerated_and_moves_no_position() -> None:
    (document,) = yamltext.parse(b"\xef\xbb\xbfa: 1\n")
    assert document.data == {"a": 1}
    assert document.position(("a",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: hunter2\n\tc: 2\n", 3, 1),
        ("a: 1\nsecret: hunter2: x\n", 2, 16),
        ("a: 1\nb\nsecret: hunter2\n", 3, 1),
        ("a:\n  - hunter2\n - 2\n", 3, 2),
        ("a: hunter2\n b: 2\n", 2, 3),
        ("a: 'hunter2\n", 2, 1),
        ("a: [hunter2\nb: 1\n", 2, 2),
        ('a: "hunter2\\q"\n', 1, 12),
        ("a: *hunter2\n", 1, 4),
        ("a: hunter2\nnull: hunter2\n", 2, 1),
        ("a: !!int hunter2\n", 1, 4),
        ("a: .inf # hunter2\n", 1, 4),
        ("a: hunter2\n? [b]\n: c\n", 2, 3),
        ("a: &hunter2 [*hunter2]\n", 1, 14),
        ("a: !hunter2!x 1\n", 1, 4),
        ("a: hunter2\x07\n", 1, 0),
    ],
)
def test_an_error_says_where_and_never_what(text: str, line: int, column: int) -> None:
    with pytest.raises(YamlError) as caught:
        yamltext.parse(text.encode())
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert "hunter2" not in str(error)
    assert "not valid YAML" not in error.cause, "the cause is in words of its own"


def test_a_helm_template_is_called_one() -> None:
    with pytest.raises(YamlError) as caught:
        yamltext.parse(b"{{- if .Values.x }}\na: 1\n{{- end }}\n")
    assert "template" in caught.value.fix


def bomb(levels: int, width: int) -> bytes:
    lines = ["a0: &a0 [" + ",".join(["lol"] * width) + "]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * width) + "]" for n in range(1, levels)]
    return "\n".join(lines).encode()


BOMBS = {
    "laughs in lists": bomb(10, 10),
    "laughs in mappings": b"a0: &a0 {x: 1, w: 2}\n"
    + b"".join(b"a%d: &a%d {x: *a%d, w: *a%d}\n" % (n, n, n - 1, n - 1) for n in range(1, 60)),
    "laughs in merges": b"a0: &a0 {k: 1}\n"
    + b"".join(b"a%d: &a%d {x: *a%d, <<: [*a%d, *a%d]}\n" % (n, n, n - 1, n - 1, n - 1) for n in range(1, 40)),
    "a long text repeated": b"a: &a " + b"x" * 1_000_000 + b"\nb: [" + b",".join([b"*a"] * 500) + b"]\n",
    "brackets": b"[" * 1_000_000,
    "dashes": b"- " * 1_000_000,
    "question marks": b"? " * 200_000,
    "levels by indentation": b"".join(b" " * n + b"a:\n" for n in range(3000)),
    "documents": b"---\na: 1\n" * 100_000,
    "a hundred megabytes": b"a: 1\n" * 20_000_000,
}

CHILD = """
import resource, sys, time
from csoc.fleet.yaml import yamltext
content = open(sys.argv[1], "rb").read()
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    yamltext.parse(content)
    print("accepted")
except yamltext.YamlError as error:
    print(error.cause)
print(time.process_time() - start)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("name", list(BOMBS))
def test_a_bomb_is_refused_within_a_second_and_200_megabytes(name: str, tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_bytes(BOMBS[name])
    child = subprocess.run([sys.executable, "-c", CHILD, str(file)], capture_output=True, text=True, check=True)
    cause, seconds, megabytes = child.stdout.splitlines()
    assert cause != "accepted"
    assert float(seconds) < 1
    assert int(megabytes) < 200


def test_each_limit_is_exact() -> None:
    four = b"a: [1, 2, 3]\n"  # the mapping, its key, the list and three items: six values
    assert yamltext.parse(four, Limits(nodes=6))
    for limits in (
        Limits(nodes=5),
        Limits(size_bytes=12),
        Limits(depth=1),
        Limits(documents=0),
        Limits(text_characters=3),
    ):
        with pytest.raises(YamlError):
            yamltext.parse(four, limits)
    assert yamltext.parse(four, Limits(size_bytes=13, depth=2, documents=1, text_characters=4))


def test_nodes_are_counted_over_all_documents() -> None:
    with pytest.raises(YamlError, match="more than 6 values"):
        yamltext.parse(b"[1, 2, 3]\n---\n[1, 2, 3]\n", Limits(nodes=6))


def test_excessive_aliasing_is_refused_where_helm_refuses_it(helm: Oracle) -> None:
    texts = [
        f"a: &a [{', '.join(['x'] * size)}]\nb: &b [{', '.join(['*a'] * size)}]\nc: [{', '.join(['*b'] * times)}]\n"
        for size in (5, 9, 10, 11, 12, 20, 50)
        for times in (50, 90, 99, 100, 101, 110, 200, 2000)
    ]
    found = helm(texts)
    assert found == [ours(text) for text in texts]
    assert 0 < found.count(REFUSED) < len(found)


def test_an_alias_costs_a_reference_and_no_copy() -> None:
    data = data_of("a: &a {x: [1, 2]}\nb: *a\n")
    assert data["b"] is data["a"]


POSITIONS = textwrap.dedent("""\
    # head
    base: &base
      tag: v1
      list: [p, {q: r}]
    é: 1
    fence:
      <<: *base
      image:
        tag: v2
      items:
        - a
        -
          b: 1
      alias: *base
      twice: 1
      twice: 2
    """)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (2, 1)),
        (("base",), (2, 1)),
        (("base", "tag"), (3, 3)),
        (("base", "list", 0), (4, 10)),
        (("base", "list", 1, "q"), (4, 14)),
        (("é",), (5, 1)),
        (("fence", "image", "tag"), (9, 5)),
        (("fence", "items", 0), (11, 7)),
        (("fence", "items", 1), (13, 7)),
        (("fence", "items", 1, "b"), (13, 7)),
        (("fence", "alias"), (14, 3)),
        (("fence", "alias", "tag"), (3, 3)),
        (("fence", "tag"), (3, 3)),
        (("fence", "list", 1, "q"), (4, 14)),
        (("fence", "twice"), (16, 3)),
        (("fence", "nothing"), None),
        (("fence", "items", 2), None),
        (("fence", "items", "b"), None),
        (("fence", "image", "tag", "x"), None),
        (("base", 0), None),
    ],
)
def test_a_position_is_where_the_key_or_item_is_written(
    path: tuple[str | int, ...], place: tuple[int, int] | None
) -> None:
    for text in (POSITIONS, POSITIONS.replace("\n", "\r\n")):
        (document,) = yamltext.parse(text.encode())
        assert document.position(path) == place


def test_positions_of_a_later_document_count_from_the_top_of_the_file() -> None:
    documents = yamltext.parse(b"a: 1\n---\n---\nb:\n  c: 1\n")
    assert documents[1].position(("b", "c")) == (5, 3)


def test_of_several_merged_mappings_the_first_one_is_where_a_key_comes_from() -> None:
    (document,) = yamltext.parse(b"x: &x {a: 1}\nz: &z {a: 2, b: 3}\nw: {<<: [*x, *z]}\n")
    assert document.data["w"] == {"a": 1, "b": 3}
    assert document.position(("w", "a")) == (1, 8)
    assert document.position(("w", "b")) == (2, 14)


def test_a_key_is_found_by_the_text_that_it_becomes() -> None:
    (document,) = yamltext.parse(b"on: 1\n010: 2\n1.50: 3\n")
    assert [document.position((key,)) for key in ("true", "8", "1.5")] == [(1, 1), (2, 1), (3, 1)]


def test_every_leaf_of_a_document_has_a_position() -> None:
    (document,) = yamltext.parse(SAMPLE.encode())

    def walk(data: Any, path: tuple[str | int, ...]) -> None:
        assert document.position(path) is not None, path
        for step, value in (
            data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        ):
            walk(value, (*path, step))

    walk(document.data, ())


def test_duplicate_keys_are_listed_with_the_line_that_wins() -> None:
    (document,) = yamltext.parse(
        b"a: 1\nb:\n  - c: 1\n    c: 2\non: 1\ntrue: 2\na: 3\nx: &x {d: 1}\nw: {d: 2, <<: *x}\n"
    )
    assert document.duplicates() == [(("b", 0, "c"), 4), (("true",), 6), (("a",), 7)]


def test_positions_are_read_from_the_source_only_when_asked_for() -> None:
    asked = []

    def source() -> bytes:
        asked.append(1)
        return b"a: 1\n"

    document = yamltext.YamlDocument(0, 1, {"a": 1}, source)
    assert asked == []
    assert document.position(("a",)) == (1, 1)
    assert document.position(("b",)) is None
    assert asked == [1]


def test_reading_is_about_as_fast_as_pyyamls_c_loader() -> None:
    plain = SAMPLE.replace("&global", "").replace("  <<: *global\n", "")
    content = b"\n".join(b"k%d:\n" % number + textwrap.indent(plain, "  ").encode() for number in range(4))

    def best_of(read: Callable[[], object]) -> float:
        taken = []
        for _ in range(5):
            before = time.process_time()
            for _ in range(40):
                read()
            taken.append(time.process_time() - before)
        return min(taken)

    theirs = best_of(lambda: yaml.load(content, Loader=yaml.CSafeLoader))
    assert best_of(lambda: yamltext.parse(content)) < 1.5 * theirs

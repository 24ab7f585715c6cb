"""What a person types on `csoc fleet set`, taken apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.markdown import block, taken_apart
from csoc.usecases.change.command import command_line, read_command
from csoc.usecases.change.operations import (
    Operation,
    check_operations,
    dotted,
    is_assignment,
    parse_assignment,
    parse_image,
    parse_key,
    parse_rename,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
PATHS = st.tuples(NAMES, st.lists(NAMES | st.integers(0, 999), max_size=4)).map(lambda parts: (parts[0], *parts[1]))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("fence", ("fence",)),
        ("fence.image.tag", ("fence", "image", "tag")),
        ("guppy.indices[0].index", ("guppy", "indices", 0, "index")),
        ("a[1][2]", ("a", 1, 2)),
        (r"annotations.eks\.amazonaws\.com/role-arn", ("annotations", "eks.amazonaws.com/role-arn")),
        (r"a\[0\].b\\c\=d", ("a[0]", "b\\c=d")),
    ],
)
def test_a_key_is_taken_apart_at_dots_and_brackets_that_no_backslash_stands_before(text: str, path: Any) -> None:
    assert parse_key(text) == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "[0]", "a]", "a[0]b", "a[99999999]"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(RejectedError, match="is not a key"):
        parse_key(text)


@given(PATHS)
def test_every_path_can_be_typed(path: Any) -> None:
    assert parse_key(dotted(path)) == path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("fence.image.tag=2026.10", "2026.10"),
        ("global.aws.account=012345678901", "012345678901"),
        ("global.dispatcherJobNum=10", "10"),
        ("fence.replicaCount=3", 3),
        ("fence.enabled=true", True),
        ("fence.enabled='true'", "true"),
        ("portal.service.port=80", 80),
        ("fence.postgres.port=5432", "5432"),
        ("fence.labels={a: b}", {"a": "b"}),
        ("fence.args=[1, x]", [1, "x"]),
        ("fence.annotations=", ""),
        ("fence.annotations=null", None),
        ("fence.ratio=1.5", 1.5),
        ("fence.text=a=b", "a=b"),
    ],
)
def test_a_value_is_yaml_except_where_the_chart_wants_text(text: str, value: Any) -> None:
    found = parse_assignment(text).value
    assert found == value
    assert type(found) is type(value)


def test_the_option_text_takes_every_value_as_it_is_typed() -> None:
    assert parse_assignment("fence.replicaCount=3", as_text=True).value == "3"


@pytest.mark.parametrize("text", ["a={b", "a=[1", "a=\tb: c: d", "a=1\n---\n2"])
def test_a_value_that_is_no_yaml_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        parse_assignment(text)
    assert caught.value.fix == "Use --text"


def test_text_stays_text_character_by_character_where_text_stands() -> None:
    operation = parse_assignment("global.version=2026.10")
    assert operation.value == 2026.1
    assert operation.replacing("2026.09") == "2026.10"
    assert operation.replacing(2026.09) == 2026.1
    assert parse_assignment("a.b=true").replacing("no") == "true"


def test_a_list_or_null_replaces_text_as_it_is() -> None:
    assert parse_assignment("a.b=[x]").replacing("text") == ["x"]
    assert parse_assignment("a.b=null").replacing("text") is None


def test_an_equals_sign_that_is_escaped_belongs_to_the_name() -> None:
    assert is_assignment("a=b")
    assert not is_assignment(r"a\=b")
    assert not is_assignment("brh-prod")


def test_an_image_is_a_service_and_a_tag() -> None:
    assert parse_image("fence=2026.04") == Operation("set", ("fence", "image", "tag"), "2026.04", "2026.04")
    assert parse_image("frontend-framework=feat/x").path[0] == "frontend-framework"
    for wrong in ("fence", "fence=", "=1"):
        with pytest.raises(RejectedError):
            parse_image(wrong)


def test_a_rename_keeps_the_place() -> None:
    assert parse_rename("fence.replicas=replicaCount") == Operation("rename", ("fence", "replicas"), "replicaCount")
    assert parse_rename("fence.replicas=fence.replicaCount").value == "replicaCount"
    for wrong in ("fence.replicas", "fence.replicas=arborist.replicaCount", "a.b[0]=c", "a.b=b"):
        with pytest.raises(RejectedError):
            parse_rename(wrong)


def test_two_operations_on_one_path_contradict_each_other() -> None:
    one, other = parse_assignment("a.b=1"), parse_assignment("a.b=2")
    check_operations([one, one])
    with pytest.raises(RejectedError, match="only one of them"):
        check_operations([one, other])
    with pytest.raises(RejectedError):
        check_operations([one, Operation("remove", ("a", "b"))])


def test_an_operation_is_told_without_its_secret() -> None:
    assert str(parse_assignment("fence.image.tag=2026.04")) == 'set fence.image.tag to "2026.04"'
    assert "hunter2" not in str(parse_assignment("global.postgres.master.password=hunter2-and-more"))
    assert str(Operation("remove", ("a", 0))) == "remove a[0]"


OPERATIONS = st.one_of(
    st.builds(lambda path, text: parse_assignment(f"{dotted(path)}={text}", as_text=True), PATHS, NAMES),
    st.builds(lambda path: Operation("remove", path), PATHS),
    st.builds(lambda first, old, new: Operation("rename", (first, old), new + "x" * (old == new)), NAMES, NAMES, NAMES),
    st.builds(lambda text: Operation("chart", (), text), NAMES),
)
ENVIRONMENTS = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(ENVIRONMENTS, st.lists(OPERATIONS, min_size=1, max_size=4))
def test_the_command_in_a_pull_request_says_the_same_operations(names: list[str], operations: list[Operation]) -> None:
    line = command_line(names, operations)
    assert "\n" not in line
    if not line:
        assert not all(str(operation).isprintable() for operation in operations)
    if not line or "***" in line:
        return
    assert taken_apart(line) == [line], "a host could react to it"
    for text in (block(line, "sh"), f"    {line}"):
        found_names, found = read_command(f"Before.\n\n{text}\n\nAfter.")
        assert found_names == names
        assert sorted(map(repr, found)) == sorted(map(repr, operations))


@pytest.mark.parametrize(
    ("assignment", "shown"),
    [
        ("a.url=https://data.example.org/x", "'a.url=https:''//data.example.org/x'"),
        ("a.owner=x@team", "'a.owner=x@''team'"),
        ("a.note=it's @x", r"'a.note=it'\''s @''x'"),
        ("a.note=two words", "'a.note=two words'"),
        ("a.image.tag=2026.04", "a.image.tag=2026.04"),
    ],
)
def test_the_command_in_a_pull_request_can_be_read(assignment: str, shown: str) -> None:
    assert command_line(["alpha"], [parse_assignment(assignment)]) == f"csoc fleet set alpha {shown}"


def test_a_command_with_a_secret_hides_it_and_cannot_be_used_again() -> None:
    line = command_line(["a"], [parse_assignment("global.postgres.master.password=hunter2-and-more")])
    assert "hunter2" not in line
    with pytest.raises(RejectedError, match="hidden value"):
        read_command(f"    {line}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "csoc fleet set a b=1",
        "    csoc fleet set a b=1\n    csoc fleet set c d=1",
        "    csoc fleet set a",
        "    csoc fleet set b=1",
        "    csoc fleet set a 'b=1",
        "    csoc fleet set a b=1 --commit",
        "    csoc fleet set a b=1 --unset",
        "    csoc fleet set a " + "x" * 30_000 + "=1",
    ],
)
def test_a_text_that_csoc_did_not_write_gives_no_command(text: str) -> None:
    with pytest.raises(RejectedError):
        read_command(text)

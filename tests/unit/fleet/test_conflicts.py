"""Conflicts show both sides, shortly and without secrets."""

from __future__ import annotations

from csoc.fleet import conflicts
from csoc.fleet.conflicts import Difference, conflict, differing

OLD, NEW = "1" * 40, "2" * 40


def text_of(expected: bytes | None, found: bytes | None) -> str:
    return str(conflict("main", [Difference("a.yaml", OLD, NEW, expected, found)]))


def test_both_sides_are_shown_with_their_lines() -> None:
    text = text_of(b"a: 1\nb: 2\nc: 3\n", b"a: 1\nb: 9\nc: 3\n")
    assert "a.yaml: expected 1111111111, found 2222222222" in text
    assert "-b: 2\n+b: 9" in text


def test_a_value_whose_key_is_secret_is_masked() -> None:
    text = text_of(b"db:\n  password: hunter2old\n  host: a\n", b"db:\n  password: hunter2new\n  host: b\n")
    assert "hunter2" not in text
    assert "+  host: b" in text


def test_a_difference_that_is_only_in_secrets_says_so() -> None:
    text = text_of(b"password: hunter2old\n", b"password: hunter2new\n")
    assert "hunter2" not in text
    assert "masked" in text


def test_a_private_key_over_several_lines_is_masked() -> None:
    body = "\n".join(f"MIIEow{number}" * 8 for number in range(5))
    key = f"key: |\n  -----BEGIN RSA PRIVATE KEY-----\n{body}\n  -----END RSA PRIVATE KEY-----\n".encode()
    assert "MIIEow" not in text_of(b"key: none\n", key)


def test_of_a_kubernetes_secret_only_the_place_is_shown() -> None:
    text = text_of(b"kind: Secret\ndata:\n  a: aHVudGVyMg==\n", b"kind: Secret\ndata:\n  a: aHVudGVyMw==\n")
    assert "aHVudGVy" not in text
    assert "@@ -" in text


def test_binary_large_and_unknown_content_is_named_and_not_shown() -> None:
    for side in (b"\0\1", b"x" * 2_000_000, None):
        assert text_of(b"a: 1\n", side).count("@@") == 0


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert "\x1b" not in text_of(b"a: 1\n", b"a: \x1b[2J\n")


def test_a_conflict_of_many_files_stays_readable() -> None:
    many = [Difference(f"{number}.yaml", OLD, None, b"a\n" * 500, b"") for number in range(100)]
    text = str(conflict("main", many))
    assert "100 files" in text
    assert "and 80 more" in text
    assert "more lines" in text
    assert "found no file" in text


def test_absent_and_present_differ() -> None:
    assert differing({"a": None, "b": OLD, "c": OLD}, {"a": NEW, "c": OLD}) == ["a", "b"]


def test_a_secret_that_does_not_show_in_its_own_line_is_hidden_in_context_lines() -> None:
    old = b"env:\n  - name: DB_PASSWORD\n    value: Zq81LmNo\npassword: |\n  first-Part9\n  second-Part8\nreplicas: 1\n"
    text = "\n".join(conflicts.masked_diff(old, old.replace(b"replicas: 1", b"replicas: 2"), context=9))
    assert not {"Zq81LmNo", "first-Part9", "second-Part8"} & set(text.split())
    assert "+replicas: 2" in text

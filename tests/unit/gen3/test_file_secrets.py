"""What counts as a secret in a file that is not read as values."""

import pytest

from csoc.gen3.file_secrets import holds_keys, is_text, secrets_in_file

TOKEN = "ghp_" + "a1B2" * 9
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----\n"


def lines(text: str, *, keys: bool = False) -> list[tuple[int, str]]:
    return [(item.line, item.reason) for item in secrets_in_file(text.encode(), keys=keys)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"# a key\n{KEY}", (2, "a private key")),
        (f"call me\nthe token is {TOKEN}.\n", (2, "a GitHub token")),
        ('x = "AKIA' + "ABCDEFGHIJKLMN23" + '"\n', (1, "an AWS access key")),
        ("see\n\nhttps://hooks.slack.com/services/" + "T0000000/B0000000/abcdefgh12345678", (3, "a Slack webhook")),
    ],
)
def test_shapes_are_found_in_any_text_with_their_line(text: str, expected: tuple[int, str]) -> None:
    assert lines(text) == [expected]


def test_the_same_token_is_told_at_each_line() -> None:
    assert lines(f"{TOKEN}\n\n{TOKEN}\n") == [(1, "a GitHub token"), (3, "a GitHub token")]


def test_names_of_keys_are_judged_only_where_a_file_is_one_of_keys() -> None:
    text = "export DB_PASSWORD=hunter2secret\n"
    assert lines(text) == []
    assert lines(text, keys=True) == [(1, "DB_PASSWORD: its key says that it is a secret")]


def test_a_values_file_that_nothing_reads_is_judged_as_yaml() -> None:
    text = "fence:\n  password: s3cretPassw0rd\n  flow: {a: 1, apiToken:\n    s3cretPassw0rd}\n"
    assert [line for line, _ in lines(text, keys=True)] == [2, 3]


def test_the_value_of_an_entry_is_judged_by_its_name() -> None:
    assert [line for line, _ in lines("env:\n- name: API_TOKEN\n  value: abcd1234efgh5678ijkl\n", keys=True)] == [3]


@pytest.mark.parametrize(
    "text",
    [
        "password: ''\ncreateSecret: true\nsecretName: fence-config\n",
        "password: {{ .Values.password }}\n",
        "a: {deploy: true, createSlackWebhookSecret: false, slackWebhookSecretName: ''}\n",
        "PASSWORD=\nPASSWORD=${PASSWORD}\n",
        "apiVersion: v1\nkind: Secret\ndata:\n  password: Y2hhbmdlbWU=\n",
        "{}",
    ],
)
def test_quiet_for_names_references_switches_and_what_another_rule_decodes(text: str) -> None:
    assert lines(text, keys=True) == []


def test_files_of_keys_are_told_by_their_names() -> None:
    assert all(map(holds_keys, ("a/values.yaml", "b.yml", ".env", "x/.env.production", "prod.env")))
    assert not any(map(holds_keys, ("notes.md", "environment.py", "a/.envrc")))


def test_what_holds_a_zero_byte_is_no_text() -> None:
    assert is_text(b"abc")
    assert not is_text(b"\x89PNG\0")

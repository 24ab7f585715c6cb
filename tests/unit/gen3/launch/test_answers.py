"""Answers: everything may be left out, everything wrong is said at once, and no secret is taken or shown."""

from __future__ import annotations

import json
import re
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import ErrorDetails

from csoc.errors import RejectedError
from csoc.fleet.documents.faults import explain
from csoc.fleet.yaml import yamltext
from csoc.gen3.launch.answerfiles import example_answers, faults_of, parse_answers
from csoc.gen3.launch.answers import Answers

CANARY = "hunter2-canary-Zq8RkV3xT1bNfLw0"


def said(text: str) -> list[str]:
    return [str(fault) for fault in faults_of(text.encode())]


def test_an_empty_file_launches_something_to_try() -> None:
    found = parse_answers(b"")
    assert found.environment_name == "commons-dev"
    assert found.namespace_name == "commons-dev"
    assert found.hostname_name == "commons-dev.example.org"
    assert found.title_text == "Commons Data Commons"
    assert (found.size, found.cluster, found.services) == ("small", "new", ("standard",))


def test_every_answer_has_a_default_that_its_description_says() -> None:
    for name, field in Answers.model_fields.items():
        assert not field.is_required(), name
        assert field.description, name
        assert "Default" in field.description or name == "members", name


def test_the_example_parses_and_explains_every_key() -> None:
    text = example_answers()
    parse_answers(text.encode())
    written = set(re.findall(r"^(?:# )?([a-zA-Z]+):", text, re.M))
    known = {field.alias or name for name, field in Answers.model_fields.items()}
    assert known <= written
    for line in text.splitlines():
        if re.match(r"# [a-zA-Z]+: *[^ #]", line) and not line.startswith(("# Answers", "# network:")):
            assert yamltext.parse(line.removeprefix("# ").encode()), line


def test_all_mistakes_are_said_at_once_with_line_field_expected_and_the_nearest() -> None:
    text = """\
commons: Heart
hostnam: x
services: [standrd, funnel]
size: smal
cluster: big
apiAccess: [10.0.0.0/8]
stage: 1
administrators: [ada]
chart: {version: "^0.3"}
"""
    known = "account, administrators, allow, apiAccess, certificate, chart, cluster, clusterName, commons, dictionary"
    found = said(text)
    assert [line.split(": ", 2)[0] + " " + line.split(": ", 2)[1] for line in found] == [
        "answers.yaml:1 commons",
        "answers.yaml:2 hostnam",
        "answers.yaml:3 services[0]",
        "answers.yaml:3 services[1]",
        "answers.yaml:4 size",
        "answers.yaml:6 apiAccess",
        "answers.yaml:7 stage",
        "answers.yaml:8 administrators[0]",
        "answers.yaml:9 chart.version",
    ]
    assert f"expected one of the keys {known}" in found[1]
    assert 'Did you mean "hostname"?' in found[1]
    assert 'Did you mean "standard"?' in found[2]
    assert "csoc does not launch funnel: it comes with gen3-workflow" in found[3]
    assert 'expected one of small, medium, large, found "smal". Did you mean "small"?' in found[4]
    assert "expected cluster: new beside it" in found[5]
    assert "Put it in quotes" in found[6]
    with pytest.raises(RejectedError, match="9 answers are wrong") as caught:
        parse_answers(text.encode(), "mine.yaml")
    assert caught.value.place == "mine.yaml"
    assert "\n" not in caught.value.cause, "who prints errors shows one line"
    for fault in faults_of(text.encode()):
        assert f"line {fault.location.line}: {fault.cause}" in caught.value.cause
        assert fault.fix in caught.value.cause


@pytest.mark.parametrize(
    "text",
    [
        f"signIn: {{provider: google, clientSecret: {CANARY}}}",
        f"signIn:\n  provider: google\n  client_secret: {CANARY}",
        f"signIn: {{provider: google, clientSecret: {{value: {CANARY}}}}}",
        f"password: {CANARY}",
        f"title: 'postgresql://admin:{CANARY}@db.example.org/x'",
        f"commons: heart\nsecret: {CANARY}\n",
        "signIn: {provider: google, clientId: AKIAIOSFODNN7EXAMPLE}",
        "title: AKIAIOSFODNN7EXAMPLE",
        "signIn: {provider: google, clientSecret: 1234567890}",
    ],
)
def test_a_secret_in_an_answer_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(RejectedError) as caught:
        parse_answers(text.encode(), secret_command="csoc secret put")
    shown = f"{caught.value} {caught.value.cause} {caught.value.fix} {caught.value!r}"
    assert CANARY not in shown
    assert "AKIAIOSFODNN7EXAMPLE" not in shown
    assert "1234567890" not in shown
    assert "no secret in the answers" in shown or "expected one of the keys" in shown


def test_a_refused_secret_names_how_to_give_it() -> None:
    with pytest.raises(RejectedError) as caught:
        parse_answers(f"signIn: {{provider: google, clientSecret: {CANARY}}}".encode(), secret_command="csoc x put")
    assert "clientSecret: {env: NAME} or {file: PATH}, or leave it out and give it when csoc asks: csoc x put" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (f"dictionary: 'https://example.org/{CANARY}/dictionary.json?token={CANARY}'", "is read without signing in"),
        (f"chart: {{repoURL: 'https://ada:{CANARY}@charts.example.org'}}", "stands below credentials in its settings"),
        (f"title: 'postgresql://admin:{CANARY}@db.example.org/x'", "no answer but signIn.clientSecret is about"),
    ],
)
def test_where_no_reference_is_an_answer_none_is_advised(text: str, instead: str) -> None:
    with pytest.raises(RejectedError) as caught:
        parse_answers(text.encode())
    assert instead in str(caught.value)
    assert "{env: NAME}" not in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_secret_is_given_by_reference_or_asked_for() -> None:
    by_name = parse_answers(b"signIn: {provider: google, clientSecret: {env: CLIENT_SECRET}}")
    assert by_name.sign_in.client_secret is not None
    assert by_name.sign_in.client_secret.env == "CLIENT_SECRET"
    assert parse_answers(b"signIn: {provider: google}").sign_in.client_secret is None
    assert 'either "env" or "file"' in said("signIn: {provider: google, clientSecret: {env: A, file: b}}")[0]


@pytest.mark.parametrize(
    "text",
    [
        f"signIn: {{provider: google, clientSecret: {{env: {CANARY}}}}}",
        "signIn: {provider: google, clientSecret: {env: GOCSPX-abcdef}}",
        "signIn: {provider: google, clientSecret: {env: AKIAIOSFODNN7EXAMPLE}}",
        "signIn: {provider: google, clientSecret: {env: hunter2}}",
        "signIn: {provider: google, clientSecret: {file: AKIAIOSFODNN7EXAMPLE}}",
    ],
)
def test_a_secret_in_place_of_a_reference_is_not_repeated(text: str) -> None:
    typed = text.rpartition(": ")[2].strip("}")
    with pytest.raises(RejectedError) as caught:
        parse_answers(text.encode())
    shown = f"{caught.value} {caught.value.fix} {caught.value!r}"
    assert typed not in shown
    assert "signIn.clientSecret." in shown, "the place is named"
    assert "the name of a variable: upper case letters" in shown or "no secret in the answers" in shown


def test_the_id_of_a_client_is_no_secret() -> None:
    client = "123456789012-abcdefghijklmnopqrstuvwxyz012345.apps.googleusercontent.com"
    assert parse_answers(f"signIn: {{provider: google, clientId: {client}}}".encode()).sign_in.client_id == client


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("members: [lung]", "members: expected the bundle mesh among the services"),
        ("services: [mesh]", "members: expected the names of the commons that the mesh joins"),
        ("commons: heart\nservices: [mesh]\nmembers: [heart]", "members: expected commons other than the mesh itself"),
        ("cluster: big\nclusterName: x", "clusterName: expected cluster: new beside it"),
        ("cluster: big\nnetwork: {zones: 3}", "network: expected cluster: new beside it"),
        ("hostname: a.example.com\nzone: {name: example.org, id: Z0123456}", "expected a name below the zone"),
        ("hostname: unknown", "hostname: expected a DNS name"),
        (f"hostname: {'a' * 60}.example.org", "hostname: expected a name of at most 63 characters"),
        (f"environment: {'a' * 50}", "namespace: expected a namespace of at most 40 characters"),
        ("namespace: kube-system", "namespace: expected a namespace of its own"),
        ("namespace: external-secrets", "namespace: expected a namespace of its own"),
        ("environment: csoc-root", "environment: expected another name than argocd, csoc, default"),
        ("environment: platform-external-secrets", "environment: expected another name than"),
        ("environment: platform", "environment: expected another name than"),
        ("environment: default", "environment: expected another name than"),
        ("commons: platform\nstage: dev", "environment: expected another name than"),
        ("environment: external-dns", "namespace: expected a namespace of its own"),
        ("signIn: {provider: mine}", "signIn.discoveryUrl: expected the address of its OpenID configuration"),
        ("chart: {path: helm/gen3, version: main}", "chart.version: expected a commit"),
        ("dictionary: http://example.org/schema.json", "expected an address that begins with https:// and ends with"),
        ("region: Sydney", "region: expected a region of AWS such as ap-southeast-2"),
        ("hostname: a.example.org\nhostname: b.example.org", "hostname: expected a key that stands once"),
        ("title: 'Heart {{BASE_URL}}'", "title: expected one line of text, without {{"),
        ('title: "two\\nlines"', "title: expected one line of text"),
        ("[]", "expected a mapping of keys"),
        ("a: {", "expected YAML"),
        ("a: 1\n---\nb: 1", "expected one document, found 2"),
    ],
)
def test_what_does_not_fit_together_is_said(text: str, expected: str) -> None:
    assert any(expected in line for line in said(text)), said(text)


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    assert "expected at most 200,000 bytes" in said("a" * 200_001)[0]


def test_names_are_made_from_what_is_answered() -> None:
    found = parse_answers(
        b"commons: heart.lung\nstage: prod\nslot: blue\nzone: {name: example.org, id: Z0123456}\nclusterName: big\n"
    )
    assert found.environment_name == "heart.lung-prod-blue"
    assert found.namespace_name == "heart-lung-prod-blue"
    assert found.hostname_name == "heart.lung-prod-blue.example.org"
    assert found.cluster_document == "big"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*Answers.model_fields, "signIn", "x"]), _VALUES, max_size=4))
def test_whatever_is_answered_ends_in_answers_or_in_faults(data: dict[str, object]) -> None:
    found = faults_of(json.dumps(data).encode())
    if not found:
        parse_answers(json.dumps(data).encode())


def test_no_sentence_about_an_answer_is_a_regular_expression() -> None:
    schema = json.dumps(Answers.model_json_schema())
    patterns = {json.loads(f'"{one}"') for one in re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', schema)}
    assert len(patterns) > 5
    for pattern in patterns:
        error = {"type": "string_pattern_mismatch", "loc": ("commons",), "msg": "", "ctx": {"pattern": pattern}}
        said = explain(Answers, {"commons": "?"}, cast(ErrorDetails, error)).expected
        assert pattern not in said, f"{pattern} has no words in csoc.fleet.documents.faults"


def test_a_key_that_is_none_of_ours_is_not_repeated_since_the_file_may_be_any() -> None:
    (fault,) = faults_of(b"commons: reef\nhostname: reef.example.org\ncanaryKey: 5\n")
    assert (fault.location.line, fault.found) == (3, "another (not shown)")
    assert "canaryKey" not in repr(fault)

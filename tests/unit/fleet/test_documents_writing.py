"""Writing documents, the files of a new fleet, schemas and the reference page."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from csoc.errors import ConflictError, RejectedError
from csoc.fleet.documents import layout, schemas
from csoc.fleet.documents.base import ChartReference, FileReference, Metadata, RecordMetadata
from csoc.fleet.documents.examples import EXAMPLES
from csoc.fleet.documents.init import plan_init
from csoc.fleet.documents.judgements import Baseline, BaselineSpec, KnownFinding, Waiver, Waivers, WaiversSpec
from csoc.fleet.documents.model import ApplicationReference, Commons, Environment, EnvironmentSpec
from csoc.fleet.documents.reading import read_documents
from csoc.fleet.documents.writing import render_document, schema_reference
from csoc.fleet.yaml import yamltext
from csoc.testing.repositories import MemoryRepositories, MemoryTree

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def ids() -> str:
    return "a1b2c3d4e5"


def environment(**spec: Any) -> Environment:
    known: dict[str, Any] = {"commons": "heart", "cluster": "research", **spec}
    return Environment.make(metadata=Metadata(name="heart-prod", uid=ids()), spec=EnvironmentSpec(**known))


def parsed(content: bytes) -> Any:
    (document,) = yamltext.parse(content)
    return document.data


WHOLE = environment(
    stage="unknown",
    hostname="heart.example.org",
    namespace="heart",
    release="heart",
    application=ApplicationReference(path="a/app.yaml", name="heart"),
    values=(FileReference(path="a/values.yaml"), FileReference(path="b.yaml", repository="https://x.org/y")),
    chart=ChartReference.model_validate({"repoURL": "https://helm.gen3.org", "chart": "gen3", "revision": "0.10"}),
    gated=False,
)


def test_a_document_is_written_as_a_person_would_with_a_reason_for_each_fact() -> None:
    comments = {
        "spec.stage": "no name says",
        "spec.hostname": "global.hostname\nin a/values.yaml",
        "spec.chart": "as the Application names it",
        "spec.values[1]": "named as $ref",
        "spec.namespace": "a reason that is too long to stand behind it " * 3,
    }
    path = "commons/heart/heart-prod/environment.yaml"
    assert render_document(WHOLE, path=path, comments=comments, header="Written by csoc.").decode() == (
        "# yaml-language-server: $schema=../../../.csoc/schemas/environment.json\n"
        "# Written by csoc.\n"
        "apiVersion: csoc.gen3.org/v1alpha1\n"
        "kind: Environment\n"
        "metadata:\n"
        "  name: heart-prod\n"
        "  uid: a1b2c3d4e5\n"
        "spec:\n"
        "  commons: heart\n"
        "  cluster: research\n"
        "  stage: unknown  # no name says\n"
        "  hostname: heart.example.org  # global.hostname in a/values.yaml\n"
        "  # a reason that is too long to stand behind it a reason that is too long to stand behind it a reason that\n"
        "  # is too long to stand behind it\n"
        "  namespace: heart\n"
        "  release: heart\n"
        "  application:\n"
        "    path: a/app.yaml\n"
        "    name: heart\n"
        "  values:\n"
        "    - a/values.yaml\n"
        "    # named as $ref\n"
        "    - path: b.yaml\n"
        "      repository: https://x.org/y\n"
        "  # as the Application names it\n"
        "  chart:\n"
        "    repoURL: https://helm.gen3.org\n"
        "    chart: gen3\n"
        '    revision: "0.10"\n'
        "  gated: false\n"
    )


def test_what_says_nothing_is_left_out() -> None:
    text = render_document(Commons.make(metadata=Metadata(name="heart", uid=ids()))).decode()
    assert text.endswith("  uid: a1b2c3d4e5\nspec: {}\n")
    assert "slot" not in render_document(environment(slot=None, values=())).decode()


def test_the_same_document_is_always_written_the_same() -> None:
    assert render_document(WHOLE) == render_document(
        Environment.model_validate_json(json.dumps(parsed(render_document(WHOLE))))
    )


def test_waivers_and_a_baseline_read_back_as_they_were() -> None:
    waiver = Waiver(rule="a-b", reason='It is "known": # really', owner="me & you", expires=date(2027, 1, 31))
    waivers = Waivers.make(metadata=RecordMetadata(name="waivers"), spec=WaiversSpec(waivers=(waiver,)))
    assert Waivers.model_validate_json(json.dumps(parsed(render_document(waivers)))) == waivers
    found = KnownFinding(rule="a-b", fingerprint="1234567890123456", environments=("x",), cause="yes: no")
    spec = BaselineSpec(
        made_at=datetime(2026, 11, 23, 9, tzinfo=UTC), commit="1" * 40, csoc="0.10", charts=("1.0",), findings=(found,)
    )
    baseline = Baseline.make(metadata=RecordMetadata(name="baseline"), spec=spec)
    assert Baseline.model_validate_json(json.dumps(parsed(render_document(baseline)))) == baseline


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=10, max_size=60) | st.sampled_from(
    [
        "2026-11-23T00:00:00",
        "0123456789",
        "1e1000000000",
        "truetruetrue",
        "0x1234567890",
        "- - - - - -",
        "key: value:",
        "1:20:30:40:50",
        "[[[[[[[[[[",
        "          ",
        "{{ template }}",
        "*aliasalias",
        "&anchoranchor",
        "!!binary abc",
        "=#=#=#=#=#=#",
        "\u2028\u2029\x85\x7f\ufeff\U0001f600\U000e0001abc",
    ]
)


@settings(deadline=None)
@given(
    _TEXT,
    st.dictionaries(
        st.sampled_from(["spec", "spec.waivers[0]", "spec.waivers[0].rule", "spec.waivers[1].reason", "kind"]), _TEXT
    ),
)
def test_any_text_and_any_reason_read_back_as_the_same_document(text: str, comments: dict[str, str]) -> None:
    waiver = Waiver(rule="a", reason=text, owner="me", expires=date(2027, 1, 1))
    waivers = Waivers.make(metadata=RecordMetadata(name="waivers"), spec=WaiversSpec(waivers=(waiver, waiver)))
    written = render_document(waivers, comments=comments, path="waivers.yaml")
    assert Waivers.model_validate_json(json.dumps(parsed(written))) == waivers


@pytest.mark.parametrize(
    "word", ["true", "Yes", "n", "OFF", "null", "~", "1", "0.3.90", "2025.10", "1e3", ".inf", "012"]
)
def test_text_that_yaml_could_take_for_something_else_is_quoted(word: str) -> None:
    chart = ChartReference.model_validate({"repoURL": "https://x.org", "chart": word, "revision": "1.0.0"})
    assert f'chart: "{word}"\n' in render_document(environment(chart=chart)).decode()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("fleet.yaml", "./.csoc/schemas/fleet.json"),
        ("accounts/a.yaml", "../.csoc/schemas/fleet.json"),
        (".csoc/fleet.yaml", "./schemas/fleet.json"),
        (".csoc/commons/a/b/x.yaml", "../../../schemas/fleet.json"),
    ],
)
def test_the_schema_is_named_as_seen_from_the_file(path: str, expected: str) -> None:
    assert schema_reference(path, "Fleet") == expected


def test_a_new_fleet_is_accepted_at_once() -> None:
    files = plan_init("example", ids=ids)
    repository = MemoryRepositories().add("https://git.example.org/team/fleet")
    found = read_documents(MemoryTree(repository, repository.write("main", files), "main"))
    assert [str(fault) for fault in found.faults] == []
    assert found.fleet is not None
    assert (found.fleet.name, found.fleet.uid) == ("example", ids())
    assert found.fleet.document.spec.stages == ("dev", "staging", "prod")
    assert found.waivers[0].document.spec.waivers == ()
    assert list(found.environments) == []


def test_the_documents_of_a_new_fleet_name_schemas_that_it_holds() -> None:
    files = plan_init("example", ids=ids)
    named = 0
    for path, content in files.items():
        for reference in re.findall(rb"\$schema=(\S+)", content):
            if path.endswith(".yaml"):
                named += 1
                assert str((Path("/") / path).parent.joinpath(reference.decode()).resolve())[1:] in files
    assert named == 2


def test_the_examples_in_the_folders_of_a_new_fleet_are_documents() -> None:
    files = plan_init("example", ids=ids)
    blocks = [
        match
        for path, content in files.items()
        if path.endswith("/README.md")
        for match in re.findall(r"```yaml\n(.*?)```", content.decode(), re.DOTALL)
    ]
    kinds = set()
    for block in blocks:
        data = parsed(block.encode())
        layout.KINDS[data["kind"]].model_validate_json(json.dumps(data))
        kinds.add(data["kind"])
    assert kinds == {"Account", "Cluster", "Environment", "Release"}


def test_the_commented_waiver_of_a_new_fleet_works_once_it_is_uncommented() -> None:
    text = plan_init("example", ids=ids)["waivers.yaml"].decode()
    text = text.replace("  waivers: []\n  # For example:\n", "").replace("\n  # ", "\n  ")
    waivers = Waivers.model_validate_json(json.dumps(parsed(text.encode())))
    assert waivers.spec.waivers[0].owner == "platform-team"


def test_a_new_fleet_never_overwrites_and_names_every_file_in_the_way() -> None:
    with pytest.raises(ConflictError) as caught:
        plan_init("example", ids=ids, existing=["README.md", "fleet.yaml", "src/x.py"])
    assert "README.md, fleet.yaml" in caught.value.cause
    assert "src/x.py" not in caught.value.cause


def test_names_that_cannot_be_used_are_all_said() -> None:
    with pytest.raises(RejectedError) as caught:
        plan_init("My Fleet", ["prod", "prod"], ids=ids)
    assert 'found "My Fleet"' in caught.value.cause
    assert "each stage once" in caught.value.cause


def test_a_new_fleet_is_the_same_each_time() -> None:
    assert plan_init("example", ids=ids) == plan_init("example", ids=ids)


@pytest.mark.parametrize("kind", layout.KINDS)
def test_a_schema_is_valid_and_accepts_the_example_of_its_kind(kind: str) -> None:
    schema = schemas.json_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(parsed(EXAMPLES[kind].encode()))) == []


@pytest.mark.parametrize("kind", layout.KINDS)
def test_a_schema_refuses_an_unknown_key_a_missing_name_and_another_kind(kind: str) -> None:
    validator = Draft202012Validator(schemas.json_schema(kind))
    example = parsed(EXAMPLES[kind].encode())
    for wrong in (
        {**example, "spec": {**example["spec"], "clustr": 1}},
        {**example, "metadata": {"uid": ids()}},
        {**example, "kind": "Other"},
        {**example, "apiVersion": "v1"},
    ):
        assert list(validator.iter_errors(wrong)) != []


def _missing_descriptions(schema: Any, path: str = "") -> list[str]:
    missing = []
    for name, field in schema.get("properties", {}).items():
        if not field.get("description") and "$ref" not in field:
            missing.append(f"{path}.{name}")
    for name, definition in schema.get("$defs", {}).items():
        missing.extend(_missing_descriptions(definition, name))
    return missing


@pytest.mark.parametrize("kind", layout.KINDS)
def test_every_field_is_described_to_the_editor(kind: str) -> None:
    assert _missing_descriptions(schemas.json_schema(kind), kind) == []


def test_the_schemas_in_the_reference_are_those_of_the_models() -> None:
    """Write them anew with: make docs"""
    on_disk = {path.name: path.read_bytes() for path in (REFERENCE / "schemas").glob("*.json")}
    assert on_disk == {Path(path).name: content for path, content in schemas.schema_files().items()}


def test_the_reference_page_is_that_of_the_models() -> None:
    """Write it anew with: make docs"""
    assert (REFERENCE / "documents.md").read_text() == schemas.reference_page()

"""Reading documents: every fault of every document at once, at its line, in words; the others go on."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from csoc.fleet.documents.base import ChartReference, FileReference
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.examples import EXAMPLES
from csoc.fleet.documents.faults import Fault, Weight
from csoc.fleet.documents.reading import read_documents
from csoc.testing.repositories import Content, Link, MemoryRepositories, MemoryTree

HEAD = "apiVersion: csoc.gen3.org/v1alpha1\n"


def tree(files: Mapping[str, str | Content]) -> MemoryTree:
    repository = MemoryRepositories().add("https://git.example.org/team/fleet")
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return MemoryTree(repository, repository.write("main", contents), "main")


def read(files: Mapping[str, str | Content]) -> Documents:
    return read_documents(tree(files))


def said(faults: tuple[Fault, ...]) -> list[str]:
    return [str(fault) for fault in faults]


def fleet(**spec: Any) -> str:
    return f"{HEAD}kind: Fleet\nmetadata: {{name: example, uid: a1b2c3d4e5}}\nspec: {json.dumps(spec)}\n"


def document(kind: str, name: str, uid: str, **spec: Any) -> str:
    return f"{HEAD}kind: {kind}\nmetadata:\n  name: {name}\n  uid: {uid}\nspec: {json.dumps(spec)}\n"


def commons(name: str, uid: str) -> str:
    return document("Commons", name, uid)


def environment(name: str, uid: str, **spec: Any) -> str:
    return document("Environment", name, uid, **{"commons": "heart", "cluster": "unknown", **spec})


WHOLE = {
    "fleet.yaml": EXAMPLES["Fleet"],
    "accounts/research-prod.yaml": EXAMPLES["Account"],
    "clusters/research/cluster.yaml": EXAMPLES["Cluster"],
    "clusters/research/applications/heart-prod.yaml": "kind: Application\napiVersion: argoproj.io/v1alpha1\n",
    "commons/heart/commons.yaml": EXAMPLES["Commons"],
    "commons/heart/heart-prod/environment.yaml": EXAMPLES["Environment"],
    "commons/heart/heart-prod/values/10-common.yaml": "global: {}\n",
    "releases/2026.11.yaml": EXAMPLES["Release"],
    "waivers.yaml": EXAMPLES["Waivers"].replace('"*-dev"', '"*-prod"'),
    "baseline.yaml": EXAMPLES["Baseline"],
}


def test_a_repository_without_documents_has_no_faults() -> None:
    found = read({"a/values.yaml": "x: 1\n", "fleet.yaml": "namespace: not-ours # Rancher's Fleet\n"})
    assert found == Documents(None)


def test_the_examples_together_are_a_fleet_without_faults() -> None:
    found = read(WHOLE)
    assert said(found.faults) == []
    assert found.top == ""
    assert found.fleet is not None
    assert found.fleet.document.spec.stages == ("dev", "staging", "prod")
    assert found.accounts["research-prod"].document.spec.id == "012345678901"
    assert found.environments["heart-prod"].document.spec.values[2].revision == "v12"
    assert [waivers.name for waivers in found.waivers] == ["waivers"]
    assert found.baselines[0].document.spec.findings[0].environments == ("heart-prod",)
    named = (found.accounts, found.clusters, found.commons, found.environments, found.releases)
    things = [found.fleet, *(placed for group in named for placed in group.values())]
    assert {placed.uid for placed in things} == {f"{letter}1b2c3d4e5" for letter in "abcdef"}


def test_an_adopted_repository_holds_its_documents_below_its_own_folder() -> None:
    files = {f".csoc/{path}": text for path, text in WHOLE.items() if "applications" not in path and "val" not in path}
    found = read(
        {
            **files,
            "elsewhere/environment.yaml": environment("other", "z1b2c3d4e5"),
            ".csoc/schemas/x.yaml": "a: csoc.gen3.org\n",
            "clusters/research/applications/heart-prod.yaml": "{}\n",
        }
    )
    assert found.top == ".csoc"
    assert said(found.faults) == []
    assert list(found.environments) == ["heart-prod"]


def test_a_field_knows_its_line() -> None:
    placed = read(WHOLE).environments["heart-prod"]
    assert str(placed.locate("spec.stage")) == "commons/heart/heart-prod/environment.yaml:9"
    assert placed.locate(("spec", "values", 1)).line == 19
    assert placed.locate("spec.signIn").line == 6, "a field that is not written: the nearest one above"


def test_all_faults_of_all_documents_are_said_at_once_and_the_rest_goes_on() -> None:
    found = read(
        {
            "fleet.yaml": fleet(stages=["dev", "prod"]),
            "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
            "commons/heart/good/environment.yaml": environment("good", "c1b2c3d4e5", stage="prod"),
            "commons/heart/bad/environment.yaml": (
                f"{HEAD}kind: Environment\nmetadata:\n  name: Bad\n  uid: 12\nspec:\n  commons: heart\n"
                "  clustr: research\n  gated: maybe\n  values:\n    - ../../secret.yaml\n    - path: a.yaml\n"
                "      revison: v1\n"
            ),
            "accounts/a.yaml": f"{HEAD}kind: Account\nmetadata: {{name: a, uid: d1b2c3d4e5}}\nspec: {{purpose: fun}}\n",
        }
    )
    assert list(found.environments) == ["good"]
    assert found.accounts == {}
    bad = "commons/heart/bad/environment.yaml"
    assert said(found.faults) == [
        "accounts/a.yaml:4: spec.id: expected a value (AWS account (12 digits, in quotes), GCP project id, Azure "
        "subscription id, or the name of a site), found nothing",
        "accounts/a.yaml:4: spec.provider: expected a value (Whose account it is), found nothing",
        'accounts/a.yaml:4: spec.purpose: expected one of tools, workload, network, monitoring, backup, found "fun"',
        f"{bad}:4: metadata.name: expected lower-case letters and digits, with hyphens or dots between them, "
        'found "Bad"',
        f'{bad}:5: metadata.uid: expected text, found the number 12. Put it in quotes: uid: "12"',
        f"{bad}:6: spec.cluster: expected a value (Name of the Cluster that it runs on, or unknown), found nothing",
        f"{bad}:8: spec.clustr: expected one of the keys application, chart, cluster, commons, edge, gated, "
        "hostname, layers, namespace, release, retain, services, signIn, size, slot, stage, values, found "
        '"clustr". Did you mean "cluster"?',
        f'{bad}:9: spec.gated: expected true or false, found "maybe"',
        f'{bad}:11: spec.values[0]: expected a path inside the repository, with "/" and without "..", '
        'found "../../secret.yaml"',
        f'{bad}:13: spec.values[1].revison: expected one of the keys path, repository, revision, found "revison". '
        'Did you mean "revision"?',
    ]


def test_an_account_id_without_quotes_is_shown_as_it_should_be_written() -> None:
    text = EXAMPLES["Account"].replace('"012345678901"  ', "012345678901")
    found = read({"fleet.yaml": fleet(), "accounts/research-prod.yaml": text})
    assert [fault.fix for fault in found.errors] == ['Put it in quotes: id: "012345678901"']
    assert found.errors[0].location.line == 8
    assert found.errors[0].expected == "text"


def test_a_version_without_quotes_is_shown_as_it_should_be_written() -> None:
    text = document("Cluster", "c", "b1b2c3d4e5").replace("spec: {}", "spec:\n  kubernetesVersion: 1.30")
    found = read({"fleet.yaml": fleet(), "clusters/c/cluster.yaml": text})
    assert [fault.fix for fault in found.errors] == ['Put it in quotes: kubernetesVersion: "1.30"']


def test_an_aws_account_needs_twelve_digits() -> None:
    text = EXAMPLES["Account"].replace("012345678901", "12345678901")
    (fault,) = read({"fleet.yaml": fleet(), "accounts/research-prod.yaml": text}).errors
    assert (fault.field, fault.location.line) == ("spec.id", 8)
    assert "12 digits" in fault.expected


@pytest.mark.parametrize("url", ["https://user:hunter2secret@git.example.org/x", "https://ghp_abcdef@github.com/x/y"])
def test_a_credential_in_an_address_is_refused_and_never_shown(url: str) -> None:
    chart = {"repoURL": url, "path": "x"}
    found = read(
        {
            "fleet.yaml": fleet(),
            "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
            "commons/heart/e/environment.yaml": environment("e", "c1b2c3d4e5", chart=chart),
        }
    )
    (fault,) = found.errors
    assert fault.field == "spec.chart.repoURL"
    assert "without user or password" in fault.expected
    assert "hunter2" not in str(fault)
    assert "ghp_" not in str(fault)


def test_a_value_that_looks_secret_is_masked_in_a_fault() -> None:
    text = fleet().replace("spec: {}", "spec:\n  stages: AKIAIOSFODNN7EXAMPLE\n")
    (fault,) = read({"fleet.yaml": text}).errors
    assert fault.expected == "a list"
    assert "AKIAIOSFODNN7" not in str(fault)


def test_a_file_that_is_not_yaml_is_a_fault_at_its_line() -> None:
    found = read({"fleet.yaml": fleet(), "accounts/a.yaml": "kind: Account\n  apiVersion: x: y\n"})
    (fault,) = found.errors
    assert (fault.location.path, fault.location.line) == ("accounts/a.yaml", 2)


def test_an_unknown_kind_names_the_nearest_one() -> None:
    text = environment("e", "c1b2c3d4e5").replace("kind: Environment", "kind: environmnet")
    (fault,) = read({"fleet.yaml": fleet(), "commons/heart/e/environment.yaml": text}).errors
    assert fault.fix == 'Did you mean "Environment"?'
    assert fault.location.line == 2


def test_a_version_of_the_format_that_this_csoc_does_not_know_is_said_so() -> None:
    text = commons("heart", "b1b2c3d4e5").replace("v1alpha1", "v2")
    found = read({"fleet.yaml": fleet(), "commons/heart/commons.yaml": text})
    assert [(fault.field, fault.location.line) for fault in found.errors] == [("apiVersion", 1)]
    assert "Another version of csoc" in found.errors[0].fix
    assert found.commons == {}


def test_a_document_without_api_version_at_a_documents_place_is_a_fault() -> None:
    (fault,) = read({"fleet.yaml": fleet(), "clusters/c/cluster.yaml": "kind: Cluster\n"}).errors
    assert fault.cause == "apiVersion: expected csoc.gen3.org/v1alpha1, found nothing"


@pytest.mark.parametrize(("text", "cause"), [("- a\n", "found a list"), ("# nothing\n", "found an empty file")])
def test_a_document_that_is_no_mapping_is_a_fault(text: str, cause: str) -> None:
    (fault,) = read({"fleet.yaml": fleet(), "accounts/a.yaml": text}).errors
    assert fault.cause.endswith(cause)


def test_a_fleet_document_that_is_missing_is_said_and_a_broken_one_is_not_missing() -> None:
    (fault,) = read({".csoc/commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5")}).errors
    assert fault.cause == "expected a document of kind Fleet, found none"
    assert fault.location.path == ".csoc/fleet.yaml"
    (fault,) = read({"fleet.yaml": fleet().replace("example", "Example")}).errors
    assert fault.field == "metadata.name"


def test_a_link_in_place_of_a_document_is_not_followed() -> None:
    found = read({"fleet.yaml": fleet(), "accounts/a.yaml": Link("../../etc/passwd")})
    assert said(found.faults) == []


def test_several_documents_may_stand_in_one_file() -> None:
    both = f"{commons('heart', 'b1b2c3d4e5')}---\n{environment('e', 'c1b2c3d4e5')}---\n{environment('E', 'd1b2c3d4e5')}"
    found = read({"fleet.yaml": fleet(), "things.yaml": both})
    assert list(found.environments) == ["e"]
    assert found.environments["e"].locate("metadata.name").line == 11
    assert [str(fault.location) for fault in found.errors] == ["things.yaml:18"]


def test_files_that_only_mention_csoc_are_no_documents() -> None:
    files = {
        "fleet.yaml": fleet(),
        "values.yaml": "note: see csoc.gen3.org/v1alpha1\n",
        "t.yaml": "csoc.gen3.org: {{ x",
    }
    assert said(read(files).faults) == []


def test_two_things_of_one_name_are_both_named_and_the_first_counts() -> None:
    found = read(
        {
            "fleet.yaml": fleet(),
            "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
            "commons/heart/e/environment.yaml": environment("e", "c1b2c3d4e5", stage="dev"),
            "commons/lung/e/environment.yaml": environment("e", "d1b2c3d4e5", stage="prod"),
        }
    )
    (fault,) = found.errors
    assert str(fault.location) == "commons/lung/e/environment.yaml:4"
    assert "commons/heart/e/environment.yaml:4 has too" in fault.found
    assert found.environments["e"].document.spec.stage == "dev"


def test_a_copied_folder_makes_both_unplannable_and_names_both() -> None:
    found = read(
        {
            "fleet.yaml": fleet(),
            "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
            "commons/heart/e/environment.yaml": environment("e", "c1b2c3d4e5"),
            "commons/heart/copy/environment.yaml": environment("copy", "c1b2c3d4e5"),
            "commons/heart/other/environment.yaml": environment("other", "d1b2c3d4e5"),
        }
    )
    assert set(found.environments) == {"e", "copy", "other"}
    assert set(found.unplannable) == {("Environment", "e"), ("Environment", "copy")}
    assert "commons/heart/copy/environment.yaml:5" in found.unplannable["Environment", "e"]
    assert [(fault.location.path, fault.field) for fault in found.errors] == [
        ("commons/heart/copy/environment.yaml", "metadata.uid"),
        ("commons/heart/e/environment.yaml", "metadata.uid"),
    ]


def test_the_line_that_makes_a_copy_plannable_is_named() -> None:
    files = {
        "fleet.yaml": fleet(),
        "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
        "commons/heart/e/environment.yaml": environment("e", "c1b2c3d4e5"),
        "commons/heart/copy/environment.yaml": environment("copy", "c1b2c3d4e5"),
    }
    copied, _ = read(files).errors
    assert copied.location.path == "commons/heart/copy/environment.yaml"
    [renewed] = re.findall(r'write "uid: (\S+)" here', copied.fix)
    found = read({**files, copied.location.path: environment("copy", renewed)})
    assert [fault for fault in found.errors if fault.field == "metadata.uid"] == []
    assert dict(found.unplannable) == {}


def test_uids_are_compared_across_kinds() -> None:
    found = read({"fleet.yaml": fleet(), "commons/heart/commons.yaml": commons("heart", "a1b2c3d4e5")})
    assert set(found.unplannable) == {("Fleet", "example"), ("Commons", "heart")}


def test_references_that_lead_nowhere_name_the_nearest_and_cost_nothing_else() -> None:
    found = read(
        {
            "fleet.yaml": fleet(stages=["dev", "prod"]),
            "clusters/research/cluster.yaml": document("Cluster", "research", "c1b2c3d4e5", account="resarch"),
            "accounts/research.yaml": EXAMPLES["Account"].replace("research-prod", "research"),
            "commons/heart/commons.yaml": document("Commons", "heart", "d1b2c3d4e5", members=["lungs"]),
            "commons/heart/e/environment.yaml": environment(
                "e", "e1b2c3d4e5", commons="haert", cluster="reserch", stage="prd"
            ),
        }
    )
    assert {(fault.field, fault.fix) for fault in found.errors} == {
        ("spec.account", 'Did you mean "research"?'),
        ("spec.members[0]", "Write its document, or the name of a Commons that there is"),
        ("spec.commons", 'Did you mean "heart"?'),
        ("spec.cluster", 'Did you mean "research"?'),
        ("spec.stage", 'Did you mean "prod"?'),
    }
    assert list(found.environments) == ["e"]
    assert {fault.location.line for fault in found.errors} == {6}


def test_two_environments_with_one_application_are_a_fault() -> None:
    application = {"path": "apps.yaml", "name": "gen3"}
    found = read(
        {
            "fleet.yaml": fleet(),
            "apps.yaml": "{}\n",
            "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
            "commons/heart/a/environment.yaml": environment("a", "c1b2c3d4e5", application=application),
            "commons/heart/b/environment.yaml": environment("b", "d1b2c3d4e5", application=application),
            "commons/heart/c/environment.yaml": environment(
                "c", "e1b2c3d4e5", application={**application, "document": 1}
            ),
        }
    )
    (fault,) = found.errors
    assert fault.field == "spec.application"
    assert "that of a at commons/heart/a/environment.yaml" in fault.found


def test_one_account_described_twice_is_a_fault() -> None:
    again = EXAMPLES["Account"].replace("research-prod", "again").replace("b1b2c3d4e5", "z1b2c3d4e5")
    found = read(
        {"fleet.yaml": fleet(), "accounts/research-prod.yaml": EXAMPLES["Account"], "accounts/again.yaml": again}
    )
    assert [(fault.location.path, fault.field) for fault in found.errors] == [
        ("accounts/research-prod.yaml", "spec.id")
    ]


def test_what_only_looks_wrong_is_a_warning_and_what_is_written_counts() -> None:
    found = read(
        {
            "fleet.yaml": fleet(),
            "clusters/c/cluster.yaml": document(
                "Cluster", "c", "b1b2c3d4e5", folder="nowhere", applications="clusters"
            ),
            "commons/heart/commons.yaml": commons("heart", "c1b2c3d4e5"),
            "commons/lung/folder/environment.yaml": environment(
                "written", "d1b2c3d4e5", application={"path": "absent.yaml", "name": "x"}
            ),
            "waivers.yaml": EXAMPLES["Waivers"],
        }
    )
    assert found.errors == ()
    assert [(fault.weight, fault.field, fault.location.path) for fault in found.faults] == [
        (Weight.WARNING, "spec.folder", "clusters/c/cluster.yaml"),
        (Weight.WARNING, "metadata.name", "commons/lung/folder/environment.yaml"),
        (Weight.WARNING, "spec.commons", "commons/lung/folder/environment.yaml"),
        (Weight.WARNING, "spec.application.path", "commons/lung/folder/environment.yaml"),
        (Weight.WARNING, "spec.waivers[0].environments[0]", "waivers.yaml"),
    ]
    assert list(found.environments) == ["written"]


def test_a_key_that_stands_twice_is_a_fault_at_the_later_one() -> None:
    text = environment("e", "c1b2c3d4e5").replace("spec: ", "metadata:\n  name: f\n  uid: d1b2c3d4e5\nspec: ")
    found = read(
        {
            "fleet.yaml": fleet(),
            "commons/heart/commons.yaml": commons("heart", "b1b2c3d4e5"),
            "commons/heart/f/environment.yaml": text,
        }
    )
    (fault,) = found.errors
    assert (fault.location.line, fault.field) == (6, "metadata")
    assert "once" in fault.expected


def test_a_document_with_very_many_faults_says_how_many_and_ends() -> None:
    found = read({"fleet.yaml": fleet(stages=list(range(2_000)))})
    assert len(found.errors) == 51
    assert "1950 more" in {fault.found for fault in found.errors}


def test_hostile_documents_are_refused_in_bounded_time() -> None:
    many = "---\n".join([f"{HEAD}kind: Commons\nspec: [{'1, ' * 900}]\n"] * 400)
    large = f"{HEAD}kind: Commons\nmetadata: {{name: large, uid: b1b2c3d4e5}}\nnote: {'x' * 2_000_000}\n"
    spaces = f"{HEAD}kind: Commons\nmetadata: {{name: spaces, uid: c1b2c3d4e5}}\nspec: {{}}\n{' ' * 1_500_000}\n"
    wrong = {f"wrong/{n}.yaml": f"{HEAD}kind: Commons\nmetadata: [{'1, ' * 30}]\nx: 1\ny: 1\n" for n in range(600)}
    started = time.process_time()
    found = read({"fleet.yaml": fleet(), "a.yaml": many, "commons/l/commons.yaml": large, "b.yaml": spaces, **wrong})
    assert time.process_time() - started < 20
    texts = said(found.faults)
    assert any(text.startswith("a.yaml") and "at most 20 documents in one file, found 400" in text for text in texts)
    assert any(text.startswith("commons/l/commons.yaml: expected at most 2000000 bytes") for text in texts)
    assert any("files after this one were not looked at" in text for text in texts)
    assert list(found.commons) == ["spaces"]


def test_faults_become_problems_with_place_and_fix() -> None:
    (fault,) = read({"fleet.yaml": fleet(), "clusters/c/cluster.yaml": "kind: Cluster\n"}).errors
    problem = fault.problem()
    assert (problem.kind, problem.location, problem.fix) == ("bad document", fault.location, fault.fix)
    assert problem.cause == fault.cause


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    ["metadata", "spec", "name", "uid", "values", "application", "chart", "waivers", "stages", "id"]
)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(EXAMPLES)),
    st.dictionaries(_KEYS, _JSON | st.dictionaries(_KEYS, _JSON, max_size=4), max_size=4),
)
def test_no_content_of_a_document_makes_reading_fail(kind: str, body: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "csoc.gen3.org/v1alpha1", "kind": kind, **body})
    found = read({".csoc/fleet.yaml": fleet(), ".csoc/x.yaml": text})
    assert found.fleet is not None or kind == "Fleet"
    assert all(fault.location.path.startswith(".csoc/") and fault.expected for fault in found.faults)


@pytest.mark.parametrize(
    ("kind", "revision", "expected"),
    [
        ("chart: gen3", "-x", "a version or a constraint on versions"),
        ("chart: gen3", "main", "a version or a constraint on versions"),
        ("path: helm/gen3", "../../x", "a branch, a tag or a commit"),
        ("path: helm/gen3", "--upload-pack=x", "a branch, a tag or a commit"),
    ],
)
def test_a_revision_that_is_none_is_a_fault(kind: str, revision: str, expected: str) -> None:
    reference = {"repoURL": "https://charts.example.org", **dict([kind.split(": ")]), "revision": revision}
    with pytest.raises(ValidationError, match=expected):
        ChartReference.model_validate(reference)
    with pytest.raises(ValidationError, match="a branch, a tag or a commit"):
        FileReference.model_validate({"path": "a", "repository": "https://git.example.org/a/b", "revision": "-x"})

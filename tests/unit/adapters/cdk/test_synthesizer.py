"""How csoc treats the process that makes templates: what it is given, when it is replaced, what it is not asked twice.

The process here is a small program that follows the same protocol, so that it can be made to misbehave.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from csoc.adapters.cdk.process import Limits
from csoc.adapters.cdk.synthesizer import ChildSynthesizer, templates_digest
from csoc.errors import RejectedError, UnavailableError
from csoc.testing.caching import MemoryCache

DOCUMENT = {"layers": {"network": {"stack": "csoc-a-network"}}}

_PROGRAM = """
import json, os, sys
log = open({log!r}, "a")
log.write("started\\n"); log.flush()
print(json.dumps({{"ready": True}}), flush=True)
for line in sys.stdin:
    log.write("asked\\n"); log.flush()
    document = json.loads(line)
{body}
"""
_ANSWER = '    print(json.dumps({"templates": {name: "{}" for name in document["layers"]}}), flush=True)'

Make = Callable[..., ChildSynthesizer]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def make(tmp_path: Path, log: Path) -> Iterator[Make]:
    made: list[ChildSynthesizer] = []

    def build(body: str = _ANSWER, cache: MemoryCache | None = None, **limits: float) -> ChildSynthesizer:
        program = tmp_path / "program.py"
        program.write_text(_PROGRAM.format(log=str(log), body=body))
        given = Limits(**limits)  # type: ignore[arg-type]
        made.append(ChildSynthesizer(cache, limits=given, command=[sys.executable, "-I", str(program)]))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_one_process_answers_all_requests(make: Make, log: Path) -> None:
    synthesizer = make()
    for _ in range(3):
        assert synthesizer.synthesize(DOCUMENT)["network"].body == "{}"
    assert log.read_text().splitlines() == ["started", "asked", "asked", "asked"]


def test_nothing_is_started_before_it_is_needed(make: Make, log: Path) -> None:
    make()
    assert not log.exists()


def test_the_process_sees_no_credential_and_no_setting_of_csoc(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("CSOC_DATABASE", "canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://canary")
    body = '    print(json.dumps({"templates": {"network": json.dumps(dict(os.environ))}}), flush=True)'
    environment = json.loads(make(body).synthesize(DOCUMENT)["network"].body)
    assert "canary" not in json.dumps(environment)
    assert set(environment) <= {"HOME", "TMPDIR", "LANG", "TZ", "LC_CTYPE"}


def test_a_process_that_died_meanwhile_is_replaced(make: Make, log: Path) -> None:
    synthesizer = make(f"{_ANSWER}\n    os._exit(3)")
    synthesizer.synthesize(DOCUMENT)
    child = synthesizer._child
    assert child is not None
    assert child._process.ended() == 3
    assert synthesizer.synthesize(DOCUMENT)
    assert log.read_text().splitlines().count("started") == 2


def test_a_process_that_dies_of_a_document_says_how_and_is_replaced_for_the_next(make: Make, log: Path) -> None:
    synthesizer = make('    if "bad" in document: os._exit(7)\n' + _ANSWER)
    with pytest.raises(UnavailableError, match="ended with code 7"):
        synthesizer.synthesize({**DOCUMENT, "bad": 1})
    assert log.read_text().splitlines().count("asked") == 1
    assert synthesizer.synthesize(DOCUMENT)


def test_a_process_that_takes_too_long_is_ended(make: Make) -> None:
    synthesizer = make('    if "bad" in document: sys.stdin.read()\n' + _ANSWER, answer_seconds=0.3)
    with pytest.raises(UnavailableError, match="took too long"):
        synthesizer.synthesize({**DOCUMENT, "bad": 1})


@pytest.mark.parametrize("answer", ['"[]"', '"no JSON"', '"{}"', 'json.dumps({"templates": {"other": "{}"}})'])
def test_an_answer_that_is_none_is_not_taken(make: Make, answer: str) -> None:
    with pytest.raises(UnavailableError):
        make(f"    print({answer}, flush=True)").synthesize(DOCUMENT)


def test_a_flood_is_cut_off(make: Make) -> None:
    with pytest.raises(UnavailableError, match="larger than"):
        make('    sys.stdout.write("x" * 5_000_000)', answer_bytes=100_000).synthesize(DOCUMENT)


def test_what_it_prints_to_its_error_stream_does_not_stop_it(make: Make) -> None:
    assert make('    sys.stderr.write("x" * 1_000_000)\n' + _ANSWER).synthesize(DOCUMENT)


def test_its_last_words_are_masked(make: Make) -> None:
    body = '    sys.stderr.write("password=Sup3rS3cretValue99\\n"); sys.stderr.flush(); os._exit(1)'
    with pytest.raises(UnavailableError) as refused:
        make(body).synthesize(DOCUMENT)
    assert "Sup3rS3cretValue99" not in str(refused.value)


def test_a_mistake_becomes_a_rejection_with_its_path(make: Make) -> None:
    body = '    print(json.dumps({"error": {"path": "layers.x", "cause": "is wrong", "fix": "Mend it"}}), flush=True)'
    with pytest.raises(RejectedError) as refused:
        make(body).synthesize(DOCUMENT)
    assert (refused.value.place, refused.value.cause, refused.value.fix) == ("layers.x", "is wrong", "Mend it")


def test_what_does_not_start_says_what_to_install(tmp_path: Path) -> None:
    missing = ChildSynthesizer(command=[sys.executable, "-I", "-m", "no_such_module"])
    with pytest.raises(UnavailableError) as refused:
        missing.synthesize(DOCUMENT)
    assert "No module named no_such_module" in refused.value.cause
    assert "pip install" in refused.value.fix


def test_a_document_that_was_made_before_is_not_made_again(make: Make, log: Path) -> None:
    cache = MemoryCache()
    first = make(cache=cache).synthesize(DOCUMENT)
    again = make(cache=cache).synthesize({"layers": dict(DOCUMENT["layers"])})
    assert dict(first) == dict(again)
    assert log.read_text().splitlines().count("asked") == 1


@pytest.mark.parametrize("kept", [b"no JSON", b"[1]", b'{"network": 1}'])
def test_a_cache_that_was_altered_is_not_believed(make: Make, kept: bytes) -> None:
    class Altered(MemoryCache):
        def get_many(self, namespace: str, keys: object) -> dict[str, bytes]:
            return dict.fromkeys(keys, kept)  # type: ignore[call-overload,no-any-return]

    assert make(cache=Altered()).synthesize(DOCUMENT)["network"].body == "{}"


def test_what_json_cannot_hold_is_refused_before_it_is_asked(make: Make, log: Path) -> None:
    with pytest.raises(RejectedError):
        make().synthesize({"layers": {1, 2}})
    with pytest.raises(RejectedError, match="larger"):
        make().synthesize({"layers": "x" * 3_000_000})
    assert not log.exists()


def test_the_digest_of_the_code_is_one_for_each_state_of_it() -> None:
    assert len(templates_digest()) == 16
    assert templates_digest() == templates_digest()

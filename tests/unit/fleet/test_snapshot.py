"""A snapshot: says what it read, parses each content once, keeps it between runs, and reads only what changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csoc.errors import UnavailableError
from csoc.fleet import parsing
from csoc.fleet.location import Location
from csoc.fleet.parsing import ParsedStore, ReadLimits
from csoc.fleet.repositories import Entry
from csoc.fleet.snapshot import Difference, ParsedFiles, difference
from csoc.testing.caching import MemoryCache
from csoc.testing.repositories import Content, Link, MemoryRepositories, MemoryRepository, MemoryTree, Submodule

APP = b"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: a\n"
VALUES = b"global:\n  hostname: a.example.org\n  list: [1, 2]\n"


@dataclass(frozen=True)
class CountingTree:
    """A tree that remembers which paths were read."""

    tree: MemoryTree
    reads: list[str] = field(default_factory=list)

    @property
    def repository(self) -> str:
        return self.tree.repository

    @property
    def commit(self) -> str:
        return self.tree.commit

    @property
    def revision(self) -> str:
        return self.tree.revision

    @property
    def aliases(self) -> frozenset[str]:
        return self.tree.aliases

    def entries(self) -> Mapping[str, Entry]:
        return self.tree.entries()

    def read(self, path: str, *, limit_bytes: int = 10_000_000) -> bytes:
        self.reads.append(path)
        return self.tree.read(path, limit_bytes=limit_bytes)


def repository() -> MemoryRepository:
    return MemoryRepositories().add("https://git.example.org/team/fleet", aliases=["git.example.org/old/name"])


def at(source: MemoryRepository, branch: str = "main") -> CountingTree:
    return CountingTree(MemoryTree(source, source.branches[branch], branch))


def tree(files: Mapping[str, Content]) -> CountingTree:
    source = repository()
    source.write("main", files)
    return at(source)


FILES: dict[str, Content] = {"a/app.yaml": APP, "a/values.yml": VALUES, "README.md": b"argoproj.io", "b/same.yaml": APP}


def test_files_are_parsed_with_the_place_of_every_key() -> None:
    one = tree(FILES)
    file = ParsedFiles(one, ParsedStore())["a/values.yml"]
    assert file.documents[0].data == {"global": {"hostname": "a.example.org", "list": [1, 2]}}
    assert file.locate(("global", "list", 1)) == Location(one.repository, one.commit, "a/values.yml", 3, 13)
    assert file.locate(("global", "absent", "x")).line == 1
    assert file.locate((), document=7) == Location(one.repository, one.commit, "a/values.yml")
    assert file.line_text(2) == "  hostname: a.example.org"
    assert file.line_text(99) == ""


def test_only_yaml_files_are_listed_and_links_and_submodules_are_not_files() -> None:
    one = tree({**FILES, "link.yaml": Link("a/app.yaml"), "module.yaml": Submodule("0" * 40)})
    files = ParsedFiles(one, ParsedStore())
    assert list(files) == ["a/app.yaml", "a/values.yml", "b/same.yaml"]
    assert "link.yaml" not in files
    with pytest.raises(KeyError):
        files["link.yaml"]


def test_nothing_is_read_before_somebody_asks_and_equal_contents_are_read_once() -> None:
    one = tree(FILES)
    files = ParsedFiles(one, ParsedStore())
    assert one.reads == []
    assert files["b/same.yaml"].documents[0].data == files["a/app.yaml"].documents[0].data
    assert len(one.reads) == 1


def test_a_second_run_parses_nothing_that_the_first_one_did() -> None:
    cache = MemoryCache()
    first = ParsedFiles(tree(FILES), ParsedStore(cache))
    first.load()
    again = tree(FILES)
    second = ParsedFiles(again, ParsedStore(cache))
    second.load()
    assert again.reads == []
    assert [(d.index, d.line, d.data) for file in second.values() for d in file.documents] == [
        (d.index, d.line, d.data) for file in first.values() for d in file.documents
    ]
    assert second["a/values.yml"].locate(("global", "hostname")).line == 2
    assert again.reads == ["a/values.yml"], "places are worked out from the bytes"


def test_an_error_is_kept_with_its_line_and_costs_that_file_only() -> None:
    cache = MemoryCache()
    files: dict[str, Content] = {"bad.yaml": b"a: 1\nb: [1\nc: {{ x\n", "good.yaml": b"a: 1\n"}
    for _ in range(2):
        one = tree(files)
        parsed = ParsedFiles(one, ParsedStore(cache))
        assert parsed["bad.yaml"].documents == ()
        error = parsed["bad.yaml"].error
        assert error is not None
        assert error.line in (2, 3)
        assert parsed["bad.yaml"].locate(("a",)).line == error.line
        assert parsed["good.yaml"].error is None
    assert one.reads == []


def test_a_cached_value_that_is_not_what_was_written_is_treated_as_absent() -> None:
    class Broken(MemoryCache):
        def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]:
            wrong = [b"", b"[]", b"{}", b'{"documents": 3}', b'{"documents": [[1]]}', b'{"error": []}', b"[" * 100_000]
            return {key: wrong[number % len(wrong)] for number, key in enumerate(keys)}

    contents: dict[str, Content] = {f"{number}.yaml": b"a: %d\n" % number for number in range(14)}
    files = ParsedFiles(tree(contents), ParsedStore(Broken()))
    files.load()
    assert [file.documents[0].data["a"] for file in files.values()] == sorted(range(14), key=str)


def test_another_parser_does_not_get_what_this_one_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = MemoryCache()
    ParsedFiles(tree(FILES), ParsedStore(cache)).load()
    monkeypatch.setattr(parsing, "parser_version", lambda: "another")
    again = tree(FILES)
    ParsedFiles(again, ParsedStore(cache)).load()
    assert len(again.reads) == 2


def test_a_file_that_could_not_be_read_now_is_asked_for_again_and_never_cached() -> None:
    class Unreachable(CountingTree):
        def read(self, path: str, *, limit_bytes: int = 10_000_000) -> bytes:
            self.reads.append(path)
            raise UnavailableError("The object is not here", fix="Fetch it")

    source = repository()
    source.write("main", {"a.yaml": b"a: 1\n"})
    cache = MemoryCache()
    unreachable = Unreachable(MemoryTree(source, source.branches["main"], "main"))
    store = ParsedStore(cache)
    error = ParsedFiles(unreachable, store)["a.yaml"].error
    assert error is not None
    assert (error.known, error.fix) == (False, "Fetch it")
    assert ParsedFiles(unreachable, store).mentioning("b") == ["a.yaml"], "not known is not absent"
    assert cache.status().entries == 0
    assert ParsedFiles(at(source), store)["a.yaml"].documents[0].data == {"a": 1}


def test_a_file_over_the_limit_is_refused_without_being_read() -> None:
    one = tree({"large.yaml": b"a: " + b"x" * 2_000, "small.yaml": b"a: 1\n"})
    files = ParsedFiles(one, ParsedStore(limits=ReadLimits(file_bytes=1_000)))
    error = files["large.yaml"].error
    assert error is not None
    assert "2003 bytes" in error.cause
    assert files["small.yaml"].error is None
    assert files.mentioning("y") == ["large.yaml"]
    assert one.reads == ["small.yaml", "small.yaml"]


def test_all_files_together_have_a_limit_too() -> None:
    contents: dict[str, Content] = {f"{number}.yaml": b"a: %d # %s\n" % (number, b"x" * 90) for number in range(9)}
    files = ParsedFiles(tree(contents), ParsedStore(limits=ReadLimits(total_bytes=500)))
    files.load()
    errors = [file.error for file in files.values() if file.error is not None]
    assert len(errors) == 4
    assert {error.known for error in errors} == {False}


def test_aliases_are_not_written_out_into_the_cache() -> None:
    bomb = b"a: &a " + b"x" * 1_000 + b"\nb: &b [" + b"*a, " * 300 + b"]\nc: [" + b"*b, " * 30 + b"]\n"
    cache = MemoryCache()
    one = tree({"bomb.yaml": bomb, "small.yaml": b"a: &a 1\nb: *a\n"})
    files = ParsedFiles(one, ParsedStore(cache))
    files.load()
    assert len(files["bomb.yaml"].documents[0].data["c"]) == 30
    assert (cache.status().entries, cache.status().size_bytes < 1_000) == (1, True)


def test_files_that_mention_a_word_are_found_without_parsing_and_remembered() -> None:
    cache = MemoryCache()
    first = tree(FILES)
    assert ParsedFiles(first, ParsedStore(cache)).mentioning("argoproj.io") == ["a/app.yaml", "b/same.yaml"]
    again = tree(FILES)
    assert ParsedFiles(again, ParsedStore(cache)).mentioning("argoproj.io") == ["a/app.yaml", "b/same.yaml"]
    assert again.reads == []
    assert ParsedFiles(again, ParsedStore(cache)).mentioning("hostname") == ["a/values.yml"]


def test_keys_that_stand_twice_are_found_and_remembered() -> None:
    cache = MemoryCache()
    contents: dict[str, Content] = {"a.yaml": b"x: 1\n---\nm:\n  k: 1\n  k: 2\n", "b.yaml": b"x: 1\n"}
    for _ in range(2):
        one = tree(contents)
        files = ParsedFiles(one, ParsedStore(cache))
        assert files.duplicates(["a.yaml", "b.yaml"]) == {"a.yaml": [(1, ("m", "k"), 5)]}
    assert one.reads == []


def test_refreshing_reads_only_what_changed_and_says_what_did() -> None:
    source = repository()
    source.write("main", {**FILES, "gone.yaml": b"a: 1\n"})
    before, store = at(source), ParsedStore()
    ParsedFiles(before, store).load()
    source.write("main", {"a/values.yml": b"global: {}\n", "new.yaml": b"n: 1\n", "gone.yaml": None, "x.txt": b""})
    after = at(source)
    changes, fresh = difference(before, after), ParsedFiles(after, store)
    fresh.load()
    assert changes == Difference(("new.yaml", "x.txt"), ("a/values.yml",), ("gone.yaml",))
    assert changes.paths == ("a/values.yml", "gone.yaml", "new.yaml", "x.txt")
    assert sorted(after.reads) == ["a/values.yml", "new.yaml"]
    assert fresh["a/values.yml"].documents[0].data == {"global": {}}
    assert fresh["a/app.yaml"].commit == after.commit


def test_the_files_of_the_old_tree_still_say_what_they_said() -> None:
    source = repository()
    source.write("main", FILES)
    store = ParsedStore()
    files = ParsedFiles(at(source), store)
    source.write("main", {"a/values.yml": b"global: {}\n", "b/same.yaml": None})
    ParsedFiles(at(source), store).load()
    assert files["a/values.yml"].documents[0].data["global"]["hostname"] == "a.example.org"
    assert "b/same.yaml" in files


def test_a_file_that_became_a_link_has_changed() -> None:
    source = repository()
    source.write("main", {"a.yaml": b"target"})
    before = at(source)
    source.write("main", {"a.yaml": Link("target")})
    assert difference(before, at(source)) == Difference(changed=("a.yaml",))


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from([b"1", b"2"])),
    st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from([b"1", b"2"])),
)
def test_the_difference_is_what_differs(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    found = difference(tree(before), tree(after))
    assert set(found.added) == after.keys() - before.keys()
    assert set(found.removed) == before.keys() - after.keys()
    assert set(found.changed) == {path for path in before.keys() & after.keys() if before[path] != after[path]}


def test_only_json_reaches_the_cache() -> None:
    kept: list[bytes] = []

    class Watching(MemoryCache):
        def put_many(self, namespace: str, items: Mapping[str, bytes]) -> None:
            kept.extend(items.values())

    files = ParsedFiles(tree({**FILES, "bad.yaml": b"a: [\n"}), ParsedStore(Watching()))
    files.load()
    files.mentioning("x")
    assert len(kept) == 6
    assert all(json.loads(value) is not None for value in kept)


_LINES = st.lists(
    st.sampled_from(
        [
            "a: 1", "b: x y", "a: 2", "c:", "  a: 1", "  b: 2", "  a: 3", "  - a: 1", "    a: 2", "    b: 1", "  - b",
            "- a", "# a: 1", "a: 1 # b: 2", "a#b: 1", 'd: "a: 1"', 'd: "a # b"', '"a": 1', "'a': 1", "e: {a: 1, a: 2}",
            "f: |", "  text: 1", "g: &x 1", "h: *x", "? a", ": 1", "---", "a: http://x:80/y", "i: 1\u2028a: 2", "j: >",
            "a:\tb",
            "k: 'b: 1'", "<<: {a: 1}", "- - a: 1", "    - a: 1", "l: [a, b]", "%YAML 1.1", "!t a: 1", 'm: "x', '  y: "',
        ]
    ),
    max_size=7,
)  # fmt: skip


@settings(deadline=None)
@given(_LINES)
def test_the_shortcut_never_misses_a_key_that_stands_twice(lines: list[str]) -> None:
    content = "\n".join(lines).encode()
    file = ParsedFiles(tree({"a.yaml": content}), ParsedStore())["a.yaml"]
    if any(document.duplicates() for document in file.documents):
        assert not parsing._has_each_key_once(content, file.documents)


def test_the_shortcut_serves_ordinary_documents() -> None:
    content = b'# yes\na: 1  # no: x\nb:\n  - c: "x"\n    d: e:f\n  - c: y\n    d: "1.0"  # z\n'
    file = ParsedFiles(tree({"a.yaml": content}), ParsedStore())["a.yaml"]
    assert parsing._has_each_key_once(content, file.documents)

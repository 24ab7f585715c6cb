"""Who owns a file, by GitHub's and by Gitea's rules, and that no file can keep csoc busy."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.codeowners import (
    LOCATIONS,
    MAX_FILE_BYTES,
    CodeOwners,
    Dialect,
    find_codeowners,
    group_by_owners,
    parse_codeowners,
)
from csoc.fleet.linearregex import Budget, compile_pattern


def github(text: str) -> CodeOwners:
    return parse_codeowners(text.encode(), Dialect.GITHUB)


def gitea(text: str) -> CodeOwners:
    return parse_codeowners(text.encode(), Dialect.GITEA)


def covers(pattern: str, path: str) -> bool:
    return github(f"{pattern} @someone").owners(path) == {"@someone"}


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*", ["README.md", "a/b/c.yaml", ".github/CODEOWNERS"], []),
        ("/*", ["README.md"], ["a/b.yaml"]),
        ("**", ["README.md", "a/b"], []),
        ("*.yaml", ["a.yaml", "deep/down/b.yaml", "odd.yaml/file"], ["a.yml", "yaml"]),
        ("/commons/prod/", ["commons/prod/values.yaml", "commons/prod/a/b"], ["x/commons/prod/a", "commons/prod"]),
        ("/commons/prod", ["commons/prod", "commons/prod/a/b"], ["commons/production", "x/commons/prod"]),
        ("commons/prod", ["commons/prod", "commons/prod/a/b"], ["x/commons/prod"]),
        ("docs/*", ["docs/a.md"], ["docs/deep/a.md", "x/docs/a.md"]),
        ("docs/*.md", ["docs/a.md"], ["docs/deep/a.md", "docs/a.txt"]),
        ("apps/", ["apps/a", "x/apps/b/c"], ["apps", "x/myapps/b"]),
        ("apps", ["apps", "x/apps", "x/apps/b/c"], ["myapps"]),
        ("**/logs", ["logs", "a/b/logs", "a/logs/c"], ["mylogs", "a/logsx"]),
        ("/a/**/z", ["a/z", "a/b/z", "a/b/c/z/y"], ["a/zz", "b/a/z"]),
        ("/a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("/env-?/values.yaml", ["env-a/values.yaml"], ["env-ab/values.yaml", "env-/values.yaml", "env-//values.yaml"]),
        ("/a.b+c(d)", ["a.b+c(d)"], ["axb+c(d)", "a.bbc(d)"]),
        (r"/with\ space/", ["with space/a"], ["with/a"]),
        (r"/star\*", ["star*"], ["starry"]),
        ("/Case", ["Case"], ["case"]),
    ],
)
def test_github_patterns_cover_what_its_documentation_says(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert [path for path in inside if not covers(pattern, path)] == []
    assert [path for path in outside if covers(pattern, path)] == []


def test_on_github_the_last_line_that_matches_decides_even_if_it_names_nobody() -> None:
    owners = github("* @all\n*.yaml @yaml\n/apps/ @apps @second\n/apps/github\n")
    assert owners.owners("a.md") == {"@all"}
    assert owners.owners("a.yaml") == {"@yaml"}
    assert owners.owners("apps/a.yaml") == {"@apps", "@second"}
    assert owners.owners("apps/github/a.yaml") == frozenset()


def test_github_comments_blank_lines_teams_and_mail_addresses_are_read() -> None:
    owners = github("# * @nobody\n\n*.js @js #an inline comment @x\n*.go docs@example.com\n*.txt @org/te.am\r\n")
    assert owners.problems == ()
    assert owners.owners("a.js") == {"@js"}
    assert owners.owners("a.go") == {"docs@example.com"}
    assert owners.owners("a.txt") == {"@org/te.am"}


@pytest.mark.parametrize(
    "line",
    ["!*.js @a", "*.[ch] @a", r"\#a @a", "a/***/b @a", "/ @a", "*.js nobody", "*.js @a/b/c", "*.js @", "x" * 2000],
)
def test_a_line_that_github_does_not_accept_is_a_problem_and_the_others_count(line: str) -> None:
    owners = github(f"* @all\n{line}\n/a @a\n")
    assert [problem.line for problem in owners.problems] == [2]
    assert not owners.problems[0].unsupported
    assert owners.owners("x.js") == {"@all"}
    assert owners.owners("a") == {"@a"}


def test_owners_are_one_whatever_their_capitals() -> None:
    assert github("/a @Ada\n/b @ada @ADA\n").owners("b") == {"@Ada"}


def test_on_gitea_patterns_are_expressions_for_the_whole_path_and_all_that_match_add_owners() -> None:
    owners = gitea("commons/.* @ops\ncommons/prod/.* @org/prod\n.*\\\\.ya?ml yaml-people\nREADME @writer\n")
    assert owners.problems == ()
    assert owners.owners("commons/prod/a.yaml") == {"@ops", "@org/prod", "@yaml-people"}
    assert owners.owners("commons/prod/a_yaml") == {"@ops", "@org/prod"}
    assert owners.owners("README.md") == frozenset()


def test_on_gitea_an_exclamation_mark_means_all_other_files() -> None:
    owners = gitea("!docs/.* @ops")
    assert owners.owners("docs/a.md") == frozenset()
    assert owners.owners("values.yaml") == {"@ops"}


def test_on_gitea_a_hash_begins_a_comment_anywhere_and_a_backslash_is_needed_twice() -> None:
    owners = gitea("a#b @one\nc.* @two # a comment\n\\#d @three\ne\\ f @four\n")
    assert owners.owners("c1") == {"@two"}
    assert owners.owners("#d") == {"@three"}
    assert owners.owners("e f") == {"@four"}
    assert [problem.line for problem in owners.problems] == [1]


@pytest.mark.parametrize("line", ["alone", "(a @x", "*.js @x", "a @x/y/z", "[a @x", "a{3,2} @x"])
def test_a_line_that_gitea_does_not_accept_is_a_problem(line: str) -> None:
    owners = gitea(f"{line}\n.* @all")
    assert [(problem.line, problem.unsupported) for problem in owners.problems] == [(1, False)]
    assert owners.owners("a") == {"@all"}


def test_an_expression_that_only_csoc_does_not_understand_is_told_apart() -> None:
    assert [problem.unsupported for problem in gitea("(?i)a @x\n\\\\pL @x\n(a @x").problems] == [True, True, False]


def test_the_file_is_found_where_each_host_looks_first() -> None:
    everywhere = {path for paths in LOCATIONS.values() for path in paths}
    assert find_codeowners(everywhere, Dialect.GITHUB) == ".github/CODEOWNERS"
    assert find_codeowners(everywhere, Dialect.GITEA) == "CODEOWNERS"
    assert find_codeowners({".github/CODEOWNERS"}, Dialect.GITEA) is None
    assert find_codeowners({".gitea/CODEOWNERS"}, Dialect.GITHUB) is None


def test_files_are_grouped_by_everyone_who_has_to_agree() -> None:
    owners = github("* @all\n/a/ @x @y\n/b/ @y @x\n/c/\n")
    paths = ["b/2", "a/1", "README.md", "c/3", "a/1"]
    assert group_by_owners(paths, owners) == {
        frozenset(): ["c/3"],
        frozenset({"@all"}): ["README.md"],
        frozenset({"@x", "@y"}): ["a/1", "b/2"],
    }


def test_a_file_over_githubs_limit_is_not_loaded_and_says_so() -> None:
    owners = parse_codeowners(b"* @all\n" + b"#" * MAX_FILE_BYTES, Dialect.GITHUB)
    assert owners.rules == ()
    assert owners.problems[0].line == 0


@pytest.mark.parametrize(
    ("dialect", "content"),
    [
        (Dialect.GITHUB, b"a @x\n" * 6_000),
        (Dialect.GITHUB, b"! @x\n" * 6_000),
        (Dialect.GITEA, b"(a{40}){40} @x\n" * 400),
    ],
)
def test_a_file_with_more_than_csoc_reads_is_refused_rather_than_half_read(dialect: Dialect, content: bytes) -> None:
    with pytest.raises(RejectedError, match="more or larger patterns"):
        parse_codeowners(content, dialect)


@pytest.mark.parametrize(
    ("dialect", "line"),
    [
        (Dialect.GITEA, "(a*)*(a*)*(a*)*b @x"),
        (Dialect.GITEA, "(a|a|aa|a?)+(x+x+)+y @x"),
        (Dialect.GITEA, "(.*){30}(.*){30}z @x"),
        (Dialect.GITEA, "((((()*)*)*)*)*" + "(){1000}" * 100 + " @x"),
        (Dialect.GITEA, "(((((){1000}){1000}){1000}){1000}){1000} @x"),
        (Dialect.GITHUB, "*a" * 400 + "b @x"),
        (Dialect.GITHUB, "**/a/" * 150 + "b @x"),
    ],
)
def test_a_pattern_made_to_take_years_takes_no_time(dialect: Dialect, line: str) -> None:
    start = time.process_time()
    owners = parse_codeowners(line.encode(), dialect)
    assert owners.owners("a/" * 100 + "a" * 300) == frozenset()
    assert time.process_time() - start < 5


def test_many_large_patterns_together_end_at_the_budget() -> None:
    owners = gitea("\n".join(f"(.*a.*|.*b){{40}}{n} @x" for n in range(300)))
    with pytest.raises(RejectedError, match="too much time"):
        owners.owners("ab" * 200, Budget(left=100_000))


@pytest.mark.parametrize(
    "pattern",
    [
        "a{2,3}b",
        "a{x}",
        "[]a]+",
        "[^/]+/x",
        "[a-cx-z_-]*",
        r"\d+\.\w*",
        "a|",
        "(?:ab)+?",
        "(?P<n>a)b",
        "^a$",
        "a$b",
        "a^b",
        "(?:^a|b$|x)+",
    ],
)
@given(text=st.text(alphabet="ab/x-_.3{},]", max_size=8))
def test_expressions_match_what_pythons_own_do_on_the_common_syntax(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text, Budget()) == bool(re.fullmatch(pattern, text))


_TREES = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "/"]),
    lambda part: st.one_of(
        st.lists(part, min_size=1, max_size=3).map("".join),
        st.lists(part, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(part, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)


@given(pattern=_TREES, text=st.text(alphabet="ab/", max_size=7))
def test_any_expression_of_the_common_syntax_matches_what_pythons_own_does(pattern: str, text: str) -> None:
    compiled = compile_pattern(pattern)
    for _ in range(2):  # the second time from what is remembered
        assert compiled.matches(text, Budget()) == bool(re.fullmatch(pattern, text))


def test_a_brace_that_is_no_repetition_stands_for_itself_as_in_go() -> None:
    assert compile_pattern("a{,3}").matches("a{,3}", Budget())
    assert not compile_pattern("a{,3}").matches("aa", Budget())


@given(text=st.text(alphabet="ab()[]{}|*+?\\^$.-,:09P<>d!", max_size=25))
def test_any_text_is_an_expression_or_is_refused_with_the_place(text: str) -> None:
    refused = ""
    try:
        compile_pattern(text).matches("ab", Budget())
    except RejectedError as error:
        refused = error.cause
    assert refused == "" or "at character" in refused or "too large" in refused


@given(content=st.binary(max_size=200), dialect=st.sampled_from(Dialect))
def test_any_bytes_are_a_codeowners_file(content: bytes, dialect: Dialect) -> None:
    owners = parse_codeowners(content, dialect)
    assert group_by_owners(["a/b.yaml"], owners)

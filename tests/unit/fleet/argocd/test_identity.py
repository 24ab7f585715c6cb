"""Which URL and which revision mean the repository at hand."""

from __future__ import annotations

import pytest

from csoc.errors import NotFoundError, UnavailableError
from csoc.fleet.argocd.same_repository import Reference, folders, identify, repository_key
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.location import Location
from tests.unit.fleet.argocd import making

URL = "https://github.com/example/gitops.git"
FILES = {"a/values.yaml": "", "b/values.yaml": "", "c/values.yaml": ""}


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/example/gitops",
        "https://github.com/example/gitops.git",
        "https://github.com/example/gitops.git/",
        "https://GitHub.com/example/gitops",
        "git@github.com:example/gitops.git",
        "ssh://git@github.com/example/gitops",
        "ssh://git@github.com:22/example/gitops.git",
    ],
)
def test_spellings_of_one_repository_have_one_key(url: str) -> None:
    assert repository_key(url) == "github.com/example/gitops"


def test_a_clone_is_known_by_its_remotes() -> None:
    tree = making.tree(FILES, "/home/me/gitops", "work tree", aliases=("github.com/example/gitops",))
    found = identify(tree, [Reference(URL, "main", ("nothing/here.yaml",))])
    assert found.is_self("git@github.com:example/gitops.git")
    assert not found.is_self("https://github.com/example/charts")


def test_a_repository_at_a_host_with_a_port_is_known_by_its_own_name() -> None:
    url = "https://git.example.org:3000/ops/gitops.git"
    found = identify(making.tree(FILES, url), [Reference(url, "main", ("a/values.yaml",))])
    assert found.is_self(url)


def test_a_plain_folder_is_known_by_the_paths_that_are_named_and_exist() -> None:
    tree = making.tree(FILES, "/home/me/gitops", "work tree")
    references = [
        Reference(URL, "main", ("a/values.yaml", "b/values.yaml")),
        Reference(URL.removesuffix(".git"), "main", ("c", "missing/values.yaml")),
        Reference("https://github.com/example/charts", "v1", ("helm/gen3",)),
    ]
    found = identify(tree, references)
    assert found.is_self(URL)
    assert not found.is_self("https://github.com/example/charts")
    assert found.evidence == "github.com/example/gitops is taken for this repository: 3 of 4 paths it names exist here"


def test_a_plain_folder_where_most_named_paths_are_missing_is_taken_for_nothing() -> None:
    tree = making.tree(FILES, "/home/me/gitops", "work tree")
    found = identify(tree, [Reference(URL, "main", ("a/values.yaml", "x", "y"))])
    assert not found.is_self(URL)


def test_a_clone_with_remotes_is_never_guessed() -> None:
    tree = making.tree(FILES, "/home/me/gitops", "work tree", aliases=("github.com/me/fork",))
    assert not identify(tree, [Reference(URL, "main", ("a/values.yaml",))]).is_self(URL)


def test_a_clone_of_a_folder_is_recognised_like_the_folder() -> None:
    tree = making.tree(FILES, "/home/me/copy", "work tree", aliases=("/home/me/gitops",))
    assert identify(tree, [Reference(URL, "main", ("a/values.yaml", "b/values.yaml"))]).is_self(URL)


def test_a_person_overrules_the_guess() -> None:
    tree = making.tree(FILES, "/home/me/gitops", "work tree")
    found = identify(tree, [Reference(URL, "main", ("a", "b", "c"))], ["https://example.org/other"])
    assert found.is_self("https://example.org/other")
    assert not found.is_self(URL)


def test_the_branch_that_most_references_name_means_the_tree_at_hand_with_a_note() -> None:
    tree = making.tree(FILES, URL, "work tree")
    found = identify(tree, [Reference(URL, "master"), Reference(URL, "master"), Reference(URL, "dev")])
    assert found.revisions >= {"master", "", "HEAD", "work tree"}
    assert "dev" not in found.revisions
    assert '"master"' in found.notes[0]
    assert "2 of 3" in found.notes[0]


def test_no_note_is_needed_where_the_references_name_what_was_read() -> None:
    tree = making.tree(FILES, URL, "main")
    assert identify(tree, [Reference(URL, "main"), Reference(URL, "")]).notes == ()


def test_folders_are_all_parents() -> None:
    assert folders(["a/b/c.yaml", "d.yaml"]) == {"", "a", "a/b"}


PLACE = Location("r", "c" * 40, "app.yaml", 3)
OTHER = Location("r", "c" * 40, "b.yaml", 4)


def trees_of(home_revision: str = "work tree", **others: object) -> tuple[Trees, making.Opener]:
    home = making.tree(FILES, URL, home_revision)
    opener = making.opener({(URL, revision): found for revision, found in others.items()})  # type: ignore[misc]
    return Trees(home, identify(home, [Reference(URL, "master")]), opener), opener


def test_the_tree_at_hand_is_not_opened_again() -> None:
    trees, opener = trees_of()
    for revision in ("master", "", "HEAD", trees.home.commit, trees.home.commit[:9]):
        assert trees.resolve(URL, revision, PLACE) is trees.home
    assert opener.asked == []


def test_another_branch_of_the_same_repository_is_opened_once() -> None:
    dev = making.tree(FILES, URL, "dev")
    trees, opener = trees_of(dev=dev)
    assert trees.resolve(URL, "dev", PLACE) is dev
    assert trees.resolve("git@github.com:example/gitops.git", "dev", OTHER) is dev
    assert opener.asked == [(URL, "dev")]
    assert trees.problems() == ()


def test_an_unreachable_repository_is_one_problem_with_all_its_places() -> None:
    trees, opener = trees_of(dev=UnavailableError("the host does not answer", fix="Try again"))
    assert trees.resolve(URL, "dev", OTHER) is None
    assert trees.resolve(URL, "dev", PLACE) is None
    assert len(opener.asked) == 1
    (problem,) = trees.problems()
    assert problem.kind == "unreachable repository"
    assert problem.location == PLACE
    assert problem.places == (OTHER,)
    assert "does not answer" in problem.cause
    assert problem.fix == "Try again"


def test_a_missing_branch_and_an_unreachable_host_are_told_apart() -> None:
    trees, _ = trees_of(gone=NotFoundError("There is no branch gone"))
    trees.resolve(URL, "gone", PLACE)
    assert "looked for and is not there" in trees.problems()[0].cause


def test_no_more_than_the_limit_is_opened() -> None:
    home = making.tree(FILES, URL, "main")
    opener = making.opener({(f"https://x.org/{n}", ""): home for n in range(5)})
    trees = Trees(home, identify(home, []), opener, limit=2)
    found = [trees.resolve(f"https://x.org/{n}", "", PLACE) for n in range(5)]
    assert [tree is not None for tree in found] == [True, True, False, False, False]
    assert len(opener.asked) == 2
    (problem,) = trees.problems()
    assert problem.cause == "3 more repositories and revisions were not read: no more than 2 are"


def test_a_clone_with_another_name_is_not_taken_for_what_it_may_be_but_the_way_is_shown() -> None:
    tree = making.tree(FILES, "/home/me/gitops", "work tree", aliases=("github.com/me/fork",))
    found = identify(tree, [Reference(URL, "main", ("a/values.yaml",))])
    assert not found.is_self(URL)
    assert found.notes == (
        "github.com/example/gitops may be this repository: 1 of 1 paths it names exist here; "
        f"if it is, say so: --own-url {URL}",
    )


def test_a_host_that_never_answers_is_not_asked_for_each_of_its_repositories() -> None:
    home = making.tree(FILES, URL, "main")
    others = {(f"https://down.org/{n}", ""): UnavailableError("No answer") for n in range(9)}
    opener = making.opener(others | {("https://up.org/1", ""): home})
    trees = Trees(home, identify(home, []), opener)
    assert all(trees.resolve(f"https://down.org/{n}", "", PLACE) is None for n in range(9))
    assert len(opener.asked) == 3
    assert trees.resolve("https://up.org/1", "", PLACE) is home
    assert "down.org did not answer 3 times" in trees.problems()[-1].cause


def test_a_host_that_answered_before_is_asked_again() -> None:
    home = making.tree(FILES, URL, "main")
    others = {(f"https://slow.org/{n}", ""): UnavailableError("Too slow") for n in range(9)}
    opener = making.opener({("https://slow.org/ok", ""): home, **others})
    trees = Trees(home, identify(home, []), opener)
    assert trees.resolve("https://slow.org/ok", "", PLACE) is home
    assert all(trees.resolve(f"https://slow.org/{n}", "", PLACE) is None for n in range(9))
    assert len(opener.asked) == 10


def test_repositories_that_cannot_be_read_count_towards_the_limit() -> None:
    home = making.tree(FILES, URL, "main")
    opener = making.opener({})
    trees = Trees(home, identify(home, []), opener, limit=2)
    assert [trees.resolve(f"https://x.org/{n}", "", PLACE) for n in range(1000)] == [None] * 1000
    assert len(opener.asked) == 2
    assert len(trees.problems()) == 3

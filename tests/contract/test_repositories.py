"""The contract of the port to repositories, on every implementation: in memory, local Git, and Git over smart HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from csoc.adapters.git import GitRepositories
from csoc.config import Limits, Settings
from csoc.errors import ConflictError, DeniedError, NotFoundError, RejectedError
from csoc.fleet.repositories import Change, CommitRequest, EntryKind, SourceAddress, Tree
from csoc.testing.repositories import Link, Submodule, blob_id
from tests.contract.git_http import git_server
from tests.contract.git_sites import MONDAY, GitWorld, MemoryWorld, Site, World


@pytest.fixture(params=["memory", "local", "http"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    folder = tmp_path / "hosted"
    folder.mkdir()
    settings = Settings(cache_dir=tmp_path / "cache", limits=Limits(fetch_seconds=60, connect_seconds=30))

    def make() -> GitRepositories:
        return GitRepositories(settings, environ={})

    if request.param == "local":
        yield GitWorld(make, folder, None)
        return
    with git_server(folder) as server:
        yield GitWorld(make, folder, server)


def commit_request(tree: Tree, changes: Mapping[str, bytes | None], **more: object) -> CommitRequest:
    entries = tree.entries()
    given: dict[str, object] = {
        "branch": "main",
        "base": tree.commit,
        "changes": [
            Change(path, new, entries[path].blob if path in entries else None) for path, new in changes.items()
        ],
        "message": "Set a value",
        "author_name": "Grace",
        "author_email": "grace@example.org",
        "at": datetime(2026, 2, 1, 12, 0, tzinfo=UTC),
        "read": {},
    }
    return CommitRequest(**{**given, **more})  # type: ignore[arg-type]


@pytest.fixture
def fleet(world: World) -> Site:
    site = world.site("fleet")
    site.write("main", {"a.yaml": b"a: 1\n", "envs/prod/values.yaml": b"replicas: 2\n"}, "First")
    return site


def test_a_tree_lists_every_path_with_gits_own_blob_ids(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    assert list(tree.entries()) == ["a.yaml", "envs/prod/values.yaml"]
    entry = tree.entries()["a.yaml"]
    assert (entry.blob, entry.size_bytes, entry.kind) == (blob_id(b"a: 1\n"), 5, EntryKind.FILE)
    assert tree.read("envs/prod/values.yaml") == b"replicas: 2\n"


def test_entries_are_sorted_by_path_and_not_by_folder(world: World) -> None:
    site = world.site("sorted")
    site.write("main", {"a/x": b"", "a.b": b"", "a-c": b"", "a0": b""})
    assert list(world.repositories.open(site.address).entries()) == ["a-c", "a.b", "a/x", "a0"]


def test_a_tree_names_its_repository_commit_and_revision(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    assert tree.commit == fleet.head("main")
    assert tree.revision == "main"
    assert tree.repository.removesuffix(".git").endswith("/fleet")
    assert world.repositories.open(fleet.address, tree.commit).revision == tree.commit


def test_without_a_revision_the_default_branch_is_opened_whatever_its_name(world: World) -> None:
    site = world.site("trunk", default_branch="trunk")
    site.write("trunk", {"a": b"trunk"})
    site.write("main", {"a": b"main"}, parents=[])
    tree = world.repositories.open(site.address)
    assert (tree.revision, tree.read("a")) == ("trunk", b"trunk")


@pytest.mark.parametrize("revision", ["feature/x", "refs/heads/feature/x"])
def test_a_branch_is_opened_by_its_short_and_its_full_name(world: World, fleet: Site, revision: str) -> None:
    commit = fleet.write("feature/x", {"a.yaml": b"a: 2\n"}, parents=[fleet.head("main")])
    assert world.repositories.open(fleet.address, revision).commit == commit


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_means_its_commit(world: World, fleet: Site, annotated: bool) -> None:
    commit = fleet.head("main")
    fleet.tag("v1", commit, annotated=annotated)
    fleet.write("main", {"a.yaml": b"a: 2\n"})
    assert world.repositories.open(fleet.address, "v1").commit == commit
    assert world.repositories.open(fleet.address, "refs/tags/v1").commit == commit


def test_a_branch_wins_over_a_tag_of_the_same_name(world: World, fleet: Site) -> None:
    fleet.tag("same", fleet.head("main"))
    commit = fleet.write("same", {"a.yaml": b"a: 2\n"}, parents=[fleet.head("main")])
    assert world.repositories.open(fleet.address, "same").commit == commit


def test_a_commit_is_opened_by_its_whole_and_its_short_id(world: World, fleet: Site) -> None:
    first = fleet.head("main")
    fleet.write("main", {"a.yaml": b"a: 2\n"})
    assert world.repositories.open(fleet.address, first).read("a.yaml") == b"a: 1\n"
    assert world.repositories.open(fleet.address, first[:12]).commit == first


def test_head_and_steps_back_from_it_are_understood(world: World, fleet: Site) -> None:
    first = fleet.head("main")
    second = fleet.write("main", {"a.yaml": b"a: 2\n"})
    assert world.repositories.open(fleet.address, "HEAD").commit == second
    assert world.repositories.open(fleet.address, "HEAD~1").commit == first
    assert world.repositories.open(fleet.address, "main^").commit == first
    with pytest.raises(NotFoundError):
        world.repositories.open(fleet.address, "main~2")


@pytest.mark.parametrize("revision", ["nothing", "0" * 40, "abcdef0", "refs/heads/nothing", "v9"])
def test_a_revision_that_is_not_there_is_not_found(world: World, fleet: Site, revision: str) -> None:
    with pytest.raises(NotFoundError, match=revision):
        world.repositories.open(fleet.address, revision)


@pytest.mark.parametrize("revision", ["--upload-pack=touch x", "-f", "a..b", "main@{1}", "a\nb", "", "a b", "x:y"])
def test_a_revision_that_is_no_name_is_refused(world: World, fleet: Site, revision: str) -> None:
    with pytest.raises(RejectedError):
        world.repositories.open(fleet.address, revision)


def test_a_branch_named_like_an_option_leaves_the_others_readable(world: World, fleet: Site) -> None:
    fleet.write("--upload-pack=x", {"a.yaml": b"evil"}, parents=[fleet.head("main")])
    assert world.repositories.open(fleet.address, "main").read("a.yaml") == b"a: 1\n"


def test_a_repository_that_is_not_there_is_not_found(world: World, fleet: Site) -> None:
    with pytest.raises(NotFoundError):
        world.repositories.open(SourceAddress(fleet.address.url.replace("fleet", "nothing"), trusted=True))


def test_a_repository_without_commits_is_not_found_and_says_so(world: World) -> None:
    with pytest.raises(NotFoundError, match="no commits"):
        world.repositories.open(world.site("empty").address)


def test_links_and_submodules_are_listed_and_never_followed(world: World) -> None:
    site = world.site("odd")
    site.write("main", {"link": Link("/etc/passwd"), "module": Submodule("1" * 40), "a": b""})
    tree = world.repositories.open(site.address)
    assert {path: entry.kind for path, entry in tree.entries().items()} == {
        "a": EntryKind.FILE,
        "link": EntryKind.LINK,
        "module": EntryKind.SUBMODULE,
    }
    assert tree.entries()["module"].size_bytes == 0
    for path in ("link", "module"):
        with pytest.raises(RejectedError):
            tree.read(path)


def test_a_file_larger_than_the_limit_is_listed_and_not_read(world: World) -> None:
    site = world.site("large")
    site.write("main", {"large.yaml": b"x" * 1000})
    tree = world.repositories.open(site.address)
    assert tree.entries()["large.yaml"].size_bytes == 1000
    with pytest.raises(RejectedError, match="1000 bytes"):
        tree.read("large.yaml", limit_bytes=999)
    assert len(tree.read("large.yaml", limit_bytes=1000)) == 1000


def test_reading_what_is_not_there_is_not_found(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    for path in ("nothing", "envs", "envs/prod", "../a.yaml", "a.yaml/b"):
        with pytest.raises(NotFoundError):
            tree.read(path)


def test_an_open_tree_stays_what_it_was(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    fleet.write("main", {"a.yaml": b"a: 2\n"})
    assert tree.read("a.yaml") == b"a: 1\n"
    assert world.look_again().open(fleet.address).read("a.yaml") == b"a: 2\n"


def test_history_names_each_commit_that_changed_the_path_newest_first(world: World, fleet: Site) -> None:
    second = fleet.write("main", {"a.yaml": b"a: 2\n"}, "Second\n\nWhy", at=MONDAY + timedelta(days=1))
    fleet.write("main", {"other": b"x"}, "Elsewhere", at=MONDAY + timedelta(days=2))
    third = fleet.write("main", {"a.yaml": None}, "Third", author="Bo <bo@x.org>", at=MONDAY + timedelta(days=3))
    found = world.repositories.history(world.repositories.open(fleet.address), "a.yaml")
    assert [(info.subject, blob) for info, blob in found] == [
        ("Third", None),
        ("Second", blob_id(b"a: 2\n")),
        ("First", blob_id(b"a: 1\n")),
    ]
    assert [info.commit for info, _ in found][:2] == [third, second]
    assert found[0][0].author == "Bo <bo@x.org>"
    assert found[0][0].at == MONDAY + timedelta(days=3)


def test_history_knows_whom_a_message_names_as_authors_besides(world: World, fleet: Site) -> None:
    message = "Second\n\nWhy\n\nCo-authored-by: Bea <bea@x.org>\nco-authored-by:  Carl King <carl@x.org> \r\n"
    fleet.write("main", {"a.yaml": b"a: 2\n"}, message, author="merge-bot <bot@x.org>", at=MONDAY + timedelta(days=1))
    found = world.repositories.history(world.repositories.open(fleet.address), "a.yaml")
    assert found[0][0].author == "merge-bot <bot@x.org>"
    assert found[0][0].co_authors == ("Bea <bea@x.org>", "Carl King <carl@x.org>")
    assert found[1][0].co_authors == ()


def test_history_follows_the_side_of_a_merge_that_the_file_came_from(world: World, fleet: Site) -> None:
    first = fleet.head("main")
    side = fleet.write("side", {"a.yaml": b"side\n"}, "Side", parents=[first], at=MONDAY + timedelta(days=1))
    main = fleet.write("main", {"other": b"x"}, "Main", at=MONDAY + timedelta(days=2))
    fleet.write("main", {"a.yaml": b"side\n"}, "Merge", parents=[main, side], at=MONDAY + timedelta(days=3))
    tree = world.repositories.open(fleet.address)
    assert [info.subject for info, _ in world.repositories.history(tree, "a.yaml")] == ["Side", "First"]
    assert [info.subject for info, _ in world.repositories.history(tree, "other")] == ["Main"]


def test_a_merge_that_made_its_own_content_is_in_the_history(world: World, fleet: Site) -> None:
    first = fleet.head("main")
    side = fleet.write("side", {"a.yaml": b"side\n"}, "Side", parents=[first], at=MONDAY + timedelta(days=1))
    main = fleet.write("main", {"a.yaml": b"main\n"}, "Main", at=MONDAY + timedelta(days=2))
    fleet.write("main", {"a.yaml": b"both\n"}, "Merge", parents=[main, side], at=MONDAY + timedelta(days=3))
    found = world.repositories.history(world.repositories.open(fleet.address), "a.yaml")
    assert [info.subject for info, _ in found] == ["Merge", "Main", "Side", "First"]


def test_history_ends_at_its_limit_and_is_empty_for_a_path_that_never_was(world: World, fleet: Site) -> None:
    for number in range(5):
        fleet.write("main", {"a.yaml": b"%d" % number}, at=MONDAY + timedelta(days=number + 1))
    tree = world.repositories.open(fleet.address)
    assert len(world.repositories.history(tree, "a.yaml", limit=3)) == 3
    assert list(world.repositories.history(tree, "never.yaml")) == []
    assert list(world.repositories.history(tree, "envs")) == []


def test_an_older_blob_can_be_read_within_the_limit(world: World, fleet: Site) -> None:
    fleet.write("main", {"a.yaml": b"a: 2\n"})
    tree = world.repositories.open(fleet.address)
    assert world.repositories.read_blob(tree, blob_id(b"a: 1\n")) == b"a: 1\n"
    with pytest.raises(RejectedError):
        world.repositories.read_blob(tree, blob_id(b"a: 1\n"), limit_bytes=4)
    for blob in ("1" * 40, "a.yaml", tree.commit):
        with pytest.raises(NotFoundError):
            world.repositories.read_blob(tree, blob)


def test_merge_base_is_where_two_branches_parted(world: World, fleet: Site) -> None:
    first = fleet.head("main")
    fleet.write("side", {"b": b"1"}, parents=[first], at=MONDAY + timedelta(days=1))
    fleet.write("main", {"c": b"1"}, at=MONDAY + timedelta(days=2))
    base = world.repositories.merge_base(world.repositories.open(fleet.address, "side"), "main")
    assert base.commit == first
    assert base.read("a.yaml") == b"a: 1\n"


def test_merge_base_is_not_found_for_strangers_and_unknown_revisions(world: World, fleet: Site) -> None:
    fleet.write("stranger", {"b": b"1"}, "Another beginning", parents=[])
    tree = world.repositories.open(fleet.address)
    for revision in ("stranger", "nothing"):
        with pytest.raises(NotFoundError):
            world.repositories.merge_base(tree, revision)


def test_a_commit_adds_changes_and_removes_files_and_keeps_the_rest(world: World, fleet: Site) -> None:
    fleet.write("main", {"old/deep/file": b"x", "script": b"#!"})
    tree = world.repositories.open(fleet.address)
    changes = {"a.yaml": b"a: 2\n", "new/deep/b.yaml": b"b: 1\n", "old/deep/file": None}
    commit = world.repositories.commit(fleet.address, commit_request(tree, changes))
    assert fleet.head("main") == commit
    after = world.look_again().open(fleet.address)
    assert after.commit == commit
    assert list(after.entries()) == ["a.yaml", "envs/prod/values.yaml", "new/deep/b.yaml", "script"]
    assert after.read("a.yaml") == b"a: 2\n"


def test_a_commit_says_who_when_and_what(world: World, fleet: Site) -> None:
    request = commit_request(world.repositories.open(fleet.address), {"a.yaml": b"a: 2\n"})
    commit = world.repositories.commit(fleet.address, request)
    after = world.look_again().open(fleet.address)
    info, blob = world.repositories.history(after, "a.yaml")[0] if after.commit == commit else (None, None)
    assert info is not None
    assert (info.commit, info.author, info.at) == (commit, "Grace <grace@example.org>", request.at)
    assert (info.subject, blob) == ("Set a value", blob_id(b"a: 2\n"))


def test_a_commit_is_rebuilt_on_a_branch_that_moved_elsewhere(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    theirs = fleet.write("main", {"theirs": b"x"})
    commit = world.repositories.commit(fleet.address, commit_request(tree, {"a.yaml": b"a: 2\n"}))
    after = world.look_again().open(fleet.address)
    assert after.commit == commit
    assert after.read("theirs") == b"x"
    assert world.look_again().open(fleet.address, "main~1").commit == theirs


def test_a_commit_on_a_file_that_changed_meanwhile_is_a_conflict_that_shows_both_sides(
    world: World, fleet: Site
) -> None:
    tree = world.repositories.open(fleet.address)
    theirs = fleet.write("main", {"envs/prod/values.yaml": b"replicas: 3\npassword: hunter2hunter2\n"})
    request = commit_request(tree, {"envs/prod/values.yaml": b"replicas: 4\n"})
    with pytest.raises(ConflictError) as caught:
        world.repositories.commit(fleet.address, request)
    text = str(caught.value)
    assert "envs/prod/values.yaml" in text
    assert blob_id(b"replicas: 2\n")[:10] in text
    assert "-replicas: 2" in text
    assert "+replicas: 3" in text
    assert "hunter2" not in text
    assert fleet.head("main") == theirs


def test_a_commit_on_a_file_that_vanished_or_appeared_is_a_conflict(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    fleet.write("main", {"a.yaml": None, "new.yaml": b"theirs"})
    for path in ("a.yaml", "new.yaml"):
        with pytest.raises(ConflictError, match="no file"):
            world.repositories.commit(fleet.address, commit_request(tree, {path: b"mine"}))


def test_a_commit_that_read_what_has_changed_is_a_conflict(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    fleet.write("main", {"envs/prod/values.yaml": b"replicas: 9\n"})
    read = {"envs/prod/values.yaml": tree.entries()["envs/prod/values.yaml"].blob}
    with pytest.raises(ConflictError, match=r"values\.yaml"):
        world.repositories.commit(fleet.address, commit_request(tree, {"a.yaml": b"a: 2\n"}, read=read))
    fleet.write("main", {"absent.yaml": b"x"})
    with pytest.raises(ConflictError, match=r"absent\.yaml"):
        world.repositories.commit(
            fleet.address, commit_request(tree, {"a.yaml": b"a: 2\n"}, read={"absent.yaml": None})
        )


def test_a_new_branch_is_made_at_the_base_and_must_not_exist(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    fleet.write("main", {"later": b"x"})
    request = commit_request(tree, {"a.yaml": b"a: 2\n"}, branch="csoc/change-1", create_branch=True)
    commit = world.repositories.commit(fleet.address, request)
    made = world.look_again().open(fleet.address, "csoc/change-1")
    assert made.commit == commit
    assert "later" not in made.entries()
    with pytest.raises(ConflictError, match="exists"):
        world.repositories.commit(fleet.address, request)


def test_a_commit_on_a_branch_or_a_base_that_is_not_there_is_not_found(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    with pytest.raises(NotFoundError, match="nothing"):
        world.repositories.commit(fleet.address, commit_request(tree, {"a.yaml": b"2"}, branch="nothing"))
    with pytest.raises(NotFoundError):
        world.repositories.commit(fleet.address, commit_request(tree, {"a.yaml": b"2"}, base="1" * 40))


@pytest.mark.parametrize(
    "path", ["", "/a", "../a", "a/../b", ".git/config", "a/.GIT/hooks/x", "a//b", "a\nb", "a\\b", "git~1/config", "."]
)
def test_a_path_that_leaves_the_repository_is_never_written(world: World, fleet: Site, path: str) -> None:
    tree = world.repositories.open(fleet.address)
    with pytest.raises(RejectedError):
        world.repositories.commit(fleet.address, commit_request(tree, {path: b"x"}))


@pytest.mark.parametrize("branch", ["-f", "HEAD", "refs/heads/main", "a..b", "", "a b", "x.lock"])
def test_a_branch_that_is_no_name_is_never_written(world: World, fleet: Site, branch: str) -> None:
    tree = world.repositories.open(fleet.address)
    with pytest.raises(RejectedError):
        world.repositories.commit(fleet.address, commit_request(tree, {"a.yaml": b"x"}, branch=branch))


def test_a_file_is_never_written_over_a_folder_or_below_a_file(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    for path in ("envs", "a.yaml/b"):
        with pytest.raises(RejectedError):
            world.repositories.commit(fleet.address, commit_request(tree, {path: b"x"}))


def test_a_link_is_never_written_through(world: World) -> None:
    site = world.site("linked")
    site.write("main", {"link": Link("target"), "a": b""})
    tree = world.repositories.open(site.address)
    with pytest.raises(RejectedError):
        world.repositories.commit(site.address, commit_request(tree, {"link": b"x"}))


def test_a_commit_that_changes_nothing_is_refused(world: World, fleet: Site) -> None:
    tree = world.repositories.open(fleet.address)
    same: list[dict[str, bytes | None]] = [{}, {"a.yaml": b"a: 1\n"}]
    for changes in same:
        with pytest.raises(RejectedError, match="nothing"):
            world.repositories.commit(fleet.address, commit_request(tree, changes))


@pytest.mark.parametrize(
    "url", ["/etc", "file:///etc", "http://127.0.0.1:9/x", "git://github.com/a/b", "ext::sh -c id"]
)
def test_an_address_from_a_repository_is_never_local_or_inside(world: World, url: str) -> None:
    with pytest.raises(DeniedError):
        world.repositories.open(SourceAddress(url))


# A local repository is its owner's: hooks, and so protections, are a server's.
@pytest.mark.parametrize("world", ["memory", "http"], indirect=True)
def test_a_protected_branch_is_denied_with_the_hosts_words(world: World, fleet: Site) -> None:
    fleet.protect("main", "main is protected, says the host")
    tree = world.repositories.open(fleet.address)
    before = fleet.head("main")
    with pytest.raises(DeniedError, match="main is protected, says the host"):
        world.repositories.commit(fleet.address, commit_request(tree, {"a.yaml": b"a: 2\n"}))
    assert fleet.head("main") == before

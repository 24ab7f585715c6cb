"""Remote repositories over the real protocol: credentials, redirects, slow and endless servers, limits, one cache."""

from __future__ import annotations

import base64
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest

from csoc.adapters.git import GitRepositories
from csoc.config import Credential, Limits, Settings
from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.repositories import Change, CommitRequest, SourceAddress
from tests.contract.git_http import GitServer, git_server
from tests.contract.git_sites import GitSite

SECRET = "ghs_swordfishswordfishswordfish012345"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    root = tmp_path / "hosted"
    root.mkdir()
    with git_server(root) as running:
        yield running


@pytest.fixture
def site(server: GitServer) -> GitSite:
    path = server.root / "fleet.git"
    pygit2.init_repository(str(path), bare=True, initial_head="main").config["http.receivepack"] = "true"
    made = GitSite(path, SourceAddress(server.url("fleet.git"), trusted=True))
    made.write("main", {"a.yaml": b"a: 1\n"})
    return made


def settings(tmp_path: Path, *credentials: Credential, **limits: float) -> Settings:
    given = Limits.model_validate({"connect_seconds": 20, "fetch_seconds": 30, **limits})
    return Settings(cache_dir=tmp_path / "cache", limits=given, credentials=credentials)


def token_for(prefix: str) -> Credential:
    return Credential(url_prefix=prefix, kind="token", username="bot", token_env="TOKEN")


def request_for(tree_commit: str, path: str, blob: str | None, content: bytes) -> CommitRequest:
    at = datetime(2026, 2, 1, tzinfo=UTC)
    return CommitRequest(
        "main", tree_commit, [Change(path, content, blob)], "Set", "Grace", "grace@example.org", at, {}
    )


def everything_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


@contextmanager
def raw_server(answer: Callable[[socket.socket], None], *, port: int = 0) -> Iterator[int]:
    """A server that does to each connection what `answer` does. port: 0 for any that is free."""
    listening = socket.create_server(("127.0.0.1", port))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=attend, args=(connection,), daemon=True).start()

    def attend(connection: socket.socket) -> None:
        with connection:
            try:
                answer(connection)
            except OSError:
                return  # the other side has gone

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        stop.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def test_a_token_from_the_settings_opens_a_private_repository(tmp_path: Path, server: GitServer, site: GitSite) -> None:
    server.user, server.password = "bot", SECRET
    given = settings(tmp_path, token_for(server.url("fleet")))
    tree = GitRepositories(given, environ={"TOKEN": SECRET}).open(site.address)
    assert tree.read("a.yaml") == b"a: 1\n"
    kept = everything_below(tmp_path / "cache")
    assert SECRET.encode() not in kept
    assert base64.b64encode(f"bot:{SECRET}".encode()) not in kept


@pytest.mark.parametrize("environ", [{"TOKEN": "wrong" + SECRET}, {}])
def test_a_wrong_or_missing_token_is_an_error_that_does_not_show_it(
    tmp_path: Path, server: GitServer, site: GitSite, environ: Mapping[str, str]
) -> None:
    server.user, server.password = "bot", SECRET
    given = settings(tmp_path, token_for(server.url("fleet")))
    with pytest.raises((DeniedError, NotFoundError)) as caught:
        GitRepositories(given, environ=environ).open(site.address)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        error = error.__cause__ or error.__context__


def test_without_a_credential_the_error_says_where_to_put_one(tmp_path: Path, server: GitServer, site: GitSite) -> None:
    server.user, server.password = "bot", SECRET
    with pytest.raises(DeniedError, match="credentials"):
        GitRepositories(settings(tmp_path), environ={}).open(site.address)


@pytest.mark.parametrize(
    "prefix",
    ["http://127.0.0.1:1/", "http://localhost:{port}/", "http://127.0.0.1:{port}/other", "https://127.0.0.1:{port}"],
)
def test_a_credential_for_another_address_is_never_sent(
    tmp_path: Path, server: GitServer, site: GitSite, prefix: str
) -> None:
    server.user, server.password = "bot", SECRET
    given = settings(tmp_path, token_for(prefix.format(port=server.port)))
    with pytest.raises(DeniedError):
        GitRepositories(given, environ={"TOKEN": SECRET}).open(site.address)
    assert {authorization for _, _, authorization in server.seen} == {""}


def test_a_redirect_to_another_host_is_not_followed_and_gets_no_credential(
    tmp_path: Path, server: GitServer, site: GitSite
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with git_server(elsewhere) as other:
        server.redirect = f"http://localhost:{other.port}"
        given = settings(tmp_path, token_for(server.url("")), token_for(f"http://localhost:{other.port}"))
        with pytest.raises(DeniedError, match="another address"):
            GitRepositories(given, environ={"TOKEN": SECRET}).open(site.address)
        assert other.seen == []


def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    never = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(65536)
        never.wait(30)

    with raw_server(silent) as port:
        given = settings(tmp_path, connect_seconds=0.5, fetch_seconds=2)
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            GitRepositories(given).open(SourceAddress(f"http://127.0.0.1:{port}/x", trusted=True))
        assert time.monotonic() - began < 10
        never.set()


def test_a_server_that_sends_a_byte_now_and_then_is_given_up_in_time(tmp_path: Path) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in itertools.cycle(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1000 + b"\r\n"):
            if stop.wait(0.05):
                return
            connection.sendall(bytes([byte]))

    with raw_server(drip) as port:
        repositories = GitRepositories(settings(tmp_path, connect_seconds=5, fetch_seconds=0.5))
        address = SourceAddress(f"http://127.0.0.1:{port}/x", trusted=True)
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"more than 0\.5 seconds"):
            repositories.open(address)
        assert time.monotonic() - began < 10
        with pytest.raises(UnavailableError, match=r"not tried again: .*more than 0\.5 seconds"):
            repositories.open(address)
        with pytest.raises(UnavailableError, match="earlier"):
            repositories.open(SourceAddress(f"http://127.0.0.1:{port}/y", trusted=True))
        stop.set()


def test_a_server_that_sends_too_much_is_given_up(tmp_path: Path, site: GitSite) -> None:
    site.write("main", {f"{number}": bytes(range(256)) * 50 + str(number).encode() * 999 for number in range(300)})
    with pytest.raises(RejectedError, match="more than 2000 bytes"):
        GitRepositories(settings(tmp_path, fetch_bytes=2000)).open(site.address)


def test_a_server_that_is_no_git_server_or_is_not_there_says_so(tmp_path: Path) -> None:
    def web(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/html\r\n\r\nhello")

    with raw_server(web) as port, pytest.raises(CsocError):
        GitRepositories(settings(tmp_path)).open(SourceAddress(f"http://127.0.0.1:{port}/x", trusted=True))
    with pytest.raises(UnavailableError):
        GitRepositories(settings(tmp_path)).open(SourceAddress(f"http://127.0.0.1:{port}/x", trusted=True))


def test_what_was_just_fetched_is_not_fetched_again(tmp_path: Path, server: GitServer, site: GitSite) -> None:
    repositories = GitRepositories(settings(tmp_path))
    first = repositories.open(site.address)
    asked = len(server.seen)
    site.write("main", {"a.yaml": b"a: 2\n"})
    assert repositories.open(site.address).commit == first.commit
    assert repositories.open(site.address, "main").commit == first.commit
    assert len(server.seen) == asked


def test_a_commit_that_is_in_the_cache_needs_no_server(tmp_path: Path, server: GitServer, site: GitSite) -> None:
    commit = GitRepositories(settings(tmp_path)).open(site.address).commit
    asked = len(server.seen)
    assert GitRepositories(settings(tmp_path)).open(site.address, commit).read("a.yaml") == b"a: 1\n"
    assert len(server.seen) == asked


def test_a_branch_that_moved_back_or_went_away_is_seen(tmp_path: Path, site: GitSite) -> None:
    first = site.head("main")
    site.write("gone", {"x": b""}, parents=[first])
    site.write("main", {"a.yaml": b"a: 2\n"})
    GitRepositories(settings(tmp_path)).open(site.address, "gone")
    there = pygit2.Repository(str(site.path))
    there.references.create("refs/heads/main", pygit2.Oid(hex=first), force=True)
    there.references.delete("refs/heads/gone")
    there.references.create("refs/heads/gone/deeper", pygit2.Oid(hex=first))
    repositories = GitRepositories(settings(tmp_path))
    assert repositories.open(site.address).commit == first
    assert repositories.open(site.address, "gone/deeper").commit == first
    with pytest.raises(NotFoundError):
        repositories.open(site.address, "gone")


def test_a_commit_that_no_branch_holds_is_asked_for(tmp_path: Path, site: GitSite) -> None:
    hidden = site.write("hidden", {"a.yaml": b"hidden"}, parents=[site.head("main")])
    there = pygit2.Repository(str(site.path))
    there.references.delete("refs/heads/hidden")
    with pytest.raises(NotFoundError):
        GitRepositories(settings(tmp_path)).open(site.address, hidden)
    there.config["uploadpack.allowAnySHA1InWant"] = "true"
    assert GitRepositories(settings(tmp_path)).open(site.address, hidden).read("a.yaml") == b"hidden"


def test_a_push_that_comes_too_late_is_rebuilt_on_the_new_head(tmp_path: Path, site: GitSite) -> None:
    repositories = GitRepositories(settings(tmp_path))
    tree = repositories.open(site.address)
    once(site, lambda: site.write("main", {"theirs": b"x"}))
    commit = repositories.commit(site.address, request_for(tree.commit, "mine", None, b"y"))
    after = GitRepositories(settings(tmp_path)).open(site.address)
    assert after.commit == commit
    assert set(after.entries()) == {"a.yaml", "mine", "theirs"}


def test_a_push_that_comes_too_late_for_its_file_is_a_conflict(tmp_path: Path, site: GitSite) -> None:
    repositories = GitRepositories(settings(tmp_path))
    tree = repositories.open(site.address)
    once(site, lambda: site.write("main", {"a.yaml": b"a: theirs\n"}))
    blob = tree.entries()["a.yaml"].blob
    with pytest.raises(ConflictError, match=r"\+a: theirs"):
        repositories.commit(site.address, request_for(tree.commit, "a.yaml", blob, b"a: mine\n"))


def test_a_branch_that_moves_between_reading_and_pushing_is_read_again(
    tmp_path: Path, server: GitServer, site: GitSite
) -> None:
    repositories = GitRepositories(settings(tmp_path))
    tree = repositories.open(site.address)
    moves = [b"1", b"2"]

    def move(path: str) -> None:
        if "service=git-receive-pack" in path and moves:
            site.write("main", {"theirs": moves.pop(0)})

    server.before = move
    commit = repositories.commit(site.address, request_for(tree.commit, "mine", None, b"y"))
    assert site.head("main") == commit
    after = GitRepositories(settings(tmp_path)).open(site.address)
    assert (after.read("theirs"), after.read("mine")) == (b"2", b"y")


def test_a_branch_that_never_stays_still_is_given_up_after_five_attempts(
    tmp_path: Path, server: GitServer, site: GitSite
) -> None:
    repositories = GitRepositories(settings(tmp_path))
    tree = repositories.open(site.address)
    counted = itertools.count()

    def move(path: str) -> None:
        if "service=git-receive-pack" in path:
            site.write("main", {"theirs": b"%d" % next(counted)})

    server.before = move
    with pytest.raises(UnavailableError, match="5 times"):
        repositories.commit(site.address, request_for(tree.commit, "mine", None, b"y"))
    assert next(counted) == 5


def test_a_push_whose_answer_was_lost_is_not_made_twice(tmp_path: Path, server: GitServer, site: GitSite) -> None:
    repositories = GitRepositories(settings(tmp_path))
    tree = repositories.open(site.address)
    hook = site.path / "hooks" / "post-receive"
    hook.write_text(f'#!/bin/sh\n[ -e "{site.path}/once" ] && exit 0\ntouch "{site.path}/once"\nkill -9 $PPID\n')
    hook.chmod(0o755)
    commit = repositories.commit(site.address, request_for(tree.commit, "mine", None, b"y"))
    assert site.head("main") == commit
    there = pygit2.Repository(str(site.path))
    assert [str(one) for one in there[commit].peel(pygit2.Commit).parent_ids] == [tree.commit]


def test_two_commands_that_use_one_clone_at_a_time_both_succeed(tmp_path: Path, site: GitSite) -> None:
    for number in range(20):
        site.write(f"branch-{number}", {"a.yaml": b"%d" % number}, parents=[])
    found: list[object] = []

    def read() -> None:
        repositories = GitRepositories(settings(tmp_path))
        found.append([repositories.open(site.address, f"branch-{number}").read("a.yaml") for number in range(20)])

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[b"%d" % number for number in range(20)]] * 4


def test_an_address_from_a_repository_may_name_the_host_that_a_person_typed(tmp_path: Path, site: GitSite) -> None:
    repositories = GitRepositories(settings(tmp_path))
    with pytest.raises(DeniedError):
        repositories.open(SourceAddress(site.address.url))
    repositories.open(site.address)
    assert repositories.open(SourceAddress(site.address.url)).read("a.yaml") == b"a: 1\n"
    with pytest.raises(DeniedError):
        repositories.open(SourceAddress("http://127.0.0.1:1/fleet.git"))


def test_too_many_paths_are_refused_without_reading_them_all(tmp_path: Path, site: GitSite) -> None:
    there = pygit2.Repository(str(site.path))
    builder = there.TreeBuilder()
    builder.insert("a", there.create_blob(b""), 0o100644)
    tree = builder.write()
    for _ in range(40):  # ten folders, each holding ten of the same: 10^40 files in 40 objects
        builder = there.TreeBuilder()
        for number in range(10):
            builder.insert(str(number), tree, 0o040000)
        tree = builder.write()
    signature = pygit2.Signature("A", "a@b.c", 0, 0)
    there.create_commit("refs/heads/bomb", signature, signature, "bomb", tree, [])
    repositories = GitRepositories(settings(tmp_path, tree_entries=10_000))
    with pytest.raises(RejectedError, match="10000 paths"):
        repositories.open(site.address, "bomb").entries()
    assert repositories.open(site.address, "main").read("a.yaml") == b"a: 1\n"


def once(site: GitSite, action: Callable[[], object]) -> None:
    """Does something on the server at the first push, before it is judged: a hook waits for it."""
    asked, done = site.path / "asked", site.path / "done"
    hook = site.path / "hooks" / "pre-receive"
    hook.write_text(
        f'#!/bin/sh\n[ -e "{done}" ] && exit 0\ntouch "{asked}"\nwhile [ ! -e "{done}" ]; do sleep 0.02; done\nexit 0\n'
    )
    hook.chmod(0o755)

    def act() -> None:
        while not asked.exists():
            time.sleep(0.01)
        action()
        done.touch()

    threading.Thread(target=act, daemon=True).start()


def test_a_host_that_cannot_be_looked_up_is_not_looked_up_for_each_of_its_repositories(tmp_path: Path) -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        raise OSError("no network")

    repositories = GitRepositories(settings(tmp_path), resolve=resolve)
    for number in range(3):
        with pytest.raises(UnavailableError, match="cannot be looked up"):
            repositories.open(SourceAddress(f"https://github.com/example/{number}"))
    assert asked == [("github.com", 443)]


def test_a_server_that_was_not_reached_is_asked_again_only_when_the_next_look_begins(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    repositories = GitRepositories(settings(tmp_path))
    with pytest.raises(UnavailableError) as first:
        repositories.open(SourceAddress(f"http://127.0.0.1:{port}/one", trusted=True))
    asked: list[bool] = []

    def answer(connection: socket.socket) -> None:
        asked.append(True)
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    with raw_server(answer, port=port):
        with pytest.raises(UnavailableError) as again:
            repositories.open(SourceAddress(f"http://127.0.0.1:{port}/two", trusted=True))
        assert again.value.cause == f"not tried again: {first.value.cause}"
        assert not asked
        repositories.forget()
        with pytest.raises(NotFoundError):
            repositories.open(SourceAddress(f"http://127.0.0.1:{port}/two", trusted=True))
    assert asked

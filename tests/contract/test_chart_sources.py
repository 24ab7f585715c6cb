"""What fetching charts does: the part that every implementation shares, then the real one against servers and Git."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from csoc.adapters.helm.fetch.archive import read_archive
from csoc.adapters.helm.fetch.sources import HelmChartSources
from csoc.config import Credential, Settings
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.charts import ChartArchive, ChartRef, ChartSources
from csoc.fleet.repositories import SourceAddress
from csoc.fleet.yaml import yamltext
from csoc.testing.charts import MemoryChartSources, chart
from csoc.testing.repositories import Link, MemoryRepositories, Submodule
from tests.contract.chart_server import CHART_TYPE, Reply, Site, serving

GIT = "https://github.com/example/charts"


@dataclass
class World:
    """Sources with what is around them. now can be moved."""

    sites: list[Site]
    repositories: MemoryRepositories
    cache: Path
    hosts: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        return self.sites[0]

    def sources(self) -> HelmChartSources:
        """New ones each time, so that only what is on disk is remembered."""
        hosts = self.hosts or tuple(site.origin for site in self.sites)
        settings = Settings(cache_dir=self.cache, extra_allowed_hosts=hosts, **self.extra)
        return HelmChartSources.from_settings(
            settings,
            self.repositories,
            resolve=lambda *_: ["127.0.0.1"],
            environ=self.environ,
            clock=lambda: self.now,
        )

    def fetch(self, repo_url: str, name: str = "", revision: str = "", path: str = "") -> ChartArchive:
        return self.sources().fetch(ChartRef(repo_url, name, path, revision))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        sites = [stack.enter_context(serving()) for _ in range(2)]
        yield World(sites, MemoryRepositories(), tmp_path / "cache")


def files_of(archive: ChartArchive) -> dict[str, bytes]:
    return read_archive(archive.content)


def versions(*numbers: str, name: str = "demo") -> list[ChartArchive]:
    return [
        chart(
            {"Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {number}\n", "values.yaml": f"v: {number}\n"},
            name=name,
            version=number,
        )
        for number in numbers
    ]


# Every implementation

Sources = Callable[[Mapping[str, list[ChartArchive]]], tuple[ChartSources, str]]


@pytest.fixture(params=["memory", "helm", "oci"])
def published(request: pytest.FixtureRequest, world: World) -> Sources:
    """Publishes charts; returns the sources and the repository's address."""

    def memory(charts: Mapping[str, list[ChartArchive]]) -> tuple[ChartSources, str]:
        sources = MemoryChartSources()
        for name, archives in charts.items():
            for archive in archives:
                sources.add(ChartRef("https://charts.example.org", name, revision=archive.version), archive)
        return sources, "https://charts.example.org"

    def helm(charts: Mapping[str, list[ChartArchive]]) -> tuple[ChartSources, str]:
        world.site.publish(*(archive for archives in charts.values() for archive in archives))
        return world.sources(), world.site.url

    def oci(charts: Mapping[str, list[ChartArchive]]) -> tuple[ChartSources, str]:
        for archives in charts.values():
            world.site.push("team/charts", *archives)
        return world.sources(), f"oci://{world.site.origin}/team/charts"

    return {"memory": memory, "helm": helm, "oci": oci}[request.param]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", "1.10.0"),
        ("*", "1.10.0"),
        ("1.9.0", "1.9.0"),
        ("~1.9", "1.9.2"),
        ("<1.9", "1.2.3"),
        (">=2.0.0-0", "2.0.0-rc.1"),
    ],
)
def test_the_newest_version_that_is_allowed_is_fetched(published: Sources, wanted: str, expected: str) -> None:
    charts = versions("1.9.0", "1.10.0", "1.2.3", "2.0.0-rc.1", "1.9.2")
    sources, url = published({"demo": charts})
    archive = sources.fetch(ChartRef(url, "demo", revision=wanted))
    assert (archive.name, archive.version, archive.resolved) == ("demo", expected, expected)
    assert archive.digest == next(one.digest for one in charts if one.version == expected)
    assert archive.missing_dependencies == ()


def test_a_chart_or_version_that_is_not_there_is_not_found(published: Sources) -> None:
    sources, url = published({"demo": versions("1.0.0")})
    with pytest.raises(NotFoundError):
        sources.fetch(ChartRef(url, "other"))
    with pytest.raises(NotFoundError):
        sources.fetch(ChartRef(url, "demo", revision="2.0.0"))
    with pytest.raises(NotFoundError):
        sources.load("/there/is/no/such/chart")


def test_equal_files_have_equal_digests_however_they_were_packed() -> None:
    one = chart({"templates/a.yaml": "a", "values.yaml": "b"})
    other = chart({"values.yaml": "b", "templates/a.yaml": "a"})
    assert one.digest == other.digest
    assert one.content == other.content
    assert chart({"templates/a.yaml": "ab", "values.yaml": ""}).digest != one.digest


# Helm repositories


def test_an_archive_may_be_named_relatively_or_in_full_or_on_an_allowed_host(world: World) -> None:
    archive = versions("1.0.0")[0]
    for urls in ("", "sub/../", "/elsewhere/", f"{world.sites[1].url}/"):
        world.site.publish(archive, folder="/charts", urls=urls)
        for site in world.sites:
            for path in ("/charts/demo-1.0.0.tgz", "/elsewhere/demo-1.0.0.tgz", "/demo-1.0.0.tgz"):
                site.replies[path] = Reply(archive.content)
        world.now += timedelta(minutes=10)
        assert world.fetch(f"{world.site.url}/charts", "demo").digest == archive.digest


def test_an_archive_that_is_not_what_the_index_says_is_refused(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    world.site.replies["/demo-1.0.0.tgz"] = Reply(versions("1.0.0", name="evil")[0].content)
    with pytest.raises(RejectedError, match="digest"):
        world.fetch(world.site.url, "demo")


def test_an_index_is_asked_for_again_only_after_minutes(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    world.fetch(world.site.url, "demo")
    world.site.publish(*versions("1.0.0", "1.1.0"))
    assert world.fetch(world.site.url, "demo").version == "1.0.0"
    assert world.site.paths.count("/index.yaml") == 1
    world.now += timedelta(minutes=6)
    assert world.fetch(world.site.url, "demo").version == "1.1.0"


@pytest.mark.parametrize("digests", [True, False])
def test_who_is_about_to_act_on_a_chart_sees_what_was_swapped_a_moment_ago(world: World, digests: bool) -> None:
    world.site.publish(*versions("1.0.0"), digests=digests)
    sources = world.sources()
    ref = ChartRef(world.site.url, "demo", revision="1.0.0")
    first = sources.fetch(ref)
    swapped = chart(
        {"Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\n", "evil": "x"}, version="1.0.0", name="demo"
    )
    world.site.publish(swapped, digests=digests)
    world.now += timedelta(seconds=1)
    assert sources.fetch(ref) == first
    sources.expire()
    assert sources.fetch(ref).digest == swapped.digest
    world.now += timedelta(seconds=1)
    asked = len(world.site.paths)
    sources.expire()
    world.site.replies["/index.yaml"] = Reply(b"", 503)
    with pytest.raises(UnavailableError):
        sources.fetch(ref)
    assert len(world.site.paths) > asked, "no older word stands in for what the server says"


def test_a_registrys_tag_that_was_moved_a_moment_ago_is_seen_by_who_is_about_to_act(world: World) -> None:
    world.site.push("team/charts", *versions("1.0.0"))
    sources, ref = world.sources(), ChartRef(f"oci://{world.site.origin}/team/charts", "demo", revision="1.0.0")
    first = sources.fetch(ref)
    swapped = chart(
        {"Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\n", "evil": "x"}, version="1.0.0", name="demo"
    )
    world.site.push("team/charts", swapped)
    assert sources.fetch(ref) == first
    sources.expire()
    assert sources.fetch(ref).digest == swapped.digest


def test_an_archive_with_a_digest_is_fetched_once_for_ever(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    first = world.fetch(world.site.url, "demo")
    world.now += timedelta(days=400)
    assert world.fetch(world.site.url, "demo") == first
    assert world.site.paths.count("/demo-1.0.0.tgz") == 1


def test_an_archive_without_a_digest_is_fetched_again_after_minutes(world: World) -> None:
    world.site.publish(*versions("1.0.0"), digests=False)
    world.fetch(world.site.url, "demo")
    world.fetch(world.site.url, "demo")
    assert world.site.paths.count("/demo-1.0.0.tgz") == 1
    world.now += timedelta(minutes=6)
    world.fetch(world.site.url, "demo")
    assert world.site.paths.count("/demo-1.0.0.tgz") == 2


def test_a_damaged_file_of_the_cache_is_fetched_again(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    first = world.fetch(world.site.url, "demo")
    damaged = [path for path in world.cache.rglob("*") if path.is_file()]
    assert damaged
    for path in damaged:
        path.write_bytes(b"\0" + path.read_bytes()[:50])
    assert world.fetch(world.site.url, "demo").digest == first.digest
    assert world.site.paths.count("/demo-1.0.0.tgz") == 2


def test_the_cache_is_readable_by_its_owner_alone(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    world.fetch(world.site.url, "demo")
    assert all(path.stat().st_mode & 0o077 == 0 for path in (world.cache / "charts").rglob("*"))


def test_an_older_index_serves_with_a_note_while_the_server_is_down(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    world.fetch(world.site.url, "demo")
    world.now += timedelta(hours=1)
    world.site.replies["/index.yaml"] = Reply(status=503)
    archive = world.fetch(world.site.url, "demo")
    assert archive.version == "1.0.0"
    assert "503" in archive.notes[0]
    assert "2026-03-01" in archive.notes[0]
    world.site.replies["/index.yaml"] = Reply(status=404)
    with pytest.raises(NotFoundError):
        world.fetch(world.site.url, "demo")


def test_entries_that_are_not_legitimate_are_skipped(world: World) -> None:
    good = versions("1.0.0")[0]
    entries: list[Any] = [None, 1, {}, {"version": 2}, {"version": "9.0.0", "urls": []}]
    entries += [{"version": "8.0.0", "urls": [1]}, {"version": "not one", "urls": ["x"]}]
    entries += [{"version": "1.0.0", "urls": ["demo.tgz"], "digest": "odd"}]
    world.site.replies["/index.yaml"] = Reply(json.dumps({"entries": {"demo": entries}}).encode())
    world.site.replies["/demo.tgz"] = Reply(good.content)
    assert world.fetch(world.site.url, "demo").version == "1.0.0"


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"[]",
        b"entries: 1",
        b"{",
        b"<html>",
        b"entries:\n  demo: {a: b}",
        b"\0\1",
        b"entries:\n  demo:\n  - &a [*a]\n",
    ],
)
def test_an_index_that_is_none_is_an_error_that_says_so(world: World, index: bytes) -> None:
    world.site.replies["/index.yaml"] = Reply(index)
    with pytest.raises((RejectedError, NotFoundError)):
        world.fetch(world.site.url, "demo")


def test_an_endless_answer_is_cut_off(world: World) -> None:
    world.site.replies["/index.yaml"] = Reply(b"x" * 1_000_000, chunks=100_000)
    with pytest.raises(RejectedError, match="sends more than"):
        world.fetch(world.site.url, "demo")


@pytest.mark.parametrize(
    ("status", "error"), [(401, DeniedError), (403, DeniedError), (404, NotFoundError), (500, UnavailableError)]
)
def test_a_refusal_says_which_kind_it_is(world: World, status: int, error: type[CsocError]) -> None:
    world.site.replies["/index.yaml"] = Reply(status=status)
    with pytest.raises(error):
        world.fetch(world.site.url, "demo")


def test_a_server_that_is_not_there_is_unavailable_and_not_nothing(world: World) -> None:
    with serving() as gone:
        url, origin = gone.url, gone.origin
    world.hosts = (origin,)
    with pytest.raises(UnavailableError):
        world.fetch(url, "demo")


@contextmanager
def raw(answer: Callable[[socket.socket], object]) -> Iterator[tuple[str, list[int]]]:
    """A server that does to each connection what `answer` does; its address, and a number for each connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    connections: list[int] = []

    def attend(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            answer(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connections.append(len(connections))
                threading.Thread(target=attend, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}", connections
    finally:
        listening.close()


def test_a_server_that_does_not_answer_is_asked_once_whatever_is_wanted_of_it(world: World) -> None:
    stop = threading.Event()
    with raw(lambda _: stop.wait(30)) as (origin, connections):
        world.hosts, world.extra = (origin,), {"limits": {"connect_seconds": 1, "fetch_seconds": 1}}
        sources = world.sources()
        wanted = (
            *(ChartRef(f"http://{origin}/{n}", "demo") for n in range(20)),
            *(ChartRef(f"oci://{origin}/{n}", "demo") for n in range(20)),
        )
        began = time.monotonic()
        causes = []
        for ref in wanted:
            with pytest.raises(UnavailableError) as caught:
                sources.fetch(ref)
            causes.append(caught.value.cause)
        assert time.monotonic() - began < 8
        assert len(connections) <= 3
        assert causes[-1] == f"not tried again: {causes[0]}"
        sources.forget()
        with pytest.raises(UnavailableError) as caught:
            sources.fetch(wanted[0])
        assert not caught.value.cause.startswith("not tried again")
    stop.set()


def test_a_server_that_is_not_there_is_asked_again_when_the_next_look_begins(world: World) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"127.0.0.1:{closed.getsockname()[1]}"
    world.hosts = (origin,)
    sources = world.sources()
    causes = []
    for name in ("a", "b"):
        with pytest.raises(UnavailableError) as caught:
            sources.fetch(ChartRef(f"http://{origin}/{name}", "demo"))
        causes.append(caught.value.cause)
    assert causes[1] == f"not tried again: {causes[0]}"
    sources.forget()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        sources.fetch(ChartRef(f"http://{origin}/c", "demo"))


@pytest.mark.parametrize("sent", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_is_given_up_in_time(world: World, sent: bytes) -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(sent)
        while not stop.wait(0.05):
            connection.sendall(b"a")

    with raw(drip) as (origin, connections):
        world.hosts, world.extra = (origin,), {"limits": {"connect_seconds": 20, "fetch_seconds": 0.5}}
        sources = world.sources()
        began = time.monotonic()
        causes = []
        for number in (0, 0, 1, 2, 3, 4, 5):
            with pytest.raises(UnavailableError) as caught:
                sources.fetch(ChartRef(f"http://{origin}/{number}", "demo"))
            causes.append(caught.value.cause)
        assert time.monotonic() - began < 8
        stop.set()
    assert len(connections) == 3
    slow, again = "The server sends too slowly", "not tried again: The server sends too slowly"
    assert causes == [slow, again, slow, slow, again, again, again]


# Whom csoc speaks to


def test_hosts_that_are_not_listed_are_never_contacted(world: World) -> None:
    world.site.publish(*versions("1.0.0"))
    world.hosts = (world.sites[1].origin,)
    for url in (
        world.site.url,
        f"oci://{world.site.origin}/team",
        f"https://{world.site.origin}",
        "ftp://x",
        "file:///etc",
    ):
        with pytest.raises((DeniedError, RejectedError)):
            world.fetch(url, "demo")
    assert world.site.seen == []


@pytest.mark.parametrize(
    "url", ["https://quay.io/charts", "oci://quay.io/charts", "https://10.0.0.1", "https://localhost"]
)
def test_an_allowed_name_that_leads_inside_a_network_is_not_contacted(world: World, url: str) -> None:
    with pytest.raises(DeniedError):
        world.fetch(url, "demo")


def test_a_name_that_means_an_inner_address_once_it_is_contacted_is_refused(world: World) -> None:
    class Stream:
        def get_extra_info(self, info: str) -> object:
            return ("10.0.0.1", 443) if info == "server_addr" else None

    answer = httpx.Response(200, extensions={"network_stream": Stream()})
    sources = world.sources()
    with pytest.raises(DeniedError, match="inside a network"):
        sources._http._check_peer("https://quay.io/charts/index.yaml", answer)
    sources._http._check_peer(f"{world.site.url}/index.yaml", answer)  # the person listed this host and port


def test_redirects_are_followed_within_listed_hosts_only(world: World) -> None:
    other = world.sites[1]
    other.publish(*versions("1.0.0"))
    other.replies["/demo-1.0.0.tgz"] = Reply(versions("1.0.0")[0].content)
    world.site.publish(*versions("1.0.0"))
    world.site.replies["/demo-1.0.0.tgz"] = Reply(status=302, headers={"Location": f"{other.url}/demo-1.0.0.tgz?sig=1"})
    assert world.fetch(world.site.url, "demo").version == "1.0.0"
    with serving() as stranger:
        world.site.replies["/index.yaml"] = Reply(status=302, headers={"Location": f"{stranger.url}/index.yaml"})
        world.now += timedelta(hours=1)
        with pytest.raises(DeniedError, match="not allowed"):
            world.fetch(world.site.url, "demo")
        assert stranger.seen == []


def test_redirects_in_a_circle_end(world: World) -> None:
    world.site.replies["/index.yaml"] = Reply(status=302, headers={"Location": "/index.yaml"})
    with pytest.raises(UnavailableError, match="without end"):
        world.fetch(world.site.url, "demo")


def test_a_redirect_that_sends_much_is_not_read(world: World) -> None:
    world.site.publish(*versions("1.0.0"), folder="/there")
    world.site.replies["/index.yaml"] = Reply(
        b"x" * 1_000_000, status=302, headers={"Location": "/there/index.yaml"}, chunks=100_000
    )
    began = time.monotonic()
    with pytest.raises(NotFoundError):  # the archive stands beside the first address, where nothing is
        world.fetch(world.site.url, "demo")
    assert time.monotonic() - began < 5
    assert "/there/index.yaml" in world.site.paths


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "https://10.0.0.1/x", "file:///etc/passwd", "ftp://x/y", "http://a@b/"]
)
def test_a_redirect_to_an_inner_address_or_another_scheme_is_not_followed(world: World, target: str) -> None:
    world.site.replies["/index.yaml"] = Reply(status=302, headers={"Location": target})
    with pytest.raises((DeniedError, RejectedError)):
        world.fetch(world.site.url, "demo")
    assert world.site.paths == ["/index.yaml"]


def test_a_credential_goes_to_its_prefix_and_never_to_another_host(world: World) -> None:
    other = world.sites[1]
    world.environ["TOKEN"] = "sesame"
    world.extra["credentials"] = (
        Credential(url_prefix=f"{world.site.url}/private", kind="token", username="ada", token_env="TOKEN"),
    )
    archive = versions("1.0.0")[0]
    world.site.publish(archive, folder="/private", urls=f"{other.url}/")
    world.site.basic["/private"] = "ada:sesame"
    other.replies["/demo-1.0.0.tgz"] = Reply(archive.content)
    assert world.fetch(f"{world.site.url}/private", "demo").digest == archive.digest
    assert all(authorization == "" for _, authorization in other.seen)
    world.extra["credentials"] = ()
    world.now += timedelta(hours=1)
    with pytest.raises(DeniedError, match="credential") as caught:
        world.fetch(f"{world.site.url}/private", "demo")
    assert "sesame" not in str(caught.value)


def test_a_credential_does_not_travel_with_a_redirect(world: World) -> None:
    world.environ["TOKEN"] = "sesame"
    world.extra["credentials"] = (Credential(url_prefix=world.site.url, kind="token", token_env="TOKEN"),)
    world.site.replies["/index.yaml"] = Reply(status=302, headers={"Location": f"{world.sites[1].url}/index.yaml"})
    with pytest.raises(NotFoundError):
        world.fetch(world.site.url, "demo")
    assert world.site.seen[0][1].startswith("Basic ")
    assert world.sites[1].seen == [("/index.yaml", "")]


def test_an_address_with_a_password_in_it_is_refused_and_not_repeated(world: World) -> None:
    with pytest.raises(CsocError) as caught:
        world.fetch(f"http://ada:sesame@{world.site.origin}", "demo")
    assert "sesame" not in str(caught.value)


# Registries


def test_a_registry_gives_a_token_when_it_is_asked_as_it_says(world: World) -> None:
    archive = versions("1.0.0")[0]
    world.site.push("team", archive)
    world.site.bearer["/v2/"] = "t0ken"
    world.site.challenge = f'Bearer realm="{world.site.url}/token",service="here",scope="ignored"'
    world.site.replies["/token"] = Reply(json.dumps({"token": "t0ken"}).encode())
    assert world.fetch(f"oci://{world.site.origin}/team", "demo").digest == archive.digest
    asked = next(path for path in world.site.paths if path.startswith("/token"))
    assert "service=here" in asked
    assert "repository%3Ateam%2Fdemo%3Apull" in asked


def test_a_token_is_not_sent_where_a_registry_redirects_to(world: World) -> None:
    archive = versions("1.0.0")[0]
    world.site.push("team", archive)
    world.site.bearer["/v2/"] = "t0ken"
    world.site.challenge = f'Bearer realm="{world.site.url}/token"'
    world.site.replies["/token"] = Reply(json.dumps({"access_token": "t0ken"}).encode())
    blob = next(path for path in world.site.replies if "/blobs/" in path)
    world.site.replies[blob] = Reply(status=307, headers={"Location": f"{world.sites[1].url}/blob?sig=abc"})
    world.sites[1].replies["/blob"] = Reply(archive.content)
    assert world.fetch(f"oci://{world.site.origin}/team", "demo").digest == archive.digest
    assert world.sites[1].seen == [("/blob?sig=abc", "")]


def test_a_registry_that_refuses_its_own_token_is_denied_and_asked_no_further(world: World) -> None:
    world.site.push("team", *versions("1.0.0"))
    world.site.bearer["/v2/"] = "another"
    world.site.challenge = f'Bearer realm="{world.site.url}/token"'
    world.site.replies["/token"] = Reply(json.dumps({"token": "t0ken"}).encode())
    with pytest.raises(DeniedError):
        world.fetch(f"oci://{world.site.origin}/team", "demo")
    assert len(world.site.seen) < 6


def test_a_blob_that_is_not_its_digest_is_refused(world: World) -> None:
    world.site.push("team", *versions("1.0.0"))
    blob = next(path for path in world.site.replies if "/blobs/" in path)
    world.site.replies[blob] = Reply(versions("6.6.6")[0].content)
    with pytest.raises(RejectedError, match="digest"):
        world.fetch(f"oci://{world.site.origin}/team", "demo", "1.0.0")


def test_a_registry_is_known_by_its_name_alone_as_argo_cd_writes_it(world: World) -> None:
    archive = versions("1.0.0+build.5")[0]
    world.site.push("team", archive)
    assert world.fetch(f"{world.site.origin}/team", "demo", "1.0.0+build.5").digest == archive.digest
    assert world.fetch(f"oci://{world.site.origin}/team/demo", path=".").digest == archive.digest


def test_a_manifest_cannot_point_elsewhere_for_its_chart(world: World) -> None:
    (archive,) = versions("1.0.0")
    digest = hashlib.sha256(archive.content).hexdigest()
    with serving() as stranger:
        stranger.replies["/demo.tgz"] = Reply(archive.content)
        layer = {"mediaType": CHART_TYPE, "digest": f"sha256:{digest}", "urls": [f"{stranger.url}/demo.tgz"]}
        manifest = json.dumps({"schemaVersion": 2, "layers": [layer]}).encode()
        world.site.replies["/v2/team/demo/manifests/1.0.0"] = Reply(manifest)
        with pytest.raises(NotFoundError):
            world.fetch(f"oci://{world.site.origin}/team", "demo", "1.0.0")
        world.site.replies[f"/v2/team/demo/blobs/sha256:{digest}"] = Reply(
            status=307, headers={"Location": f"{stranger.url}/demo.tgz"}
        )
        with pytest.raises(DeniedError, match="not allowed"):
            world.fetch(f"oci://{world.site.origin}/team", "demo", "1.0.0")
        assert stranger.seen == []


@pytest.mark.parametrize("digest", ["sha256:../../../x", "sha256:" + "a" * 63, "sha512:" + "a" * 128, "", None, ["a"]])
def test_a_digest_that_is_none_is_never_part_of_an_address(world: World, digest: Any) -> None:
    manifest = json.dumps({"layers": [{"mediaType": CHART_TYPE, "digest": digest}]}).encode()
    world.site.replies["/v2/team/demo/manifests/1.0.0"] = Reply(manifest)
    with pytest.raises(RejectedError):
        world.fetch(f"oci://{world.site.origin}/team", "demo", "1.0.0")
    assert world.site.paths == ["/v2/team/demo/manifests/1.0.0"]


def test_a_chart_is_never_served_in_the_name_of_another_origin(world: World) -> None:
    """Naming the digest of somebody's chart is not having it."""
    (private,) = versions("1.0.0")
    owner, thief = world.sites
    owner.publish(private, folder="/private")
    owner.push("private", private)
    assert world.fetch(f"{owner.url}/private", "demo").digest == private.digest
    assert world.fetch(f"oci://{owner.origin}/private", "demo").digest == private.digest
    thief.publish(private)
    thief.push("team", private)
    owner.publish(private, folder="/public")
    digest = hashlib.sha256(private.content).hexdigest()
    del thief.replies["/demo-1.0.0.tgz"], thief.replies[f"/v2/team/demo/blobs/sha256:{digest}"]
    del owner.replies["/public/demo-1.0.0.tgz"]
    for url in (thief.url, f"oci://{thief.origin}/team", f"{owner.url}/public"):
        with pytest.raises(NotFoundError):
            world.fetch(url, "demo")


def test_an_archive_that_another_index_names_is_fetched_for_that_index(world: World) -> None:
    """Without digests too: an index cannot make another one's archive what it says."""
    first, second = versions("1.0.0", "1.0.0")
    second = chart({"Chart.yaml": "name: demo\nversion: 1.0.0\n", "values.yaml": "v: other\n"}, name="demo")
    world.sites[0].publish(first, digests=False)
    assert world.fetch(world.sites[0].url, "demo").digest == first.digest
    world.sites[1].publish(second, digests=False, urls=f"{world.sites[0].url}/")
    world.sites[0].replies["/demo-1.0.0.tgz"] = Reply(second.content)
    assert world.fetch(world.sites[1].url, "demo").digest == second.digest
    assert world.fetch(world.sites[0].url, "demo").digest == first.digest


def test_a_manifest_is_fetched_by_its_digest_and_held_to_it(world: World) -> None:
    archive = versions("1.0.0")[0]
    world.site.push("team", archive)
    path = next(path for path in world.site.replies if "manifests/sha256:" in path)
    digest = path.rpartition("/")[2]
    assert world.fetch(f"oci://{world.site.origin}/team", "demo", digest).digest == archive.digest
    other = "sha256:" + hashlib.sha256(b"other").hexdigest()
    world.site.replies[path.replace(digest, other)] = world.site.replies[path]
    with pytest.raises(RejectedError, match="digest"):
        world.fetch(f"oci://{world.site.origin}/team", "demo", other)


def test_tags_may_come_in_pages(world: World) -> None:
    archive = versions("1.5.0")[0]
    world.site.push("team", archive)
    path = "/v2/team/demo/tags/list"
    world.site.replies[path] = Reply(b'{"tags": ["1.0.0"]}', headers={"Link": f'<{path}-2?n=1>; rel="next"'})
    world.site.replies[f"{path}-2"] = Reply(b'{"tags": ["1.5.0", "latest"]}')
    assert world.fetch(f"oci://{world.site.origin}/team", "demo").version == "1.5.0"


@pytest.mark.parametrize("manifest", [b"[]", b"{", b"{}", b'{"layers": [{"mediaType": "image"}]}', b'{"layers": 3}'])
def test_what_is_not_a_chart_in_a_registry_is_refused(world: World, manifest: bytes) -> None:
    world.site.push("team", *versions("1.0.0"))
    world.site.replies["/v2/team/demo/manifests/1.0.0"] = Reply(manifest)
    with pytest.raises((RejectedError, UnavailableError)):
        world.fetch(f"oci://{world.site.origin}/team", "demo", "1.0.0")


# Git


def commit(world: World, files: Mapping[str, Any], branch: str = "main") -> str:
    known = world.repositories._repositories
    repository = next(iter(known.values())) if known else world.repositories.add(GIT)
    content = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    return repository.write(branch, content)


def chart_yaml(name: str, dependencies: str = "", version: str = "0.0.0") -> str:
    return f"apiVersion: v2\nname: {name}\nversion: {version}\n{dependencies}"


def test_a_folder_of_a_git_repository_is_a_chart_at_its_commit(world: World) -> None:
    first = commit(world, {"helm/demo/Chart.yaml": chart_yaml("demo"), "helm/demo/values.yaml": "a: 1\n", "other": "x"})
    commit(world, {"helm/demo/values.yaml": "a: 2\n"}, branch="next")
    archive = world.fetch(GIT, path="./helm/demo/", revision="main")
    assert (archive.name, archive.resolved) == ("demo", first)
    assert files_of(archive) == {"Chart.yaml": chart_yaml("demo").encode(), "values.yaml": b"a: 1\n"}
    assert world.fetch(f"{GIT}.git", path="helm/demo").digest == archive.digest


def test_what_is_no_chart_in_git_says_so(world: World) -> None:
    commit(world, {"helm/demo/values.yaml": "a: 1\n", "Chart.yaml": "nonsense"})
    with pytest.raises(RejectedError, match=r"Chart\.yaml"):
        world.fetch(GIT, path="helm/demo")
    with pytest.raises(NotFoundError):
        world.fetch(GIT, path="helm/nothing")
    with pytest.raises(RejectedError, match="out of the repository"):
        world.fetch(GIT, path="helm/../../x")
    with pytest.raises(RejectedError):
        world.fetch(GIT)
    with pytest.raises(NotFoundError):
        world.fetch("https://github.com/example/other", path="helm/demo")


def test_dependencies_beside_the_chart_come_with_their_own(world: World) -> None:
    beside = "dependencies:\n- {name: common, version: '*', repository: 'file://../common'}\n"
    commit(world, {
        "helm/top/Chart.yaml": chart_yaml("top", beside + "- {name: fence, version: '>=0', repository: 'file://../fence'}\n"),
        "helm/fence/Chart.yaml": chart_yaml("fence", beside),
        "helm/common/Chart.yaml": chart_yaml("common"),
        "helm/common/templates/_x.tpl": "x",
    })  # fmt: skip
    archive = world.fetch(GIT, path="helm/top")
    assert archive.missing_dependencies == ()
    expected = {
        "charts/common/templates/_x.tpl",
        "charts/fence/Chart.yaml",
        "charts/fence/charts/common/templates/_x.tpl",
    }
    assert expected <= set(files_of(archive))


def test_dependencies_that_cannot_be_had_are_named_with_their_cause(world: World) -> None:
    commit(world, {
        "top/Chart.yaml": chart_yaml("top", "dependencies:\n"
            "- {name: outside, version: '*', repository: 'file://../../etc'}\n"
            "- {name: absolute, version: '*', repository: 'file:///etc'}\n"
            "- {name: itself, version: '*', repository: 'file://.'}\n"
            "- {name: older, version: '>=2', repository: 'file://../older'}\n"
            "- {name: gone, version: '*', repository: 'file://../gone'}\n"
            "- {name: stranger, version: '*', repository: 'https://charts.stranger.example'}\n"
            "- {name: alias, version: '*', repository: '@mine'}\n"
            "- {name: nowhere, version: '*'}\n"
            "- {name: vendored, version: '*'}\n"),
        "older/Chart.yaml": chart_yaml("older", version="1.0.0"),
        "top/charts/vendored/Chart.yaml": chart_yaml("vendored"),
    })  # fmt: skip
    archive = world.fetch(GIT, path="top")
    missing = ["outside", "absolute", "itself", "older", "gone", "stranger", "alias", "nowhere"]
    assert list(archive.missing_dependencies) == missing
    causes = dict(zip(missing, archive.notes, strict=True))
    assert "leads out of the repository" in causes["outside"]
    assert "leads back" in causes["itself"]
    assert "not allowed" in causes["stranger"]
    assert "version 1.0.0" in causes["older"]


def test_dependencies_from_repositories_and_registries_take_the_locked_version(world: World) -> None:
    world.site.publish(*versions("1.0.0", "1.1.0", name="db"))
    world.site.push("team", *versions("3.0.0", "3.1.0", name="search"))
    dependencies = (
        f"dependencies:\n- {{name: db, version: '^1', repository: '{world.site.url}', alias: main}}\n"
        f"- {{name: search, version: '>=3', repository: 'oci://{world.site.origin}/team'}}\n"
    )
    commit(world, {"top/Chart.yaml": chart_yaml("top", dependencies)})
    files = files_of(world.fetch(GIT, path="top"))
    assert b"1.1.0" in files["charts/db/Chart.yaml"]
    assert b"3.1.0" in files["charts/search/Chart.yaml"]
    commit(world, {"top/Chart.lock": "dependencies:\n- {name: db, version: 1.0.0}\n- {name: search, version: 2.0.0}\n"})
    files = files_of(world.fetch(GIT, path="top"))
    assert b"1.0.0" in files["charts/db/Chart.yaml"]
    assert b"3.1.0" in files["charts/search/Chart.yaml"]


def test_one_dependency_in_two_versions_is_there_twice(world: World) -> None:
    world.site.publish(*versions("1.0.0", "2.0.0", name="db"))
    commit(world, {"top/Chart.yaml": chart_yaml("top", "dependencies:\n"
        f"- {{name: db, version: '1.x', repository: '{world.site.url}'}}\n"
        f"- {{name: db, version: '2.x', repository: '{world.site.url}', alias: new}}\n")})  # fmt: skip
    found = sorted(path for path in files_of(world.fetch(GIT, path="top")) if path.endswith("Chart.yaml"))
    assert found == ["Chart.yaml", "charts/db-2.0.0/Chart.yaml", "charts/db/Chart.yaml"]


def test_vendored_archives_are_unpacked_and_accepted(world: World) -> None:
    vendored = versions("1.0.0", name="db")[0]
    dependencies = "dependencies:\n- {name: db, version: '1.x', repository: 'https://charts.stranger.example'}\n"
    commit(world, {"top/Chart.yaml": chart_yaml("top", dependencies), "top/charts/db-1.0.0.tgz": vendored.content})
    archive = world.fetch(GIT, path="top")
    assert archive.missing_dependencies == ()
    assert "charts/db-1.0.0/values.yaml" in files_of(archive)


def test_links_inside_the_chart_are_followed_and_others_refused(world: World) -> None:
    base = {"top/Chart.yaml": chart_yaml("top"), "top/files/a.txt": "a", "secret.txt": "s"}
    commit(
        world,
        base | {"top/b.txt": Link("files/a.txt"), "top/more": Link("files"), "top/files/up": Link("../files/a.txt")},
    )
    files = files_of(world.fetch(GIT, path="top"))
    assert files["b.txt"] == files["more/a.txt"] == files["more/up"] == b"a"
    for bad in ("../secret.txt", "/etc/passwd", "files/../../secret.txt", "gone.txt", "."):
        commit(world, {"top/b.txt": Link(bad)})
        with pytest.raises(RejectedError, match=r"[Ll]ink") as caught:
            world.fetch(GIT, path="top")
        assert "b.txt" in caught.value.place
    commit(world, {"top/b.txt": None, "top/sub": Submodule("1" * 40)})
    with pytest.raises(RejectedError, match="submodule"):
        world.fetch(GIT, path="top")
    commit(world, {"top/.helmignore": "sub\n"})
    world.fetch(GIT, path="top")


def test_a_tree_that_is_open_already_stands_for_its_repository(world: World) -> None:
    commit(world, {"top/Chart.yaml": chart_yaml("top", version="1.0.0")})
    tree = world.repositories.open(SourceAddress(GIT))
    commit(world, {"top/Chart.yaml": chart_yaml("top", version="2.0.0")})
    local = {tree.repository: tree}
    ref = ChartRef(f"{GIT}.git", path="top")
    assert world.sources().fetch(ref, local=local).version == "1.0.0"
    assert world.sources().fetch(ChartRef(GIT, path="top", revision="main"), local=local).version == "1.0.0"
    commit(world, {"x": "y"}, branch="other")
    other = ChartRef(GIT, path="top", revision="other")
    with pytest.raises(NotFoundError):
        world.sources().fetch(other, local=local)


# Files and folders that a person named


@pytest.mark.helm
@pytest.mark.parametrize(
    "rules",
    [
        "",
        "*.txt",
        "b/",
        "b",
        "/a.txt",
        "b/*.txt",
        "a?[x-z]",
        "[^a]b",
        "# c\n\n  a.txt  ",
        "!*.md",
        "!b/",
        "b/c",
        "*/c",
        ".*",
        "a.txt\n!a.txt",
        "/b/c/",
        "*",
    ],
)
def test_a_folder_holds_what_helm_loads_of_it(world: World, tmp_path: Path, helm_program: Path, rules: str) -> None:
    show = 'files: |\n{{ range $path, $_ := .Files.Glob "**" }}  {{ $path }}\n{{ end }}'
    names = ["a.txt", "a.md", "b/a.txt", "b/c/a.txt", "x/b/a.txt", "x/c/d", "abx", "cb", ".hidden", "x/.hidden"]
    folder = tmp_path / "demo"
    for name, text in {"Chart.yaml": chart_yaml("demo"), ".helmignore": rules, "templates/a.yaml": show}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    done = subprocess.run([helm_program, "template", "one", folder], capture_output=True, text=True, check=False)
    try:
        ours = set(files_of(world.sources().load(str(folder)))) - {"Chart.yaml", "templates/a.yaml"}
    except RejectedError:
        assert done.returncode != 0
        return
    assert done.returncode == 0, done.stderr
    shown = yamltext.parse(done.stdout.encode())[0].data["files"].split()
    assert sorted(ours) == sorted(shown)


def test_a_packed_chart_and_its_folder_are_the_same(world: World, tmp_path: Path) -> None:
    archive = chart({"Chart.yaml": chart_yaml("demo"), "templates/a.yaml": "a", "values.yaml": "b: 1\n"})
    packed = tmp_path / "demo.tgz"
    packed.write_bytes(archive.content)
    with tarfile.open(fileobj=io.BytesIO(archive.content)) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    sources = world.sources()
    assert sources.load(str(packed)).digest == archive.digest
    assert sources.load(str(tmp_path / "unpacked" / "demo")).digest == archive.digest


def test_a_folder_finds_its_neighbours_in_the_same_repository_only(world: World, tmp_path: Path) -> None:
    inside = "dependencies:\n- {name: common, version: '*', repository: 'file://../common'}\n"
    outside = "- {name: far, version: '*', repository: 'file://../../../far'}\n"
    for name, text in {
        "repository/helm/top/Chart.yaml": chart_yaml("top", inside + outside),
        "repository/helm/common/Chart.yaml": chart_yaml("common"),
        "repository/.git/config": "",
        "far/Chart.yaml": chart_yaml("far"),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    archive = world.sources().load(str(tmp_path / "repository/helm/top"))
    assert archive.missing_dependencies == ("far",)
    assert "charts/common/Chart.yaml" in files_of(archive)


def test_a_neighbour_that_is_a_link_out_of_the_repository_is_not_read(world: World, tmp_path: Path) -> None:
    dependency = "dependencies:\n- {name: common, version: '*', repository: 'file://../common'}\n"
    top, far = tmp_path / "repository/top", tmp_path / "far"
    top.mkdir(parents=True)
    far.mkdir()
    (tmp_path / "repository/.git").mkdir()
    (top / "Chart.yaml").write_text(chart_yaml("top", dependency))
    (far / "Chart.yaml").write_text(chart_yaml("common"))
    (tmp_path / "repository/common").symlink_to(far)
    archive = world.sources().load(str(top))
    assert archive.missing_dependencies == ("common",)


def test_the_real_charts_load_whole(world: World, real: Path) -> None:
    gen3 = world.sources().load(str(real / "gen3-chart-0.3.90.tgz"))
    assert (gen3.name, gen3.version, gen3.missing_dependencies) == ("gen3", "0.0.0", ())
    assert len(files_of(gen3)) == 1524
    assert world.sources().load(str(real / "cluster-level-resources.tgz")).name == "cluster-level-resources"

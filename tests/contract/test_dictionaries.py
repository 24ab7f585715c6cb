"""What fetching data dictionaries does: the part that all implementations share, then the real one's cache and gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from csoc.adapters.dictionaries import AWAY, BRANCH_FRESH, PUBLISHED, VERSION_FRESH, WebDictionaries
from csoc.config import Settings
from csoc.errors import CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.values import EffectiveValues
from csoc.gen3.data_model.dictionary import SIZE_BYTES
from csoc.gen3.data_model.published import Dictionaries, Lookup, NoDictionaries
from csoc.testing.dictionaries import MemoryDictionaries, node, schema
from csoc.testing.states import layer
from tests.contract.chart_server import Reply, Site, serving

SCHEMA = schema(node("case", "sex"))
OTHER = schema(node("case", "sex"), node("sample"))


@dataclass
class World:
    """Dictionaries of the web with a server. now can be moved; fetch uses new ones, so that only the disk remembers."""

    site: Site
    cache: Path
    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)
    hosts: tuple[str, ...] = ()
    opened: list[WebDictionaries] = field(default_factory=list)

    def publish(self, path: str, data: Any) -> str:
        self.site.replies[path] = Reply(json.dumps(data).encode())
        return f"{self.site.url}{path}"

    def dictionaries(self) -> WebDictionaries:
        settings = Settings(cache_dir=self.cache, extra_allowed_hosts=self.hosts or (self.site.origin,))
        made = WebDictionaries.from_settings(settings, resolve=lambda *_: ["127.0.0.1"], clock=lambda: self.now)
        self.opened.append(made)
        return made

    def fetch(self, url: str) -> Any:
        return self.dictionaries().fetch(url)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with serving() as site:
        made = World(site, tmp_path / "cache")
        yield made
        for item in made.opened:
            item.close()


# The part that every implementation shares

Publish = Callable[[str, Any], str]


@pytest.fixture(params=["memory", "web"])
def published(request: pytest.FixtureRequest, world: World) -> tuple[Dictionaries, Publish]:
    if request.param == "web":
        return world.dictionaries(), world.publish
    memory = MemoryDictionaries()

    def publish(path: str, data: Any) -> str:
        url = f"https://dictionary.example.org{path}"
        memory.add(url, data)
        return url

    return memory, publish


def test_a_published_dictionary_is_read(published: tuple[Dictionaries, Publish]) -> None:
    dictionaries, publish = published
    found = dictionaries.fetch(publish("/1.0.0/schema.json", SCHEMA))
    assert found.has("case", "sex")
    assert not found.note
    assert len(found.digest) == 64


def test_equal_content_has_an_equal_digest(published: tuple[Dictionaries, Publish]) -> None:
    dictionaries, publish = published
    urls = [publish(f"/{number}/schema.json", data) for number, data in enumerate([SCHEMA, SCHEMA, OTHER])]
    digests = [dictionaries.fetch(url).digest for url in urls]
    assert digests[0] == digests[1] != digests[2]


def test_an_address_with_nothing_is_not_found(published: tuple[Dictionaries, Publish]) -> None:
    dictionaries, publish = published
    with pytest.raises(NotFoundError):
        dictionaries.fetch(publish("/1.0.0/schema.json", SCHEMA).replace("1.0.0", "2.0.0"))


def test_what_is_no_dictionary_is_rejected(published: tuple[Dictionaries, Publish]) -> None:
    dictionaries, publish = published
    with pytest.raises(RejectedError):
        dictionaries.fetch(publish("/1.0.0/schema.json", {"no": "dictionary"}))


# The cache


def test_a_version_is_asked_for_once_in_a_long_time(world: World) -> None:
    url = world.publish("/dd/1.2.0/schema.json", SCHEMA)
    for _ in range(3):
        assert world.fetch(url).has("case", "sex")
        world.now += VERSION_FRESH / 4
    assert len(world.site.seen) == 1
    world.now += VERSION_FRESH
    world.fetch(url)
    assert len(world.site.seen) == 2


def test_a_branch_is_asked_for_again_after_an_hour_and_what_is_new_is_seen(world: World) -> None:
    url = world.publish("/dd/develop/schema.json", SCHEMA)
    world.fetch(url)
    world.publish("/dd/develop/schema.json", OTHER)
    world.now += BRANCH_FRESH / 2
    assert not world.fetch(url).has("sample", "id")
    world.now += BRANCH_FRESH
    assert world.fetch(url).has("sample", "id")
    assert len(world.site.seen) == 2


@pytest.mark.parametrize("folder", ["v1.3.2", "1.2", "2.4.0-rc1", "0123456789abcdef0123456789abcdef01234567"])
def test_versions_and_commits_are_recognised(world: World, folder: str) -> None:
    url = world.publish(f"/dd/{folder}/schema.json", SCHEMA)
    world.fetch(url)
    world.now += timedelta(days=1)
    world.fetch(url)
    assert len(world.site.seen) == 1


def test_an_old_copy_is_used_with_a_word_when_the_server_does_not_answer(world: World) -> None:
    url = world.publish("/dd/develop/schema.json", SCHEMA)
    world.fetch(url)
    world.site.replies["/dd/develop/schema.json"] = Reply(status=503)
    world.now += timedelta(days=2)
    found = world.fetch(url)
    assert found.has("case", "sex")
    assert "as of 2026-03-01T00:00+00:00" in found.note
    assert "503" in found.note


def test_a_copy_does_not_hide_that_the_dictionary_is_gone_or_refused(world: World) -> None:
    url = world.publish("/dd/develop/schema.json", SCHEMA)
    world.fetch(url)
    world.now += timedelta(days=2)
    for status, kind in ((404, NotFoundError), (403, DeniedError)):
        world.site.replies["/dd/develop/schema.json"] = Reply(status=status)
        with pytest.raises(kind):
            world.fetch(url)


def test_a_refusal_says_that_the_dictionary_may_not_be_there_at_all(world: World) -> None:
    world.site.replies["/dd/schema.json"] = Reply(status=403)
    with pytest.raises(DeniedError) as caught:
        world.fetch(f"{world.site.url}/dd/schema.json")
    assert "not there" in caught.value.cause
    assert "credential" not in caught.value.fix


def test_a_damaged_copy_is_fetched_again(world: World) -> None:
    url = world.publish("/dd/1.2.0/schema.json", SCHEMA)
    world.fetch(url)
    for path in (world.cache / "dictionaries" / "content").rglob("*"):
        if path.is_file():
            path.write_bytes(b"{}")
    assert world.fetch(url).has("case", "sex")
    assert len(world.site.seen) == 2


def test_what_is_refused_is_not_kept(world: World) -> None:
    url = world.publish("/dd/1.2.0/schema.json", {"no": "dictionary"})
    with pytest.raises(RejectedError):
        world.fetch(url)
    world.publish("/dd/1.2.0/schema.json", SCHEMA)
    assert world.fetch(url).has("case", "sex")


def test_a_host_that_is_away_is_not_asked_again_for_each_dictionary(world: World) -> None:
    dictionaries = world.dictionaries()
    world.site.replies["/a/schema.json"] = Reply(status=502)
    for path in ("/a/schema.json", "/b/schema.json", "/c/schema.json"):
        with pytest.raises(UnavailableError):
            dictionaries.fetch(f"{world.site.url}{path}")
    assert world.site.paths == ["/a/schema.json"]
    world.now += AWAY
    world.publish("/a/schema.json", SCHEMA)
    assert dictionaries.fetch(f"{world.site.url}/a/schema.json").has("case", "sex")


# The gate


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://dictionary.example.org/schema.json",
        "//dictionary.example.org/schema.json",
        "schema.json",
        "",
        "https://not-allowed.example.org/schema.json",
        "http://s3.amazonaws.com/dictionary-artifacts/dd/1.0.0/schema.json",
        "https://" + "x" * 3_000,
    ],
)
def test_an_address_outside_the_settings_is_refused_before_anything_is_sent(world: World, url: str) -> None:
    with pytest.raises(DeniedError):
        world.fetch(url)
    assert not world.site.seen


@pytest.mark.parametrize("url", ["https://user:secret@dictionary.example.org/schema.json", "https://[x/schema.json"])
def test_an_address_that_is_none_is_refused_without_repeating_a_password(world: World, url: str) -> None:
    with pytest.raises(CsocError) as caught:
        world.fetch(url)
    assert "secret" not in str(caught.value)


def test_an_address_inside_a_network_is_refused(world: World) -> None:
    world.hosts = ("elsewhere.example.org",)
    with pytest.raises(DeniedError):
        world.fetch(f"{world.site.url}/schema.json")
    settings = Settings(cache_dir=world.cache)
    inner = WebDictionaries.from_settings(settings, resolve=lambda *_: ["10.0.0.7"], clock=lambda: world.now)
    world.opened.append(inner)
    with pytest.raises(DeniedError, match="inside a network"):
        inner.fetch(f"{PUBLISHED}dd/1.0.0/schema.json")


def test_a_redirect_to_another_host_passes_the_same_gate(world: World) -> None:
    url = world.publish("/dd/schema.json", SCHEMA)
    target = "https://not-allowed.example.org/schema.json"
    world.site.replies["/dd/schema.json"] = Reply(status=302, headers={"Location": target})
    with pytest.raises(DeniedError):
        world.fetch(url)


def test_the_maintainers_folder_is_allowed_and_the_rest_of_its_host_is_not(world: World) -> None:
    def down(host: str, port: int) -> list[str]:
        raise OSError(f"{host}:{port}")

    dictionaries = WebDictionaries.from_settings(Settings(cache_dir=world.cache), resolve=down, clock=lambda: world.now)
    world.opened.append(dictionaries)
    with pytest.raises(UnavailableError, match=r"s3\.amazonaws\.com cannot be looked up"):
        dictionaries.fetch(f"{PUBLISHED}dd/1.0.0/schema.json")
    world.now += AWAY
    for path in (
        "other-bucket/schema.json",
        "dictionary-artifacts/../other-bucket/schema.json",
        "dictionary-artifacts/%2e%2e/other-bucket/schema.json",
        "dictionary-artifacts/%252e%252e/other-bucket/schema.json",
        "dictionary-artifacts/..%2fother-bucket/schema.json",
        "dictionary-artifacts.evil/schema.json",
    ):
        with pytest.raises(DeniedError):
            dictionaries.fetch(f"https://s3.amazonaws.com/{path}")


def test_answers_are_bounded(world: World) -> None:
    world.site.replies["/dd/schema.json"] = Reply(b"[" + b" " * 999_999, chunks=SIZE_BYTES // 1_000_000 + 2)
    with pytest.raises(RejectedError, match="more than"):
        world.fetch(f"{world.site.url}/dd/schema.json")


def test_a_broken_answer_is_unavailable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise httpx.ReadError("connection reset")

    dictionaries = world.dictionaries()
    monkeypatch.setattr(httpx.Client, "stream", broken)
    with pytest.raises(UnavailableError, match="connection reset"):
        dictionaries.fetch(f"{world.site.url}/dd/schema.json")


# Looking up for a check


def values(text: str) -> EffectiveValues:
    return EffectiveValues.merge([layer(text)])


def test_a_lookup_asks_once_and_takes_an_error_for_an_answer() -> None:
    memory = MemoryDictionaries()
    lookup = Lookup(memory)
    first = lookup("https://dictionary.example.org/schema.json")
    assert isinstance(first, NotFoundError)
    memory.add("https://dictionary.example.org/schema.json", SCHEMA)
    assert lookup("https://dictionary.example.org/schema.json") is first
    assert isinstance(Lookup(NoDictionaries())("https://dictionary.example.org/schema.json"), UnavailableError)


def test_what_a_check_rests_on_changes_with_the_dictionary_and_its_absence() -> None:
    url = "https://dictionary.example.org/schema.json"
    text = values(f"global: {{dictionaryUrl: '{url}'}}\netl: {{etlMapping: {{mappings: []}}}}\n")
    seen = set()
    memory = MemoryDictionaries()
    seen.add(Lookup(memory).seen(text))
    memory.add(url, SCHEMA)
    seen.add(Lookup(memory).seen(text))
    memory.add(url, OTHER)
    seen.add(Lookup(memory).seen(text))
    memory.away = True
    seen.add(Lookup(memory).seen(text))
    assert len(seen) == 4


def test_a_check_that_needs_no_dictionary_rests_on_none() -> None:
    away = MemoryDictionaries()
    away.away = True
    for text in ("global: {dictionaryUrl: 'https://x.example.org'}\n", "etl: {enabled: true}\n", "portal: text\n"):
        assert Lookup(away).seen(values(text)) == ""
    assert Lookup(away).seen(values("global: {dictionaryUrl: [1]}\nportal: {gitops: {json: '{}'}}\n")) == ""
    assert "unavailable" in Lookup(away).seen(values("portal: {gitops: {json: '{}'}}\n"))

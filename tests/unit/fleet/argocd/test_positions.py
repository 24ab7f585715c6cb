"""What is remembered of lines between runs."""

from __future__ import annotations

import pytest

from csoc.fleet.argocd.discovery import discover
from csoc.fleet.argocd.positions import Positions
from csoc.fleet.yaml.yamltext import YamlDocument
from csoc.testing.caching import MemoryCache
from tests.unit.fleet.argocd import making

FILES = {
    "a.yaml": making.app_yaml(
        "a",
        spec="  source:\n    repoURL: https://c.example.org\n    chart: x\n    helm:\n      values: |\n        a: 1\n",
    ),
    "b.yaml": making.app_yaml("b", spec="  source: {repoURL: https://c.example.org, chart: x}\n"),
}


def test_a_second_run_knows_every_line_without_looking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = MemoryCache()
    first = discover(making.tree(FILES), cache=cache)

    def refuse(*_: object) -> None:
        raise AssertionError("a position was looked for again")

    monkeypatch.setattr(YamlDocument, "position", refuse)
    again = discover(making.tree(FILES), cache=cache)
    assert again.applications == first.applications
    assert [application.name_location for application in again.applications] == [
        application.name_location for application in first.applications
    ]


def test_a_file_that_changed_is_looked_at_again() -> None:
    cache = MemoryCache()
    discover(making.tree(FILES), cache=cache)
    changed = discover(making.tree({**FILES, "a.yaml": "# moved\n" + FILES["a.yaml"]}), cache=cache)
    assert [application.location.line for application in changed.applications] == [2, 1]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"[[0]]", b'[[0, [[]], "key", [1, 2]]]', b"[" * 100_000, b"\xff"]
)
def test_a_damaged_entry_counts_as_absent(content: bytes) -> None:
    class Damaged(MemoryCache):
        def get_many(self, namespace: str, keys: object) -> dict[str, bytes]:
            return dict.fromkeys(list(keys), content)  # type: ignore[call-overload]

    positions = Positions(Damaged())
    positions.load(["b" * 40])
    assert positions.of("b" * 40) == {}
    discovery = discover(making.tree(FILES), cache=Damaged())
    assert [application.location.line for application in discovery.applications] == [1, 1]

"""Secrets in memory."""

from __future__ import annotations

from collections.abc import Sequence

from csoc.errors import NotFoundError


class MemorySecrets:
    """See csoc.provisioning.secrets.Secrets. values: what was put, by name; None for what is empty."""

    def __init__(self, *names: str) -> None:
        self.values: dict[str, str | None] = dict.fromkeys(names)
        self.puts: list[str] = []
        self._tokens: set[tuple[str, str]] = set()

    def without_value(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if self._of(name) is None)

    def put(self, name: str, value: str, token: str, *, is_first: bool = False) -> None:
        there = self._of(name)
        if (name, token) in self._tokens or (is_first and there is not None):
            return
        self._tokens.add((name, token))
        self.values[name] = value
        self.puts.append(name)

    def _of(self, name: str) -> str | None:
        if name not in self.values:
            raise NotFoundError(f"There is no secret {name}", place=name)
        return self.values[name]

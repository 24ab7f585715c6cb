"""HTTP answers, before a server writes them."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.emulator.kubernetes import errors

JSON = "application/json"
_COMPRESSED_FROM_BYTES = 128 * 1024
"""As the real server's: apiserver, pkg/endpoints/handlers/responsewriters/writers.go."""


@dataclass(frozen=True, slots=True)
class Answer:
    """body: whole, or in pieces as they come."""

    status: int
    body: bytes | AsyncIterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


def of_object(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    return Answer(status, text, headers or {})


def of_text(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), {"X-Content-Type-Options": "nosniff"}, "text/plain; charset=utf-8")


def of_error(error: errors.ApiError) -> Answer:
    return of_object(error.status(), error.code, error.headers)


def warning_headers(warnings: list[str]) -> dict[str, str]:
    """One header line for all warnings; text is quoted as RFC 7234 wants it."""
    shown = []
    for warning in dict.fromkeys(warnings):
        plain = "".join(char if char.isprintable() else " " for char in warning)
        quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
        shown.append(f'299 - "{quoted}"')
    return {"Warning": ", ".join(shown)} if shown else {}


def compressed(answer: Answer, accepted: str) -> Answer:
    """The answer with gzip if the client takes it and it is worth it."""
    if "gzip" not in accepted or not isinstance(answer.body, bytes) or len(answer.body) < _COMPRESSED_FROM_BYTES:
        return answer
    headers = {**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Answer(answer.status, gzip.compress(answer.body, 1), headers, answer.content_type)

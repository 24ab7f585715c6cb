"""How the renderer and its child talk: frames of a JSON header and raw bytes, over pipes.

Length-prefixed, so that the reader knows what is coming before it reads it and can refuse a frame that is too large;
JSON, because neither side may be able to make the other run code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

HEADER = struct.Struct(">II")  # length of the JSON text, length of the bytes behind it


def encode(message: Mapping[str, Any], attachment: bytes = b"") -> bytes:
    """One frame. Raises TypeError, ValueError or RecursionError for what JSON cannot hold."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(text), len(attachment)) + text + attachment


def lengths(header: bytes) -> tuple[int, int]:
    """Length of the JSON text and of the attachment that follow these eight bytes."""
    text, attachment = HEADER.unpack(header)
    return int(text), int(attachment)


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; None at the end. Blocks. Raises EOFError in the middle of one."""
    header = stream.read(HEADER.size)
    if not header:
        return None
    text, attachment = lengths(_whole(header, HEADER.size))
    message = json.loads(_whole(stream.read(text), text))
    return message, _whole(stream.read(attachment), attachment)


def _whole(content: bytes, expected: int) -> bytes:
    if len(content) != expected:
        raise EOFError("the other side ended in the middle of a frame")
    return content

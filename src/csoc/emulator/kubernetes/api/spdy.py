"""Frames of SPDY/3.1, in which kubectl wraps port-forwarding inside of a WebSocket.

Only what streams need: opening, replying, data, reset, ping. Sources: the SPDY protocol draft 3.1; apimachinery,
pkg/util/httpstream/spdy, which has no flow control.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
DATA = 0
FIN = 1
_CONTROL = 0x8003 << 16
_LARGEST_FRAME_BYTES = 1 << 20

# The words that both sides know before they compress headers (draft 3.1, section 2.6.10.1).
_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative "
    "Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 "
    "Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec "
    "00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset="
    "iso-8859-1,utf-,*,enq=0."
)
_DICTIONARY = (
    b"".join(struct.pack(">I", len(word)) + word.encode() for word in (one.replace("_", " ") for one in _WORDS.split()))
    + _TAIL.encode()
)


class SpdyError(ValueError):
    """The bytes are no SPDY."""


@dataclass(frozen=True, slots=True)
class Frame:
    """kind: DATA or the type of a control frame. stream: its id (the id of a ping)."""

    kind: int
    stream: int
    flags: int = 0
    data: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ends(self) -> bool:
        return bool(self.flags & FIN)


class Reader:
    """Bytes in, frames out."""

    def __init__(self) -> None:
        self._left = bytearray()
        self._headers = zlib.decompressobj(zdict=_DICTIONARY)

    def read(self, content: bytes) -> Iterator[Frame]:
        """The frames that are whole by now. Raises SpdyError."""
        self._left += content
        while len(self._left) >= 8:
            first, second = struct.unpack(">II", self._left[:8])
            length = second & 0xFFFFFF
            if length > _LARGEST_FRAME_BYTES:
                raise SpdyError(f"a frame of {length} bytes, and {_LARGEST_FRAME_BYTES} are taken at most")
            if len(self._left) < 8 + length:
                return
            body = bytes(self._left[8 : 8 + length])
            del self._left[: 8 + length]
            yield self._frame(first, second >> 24, body)

    def _frame(self, first: int, flags: int, body: bytes) -> Frame:
        if not first >> 31:
            return Frame(DATA, first, flags, body)
        if first >> 16 != _CONTROL >> 16:
            raise SpdyError("another version of SPDY than 3")
        kind = first & 0xFFFF
        if kind not in (SYN_STREAM, SYN_REPLY, RST_STREAM, PING):
            return Frame(kind, 0, flags, body)
        if len(body) < 4:
            raise SpdyError("a frame is too short")
        stream = struct.unpack(">I", body[:4])[0]
        skipped = {SYN_STREAM: 10, SYN_REPLY: 4}.get(kind)
        headers = self._read_headers(body[skipped:]) if skipped is not None else {}
        return Frame(kind, stream if kind == PING else stream & 0x7FFFFFFF, flags, body, headers)

    def _read_headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._headers.decompress(block, _LARGEST_FRAME_BYTES)
            count, at = struct.unpack(">I", plain[:4])[0], 4
            found = {}
            for _ in range(min(count, 100)):
                name, at = _text(plain, at)
                value, at = _text(plain, at)
                found[name.lower()] = value
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise SpdyError("headers cannot be read") from error
        return found


def _text(plain: bytes, at: int) -> tuple[str, int]:
    length = struct.unpack(">I", plain[at : at + 4])[0]
    return plain[at + 4 : at + 4 + length].decode(), at + 4 + length


class Writer:
    """Frames out; headers are compressed as one stream."""

    def __init__(self) -> None:
        self._headers = zlib.compressobj(9, zdict=_DICTIONARY)

    def headers(self, kind: int, stream: int, headers: Mapping[str, str]) -> bytes:
        """SYN_REPLY, or SYN_STREAM as clients send it."""
        plain = struct.pack(">I", len(headers))
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                plain += struct.pack(">I", len(text)) + text
        block = self._headers.compress(plain) + self._headers.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">I", stream) + (struct.pack(">IH", 0, 0) if kind == SYN_STREAM else b"") + block
        return struct.pack(">II", _CONTROL | kind, len(body)) + body


def data(stream: int, content: bytes, *, ends: bool = False) -> bytes:
    """A data frame."""
    return struct.pack(">II", stream, (FIN if ends else 0) << 24 | len(content)) + content


def control(kind: int, *numbers: int) -> bytes:
    """A control frame of numbers: PING, RST_STREAM, GOAWAY."""
    body = b"".join(struct.pack(">I", number) for number in numbers)
    return struct.pack(">II", _CONTROL | kind, len(body)) + body

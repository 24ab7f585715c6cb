"""Reads gzipped tar archives that strangers made, in bounded time and memory, and writes nothing anywhere.

The standard library's reader trusts what headers say: it recurses over chained headers, reads a header of any length
into memory, and its older releases search pax headers in quadratic time. A chart needs three kinds of entries, so this
reads those, counts every byte that comes out of the decompressor, and refuses the rest by name. (Formats: POSIX ustar
and pax, GNU long names.)
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from csoc.errors import RejectedError

_BLOCK = 512
_LONGEST_HEADER = 64_000
_FREE_BYTES = 4_000_000  # small archives may be as dense as they like
_KINDS = {
    b"0": "file", b"\0": "file", b"7": "file", b"5": "folder", b"1": "hard link", b"2": "symbolic link",
    b"3": "character device", b"4": "block device", b"6": "named pipe", b"S": "sparse file",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What a chart may hold. Helm's own limits are 5 MiB a file and 100 MiB a chart, decompressed."""

    archive_bytes: int = 60_000_000
    total_bytes: int = 100 * 1024 * 1024
    file_bytes: int = 5 * 1024 * 1024
    files: int = 20_000
    ratio: int = 150  # of decompressed to compressed bytes; text reaches 10 to 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its name as written, kind ("file", "folder", "hard link", ...), where a link leads, the content."""

    name: str
    kind: str
    target: str = ""
    content: bytes = b""


def entries(archive: bytes, limits: Limits) -> Iterator[Entry]:
    """Every entry of a .tar.gz. Raises RejectedError: not such an archive, cut short, or over the limits."""
    if len(archive) > limits.archive_bytes:
        raise RejectedError(f"The archive is larger than {limits.archive_bytes:,} bytes")
    with gzip.GzipFile(fileobj=io.BytesIO(archive)) as zipped:
        stream = _Counted(cast("BinaryIO", zipped), len(archive), limits)
        for count, entry in enumerate(_entries(stream, limits)):
            if count >= limits.files:
                raise RejectedError(f"The archive has more than {limits.files:,} entries")
            yield entry


class _Counted:
    """Reads exactly what is asked for, and refuses to read on where the archive turns out to be a bomb."""

    def __init__(self, stream: BinaryIO, archive_bytes: int, limits: Limits) -> None:
        self._stream = stream
        # Headers and padding come on top of what files hold.
        self._limit = limits.total_bytes + 2 * _BLOCK * limits.files
        self._ratio_limit = max(_FREE_BYTES, limits.ratio * archive_bytes)
        self._ratio = limits.ratio
        self._read = 0

    def read(self, size: int) -> bytes:
        """That many bytes, or fewer at the end. Raises RejectedError."""
        parts = []
        while size > 0:
            try:
                part = self._stream.read(min(size, 1 << 16))
            except (OSError, EOFError, zlib.error) as error:
                raise RejectedError(f"The archive is not a whole gzip file: {error}") from None
            if not part:
                break
            self._read += len(part)
            size -= len(part)
            if self._read > self._limit:
                raise RejectedError(f"The archive holds more than {self._limit:,} bytes")
            if self._read > self._ratio_limit:
                raise RejectedError(
                    f"The archive grows to more than {self._ratio} times its size, which no chart does",
                    fix="This is how archives are made that fill a machine; do not use it",
                )
            parts.append(part)
        return b"".join(parts)

    def exactly(self, size: int) -> bytes:
        content = self.read(size)
        if len(content) != size:
            raise RejectedError("The archive is cut short")
        return content


def _entries(stream: _Counted, limits: Limits) -> Iterator[Entry]:
    name, target, size_from_pax = "", "", -1
    while True:
        header = stream.read(_BLOCK)
        if len(header) < _BLOCK or not header.strip(b"\0"):
            return
        _check_sum(header)
        kind, size = header[156:157], _number(header[124:136])
        if kind in (b"L", b"K", b"x", b"g"):
            if size > _LONGEST_HEADER:
                raise RejectedError(f"A header of the archive has {size:,} bytes")
            content = stream.exactly(size)
            stream.exactly(-size % _BLOCK)
            if kind == b"L":
                name = _text(content.rstrip(b"\0"))
            elif kind == b"K":
                target = _text(content.rstrip(b"\0"))
            elif kind == b"x":
                pax = _pax(content)
                name, target = pax.get("path", name), pax.get("linkpath", target)
                size_from_pax = _decimal(pax["size"]) if "size" in pax else -1
            continue
        name = name or _name(header)
        target = target or _text(header[157:257].split(b"\0", 1)[0])
        size = size_from_pax if size_from_pax >= 0 else size
        yield _entry(stream, limits, name, _KINDS.get(kind, "entry of an unknown kind"), target, size)
        name, target, size_from_pax = "", "", -1


def _entry(stream: _Counted, limits: Limits, name: str, kind: str, target: str, size: int) -> Entry:
    if kind == "file" and name.endswith("/"):
        kind = "folder"  # archives from before ustar
    if kind in ("hard link", "symbolic link"):
        return Entry(name, kind, target)
    if kind == "file" and size > limits.file_bytes:
        raise RejectedError(f"A file of the archive has {size:,} bytes, more than {limits.file_bytes:,}", place=name)
    if kind != "file" and size > _LONGEST_HEADER:
        raise RejectedError(f"The {kind} of the archive carries content", place=name)
    content = stream.exactly(size)
    stream.exactly(-size % _BLOCK)
    return Entry(name, kind, "", content if kind == "file" else b"")


def _check_sum(header: bytes) -> None:
    expected = _number(header[148:156])
    plain = header[:148] + b" " * 8 + header[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in plain)
    if expected not in (sum(plain), signed):  # old programs added signed bytes
        raise RejectedError("The archive is not a tar file, or damaged")


def _name(header: bytes) -> str:
    name = _text(header[:100].split(b"\0", 1)[0])
    prefix = _text(header[345:500].split(b"\0", 1)[0]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _number(field: bytes) -> int:
    """Octal text, or (first bit set) a number in base 256."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if field[0] & 0x40 or value > 1 << 60:
            raise RejectedError("A header of the archive has an impossible number")
        return value
    digits = field.split(b"\0", 1)[0].strip()
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        raise RejectedError("The archive is not a tar file, or damaged") from None


def _pax(content: bytes) -> dict[str, str]:
    """Records of the form "<length> <key>=<value>\\n", the length counting all of it."""
    found: dict[str, str] = {}
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 20)
        length = _decimal(content[position:space].decode("ascii", "replace")) if space > 0 else 0
        record = content[space + 1 : position + length]
        if length <= space - position or not record.endswith(b"\n") or b"=" not in record:
            raise RejectedError("A header of the archive is damaged")
        key, _, value = record[:-1].partition(b"=")
        if key.startswith(b"GNU.sparse"):
            raise RejectedError("The archive holds a sparse file, which no chart does")
        if key in (b"path", b"linkpath", b"size"):
            found[key.decode()] = _text(value)
        position += length
    return found


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise RejectedError("A header of the archive has an impossible number")
    return int(text)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise RejectedError("A name in the archive is not UTF-8 text", place=repr(content[:80])) from None

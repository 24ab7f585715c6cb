"""Writes many objects at once, as one Git pack with its index.

A plain folder of a fleet has tens of thousands of small files. As loose objects they would cost as many files in the
cache, and several times the time; a pack is two files, and either there as a whole or not at all.
Formats: gitformat-pack(5), version 2 of pack and index.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import tempfile
import zlib
from pathlib import Path
from typing import IO

_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_LARGE = 1 << 31


def object_id(kind: str, content: bytes) -> str:
    """The id that Git gives to an object: 40 hex digits."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(content)) + content, usedforsecurity=False).hexdigest()


class PackWriter:
    """Collects objects in a temporary file; `close` puts pack and index into place, or nothing if none was added."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._name = ""
        self._index: dict[bytes, tuple[int, int]] = {}
        self._offset = 12

    def add(self, kind: str, content: bytes) -> str:
        """Adds an object (again: nothing happens) and returns its id."""
        oid = object_id(kind, content)
        raw = bytes.fromhex(oid)
        if raw in self._index:
            return oid
        data = _header(_KINDS[kind], len(content)) + zlib.compress(content, 1)
        file = self._open()
        file.write(data)
        self._index[raw] = (self._offset, zlib.crc32(data))
        self._offset += len(data)
        return oid

    def close(self) -> None:
        """Publishes the pack."""
        if self._file is None:
            return
        self._file.seek(8)
        self._file.write(struct.pack(">I", len(self._index)))
        self._file.seek(0)
        digest = hashlib.sha1(usedforsecurity=False)
        while chunk := self._file.read(1 << 20):
            digest.update(chunk)
        checksum = digest.digest()
        self._file.write(checksum)
        self._file.close()
        # Never a name that was there before: libgit2 remembers packs by their path for as long as the process lives.
        name = secrets.token_hex(20)
        index = self._index_bytes(checksum)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix="tmp_idx_", delete=False) as file:
            file.write(index)
        # The index last: a reader takes a pack for there when its index is.
        Path(self._name).replace(self._folder / f"pack-{name}.pack")
        Path(file.name).replace(self._folder / f"pack-{name}.idx")
        self._file = None

    def discard(self) -> None:
        """Throws away what was not published."""
        if self._file is not None:
            self._file.close()
            Path(self._name).unlink(missing_ok=True)
            self._file = None

    def _open(self) -> IO[bytes]:
        if self._file is None:
            handle, self._name = tempfile.mkstemp(dir=self._folder, prefix="tmp_pack_")
            self._file = os.fdopen(handle, "w+b", buffering=1 << 20)
            self._file.write(struct.pack(">4sII", b"PACK", 2, 0))
        return self._file

    def _index_bytes(self, checksum: bytes) -> bytes:
        ids = sorted(self._index)
        counts = [0] * 256
        for oid in ids:
            counts[oid[0]] += 1
        fanout, total = [], 0
        for count in counts:
            total += count
            fanout.append(total)
        small: list[int] = []
        large: list[int] = []
        for oid in ids:
            offset = self._index[oid][0]
            small.append(offset if offset < _LARGE else _LARGE | len(large))
            if offset >= _LARGE:
                large.append(offset)
        parts = [
            b"\xfftOc" + struct.pack(">I", 2),
            struct.pack(">256I", *fanout),
            b"".join(ids),
            struct.pack(f">{len(ids)}I", *(self._index[oid][1] for oid in ids)),
            struct.pack(f">{len(small)}I", *small),
            struct.pack(f">{len(large)}Q", *large),
            checksum,
        ]
        data = b"".join(parts)
        return data + hashlib.sha1(data, usedforsecurity=False).digest()


def _header(kind: int, size: int) -> bytes:
    first = kind << 4 | size & 15
    size >>= 4
    found = bytearray()
    while size:
        found.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    found.append(first)
    return bytes(found)

"""The reader of packed charts against the standard library's writer, and against whatever bytes there are."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.adapters.helm.fetch import tar
from csoc.errors import RejectedError

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
names = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=90).filter(
    lambda name: name not in (".", "..")
)


def packed(files: list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", format=form) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def read(archive: bytes) -> list[tuple[str, bytes]]:
    return [(entry.name, entry.content) for entry in tar.entries(archive, tar.Limits())]


@given(
    st.lists(st.tuples(st.lists(names, min_size=1, max_size=4).map("/".join), st.binary(max_size=2_000)), max_size=6)
)
def test_what_the_standard_library_packs_is_read_back(files: list[tuple[str, bytes]]) -> None:
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        assert read(packed(files, form)) == files


@pytest.mark.parametrize("form", FORMATS)
def test_long_names_are_read_in_every_format(form: int) -> None:
    files = [("d" * 90 + "/" + "f" * 90, b"x"), ("short", b"y")]
    assert read(packed(files, form)) == files


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_link_targets_are_read(form: int) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", format=form) as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "t" * 300
        archive.addfile(info)
    (entry,) = tar.entries(content.getvalue(), tar.Limits())
    assert (entry.kind, entry.target) == ("symbolic link", "t" * 300)


@given(st.binary(max_size=3_000))
def test_no_bytes_are_read_with_anything_but_a_refusal(content: bytes) -> None:
    for archive in (content, gzip.compress(content)):
        try:
            list(tar.entries(archive, tar.Limits()))
        except RejectedError:
            continue


@given(st.integers(0, 1_023), st.integers(0, 255))
def test_a_damaged_header_is_refused_or_gives_entries_with_other_names(position: int, value: int) -> None:
    plain = bytearray(gzip.decompress(packed([("demo/a", b"x" * 300), ("demo/b", b"y")])))
    changed = plain[position] != value
    plain[position] = value
    try:
        found = [(entry.name, entry.content) for entry in tar.entries(gzip.compress(bytes(plain)), tar.Limits())]
    except RejectedError:
        assert changed
    else:
        assert changed or found == [("demo/a", b"x" * 300), ("demo/b", b"y")]


def header(kind: bytes, size: int, data: bytes) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT) + data


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_headers_of_any_length_are_not_read_into_memory(kind: bytes) -> None:
    with pytest.raises(RejectedError, match="header"):
        list(tar.entries(gzip.compress(header(kind, 8 << 30, b"")), tar.Limits()))


def test_chained_headers_cost_no_stack() -> None:
    block = header(b"L", 5, b"name\0".ljust(512, b"\0"))
    assert list(tar.entries(gzip.compress(block * 3_000), tar.Limits())) == []
    bomb = gzip.compress(block * 20_000)
    with pytest.raises(RejectedError, match="times its size"):
        list(tar.entries(bomb, tar.Limits()))


@pytest.mark.parametrize(
    "record",
    [b"99999999999999999999 path=x\n", b"0 path=x\n", b"3 \n", b"path=x\n", b"11 path=x", b"12 path=xx\n" * 2 + b"1"],
)
def test_damaged_pax_records_are_refused(record: bytes) -> None:
    data = record.ljust(512, b"\0")
    with pytest.raises(RejectedError):
        list(tar.entries(gzip.compress(header(b"x", len(record), data)), tar.Limits()))


def test_sparse_files_are_refused() -> None:
    record = b"22 GNU.sparse.major=1\n"
    with pytest.raises(RejectedError, match="sparse"):
        list(tar.entries(gzip.compress(header(b"x", len(record), record.ljust(512, b"\0"))), tar.Limits()))

"""Names the code that an answer in the cache rests on, so that a changed csoc never gives an answer of the old one.

Which code that is follows from imports: a list that people keep goes stale with the first module that is split.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources.abc import Traversable

import yaml

_PACKAGE = "csoc"
# As they are written here: absolute, and with names in brackets where there are many. Text that only looks like one
# adds a module too many at worst.
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ ]+(?P<source>csoc[\w.]*)[ ]+import[ ]+(?:\((?P<many>[^)]*)\)|(?P<few>[^\n]*))"
    rb"|import[ ]+(?P<plain>csoc[\w.]*))",
    re.MULTILINE,
)


@cache
def code_digest(*modules: str) -> str:
    """16 hex digits that change whenever the code of these modules does, or of any module of csoc that they import, at
    whatever depth, or a file of data in their packages, or the YAML library, through which everything is read."""
    digest = hashlib.sha256(yaml.__version__.encode())
    for name, content in sorted(code_of(*modules).items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def code_of(*modules: str) -> Mapping[str, bytes]:
    """The modules of csoc that these need to be imported, themselves included, by name, and the data in their
    packages, by path. Raises ModuleNotFoundError if one of these is none."""
    found: dict[str, bytes] = {}
    waiting = list(modules)
    for name in modules:
        if _source(name) is None:
            raise ModuleNotFoundError(f"no module {name}", name=name)
    while waiting:
        name = waiting.pop()
        source = _source(name)
        if name in found or source is None:
            continue
        found[name] = source.read_bytes()
        waiting.append(name.rpartition(".")[0])  # importing a module runs its packages first
        waiting += _imported(found[name])
        if source.name == "__init__.py":
            found.update(_data_below(_place(name), name))
    return found


def _imported(content: bytes) -> Iterator[str]:
    for match in _IMPORT.finditer(content):
        if match["plain"]:
            yield match["plain"].decode()
            continue
        source = match["source"].decode()
        yield source
        names = re.sub(rb"#[^\n]*", b"", match["many"] or match["few"]).decode("utf-8", "replace")
        for name in names.split(","):
            yield f"{source}.{name.split()[0]}" if name.strip() else source


def _place(name: str) -> Traversable:
    return importlib.resources.files(_PACKAGE).joinpath(*name.split(".")[1:])


def _source(name: str) -> Traversable | None:
    """The file of a module or package of csoc; None where there is none, as for the name of a function."""
    package, _, last = name.rpartition(".")
    inside = _place(name).joinpath("__init__.py")
    if name.partition(".")[0] != _PACKAGE:
        return None
    if inside.is_file():
        return inside
    beside = _place(package).joinpath(f"{last}.py") if package else inside
    return beside if beside.is_file() else None


def _data_below(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of a package that are no code, in its own folder and in those that are no packages."""
    for item in folder.iterdir():
        if item.is_dir():
            if not item.joinpath("__init__.py").is_file():
                yield from _data_below(item, f"{name}/{item.name}")
        elif not item.name.endswith((".py", ".pyc")):
            yield f"{name}/{item.name}", item.read_bytes()

"""Reads every csoc document of a tree, and says everything that is wrong with all of them at once.

A faulty document costs itself: it does not count, and the others go on. Whoever corrects a repository wants one list,
not one error after each push.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from csoc.fleet import gc_pause
from csoc.fleet.documents import layout
from csoc.fleet.documents.base import API_GROUP, API_VERSION, Document
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.crosschecks import cross_check
from csoc.fleet.documents.faults import Fault, describe, explain, field_name, nearest
from csoc.fleet.location import Location
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import Tree
from csoc.fleet.snapshot import ParsedFile, ParsedFiles
from csoc.fleet.values import Path
from csoc.fleet.yaml.yamltext import YamlDocument

# A reader mends the first faults, and explaining one costs a look at its file. No file may make that endless.
_MOST_FAULTS = 50  # of one document
_MOST_FAULTS_IN_ALL = 1_000
_MOST_DOCUMENTS = 20  # in one file
_LARGEST_FILE_BYTES = 2_000_000


def read_documents(tree: Tree, store: ParsedStore | None = None) -> Documents:
    """The documents of a tree, compared with each other. store: keeps what was parsed. Raises nothing for what a
    repository can hold."""
    with gc_pause.paused():
        return _read(tree, ParsedFiles(tree, store or ParsedStore()))


def _read(tree: Tree, files: ParsedFiles) -> Documents:
    mentioning = files.mentioning(API_GROUP)
    top = find_top(files, mentioning)
    if top is None:
        return Documents(None)
    paths = _document_paths(files, mentioning, top)
    too_large = [path for path in paths if files.size_bytes(path) > _LARGEST_FILE_BYTES]
    paths = [path for path in paths if path not in too_large]
    files.load(paths)
    read: list[Placed[Document]] = []
    faults = [
        Fault(files.place(path), "", f"at most {_LARGEST_FILE_BYTES} bytes", f"{files.size_bytes(path)}")
        for path in too_large
        if top or layout.kind_at(path, top)
    ]
    for number, path in enumerate(paths):
        _read_file(files[path], top, read, faults)
        if len(faults) > _MOST_FAULTS_IN_ALL:
            expected = f"at most {_MOST_FAULTS_IN_ALL} faults in all documents"
            found = f"more; {len(paths) - number - 1} files after this one were not looked at"
            faults.append(Fault(files[path].locate(), "", expected, found))
            break
    else:
        _find_duplicates(files, paths, faults)
    return cross_check(top, read, faults, tree)


def find_top(files: ParsedFiles, mentioning: Sequence[str]) -> str | None:
    """The folder of the documents: `.csoc` if it holds any, else "" if `fleet.yaml` is one of ours (other tools use
    that name too), else None. mentioning: files that name csoc's API group."""
    in_adopted = f"{layout.ADOPTED}/"
    schemas = f"{layout.SCHEMAS}/"
    if "fleet.yaml" in mentioning and _is_ours(files["fleet.yaml"]):
        return ""
    if any(path.startswith(in_adopted) and not path.startswith(schemas) for path in mentioning):
        return layout.ADOPTED
    return None


def _is_ours(file: ParsedFile) -> bool:
    """Whether a file is meant to be a csoc document; one that is not YAML and names the API group is."""
    return file.error is not None or any(_group(document.data) == API_GROUP for document in file.documents)


def _group(data: Any) -> str:
    version = data.get("apiVersion") if isinstance(data, Mapping) else None
    return version.partition("/")[0] if isinstance(version, str) else ""


def _document_paths(files: ParsedFiles, mentioning: Sequence[str], top: str) -> list[str]:
    """Files that name the API group, and files at places where documents are expected, even if they do not."""
    below = f"{top}/" if top else ""
    found = {path for path in mentioning if path.startswith(below)}
    found.update(path for path in files if path.startswith(below) and (top or layout.kind_at(path, top)))
    return sorted(path for path in found if not path.startswith(f"{layout.SCHEMAS}/"))


def _read_file(file: ParsedFile, top: str, read: list[Placed[Document]], faults: list[Fault]) -> None:
    expected_here = bool(top) or bool(layout.kind_at(file.path, top))
    if file.error is not None:
        # A chart's template that mentions csoc is no document, and no YAML before it is rendered.
        if expected_here:
            faults.append(Fault(file.locate(), "", "YAML", file.error.cause, file.error.fix))
        return
    if not file.documents and expected_here:
        faults.append(Fault(file.locate(), "", "a csoc document", "an empty file", "Write the document, or remove it"))
    ours = [document for document in file.documents if _group(document.data) == API_GROUP]
    if len(ours) > _MOST_DOCUMENTS:
        expected = f"at most {_MOST_DOCUMENTS} documents in one file"
        faults.append(Fault(file.locate((), ours[_MOST_DOCUMENTS].index), "", expected, f"{len(ours)}"))
        return
    for document in file.documents[: _MOST_DOCUMENTS if expected_here else None]:
        if expected_here or _group(document.data) == API_GROUP:
            model = _model_of(file, document, top, faults)
            if model is not None:
                _validate(file, document, model, read, faults)


def _find_duplicates(files: ParsedFiles, paths: Sequence[str], faults: list[Fault]) -> None:
    """YAML lets the later of two equal keys win, so that what a reader sees first does not count."""
    for path, listed in files.duplicates(paths).items():
        file = files[path]
        for index, keys, line in listed[:_MOST_FAULTS]:
            ours = any(document.index == index and _group(document.data) == API_GROUP for document in file.documents)
            if ours:
                place = Location(file.repository, file.commit, path, line, 1)
                fix = "Keep one of them: the later one counts, whatever the earlier one says"
                faults.append(Fault(place, field_name(keys), "a key that stands once", "the same key above", fix))


def _model_of(file: ParsedFile, document: YamlDocument, top: str, faults: list[Fault]) -> type[Document] | None:
    """The model of the document's kind, or None, with a fault."""
    data, index = document.data, document.index
    if not isinstance(data, Mapping):
        faults.append(Fault(file.locate((), index), "", "a mapping of keys", describe((), data)))
        return None
    version, kind = data.get("apiVersion"), data.get("kind")
    known = list(layout.KINDS)
    usual = layout.kind_at(file.path, top)
    if version != API_VERSION:
        fix = f"Write apiVersion: {API_VERSION}"
        if _group(data) == API_GROUP:
            fix = f"Another version of csoc may read it; this one reads {API_VERSION}"
        found = describe(("apiVersion",), version)
        faults.append(Fault(file.locate(("apiVersion",), index), "apiVersion", API_VERSION, found, fix))
    if not isinstance(kind, str) or kind not in layout.KINDS:
        fix = nearest(kind, [name.lower() for name in known]) if isinstance(kind, str) else ""
        for name in known:
            fix = fix.replace(f'"{name.lower()}"', f'"{name}"')
        fix = fix or (f"In this place csoc writes kind: {usual}" if usual else "")
        found = describe(("kind",), kind)
        faults.append(Fault(file.locate(("kind",), index), "kind", f"one of {', '.join(known)}", found, fix))
        return None
    return layout.KINDS[kind] if version == API_VERSION else None


def _validate(
    file: ParsedFile,
    document: YamlDocument,
    model: type[Document],
    read: list[Placed[Document]],
    faults: list[Fault],
) -> None:
    # Through JSON, where a list may become a tuple and a text a date; everything else stays strict.
    content = json.dumps(document.data)
    try:
        read.append(Placed(model.model_validate_json(content), file, document.index))
    except ValidationError as error:
        for item in error.errors(include_url=False)[:_MOST_FAULTS]:
            path: Path = tuple(item["loc"])
            at = document.position(path)
            found = explain(model, document.data, item, file.line_text(at[0]) if at else "")
            location = file.locate(found.path, document.index)
            faults.append(Fault(location, found.field, found.expected, found.found, found.fix))
        more = error.error_count() - _MOST_FAULTS
        if more > 0:
            place = file.locate((), document.index)
            faults.append(Fault(place, "", f"at most {_MOST_FAULTS} faults in one document", f"{more} more"))

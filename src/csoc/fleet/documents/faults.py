"""What is wrong with a document, in words for the one who wrote it: file, line, field, expected, found, fix.

A validator speaks to programmers ("Input should be a valid string"). Here its errors become sentences, with the line of
the very key, the nearest valid name for one that does not exist, and for YAML's favourite trap, unquoted text that
became a number, the line as it should be written. What is found is masked where it looks secret.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from csoc.fleet.argocd.model import Problem
from csoc.fleet.documents import base, infrastructure
from csoc.fleet.location import Location, one_line
from csoc.fleet.masking import MASK, masked
from csoc.fleet.values import Path, look_up

BAD_DOCUMENT = "bad document"
_ABSENT = object()


class Weight(Enum):
    """How much a fault matters."""

    ERROR = "error"  # must be mended: a document that cannot be read does not count, others do
    WARNING = "warning"  # the document counts, and probably does not say what its author thinks


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a document.

    field: "spec.values[1].path", or "" for the document as a whole. expected and found are parts of a sentence; found
    is masked where it looks secret, and "" where it would say nothing.
    """

    location: Location
    field: str
    expected: str
    found: str = ""
    fix: str = ""
    weight: Weight = Weight.ERROR

    @property
    def cause(self) -> str:
        """One sentence without the place."""
        where = f"{self.field}: " if self.field else ""
        return one_line(f"{where}expected {self.expected}" + (f", found {self.found}" if self.found else ""))

    def __str__(self) -> str:
        return f"{self.location}: {self.cause}" + (f". {self.fix}" if self.fix else "")

    def problem(self) -> Problem:
        """The same, as one of the things in the fleet that were not understood."""
        return Problem(BAD_DOCUMENT, self.cause, self.location, self.fix)


@dataclass(frozen=True, slots=True)
class Explained:
    """An error of the validator in words. path: where to point to, which may be above the field."""

    path: Path
    field: str
    expected: str
    found: str
    fix: str


def field_name(path: Path) -> str:
    """A path as people write it: "spec.values[1].path"."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def nearest(name: str, known: Sequence[str]) -> str:
    """'Did you mean "x"?' for the closest of the known names, or ""."""
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f'Did you mean "{close[0]}"?' if close else ""


def explain(model: type[BaseModel], data: Any, error: ErrorDetails, line_text: str = "") -> Explained:
    """One error of validating data as the model. line_text: the line of the file that the field stands on."""
    path: Path = tuple(error["loc"])
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(model, path)
    if kind == "wrong_field":
        path = (*path, str(context["field"]))
    found = look_up(data, path, _ABSENT)
    if found is _ABSENT and path and isinstance(look_up(data, path[:-1]), str):
        # A plain path in place of a reference to a file: the error is about a field that nobody wrote.
        path, found = path[:-1], look_up(data, path[:-1])
    expected = _expected(kind, context, error)
    if kind == "missing":
        return Explained(path[:-1], field_name(path), f"a value ({_description(model, path)})", "nothing", "")
    shown = "nothing" if found is _ABSENT else describe(path, found)
    fix = ""
    if kind == "literal_error" and isinstance(found, str):
        fix = nearest(found, _alternatives(context))
    elif kind in ("string_type", "date_type", "datetime_type") and isinstance(found, (bool, int, float)):
        fix = _quote(path, line_text)
    return Explained(path, field_name(path), expected, "" if "credential" in expected else shown, fix)


def describe(path: Path, value: Any) -> str:
    """What a value is, for readers: scalars with their content, masked where it looks secret."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping of keys"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return f"{str(value).lower()} (true or false, not text)"
    if isinstance(value, (int, float)):
        return f"the number {masked(path, value)}"
    return f'"{masked(path, value)}"'


def _unknown_key(model: type[BaseModel], path: Path) -> Explained:
    known = sorted(_fields_at(model, path[:-1]))
    key = str(path[-1])
    shown = key if key.isprintable() and len(key) <= 60 else "a long key"
    fix = nearest(key, known) or ("Remove it, or move it to where it belongs" if known else "")
    field = field_name((*path[:-1], shown))
    return Explained(path, field, f"one of the keys {', '.join(known)}", f'"{shown}"', fix)


_PATTERN_WORDS = {
    base.NAME_PATTERN: "lower-case letters and digits, with hyphens or dots between them",
    base.LABEL_PATTERN: "lower-case letters and digits, with hyphens between them",
    base.UID_PATTERN: "ten lower-case letters and digits, the first a letter",
    base.COMMIT_PATTERN: "a commit: 40 digits of 0-9 and a-f",
    base.FINGERPRINT_PATTERN: "a fingerprint: 16 digits of 0-9 and a-f",
    r"^1\.[0-9]{1,3}$": 'a Kubernetes version such as "1.33"',
    r"^[a-z0-9]+(-[a-z0-9]+)*$": 'the id of a rule, such as "chart-not-pinned"',
    base.RELEASE_PATTERN: "lower-case letters and digits, with hyphens or dots between them",
    r"^1\.[0-9]{2}$": 'a Kubernetes version such as "1.35"',
    r"^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$": "a domain such as example.org, or .example.org for all below it, without https://",
    r"^[a-z][a-z0-9_]{0,39}$": "the name of an identity provider, such as google",
    r"^https://[^\s@]+$": "an address that begins with https://",
    r"^https://[^\s@]+/[^\s@]+\.json$": "an address that begins with https:// and ends with .json",
    r"^[A-Za-z_][A-Za-z0-9_]{0,127}$": "the name of an environment variable",
    r"^[a-z0-9][a-z0-9._/-]*$": "the name of a chart, such as gen3",
    infrastructure.CERTIFICATE_PATTERN: "the ARN of a certificate of ACM, arn:aws:acm:REGION:ACCOUNT:certificate/ID",
    infrastructure.ZONE_ID_PATTERN: "the id of a hosted zone, such as Z0123456789ABCDEFGHIJ",
}

_TYPE_WORDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "mapping_type": "a mapping of keys",
    "tuple_type": "a list",
    "list_type": "a list",
    "date_type": "a date such as 2027-03-31",
    "date_parsing": "a date such as 2027-03-31",
    "date_from_datetime_parsing": "a date such as 2027-03-31",
    "date_from_datetime_inexact": "a date such as 2027-03-31",
    "datetime_type": "a time such as 2027-03-31T09:00:00Z",
    "datetime_parsing": "a time such as 2027-03-31T09:00:00Z",
    "datetime_from_date_parsing": "a time such as 2027-03-31T09:00:00Z",
    "timezone_aware": "a time with its time zone, such as 2027-03-31T09:00:00Z",
}


def _expected(kind: str, context: Mapping[str, Any], error: ErrorDetails) -> str:
    if kind in _TYPE_WORDS:
        return _TYPE_WORDS[kind]
    if kind == "literal_error":
        return f"one of {', '.join(_alternatives(context))}"
    if kind == "string_pattern_mismatch":
        return _PATTERN_WORDS.get(str(context["pattern"]), f"text of the form {context['pattern']}")
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    if kind == "string_too_short":
        return f"at least {context['min_length']} characters"
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"a number {'from' if 'ge' in context else 'up to'} {context.get('ge', context.get('le'))}"
    return error["msg"].removeprefix("Value error, ")


def _alternatives(context: Mapping[str, Any]) -> list[str]:
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))


def _quote(path: Path, line_text: str) -> str:
    """Shows the line as it should be, if it is a plain scalar that may be shown."""
    match = re.match(r"\s*(?:- )?(?:[A-Za-z][A-Za-z0-9_-]*: +)?([A-Za-z0-9._:+-]{1,64})\s*(?:#.*)?$", line_text)
    text = match[1] if match else ""
    key = path[-1] if path else ""
    if not text or masked(path, text) == MASK:
        return "Put it in quotes: YAML reads it as a number, a date or true or false otherwise"
    return f'Put it in quotes: {key}: "{text}"' if isinstance(key, str) else f'Put it in quotes: "{text}"'


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the mapping at a path; None where there is none."""
    current: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int):
            continue
        field = next((f for n, f in (current.model_fields if current else {}).items() if step in (n, f.alias)), None)
        current = _model_in(field.annotation) if field is not None else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)


def _fields_at(model: type[BaseModel], path: Path) -> list[str]:
    found = _model_at(model, path)
    return [field.alias or name for name, field in found.model_fields.items()] if found else []


def _description(model: type[BaseModel], path: Path) -> str:
    found = _model_at(model, path[:-1])
    for name, field in found.model_fields.items() if found else ():
        if path and path[-1] in (name, field.alias) and field.description:
            return re.split(r"(?<=\w)(?<!e\.g)(?<!i\.e)[.:;] |[.]$", " ".join(field.description.split()))[0]
    return "required"

"""Text from outside, made safe to print.

A name in a repository may hold anything: line breaks that forge lines of csoc's own, sequences that a terminal obeys,
marks that turn text around or show nothing, words that a CI system takes for commands to itself. What is printed is one
line, and shows such characters as escapes.
"""

from __future__ import annotations

import json
import re

# What Unicode calls ignorable by default, as far as Python takes it for printable: it shows nothing, so that two names
# look the same (DerivedCoreProperties.txt, Default_Ignorable_Code_Point).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# GitHub, Azure Pipelines and TeamCity take these for commands wherever they stand in a line of a log,
_MARK = re.compile(r"##(?=\[|vso\[|teamcity\[)", re.IGNORECASE)
# and GitHub this where a line begins with it.
_COMMAND = re.compile(r"^(\s*):(?=:)")


def clean(text: str) -> str:
    """One line that no terminal and no CI system acts upon: what does not show becomes an escape (\\n, \\x1b, \\u202e).

    "##[" becomes "# #[", and "::" at the beginning "\\x3a:".
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    text = _INVISIBLE.sub(lambda found: _escape(found[0]), text)
    return _MARK.sub("# #", _COMMAND.sub(r"\1\\x3a", text))


def _escape(char: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if named:
        return named
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def json_text(data: object, *, indent: int | None = None, ascii_only: bool = False) -> str:
    """JSON that can be written as UTF-8 and shown: halves of characters, which names of files can hold, what a terminal
    would obey, and what does not show become escapes. JSON itself asks for only some of them."""
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only, default=str)
    if not text.replace("\n", "").isprintable():
        text = "".join(char if char.isprintable() or char == "\n" else _json_escape(char) for char in text)
    text = _INVISIBLE.sub(lambda found: _json_escape(found[0]), text)
    return _MARK.sub(r"#\\u0023", text)


def _json_escape(char: str) -> str:
    return json.dumps(char)[1:-1]

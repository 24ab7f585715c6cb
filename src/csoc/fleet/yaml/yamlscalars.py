"""What a YAML scalar means to Helm and Argo CD: the rules of their Go library, which no Python parser follows.

Both read YAML with go.yaml.in/yaml/v2 (through sigs.k8s.io/yaml), turn it into JSON and read that again. So `y` is a
boolean, `010` is eight, a date stays text, every number is a 64-bit float in the end, and keys become strings. The
rules here were taken from that library's resolve.go and decode.go and are compared with Helm itself in the tests.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import math
import re
import struct

STR = "tag:yaml.org,2002:str"
_PREFIX = "tag:yaml.org,2002:"
_MERGE = _PREFIX + "merge"

Scalar = str | int | float | bool | None


class ScalarError(ValueError):
    """A scalar that Helm refuses. Its text is a sentence without the scalar's content."""


_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST = frozenset("yYnNtTfFoO~.+-0123456789")
_NUMERIC_FIRST = frozenset("+-0123456789")
_ABSENT = object()

_INTEGER = re.compile(
    r"([-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))\Z", re.A
)
_LATE_BINARY = re.compile(r"0b([-+]?[01]+)\Z", re.A)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z", re.A)
_DOT_FLOAT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?\Z", re.A)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?:[Tt](\d\d?):(\d\d?):(\d\d?)(\.\d+)?(Z|[-+]\d\d:\d\d)| (\d\d?):(\d\d?):(\d\d?)(\.\d+)?)?\Z",
    re.A,
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_LONGEST_INTEGER = 100  # characters; beyond it every integer is out of a 64-bit range or mostly zeros


def resolve(text: str, tag: str, plain: bool) -> Scalar:
    """The value as Go's parser sees it, before JSON: integers and floats are told apart. Raises ScalarError.

    tag: as written, with the long prefix, or "". plain: whether the scalar may be something else than text.
    """
    if not tag:
        if not plain or (text and text[0] not in _FIRST):
            return text
        return _implicit(text)
    if tag == STR or not tag.startswith(_PREFIX):
        return text
    return _tagged(text, tag)


def as_value(scalar: Scalar) -> Scalar:
    """A value after the way through JSON, where every number is a float of 64 bits. Raises ScalarError."""
    if isinstance(scalar, bool) or not isinstance(scalar, (int, float)):
        return scalar
    if isinstance(scalar, int):
        if -(2**53) <= scalar <= 2**53:
            return scalar
        scalar = float(scalar)
    if not math.isfinite(scalar):
        raise ScalarError("infinity and not-a-number cannot be values, since Helm turns values into JSON")
    if not scalar.is_integer() or abs(scalar) >= 1e21:
        return scalar
    # Go writes the shortest digits that give the same float and fills up with zeros, so those are what readers see.
    return int(scalar) if abs(scalar) <= 2**53 else int(decimal.Decimal(repr(scalar)))


def as_key(scalar: Scalar) -> str:
    """A mapping's key after the way through JSON. Raises ScalarError for null and for integers above 63 bits."""
    if isinstance(scalar, str):
        return scalar
    if scalar is None:
        raise ScalarError("null cannot be a key")
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, int):
        if scalar >= 2**63:
            raise ScalarError("this number is too large to be a key")
        return str(scalar)
    return _float_key(scalar)


def is_merge(text: str, tag: str, plain: bool) -> bool:
    """Whether a key is `<<`, which pulls another mapping in."""
    return text == "<<" and (plain or tag == _MERGE)


def reads_as_text(text: str) -> bool:
    """Whether the text, written plain, is read as that very text. Says nothing about YAML's own signs in it."""
    try:
        return resolve(text, "", True) == text
    except ScalarError:
        return False


def _implicit(text: str) -> Scalar:
    word = _WORDS.get(text, _ABSENT)
    if word is not _ABSENT:
        return word  # type: ignore[return-value]
    if text[0] in _NUMERIC_FIRST:
        return _number(text)
    if text[0] == "." and _DOT_FLOAT.match(text):
        return _finite(text.replace("_", ""), text)
    return text


def _number(text: str) -> Scalar:
    plain = text.replace("_", "")
    integer = _INTEGER.match(plain) if len(plain) <= _LONGEST_INTEGER else None
    if integer:
        base = str(integer.lastgroup)
        number = int(integer[base], _BASES[base])
        number = -number if integer[1] == "-" else number
        if -(2**63) <= number < 2**63 or (number < 2**64 and not integer[1]):
            return number
    if _FLOAT.match(plain):
        return _finite(plain, text)
    late = _LATE_BINARY.match(plain)
    if late and -(2**63) <= int(late[1], 2) < 2**63:
        return int(late[1], 2)
    return text


def _finite(plain: str, text: str) -> float | str:
    number = float(plain)
    return number if math.isfinite(number) else text


def _tagged(text: str, tag: str) -> Scalar:
    kind = tag.removeprefix(_PREFIX)
    if kind == "binary":
        return _binary(text)
    if kind == "timestamp":
        if not _is_timestamp(text):
            raise ScalarError("the tag says timestamp, and this is none")
        return text
    if kind not in ("bool", "int", "float", "null"):
        return text
    value = _implicit(text) if not text or text[0] in _FIRST else text
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool) and value < 2**63:
        value = float(value)
    found = {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")
    if found != kind:
        raise ScalarError(f"the tag says {kind}, and this is none")
    return value


def _is_timestamp(text: str) -> bool:
    found = _TIMESTAMP.match(text)
    if not found:
        return False
    hour, minute, second = (int(found[first] or found[second] or 0) for first, second in ((4, 9), (5, 10), (6, 11)))
    try:
        datetime.date(max(int(found[1]), 1), int(found[2]), int(found[3]))
        datetime.time(hour, minute, second)
    except ValueError:
        return False
    return True


def _binary(text: str) -> str:
    compact = text.replace("\r", "").replace("\n", "")
    try:
        content = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        raise ScalarError("the tag says binary, and this is not base64") from None
    return content.decode("utf-8", "replace")


def _float_key(number: float) -> str:
    """Go's FormatFloat(number, 'g', -1, 32): the shortest text that gives the same float of 32 bits."""
    if math.isnan(number):
        return ".nan"
    try:
        single = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        single = math.copysign(math.inf, number)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    for precision in range(9):
        text = f"{single:.{precision}e}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == single:
            break
    mantissa, exponent = text.split("e")
    power = int(exponent)
    if power < -4 or power >= 6:
        return f"{mantissa}e{exponent}"
    return f"{single:.{max(precision - power, 0)}f}"

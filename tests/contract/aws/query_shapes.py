"""Whether an answer of a service with the query protocol is what botocore's model says.

botocore drops what its model does not know, so that a client never sees it; here the XML itself is looked at: unknown
members, missing ones, values of another type or outside of an enumeration are told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from botocore.model import OperationModel, Shape
from botocore.utils import parse_timestamp

_BOOLEANS = ("true", "false")


Also = Mapping[str, frozenset[str]]


def problems(body: bytes, operation: OperationModel, also: Also) -> list[str]:
    """What is wrong with the body of an answer that succeeded. also: values that a service gives for a shape although
    its model does not list them."""
    root = _plain(fromstring(body))
    shape = operation.output_shape
    if shape is None:
        return [f"{child.tag} is not in the model" for child in root if child.tag != "ResponseMetadata"]
    wrapper = shape.serialization.get("resultWrapper")
    found = root.find(wrapper) if wrapper else root
    if found is None:
        return [f"{wrapper} is missing"] if shape.required_members else []
    return list(_problems(found, shape, operation.name, also))


def _plain(root: Element) -> Element:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _problems(element: Element, shape: Any, where: str, also: Also) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _of_structure(element, shape, where, also)
    elif shape.type_name == "list":
        name = shape.member.serialization.get("name", "member")
        for number, child in enumerate(element):
            if child.tag != name:
                yield f"{where}/{number}: {child.tag} instead of {name}"
            yield from _problems(child, shape.member, f"{where}/{number}", also)
    elif shape.type_name != "map":
        yield from _of_scalar(element, shape, where, also)


def _of_structure(element: Element, shape: Any, where: str, also: Also) -> Iterator[str]:
    names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
    seen = set()
    for child in element:
        if child.tag not in names:
            yield f"{where}: {child.tag} is not in the model"
            continue
        name, member = names[child.tag]
        if name in seen:
            yield f"{where}: {name} stands there twice"
        seen.add(name)
        yield from _problems(child, member, f"{where}/{name}", also)
    yield from (f"{where}: {name} is missing" for name in shape.required_members if name not in seen)


def _of_scalar(element: Element, shape: Shape, where: str, also: Also) -> Iterator[str]:
    text = element.text or ""
    if len(element):
        yield f"{where}: holds {element[0].tag} and should be {shape.type_name}"
    elif shape.type_name == "boolean" and text not in _BOOLEANS:
        yield f"{where}: {text!r} is no boolean"
    elif shape.type_name in ("integer", "long") and not text.lstrip("-").isdecimal():
        yield f"{where}: {text!r} is no whole number"
    elif shape.type_name == "timestamp":
        try:
            parse_timestamp(text)
        except ValueError:
            yield f"{where}: {text!r} is no time"
    else:
        known = frozenset(getattr(shape, "enum", ()))
        if known and text not in known | also.get(shape.name, frozenset()):
            yield f"{where}: {text!r} is none of {', '.join(sorted(known))}"

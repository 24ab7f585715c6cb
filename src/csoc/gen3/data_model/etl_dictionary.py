"""The ETL mapping against the data dictionary: nodes, links and properties that the dictionary does not have.

A link that does not exist stops tube when its job starts. A property that does not exist is passed over, and the index
never gets the field.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.gen3.data_model.dictionary import Dictionary, nearest
from csoc.gen3.data_model.etl_model import AGGREGATOR, COLLECTOR, EtlMapping, Fault, Field, Index

_SPECIAL = frozenset({"source_node"})  # made by tube in collectors
_FAULTS = 500
_NUMERIC = frozenset({"sum", "min", "max"})
_NUMBERS = frozenset({"number", "integer"})


def against(mapping: EtlMapping, dictionary: Dictionary) -> list[Fault]:
    """What of the mapping does not fit the dictionary; see `etl_model.Fault`."""
    faults: dict[str, Fault] = {}  # by cause: a node that is not there is told once, not for each of its fields
    for index in mapping.indices:
        for fault in _index(index, dictionary):
            faults.setdefault(fault.key, fault)
            if len(faults) >= _FAULTS:
                return list(faults.values())
    return list(faults.values())


def _index(index: Index, dictionary: Dictionary) -> Iterator[Fault]:
    if index.kind == AGGREGATOR and index.root not in dictionary.nodes:
        if index.root:
            hint = nearest(index.root, dictionary.nodes)
            text = f"the index {index.name} begins at the node {index.root[:100]}, which the dictionary does not have"
            yield Fault((*index.path, "root"), f"{index.name}: root", text, stops=True, fix=_meant(hint))
        return  # nothing else can be followed
    if index.kind == COLLECTOR and not dictionary.in_category(index.category):
        text = (
            f"the index {index.name} collects the category {index.category[:100]}, which no node of the dictionary has"
        )
        key = "category"
        yield Fault((*index.path, key), f"{index.name}: category", text, stops=False)
        return
    ends: dict[str, str | None] = {"": index.root}
    for path, route in index.routes:
        if route in ends:
            continue
        end, fault = _walk(index, dictionary, route)
        ends[route] = end
        if fault is not None:
            yield Fault(path, f"{index.name}: path {route[:200]}", fault[0], stops=True, fix=fault[1])
    for item in index.fields:
        yield from _field(index, item, dictionary, ends)


def _walk(index: Index, dictionary: Dictionary, route: str) -> tuple[str | None, tuple[str, str] | None]:
    """The node at the end of a chain of links, and else what is wrong with it: (text, fix)."""
    node = index.root
    for step in route.split("."):
        if step == "_ANY":
            continue
        found = dictionary.edge(node, step)
        if found is None:
            text = f"the index {index.name} goes from the node {node} along {step[:100]} (in {route[:150]}), and the"
            text += " dictionary has no such link"
            hint = nearest(step, dictionary.edges(node))
            known = ", ".join(sorted(dictionary.edges(node))[:8])
            return None, (text, _meant(hint) or (f"{node} has the links {known}" if known else ""))
        node = found
    return node, None


def _field(index: Index, item: Field, dictionary: Dictionary, ends: dict[str, str | None]) -> Iterator[Fault]:
    if item.block == "joining_props" or not item.source:
        return
    nodes = _nodes_of(index, item, dictionary, ends)
    if not nodes:
        if item.block == "injecting_props" and item.route not in dictionary.nodes:
            hint = nearest(item.route, dictionary.nodes)
            text = (
                f"the index {index.name} injects from the node {item.route[:100]}, which the dictionary does not have"
            )
            yield Fault(
                item.path[:-2], f"{index.name}: injecting {item.route[:100]}", text, stops=True, fix=_meant(hint)
            )
        return
    if item.source in _SPECIAL and index.kind == COLLECTOR:
        return
    if not any(dictionary.has(node, item.source) for node in nodes):
        where = nodes[0] if len(nodes) == 1 else f"no node of the category {index.category}"
        lacks = "does not have" if len(nodes) == 1 else "has"
        known = frozenset(name for node in nodes for name in dictionary.nodes[node].properties)
        text = (
            f"the field {item.name} of the index {index.name} is made of {item.source[:100]}, which {where} {lacks} in"
        )
        text += " the dictionary"
        hint = nearest(item.source, known)
        yield Fault(item.path, f"{index.name}.{item.name}: no {item.source[:100]}", text, stops=False, fix=_meant(hint))
    elif item.function in _NUMERIC:
        types = frozenset(name for node in nodes for name in dictionary.types(node, item.source)) - {"null"}
        if types and not types & _NUMBERS:
            text = f"the field {item.name} of the index {index.name} is the {item.function} of {item.source}, and its"
            text += f" values are of the type {' or '.join(sorted(types))[:100]}"
            key = f"{index.name}.{item.name}: {item.function}"
            yield Fault(item.path, key, text, stops=False, fix="Use fn: set or fn: list, or another property")


def _nodes_of(index: Index, item: Field, dictionary: Dictionary, ends: dict[str, str | None]) -> tuple[str, ...]:
    """The nodes whose property a field may be made of; none if that is not known."""
    if item.block == "injecting_props":
        return (item.route,) if item.route in dictionary.nodes else ()
    if index.kind == COLLECTOR:
        return dictionary.in_category(index.category)
    if item.route in ends:
        end = ends[item.route]
    else:  # an inner step of parent_props: the chain that goes on from it was walked already
        end, _ = _walk(index, dictionary, item.route)
        ends[item.route] = end
    return (end,) if end else ()


def _meant(hint: str) -> str:
    return f"Did you mean {hint}?" if hint else ""

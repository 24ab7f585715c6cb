"""Helm accepts every key and says nothing about one that no template reads: what it was meant to set stays as it was.

A key is compared with what the chart's templates read, so this is as exact as the chart at hand is the one named. One
name that stands wrong in many services has one cause, and is one finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.fleet.values import Path, as_path, look_up, walk
from csoc.gen3 import catalogue
from csoc.gen3.chart_keys import nearest, unread
from csoc.gen3.findings import Patch, Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.state import EnvironmentState


@dataclass(frozen=True, slots=True)
class _Unread:
    """path: the key that nothing reads. near: the one that was probably meant, () if none. loud: it costs something."""

    path: Path
    near: Path
    loud: bool

    @property
    def group(self) -> tuple[str, str]:
        """The key and the near one for readers; where every service has such a key, it stands as "<service>"."""
        path, near = self.path, self.near
        common = len(path) == 2 or path[1:2] == ("autoscaling",)
        if common and path[:-1] == near[:-1] and catalogue.load().get(str(path[0])) is not None:
            path, near = ("<service>", *path[1:]), ("<service>", *near[1:])
        return ".".join(map(str, path)), ".".join(map(str, near))


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each key that no template reads, and that is not there to be off or empty."""
    if state.chart_keys is None:
        return
    groups: dict[tuple[str, str], list[_Unread]] = defaultdict(list)
    for path in unread(state.values.walk(), state.chart_keys):
        found = _judge(state, path)
        if found is not None:
            groups[found.group].append(found)
    for (shown, near), found_here in groups.items():
        yield Hit(
            cause=_cause(shown, near, state.values.get(found_here[0].path)),
            key=f"{shown} {near}".strip(),
            # Of a key that nobody knows, nobody can say whether its value is a secret.
            evidence=tuple(state.at(item.path, ".".join(map(str, item.path))) for item in found_here),
            severity=Severity.MEDIUM if any(item.loud for item in found_here) else Severity.LOW,
            fix=f"Write {near} instead, or remove the key." if near else "",
            patches=tuple(patch for item in found_here for patch in _patches(state, item)),
        )


def _judge(state: EnvironmentState, path: Path) -> _Unread | None:
    """None where the key's having no effect is what its author wants, or makes no difference."""
    keys = state.chart_keys or frozenset()
    value, values = state.values.get(path), Gen3Values(state)
    name = str(path[0])
    service = values.catalogue.get(name)
    if service is not None and len(path) > 1 and not values.enabled(service):
        return None
    near = as_path(nearest(path, keys) or "") if nearest(path, keys) else ()
    if isinstance(value, Mapping) and value.get("enabled") is False:
        # Only loud where its author believes that he switched something off.
        return _Unread(path, near, loud=True) if len(near) == 1 and values.on(str(near[0])) else None
    if all(_is_nothing(leaf) for _, leaf in walk(value)):
        return None
    idle = len(path) > 1 and path[1] == "autoscaling" and not _scales(state, name)
    if idle and not near:
        return None
    return _Unread(path, near, loud=bool(near) and not idle and not state.values.has(near))


def _is_nothing(leaf: Any) -> bool:
    return leaf is None or leaf is False or leaf in ("", {}, [])


def _scales(state: EnvironmentState, service: str) -> bool:
    return bool(state.get((service, "autoscaling", "enabled"))) or bool(state.get("global.autoscaling.enabled"))


def _cause(shown: str, near: str, value: Any) -> str:
    if near:
        return f"No template of the chart reads {shown}; it reads {near}"
    if "." not in shown and isinstance(value, Mapping) and value.get("enabled") is True:
        return f"The chart has no service {shown}, so switching it on does nothing"
    return f"No template of the chart reads {shown}"


def _patches(state: EnvironmentState, item: _Unread) -> Iterator[Patch]:
    """A new name for the key, where that is certain: the same parent, a value like the default's, one file to edit."""
    path, near = item.path, item.near
    place = state.values.origin(path)
    if not near or path[:-1] != near[:-1] or state.values.has(near) or place is None or state.view.wrapper:
        return
    writers = [layer for layer in state.values.layers if look_up(layer.data, path) is not None]
    if len(writers) != 1 or writers[0].label != place.path:
        return
    if _certain(str(path[-1]), str(near[-1])) and _alike(state.values.get(path), state.get(near)):
        yield Patch(place, 0, path, "rename", near[-1])


def _certain(name: str, near: str) -> bool:
    """True where nothing else can have been meant: another spelling, or the name that the older system had."""
    return (name, near) == ("replicas", "replicaCount") or _plain(name) == _plain(near)


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _alike(value: Any, default: Any) -> bool:
    """True if the value could stand where the default stands: text for text, a number for a number."""
    if isinstance(value, Mapping):
        return False
    return default is None or type(value) is type(default)


RULE = Rule(
    id="key-not-read",
    title="A key that the chart does not read",
    severity=Severity.LOW,
    consequence="Helm ignores the key without a word: what its author meant to set is not set.",
    fix="Remove the key, or look up its present name in the chart's values.yaml.",
    covers=("fleet", "M13"),
    environment=check,
    rendered=True,
)

"""What a request asks for, read from its path, as authorisation and routing see it.

Source: apiserver, pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from csoc.emulator.kubernetes import errors

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_PARTS = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Asked:
    """verb: as roles name it; for paths that are no resource, the method in small letters. path: as it was sent,
    without the part that names the cluster."""

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    rest: tuple[str, ...] = ()
    is_resource: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a request."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Query:
        return cls(parse_qs(text, keep_blank_values=True))

    def text(self, name: str, default: str = "") -> str:
        found = self.values.get(name)
        return found[0] if found else default

    def every(self, name: str) -> list[str]:
        return list(self.values.get(name, ()))

    def flag(self, name: str) -> bool:
        """Raises ApiError BadRequest if it is neither true nor false."""
        text = self.text(name)
        if text.lower() in ("", "false", "0", "f"):
            return False
        if text.lower() in ("true", "1", "t"):
            return True
        raise errors.bad_request(f'strconv.ParseBool: parsing "{text}": invalid syntax')

    def number(self, name: str) -> int | None:
        """Raises ApiError BadRequest if it is no whole number."""
        text = self.text(name)
        if not text:
            return None
        try:
            return int(text)
        except ValueError as error:
            raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def asked(method: str, path: str, query: Query) -> Asked:
    """What a request is for. path: percent-encoded, without the cluster's part."""
    parts = [unquote(part) for part in path.split("/") if part]
    plain = Asked(method.lower(), "/" + "/".join(parts) + ("/" if path.endswith("/") and parts else ""))
    found = _group_version(parts)
    if found is None:
        return plain
    group, version, rest = found
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_PARTS:
            rest = rest[2:]
    resource, name, subresource = (*rest[:3], "", "")[:3]
    verb = _VERBS.get(method, "get")
    if verb == "get" and not name:
        verb = "watch" if query.flag("watch") else "list"
        # A list of one object by its name may be allowed to who may see that object only.
        name_wanted = _name_selected(query.text("fieldSelector"))
        return Asked(verb, plain.path, group, version, resource, "", namespace, name_wanted, (), True)
    if verb == "delete" and not name:
        verb = "deletecollection"
    return Asked(
        verb, plain.path, group, version, resource, subresource, namespace, name, tuple(rest[3:]), is_resource=True
    )


def _group_version(parts: list[str]) -> tuple[str, str, list[str]] | None:
    if len(parts) >= 3 and parts[0] == "api":
        return "", parts[1], parts[2:]
    if len(parts) >= 4 and parts[0] == "apis":
        return parts[1], parts[2], parts[3:]
    return None


def _name_selected(selector: str) -> str:
    for term in selector.split(","):
        name, found, value = term.partition("=")
        if found and name == "metadata.name" and not value.startswith("="):
            return value
    return ""

"""What the API server says when it says no: a Status object.

Source: Kubernetes, staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go and meta/v1/types.go (StatusReason).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """An answer that is not the object. code: HTTP status. reason: StatusReason, "" for none. details: group, kind,
    name, causes; None: the answer has none."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = None if details is None else {name: part for name, part in details.items() if part != ""}
        self.metadata: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def status(self) -> dict[str, Any]:
        """The Status object for the body."""
        found: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.metadata),
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        found |= {"reason": self.reason} if self.reason else {}
        return found if self.details is None else found | {"details": self.details}


def not_found(resource: str, group: str, name: str) -> ApiError:
    full = f"{resource}.{group}" if group else resource
    return ApiError(404, "NotFound", f'{full} "{name}" not found', {"name": name, "group": group, "kind": resource})


def already_exists(resource: str, group: str, name: str) -> ApiError:
    full = f"{resource}.{group}" if group else resource
    details = {"name": name, "group": group, "kind": resource}
    return ApiError(409, "AlreadyExists", f'{full} "{name}" already exists', details)


def conflict(resource: str, group: str, name: str, why: str) -> ApiError:
    full = f"{resource}.{group}" if group else resource
    message = f'Operation cannot be fulfilled on {full} "{name}": {why}'
    return ApiError(409, "Conflict", message, {"name": name, "group": group, "kind": resource})


def expired(why: str) -> ApiError:
    return ApiError(410, "Expired", why)


def invalid(kind: str, group: str, name: str, causes: Sequence[Mapping[str, str]]) -> ApiError:
    """causes: each with field, message and reason ("FieldValueRequired", ...)."""
    full = f"{kind}.{group}" if group else kind
    told = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in causes))
    shown = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    details = {"name": name, "group": group, "kind": kind, "causes": [dict(cause) for cause in causes]}
    return ApiError(422, "Invalid", f'{full} "{name}" is invalid: {shown}', details)


def forbidden(why: str, details: Mapping[str, Any] | None = None) -> ApiError:
    return ApiError(403, "Forbidden", why, details)


def bad_request(why: str) -> ApiError:
    return ApiError(400, "BadRequest", why)

"""Deliveries of webhooks: first the signature, then the shape, and only then an event.

Anyone on the network can send a request that looks like a delivery. Nothing of the body is looked at before its
signature is checked against the secret, in constant time; and since the host relays what people typed, every field
that becomes part of an event is checked and bounded too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from csoc.errors import CsocError, DeniedError, RejectedError
from csoc.fleet import addresses
from csoc.fleet.githost import EventKind, WebhookEvent

MAX_BODY_BYTES = 5 * 1024 * 1024
"""GitHub sends up to 25 MB, for pushes of thousands of commits; csoc needs none of those and fetches instead."""

_MAX_TEXT = 500
_MAX_NUMBER = 2**53
_HEADS = "refs/heads/"
_HEX = frozenset("0123456789abcdef")
_IDENTIFIERS = (40, 64)  # SHA-1 and SHA-256 repositories


def verify_signature(secret: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Checks a delivery's HMAC-SHA256: X-Hub-Signature-256 (GitHub; Gitea sends it too) or X-Gitea-Signature.

    Raises DeniedError if it is missing or wrong, or if secret is empty: an unsigned webhook is open to everyone.
    """
    fix = "Register the webhook again, so that both sides have the same secret"
    if not secret:
        raise DeniedError("no secret is set for this webhook, so nobody can be told apart", fix=fix)
    if len(body) > MAX_BODY_BYTES:
        raise DeniedError(f"the delivery is larger than {MAX_BODY_BYTES} bytes")
    lowered = {name.lower(): value for name, value in headers.items()}
    given = lowered.get("x-hub-signature-256", "").removeprefix("sha256=") or lowered.get("x-gitea-signature", "")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise DeniedError("the delivery is not signed with this webhook's secret", fix=fix)


def parse_event(body: bytes, headers: Mapping[str, str]) -> WebhookEvent | None:
    """The event of a delivery whose signature was checked, or None if it is of a kind that csoc does not act on.

    Raises RejectedError if the delivery is not what the host's documentation promises.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    name = lowered.get("x-gitea-event") or lowered.get("x-github-event", "")
    # Gitea names pull_request_sync, pull_request_label and more in a header of their own; the body is the same.
    kinds = {"push": EventKind.PUSH, "pull_request": EventKind.PULL_REQUEST}
    kind = kinds.get(name)
    if kind is None:
        return None
    data = _parsed(body)
    delivery = _bounded(lowered.get("x-gitea-delivery") or lowered.get("x-github-delivery", ""), "delivery")
    repository = _canonical(_text(data, "repository", "html_url"))
    sender = _text(data, "sender", "login")
    if kind is EventKind.PUSH:
        return _push(data, delivery, repository, sender)
    return _pull_request(data, delivery, repository, sender)


def receive(secret: str, body: bytes, headers: Mapping[str, str]) -> WebhookEvent | None:
    """`verify_signature`, then `parse_event`."""
    verify_signature(secret, body, headers)
    return parse_event(body, headers)


def _push(data: dict[str, Any], delivery: str, repository: str, sender: str) -> WebhookEvent:
    ref = _text(data, "ref")
    after = _commit(data, "after")
    return WebhookEvent(
        kind=EventKind.PUSH,
        delivery=delivery,
        repository=repository,
        sender=sender,
        branch=ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else "",
        before=_commit(data, "before"),
        after=after,
        deleted=not after,
    )


def _pull_request(data: dict[str, Any], delivery: str, repository: str, sender: str) -> WebhookEvent:
    number = _get(data, "pull_request", "number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < _MAX_NUMBER:
        raise _wrong("pull_request.number", "a positive number")
    merged = _get(data, "pull_request", "merged")
    if merged is not None and not isinstance(merged, bool):
        raise _wrong("pull_request.merged", "true or false")
    return WebhookEvent(
        kind=EventKind.PULL_REQUEST,
        delivery=delivery,
        repository=repository,
        sender=sender,
        branch=_text(data, "pull_request", "head", "ref"),
        after=_commit(data, "pull_request", "head", "sha"),
        number=number,
        action=_text(data, "action"),
        base=_text(data, "pull_request", "base", "ref"),
        merged=bool(merged),
    )


def _parsed(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise RejectedError(f"the delivery is larger than {MAX_BODY_BYTES} bytes")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        fix = 'Register the webhook with the content type "application/json"'
        raise RejectedError("the delivery is not JSON", fix=fix) from error
    if not isinstance(data, dict):
        raise _wrong("body", "an object")
    return data


def _get(data: dict[str, Any], *keys: str) -> Any:
    value: Any = data
    for key in keys:
        if not isinstance(value, dict):
            raise _wrong(".".join(keys), "present")
        value = value.get(key)
    return value


def _text(data: dict[str, Any], *keys: str) -> str:
    value = _get(data, *keys)
    if not isinstance(value, str) or not value:
        raise _wrong(".".join(keys), "a text")
    return _bounded(value, ".".join(keys))


def _bounded(value: str, where: str) -> str:
    if len(value) > _MAX_TEXT or not value.isprintable():
        raise _wrong(where, f"at most {_MAX_TEXT} printable characters")
    return value


def _commit(data: dict[str, Any], *keys: str) -> str:
    """A commit's id; empty for the row of zeros that stands for "none"."""
    value = _text(data, *keys)
    if len(value) not in _IDENTIFIERS or not _HEX.issuperset(value):
        raise _wrong(".".join(keys), "a commit")
    return "" if set(value) == {"0"} else value


def _canonical(url: str) -> str:
    """The name that `fleet.repositories` gives to the same repository."""
    try:
        address = addresses.parse(url)
    except CsocError as error:
        raise _wrong("repository.html_url", "an address") from error
    if address.local:
        raise _wrong("repository.html_url", "a URL")
    return address.name


def _wrong(where: str, expected: str) -> RejectedError:
    return RejectedError(f"the delivery's {where} is not {expected}")

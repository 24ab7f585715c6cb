"""Long answers in pages whose tokens survive that the list changes meanwhile.

A token names the last item that was given; the next page begins after it, wherever it stands then.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from csoc.emulator.cloud.calls import AwsError

MOST_ITEMS = 100
_LARGEST_PAGE_BYTES = 1_000_000


def page(
    found: Sequence[Any],
    token: str | None,
    key_of: Callable[[Any], str],
    told: Callable[[Any], Mapping[str, Any]],
    most: int = MOST_ITEMS,
) -> tuple[list[Mapping[str, Any]], dict[str, str]]:
    """The items of a page as they are told, and NextToken if there are more: at most 100 of them and 1 MB. Raises
    AwsError for a token that is none."""
    start = _start([key_of(item) for item in found], token)
    items: list[Mapping[str, Any]] = []
    size, position = 0, start
    while position < len(found) and len(items) < most:
        item = told(found[position])
        size += len(json.dumps(item, default=str))
        if items and size > _LARGEST_PAGE_BYTES:
            break
        items.append(item)
        position += 1
    if position >= len(found):
        return items, {}
    return items, {"NextToken": _token(position, key_of(found[position - 1]))}


def _token(position: int, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([position, key]).encode()).decode()


def _start(keys: Sequence[str], token: str | None) -> int:
    if not token:
        return 0
    try:
        position, key = json.loads(base64.urlsafe_b64decode(token.encode()))
        position, key = int(position), str(key)
    except (ValueError, TypeError):
        raise AwsError("ValidationError", "NextToken is invalid", 400) from None
    # Where the item is gone, what stood behind it has moved to its place or nearer to the start.
    return keys.index(key) + 1 if key in keys else max(0, min(position - 1, len(keys)))

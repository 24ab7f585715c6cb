"""Fence encrypts what it keeps for users with ENCRYPTION_KEY, and the chart ships with a placeholder.

The key is one of Fernet's: 32 bytes in URL-safe base64, hence 44 characters. It can be judged only where Helm makes
fence's configuration; a value that is filled in later (by a plugin, say) is left alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.fence_settings import fence_settings
from csoc.gen3.state import EnvironmentState

_KEY = "ENCRYPTION_KEY"
_MAKE = "python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """A hit if the key is the chart's placeholder, or is none that fence can use."""
    settings = fence_settings(state)
    if settings is None or not settings.whole or not values_complete(state):
        return
    value = settings.get(_KEY)
    path = settings.path(_KEY)
    name = ".".join(map(str, path))
    if value in (None, "", "REPLACEME"):
        if value is None and state.chart_used is None:
            return  # Without the chart its default is not known.
        yield Hit(
            cause="fence.FENCE_CONFIG.ENCRYPTION_KEY is still the chart's placeholder",
            key="placeholder",
            evidence=(state.at(path),),
        )
    elif isinstance(value, str) and not _is_filled_in_later(value) and not _is_fernet_key(value):
        yield Hit(
            cause="fence.FENCE_CONFIG.ENCRYPTION_KEY is not 32 bytes in URL-safe base64",
            key="invalid",
            evidence=(Evidence(f"{name}: ***", state.at(path).location, state.view.name),),
            consequence="Fence does not start, or fails when it encrypts something.",
        )


def _is_filled_in_later(value: str) -> bool:
    return any(sign in value for sign in ("<", "{{", "${", "$("))


def _is_fernet_key(value: str) -> bool:
    try:
        return len(base64.b64decode(value.encode(), altchars=b"-_", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


RULE = Rule(
    id="fence-encryption-key",
    title="Fence's encryption key is not one",
    severity=Severity.CRITICAL,
    consequence="Anybody who knows Gen3 can decrypt what fence keeps for users, and forge what it signs with the key.",
    fix=f"Set fence.FENCE_CONFIG.ENCRYPTION_KEY to a key of its own ({_MAKE}), better in Secrets Manager.",
    covers=("M14",),
    environment=check,
)

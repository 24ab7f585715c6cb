"""Names inside of templates for things that settings list.

CloudFormation takes letters and digits only, and a name that changes is a thing that is deleted and made again. So it
depends on nothing but the thing's own name, and two names never give the same one.
"""

from __future__ import annotations

import hashlib
import re

_DIGEST = 8


def logical_id(prefix: str, name: str) -> str:
    """E.g. SecretFenceConfig followed by eight hexadecimal digits, for the prefix Secret and the name fence-config."""
    words = "".join(word.capitalize() for word in re.findall(r"[a-z0-9]+", name.lower()))
    return f"{prefix}{words}{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]}"

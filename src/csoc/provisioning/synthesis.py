"""Port: templates from an infrastructure document. Pure: the same document gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Template:
    """A layer's template. body: JSON text, as it goes to CloudFormation."""

    layer: str
    stack: str
    body: str

    @property
    def digest(self) -> str:
        """sha256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body.encode()).hexdigest()


class Synthesizer(Protocol):
    """See the module."""

    def synthesize(self, document: Mapping[str, Any]) -> Mapping[str, Template]:
        """Each layer of the document with its template, by name.

        Raises RejectedError (the document is wrong, with the path of the mistake), UnavailableError (nothing came in
        time, or what makes templates is not installed).
        """
        ...

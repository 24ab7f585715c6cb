"""All corrections of moto. Adding one touches its service's module, this table and a test."""

from __future__ import annotations

from csoc.emulator.cloud.corrections.correction import Correction
from csoc.emulator.cloud.corrections.iam import iam
from csoc.emulator.timeline import Timeline


def corrections(timeline: Timeline) -> tuple[Correction, ...]:
    """The corrections of one emulator. What takes time in them asks the timeline."""
    return (iam(),)

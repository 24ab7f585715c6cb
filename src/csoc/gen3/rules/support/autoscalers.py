"""What an autoscaler scales, for the rules about the number of pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.fleet.shapes import mapping


def target_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and name of what a HorizontalPodAutoscaler scales."""
    reference = mapping(mapping(body.get("spec")).get("scaleTargetRef"))
    return str(reference.get("kind") or ""), str(reference.get("name") or "")


def lowest_count(body: Mapping[str, Any]) -> int:
    """The number of pods that an autoscaler may go down to; 1 where it does not say."""
    return count(mapping(body.get("spec")).get("minReplicas"))


def count(value: object) -> int:
    """A number of pods; Kubernetes takes 1 for a number that is not given."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 1

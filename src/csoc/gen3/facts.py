"""What the fleet-wide rules and the overview need to know of one environment, small enough to keep.

Facts are extracted once from an environment's values and manifests and cached by what they were made from, so that a
commit which touches three files costs three environments, not the fleet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csoc.fleet.location import Location


@dataclass(frozen=True, slots=True)
class ServiceFact:
    """One Gen3 service of an environment. tag and repository are the effective ones (chart defaults included);
    pinned_here says that the environment's own values name the tag. location: where the tag is written, if it is."""

    name: str
    enabled: bool
    repository: str
    tag: str
    pinned_here: bool
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Something outside the environment that it uses by name, and that two environments may or may not share.

    kind: "hostname", "secret", "database", "search index", "bucket", "namespace", "queue", ... identity: normalised
    name (bucket with prefix as "bucket/prefix", secret as "account or store/name"). scope: what makes the identity
    unique (an account id, a cluster, or ""). access: "read", "write" or "own".
    """

    kind: str
    identity: str
    scope: str
    access: str
    key: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """See the module. settings: flattened effective values (dotted path to scalar) that the user wrote, masked."""

    environment: str
    services: Mapping[str, ServiceFact] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    rendered: bool = False
    chart_digest: str = ""

"""What the fleet-wide rules and the overview need to know of one environment, small enough to keep.

Facts are extracted once from an environment's values and manifests and cached by what they were made from, so that a
commit which touches three files costs three environments, not the fleet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
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


class Kind(StrEnum):
    """What is claimed. The texts stand in caches and in what commands print as JSON."""

    API_VERSION = "api version"
    BUCKET = "bucket"
    CERTIFICATE = "certificate"
    CLUSTER_ROLE = "cluster role"
    DATABASE = "database"
    DATABASE_USER = "database user"
    DICTIONARY = "dictionary"
    HOSTNAME = "hostname"
    LOAD_BALANCER_GROUP = "load balancer group"
    NAMESPACE = "namespace"
    QUEUE = "queue"
    RELEASE = "release"
    ROLE = "role"
    SEARCH_ENDPOINT = "search endpoint"
    SEARCH_INDEX = "search index"
    SECRET = "secret"  # noqa: S105 - a kind
    WEB_ACL = "web acl"
    WORKSPACE_NAMESPACE = "workspace namespace"


class Access(StrEnum):
    """What an environment does with a thing. OWN: it is the only one that should have it. USE: any number may."""

    OWN = "own"
    READ = "read"
    USE = "use"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something outside the environment that it uses by name, and that two environments may or may not share.

    identity: normalised name (bucket with prefix as "bucket/prefix", secret as "account or store/name"). scope: what
    makes the identity unique (an account id, a cluster, or ""). key: the values path that says so; location: where that
    is written, None where it is the chart's default. assumed: known of charts in general, and seen in no value of this
    environment and in no manifest.
    """

    kind: Kind
    identity: str
    scope: str
    access: Access
    key: str
    location: Location | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """See the module. settings: flattened effective values (dotted path to scalar) that the user wrote, masked.
    complete: False where a value file that the Application insists on does not exist, so that absence says nothing."""

    environment: str
    services: Mapping[str, ServiceFact] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    rendered: bool = False
    chart_digest: str = ""
    complete: bool = True


def to_json(facts: EnvironmentFacts) -> str:
    """The facts as compact JSON, for a cache. Repositories and commits of locations are written once each."""
    places: dict[tuple[str, str], int] = {}

    def place(location: Location | None) -> list[Any] | None:
        if location is None:
            return None
        index = places.setdefault((location.repository, location.commit), len(places))
        return [index, location.path, location.line, location.column]

    data = {
        "environment": facts.environment,
        "services": [
            [item.name, item.enabled, item.repository, item.tag, item.pinned_here, place(item.location)]
            for item in facts.services.values()
        ],
        "claims": [
            [item.kind, item.identity, item.scope, item.access, item.key, place(item.location), item.assumed]
            for item in facts.claims
        ],
        "settings": dict(facts.settings),
        "rendered": facts.rendered,
        "chart_digest": facts.chart_digest,
        "complete": facts.complete,
    }
    return json.dumps({**data, "places": list(places)}, separators=(",", ":"))


def from_json(text: str) -> EnvironmentFacts:
    """What `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    data = json.loads(text)

    def location(entry: list[Any] | None) -> Location | None:
        return Location(*data["places"][entry[0]], *entry[1:]) if entry else None

    services = {
        name: ServiceFact(name, enabled, repository, tag, pinned, location(place))
        for name, enabled, repository, tag, pinned, place in data["services"]
    }
    claims = (
        Claim(Kind(kind), identity, scope, Access(access), key, location(place), assumed)
        for kind, identity, scope, access, key, place, assumed in data["claims"]
    )
    return EnvironmentFacts(
        environment=data["environment"],
        services=services,
        claims=tuple(claims),
        settings=data["settings"],
        rendered=data["rendered"],
        chart_digest=data["chart_digest"],
        complete=data["complete"],
    )

"""What documents of clusters and environments say about infrastructure: sizes, networks, where layers come from.

These are wishes, not names: csoc makes every physical name from the owner's uid. What is left out has a default that
depends on the size, so a document that says nothing but its size is complete.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from csoc.fleet.documents.base import ACCOUNT_ID, Hostname, Part, Text, wrong_field

_SETTING = r"^[a-z][A-Za-z0-9_]{0,63}(\.[A-Za-z0-9_-]{1,64}){0,4}$"
_STACK = r"^[A-Za-z][A-Za-z0-9-]{0,127}$"
_PARAMETERS = r"^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*/?$"
_OUTPUT = r"^[A-Z][A-Za-z0-9]{0,63}$"
CERTIFICATE_PATTERN = rf"^arn:aws[a-z-]*:acm:[a-z0-9-]+:{ACCOUNT_ID}:certificate/[0-9a-f-]{{36}}$"
ZONE_ID_PATTERN = r"^Z[A-Z0-9]{3,31}$"
_LONGEST_TEXT = 2000
_MOST_LISTED = 100
_SMALLEST_NETWORK, _LARGEST_NETWORK = 22, 16


def network(value: str) -> str:
    """Addresses as a network in the usual form: "203.0.113.0/24". A single address counts as a network of one."""
    try:
        found = ipaddress.ip_network(value)
    except ValueError:
        raise ValueError('a network such as "203.0.113.0/24", or one address such as "203.0.113.7/32"') from None
    return str(found)


def _own_network(value: str) -> str:
    found = ipaddress.ip_network(network(value))
    if found.version != 4 or not found.is_private or not _LARGEST_NETWORK <= found.prefixlen <= _SMALLEST_NETWORK:
        raise ValueError(
            f"private IPv4 addresses for a VPC, from /{_LARGEST_NETWORK} to /{_SMALLEST_NETWORK}, "
            'such as "10.20.0.0/16"'
        )
    return value


def _setting(value: Any) -> Any:
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
        return value
    if isinstance(value, list) and len(value) <= _MOST_LISTED and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise ValueError("a text, a number, true or false, or a list of texts")


Network = Annotated[str, AfterValidator(network)]
Setting = Annotated[
    Any,
    AfterValidator(_setting),
    WithJsonSchema({"type": ["string", "number", "boolean", "array"], "items": {"type": "string"}}),
]
Settings = Mapping[Annotated[str, Field(pattern=_SETTING)], Setting]
Size = Literal["small", "medium", "large"]
CertificateArn = Annotated[str, Field(pattern=CERTIFICATE_PATTERN)]


class LayerSource(Part):
    """Where the outputs of a layer stand that is there already. One of the three."""

    stack: Annotated[str, Field(pattern=_STACK)] | None = None
    """Name of a CloudFormation stack in the cluster's account and region, whose outputs are read."""
    parameters: Annotated[str, Field(pattern=_PARAMETERS, max_length=900)] | None = None
    """Path in the SSM Parameter Store, whose parameters are read, e.g. /gen3/heart-prod."""
    values: Mapping[Annotated[str, Field(pattern=_OUTPUT)], Text] = Field(default_factory=dict)
    """The outputs themselves, e.g. VpcId: vpc-0123456789abcdef0. Lists are joined by commas."""
    names: Mapping[Annotated[str, Field(pattern=_OUTPUT)], Text] = Field(default_factory=dict)
    """How the stack or the parameters name an output, where they name it differently: VpcId: vpcIdOutput."""

    @model_validator(mode="after")
    def _one_of_three(self) -> LayerSource:
        given = [name for name in ("stack", "parameters", "values") if getattr(self, name)]
        if len(given) != 1:
            raise wrong_field("stack", 'one of "stack", "parameters" and "values"')
        if self.values and self.names:
            raise wrong_field("names", "nothing: values have the names of csoc's outputs already")
        return self


class ClusterNetwork(Part):
    """The network of a cluster that csoc makes."""

    cidr: Annotated[str, AfterValidator(_own_network)] = "10.20.0.0/16"
    """Addresses of the VPC, private IPv4."""
    zones: Annotated[int, Field(ge=2, le=3)] | None = None
    """Availability zones, 2 or 3; left out, as the size says."""
    egress: Literal["nat", "proxy"] = "nat"
    """How nodes reach the internet: through NAT gateways, or only what `allowDomains` lists, through a proxy."""
    allow_domains: tuple[Annotated[str, Field(pattern=r"^\.?[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)], ...] = ()
    """With egress proxy: further domains that may be reached, a leading dot standing for all below."""

    @model_validator(mode="after")
    def _domains_need_the_proxy(self) -> ClusterNetwork:
        if self.allow_domains and self.egress != "proxy":
            raise wrong_field("allowDomains", "egress: proxy beside it; NAT lets everything through")
        return self


class DnsZone(Part):
    """A hosted zone of Route 53."""

    name: Hostname
    """Its domain, e.g. example.org."""
    id: Annotated[str, Field(pattern=ZONE_ID_PATTERN)]
    """Its id, e.g. Z0123456789ABCDEFGHIJ."""


class Edge(Part):
    """How an environment is reached from outside."""

    certificate: CertificateArn | None = None
    """ARN of a certificate of ACM in the cluster's region; left out, one is requested for the hostname."""
    zone: DnsZone | None = None
    """Hosted zone that the hostname's record and the certificate's validation are written to; left out, csoc names the
    records that somebody must create."""
    allow: tuple[Network, ...] = ()
    """Networks that may open the site; left out, everybody may."""
    scheme: Literal["internet-facing", "internal"] = "internet-facing"
    """Whether the load balancer has public addresses."""

    @field_validator("allow")
    @classmethod
    def _distinct(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(allow)) != len(allow):
            raise ValueError("each network once")
        return allow


class SignIn(Part):
    """Who tells an environment who its users are. The client's secret is in Secrets Manager, never here."""

    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    """Fence's name of the identity provider: google, orcid, cilogon, microsoft, okta, cognito, ras, or another for a
    provider of your own."""
    discovery_url: Annotated[str, Field(pattern=r"^https://[^\s@]+$", max_length=500)] | None = None
    """Its OpenID configuration, for a provider of your own."""
    name: Text | None = None
    """What its button says."""
    client_id: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """The client's id at the provider, which is no secret; left out, csoc asks for it with the secret."""


class LayerChoice(Part):
    """What realises one layer, and how."""

    name: str
    """Which layer."""
    provider: Literal["existing", "aws"] | None = None
    """What realises it; left out, what the cluster's `provider` says, and for an environment "existing", which is read
    and never changed."""
    source: LayerSource | None = Field(default=None, alias="from")
    """With provider existing: where its outputs stand."""
    settings: Settings = Field(default_factory=dict)
    """With provider aws: single settings that differ from the size's, as `csoc plan --export` names them; a part of one
    goes by its path, e.g. search.nodes or pools.general.largest."""

    @model_validator(mode="after")
    def _fits_provider(self) -> LayerChoice:
        if self.source is not None and self.provider == "aws":
            raise wrong_field("from", "provider: existing beside it; csoc makes the layers of aws itself")
        if self.settings and self.provider == "existing":
            raise wrong_field("settings", "provider: aws beside it; what exists is never changed")
        return self

"""The one hand-off contract between layers: who owns which, what each needs from others, and what it gives.

Values that pass from layer to layer by hand, by agreement on paths or by look-ups at synthesis are where every
predecessor broke. Here they are a typed table: a need names a layer and one of its outputs, and a test walks the table
and the templates both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

NOTHING = "-"
"""What an output says that has nothing to name, since the SSM parameter that passes it on cannot be empty."""


class OwnerKind(StrEnum):
    """What layers belong to."""

    CLUSTER = "cluster"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Output:
    """Something that a layer gives to others. is_list: comma-joined, as StringList parameters are.

    Values, and steps that hand outputs to later ones, know it by its name alone, so no other layer has one of that
    name. Only WebAclArn is twice there: values are of the one of `edge`, whose web ACL may be the network's.
    """

    name: str
    what: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """An output of another layer. optional: the layer works without it, where the other one is not wanted."""

    layer: str
    output: str
    optional: bool = False

    @property
    def parameter(self) -> str:
        """Its name as a template's parameter: NetworkVpcId."""
        return f"{self.layer.capitalize()}{self.output}"


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of infrastructure that is planned and applied as one. has_stack: False for what is not CloudFormation."""

    name: str
    owner: OwnerKind
    outputs: tuple[Output, ...]
    needs: tuple[Need, ...] = ()
    has_stack: bool = True

    def output(self, name: str) -> Output:
        """Raises KeyError."""
        return next((one for one in self.outputs if one.name == name), None) or _no_output(self.name, name)


def _no_output(layer: str, name: str) -> Output:
    raise KeyError(f"{layer} has no output {name}")


def _needs(layer: str, *outputs: str, optional: bool = False) -> tuple[Need, ...]:
    return tuple(Need(layer, output, optional) for output in outputs)


_NETWORK = Layer(
    "network",
    OwnerKind.CLUSTER,
    (
        Output("VpcId", "the VPC"),
        Output("VpcCidr", "its addresses"),
        Output("PublicSubnetIds", "subnets with a route to the internet, for load balancers and NAT", is_list=True),
        Output("PrivateSubnetIds", "subnets whose way out is NAT or the proxy, for nodes", is_list=True),
        Output("IsolatedSubnetIds", "subnets without a way out, for databases", is_list=True),
        Output("PrivateRouteTableIds", "route tables of the private subnets, one a zone", is_list=True),
        Output("WebAclArn", "the web ACL for load balancers of this network"),
    ),
)
_EGRESS = Layer(
    "egress",
    OwnerKind.CLUSTER,
    (
        Output("ProxyGroupNames", "Auto Scaling groups of the proxies, one a zone", is_list=True),
        Output("ProxyInterfaceIds", "network interfaces that default routes point to, one a zone", is_list=True),
    ),
    _needs("network", "VpcId", "VpcCidr", "PublicSubnetIds", "PrivateRouteTableIds"),
)
_CLUSTER = Layer(
    "cluster",
    OwnerKind.CLUSTER,
    (
        Output("ClusterName", "name of the EKS cluster"),
        Output("ClusterArn", "its ARN"),
        Output("ClusterEndpoint", "address of its API server"),
        Output("ClusterCertificate", "certificate authority of its API server (base64)"),
        Output("ClusterSecurityGroupId", "security group of nodes and control plane"),
        Output("OidcProviderArn", "IAM's provider for tokens of its service accounts"),
        Output("OidcIssuer", "issuer of those tokens, without https://"),
        Output("NodeRoleArn", "role of its nodes"),
    ),
    _needs("network", "VpcId", "PrivateSubnetIds") + _needs("egress", "ProxyInterfaceIds", optional=True),
)
_PLATFORM = Layer(
    "platform",
    OwnerKind.CLUSTER,
    (
        Output("LoadBalancerControllerRoleArn", "role of the AWS load balancer controller"),
        Output("ExternalDnsRoleArn", "role of ExternalDNS; NOTHING where no zone is named"),
        Output("StorageDriverRoleArn", "role of the EBS CSI driver"),
        Output("AutoscalerRoleArn", "role of the cluster autoscaler"),
    ),
    _needs("network", "VpcId") + _needs("cluster", "ClusterName", "OidcProviderArn", "OidcIssuer"),
)
_DATABASE = Layer(
    "database",
    OwnerKind.ENVIRONMENT,
    (
        Output("DatabaseEndpoint", "host name of the Aurora cluster's writer"),
        Output("DatabasePort", "its port"),
        Output("DatabaseSecretArn", "secret with the master user, and where the database is"),
        Output("DatabaseSecretName", "name of that secret"),
        Output("DatabaseKeyArn", "key that encrypts the database and that secret"),
        Output("DatabaseSecurityGroupId", "who is in it may be reached by the cluster"),
        Output("SearchEndpoint", "host name of the search domain; NOTHING where no service needs one"),
        Output("SearchDomainArn", "its ARN; NOTHING where no service needs one"),
    ),
    _needs("network", "VpcId", "IsolatedSubnetIds") + _needs("cluster", "ClusterSecurityGroupId"),
)
_CREDENTIALS = Layer(
    "credentials",
    OwnerKind.ENVIRONMENT,
    (
        Output("SecretsKeyArn", "key that encrypts the environment's secrets"),
        Output("SecretNames", "names of the secrets, in order", is_list=True),
    ),
)
_RESOURCES = Layer(
    "resources",
    OwnerKind.ENVIRONMENT,
    (
        Output("BucketNames", "names of buckets by purpose, as JSON"),
        Output("QueueUrls", "addresses of queues by purpose, as JSON"),
        Output("RoleArns", "roles by service account, as JSON"),
    ),
    _needs("cluster", "OidcProviderArn", "OidcIssuer")
    + _needs("database", "DatabaseSecretArn")
    + _needs("database", "DatabaseKeyArn", "SearchDomainArn", optional=True)
    + _needs("credentials", "SecretsKeyArn"),
)
_EDGE = Layer(
    "edge",
    OwnerKind.ENVIRONMENT,
    (
        Output("CertificateArn", "certificate for the hostname"),
        Output("WebAclArn", "web ACL of this environment's load balancer"),
        Output("HostnameRecord", "the record that the stack keeps; NOTHING where somebody else must make it"),
    ),
    _needs("network", "WebAclArn"),
)
_GEN3 = Layer("gen3", OwnerKind.ENVIRONMENT, (), has_stack=False)

LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            _NETWORK,
            _EGRESS,
            _CLUSTER,
            _PLATFORM,
            _DATABASE,
            _CREDENTIALS,
            _RESOURCES,
            _EDGE,
            _GEN3,
        )
    }
)
"""Every layer, in an order in which each comes after what it needs."""


def layers_of(owner: OwnerKind) -> tuple[Layer, ...]:
    """An owner's layers, in order."""
    return tuple(layer for layer in LAYERS.values() if layer.owner is owner)

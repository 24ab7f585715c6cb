"""What a person answers to launch a commons.

Each answer has a default, so an empty file launches something sensible to try; what the default is and why stands with
the field. No answer is a secret: a file of answers lies in a home folder, goes through a terminal and often into Git.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from csoc.config import is_variable_name
from csoc.fleet.documents import reserved
from csoc.fleet.documents.base import Label, Name, Part, Url, wrong_field
from csoc.fleet.documents.infrastructure import CertificateArn, ClusterNetwork, DnsZone, Network, SignIn, Size
from csoc.gen3.launch import bundles, versions

NEW = "new"
EACH_ALONE = "each field alone"
"""In the context of a validation: what does not fit together is left to `Answers.mismatches`."""
VARIABLE = "the name of a variable: upper case letters, digits and _"
"""What is expected where somebody names a variable."""
_TRIAL_DOMAIN = "example.org"
_LONGEST_NAMESPACE = 40
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_EXACT_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+([-+][A-Za-z0-9.+-]+)?$"
PROVIDERS = ("google", "orcid", "microsoft", "okta", "cognito", "cilogon", "ras")
"""Identity providers that fence knows by name; every other one needs its discoveryUrl."""


def _mail(value: str) -> str:
    if not _MAIL.fullmatch(value) or len(value) > 254:
        raise ValueError("a mail address such as ada@example.org")
    return value.lower()


def _namespace(value: str) -> str:
    if len(value) > _LONGEST_NAMESPACE:
        raise ValueError(f"at most {_LONGEST_NAMESPACE} characters, since the namespace of workspaces is made from it")
    if reserved.is_namespace_reserved(value):
        raise ValueError(reserved.NAMESPACE)
    return value


def _title(value: str) -> str:
    if not value.isprintable() or "{{" in value:
        raise ValueError("one line of text, without {{, which fence would take for one of its settings")
    return value


def _variable(value: str) -> str:
    if not is_variable_name(value):
        raise ValueError(VARIABLE)
    return value


def _hostname(value: str) -> str:
    if len(value) > 253 or not _HOSTNAME.fullmatch(value):
        raise ValueError('a DNS name such as "data.example.org", in lower case, without https://, port or path')
    return value


def _region(value: str) -> str:
    if not re.fullmatch(_REGION, value):
        raise ValueError("a region of AWS such as ap-southeast-2")
    return value


def _service(value: str) -> str:
    mistake = bundles.mistake_in(value)
    if mistake:
        raise ValueError(f"a bundle ({', '.join(bundles.BUNDLES)}) or a service. {mistake}")
    return value


def _beside(value: str) -> str:
    if not value.isprintable() or value.startswith(("/", "~", "\\")) or ".." in re.split(r"[/\\]", value):
        raise ValueError("the path of a file beside the answers or below, neither absolute nor with ..")
    return value


ServiceName = Annotated[str, AfterValidator(_service)]
Mail = Annotated[str, Field(max_length=254), AfterValidator(_mail)]


class SecretReference(Part):
    """Where a secret is at launch. It is read by csoc when it is needed, and written to the account only."""

    env: Annotated[str, AfterValidator(_variable)] | None = None
    """Name of an environment variable of whoever runs `csoc launch`, none that csoc itself reads."""
    file: Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_beside)] | None = None
    """Path of a file beside the answers or below that holds it and nothing else."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise wrong_field("env", 'either "env" or "file"')
        return self


class SignInAnswer(SignIn):
    """Who tells the commons who its users are."""

    client_secret: SecretReference | None = None
    """Where the client's secret is, as {env: NAME} or {file: PATH}; left out, csoc asks for it."""

    @model_validator(mode="after")
    def _own_provider_is_described(self) -> Self:
        if self.provider not in PROVIDERS and self.discovery_url is None:
            known = ", ".join(PROVIDERS)
            raise wrong_field("discoveryUrl", f"the address of its OpenID configuration, unless it is one of {known}")
        return self


class ChartAnswer(Part):
    """The chart to deploy, at one version."""

    repo_url: Url = Field(default=versions.CHART_REPOSITORY, alias="repoURL")
    """Helm repository, OCI registry or Git repository."""
    chart: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._/-]*$", max_length=250)] = ""
    """Its name in a Helm repository or registry; left out with `path`, gen3."""
    path: Annotated[str, Field(max_length=1000)] = ""
    """Its folder in a Git repository."""
    version: Annotated[str, Field(max_length=250)] = versions.CHART_VERSION
    """Exact version, or commit; the one that csoc knows all secrets and roles of."""

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if self.chart and self.path:
            raise wrong_field("chart", 'either "chart" (Helm repository) or "path" (Git), and not both')
        commit = re.fullmatch(r"[0-9a-f]{40}", self.version) is not None
        if not (commit if self.path else re.fullmatch(_EXACT_VERSION, self.version)):
            wanted = "a commit (40 digits of 0-9 and a-f)" if self.path else "an exact version such as 0.3.90"
            raise wrong_field("version", f"{wanted}, so that what runs changes only when somebody changes it")
        return self


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Answers that do not fit together. field: the one to change. with_fields: the others."""

    field: str
    expected: str
    with_fields: tuple[str, ...]


class Answers(Part):
    """Everything that can be said about a commons that does not exist yet."""

    commons: Annotated[Name, Field(max_length=_LONGEST_NAMESPACE)] = "commons"
    """Short name of the commons. Default "commons": something to try."""
    title: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_title)] = ""
    """What its pages are headed with. Default: made from the name."""
    environment: Name | None = None
    """Name of this environment. Default <commons>-<stage>."""
    stage: Label = "dev"
    """Stage of the fleet's promotion order. Default dev: nobody launches production by leaving a line out."""
    slot: Literal["blue", "green"] | None = None
    """Where two environments of a commons share a stage. Default: none."""
    account: Name | None = None
    """Name of the linked account. Default: the only one that is linked for workloads."""
    region: Annotated[str, AfterValidator(_region)] | None = None
    """Region of AWS. Default: the account's first."""
    hostname: Annotated[str, AfterValidator(_hostname)] | None = None
    """DNS name that people open. Default <environment>.<zone>, or <environment>.example.org, which nobody can open
    from outside: enough to look at what a launch does."""
    namespace: Annotated[Label, AfterValidator(_namespace)] | None = None
    """Kubernetes namespace and name of the release, which are the same on purpose. Default: the environment's name."""
    size: Size = "small"
    """small (to try it), medium (production) or large (many users). Default small: the cheapest that works."""
    cluster: Name = NEW
    """"new", or the name of a cluster that there is. Default new: it shares nothing with what runs already."""
    cluster_name: Name | None = None
    """Name of the new cluster. Default: the commons' name."""
    kubernetes: Annotated[str, Field(pattern=r"^1\.[0-9]{2}$")] = versions.KUBERNETES
    """Kubernetes version of a new cluster, in quotes. Default: the one that AWS supports longest."""
    network: ClusterNetwork = ClusterNetwork()
    """Network of a new cluster. Default 10.20.0.0/16 with NAT; choose another where networks are connected."""
    api_access: tuple[Network, ...] = ()
    """Networks that may reach the Kubernetes API of a new cluster. Default: none from outside of its VPC."""
    services: tuple[ServiceName, ...] = bundles.DEFAULT
    """Bundles and services. Default [standard]; what they need comes by itself."""
    members: tuple[Name, ...] = ()
    """With the bundle mesh: names of the commons that it joins."""
    sign_in: SignInAnswer = Field(default_factory=lambda: SignInAnswer(provider="google"))
    """Who tells the commons who its users are. Default google: the only one that needs no contract."""
    dictionary: Annotated[str, Field(pattern=r"^https://[^\s@]+/[^\s@]+\.json$", max_length=500)] = versions.DICTIONARY
    """Address of the data dictionary, at a version. Default: a published one."""
    administrators: tuple[Mail, ...] = ()
    """Mail addresses of people who may do everything, as the identity provider spells them. Default: nobody."""
    users: Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_beside)] | None = None
    """Path of a user.yaml beside the answers or below. It goes into Git, so nothing secret may be in it. Default: one
    is made for the administrators."""
    allow: tuple[Network, ...] = ()
    """Networks that may open the site. Default: everybody, behind the sign-in."""
    internal: bool = False
    """true: the load balancer has private addresses only. Default false."""
    certificate: CertificateArn | None = None
    """ARN of a certificate in the region. Default: one is requested for the hostname."""
    zone: DnsZone | None = None
    """Hosted zone of Route 53 for records. Default: none, and csoc names the records that somebody must create."""
    chart: ChartAnswer = ChartAnswer()
    """The chart, at one version. Default: the one that this csoc knows best."""

    @model_validator(mode="after")
    def _fit_together(self, info: ValidationInfo) -> Self:
        if not (info.context or {}).get(EACH_ALONE):
            for mismatch in self.mismatches():
                raise wrong_field(mismatch.field, mismatch.expected)
        return self

    def mismatches(self) -> Iterator[Mismatch]:
        """What does not fit together, though each answer is right by itself."""
        if self.members and "mesh" not in self.services:
            yield Mismatch("members", "the bundle mesh among the services: only a mesh has members", ("services",))
        if "mesh" in self.services and not self.members:
            yield Mismatch("members", "the names of the commons that the mesh joins", ("services",))
        if self.commons in self.members:
            yield Mismatch("members", "commons other than the mesh itself", ("commons",))
        if self.cluster != NEW:
            own = {"cluster_name": "clusterName", "api_access": "apiAccess", "network": "network"}
            for name, field in (*own.items(), ("kubernetes", "kubernetes")):
                if name in self.model_fields_set:
                    expected = f"cluster: {NEW} beside it; a cluster that there is stays as it is"
                    yield Mismatch(field, expected, ("cluster",))
        if self.hostname is not None and self.zone is not None and not _within(self.hostname, self.zone.name):
            yield Mismatch("hostname", f"a name below the zone {self.zone.name}", ("zone",))
        if len(self.hostname_name.partition(".")[0]) > 63 or len(self.hostname_name) > 63:
            yield Mismatch("hostname", "a name of at most 63 characters, since pods carry it as a label", ("zone",))
        yield from self._names()

    def _names(self) -> Iterator[Mismatch]:
        if reserved.is_name_reserved(self.environment_name):
            yield Mismatch("environment", reserved.NAME, ("commons", "stage", "slot"))
        elif reserved.is_namespace_reserved(self.namespace_name):
            yield Mismatch("namespace", reserved.NAMESPACE, ("commons", "stage", "slot", "environment"))
        if len(self.environment_name) > 63:
            yield Mismatch("environment", "a name of at most 63 characters", ("commons", "stage", "slot"))
        elif len(self.namespace_name) > _LONGEST_NAMESPACE:
            expected = f"a namespace of at most {_LONGEST_NAMESPACE} characters"
            yield Mismatch("namespace", expected, ("commons", "stage", "slot", "environment"))

    @property
    def environment_name(self) -> str:
        """Name of the environment, answered or made."""
        slot = f"-{self.slot}" if self.slot else ""
        return self.environment or f"{self.commons}-{self.stage}{slot}"

    @property
    def namespace_name(self) -> str:
        """Namespace and release, answered or made."""
        return self.namespace or self.environment_name.replace(".", "-")

    @property
    def hostname_name(self) -> str:
        """The DNS name, answered or made."""
        return self.hostname or f"{self.environment_name}.{self.zone.name if self.zone else _TRIAL_DOMAIN}"

    @property
    def title_text(self) -> str:
        """The heading, answered or made."""
        return self.title or " ".join(word.capitalize() for word in re.split(r"[-.]", self.commons)) + " Data Commons"

    @property
    def cluster_document(self) -> str:
        """Name of the cluster that it runs on."""
        return (self.cluster_name or self.commons) if self.cluster == NEW else self.cluster


def _within(hostname: str, zone: str) -> bool:
    return hostname == zone or hostname.endswith(f".{zone}")

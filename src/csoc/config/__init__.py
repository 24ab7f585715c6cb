"""Settings of this csoc: what it may reach, with which credentials, and within which limits.

What a repository says can never widen what csoc does, so hosts, schemes, credentials and limits are kept here, in a
file and variables that belong to the person who runs csoc. Settings name where a secret is (a variable or a file) and
never hold one: they can be shown and logged as they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from csoc.config.files import read_whole
from csoc.errors import NotFoundError, RejectedError

DEFAULT_HOSTS = (
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "helm.gen3.org",
    "uc-cdis.github.io",
    # Where the charts of a cluster around Gen3 are published.
    "argoproj.github.io",
    "aws.github.io",
    "awslabs.github.io",
    "charts.bitnami.com",
    "charts.crossplane.io",
    "charts.external-secrets.io",
    "charts.jetstack.io",
    "coredns.github.io",
    "docs.tigera.io",
    "fluent.github.io",
    "ghcr.io",
    "grafana.github.io",
    "helm.cilium.io",
    "helm.elastic.co",
    "kubernetes-sigs.github.io",
    "kubernetes.github.io",
    "nvidia.github.io",
    "prometheus-community.github.io",
    "public.ecr.aws",
    "quay.io",
    "registry-1.docker.io",
    "registry.k8s.io",
    # Where github.com sends those who download a release.
    "objects.githubusercontent.com",
    "release-assets.githubusercontent.com",
    # Where registries ask for tokens, and send those who download.
    "auth.docker.io",
    "production.cloudflare.docker.com",
    "pkg-containers.githubusercontent.com",
    "cdn.quay.io",
    "cdn01.quay.io",
    "cdn02.quay.io",
    "cdn03.quay.io",
)

_MEGABYTE = 1_000_000
_SECRET_FILE_BYTES = 64_000


def _expanded(path: Path) -> Path:
    return path.expanduser()


_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
_TOKEN_PART = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{16,}|[A-Z0-9]{32,}")


def is_variable_name(text: str) -> bool:
    """True if a text may be the name of a variable and is no secret in the wrong place: then it may be repeated."""
    return bool(_VARIABLE.fullmatch(text)) and not any(_TOKEN_PART.fullmatch(part) for part in text.split("_"))


def _variable_name(text: str) -> str:
    if not is_variable_name(text):
        raise ValueError(
            "must be the name of a variable (upper case letters, digits and _), and never the secret itself"
        )
    return text


VariableName = Annotated[str, AfterValidator(_variable_name)]
FilePath = Annotated[Path, AfterValidator(_expanded)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A part of the settings, with keys of its own."""

    # hide_input_in_errors: what stands in a settings file must not reach a log, even where it does not belong there.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SecretSource(Section):
    """Where a token is: the name of an environment variable, or a file. Exactly one of them."""

    token_env: VariableName | None = Field(
        default=None, description="name of the environment variable that holds the token"
    )
    token_file: FilePath | None = Field(default=None, description="file that holds the token")

    def token(self, environ: Mapping[str, str] | None = None) -> str:
        """The token itself, read anew each time so that a rotated one is used.

        Raises NotFoundError (variable or file absent or empty), UnavailableError (file cannot be read).
        """
        if self.token_env:
            value = (os.environ if environ is None else environ).get(self.token_env, "").strip()
            if not value:
                raise NotFoundError(f"The environment variable {self.token_env} is not set", fix="Set it to the token")
            return value
        if self.token_file is None:
            raise RejectedError("Neither token_env nor token_file is set", fix="Set one of them")
        value = read_secret_file(self.token_file).strip()
        if not value:
            raise NotFoundError("The token file is empty", place=str(self.token_file), fix="Write the token into it")
        return value


def read_secret_file(path: Path) -> str:
    """The text of a small file that holds a secret. Raises NotFoundError, UnavailableError, RejectedError."""
    content = read_whole(path, _SECRET_FILE_BYTES, fix="Correct its name in the settings")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise RejectedError("The file is not text, so not a key or token", place=str(path)) from None


class Credential(SecretSource):
    """What csoc shows to one host, or to a part of it. Used only for URLs below `url_prefix`."""

    url_prefix: str = Field(description='whom it is for: "https://github.com/acme", "ssh://git@git.example.org"')
    kind: Literal["token", "ssh-key", "ssh-agent", "github-app"] = Field(description="what kind of credential it is")
    username: str = Field(
        default="", description='user to name beside a token or key; "" means x-access-token for tokens, git for SSH'
    )
    private_key_file: FilePath | None = Field(default=None, description="SSH key, or the key of the GitHub App (PEM)")
    passphrase_env: VariableName | None = Field(
        default=None, description="variable that holds the passphrase of an SSH key"
    )
    app_id: str = Field(default="", description="id (or client id) of the GitHub App")
    installation_id: str = Field(default="", description="id of the App's installation")
    api_url: str = Field(
        default="", description='API that gives the App its tokens; "" means the one that belongs to url_prefix'
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.url_prefix.startswith(("https://", "ssh://", "http://")):
            raise ValueError(
                "url_prefix must start with https:// or ssh:// (or http:// for a host on your own network)"
            )
        if "@" in self.url_prefix.split("://", 1)[1].split("/", 1)[0] and not self.url_prefix.startswith("ssh://"):
            raise ValueError("url_prefix must not hold a user or a password")
        if self.kind == "token" and (self.token_env is None) == (self.token_file is None):
            raise ValueError('kind "token" needs exactly one of token_env and token_file')
        if self.kind == "ssh-key" and self.private_key_file is None:
            raise ValueError('kind "ssh-key" needs private_key_file')
        if self.kind == "github-app":
            if not (self.app_id and self.installation_id and self.private_key_file):
                raise ValueError('kind "github-app" needs app_id, installation_id and private_key_file')
            if not self.installation_id.isdigit():
                raise ValueError("installation_id must be a number")
        return self


class GitHostSettings(SecretSource):
    """A host where csoc opens pull requests. Without a token, what `credentials` have for its addresses is used."""

    url: str = Field(description='the host, as in "https://git.example.org"')
    kind: Literal["github", "gitea"] = Field(description="whose API it speaks")
    api_url: str = Field(default="", description='its API; "" means the one that belongs to the URL')

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("takes one of token_env and token_file, not both")
        return self


class Limits(Section):
    """What reading a repository may cost before it is refused."""

    connect_seconds: Seconds = Field(
        default=30, description="time until a server answers, and between two signs of life"
    )
    fetch_seconds: Seconds = Field(default=300, description="time for one fetch, push or download as a whole")
    lock_seconds: Seconds = Field(default=60, description="time to wait for another csoc that uses the same clone")
    fresh_seconds: Annotated[float, Field(ge=0)] = Field(
        default=30, description="how long what was fetched counts as new within one command"
    )
    fetch_bytes: Count = Field(default=2_000 * _MEGABYTE, description="bytes that one fetch may bring")
    tree_entries: Count = Field(default=300_000, description="paths in one repository")
    applicationset_elements: Count = Field(default=500, description="Applications that one ApplicationSet makes")
    generated_applications: Count = Field(
        default=5_000, description="Applications that all ApplicationSets of a fleet make together"
    )
    file_bytes: Count = Field(
        default=20 * _MEGABYTE, description="size of one file; a larger one is listed and not read"
    )
    folder_entries: Count = Field(default=100_000, description="files and folders in a plain folder")
    folder_bytes: Count = Field(
        default=500 * _MEGABYTE,
        description="size of the files of a plain folder, or of the changed ones of a work tree",
    )


class RenderLimits(Section):
    """What rendering a chart may cost, for each rendering; and all of one run together."""

    cpu_seconds: Annotated[int, Field(gt=0, le=3_600)] = Field(default=30, description="processor time")
    memory_bytes: Count = Field(default=600 * _MEGABYTE, description="memory of the child process")
    output_bytes: Count = Field(default=50 * _MEGABYTE, description="manifests that come out")
    workers: Annotated[int, Field(ge=0, le=64)] = Field(
        default=0, description="child processes at a time; 0 means one for each processor"
    )
    total_seconds: Seconds = Field(
        default=600, description="time for all renderings of one run; the rest is checked by values only"
    )


class Author(Section):
    """Who commits. Both empty: what the user's Git configuration says."""

    name: str = Field(default="", description="name in commits")
    email: str = Field(default="", description="mail address in commits")


AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
RolePattern = Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_*-]{1,64}$")]


class AwsSettings(Section):
    """How csoc acts in AWS. Credentials, region and endpoint are read as every AWS SDK reads them: AWS_PROFILE,
    AWS_DEFAULT_REGION, AWS_ENDPOINT_URL, the role of the machine or pod."""

    template_bucket: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$",
        description='bucket for templates of links, which makes quick-create addresses; "" for none',
    )
    worker_principal: str = Field(
        default="",
        description='ARN of the role that the worker runs as; "" means the role of whoever asks',
    )
    observer_principal: str = Field(
        default="", description='ARN of the role that the observer runs as; "" means the worker\'s'
    )
    organization: str = Field(
        default="",
        pattern=r"^(o-[a-z0-9]{10,32})?$",
        description='organization that csoc\'s principal must belong to in trust policies of links; "" asks for none',
    )
    people_accounts: tuple[AccountId, ...] = Field(
        default=(),
        description="accounts beside csoc's own whose single sign-on says who people are where more than one is wanted",
    )
    people_roles: tuple[RolePattern, ...] = Field(
        default=(),
        description="ARNs of other roles that people take, without their paths, * for any letters; each is one person",
    )
    pinned_roles: Mapping[RolePattern, str] = Field(
        default_factory=dict,
        description="the same for roles whose sessions have the names of the people who take them, each with what pins "
        "them (a trust policy with sts:RoleSessionName)",
    )


class PlatformSettings(SecretSource):
    """How clusters get what they need. token_env or token_file: a token that may read the fleet's repository and
    nothing else, which Argo CD in each cluster is given; without one the repository is taken for public, or for one
    that Argo CD knows."""

    mirror: str = Field(
        default="",
        description="where charts of the platform come from instead of their own addresses: a Helm repository with all "
        "of them, or a Git repository with a folder for each and a tag <chart>-<version>",
    )
    fleet_url: str = Field(
        default="",
        description='how Argo CD reaches the fleet\'s repository; "" means the address that csoc uses',
    )
    pull_username: str = Field(default="csoc", description="user to name beside the token")
    healthy_seconds: Seconds = Field(
        default=3_600,
        description="how long Gen3 is followed after it was deployed, before a run says what of it is not healthy, and "
        "fails",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("takes one of token_env and token_file, not both")
        return self


class Settings(Section):
    """Everything that can be set. `loading.load` reads it; `Settings()` is what holds with no file and no variable."""

    cache_dir: FilePath = Field(
        default=Path("~/.cache/csoc"),
        validate_default=True,
        description="where clones, charts and parsed files are kept",
    )
    cache_bytes: Count = Field(
        default=20_000 * _MEGABYTE,
        description="size of the clones and charts in the cache; what was used longest ago is removed",
    )
    cache_days: Annotated[int, Field(gt=0, le=3_650)] = Field(
        default=60, description="days after which what was not used is removed from the cache"
    )
    data_dir: FilePath = Field(
        default=Path("~/.local/share/csoc"),
        validate_default=True,
        description="where records are kept: links, plans, runs; unlike the cache they cannot be had again",
    )
    database_url: str = Field(
        default="",
        description="where records are kept: sqlite:///PATH or postgresql://USER@HOST/NAME, without a password (a file "
        'as PGPASSFILE names it has that); "" means csoc.sqlite3 in data_dir',
    )
    aws: AwsSettings = Field(default=AwsSettings(), description="how csoc acts in AWS")
    platform: PlatformSettings = Field(default=PlatformSettings(), description="how clusters get what they need")
    allowed_hosts: tuple[str, ...] = Field(
        default=DEFAULT_HOSTS,
        description='hosts that an address found in a repository may name: exact or "*.example.org", with ":port" '
        "where it is not the scheme's own; replaces the built-in list",
    )
    extra_allowed_hosts: tuple[str, ...] = Field(default=(), description="hosts allowed beside `allowed_hosts`")
    allowed_schemes: tuple[Literal["https", "ssh", "oci"], ...] = Field(
        default=("https", "ssh", "oci"), description="schemes that an address found in a repository may have"
    )
    credentials: tuple[Credential, ...] = Field(default=(), description="what csoc shows to which host")
    git_hosts: tuple[GitHostSettings, ...] = Field(default=(), description="hosts where csoc opens pull requests")
    limits: Limits = Field(default=Limits(), description="what reading a repository may cost")
    render: RenderLimits = Field(default=RenderLimits(), description="what rendering a chart may cost")
    author: Author = Field(default=Author(), description="who commits")
    waiver_days: Annotated[int, Field(gt=0, le=3_650)] = Field(
        default=366, description="how far away the end of a waiver may lie; one that lasts longer does not count"
    )

    @model_validator(mode="after")
    def _no_password(self) -> Self:
        user, at, _ = self.database_url.partition("://")[2].rpartition("@")
        if (at and ":" in user) or "password=" in self.database_url.lower():
            raise ValueError("database_url must not hold a password: put it into the file that PGPASSFILE names")
        return self

    @property
    def database(self) -> str:
        """The URL of the database for records."""
        return self.database_url or f"sqlite:///{self.data_dir / 'csoc.sqlite3'}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every allowed host: `allowed_hosts` and `extra_allowed_hosts`."""
        return self.allowed_hosts + self.extra_allowed_hosts

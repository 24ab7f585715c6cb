"""What all documents share: strictness, names, identifiers, references to files.

YAML turns unquoted text into numbers, dates and booleans ("1.30" becomes 1.3, an account id loses its leading zero), so
nothing is ever converted here: a field that wants text refuses a number, and the error says to quote it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from csoc.errors import RejectedError
from csoc.fleet.revisions import check_revision

API_VERSION = "csoc.gen3.org/v1alpha1"
API_GROUP = "csoc.gen3.org"
UNKNOWN = "unknown"
NAME_LENGTH = 63

LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
LABEL_PATTERN = rf"^{LABEL}$"
NAME_PATTERN = rf"^{LABEL}(?:\.{LABEL})*$"
RELEASE_PATTERN = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
ACCOUNT_ID = r"[0-9]{12}"
UID_PATTERN = r"^[a-z][a-z0-9]{9}$"
COMMIT_PATTERN = r"^[0-9a-f]{40}$"
_NOT_IN_PATHS = re.compile(r"[\x00-\x1f\\]|(^|/)\.\.(/|$)")
_NOT_IN_URLS = re.compile(r"[\x00-\x20]")
FINGERPRINT_PATTERN = r"^[0-9a-f]{16}$"


def wrong_field(field: str, expected: str) -> PydanticCustomError:
    """For checks that compare several fields: the error of one of them, so that its line is the one shown."""
    return PydanticCustomError("wrong_field", "{expected}", {"field": field, "expected": expected})


def _check_revision(text: str, *, packed: bool) -> None:
    try:
        check_revision(text, packed=packed)
    except RejectedError as error:
        what = "a version or a constraint on versions" if packed else "a branch, a tag or a commit"
        raise wrong_field("revision", f"{what} ({error.cause})") from None


def _not_reserved(value: str) -> str:
    if value == UNKNOWN:
        raise ValueError('another name: "unknown" says that something is not known')
    return value


def _relative(value: str) -> str:
    """A path that stays inside its repository, written as Git writes it."""
    if value.startswith(("/", "~")) or _NOT_IN_PATHS.search(value):
        raise ValueError('a path inside the repository, with "/" and without ".."')
    return value


def _hostname(value: str) -> str:
    if value != UNKNOWN and (len(value) > 253 or "." not in value or not re.fullmatch(NAME_PATTERN, value)):
        raise ValueError('a DNS name such as "data.example.org", or "unknown"')
    return value


def _url(value: str) -> str:
    """An address as Argo CD writes it; never with a credential, since documents are read by many."""
    if _NOT_IN_URLS.search(value) or value.startswith("-"):
        raise ValueError("the address of a repository, without spaces")
    scheme, _, rest = value.partition("://")
    user, at, _ = rest.partition("/")[0].rpartition("@")
    if at and (":" in user or scheme.lower() in ("http", "https")):
        raise ValueError("an address without user or password (credentials belong into csoc's settings)")
    return value


Name = Annotated[
    str, Field(pattern=NAME_PATTERN, max_length=NAME_LENGTH), AfterValidator(_not_reserved)
]  # of a document
Label = Annotated[str, Field(pattern=LABEL_PATTERN, max_length=NAME_LENGTH)]
NameOrUnknown = Annotated[str, Field(pattern=NAME_PATTERN, max_length=NAME_LENGTH)]
Uid = Annotated[str, Field(pattern=UID_PATTERN)]
Hostname = Annotated[str, AfterValidator(_hostname)]
RelativePath = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_relative)]
FolderPath = Annotated[str, Field(max_length=4096), AfterValidator(_relative)]
Url = Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(_url)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Provider = Literal["existing", "aws"]


class Part(BaseModel):
    """A piece of a document: immutable, strict, and without room for keys that nobody reads."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class Metadata(Part):
    """Name and identity of a document that stands for a thing."""

    name: Name
    """What people call it: lower-case letters, digits, hyphens and dots, at most 63 characters. Unique for its kind."""
    uid: Uid
    """Ten lower-case letters and digits that never change; physical names carry it. A copied folder needs a new one."""


class RecordMetadata(Part):
    """Name of a document that stands for no thing of its own."""

    name: Name
    """What people call it: lower-case letters, digits, hyphens and dots, at most 63 characters."""


class FileReference(Part):
    """A file, in this repository or another. A plain path may stand in its place."""

    path: RelativePath
    """Path inside the repository; values of Argo CD Applications may hold * and ?."""
    repository: Url | None = None
    """Address of the repository that holds it; left out for the one that this document is in."""
    revision: str = Field(default="", max_length=250)
    """Branch, tag or commit of that repository; left out for its default branch."""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, data: Any) -> Any:
        # An Application is more than its file, so a path alone does not name one.
        if cls is not FileReference:
            return data
        return {"path": data} if isinstance(data, str) else data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler.resolve_ref_schema(handler(schema))
        if cls is not FileReference:
            return described
        text = {"type": "string", "minLength": 1, "description": "Path inside this repository."}
        return {"anyOf": [text, described], "description": described.get("description", "")}

    @model_validator(mode="after")
    def _revision_needs_repository(self) -> FileReference:
        if self.revision and self.repository is None:
            raise wrong_field("revision", "a repository beside it: files of this one are read at its own commit")
        _check_revision(self.revision, packed=False)
        return self


class ChartReference(Part):
    """The Helm chart that an Application names."""

    repo_url: Url = Field(alias="repoURL")
    """Helm repository, OCI registry or Git repository, as the Application writes it."""
    chart: str = Field(default="", max_length=250)
    """Name of the chart in a Helm repository or registry; left out for Git."""
    path: FolderPath = ""
    """Folder of the chart in a Git repository; left out otherwise."""
    revision: str = Field(default="", max_length=250)
    """Version (or constraint), branch, tag or commit; left out for the newest or the default branch."""

    @model_validator(mode="after")
    def _chart_or_path(self) -> ChartReference:
        if bool(self.chart) == bool(self.path):
            raise wrong_field("chart", 'either "chart" (Helm repository or registry) or "path" (Git), and not both')
        _check_revision(self.revision, packed=bool(self.chart))
        return self


class Document(Part):
    """The frame of every document."""

    api_version: Literal["csoc.gen3.org/v1alpha1"]
    """The version of csoc's document format."""

    @classmethod
    def make(cls, **parts: Part) -> Self:
        """A document of this kind: make(metadata=..., spec=...). Raises pydantic's ValidationError."""
        return cls.model_validate({"apiVersion": API_VERSION, "kind": cls.__name__, **parts})

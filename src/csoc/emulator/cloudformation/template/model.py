"""A template that was read and checked, with the parts that the engine asks for.

Source of sections, limits and attributes: AWS CloudFormation User Guide, "Template anatomy", "CloudFormation quotas",
"Resource attribute reference".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class TemplateError(Exception):
    """The template is not acceptable; the message is AWS's, for a ValidationError."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter's declaration. default: None without one (an empty text is a default)."""

    name: str
    type: str
    default: str | None = None
    no_echo: bool = False
    allowed_values: tuple[str, ...] = ()
    allowed_pattern: str = ""
    constraint: str = ""
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None
    description: str = ""

    @property
    def value_type(self) -> str:
        """The type of the value itself: what an SSM parameter type holds between its brackets."""
        inner = self.type
        if self.from_ssm:
            inner = inner.removeprefix("AWS::SSM::Parameter::Value<").removesuffix(">")
        return inner

    @property
    def item_type(self) -> str:
        """The type of one value, of a list or alone."""
        return self.value_type.removeprefix("List<").removesuffix(">")

    @property
    def is_list(self) -> bool:
        return self.value_type.startswith("List<") or self.value_type == "CommaDelimitedList"

    @property
    def from_ssm(self) -> bool:
        return self.type.startswith("AWS::SSM::Parameter::Value<")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as written, intrinsic functions unresolved. depends_on: as written; what follows from references is
    added by `dependencies`."""

    logical_id: str
    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    condition: str = ""
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    creation_policy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One output as written."""

    name: str
    value: Any
    description: str = ""
    export: Any = None
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What parameters must be like together. condition: when it counts, None for always. assertions: what must hold,
    with what to tell if it does not."""

    name: str
    condition: Any
    assertions: tuple[tuple[Any, str], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """text: as it was given, for GetTemplate."""

    text: str
    description: str
    parameters: Mapping[str, Parameter]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Output]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    version: str = ""


# Resource types that make or change rights. CloudFormation wants CAPABILITY_IAM for them, and CAPABILITY_NAMED_IAM
# where one is named by the template. Source: API reference of CreateStack, parameter Capabilities.
IAM_TYPES = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}


def capabilities_needed(template: Template) -> tuple[str, ...]:
    """The capability that a caller must acknowledge; empty if none is needed."""
    found = [resource for resource in template.resources.values() if resource.type in IAM_TYPES]
    if not found:
        return ()
    named = any(IAM_TYPES[resource.type] in resource.properties for resource in found if IAM_TYPES[resource.type])
    return ("CAPABILITY_NAMED_IAM",) if named else ("CAPABILITY_IAM",)


def capabilities_reason(template: Template) -> str:
    """Which resource types need the capability, in the words of ValidateTemplate."""
    types = sorted({resource.type for resource in template.resources.values() if resource.type in IAM_TYPES})
    return f"The following resource(s) require capabilities: [{', '.join(types)}]" if types else ""


def text_of(value: Any) -> str:
    """A scalar as CloudFormation sees it: everything is text, booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

"""Reads a template body and refuses what CloudFormation refuses, in its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.template.bodies import parse_body
from csoc.emulator.cloudformation.template.checks import check_references, check_values
from csoc.emulator.cloudformation.template.model import (
    Output,
    Parameter,
    Resource,
    Rule,
    Template,
    TemplateError,
    text_of,
)
from csoc.emulator.cloudformation.template.parameters import check_pattern

_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Rules",
        "Transform", "Hooks", "Resources", "Outputs",
    }
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {
        "Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
        "CreationPolicy", "UpdatePolicy",
    }
)  # fmt: skip
_DELETION = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
_REPLACE = ("Delete", "Retain", "Snapshot")
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
_TYPE = re.compile(r"[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9]+(::MODULE)?|Custom::[A-Za-z0-9_@-]{1,60}")
# Source of the figures: User Guide, "CloudFormation quotas".
_MOST = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
_LONGEST_DESCRIPTION = 1024
# Source: User Guide, "CloudFormation-supplied parameter types".
_AWS_TYPES = frozenset(
    {
        "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id",
        "AWS::EC2::KeyPair::KeyName", "AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id",
        "AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id", "AWS::EC2::VPC::Id", "AWS::Route53::HostedZone::Id",
    }
)  # fmt: skip
_NO_LIST = frozenset({"AWS::EC2::KeyPair::KeyName"})


def read_template(text: str) -> Template:
    """Raises TemplateError with AWS's message."""
    data = parse_body(text)
    unknown = sorted(set(data) - _SECTIONS)
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    for name in ("Transform", "Hooks"):
        if data.get(name):
            raise TemplateError(f"The emulator does not offer the section {name}: it runs no macros and no hooks")
    version = text_of(data.get("AWSTemplateFormatVersion", "2010-09-09"))
    if version != "2010-09-09":
        raise TemplateError(f"Template format error: Unsupported AWSTemplateFormatVersion {version}")
    resources = _section(data, "Resources")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    for name in ("Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs"):
        _at_most(_section(data, name), name)
        check_values(name, _without_metadata(name, _section(data, name)))
    template = Template(
        text,
        _description(data, "Template format error: 'Description'"),
        {name: _parameter(name, body) for name, body in _section(data, "Parameters").items()},
        _mappings(_section(data, "Mappings")),
        _section(data, "Conditions"),
        {name: _resource(name, body) for name, body in resources.items()},
        {name: _output(name, body) for name, body in _section(data, "Outputs").items()},
        _section(data, "Metadata"),
        {name: _rule(name, body) for name, body in _section(data, "Rules").items()},
        text_of(data["AWSTemplateFormatVersion"]) if "AWSTemplateFormatVersion" in data else "",
    )
    check_references(template)
    return template


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = data.get(name)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise TemplateError(f"Template format error: [/{name}] map expected")
    return section


def _without_metadata(section: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Metadata may hold anything."""
    if section != "Resources":
        return body
    return {
        name: {key: value for key, value in resource.items() if key != "Metadata"}
        if isinstance(resource, Mapping)
        else resource
        for name, resource in body.items()
    }


def _at_most(section: Mapping[str, Any], what: str) -> None:
    most = _MOST.get(what)
    if most is not None and len(section) > most:
        raise TemplateError(
            f"Template format error: Number of {what.lower()}, {len(section)}, is greater than maximum allowed, {most}"
        )


def _description(body: Mapping[str, Any], what: str) -> str:
    found = body.get("Description", "")
    if isinstance(found, (Mapping, list)):
        raise TemplateError(f"{what} must be a string")
    if len(text_of(found).encode()) > _LONGEST_DESCRIPTION:
        raise TemplateError(f"{what} length is greater than {_LONGEST_DESCRIPTION}.")
    return text_of(found)


def _parameter(name: str, body: Any) -> Parameter:
    if not _LOGICAL_ID.fullmatch(name):
        raise TemplateError(f"Template format error: Parameter name {name} is non alphanumeric.")
    if not isinstance(body, Mapping) or not isinstance(body.get("Type"), str):
        raise TemplateError("Template format error: Every Parameters object must contain a Type member.")
    kind = body["Type"]
    if not _known_type(kind):
        raise TemplateError(f"Template format error: Unrecognized parameter type: {kind}")
    default, values = body.get("Default"), body.get("AllowedValues", ())
    if isinstance(default, (Mapping, list)):
        raise TemplateError(f"Template format error: Every Default member must be a string. ({name})")
    if not isinstance(values, (list, tuple)):
        raise TemplateError(f"Template format error: [/Parameters/{name}/AllowedValues] list expected")
    pattern = text_of(body.get("AllowedPattern", ""))
    check_pattern(name, pattern)
    return Parameter(
        name,
        kind,
        None if default is None else text_of(default),
        text_of(body.get("NoEcho", "false")).lower() == "true",
        tuple(text_of(value) for value in values),
        pattern,
        text_of(body.get("ConstraintDescription", "")),
        _whole(name, body, "MinLength"),
        _whole(name, body, "MaxLength"),
        _number(name, body, "MinValue"),
        _number(name, body, "MaxValue"),
        _description(body, f"Template format error: Description of parameter {name}"),
    )


def _known_type(kind: str) -> bool:
    if kind in ("String", "Number", "CommaDelimitedList", "List<Number>", "AWS::SSM::Parameter::Name"):
        return True
    if kind.startswith("AWS::SSM::Parameter::Value<") and kind.endswith(">"):
        inner = kind.removeprefix("AWS::SSM::Parameter::Value<")[:-1]
        return inner in ("String", "CommaDelimitedList", "List<String>") or _known_aws_type(inner)
    return _known_aws_type(kind)


def _known_aws_type(kind: str) -> bool:
    inner = kind.removeprefix("List<").removesuffix(">") if kind.startswith("List<") else kind
    return inner in _AWS_TYPES and not (kind != inner and inner in _NO_LIST)


def _whole(name: str, body: Mapping[str, Any], member: str) -> int | None:
    found = _number(name, body, member)
    return None if found is None else int(found)


def _number(name: str, body: Mapping[str, Any], member: str) -> float | None:
    if member not in body:
        return None
    try:
        found = float(text_of(body[member]))
        int(found)
    except (ValueError, OverflowError):
        raise TemplateError(f"Template format error: {member} of parameter {name} must be a number") from None
    return found


def _mappings(section: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, keys in section.items():
        if not isinstance(keys, Mapping) or not all(isinstance(values, Mapping) for values in keys.values()):
            raise TemplateError(f"Template format error: [/Mappings/{name}] every Mappings attribute must be a map")
    return section


def _resource(name: str, body: Any) -> Resource:
    if not _LOGICAL_ID.fullmatch(name):
        raise TemplateError(f"Template format error: Resource name {name} is non alphanumeric.")
    if not isinstance(body, Mapping):
        raise TemplateError(f"Template format error: [/Resources/{name}] resource definition is malformed")
    unknown = sorted(set(body) - _ATTRIBUTES)
    if unknown:
        raise TemplateError(f"Invalid template resource property '{unknown[0]}'")
    kind = body.get("Type")
    if not isinstance(kind, str):
        raise TemplateError(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )
    if not _TYPE.fullmatch(kind):
        raise TemplateError(f"Template format error: Unrecognized resource types: [{kind}]")
    if "UpdatePolicy" in body:
        raise TemplateError(f"The emulator does not offer UpdatePolicy ({name}): leave it out")
    depends = body.get("DependsOn", ())
    after = (depends,) if isinstance(depends, str) else depends
    if not isinstance(after, (list, tuple)) or not all(isinstance(other, str) for other in after):
        raise TemplateError("Template format error: DependsOn must be a string or list of strings.")
    condition = body.get("Condition", "")
    if not isinstance(condition, str):
        raise TemplateError(f"Template format error: [/Resources/{name}/Condition] string expected")
    return Resource(
        name,
        kind,
        _map(name, body, "Properties"),
        condition,
        tuple(after),
        _policy(name, body, "DeletionPolicy", _DELETION),
        _policy(name, body, "UpdateReplacePolicy", _REPLACE),
        _map(name, body, "Metadata"),
        _map(name, body, "CreationPolicy"),
    )


def _map(name: str, body: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    found = body.get(attribute, {})
    if not isinstance(found, Mapping):
        raise TemplateError(f"Template format error: [/Resources/{name}/{attribute}] map expected")
    return found


def _policy(name: str, body: Mapping[str, Any], attribute: str, allowed: tuple[str, ...]) -> str:
    value = body.get(attribute, "Delete")
    if not isinstance(value, str) or value not in allowed:
        raise TemplateError(f"Template format error: Unrecognized {attribute} {text_of(value)} for resource {name}")
    return value


def _output(name: str, body: Any) -> Output:
    if not _LOGICAL_ID.fullmatch(name):
        raise TemplateError(f"Template format error: Output name {name} is non alphanumeric.")
    if not isinstance(body, Mapping) or "Value" not in body:
        raise TemplateError(
            f"Template format error: Output {name} is malformed. Every Outputs member must contain a Value object"
        )
    export, condition = body.get("Export"), body.get("Condition", "")
    if export is not None and (not isinstance(export, Mapping) or "Name" not in export):
        raise TemplateError(f"Template format error: Output {name} is malformed. Export must contain a Name")
    if not isinstance(condition, str):
        raise TemplateError(f"Template format error: [/Outputs/{name}/Condition] string expected")
    return Output(
        name,
        body["Value"],
        _description(body, f"Template format error: Description of output {name}"),
        export["Name"] if export else None,
        condition,
    )


def _rule(name: str, body: Any) -> Rule:
    assertions = body.get("Assertions") if isinstance(body, Mapping) else None
    if not isinstance(assertions, list) or not all(
        isinstance(item, Mapping) and "Assert" in item for item in assertions
    ):
        raise TemplateError(f"Template format error: [/Rules/{name}] Every rule must contain a list of Assertions")
    return Rule(
        name,
        body.get("RuleCondition"),
        tuple((item["Assert"], text_of(item.get("AssertDescription", ""))) for item in assertions),
    )
